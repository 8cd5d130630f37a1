/// What a network is made of, without its parameters: its inputs, its layers and the activation of the hidden ones.
///
/// Here alone is checked which layers make a network.
public struct Architecture: Sendable, Hashable {
  /// One layer with weights, whatever enters it.
  public struct Layer: Sendable, Hashable {
    /// How its nodes are connected with those below.
    public enum Kind: Sendable { case dense }

    public var kind = Kind.dense
    public var nodeCount: Int
    public var hasBiases: Bool
    /// Of a hidden layer.
    public var normalization: Normalization?

    /// Weights and biases of the layer above so many nodes.
    fileprivate func weightCount(inputCount: Int) -> Int {
      switch kind {
      case .dense: nodeCount * (inputCount + (hasBiases ? 1 : 0))
      }
    }
  }

  /// Batch normalisation of a hidden layer.
  public struct Normalization: Sendable, Hashable {
    public var placement: BatchNormalization.Placement
    /// Whether there are a learnt scale and shift.
    public var hasLearntScale: Bool
  }

  /// d
  public let inputCount: Int
  /// From the lowest hidden layer to the output layer.
  public let layers: [Layer]
  public let activation: Activation

  /// - Throws: ``ShapeError`` if there is no hidden layer, a layer is empty, the output layer is normalised, or hidden layers
  ///   are normalised in different places.
  public init(inputCount: Int, layers: [Layer], activation: Activation) throws(ShapeError) {
    guard layers.count >= 2 else {
      throw ShapeError(
        "a network needs a hidden layer and an output layer, and this has \(layers.count) layer\(layers.count == 1 ? "" : "s")"
      )
    }
    (self.inputCount, self.layers, self.activation) = (inputCount, layers, activation)
    for (index, (inputs, nodes)) in zip(widths, widths.dropFirst()).enumerated() where nodes == 0 || inputs == 0 {
      throw ShapeError("layer \(layerLabel(ofIndex: index)) is empty: \(nodes) nodes with \(inputs) inputs")
    }
    guard layers[layers.count - 1].normalization == nil else {
      throw ShapeError(
        "layer \(layerLabel(ofIndex: layers.count - 1)) is the output layer and cannot be normalised; remove its "
          + "normalisation")
    }
    let placements = layers.map { $0.normalization?.placement }
    let first = placements.lazy.compactMap { $0 }.first
    if let index = placements.firstIndex(where: { $0 != nil && $0 != first }), let other = placements[index] {
      throw ShapeError(
        "layer \(layerLabel(ofIndex: index)) is normalised \(other.rawValue), but a layer below it is not; "
          + "use one placement for all layers")
    }
  }

  /// The architecture that some parameters have.
  ///
  /// - Throws: ``ShapeError`` if they make no network: as ``init(inputCount:layers:activation:)``, or if the widths of
  ///   neighbours differ, or a part of a normalisation is of another length than its layer.
  init(of parameters: [DenseLayer], activation: Activation) throws(ShapeError) {
    try self.init(
      inputCount: parameters.first?.inputCount ?? 0, layers: parameters.map(\.shape), activation: activation)
    for (index, layer) in parameters.enumerated() { try check(layer, at: index) }
  }

  /// Whether parameters are those of one of the layers.
  ///
  /// - Throws: ``ShapeError`` that says what they do not fit.
  func check(_ parameters: DenseLayer, at index: Int) throws(ShapeError) {
    var label: String { layerLabel(ofIndex: index) }
    guard parameters.shape == layers[index] else {
      throw ShapeError("layer \(label): parameters of \(parameters.shape) cannot be those of \(layers[index])")
    }
    let inputs = index == 0 ? inputCount : layers[index - 1].nodeCount
    guard parameters.inputCount == inputs else {
      throw ShapeError(
        (index == 0 ? "there are \(inputs) inputs" : "layer \(layerLabel(ofIndex: index - 1)) has \(inputs) nodes")
          + ", but layer \(label) expects \(parameters.inputCount) inputs")
    }
    let counts = (parameters.normalization?.counts ?? []) + (parameters.biases.map { [$0.count] } ?? [])
    if let count = counts.first(where: { $0 != parameters.nodeCount }) {
      throw ShapeError(
        "layer \(label) has \(parameters.nodeCount) nodes, but its biases or a part of its normalisation has \(count) values; "
          + "give one for each node")
    }
  }

  /// d, the nodes of the hidden layers from the lowest, C.
  public var widths: [Int] { [inputCount] + layers.map(\.nodeCount) }
  public var hiddenCounts: [Int] { layers.dropLast().map(\.nodeCount) }
  /// C
  public var outputCount: Int { layers[layers.count - 1].nodeCount }
  /// Whether there is one hidden layer.
  public var isTwoLayer: Bool { layers.count == 2 }
  /// Whether every layer has biases.
  public var hasBiases: Bool { layers.allSatisfy(\.hasBiases) }
  /// Whether no layer is normalised.
  public var isPlain: Bool { layers.allSatisfy { $0.normalization == nil } }
  /// Weights and biases of all layers.
  public var weightCount: Int { zip(widths, layers).reduce(0) { $0 + $1.1.weightCount(inputCount: $1.0) } }

  /// Whether all layers have biases, or none.
  ///
  /// - Throws: ``ShapeError`` if only some have.
  public func checkHasUniformBiases() throws(ShapeError) {
    guard !hasBiases, let index = layers.firstIndex(where: \.hasBiases) else { return }
    throw ShapeError(
      "layer \(layerLabel(ofIndex: index)) has biases and another layer has none; give all layers biases (0 will do), or none"
    )
  }

  /// Whether a student of this architecture can learn from a teacher of that one: the same depth, input and output, and at
  /// least as wide everywhere.
  ///
  /// - Throws: ``ShapeError`` that names the first layer that does not fit, and the remedy.
  public func checkCovers(_ teacher: Architecture) throws(ShapeError) {
    guard layers.count == teacher.layers.count else {
      throw ShapeError(
        "the student has \(layers.count) layers and the teacher \(teacher.layers.count); give both the same depth")
    }
    guard inputCount == teacher.inputCount else {
      throw ShapeError("the student takes \(inputCount) inputs and the teacher \(teacher.inputCount)")
    }
    guard outputCount == teacher.outputCount else {
      throw ShapeError("the student has \(outputCount) outputs and the teacher \(teacher.outputCount)")
    }
    for (index, (n, m)) in zip(hiddenCounts, teacher.hiddenCounts).enumerated() where n < m {
      throw ShapeError(
        "hidden layer \(layerLabel(ofIndex: index)): \(n) student nodes cannot cover \(m) teacher nodes; "
          + "widen the student to \(m) or more")
    }
  }
}
