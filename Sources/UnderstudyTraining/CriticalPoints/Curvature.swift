import UnderstudyNumerics

/// The extreme eigenvalues of a Hessian.
struct Curvatures {
  var smallest: Double
  var largest: Double
  /// Some eigenvalue is within this of each of the two.
  var error: Double
}

/// Second derivatives.
extension LeastSquaresProblem {
  /// The extreme eigenvalues of the Hessian of J at these weights, away from boundaries (where J has no Hessian, the gates
  /// as they are count).
  ///
  /// - Returns: nil if the decomposition fails.
  /// - Complexity: for two layers O(weights^3) up to ``CriticalPointReport/denseHessianLimit`` weights, else 200 products of
  ///   O(samples x weights) at most.
  func curvatures(at state: SearchState, key: UInt64) -> Curvatures? {
    guard state.weights.layers.count == 2, state.weights.count <= CriticalPointReport.denseHessianLimit else {
      return lanczosCurvatures(at: state, key: key)
    }
    guard let values = LinearAlgebra.symmetricEigenvalues(denseHessian(at: state)),
      let smallest = values.first, let largest = values.last
    else { return nil }
    // LAPACK's eigenvalues are exact for a matrix that differs by a small multiple of the rounding unit.
    return Curvatures(smallest: smallest, largest: largest, error: 0x1p-52 * max(abs(smallest), abs(largest)))
  }

  /// The extreme eigenvalues by Lanczos iterations.
  func lanczosCurvatures(at state: SearchState, key: UInt64) -> Curvatures? {
    UnderstudyTraining.lanczosCurvatures(count: state.weights.count, key: key) { vector in
      hessianProduct(ParameterVector(vector, like: state.weights), at: state).flat
    }
  }

  /// The Hessian of J times a direction.
  ///
  /// The gradient of N J is `-sum g_l f_{l-1}^T`. Along a direction W', with the gates as they are, f_{l-1} changes by
  /// f'_{l-1} (``jacobianVectorProduct(_:at:_:)``), and g_l, from `g_l = D_l W_{l+1}^T g_{l+1}`, by
  ///
  ///     g'_l = D_l (W_{l+1}^T g'_{l+1} + W'_{l+1}^T g_{l+1}),     g'_L = - f'_L
  func hessianProduct(_ direction: ParameterVector, at state: SearchState) -> ParameterVector {
    let (weights, evaluation) = (state.weights, state.evaluation)
    let change = jacobianVectorProduct(direction, at: weights, evaluation)
    var gradients = [change.outputs.negated]
    for l in evaluation.slopes.indices.reversed() {
      let slopes = evaluation.slopes[l]
      var moved = LinearAlgebra.product(gradients[0], weights.layers[l + 1].prefix(columns: slopes.columnCount))
      LinearAlgebra.multiply(
        evaluation.gradients[l + 1], direction.layers[l + 1].prefix(columns: slopes.columnCount), into: &moved, scale: 1
      )
      moved.multiplyElements(by: slopes)
      gradients.insert(moved, at: 0)
    }
    var result = products(gradients, with: evaluation.features)
    for (l, features) in zip(1..., change.features) {
      let sum = LinearAlgebra.product(evaluation.gradients[l], transposingFirst: true, features)
      for k in 0..<sum.rowCount {
        for f in 0..<sum.columnCount { result.layers[l][k, f] += sum[k, f] }
      }
    }
    let scale = -1 / Double(sampleCount)
    for l in result.layers.indices {
      for i in result.layers[l].values.indices { result.layers[l].values[i] *= scale }
    }
    return result
  }

  /// The Hessian of J of a two-layer student, row-major: the first layer's rows, then for each activation, the constant last,
  /// its weight to each output.
  ///
  /// To the blocks of ``SchurComplementSolver`` comes the residual term, which links a node's row to its own fan-out weights
  /// alone: `- sum D_k x r_c`.
  func denseHessian(at state: SearchState) -> Matrix {
    let (evaluation, last) = (state.evaluation, state.weights.outputLayer)
    let (n, width, outputs, features) = (
      last.columnCount - (hasBiases ? 1 : 0), inputs.columnCount, outputCount, last.columnCount
    )
    var blocks = SchurComplementSolver(self, nodeCount: n)
    blocks.linearize(at: state.weights, evaluation)
    let firstCount = n * width
    var hessian = Matrix(rowCount: firstCount + features * outputs, columnCount: firstCount + features * outputs)
    var gated = inputs
    let scale = 1 / Double(sampleCount)
    func set(_ row: Int, _ column: Int, _ value: Double) {
      hessian[row, column] = value * scale
      hessian[column, row] = value * scale
    }
    for a in 0..<n {
      for b in 0...a {
        let block = blocks.firstBlock(a, b)
        let strength = (0..<outputs).reduce(0) { $0 + last[$1, a] * last[$1, b] } * scale
        for f in 0..<width {
          for g in 0..<width {
            hessian[a * width + f, b * width + g] = strength * block[f, g]
            hessian[b * width + g, a * width + f] = strength * block[f, g]
          }
        }
      }
      // Column a of P times the residuals' place: sum D_a x r^T.
      let pull = gatedProduct(of: a, evaluation, with: evaluation.residuals, gated: &gated)
      for f in 0..<width {
        for e in 0..<features {
          for c in 0..<outputs {
            let value = last[c, a] * blocks.mixed[a * width + f, e] - (e == a ? pull[f, c] : 0)
            set(a * width + f, firstCount + e * outputs + c, value)
          }
        }
      }
    }
    for e in 0..<features {
      for g in 0...e {
        for c in 0..<outputs {
          set(firstCount + e * outputs + c, firstCount + g * outputs + c, blocks.activationGram[e, g])
        }
      }
    }
    return hessian
  }

  /// `sum D_k x y^T` for a node of the lowest layer, `[feature, column]`; `values` is `[sample, column]`.
  ///
  /// - Parameter gated: memory for the gated inputs, of their shape.
  func gatedProduct(of node: Int, _ evaluation: Evaluation, with values: Matrix, gated: inout Matrix) -> Matrix {
    let (n, width) = (evaluation.slopes[0].columnCount, inputs.columnCount)
    for i in 0..<sampleCount {
      let slope = evaluation.slopes[0].values[i * n + node]
      for f in 0..<width { gated.values[i * width + f] = slope * inputs.values[i * width + f] }
    }
    return LinearAlgebra.product(gated, transposingFirst: true, values)
  }
}
