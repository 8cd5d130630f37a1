import UnderstudyNumerics

/// The nonlinearity of the hidden layers: the identity above 0, `negativeSlope` times it below.
public struct Activation: Sendable, Hashable {
  /// c: 0 is ReLU, between 0 and 1 leaky ReLU, 1 no nonlinearity.
  public let negativeSlope: Double

  public static let relu = Activation(negativeSlope: 0)
  public static let linear = Activation(negativeSlope: 1)

  public init(negativeSlope: Double) {
    precondition(negativeSlope >= 0 && negativeSlope <= 1)
    self.negativeSlope = negativeSlope
  }

  /// The activation of a pre-activation.
  @inlinable
  public func callAsFunction(_ z: Double) -> Double { z > 0 ? z : negativeSlope * z }
}

/// One fully connected layer, `z = W x + b`; hidden ones may be normalised.
public struct DenseLayer: Sendable, Equatable {
  /// `[node, input]`
  public var weights: Matrix
  /// `[node]`, or `nil` for a layer without biases.
  public var biases: [Double]?
  /// Of a hidden layer's pre-activations or activations; `nil` for a plain layer.
  public var normalization: BatchNormalization?

  public init(weights: Matrix, biases: [Double]?, normalization: BatchNormalization? = nil) {
    precondition(biases.map { $0.count == weights.rowCount } ?? true, "one bias a node")
    self.weights = weights
    self.biases = biases
    self.normalization = normalization
  }

  public var nodeCount: Int { weights.rowCount }
  public var inputCount: Int { weights.columnCount }

  /// Pre-activations `W x + b` of a block of samples, not normalised.
  ///
  /// - Shape: `block` is `[input, sample]`, the result `[node, sample]`.
  public func preactivations(of block: Matrix) -> Matrix {
    var result = Matrix(rowCount: nodeCount, columnCount: block.columnCount)
    if let biases {
      for node in 0..<nodeCount {
        for i in 0..<block.columnCount { result[node, i] = biases[node] }
      }
    }
    multiply(weights, block, into: &result, adding: true)
    return result
  }
}

/// A fully connected network with (leaky) ReLU hidden layers, which may be batch-normalised, and a linear output layer.
public struct Network: Sendable, Equatable {
  /// From the lowest hidden layer to the output layer.
  public var layers: [DenseLayer]
  public var activation: Activation

  /// - Throws: ``ShapeError`` if there is no hidden layer, a layer is empty, the widths of neighbours differ, or a
  ///   normalisation is of another length than its layer, on the output layer, or placed elsewhere than the others.
  public init(layers: [DenseLayer], activation: Activation) throws(ShapeError) {
    guard layers.count >= 2 else {
      throw ShapeError(
        "a network needs a hidden layer and an output layer, and this has \(layers.count) layer\(layers.count == 1 ? "" : "s")"
      )
    }
    for (index, layer) in layers.enumerated() where layer.nodeCount == 0 || layer.inputCount == 0 {
      throw ShapeError(
        "layer \(layerLabel(ofIndex: index)) is empty: \(layer.nodeCount) nodes with \(layer.inputCount) inputs")
    }
    for (index, (lower, upper)) in zip(layers, layers.dropFirst()).enumerated()
    where lower.nodeCount != upper.inputCount {
      throw ShapeError(
        "layer \(layerLabel(ofIndex: index)) has \(lower.nodeCount) nodes, but layer \(layerLabel(ofIndex: index + 1)) expects "
          + "\(upper.inputCount) inputs")
    }
    self.layers = layers
    self.activation = activation
    try checkNormalizations()
  }

  /// d
  public var inputCount: Int { layers[0].inputCount }
  /// C
  public var outputCount: Int { layers[layers.count - 1].nodeCount }
  public var hiddenCounts: [Int] { layers.dropLast().map(\.nodeCount) }
  /// Whether every layer has biases.
  public var hasBiases: Bool { layers.allSatisfy { $0.biases != nil } }
  public var isFinite: Bool {
    layers.allSatisfy {
      $0.weights.isFinite && ($0.biases ?? []).allSatisfy(\.isFinite) && $0.normalization?.isFinite ?? true
    }
  }

  /// For what reads weights as they stand: with batch normalisation they are not those of the function.
  ///
  /// - Throws: ``ShapeError`` if a layer has a normalisation, with the remedy.
  public func checkIsPlain() throws(ShapeError) {
    guard isPlain else {
      throw ShapeError("the network has batch normalisation; give its folded form (Network.folded), the same function")
    }
  }

  /// Pre-activations of every layer for a block of samples; the last are the outputs. Those of a normalised network are
  /// those of the ``folded`` one: a normalisation before the activation is part of them.
  ///
  /// - Shape: `block` is `[feature, sample]`; results are `[node, sample]`.
  public func preactivations(of block: Matrix) -> [Matrix] {
    guard isPlain else { return folded.preactivations(of: block) }
    var result: [Matrix] = []
    var input = block
    for (index, layer) in layers.enumerated() {
      let z = layer.preactivations(of: input)
      result.append(z)
      guard index < layers.count - 1 else { break }
      input = z
      for i in input.values.indices { input.values[i] = activation(input.values[i]) }
    }
    return result
  }

