import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTraining

/// The loss, by default J = 1/2 mean ||target - f(x)||^2, of a network without batch normalisation by plain loops, one
/// sample and one node at a time: the second path for what the kernels report. Slow on purpose.
func plainLoss(
  of network: Network, inputs: Matrix, targets: Matrix, loss: TrainingLoss = .squaredError
) -> Double {
  var total = 0.0
  for i in 0..<inputs.rowCount {
    var values = Array(inputs.row(i))
    for (index, layer) in network.layers.enumerated() {
      values = (0..<layer.nodeCount).map { node in
        var z = layer.biases?[node] ?? 0
        for (weight, value) in zip(layer.weights.row(node), values) { z += weight * value }
        return index < network.layers.count - 1 ? network.activation(z) : z
      }
    }
    switch loss {
    case .squaredError:
      for (target, value) in zip(targets.row(i), values) { total += (target - value) * (target - value) / 2 }
    case .crossEntropy:
      let row = Array(targets.row(i))
      guard let label = row.indices.max(by: { row[$0] < row[$1] }), let largest = values.max() else { continue }
      total += largest + logarithm(values.reduce(0) { $0 + exponential($1 - largest) }) - values[label]
    }
  }
  return total / Double(inputs.rowCount)
}
