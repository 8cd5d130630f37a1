import UnderstudyNumerics

/// The naive twin of ``DeepKernel`` without normalisation: plain loops in double precision, sample by sample. Beside each value
/// stands its size, the same sum over absolute values, which bounds what rounding can do to it.
struct NaiveDeep {
  typealias Sized = (value: Double, size: Double)

  /// `[layer]`
  var layers: [LayerWeights]
  let slope: Double

  /// Pre-activations of every layer at one sample, and activations: the inputs, the hidden layers', the outputs.
  func forward(_ x: [Double]) -> (preactivations: [[Sized]], activations: [[Sized]]) {
    var (z, f): ([[Sized]], [[Sized]]) = ([], [x.map { ($0, abs($0)) }])
    for (index, layer) in layers.enumerated() {
      let below = f[index]
      z.append(
        (0..<layer.weights.rowCount).map { node in
          let bias = layer.biases?[node] ?? 0
          return zip(layer.weights.row(node), below).reduce((bias, abs(bias))) { sum, term in
            (sum.0 + term.0 * term.1.value, sum.1 + abs(term.0) * term.1.size)
          }
        })
      let isOutput = index == layers.count - 1
      f.append(z[index].map { ($0.value > 0 || isOutput ? $0.value : slope * $0.value, $0.size) })
    }
    return (z, f)
  }

  /// One step along the mean gradient of 1/2 ||target - output||^2 and the decay of each weight; `[layer]` of values and sizes.
  func stepped(inputs: [[Double]], targets: [[Double]], rule: UpdateRule) -> [(values: [Sized], biases: [Sized])] {
    let scale = rule.learningRate / Double(inputs.count)
    let kept = 1 - rule.learningRate * rule.weightDecay
    var result = layers.map { layer in
      (
        values: layer.weights.values.map { Sized($0 * kept, abs($0)) },
        biases: (layer.biases ?? []).map { Sized($0 * kept, abs($0)) }
      )
    }
    for (x, target) in zip(inputs, targets) {
      let f = forward(x).activations
      var g = zip(target, f[layers.count]).map { Sized($0 - $1.value, abs($0) + $1.size) }
      for (index, layer) in layers.enumerated().reversed() {
        let width = layer.weights.columnCount
        for node in g.indices {
          for input in 0..<width {
            result[index].values[node * width + input].value += scale * g[node].value * f[index][input].value
            result[index].values[node * width + input].size += scale * g[node].size * f[index][input].size
          }
          guard layer.biases != nil else { continue }
          result[index].biases[node].value += scale * g[node].value
          result[index].biases[node].size += scale * g[node].size
        }
        g = (0..<width).map { input in
          var sum: Sized = (0, 0)
          for node in g.indices {
            sum.value += layer.weights[node, input] * g[node].value
            sum.size += abs(layer.weights[node, input]) * g[node].size
          }
          if index > 0 && f[index][input].value <= 0 { sum.value *= slope }
          return sum
        }
      }
    }
    return result
  }

  /// The mean loss over samples, and a number that times epsilon and the number of roundings bounds its error.
  func loss(inputs: [[Double]], targets: [[Double]], _ loss: TrainingLoss) -> Sized {
    var total: Sized = (0, 0)
    for (x, target) in zip(inputs, targets) {
      let y = forward(x).activations[layers.count]
      switch loss {
      case .squaredError:
        for (t, y) in zip(target, y) {
          total.value += (t - y.value) * (t - y.value) / 2
          // 1/2 e^2 changes by |e| times the error of e.
          total.size += (abs(t) + y.size) * (abs(t) + y.size)
        }
      case .crossEntropy:
        let label = target.firstIndex(of: target.max() ?? 0) ?? 0
        total.value += logarithm(y.reduce(0) { $0 + exponential($1.value) }) - y[label].value
        // Its slopes towards the outputs add up to at most 2.
        total.size += 2 * y.reduce(1) { max($0, $1.size) }
      case .distillation: preconditionFailure("dense kernels do not distil")
      }
    }
    let count = Double(inputs.count)
    return (total.value / count, total.size / count)
  }
}
