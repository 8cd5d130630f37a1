import UnderstudyNumerics
import UnderstudySchema

/// What a network is made of, without its parameters: its inputs, its layers and the activation of the hidden ones.
///
/// Here alone is checked which layers make a network. In a convolution, a channel is a node and a position is a sample.
public struct Architecture: Sendable, Hashable {
  /// One layer with weights, whatever enters it.
  ///
  /// In a hidden layer follow one another: the linear map with its biases; a normalisation before the activation; the
  /// activation; a normalisation after it; the pooling.
  public struct Layer: Sendable, Hashable {
    public typealias Kind = ConvolutionalShape.Layer.Kind

    /// How its nodes are connected with those below. A fully connected layer takes the map below flattened, `[channel, row,
    /// column]`.
    public var kind = Kind.dense
    /// Nodes, or channels of a convolution.
    public var nodeCount: Int
    public var hasBiases: Bool
    /// Of a hidden layer.
    public var normalization: Normalization?
    /// Of a convolution's map.
    public var pooling: Pooling?
  }

  /// Batch normalisation of a hidden layer.
  public struct Normalization: Sendable, Hashable {
    public var placement: BatchNormalization.Placement
    /// Whether there are a learnt scale and shift.
    public var hasLearntScale: Bool

    public init(placement: BatchNormalization.Placement, hasLearntScale: Bool) {
      self.placement = placement
      self.hasLearntScale = hasLearntScale
    }
  }

  /// What enters: d features as d channels of one position, or images.
  public let input: MapSize
  /// From the lowest hidden layer to the output layer.
  public let layers: [Layer]
  public let activation: Activation

  /// An architecture of these layers, which are checked against each other.
  ///
  /// - Parameter input: of a network without convolutions, its numbers only count.
  /// - Throws: ``ShapeError`` if there is no hidden layer, a layer is empty, the output layer is normalised or no fully
  ///   connected one, hidden layers are normalised in different places, a convolution is above a fully connected layer, or a
  ///   window is larger than its map.
  public init(input: MapSize, layers: [Layer], activation: Activation) throws(ShapeError) {
    guard layers.count >= 2 else {
      throw ShapeError(
        "a network needs a hidden layer and an output layer, and this has \(layers.count) layer\(layers.count == 1 ? "" : "s")"
      )
    }
    let isDense = layers.allSatisfy { $0.kind == .dense }
    self.input = isDense ? MapSize(channels: input.count, rows: 1, columns: 1) : input
    (self.layers, self.activation) = (layers, activation)
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
    try checkMaps()
  }

  /// Whether every window fits its map, and layers of each kind stand where they can.
  private func checkMaps() throws(ShapeError) {
    guard layers[layers.count - 1].kind == .dense else {
      throw ShapeError("the output layer is a convolution; add a fully connected layer above it")
    }
    var map = input
    for (index, layer) in layers.enumerated() {
      func error(_ text: String) -> ShapeError { ShapeError("layer \(layerLabel(ofIndex: index)) \(text)") }
      switch layer.kind {
      case .dense:
        guard layer.pooling == nil else { throw error("is fully connected and has no map to pool; remove its pooling") }
        map = MapSize(channels: layer.nodeCount, rows: 1, columns: 1)
      case .convolution(let window):
        if index > 0, layers[index - 1].kind == .dense {
          throw error("is a convolution above a fully connected layer; put convolutions below")
        }
        guard let size = window.positions(over: map) else {
          throw error(
            "has a window of \(window) that does not fit its map of \(map.rows) x \(map.columns) with a padding of "
              + "\(window.rowPadding) x \(window.columnPadding); make the window smaller, or the map or the padding larger"
          )
        }
        map = MapSize(channels: layer.nodeCount, rows: size.rows, columns: size.columns)
      }
      guard let pooling = layer.pooling else { continue }
      guard let pooled = pooling.size(over: map) else {
        throw error(
          "pools a map of \(map.rows) x \(map.columns), which its window does not fit; make the window smaller, and its padding "
            + "smaller than the window")
      }
      map = pooled
    }
  }

  /// The architecture that some parameters have.
  ///
  /// - Throws: ``ShapeError`` if they make no network: as ``init(input:layers:activation:)``, or if the widths of
  ///   neighbours differ, or a part of a normalisation is of another length than its layer.
  init(of parameters: [NetworkLayer], input: MapSize?, activation: Activation) throws(ShapeError) {
    try self.init(
      input: input ?? MapSize(channels: parameters.first?.inputCount ?? 0, rows: 1, columns: 1),
      layers: parameters.map(\.shape), activation: activation)
    for (index, layer) in parameters.enumerated() { try check(layer, at: index) }
  }

