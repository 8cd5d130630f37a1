import UnderstudyNetworks
import UnderstudyNumerics

/// The weights of a student of any depth, or a step of them, as the finishing stage holds them: a layer's biases are the
/// weights of one more input of constant 1.
struct DeepWeights: FinishingVector, Equatable {
  /// From the lowest layer to the output layer, each `[node, input]`; with biases, they are the last column.
  var layers: [Matrix]

  var count: Int { layers.reduce(0) { $0 + $1.values.count } }
  /// All weights, layer after layer, row after row.
  var flat: [Double] { layers.flatMap(\.values) }

  /// These numbers in the shapes of `other`.
  init(_ flat: [Double], like other: DeepWeights) {
    var first = 0
    layers = other.layers.map { layer in
      defer { first += layer.values.count }
      return Matrix(
        rowCount: layer.rowCount, columnCount: layer.columnCount,
        values: Array(flat[first..<first + layer.values.count]))
    }
  }

  init(layers: [Matrix]) { self.layers = layers }

  static func + (a: DeepWeights, b: DeepWeights) -> DeepWeights {
    var sum = a
    for l in sum.layers.indices {
      for i in sum.layers[l].values.indices { sum.layers[l].values[i] += b.layers[l].values[i] }
    }
    return sum
  }
}

/// What a deep student does on all samples: everything the next step needs.
struct DeepEvaluation: FinishingOutcome {
  /// phi'(z) of each hidden layer: `[sample, node]`, 1 or the negative slope.
  var slopes: [Matrix]
  /// The input of each layer, `[sample, input]`; with biases, the last column is 1. The first are the samples themselves.
  var features: [Matrix]
  /// target - output, `[sample, output]`.
  var residuals: Matrix
  /// g_l(x) of each layer, `[sample, node]`; the last are the residuals.
  var gradients: [Matrix]
  var loss: Double
  var largestGradient: Double
}

/// The samples that a student of any depth is finished on.
struct DeepFinishingProblem {
  /// `[sample, feature]`; with biases, a last column of ones.
  let inputs: Matrix
  /// `[sample, output]`
  let targets: Matrix
  let hasBiases: Bool
  let activation: Activation

  /// - Throws: ``ShapeError`` if some layers have biases and others none, or the samples do not fit the student.
  init(_ student: Student, inputs: Matrix, targets: Matrix) throws(ShapeError) {
    let network = student.network
    hasBiases = network.hasBiases
    if !hasBiases, let layer = network.layers.firstIndex(where: { $0.biases != nil }) {
      throw ShapeError(
        "layer \(layerLabel(ofIndex: layer)) has biases and another layer has none; give all layers biases (0 will do), or none"
      )
    }
    try checkSamples(inputs: inputs, targets: targets, fit: network)
    activation = network.activation
    self.inputs = hasBiases ? inputs.appendingOnes() : inputs
    self.targets = targets
  }

  var sampleCount: Int { inputs.rowCount }
  var outputCount: Int { targets.columnCount }

  func weights(of student: Student) -> DeepWeights {
    DeepWeights(
      layers: student.network.layers.map { layer in
        guard let biases = layer.biases else { return layer.weights }
        var weights = layer.weights.padded(columns: layer.inputCount + 1)
        for (k, bias) in biases.enumerated() { weights[k, layer.inputCount] = bias }
        return weights
      })
  }

  func student(of weights: DeepWeights) throws(ShapeError) -> Student {
    Student(
      try Network(
        layers: weights.layers.map { layer in
          let width = layer.columnCount - (hasBiases ? 1 : 0)
          return DenseLayer(weights: layer.prefix(columns: width), biases: hasBiases ? layer.column(width) : nil)
        }, activation: activation))
  }

