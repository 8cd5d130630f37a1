import UnderstudyNumerics

/// The naive twin of ``TwoLayerKernel``: plain loops, no padding, no blocks, every sum in index order.
struct NaiveTwoLayer<Scalar: KernelScalar> {
  /// `[hidden][input]`
  var first: [[Scalar]]
  var firstBiases: [Scalar]
  /// `[output][hidden]`
  var last: [[Scalar]]
  var lastBiases: [Scalar]
  let slope: Scalar
  let hasBiases: Bool

  init(_ layers: [LayerWeights], slope: Double) {
    func biases(_ layer: LayerWeights) -> [Scalar] {
      (layer.biases ?? layer.weights.column(0).map { _ in 0 }).map { Scalar($0) }
    }
    (first, last) = (Self.rows(of: layers[0].weights), Self.rows(of: layers[1].weights))
    (firstBiases, lastBiases) = (biases(layers[0]), biases(layers[1]))
    hasBiases = layers[0].biases != nil
    self.slope = Scalar(slope)
  }

  static func rows(of matrix: Matrix) -> [[Scalar]] {
    (0..<matrix.rowCount).map { matrix.row($0).map { Scalar($0) } }
  }

  var weights: [LayerWeights] {
    [(first, firstBiases), (last, lastBiases)].map { rows, biases in
      LayerWeights(
        weights: Matrix(rows.map { $0.map { Double($0) } }), biases: hasBiases ? biases.map { Double($0) } : nil)
    }
  }

  func preactivations(_ x: [Scalar]) -> [Scalar] {
    first.indices.map { k in
      var z = firstBiases[k]
      for f in x.indices { z += first[k][f] * x[f] }
      return z
    }
  }

  func activations(_ z: [Scalar]) -> [Scalar] { z.map { $0 > 0 ? $0 : slope * $0 } }

  func outputs(_ hidden: [Scalar]) -> [Scalar] {
    last.indices.map { o in
      var y = lastBiases[o]
      for k in hidden.indices { y += last[o][k] * hidden[k] }
      return y
    }
  }

  /// One step along the mean gradient over these samples; both gradients are taken before either update.
  mutating func step(inputs: [[Scalar]], targets: [[Scalar]], rule: UpdateRule) {
    var next = self
    let scale = Scalar(rule.learningRate / Double(inputs.count))
    for (x, target) in zip(inputs, targets) {
      let z = preactivations(x)
      let hidden = activations(z)
      let y = outputs(hidden)
      let e = y.indices.map { target[$0] - y[$0] }
      for k in z.indices {
        var sum: Scalar = 0
        for o in e.indices { sum += last[o][k] * e[o] }
        let g = (z[k] > 0 ? 1 : slope) * sum
        if rule.updatesFirstLayer {
          for f in x.indices { next.first[k][f] += scale * g * x[f] }
          if hasBiases { next.firstBiases[k] += scale * g }
        }
        if rule.updatesLastLayer {
          for o in e.indices { next.last[o][k] += scale * e[o] * hidden[k] }
        }
      }
      if rule.updatesLastLayer && hasBiases {
        for o in e.indices { next.lastBiases[o] += scale * e[o] }
      }
    }
    if rule.unitNormFirstLayer && rule.updatesFirstLayer { next.normalizeFirstLayer() }
    self = next
  }

  mutating func normalizeFirstLayer() {
    for k in first.indices {
      var sum: Scalar = 0
      for weight in first[k] { sum += weight * weight }
      if sum > 0 { first[k] = first[k].map { $0 / sum.squareRoot() } }
    }
  }

  /// 1/2 mean ||target - output||^2, the samples' terms added in double precision.
  func loss(inputs: [[Scalar]], targets: [[Scalar]]) -> Double {
    var sum = 0.0
    for (x, target) in zip(inputs, targets) {
      let y = outputs(activations(preactivations(x)))
      for o in y.indices { sum += Double((target[o] - y[o]) * (target[o] - y[o])) }
    }
    return sum / (2 * Double(inputs.count))
  }
}
