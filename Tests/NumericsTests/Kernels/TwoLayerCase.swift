import Testing
import UnderstudyNumerics

/// The sizes and options of one comparison.
struct TwoLayerCase: Sendable, CustomStringConvertible {
  enum Frozen: String, Sendable, CaseIterable { case none, first, last }

  var d = 5
  var n = 6
  var c = 3
  var batch = 4
  var biases = true
  var slope = 0.0
  var frozen = Frozen.none
  var unitNorm = false

  var description: String {
    "d \(d), n \(n), C \(c), batch \(batch), biases \(biases), slope \(slope), frozen \(frozen), unit norm \(unitNorm)"
  }

  var shape: NetworkShape {
    NetworkShape(widths: [d, n, c], hasBiases: biases, negativeSlope: slope)
  }

  var rule: UpdateRule {
    UpdateRule(
      learningRate: 0.1, updatesFirstLayer: frozen != .first, updatesLastLayer: frozen != .last,
      unitNormFirstLayer: unitNorm)
  }

  /// Every size of each dimension up to 33 (all tails of 4, 8, 16 lanes, of 6 and 12 rows, and of 32 samples), one at a
  /// time, with and without biases; every option; and random mixes of all.
  static let all: [TwoLayerCase] = {
    var cases: [TwoLayerCase] = []
    for biases in [false, true] {
      for size in 1...33 {
        let slope = [0, 0.01, 1][size % 3]
        cases.append(TwoLayerCase(n: size, biases: biases, slope: slope))
        cases.append(TwoLayerCase(batch: size, biases: biases, slope: slope))
        cases.append(TwoLayerCase(d: size, biases: biases, slope: slope))
        cases.append(TwoLayerCase(c: size, biases: biases, slope: slope))
      }
      for slope in [0, 0.01, 1] {
        for frozen in Frozen.allCases {
          for unitNorm in [false, true] {
            cases.append(
              TwoLayerCase(
                d: 9, n: 13, c: 7, batch: 11, biases: biases, slope: slope, frozen: frozen, unitNorm: unitNorm))
          }
        }
      }
    }
    var stream = RandomStream(key: 20, purpose: .test)
    for _ in 0..<60 {
      let draws = stream.integers(8, below: 1 << 16).map { Int($0) }
      cases.append(
        TwoLayerCase(
          d: 1 + draws[0] % 33, n: 1 + draws[1] % 50, c: 1 + draws[2] % 33, batch: 1 + draws[3] % 40,
          biases: draws[4] % 2 == 0, slope: [0, 0.01, 1][draws[5] % 3], frozen: Frozen.allCases[draws[6] % 3],
          unitNorm: draws[7] % 2 == 0))
    }
    return cases
  }()
}

/// A network and samples of a case, with normal weights, biases, inputs and targets that single precision holds exactly.
struct TwoLayerProblem {
  let weights: [LayerWeights]
  let inputs: Matrix
  let targets: Matrix

  private init(_ test: TwoLayerCase, sampleCount: Int, index: Int) {
    var stream = RandomStream(key: 21, purpose: .test, index: index)
    func draw(_ rows: Int, _ columns: Int, _ deviation: Double) -> Matrix {
      var matrix = stream.normalMatrix(rowCount: rows, columnCount: columns, standardDeviation: deviation)
      for i in matrix.values.indices { matrix.values[i] = Double(Float(matrix.values[i])) }
      return matrix
    }
    inputs = draw(sampleCount, test.d, 1)
    targets = draw(sampleCount, test.c, 1)
    weights = [(test.d, test.n), (test.n, test.c)].map { inputs, nodes in
      LayerWeights(
        weights: draw(nodes, inputs, 1 / Double(inputs).squareRoot()),
        biases: test.biases ? draw(1, nodes, 0.5).values : nil)
    }
  }

