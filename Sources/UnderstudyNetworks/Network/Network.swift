import UnderstudyNumerics

/// An architecture with parameters: a network with (leaky) ReLU hidden layers, which may be batch-normalised, and a linear
/// output layer.
///
/// It is valid at all times: what changes a network keeps its parameters and its architecture in step.
public struct Network: Sendable, Equatable {
  public let architecture: Architecture
  /// The parameters, from the lowest hidden layer to the output layer.
  public private(set) var layers: [NetworkLayer]

  /// A network of these layers, which are checked against each other.
  ///
  /// - Parameter input: the size of the images; nil for features, whose number the lowest weights say.
  /// - Throws: ``ShapeError`` if there is no hidden layer, a layer is empty, the widths of neighbours differ, or a
  ///   normalisation is of another length than its layer, on the output layer, or placed elsewhere than the others; and what
  ///   ``Architecture/init(input:layers:activation:)`` throws of convolutions.
  public init(layers: [NetworkLayer], input: MapSize? = nil, activation: Activation) throws(ShapeError) {
    architecture = try Architecture(of: layers, input: input, activation: activation)
    self.layers = layers
  }

  /// For operations whose layers fit by construction.
  init(fitting layers: [NetworkLayer], input: MapSize? = nil, activation: Activation) {
    do {
      try self.init(layers: layers, input: input, activation: activation)
    } catch {
      preconditionFailure("\(error)")
    }
  }

  /// The parameters of a layer, which others of the same shape may replace.
  ///
  /// - Precondition: what is written has as many nodes and inputs, biases if there were any, and the same kind of
  ///   normalisation.
  public subscript(layer index: Int) -> NetworkLayer {
    get { layers[index] }
    _modify {
      yield &layers[index]
      do { try architecture.check(layers[index], at: index) } catch { preconditionFailure("\(error)") }
    }
  }

  @inlinable public var activation: Activation { architecture.activation }
  /// d
  public var inputCount: Int { architecture.inputCount }
  /// C
  public var outputCount: Int { architecture.outputCount }
  public var hiddenCounts: [Int] { architecture.hiddenCounts }
  /// Whether there is one hidden layer.
  public var isTwoLayer: Bool { architecture.isTwoLayer }
  /// Whether every layer has biases.
  public var hasBiases: Bool { architecture.hasBiases }
  /// Whether all layers are fully connected, and none is normalised.
  public var isPlain: Bool { architecture.isPlain }
  /// Whether all layers are fully connected.
  public var isDense: Bool { architecture.isDense }
  /// Weights and biases of all layers.
  public var weightCount: Int { architecture.weightCount }
  public var isFinite: Bool { layers.allSatisfy(\.isFinite) }

  /// The fan-out weights of each node of the last hidden layer, v_k: `[node, output]`; of a normalised network, those of
  /// the ``folded`` one.
  public var fanOutWeights: Matrix { folded.layers[layers.count - 1].weights.transposed }

  /// For what is defined for fully connected layers only.
  ///
  /// - Throws: ``ShapeError`` if a layer is a convolution.
  public func checkIsDense() throws(ShapeError) {
    guard isDense else {
      throw ShapeError("the network has convolutions, and this is for fully connected layers; give a network of these")
    }
  }

  /// For what reads weights as they stand: with batch normalisation they are not those of the function.
  ///
  /// - Throws: ``ShapeError`` if a layer is a convolution or has a normalisation, with the remedy.
  public func checkIsPlain() throws(ShapeError) {
    try checkIsDense()
    guard isPlain else {
      throw ShapeError("the network has batch normalisation; give its folded form (Network.folded), the same function")
    }
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
}

/// The fixed network that labels the data. Its weights never move.
public struct Teacher: Sendable, Equatable {
  public let network: Network

  public init(_ network: Network) { self.network = network }
}

/// The network that learns from a ``Teacher``.
public struct Student: Sendable, Equatable {
  public var network: Network

  public init(_ network: Network) { self.network = network }

  /// Whether this student can learn from `teacher`; see ``Architecture/checkCovers(_:)``.
  ///
  /// - Throws: ``ShapeError`` that names the first layer that does not fit, and the remedy.
  public func checkFits(_ teacher: Teacher) throws(ShapeError) {
    try network.architecture.checkCovers(teacher.network.architecture)
  }
}
