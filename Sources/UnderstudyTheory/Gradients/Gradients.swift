import UnderstudyNetworks
import UnderstudyNumerics

/// What the loss pulls at, over a data set: the quantities whose smallness the theorems assume.
public struct GradientSummary: Sendable, Equatable {
  /// J = 1/2 mean ||target - output||^2.
  public var loss: Double
  /// E_x[g_k(x)^2] for each node of each hidden layer, `[hidden layer][node]`.
  public var layerMeanSquares: [[Double]]
  /// max_x |g_k(x)| for each node of each hidden layer, `[hidden layer][node]`.
  public var layerMaxima: [[Double]]
  /// ||E_x[g_l f_{l-1}^T]||, the Frobenius norm of each layer's full-batch update direction, biases included. `[layer]`.
  public var layerNorms: [Double]

  /// Those of the lowest layer.
  public var nodeMeanSquares: [Double] { layerMeanSquares[0] }
  public var nodeMaxima: [Double] { layerMaxima[0] }
}

/// Back-propagates every sample of a data set, `g_l(x) = -dJ_x/dz_l`.
///
/// - Shape: `inputs` is `[sample, feature]`, `targets` `[sample, output]`.
/// - Throws: ``ShapeError`` if the widths differ from the network's, or the counts of samples from each other.
/// - Complexity: O(samples x weights), in blocks. Double precision, by another path than the training kernels.
/// - Source: Tian 2020, arXiv:1909.13458, the recursive gradient rule.
public func gradients(
  of student: Student, over inputs: Matrix, targets: Matrix
) throws(ShapeError) -> GradientSummary {
  let network = student.network
  try checkInputs(inputs, fit: network)
  try checkTargets(targets, sampleCount: inputs.rowCount, outputCount: network.outputCount)
  let layerCount = network.layers.count
  var weightSums = network.layers.map { Matrix(rowCount: $0.nodeCount, columnCount: padded($0.inputCount)) }
  var biasSums = network.layers.map { [Double](repeating: 0, count: $0.nodeCount) }
  var meanSquares = network.hiddenCounts.map { [Double](repeating: 0, count: $0) }
  var maxima = meanSquares
  var squaredError = 0.0

  for block in SampleBlockSequence(inputs) {
    let z = network.preactivations(of: block.inputs)
    // g of the output layer is the residual; samples past the end have none.
    var g = Matrix(rowCount: network.outputCount, columnCount: sampleBlockWidth)
    for c in 0..<network.outputCount {
      for i in 0..<block.validCount {
        let residual = targets[block.first + i, c] - z[layerCount - 1][c, i]
        g[c, i] = residual
        squaredError += residual * residual
      }
    }
    for layer in (0..<layerCount).reversed() {
      let below = layer == 0 ? block.inputs : network.activation(z[layer - 1])
      let samples = below.transposed.padded(columns: weightSums[layer].columnCount)
      multiply(g, samples, into: &weightSums[layer], adding: true)
      for node in 0..<g.rowCount { biasSums[layer][node] += g.row(node).reduce(0, +) }
      if layer < layerCount - 1 {
        for node in 0..<g.rowCount {
          for value in g.row(node) {
            meanSquares[layer][node] += value * value
            maxima[layer][node] = max(maxima[layer][node], abs(value))
          }
        }
      }
      guard layer > 0 else { break }
      g = propagatedBack(g, through: network.layers[layer], gates: z[layer - 1], activation: network.activation)
    }
  }

  let count = Double(inputs.rowCount)
  let norms = (0..<layerCount).map { layer in
    let biases = network.layers[layer].biases == nil ? [] : biasSums[layer]
    return euclideanNorm(weightSums[layer].values + biases) / count
  }
  return GradientSummary(
    loss: squaredError / (2 * count), layerMeanSquares: meanSquares.map { $0.map { $0 / count } },
    layerMaxima: maxima, layerNorms: norms)
}

/// The gradient one layer lower: `phi'(z) W^T g`.
///
/// - Shape: `g` is `[node, sample]`, `gates` are the pre-activations below, `[input node, sample]`, as the result.
func propagatedBack(_ g: Matrix, through layer: NetworkLayer, gates: Matrix, activation: Activation) -> Matrix {
  var lower = product(layer.weights, g, transposingFirst: true)
  for i in lower.values.indices where gates.values[i] <= 0 { lower.values[i] *= activation.negativeSlope }
  return lower
}

/// J = 1/2 mean ||target - output||^2.
func halfMeanSquare(of network: Network, over inputs: Matrix, targets: Matrix) throws(ShapeError) -> Double {
  squaredDistance(try network.outputs(for: inputs), targets) / (2 * Double(inputs.rowCount))
}
