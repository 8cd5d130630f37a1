import UnderstudyNetworks
import UnderstudyNumerics

extension FinishingProblem {
  /// The extreme eigenvalues of the Hessian of J at these weights, away from boundaries (where J has no Hessian, the gates
  /// as they are count).
  ///
  /// - Returns: nil if the decomposition fails.
  /// - Complexity: O(weights^3) up to ``FinishingReport/denseHessianLimit`` weights, else 200 products of O(samples x
  ///   weights) at most.
  func curvatures(at state: FinishingState, key: UInt64) -> Curvatures? {
    let weights = state.weights
    let count = weights.first.values.count + weights.last.values.count
    guard count <= FinishingReport.denseHessianLimit else { return lanczosCurvatures(at: state, key: key) }
    guard let values = LinearAlgebra.symmetricEigenvalues(denseHessian(at: state)),
      let smallest = values.first, let largest = values.last
    else { return nil }
    // LAPACK's eigenvalues are exact for a matrix that differs by a small multiple of the rounding unit.
    return Curvatures(smallest: smallest, largest: largest, error: 0x1p-52 * max(abs(smallest), abs(largest)))
  }

  /// The Hessian of J, row-major: the first layer's rows, then the output layer's `[activation, output]`.
  ///
  /// To the blocks of ``GaussNewtonSystem`` comes the residual term, which links a node's row to its own fan-out weights
  /// alone: `- sum D_k x r_c`.
  func denseHessian(at state: FinishingState) -> Matrix {
    let weights = state.weights
    let (n, width, outputs) = (weights.nodeCount, inputs.columnCount, targets.columnCount)
    let features = weights.last.rowCount
    var system = GaussNewtonSystem(self, nodeCount: n, featureCount: features)
    system.linearize(at: weights, state.evaluation)
    let firstCount = n * width
    var hessian = Matrix(rowCount: firstCount + features * outputs, columnCount: firstCount + features * outputs)
    let scale = 1 / Double(sampleCount)
    for a in 0..<n {
      for b in 0...a {
        let block = system.firstBlock(a, b)
        let strength = zip(weights.last.row(a), weights.last.row(b)).reduce(0) { $0 + $1.0 * $1.1 } * scale
        for f in 0..<width {
          for g in 0..<width {
            hessian[a * width + f, b * width + g] = strength * block[f, g]
            hessian[b * width + g, a * width + f] = strength * block[f, g]
          }
        }
      }
      // Column a of P times the residuals' place: sum D_a x r^T.
      var gated = Matrix(rowCount: sampleCount, columnCount: width)
      for i in 0..<sampleCount {
        for f in 0..<width { gated[i, f] = state.evaluation.slopes[i, a] * inputs[i, f] }
      }
      var pull = Matrix(rowCount: width, columnCount: outputs)
      LinearAlgebra.multiply(gated, transposingFirst: true, state.evaluation.residuals, into: &pull)
      for f in 0..<width {
        for e in 0..<features {
          for c in 0..<outputs {
            var value = weights.last[a, c] * system.mixed[a * width + f, e]
            if e == a { value -= pull[f, c] }
            hessian[a * width + f, firstCount + e * outputs + c] = value * scale
            hessian[firstCount + e * outputs + c, a * width + f] = value * scale
          }
        }
      }
    }
    for e in 0..<features {
      for g in 0...e {
        for c in 0..<outputs {
          hessian[firstCount + e * outputs + c, firstCount + g * outputs + c] = system.activationGram[e, g] * scale
          hessian[firstCount + g * outputs + c, firstCount + e * outputs + c] = system.activationGram[e, g] * scale
        }
      }
    }
    return hessian
  }

  /// The Hessian of J times a direction.
  func hessianProduct(_ direction: FinishingWeights, at state: FinishingState) -> FinishingWeights {
    let evaluation = state.evaluation
    let fanOut = state.weights.fanOut
    // How the activations and the outputs change along the direction.
    var change = preactivations(of: direction.first)
    for i in change.values.indices { change.values[i] *= evaluation.slopes.values[i] }
    var outputs = Matrix(rowCount: sampleCount, columnCount: targets.columnCount)
    LinearAlgebra.multiply(change, fanOut, into: &outputs)
    LinearAlgebra.multiply(evaluation.activations, direction.last, into: &outputs, scale: 1)
    // The gradient is -(D (R V^T))^T x and -F^T R; the change of each factor in turn.
    var pulls = Matrix(rowCount: sampleCount, columnCount: direction.nodeCount)
    LinearAlgebra.multiply(evaluation.residuals, direction.fanOut.negated, transposingSecond: true, into: &pulls)
    LinearAlgebra.multiply(outputs, fanOut, transposingSecond: true, into: &pulls, scale: 1)
    for i in pulls.values.indices { pulls.values[i] *= evaluation.slopes.values[i] }
    var result = direction
    LinearAlgebra.multiply(pulls, transposingFirst: true, inputs, into: &result.first)
    LinearAlgebra.multiply(evaluation.activations, transposingFirst: true, outputs, into: &result.last)
    var rows = Matrix(rowCount: direction.nodeCount, columnCount: targets.columnCount)
    LinearAlgebra.multiply(change, transposingFirst: true, evaluation.residuals, into: &rows)
    for i in rows.values.indices { result.last.values[i] -= rows.values[i] }
    let scale = 1 / Double(sampleCount)
    for i in result.first.values.indices { result.first.values[i] *= scale }
    for i in result.last.values.indices { result.last.values[i] *= scale }
    return result
  }

  /// The extreme eigenvalues by ``UnderstudyTraining/lanczosCurvatures(count:key:iterationLimit:product:)``.
  func lanczosCurvatures(at state: FinishingState, key: UInt64) -> Curvatures? {
    UnderstudyTraining.lanczosCurvatures(count: state.weights.flat.count, key: key) { vector in
      hessianProduct(FinishingWeights(vector, like: state.weights), at: state).flat
    }
  }
}