  /// Whether parameters are those of one of the layers.
  ///
  /// - Throws: ``ShapeError`` that says what they do not fit.
  func check(_ parameters: NetworkLayer, at index: Int) throws(ShapeError) {
    var label: String { layerLabel(ofIndex: index) }
    guard parameters.shape == layers[index] else {
      throw ShapeError("layer \(label): parameters of \(parameters.shape) cannot be those of \(layers[index])")
    }
    let inputs = fanIn(ofLayer: index)
    guard parameters.inputCount == inputs else {
      guard isDense else {
        throw ShapeError(
          "layer \(label) has \(parameters.inputCount) weights a node, but above a map of "
            + "\(convolutionalShape.inputSizes[index]) it needs \(inputs): the size of the images, or a stride, a padding or a "
            + "pooling below is another one")
      }
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

  /// Whether every layer is fully connected.
  public var isDense: Bool { layers.allSatisfy { $0.kind == .dense } }
  /// d, or the numbers of an image.
  public var inputCount: Int { input.count }
  /// Weights of each node of a layer, without its bias.
  func fanIn(ofLayer index: Int) -> Int {
    isDense ? widths[index] : layers[index].kind.fanIn(above: convolutionalShape.inputSizes[index])
  }

  /// The sizes as kernels take them; of the maps as well.
  public var convolutionalShape: ConvolutionalShape {
    ConvolutionalShape(
      input: input,
      layers: layers.map { layer in
        ConvolutionalShape.Layer(
          layer.kind, nodeCount: layer.nodeCount, hasBiases: layer.hasBiases,
          normalization: NetworkShape.Normalization(layer.normalization?.placement),
          hasLearntScale: layer.normalization?.hasLearntScale ?? false, pooling: layer.pooling)
      }, negativeSlope: activation.negativeSlope)
  }

  /// d, the nodes of the hidden layers from the lowest, C.
  public var widths: [Int] { [inputCount] + layers.map(\.nodeCount) }
  public var hiddenCounts: [Int] { layers.dropLast().map(\.nodeCount) }
  /// What is left of them when each hidden layer loses a share of its nodes, lowest first; the loss is rounded down.
  public func hiddenCounts(losing shares: [Double]) -> [Int] {
    zip(hiddenCounts, shares).map { $0 - wholeNumber(of: $0, times: $1, .down) }
  }
  /// C
  public var outputCount: Int { layers[layers.count - 1].nodeCount }
  /// Whether there is one hidden layer.
  public var isTwoLayer: Bool { layers.count == 2 }
  /// Whether every layer has biases.
  public var hasBiases: Bool { layers.allSatisfy(\.hasBiases) }
  /// Whether all layers are fully connected, and none is normalised.
  public var isPlain: Bool { layers.allSatisfy { $0.normalization == nil && $0.kind == .dense } }
  /// Weights and biases of all layers.
  public var weightCount: Int {
    layers.indices.reduce(0) { $0 + layers[$1].nodeCount * (fanIn(ofLayer: $1) + (layers[$1].hasBiases ? 1 : 0)) }
  }

  /// Weights and biases with other numbers of hidden nodes, counted in floating point: no product overflows.
  ///
  /// - Shape: `hiddenCounts` has one for each hidden layer, lowest first.
  public func weightCount(hiddenCounts: [Double]) -> Double {
    let counts = hiddenCounts + [Double(outputCount)]
    return layers.indices.reduce(0) { sum, index in
      var perNode = Double(fanIn(ofLayer: index))
      // Above a map, a node has as many weights for each channel below as the map or its window has positions.
      if index > 0 { perNode = perNode / Double(layers[index - 1].nodeCount) * counts[index - 1] }
      return sum + counts[index] * (perNode + (layers[index].hasBiases ? 1 : 0))
    }
  }

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
    guard input == teacher.input else {
      throw ShapeError(
        isDense && teacher.isDense
          ? "the student takes \(inputCount) inputs and the teacher \(teacher.inputCount); give networks over the same inputs"
          : "the student takes \(input) and the teacher \(teacher.input); give networks over the same images")
    }
    if let index = layers.indices.first(where: {
      layers[$0].kind != teacher.layers[$0].kind || layers[$0].pooling != teacher.layers[$0].pooling
    }) {
      throw ShapeError(
        "layer \(layerLabel(ofIndex: index)) of student and teacher differ in their windows; give both the same kind of layers"
      )
    }
    guard outputCount == teacher.outputCount else {
      throw ShapeError(
        "the student has \(outputCount) outputs and the teacher \(teacher.outputCount); give networks of the same outputs"
      )
    }
    for (index, (n, m)) in zip(hiddenCounts, teacher.hiddenCounts).enumerated() where n < m {
      throw ShapeError(
        "hidden layer \(layerLabel(ofIndex: index)): \(n) student nodes cannot cover \(m) teacher nodes; "
          + "widen the student to \(m) or more")
    }
  }
}
