import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

/// What a small difference of two nodes costs of their correlation over Gaussian inputs; see the derivation of alignment.
@Suite("Correlation of nodes that are nearly alike") struct CorrelationFormTests {
  /// Moments of `phi(z)` and `phi'(z)` for `z = p + b`, p standard normal.
  private struct Moments {
    let slope: Double
    let bias: Double

    private var positiveShare: Double { 0.5 * erfc(-bias / 2.0.squareRoot()) }
    private var density: Double { exp(-bias * bias / 2) / (2 * Double.pi).squareRoot() }
    /// E of the positive part of z.
    private var positivePart: Double { bias * positiveShare + density }
    private var mean: Double { (1 - slope) * positivePart + slope * bias }
    private var meanGate: Double { positiveShare + slope * (1 - positiveShare) }

    var variance: Double {
      let positiveSquare = (bias * bias + 1) * positiveShare + bias * density
      return (1 - slope * slope) * positiveSquare + slope * slope * (bias * bias + 1) - mean * mean
    }
    /// E[phi'^2].
    var meanSquareGate: Double { positiveShare + slope * slope * (1 - positiveShare) }

    /// 1 - rho at a small angle and equal offsets, up to terms of fourth order.
    func loss(angle: Double) -> Double {
      let cubic = (1 - slope) * (1 - slope) * exp(-bias * bias / 2) * angle * angle * angle / (6 * Double.pi)
      return (meanSquareGate * angle * angle / 2 - cubic) / variance
    }

    /// 1 - rho for equal directions and offsets that differ by `delta` about `bias`, up to terms of higher order.
    func loss(offset delta: Double) -> Double {
      let product = (1 - slope * slope) * positivePart + slope * slope * bias
      let covariance = product - meanGate * mean
      let unexplained = meanSquareGate - meanGate * meanGate - covariance * covariance / variance
      return delta * delta * unexplained / (2 * variance)
    }
  }

  private static let count = 200_000

  /// Two plane nodes of weights of norm `size` whose boundaries lie at offsets -b times the inputs' deviation, measured over
  /// Gaussian inputs of that deviation: 1 - rho, and its sampling error.
  ///
  /// With `f`, `g` the activations at mean 0 and variance 1, a sample adds `f g - rho (f^2 + g^2) / 2` to the error of rho.
  private func measured(
    slope: Double, biases: (Double, Double), angle: Double, key: UInt64
  ) throws -> (loss: Double, error: Double) {
    var stream = RandomStream(key: key, purpose: .test)
    let scales = stream.uniforms(3)
    let deviation = pow(10, 4 * scales[0] - 2)
    func network(_ angle: Double, _ bias: Double, _ size: Double) throws -> Network {
      try Network(
        layers: [
          NetworkLayer(weights: Matrix([[size * cos(angle), size * sin(angle)]]), biases: [size * bias * deviation]),
          NetworkLayer(weights: Matrix([[1]]), biases: [0]),
        ], activation: Activation(negativeSlope: slope))
    }
    let (teacher, student) = (try network(0, biases.0, 0.1 + scales[1]), try network(angle, biases.1, 0.1 + scales[2]))
    let inputs = stream.normalMatrix(rowCount: Self.count, columnCount: 2, standardDeviation: deviation)
    let rho = try correlation(of: Teacher(teacher), with: Student(student), over: inputs).values[0, 0]
    func standardized(_ network: Network) throws -> [Double] {
      let values = try network.outputs(for: inputs).values
      let mean = values.reduce(0, +) / Double(values.count)
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
      return values.map { ($0 - mean) / variance.squareRoot() }
    }
    let squares = zip(try standardized(teacher), try standardized(student)).reduce(0) {
      let influence = $1.0 * $1.1 - rho * ($1.0 * $1.0 + $1.1 * $1.1) / 2
      return $0 + influence * influence
    }
    return (1 - rho, (squares / Double(Self.count)).squareRoot() / Double(Self.count).squareRoot())
  }

  @Test(
    "an angle costs E[phi'^2] theta^2 / (2 Var phi), whatever the slope and the bias", arguments: [0, 0.2, 0.5, 0.9],
    [-1, -0.5, 0, 0.7])
  func angles(slope: Double, bias: Double) throws {
    let angle = 0.05
    let moments = Moments(slope: slope, bias: bias)
    let (loss, error) = try measured(
      slope: slope, biases: (bias, bias), angle: angle, key: UInt64(1000 * slope + 10 * (bias + 2)))
    // The fourth order is below theta^2 = 0.25 % of the first.
    #expect(abs(loss - moments.loss(angle: angle)) < 5 * error + angle * angle * loss)
    #expect(error < 0.015 * loss, "narrow enough: P(z > 0) in the place of E[phi'^2] is off by 8 % at 0.2 and -0.5")
  }

  @Test(
    "an offset costs the part of phi' that no multiple of phi explains", arguments: [0, 0.2, 0.5], [-1, -0.5, 0, 0.7])
  func offsets(slope: Double, bias: Double) throws {
    let delta = 0.05
    let moments = Moments(slope: slope, bias: bias)
    let (loss, error) = try measured(
      slope: slope, biases: (bias - delta / 2, bias + delta / 2), angle: 0,
      key: UInt64(1000 * slope + 10 * (bias + 2)) + 7)
    // Between the two boundaries the difference is no longer phi' delta: a share delta of the samples, a third of it.
    #expect(abs(loss - moments.loss(offset: delta)) < 5 * error + delta * loss)
  }

  /// What the right factor is told from: 0.678 against 0.622 for c = 0.2 and b = -0.5.
  @Test("the factors that the derivation quotes")
  func quoted() {
    func factor(_ slope: Double, _ bias: Double) -> Double {
      let moments = Moments(slope: slope, bias: bias)
      return moments.meanSquareGate / (2 * moments.variance)
    }
    let angles: [(Double, Double, Double)] = [
      (0, -1, 1.160), (0, -0.5, 0.905), (0, -1.0 / 15, 0.752), (0, 0, 0.733), (0, 0.5, 0.625), (0.2, -1, 0.715),
      (0.2, -0.5, 0.678), (0.2, 0, 0.622), (0.5, -1, 0.533), (0.5, 0.5, 0.524),
    ]
    for (slope, bias, value) in angles { #expect(abs(factor(slope, bias) - value) < 5e-4, "\(slope), \(bias)") }
    let offsets: [(Double, Double, Double)] = [(0, 0, 0.195), (0, -0.5, 0.304), (0, 0.5, 0.117), (0.2, 0, 0.086)]
    for (slope, bias, value) in offsets {
      #expect(abs(Moments(slope: slope, bias: bias).loss(offset: 1) - value) < 5.5e-4, "\(slope), \(bias)")
    }
  }
}
