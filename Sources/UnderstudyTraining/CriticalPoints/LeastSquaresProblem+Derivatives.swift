import UnderstudyNumerics

/// First derivatives, the gates being as they are.
extension LeastSquaresProblem {
  /// How the inputs of the layers above the lowest (the constant 1 left out) and the outputs change along a direction of the
  /// weights: J times the direction.
  func jacobianVectorProduct(
    _ direction: ParameterVector, at weights: ParameterVector, _ evaluation: Evaluation
  ) -> (features: [Matrix], outputs: Matrix) {
    var features: [Matrix] = []
    for (l, layer) in weights.layers.enumerated() {
      var change = Matrix(rowCount: sampleCount, columnCount: layer.rowCount)
      if l < direction.layers.count {
        LinearAlgebra.multiply(evaluation.features[l], direction.layers[l], transposingSecond: true, into: &change)
      }
      if l > 0 {
        let rows = layer.prefix(columns: features[l - 1].columnCount)
        LinearAlgebra.multiply(features[l - 1], rows, transposingSecond: true, into: &change, scale: 1)
      }
      if l < evaluation.slopes.count { change.multiplyElements(by: evaluation.slopes[l]) }
      features.append(change)
    }
    let outputs = features.removeLast()
    return (features, outputs)
  }

  /// A direction in the space of outputs, carried back to the weights of the lowest `layerCount` layers: J^T times the direction.
  func vectorJacobianProduct(
    _ outputs: Matrix, at weights: ParameterVector, _ evaluation: Evaluation, layerCount: Int
  ) -> ParameterVector {
    let gradients = nodeGradients(of: outputs, through: weights, evaluation.slopes)
    return products(Array(gradients.prefix(layerCount)), with: evaluation.features)
  }

  /// A direction in the space of outputs, carried back to the pre-activations of every layer: `[sample, node]` each.
  ///
  /// For the residuals these are g_l, by the recursion `g_l = D_l W_{l+1}^T g_{l+1}`.
  func nodeGradients(of outputs: Matrix, through weights: ParameterVector, _ slopes: [Matrix]) -> [Matrix] {
    var result = [outputs]
    for l in slopes.indices.reversed() {
      var gradients = LinearAlgebra.product(
        result[0], weights.layers[l + 1].prefix(columns: slopes[l].columnCount))
      gradients.multiplyElements(by: slopes[l])
      result.insert(gradients, at: 0)
    }
    return result
  }

  /// `sum g_l f_{l-1}^T` over the samples for every layer.
  func products(_ gradients: [Matrix], with features: [Matrix]) -> ParameterVector {
    ParameterVector(
      layers: zip(gradients, features).enumerated().map { l, factors in
        let (gradient, feature) = factors
        if l == 1, features.count == 2 {
          // The same sums the other way round: results of two layers are recorded with the roundings of these.
          return LinearAlgebra.product(feature, transposingFirst: true, gradient).transposed
        }
        return LinearAlgebra.product(gradient, transposingFirst: true, feature)
      })
  }

  /// Minus the gradient of the summed loss, N J.
  func negativeGradient(at evaluation: Evaluation) -> ParameterVector {
    products(evaluation.gradients, with: evaluation.features)
  }

  /// The norm of the gradient of J.
  func gradientNorm(at evaluation: Evaluation) -> Double {
    euclideanNorm(negativeGradient(at: evaluation).flat) / Double(sampleCount)
  }

  /// The Jacobian of the outputs of some samples, layer by layer.
  ///
  /// With `V_l(x)` the matrix that carries layer l's activations to the outputs, output c changes with node k's row by
  /// `V_l[c, k] phi'(z_k) f_{l-1}`, and with its own row by `f_{L-1}`. The first factor is carried from the top down,
  /// `V_{l-1} = V_l D_l W_l`.
  func jacobian(
    at weights: ParameterVector, _ evaluation: Evaluation, samples: Range<Int>
  ) -> [FactoredJacobian] {
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
      let rows = weights.layers[l + 1].prefix(columns: n)
      var carried = Matrix(rowCount: samples.count * outputs, columnCount: n)
      if l == evaluation.slopes.count - 1 {
        // The product with the identity, without its multiplications.
        for i in 0..<samples.count {
          carried.values.replaceSubrange(i * rows.values.count..<(i + 1) * rows.values.count, with: rows.values)
        }
      } else {
        LinearAlgebra.multiply(sensitivities, rows, into: &carried)
      }
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

  /// Calls `body` with the Jacobian of 256 samples at a time.
  func forEachJacobian(at weights: ParameterVector, _ evaluation: Evaluation, _ body: ([FactoredJacobian]) -> Void) {
    for first in stride(from: 0, to: sampleCount, by: 256) {
      body(jacobian(at: weights, evaluation, samples: first..<min(first + 256, sampleCount)))
    }
  }

  /// The same hidden layers under the output layer that fits best: least squares, damped by 1e-12 of the diagonal, so that
  /// what several nodes could do equally well stays divided as it is; ``normalized(_:)``.
  ///
  /// - Returns: nil if the activations are too close to dependent even so.
  func refitted(_ state: SearchState) -> SearchState? {
    let last = state.weights.layers.count - 1
    guard state.evaluation.isFinite, let factor = gramFactor(of: state.evaluation.features[last]) else { return nil }
    var change = negativeGradient(at: state.evaluation).layers[last]
    LinearAlgebra.solveCholesky(factor, rightSides: &change)
    var weights = state.weights
    for i in change.values.indices { weights.layers[last].values[i] += change.values[i] }
    return self.state(of: normalized(weights))
  }

  /// The Cholesky factor of the Gram matrix of what enters a layer, damped by 1e-12 of its diagonal.
  func gramFactor(of features: Matrix) -> Matrix? {
    var gram = Matrix(rowCount: features.columnCount, columnCount: features.columnCount)
    LinearAlgebra.addGram(of: features, to: &gram)
    for (a, damping) in dampings(of: gram.diagonal, 1e-12).enumerated() { gram[a, a] += damping }
    return gram.isFinite && LinearAlgebra.factorCholesky(&gram) ? gram : nil
  }
}
