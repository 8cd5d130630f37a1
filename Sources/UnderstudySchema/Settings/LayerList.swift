/// The hidden layers of a network over images, lowest first; written `conv 64, conv 64 padding 1 max 2, dense 100`.
///
/// A layer is `conv` or `dense` with its nodes. Of a convolution may follow `size 5` or `size 3x1`, `stride 2`, `padding 1`, and
/// what makes its map smaller: `max 2` or `average 2`, which may have a `stride` and `padding` of their own, or `average` alone,
/// over the whole map. Without a size it is 3, without a stride 1 (of `max` and `average` their size), without a padding 0.
public struct LayerList: Codable, Hashable, Sendable, CustomStringConvertible {
  /// A side of a window, or two: rows and columns.
  public struct Extent: Codable, Hashable, Sendable, CustomStringConvertible {
    public var rows: Int
    public var columns: Int

    public init(rows: Int, columns: Int) {
      self.rows = rows
      self.columns = columns
    }

    public var description: String { rows == columns ? "\(rows)" : "\(rows)x\(columns)" }
  }

  /// The window of a convolution, and what makes its map smaller.
  public struct Convolution: Codable, Hashable, Sendable {
    public var size = Extent(rows: 3, columns: 3)
    public var stride = Extent(rows: 1, columns: 1)
    public var padding = Extent(rows: 0, columns: 0)
    public var pooling: Pooling?

    public init() {}
  }

  /// The window of a pooling.
  public struct PoolingWindow: Codable, Hashable, Sendable {
    public var size: Extent
    public var stride: Extent
    public var padding: Extent

    public init(size: Extent, stride: Extent, padding: Extent = Extent(rows: 0, columns: 0)) {
      self.size = size
      self.stride = stride
      self.padding = padding
    }
  }

  /// What makes a convolution's map smaller.
  public enum Pooling: Codable, Hashable, Sendable {
    case maximum(PoolingWindow)
    case average(PoolingWindow)
    /// Over the whole map.
    case globalAverage
  }

  /// A hidden layer: its nodes, and how they are connected with those below.
  public struct Layer: Codable, Hashable, Sendable, CustomStringConvertible {
    public var nodes: Int
    /// nil: fully connected.
    public var convolution: Convolution?

    public init(nodes: Int, convolution: Convolution?) {
      self.nodes = nodes
      self.convolution = convolution
    }

    public var description: String {
      guard let convolution else { return "dense \(nodes)" }
      let standard = Convolution()
      var words = ["conv \(nodes)"]
      if convolution.size != standard.size { words.append("size \(convolution.size)") }
      if convolution.stride != standard.stride { words.append("stride \(convolution.stride)") }
      if convolution.padding != standard.padding { words.append("padding \(convolution.padding)") }
      func add(_ word: String, _ window: PoolingWindow) {
        words.append("\(word) \(window.size)")
        if window.stride != window.size { words.append("stride \(window.stride)") }
        if window.padding != standard.padding { words.append("padding \(window.padding)") }
      }
      switch convolution.pooling {
      case .maximum(let window): add("max", window)
      case .average(let window): add("average", window)
      case .globalAverage: words.append("average")
      case nil: break
      }
      return words.joined(separator: " ")
    }
  }

  public let layers: [Layer]

  public init(_ layers: [Layer]) { self.layers = layers }

  public var description: String { layers.map(\.description).joined(separator: ", ") }

  /// The layers that a text writes.
  ///
  /// - Throws: ``TextFormError`` for what has not the form, for layers without nodes, windows without a size, and too many
  ///   layers.
  public init(_ text: String) throws(TextFormError) {
    var layers: [Layer] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      layers.append(try Layer(words: part.split(whereSeparator: \.isWhitespace), number: layers.count + 1))
    }
    guard layers.count <= LayerWidths.greatestDepth else {
      throw .outOfRange("\(layers.count) hidden layers are more than \(LayerWidths.greatestDepth)")
    }
    self.layers = layers
  }
}

