/// The size of an image, or of the map that a layer makes of it.
public struct MapSize: Sendable, Hashable, CustomStringConvertible {
  public var channels: Int
  public var rows: Int
  public var columns: Int

  public init(channels: Int, rows: Int, columns: Int) {
    self.channels = channels
    self.rows = rows
    self.columns = columns
  }

  /// Places of one channel.
  public var positionCount: Int { rows * columns }
  /// Numbers in all.
  public var count: Int { channels * rows * columns }
  public var description: String { "\(channels) x \(rows) x \(columns)" }
}

/// The window that a convolution or a pooling moves over a map.
public struct Window: Sendable, Hashable, CustomStringConvertible {
  public var rows: Int
  public var columns: Int
  /// Places from one position of the window to the next.
  public var rowStride: Int
  public var columnStride: Int
  /// Zeros at each border of the map; of a maximum or an average, places that do not count.
  public var rowPadding: Int
  public var columnPadding: Int

  public init(
    rows: Int, columns: Int, rowStride: Int = 1, columnStride: Int = 1, rowPadding: Int = 0, columnPadding: Int = 0
  ) {
    self.rows = rows
    self.columns = columns
    self.rowStride = rowStride
    self.columnStride = columnStride
    self.rowPadding = rowPadding
    self.columnPadding = columnPadding
  }

  /// A square window.
  public init(size: Int, stride: Int = 1, padding: Int = 0) {
    self.init(
      rows: size, columns: size, rowStride: stride, columnStride: stride, rowPadding: padding, columnPadding: padding)
  }

  public var count: Int { rows * columns }

  public var description: String { "\(rows) x \(columns)" }

  /// Rows and columns of the map that the window makes of a map; nil if the window is larger than the map with its padding, or
  /// has no size or stride.
  public func positions(over map: MapSize) -> (rows: Int, columns: Int)? {
    func count(_ length: Int, _ size: Int, _ stride: Int, _ padding: Int) -> Int? {
      guard size > 0, stride > 0, padding >= 0, size <= length + 2 * padding else { return nil }
      return (length + 2 * padding - size) / stride + 1
    }
    guard let rows = count(map.rows, rows, rowStride, rowPadding),
      let columns = count(map.columns, columns, columnStride, columnPadding)
    else { return nil }
    return (rows, columns)
  }
}

/// What makes a map smaller, channel by channel.
public enum Pooling: Sendable, Hashable {
  case maximum(Window)
  /// Padding does not count.
  case average(Window)
  /// One number for each channel.
  case globalAverage

  /// The map that it makes of a map; nil if its window does not fit.
  public func size(over map: MapSize) -> MapSize? {
    switch self {
    case .maximum(let window), .average(let window):
      // A window that is all padding has no maximum and no mean.
      window.rowPadding < window.rows && window.columnPadding < window.columns
        ? window.positions(over: map).map { MapSize(channels: map.channels, rows: $0.rows, columns: $0.columns) } : nil
    case .globalAverage: MapSize(channels: map.channels, rows: 1, columns: 1)
    }
  }
}

/// The sizes of a network over images: what the kernels of convolutions need to know.
///
/// In a hidden layer follow one another: the linear map with its biases; a normalisation `beforeActivation`; the activation; a
/// normalisation `afterActivation`; the pooling. The last layer is its linear map. A dense layer takes the map below flattened
/// as `[channel, row, column]`.
public struct ConvolutionalShape: Sendable, Hashable {
  /// A layer with weights, and what follows its linear map.
  public struct Layer: Sendable, Hashable {
    /// How its nodes are connected with the map below.
    public enum Kind: Sendable, Hashable {
      case convolution(Window)
      case dense

      /// Weights of one node above a map.
      public func fanIn(above map: MapSize) -> Int {
        switch self {
        case .convolution(let window): map.channels * window.count
        case .dense: map.count
        }
      }
    }

    public var kind: Kind
    /// Filters, or nodes.
    public var nodeCount: Int
    public var hasBiases: Bool
    public var normalization: NetworkShape.Normalization
    /// Whether the normalisation has a learnt scale and shift.
    public var hasLearntScale: Bool
    public var pooling: Pooling?

    public init(
      _ kind: Kind, nodeCount: Int, hasBiases: Bool = true, normalization: NetworkShape.Normalization = .none,
      hasLearntScale: Bool = false, pooling: Pooling? = nil
    ) {
      self.kind = kind
      self.nodeCount = nodeCount
      self.hasBiases = hasBiases
      self.normalization = normalization
      self.hasLearntScale = hasLearntScale
      self.pooling = pooling
    }
  }

  public var input: MapSize
  /// From the lowest to the output layer.
  public var layers: [Layer]
  /// Slope of the activation for negative pre-activations: 0 is ReLU, 1 a linear network.
  public var negativeSlope: Double

  public init(input: MapSize, layers: [Layer], negativeSlope: Double) {
    self.input = input
    self.layers = layers
    self.negativeSlope = negativeSlope
  }

  /// The map of each layer's activations, before its pooling.
  ///
  /// - Precondition: every window fits its map.
  public var activationSizes: [MapSize] { sizes.map(\.activations) }
  /// What each layer takes: the images, then the maps of the layer below after its pooling.
  ///
  /// - Precondition: as of ``activationSizes``.
  public var inputSizes: [MapSize] { [input] + sizes.dropLast().map(\.output) }

  private var sizes: [(activations: MapSize, output: MapSize)] {
    var below = input
    return layers.map { layer in
      var map = MapSize(channels: layer.nodeCount, rows: 1, columns: 1)
      if case .convolution(let window) = layer.kind {
        guard let positions = window.positions(over: below) else { preconditionFailure("a window larger than its map") }
        (map.rows, map.columns) = positions
      }
      guard let output = layer.pooling == nil ? map : layer.pooling?.size(over: map) else {
        preconditionFailure("a pooling larger than its map")
      }
      below = output
      return (map, output)
    }
  }

  /// Floating-point operations (2 a multiply-add) of the linear maps of one step over `batch` images: forward, and backward to
  /// the weights and, above the lowest layer, to the map below.
  public func stepFLOPs(batch: Int) -> Double {
    let (inputs, maps) = (inputSizes, activationSizes)
    return layers.indices.reduce(0) { sum, index in
      let fanIn = layers[index].kind.fanIn(above: inputs[index])
      return sum + 2 * Double(batch) * Double(maps[index].count * fanIn) * (index == 0 ? 2 : 3)
    }
  }
}
