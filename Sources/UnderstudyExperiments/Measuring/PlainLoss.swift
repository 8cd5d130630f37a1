import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTraining

/// A loss by plain loops, and the size of what was added up for it.
struct PlainLoss {
  /// J = 1/2 mean ||target - f(x)||^2, or the mean cross-entropy.
  let value: Double
  /// Root mean square over samples of `|W_L| ... |W_1| |x|` with the biases' sizes, and of the target: rounding errors of the
  /// outputs are a few units in the last place of this. Where terms cancel it is far larger than the outputs.
  let magnitude: Double

  /// One sample and one node at a time: the second path for what the kernels report. Slow on purpose.
  ///
  /// - Parameter network: without batch normalisation.
  init(of network: Network, inputs: Matrix, targets: Matrix, loss: TrainingLoss = .squaredError) {
    var total = 0.0
    var magnitudes: [Double] = []
    for i in 0..<inputs.rowCount {
      var values = Array(inputs.row(i))
      var sizes = values.map(abs)
      for (index, layer) in network.layers.enumerated() {
        let isLast = index == network.layers.count - 1
        var (nextValues, nextSizes) = ([Double](), [Double]())
        for node in 0..<layer.nodeCount {
          var (z, size) = (layer.biases?[node] ?? 0, abs(layer.biases?[node] ?? 0))
          for (f, weight) in layer.weights.row(node).enumerated() {
            z += weight * values[f]
            size += abs(weight) * sizes[f]
          }
          nextValues.append(isLast ? z : network.activation(z))
          nextSizes.append(size)
        }
        (values, sizes) = (nextValues, nextSizes)
      }
      let row = Array(targets.row(i))
      magnitudes.append(euclideanNorm(sizes) + euclideanNorm(row))
      switch loss {
      case .squaredError:
        for (target, value) in zip(row, values) { total += (target - value) * (target - value) / 2 }
      case .crossEntropy:
        guard let label = row.indices.max(by: { row[$0] < row[$1] }), let largest = values.max() else { continue }
        total += largest + logarithm(values.reduce(0) { $0 + exponential($1 - largest) }) - values[label]
      case .distillation: preconditionFailure("dense engines object to distillation")
      }
    }
    let count = Double(max(1, inputs.rowCount))
    value = total / count
    magnitude = euclideanNorm(magnitudes) / count.squareRoot()
  }
}