extension LayerList.Layer {
  fileprivate init(words: [Substring], number: Int) throws(TextFormError) {
    guard words.count >= 2, let nodes = Int(words[1]), ["conv", "dense"].contains(words[0]) else { throw .notOfTheForm }
    guard (1...1_000_000).contains(nodes) else {
      throw .outOfRange("hidden layer \(layerLabel(number)) has \(nodes) nodes")
    }
    self.nodes = nodes
    guard words[0] == "conv" else {
      guard words.count == 2 else { throw .outOfRange("hidden layer \(layerLabel(number)) is dense and has no window") }
      return
    }
    var convolution = LayerList.Convolution()
    var rest = words[2...]
    // Of the convolution, then of its pooling.
    var seen: Set<Substring> = []
    func error(_ text: String) -> TextFormError { .outOfRange("hidden layer \(layerLabel(number)) \(text)") }
    while let word = rest.popFirst() {
      guard ["size", "stride", "padding", "max", "average"].contains(word) else {
        throw error("says \"\(word)\", which is none of size, stride, padding, max and average")
      }
      var extent: LayerList.Extent?
      if let sides = rest.first.flatMap(LayerList.Extent.init) {
        guard (0...1000).contains(sides.rows), (0...1000).contains(sides.columns) else {
          throw error("has a \(word) of \(rest.removeFirst())")
        }
        extent = sides
        rest.removeFirst()
      }
      guard word == "padding" || extent.map({ $0.rows > 0 && $0.columns > 0 }) ?? true else {
        throw error("has a \(word) of 0")
      }
      guard extent != nil || word == "average" else { throw error("says \(word) without a number") }
      if ["max", "average"].contains(word) { seen.subtract(["stride", "padding"]) }
      guard seen.insert(word).inserted else { throw error("says \(word) twice") }
      guard convolution.set(String(word), extent) else {
        throw error("says \(word) behind what it could belong to: size, stride and padding, then max or average")
      }
    }
    self.convolution = convolution
  }
}

extension LayerList.Convolution {
  /// What a word with its numbers says; once a pooling is there, strides and paddings are its own.
  ///
  /// - Returns: false for what says nothing.
  fileprivate mutating func set(_ word: String, _ extent: LayerList.Extent?) -> Bool {
    switch (word, extent, pooling) {
    case ("size", let extent?, nil): size = extent
    case ("stride", let extent?, nil): stride = extent
    case ("padding", let extent?, nil): padding = extent
    case ("max", let extent?, nil): pooling = .maximum(.init(size: extent, stride: extent))
    case ("average", let extent?, nil): pooling = .average(.init(size: extent, stride: extent))
    case ("average", nil, nil): pooling = .globalAverage
    case ("stride", let extent?, .maximum(var window)):
      window.stride = extent
      pooling = .maximum(window)
    case ("stride", let extent?, .average(var window)):
      window.stride = extent
      pooling = .average(window)
    case ("padding", let extent?, .maximum(var window)):
      window.padding = extent
      pooling = .maximum(window)
    case ("padding", let extent?, .average(var window)):
      window.padding = extent
      pooling = .average(window)
    default: return false
    }
    return true
  }
}

extension LayerList.Extent {
  /// - Returns: nil for what is no extent.
  fileprivate init?(_ text: Substring) {
    let sides = text.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard (1...2).contains(sides.count), let rows = sides[0], let columns = sides[sides.count - 1] else { return nil }
    (self.rows, self.columns) = (rows, columns)
  }
}

/// Shares of the nodes of each hidden layer, lowest first; written `0.3-0.5-0.5-0.7`.
public struct LayerShares: Codable, Hashable, Sendable, CustomStringConvertible {
  public let shares: [Double]

  public var description: String { shares.map { KeyValue.number($0).description }.joined(separator: "-") }

  /// The shares that a text writes.
  ///
  /// - Throws: ``TextFormError`` for what has not the form, and for shares below 0 or not below 1.
  public init(_ text: String) throws(TextFormError) {
    var shares: [Double] = []
    for part in text.split(separator: "-", omittingEmptySubsequences: false) {
      guard let share = Double(part.trimmed) else { throw .notOfTheForm }
      guard share >= 0, share < 1 else {
        throw .outOfRange("hidden layer \(layerLabel(shares.count + 1)) would lose a share of \(part)")
      }
      shares.append(share)
    }
    self.shares = shares
  }
}
