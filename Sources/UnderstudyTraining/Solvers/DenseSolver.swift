import UnderstudyNumerics

/// The damped Gauss-Newton system of a student of any depth, formed and solved directly.
///
/// Each rescaling of a node is a null vector of the system, and so is more in over-realized students: the damping is what makes
/// it solvable. Sums over outputs meet pairs of nodes, not pairs of weights (``FactoredJacobian``).
struct DenseSolver: LeastSquaresSolver {
  private let problem: LeastSquaresProblem
  /// J^T J, summed over the samples; lower triangle.
  private(set) var gram = Matrix([])
  private var negativeGradient = ParameterVector(layers: [])

  init(_ problem: LeastSquaresProblem) { self.problem = problem }

  /// Bytes that a system takes: the matrix and its factor.
  static func byteCount(weightCount: Int) -> Int { 16 * weightCount * weightCount }

  /// - Complexity: O(samples x (weights^2 + nodes^2 outputs)); of the first term a quarter for gates that are half open.
  mutating func linearize(at weights: ParameterVector, _ evaluation: Evaluation) {
    negativeGradient = problem.negativeGradient(at: evaluation)
    var sum = Matrix(rowCount: weights.count, columnCount: weights.count)
    problem.forEachJacobian(at: weights, evaluation) { LinearAlgebra.addGram(of: $0, to: &sum) }
    gram = sum
  }

  /// - Complexity: O(weights^3).
  func step(damping: Double) -> GaussNewtonStep? {
    let dampings = dampings(of: gram.diagonal, damping)
    var system = gram
    for a in dampings.indices { system[a, a] += dampings[a] }
    let right = negativeGradient.flat
    var solution = Matrix(rowCount: 1, columnCount: right.count, values: right)
    guard system.isFinite, solution.isFinite, LinearAlgebra.factorCholesky(&system) else { return nil }
    LinearAlgebra.solveCholesky(system, rightSides: &solution)
    guard solution.isFinite else { return nil }
    // Of b.s - 1/2 s (J^T J) s, with (J^T J + damping) s = b.
    var fall = 0.0
    for (a, move) in solution.values.enumerated() { fall += move * (right[a] + dampings[a] * move) }
    return GaussNewtonStep(step: ParameterVector(solution.values, like: negativeGradient), predictedFall: fall / 2)
  }
}
