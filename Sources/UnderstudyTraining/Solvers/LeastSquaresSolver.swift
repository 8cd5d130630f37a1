/// Finds the damped Gauss-Newton step of a student.
///
/// The damping is Marquardt's, proportional to the diagonal of the system: it does not depend on how a node's strength is split
/// between its two sides, nor on how strong the node is. With identity damping the weak nodes of a teacher with decaying
/// strengths (1/100 at p = 2) would hardly move.
protocol LeastSquaresSolver {
  /// Takes up the gates, activations and residuals at these weights.
  mutating func linearize(at weights: ParameterVector, _ evaluation: Evaluation)
  /// The step that minimises the linear model plus `damping` times the squared step, weighted by the diagonal of the
  /// Hessian of the squares; nil if the system is not positive definite in double precision and needs more damping.
  func step(damping: Double) -> GaussNewtonStep?
  /// Whether what it holds depends, in the last bits, on the weights that it took up before.
  var keepsRoundings: Bool { get }
  /// Forgets these: what comes next is made anew.
  mutating func forget()
}

extension LeastSquaresSolver {
  var keepsRoundings: Bool { false }
  mutating func forget() {}
}

struct GaussNewtonStep {
  var step: ParameterVector
  /// By how much the linear model lets the summed loss fall.
  var predictedFall: Double
}

extension LeastSquaresProblem {
  /// Chooses how steps are found, by the bytes that a system takes; ``LeastSquaresSolver/linearize(at:_:)`` comes first of all.
  ///
  /// Two layers have a system of the hidden layer alone, which is smaller by the output layer and is kept up to date from step
  /// to step. Both are formed only up to a size.
  func solver(at weights: ParameterVector, systemByteLimit: Int) -> any LeastSquaresSolver {
    let hiddenCounts = weights.layers.dropLast().map(\.rowCount)
    if hiddenCounts.count == 1 {
      let bytes = SchurComplementSolver.byteCount(nodeCount: hiddenCounts[0], width: inputs.columnCount)
      if bytes <= systemByteLimit { return SchurComplementSolver(self, nodeCount: hiddenCounts[0]) }
    } else if DenseSolver.byteCount(weightCount: weights.count) <= systemByteLimit {
      return DenseSolver(self)
    }
    return MatrixFreeSolver(self, iterationLimit: hiddenCounts.count == 1 ? 200 : 400)
  }
}

/// Marquardt's damping of each unknown: `damping` times its diagonal element.
///
/// An unknown that nothing depends on (the row of a dead node) has a diagonal of 0 and would make the system singular; a
/// floor far below every live one keeps it where it is. It compares unknowns of different kinds, which is why a search
/// has units of its own, see ``LeastSquaresProblem``.
func dampings(of diagonal: [Double], _ damping: Double) -> [Double] {
  let floor = 1e-13 * (diagonal.max() ?? 0)
  return diagonal.map { damping * $0 + Swift.max(floor * damping, floor * 1e-3, 1e-300) }
}
