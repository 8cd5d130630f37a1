import UnderstudyNetworks
import UnderstudyNumerics

typealias DeepState = SearchState<DeepFinishingProblem>

extension DeepFinishingProblem: FinishingObjective {
  func solver(at weights: DeepWeights, systemByteLimit: Int) -> any GaussNewtonSolver<DeepWeights, DeepEvaluation> {
    DeepGaussNewtonSystem.byteCount(weightCount: weights.count) <= systemByteLimit
      ? DeepGaussNewtonSystem(self) : DeepGaussNewtonOperator(self)
  }

  /// The same hidden layers under the output layer that fits best: least squares, damped by 1e-12 of the diagonal, so that
  /// what several nodes could do equally well stays divided as it is; ``normalized(_:)``.
  func refitted(_ state: DeepState) -> DeepState? {
    guard state.evaluation.isFinite, let features = state.evaluation.features.last else { return nil }
    var gram = Matrix(rowCount: features.columnCount, columnCount: features.columnCount)
    LinearAlgebra.addGram(of: features, to: &gram)
    for (a, damping) in dampings(of: gram.diagonal, 1e-12).enumerated() { gram[a, a] += damping }
    guard gram.isFinite, LinearAlgebra.factorCholesky(&gram) else { return nil }
    var change = Matrix(rowCount: outputCount, columnCount: features.columnCount)
    LinearAlgebra.multiply(state.evaluation.residuals, transposingFirst: true, features, into: &change)
    LinearAlgebra.solveCholesky(gram, rightSides: &change)
    var weights = state.weights
    let last = weights.layers.count - 1
    for i in change.values.indices { weights.layers[last].values[i] += change.values[i] }
    return self.state(of: normalized(weights))
  }

  func gradientNorm(at evaluation: DeepEvaluation) -> Double {
    euclideanNorm(descent(at: evaluation).flat) / Double(sampleCount)
  }

  /// By Lanczos iterations, see ``UnderstudyTraining/lanczosCurvatures(count:key:iterationLimit:product:)``.
  func curvatures(at state: DeepState, key: UInt64) -> Curvatures? {
    lanczosCurvatures(count: state.weights.count, key: key) { vector in
      hessianProduct(DeepWeights(vector, like: state.weights), at: state).flat
    }
  }

  /// The Hessian of J times a direction.
  ///
  /// The gradient of N J is `-sum g_l f_{l-1}^T`. Along a direction W', with the gates as they are, f_{l-1} changes by
  /// f'_{l-1} (``pushedUp(_:at:_:)``), and g_l, from `g_l = D_l W_{l+1}^T g_{l+1}`, by
  ///
  ///     g'_l = D_l (W_{l+1}^T g'_{l+1} + W'_{l+1}^T g_{l+1}),     g'_L = - f'_L
  func hessianProduct(_ direction: DeepWeights, at state: DeepState) -> DeepWeights {
    let (weights, evaluation) = (state.weights, state.evaluation)
    let change = pushedUp(direction, at: weights, evaluation)
    var gradients = [change.outputs.negated]
    for l in evaluation.slopes.indices.reversed() {
      let slopes = evaluation.slopes[l]
      var moved = Matrix(rowCount: sampleCount, columnCount: slopes.columnCount)
      LinearAlgebra.multiply(gradients[0], weights.layers[l + 1].prefix(columns: slopes.columnCount), into: &moved)
      LinearAlgebra.multiply(
        evaluation.gradients[l + 1], direction.layers[l + 1].prefix(columns: slopes.columnCount), into: &moved, scale: 1
      )
      for i in moved.values.indices { moved.values[i] *= slopes.values[i] }
      gradients.insert(moved, at: 0)
    }
    var result = products(gradients, with: evaluation.features) + products(evaluation.gradients, with: change.features)
    let scale = -1 / Double(sampleCount)
    for l in result.layers.indices {
      for i in result.layers[l].values.indices { result.layers[l].values[i] *= scale }
    }
    return result
  }

  /// Samples on the boundary of a node of some hidden layer.
  func boundarySampleCount(of weights: DeepWeights) -> Int {
    let evaluation = evaluate(weights)
    var isOnBoundary = [Bool](repeating: false, count: sampleCount)
    for l in evaluation.slopes.indices {
      let layer = weights.layers[l]
      var z = Matrix(rowCount: sampleCount, columnCount: layer.rowCount)
      LinearAlgebra.multiply(evaluation.features[l], layer, transposingSecond: true, into: &z)
      let isOn = samplesOnBoundaries(of: layer, inputs: evaluation.features[l], preactivations: z)
      for i in 0..<sampleCount where isOn[i] { isOnBoundary[i] = true }
    }
    return isOnBoundary.count { $0 }
  }
}
