import UnderstudyNetworks
import UnderstudyNumerics

/// J = 1/2 mean ||target - f(x)||^2 by plain loops, one sample and one node at a time: the second path for what the
/// kernels report. Slow on purpose.
func plainLoss(of network: Network, inputs: Matrix, targets: Matrix) -> Double {
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
    for (target, value) in zip(targets.row(i), values) { total += (target - value) * (target - value) }
  }
  return total / (2 * Double(inputs.rowCount))
}
