import UnderstudyNetworks
import UnderstudyNumerics

/// The damped Gauss-Newton system of a student of any depth, formed and solved directly.
///
/// With `V_l(x)` the matrix that carries layer l's activations to the outputs, output c changes with node k's row by
/// `V_l[c, k] phi'(z_k) f_{l-1}`, and with its own row by `f_{L-1}`. The first factor is carried from the top down,
/// `V_{l-1} = V_l D_l W_l`, a block of samples at a time; the sums over outputs meet pairs of nodes, not pairs of weights
/// (``FactoredJacobian``).
///
/// The damping is Marquardt's, proportional to the diagonal: it does not depend on how a node's strength is split between
/// its two sides. Each rescaling of a node is a null vector of the system, and so is more in over-realized students: the
/// damping is what makes it solvable.
struct DeepGaussNewtonSystem: GaussNewtonSolver {
  private let problem: DeepFinishingProblem
  /// J^T J, summed over the samples; lower triangle.
  private(set) var gram = Matrix([])
  private var descent = DeepWeights(layers: [])

  init(_ problem: DeepFinishingProblem) { self.problem = problem }

  /// Bytes that a system takes: the matrix and its factor.
  static func byteCount(weightCount: Int) -> Int { 16 * weightCount * weightCount }

  /// - Complexity: O(samples x (weights^2 + nodes^2 outputs)); of the first term a quarter for gates that are half open.
  mutating func linearize(at weights: DeepWeights, _ evaluation: DeepEvaluation) {
    descent = problem.descent(at: evaluation)
    gram = Matrix(rowCount: weights.count, columnCount: weights.count)
    for first in stride(from: 0, to: problem.sampleCount, by: Self.blockSize) {
      let block = first..<min(first + Self.blockSize, problem.sampleCount)
      LinearAlgebra.addGram(of: problem.jacobian(at: weights, evaluation, samples: block), to: &gram)
    }
  }

  private static let blockSize = 256

  /// - Complexity: O(weights^3).
  func step(damping: Double) -> GaussNewtonStep<DeepWeights>? {
    let dampings = dampings(of: gram.diagonal, damping)
    var system = gram
    for a in dampings.indices { system[a, a] += dampings[a] }
    let right = descent.flat
    var solution = Matrix(rowCount: 1, columnCount: right.count, values: right)
    guard system.isFinite, solution.isFinite, LinearAlgebra.factorCholesky(&system) else { return nil }
    LinearAlgebra.solveCholesky(system, rightSides: &solution)
    guard solution.isFinite else { return nil }
    // Of b.s - 1/2 s (J^T J) s, with (J^T J + damping) s = b.
    var fall = 0.0
    for (a, move) in solution.values.enumerated() { fall += move * (right[a] + dampings[a] * move) }
    return GaussNewtonStep(step: DeepWeights(solution.values, like: descent), predictedFall: fall / 2)
  }
}

extension DeepFinishingProblem {
  /// The Jacobian of the outputs of some samples, layer by layer.
  func jacobian(at weights: DeepWeights, _ evaluation: DeepEvaluation, samples: Range<Int>) -> [FactoredJacobian] {
    let outputs = outputCount
    var sensitivities = Matrix(rowCount: samples.count * outputs, columnCount: outputs)
    for row in 0..<samples.count * outputs { sensitivities[row, row % outputs] = 1 }
    var result = [
      FactoredJacobian(
        sensitivities: sensitivities, features: evaluation.features[weights.layers.count - 1].rows(samples))
    ]
    for l in evaluation.slopes.indices.reversed() {
      let slopes = evaluation.slopes[l]
      let n = slopes.columnCount
      var carried = Matrix(rowCount: samples.count * outputs, columnCount: n)
      LinearAlgebra.multiply(sensitivities, weights.layers[l + 1].prefix(columns: n), into: &carried)
      for i in 0..<samples.count {
        for row in i * outputs..<(i + 1) * outputs {
          for k in 0..<n { carried.values[row * n + k] *= slopes.values[(samples.lowerBound + i) * n + k] }
        }
      }
      sensitivities = carried
      result.insert(
        FactoredJacobian(sensitivities: sensitivities, features: evaluation.features[l].rows(samples)), at: 0)
    }
    return result
  }
}