  /// Whether the network takes such inputs, `[sample, feature]`.
  ///
  /// - Throws: ``ShapeError`` if their width is another one, with what most likely is transposed.
  public func checkWidth(of inputs: Matrix) throws(ShapeError) {
    guard inputs.columnCount != inputCount else { return }
    let remedy =
      if inputs.rowCount == inputCount {
        "they look like [feature, sample]; transpose them"
      } else if layers[0].nodeCount == inputs.columnCount {
        "its lowest weights look like [inputs, nodes]; transpose all weights if so"
      } else {
        "give an array [sample, feature] of that width"
      }
    throw ShapeError("inputs have \(inputs.columnCount) features, but the network expects \(inputCount); \(remedy)")
  }

  /// The outputs for all samples.
  ///
  /// - Shape: `inputs` is `[sample, feature]`, the result `[sample, output]`.
  /// - Throws: ``ShapeError`` if the width of `inputs` is not the network's.
  /// - Complexity: O(samples x weights).
  public func outputs(for inputs: Matrix) throws(ShapeError) -> Matrix {
    try checkWidth(of: inputs)
    let plain = folded
    var result = Matrix(rowCount: inputs.rowCount, columnCount: outputCount)
    for first in stride(from: 0, to: inputs.rowCount, by: sampleBlockWidth) {
      let samples = inputs.transposedBlock(first: first, count: sampleBlockWidth)
      let block = plain.preactivations(of: samples)[layers.count - 1]
      for i in 0..<min(sampleBlockWidth, inputs.rowCount - first) {
        for c in 0..<outputCount { result[first + i, c] = block[c, i] }
      }
    }
    return result
  }

  /// The fan-out weights of each node of the last hidden layer, v_k: `[node, output]`; of a normalised network, those of
  /// the ``folded`` one.
  public var fanOutWeights: Matrix { folded.layers[layers.count - 1].weights.transposed }
}

/// Samples that measurements take at a time: a multiple of every vector width, small enough for the cache.
public let sampleBlockWidth = 64

/// The fixed network that labels the data. Its weights never move.
public struct Teacher: Sendable, Equatable {
  public let network: Network

  public init(_ network: Network) { self.network = network }
}

/// The network that learns from a ``Teacher``.
public struct Student: Sendable, Equatable {
  public var network: Network

  public init(_ network: Network) { self.network = network }

  /// Whether this student can learn from `teacher`: the same depth, input and output, and at least as wide everywhere.
  ///
  /// - Throws: ``ShapeError`` that names the first layer that does not fit, and the remedy.
  public func checkFits(_ teacher: Teacher) throws(ShapeError) {
    let (student, teacher) = (network, teacher.network)
    guard student.layers.count == teacher.layers.count else {
      throw ShapeError(
        "the student has \(student.layers.count) layers and the teacher \(teacher.layers.count); "
          + "give both the same depth")
    }
    guard student.inputCount == teacher.inputCount else {
      throw ShapeError("the student takes \(student.inputCount) inputs and the teacher \(teacher.inputCount)")
    }
    guard student.outputCount == teacher.outputCount else {
      throw ShapeError("the student has \(student.outputCount) outputs and the teacher \(teacher.outputCount)")
    }
    for (index, (n, m)) in zip(student.hiddenCounts, teacher.hiddenCounts).enumerated() where n < m {
      throw ShapeError(
        "hidden layer \(layerLabel(ofIndex: index)): \(n) student nodes cannot cover \(m) teacher nodes; "
          + "widen the student to \(m) or more")
    }
  }
}

/// Sizes that do not fit each other; the message says which and what to change.
public struct ShapeError: Error, Equatable, Sendable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

extension Network {
  /// Weights and biases of all layers.
  public var weightCount: Int {
    layers.reduce(0) { $0 + $1.weights.values.count + ($1.biases?.count ?? 0) }
  }

  /// The network without a hidden node, whose mean activation the biases above take over, if there are any.
  ///
  /// - Parameters:
  ///   - node: counted within its layer, from 0.
  ///   - layer: of `layers`; not the last.
  public func removing(_ node: Int, of layer: Int, mean: Double) -> Network {
    var result = self
    let (own, above) = (layers[layer], layers[layer + 1])
    let kept = (0..<own.nodeCount).filter { $0 != node }
    result.layers[layer].weights = Matrix(kept.map { Array(own.weights.row($0)) })
    result.layers[layer].biases = own.biases.map { biases in kept.map { biases[$0] } }
    result.layers[layer + 1].weights = Matrix(
      (0..<above.nodeCount).map { row in kept.map { above.weights[row, $0] } })
    result.layers[layer + 1].biases = above.biases?.enumerated().map { $1 + mean * above.weights[$0, node] }
    return result
  }
}
