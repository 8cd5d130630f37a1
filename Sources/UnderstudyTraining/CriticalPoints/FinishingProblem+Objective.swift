import UnderstudyNetworks
import UnderstudyNumerics

typealias FinishingState = SearchState<FinishingProblem>

extension FinishingWeights: FinishingVector {}
extension FinishingEvaluation: FinishingOutcome {}

extension FinishingProblem: FinishingObjective {
  func solver(
    at weights: FinishingWeights, systemByteLimit: Int
  ) -> any GaussNewtonSolver<FinishingWeights, FinishingEvaluation> {
    let bytes = GaussNewtonSystem.byteCount(nodeCount: weights.nodeCount, width: inputs.columnCount)
    return bytes <= systemByteLimit
      ? GaussNewtonSystem(self, nodeCount: weights.nodeCount, featureCount: weights.last.rowCount)
      : GaussNewtonOperator(self)
  }

  /// The same first layer under the output layer that fits best: least squares, damped by 1e-12 of the diagonal, so that
  /// what several nodes could do equally well stays divided as it is; ``normalized(_:)``.
  ///
  /// - Returns: nil if the activations are too close to dependent even so.
  func refitted(_ state: FinishingState) -> FinishingState? {
    guard state.evaluation.isFinite, let factor = activationFactor(state.evaluation, damping: 1e-12) else { return nil }
    var sides = descent(at: state.evaluation).last.transposed
    LinearAlgebra.solveCholesky(factor, rightSides: &sides)
    let change = sides.transposed
    var weights = state.weights
    for i in change.values.indices { weights.last.values[i] += change.values[i] }
    return self.state(of: normalized(weights))
  }

  /// The Cholesky factor of the activations' damped Gram matrix.
  func activationFactor(_ evaluation: FinishingEvaluation, damping: Double) -> Matrix? {
    let count = evaluation.activations.columnCount
    var gram = Matrix(rowCount: count, columnCount: count)
    LinearAlgebra.addGram(of: evaluation.activations, to: &gram)
    for (a, damping) in dampings(of: gram.diagonal, damping).enumerated() { gram[a, a] += damping }
    return gram.isFinite && LinearAlgebra.factorCholesky(&gram) ? gram : nil
  }

  /// The norm of the gradient of J.
  func gradientNorm(at evaluation: FinishingEvaluation) -> Double {
    let descent = descent(at: evaluation)
    return euclideanNorm(descent.first.values + descent.last.values) / Double(sampleCount)
  }
}