  /// Runs all samples through the student; O(samples x weights).
  func evaluate(_ weights: DeepWeights) -> DeepEvaluation {
    var features = [inputs]
    var slopes: [Matrix] = []
    var residuals = Matrix(rowCount: sampleCount, columnCount: outputCount)
    for (l, layer) in weights.layers.enumerated() {
      guard l < weights.layers.count - 1 else {
        LinearAlgebra.multiply(features[l], layer, transposingSecond: true, into: &residuals)
        break
      }
      var z = Matrix(rowCount: sampleCount, columnCount: layer.rowCount)
      LinearAlgebra.multiply(features[l], layer, transposingSecond: true, into: &z)
      var slope = z
      for i in z.values.indices {
        slope.values[i] = z.values[i] > 0 ? 1 : activation.negativeSlope
        z.values[i] *= slope.values[i]
      }
      slopes.append(slope)
      features.append(hasBiases ? z.appendingOnes() : z)
    }
    var squares = 0.0
    for i in residuals.values.indices {
      let residual = targets.values[i] - residuals.values[i]
      residuals.values[i] = residual
      squares += residual * residual
    }
    let gradients = pulledDown(residuals, through: weights, slopes)
    var largest = 0.0
    for gradient in gradients[0].values {
      // Not `max`, which drops a NaN on one of its sides.
      let size = abs(gradient)
      if !(size <= largest) { largest = size }
    }
    return DeepEvaluation(
      slopes: slopes, features: features, residuals: residuals, gradients: gradients,
      loss: squares / Double(2 * sampleCount), largestGradient: largest)
  }

  /// A direction in the space of outputs, carried back to the pre-activations of every layer: `[sample, node]` each.
  ///
  /// For the residuals these are g_l, by the recursion `g_l = D_l W_{l+1}^T g_{l+1}`.
  func pulledDown(_ outputs: Matrix, through weights: DeepWeights, _ slopes: [Matrix]) -> [Matrix] {
    var result = [outputs]
    for l in slopes.indices.reversed() {
      var gradients = Matrix(rowCount: sampleCount, columnCount: slopes[l].columnCount)
      LinearAlgebra.multiply(
        result[0], weights.layers[l + 1].prefix(columns: slopes[l].columnCount), into: &gradients)
      for i in gradients.values.indices { gradients.values[i] *= slopes[l].values[i] }
      result.insert(gradients, at: 0)
    }
    return result
  }

  /// `sum g_l f_{l-1}^T` over the samples for every layer: with g_l of the residuals, minus the gradient of N J.
  func products(_ gradients: [Matrix], with features: [Matrix]) -> DeepWeights {
    DeepWeights(
      layers: zip(gradients, features).map { gradient, feature in
        var result = Matrix(rowCount: gradient.columnCount, columnCount: feature.columnCount)
        LinearAlgebra.multiply(gradient, transposingFirst: true, feature, into: &result)
        return result
      })
  }

  /// Minus the gradient of the summed loss, N J.
  func descent(at evaluation: DeepEvaluation) -> DeepWeights {
    products(evaluation.gradients, with: evaluation.features)
  }

  /// How every layer's input, and the outputs, change along a direction of the weights, the gates being as they are.
  func pushedUp(
    _ direction: DeepWeights, at weights: DeepWeights, _ evaluation: DeepEvaluation
  ) -> (features: [Matrix], outputs: Matrix) {
    var features = [Matrix(rowCount: sampleCount, columnCount: inputs.columnCount)]
    for l in weights.layers.indices {
      var change = Matrix(rowCount: sampleCount, columnCount: weights.layers[l].rowCount)
      LinearAlgebra.multiply(evaluation.features[l], direction.layers[l], transposingSecond: true, into: &change)
      if l > 0 {
        LinearAlgebra.multiply(features[l], weights.layers[l], transposingSecond: true, into: &change, scale: 1)
      }
      guard l < weights.layers.count - 1 else { return (features, change) }
      for i in change.values.indices { change.values[i] *= evaluation.slopes[l].values[i] }
      features.append(hasBiases ? change.padded(columns: change.columnCount + 1) : change)
    }
    return (features, Matrix([]))
  }

  func normalized(_ weights: DeepWeights) -> DeepWeights {
    var result = weights
    for l in 0..<result.layers.count - 1 {
      for k in 0..<result.layers[l].rowCount {
        let norm = euclideanNorm(result.layers[l].row(k))
        guard norm.isNormal else { continue }
        for f in 0..<result.layers[l].columnCount { result.layers[l][k, f] /= norm }
        for h in 0..<result.layers[l + 1].rowCount { result.layers[l + 1][h, k] *= norm }
      }
    }
    return result
  }
}