  /// The first draw in which no pre-activation is so close to 0 that rounding could decide its gate, and no row of the
  /// first layer so short that normalizing it would enlarge errors much.
  static func generic(
    _ test: TwoLayerCase, sampleCount: Int, epsilon: Double, distance: Double = 0
  ) throws -> TwoLayerProblem {
    for index in 0..<200 {
      let problem = TwoLayerProblem(test, sampleCount: sampleCount, index: index)
      let margin = distance + 2 * Double(test.d + 2) * epsilon
      let rows = (0..<test.n).map { problem.weights[0].weights.row($0) }
      guard rows.allSatisfy({ euclideanNorm($0) > 0.05 }) else { continue }
      let isFarFromKinks = (0..<sampleCount).allSatisfy { i in
        rows.enumerated().allSatisfy { k, row in
          var (z, magnitude) = (problem.weights[0].biases?[k] ?? 0, abs(problem.weights[0].biases?[k] ?? 0))
          for (weight, x) in zip(row, problem.inputs.row(i)) {
            z += weight * x
            magnitude += abs(weight * x)
          }
          return abs(z) > margin * max(1, magnitude)
        }
      }
      if test.slope == 1 || isFarFromKinks { return problem }
    }
    throw NoGenericDraw(test: test)
  }

  struct NoGenericDraw: Error { let test: TwoLayerCase }
}

/// How far two ways to compute the same step, or loss, may be apart.
///
/// A sum of L products in any order, fused or not, is off by at most L epsilon times the sum of their absolute values (to
/// first order). Let A1 bound sum |w x| + |b| (so |z|, |f|), A2 = max |t| + sum |v| A1 + |b| (so |e|), and G = sum |v| A2
/// (so |g_1|). Along the chain z (d + 1 terms), e (n + 2), g_1 (C + 1), update (one term a sample, two roundings, and
/// one each for scale and result) relative errors add up to at most L = d + n + C + batch + 9 epsilons of those bounds,
/// and both computations err. After an update a weight is at most U = |w| + rate x max(G |x|, A1 A2, A2, G).
struct TwoLayerTolerance {
  let weights: Double
  let loss: Double

  init(_ test: TwoLayerCase, _ problem: TwoLayerProblem, sampleCount: Int, epsilon: Double) {
    func largest(_ values: [Double]) -> Double { values.reduce(0) { max($0, abs($1)) } }
    func largestRowSum(_ matrix: Matrix) -> Double {
      (0..<matrix.rowCount).map { matrix.row($0).reduce(0) { $0 + abs($1) } }.reduce(0, max)
    }
    let w = problem.weights
    let x = max(1, largest(problem.inputs.values))
    let a1 = max(1, largestRowSum(w[0].weights) * x + largest(w[0].biases ?? []))
    let a2 = largest(problem.targets.values) + largestRowSum(w[1].weights) * a1 + largest(w[1].biases ?? [])
    let g = largestRowSum(w[1].weights.transposed) * a2
    let rate = test.rule.learningRate
    let u =
      max(
        largest(w[0].weights.values), largest(w[1].weights.values), largest(w[0].biases ?? []),
        largest(w[1].biases ?? []))
      + rate * max(g * x, a1 * a2)
    let length = Double(test.d + test.n + test.c + sampleCount + 9)
    var tolerance = 2 * length * epsilon * u
    // An error of every weight moves w / |w| by at most (1 + sqrt d) / |w| times as much; steps are short enough that
    // rows keep a fifth of the 0.05 that was drawn at least, which the test checks.
    if test.unitNorm && test.frozen != .first { tolerance *= (1 + Double(test.d).squareRoot()) / 0.01 }
    weights = tolerance
    // 1/2 e^2 errs by |e| times the error of e, and C of them are added.
    loss = Double(test.c) * (a2 * 2 * length * epsilon * a2 + length * epsilon * a2 * a2)
  }
}

/// The largest difference of any weight.
func largestDifference(_ a: [LayerWeights], _ b: [LayerWeights]) -> Double {
  zip(values(a), values(b)).reduce(0) { largest, pair in
    let difference = abs(pair.0 - pair.1)
    return difference.isNaN ? .infinity : max(largest, difference)
  }
}

/// The bits of every weight.
func bits(_ layers: [LayerWeights]) -> [UInt64] { values(layers).map(\.bitPattern) }

private func values(_ layers: [LayerWeights]) -> [Double] { layers.flatMap { $0.weights.values + ($0.biases ?? []) } }

/// The instruction sets of this machine.
let supportedSets = InstructionSet.allCases.filter(\.isSupported)
