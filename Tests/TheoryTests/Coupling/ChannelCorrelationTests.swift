import Testing
import UnderstudyNumerics

@testable import UnderstudyNetworks
@testable import UnderstudyTheory

@Suite("Correlations of channels") struct ChannelCorrelationTests {
  private static let size = MapSize(channels: 2, rows: 4, columns: 3)

  /// A convolution of 1 x 1 and a sum: activations are weighted pixels plus a bias.
  private func network(_ weights: [[Double]], bias: Double) throws -> Network {
    let rows = weights.count * 12
    return try Network(
      layers: [
        NetworkLayer(
          .convolution(Window(size: 1)), weights: Matrix(weights),
          biases: [Double](repeating: bias, count: weights.count)),
        NetworkLayer(weights: Matrix([[Double](repeating: 1, count: rows)]), biases: [0]),
      ], input: Self.size, activation: .relu)
  }

  /// In multiples of 1/1024 below 8 every activation is exact in single precision up to a bias of 4096: what is left are the
  /// errors of the sums. 1e-5 is what ``channelCorrelations(of:with:over:count:isCancelled:)`` promises.
  @Test("however large the means are beside the deviations", arguments: [8, 128, 1024, 4096.0])
  func largeMeans(bias: Double) throws {
    var stream = RandomStream(key: 3, purpose: .test)
    // Of more than a batch.
    let pixels = stream.normals(150 * Self.size.count, standardDeviation: 0.5).map { ($0 * 1024).rounded() / 1024 }
    let stored = StoredPixels(.numbers(pixels.map(Float.init)), size: Self.size, count: 150)
    let (teacher, student) = (
      try network([[1, 0], [0.5, 1]], bias: bias), try network([[1, 1], [0, 0], [-1, 0.5]], bias: bias)
    )
    let found = try #require(
      try channelCorrelations(
        of: ImageEvaluator(teacher), with: ImageEvaluator(student), over: ImageBatcher(unlabelled: stored), count: 150))[
        0]
    #expect(found.deadTeacherNodes.isEmpty && found.deadStudentNodes == [1])
    func channel(_ weights: [Double]) -> [Double] {
      (0..<150 * 12).map { sample in
        let first = sample / 12 * 24 + sample % 12
        return weights[0] * pixels[first] + weights[1] * pixels[first + 12]
      }
    }
    func rho(_ a: [Double], _ b: [Double]) -> Double {
      let count = Double(a.count)
      func sum(_ x: [Double], _ y: [Double]) -> Double {
        let (p, q) = (x.reduce(0, +) / count, y.reduce(0, +) / count)
        return zip(x, y).reduce(0) { $0 + ($1.0 - p) * ($1.1 - q) }
      }
      return sum(a, b) / (sum(a, a) * sum(b, b)).squareRoot()
    }
    for (j, a) in [[1, 0], [0.5, 1.0]].enumerated() {
      for (k, b) in [(0, [1, 1]), (2, [-1, 0.5])] as [(Int, [Double])] {
        let expected = rho(channel(a), channel(b))
        #expect(abs(found.values[j, k] - expected) < 1e-5, "\(j), \(k): \(found.values[j, k]), not \(expected)")
      }
    }
  }
}
