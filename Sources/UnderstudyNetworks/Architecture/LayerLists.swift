import UnderstudyNumerics
import UnderstudySchema

// Hidden layers as studies and files write them.

extension Architecture {
  /// The architecture of a network over images.
  ///
  /// - Throws: ``ShapeError``, as ``init(input:layers:activation:)``.
  public init(
    input: MapSize, hidden: LayerList, outputCount: Int, activation: Activation, hasBiases: Bool,
    normalization: Normalization?
  ) throws(ShapeError) {
    var layers = hidden.layers.map { Layer($0, hasBiases: hasBiases, normalization: normalization) }
    layers.append(Layer(nodeCount: outputCount, hasBiases: hasBiases))
    try self.init(input: input, layers: layers, activation: activation)
  }

  /// The hidden layers, written.
  public var hiddenLayers: LayerList { LayerList(layers.dropLast().map(LayerList.Layer.init)) }
}

extension Architecture.Layer {
  fileprivate init(_ written: LayerList.Layer, hasBiases: Bool, normalization: Architecture.Normalization?) {
    self.init(nodeCount: written.nodes, hasBiases: hasBiases, normalization: normalization)
    (kind, pooling) = written.windows
  }
}

extension LayerList.Layer {
  /// The layer's kind, and what makes its map smaller.
  var windows: (kind: Architecture.Layer.Kind, pooling: Pooling?) {
    guard let convolution else { return (.dense, nil) }
    let pooling: Pooling? =
      switch convolution.pooling {
      case .maximum(let window): .maximum(Window(window.size, window.stride, window.padding))
      case .average(let window): .average(Window(window.size, window.stride, window.padding))
      case .globalAverage: .globalAverage
      case nil: nil
      }
    return (.convolution(Window(convolution.size, convolution.stride, convolution.padding)), pooling)
  }

  init(_ layer: Architecture.Layer) {
    self.init(nodes: layer.nodeCount, convolution: nil)
    guard case .convolution(let window) = layer.kind else { return }
    var convolution = LayerList.Convolution()
    (convolution.size, convolution.stride, convolution.padding) = window.extents
    func written(_ window: Window) -> LayerList.PoolingWindow {
      LayerList.PoolingWindow(
        size: window.extents.size, stride: window.extents.stride, padding: window.extents.padding)
    }
    switch layer.pooling {
    case .maximum(let window): convolution.pooling = .maximum(written(window))
    case .average(let window): convolution.pooling = .average(written(window))
    case .globalAverage: convolution.pooling = .globalAverage
    case nil: break
    }
    self.convolution = convolution
  }
}

extension Window {
  fileprivate init(_ size: LayerList.Extent, _ stride: LayerList.Extent, _ padding: LayerList.Extent) {
    self.init(
      rows: size.rows, columns: size.columns, rowStride: stride.rows, columnStride: stride.columns,
      rowPadding: padding.rows, columnPadding: padding.columns)
  }

  fileprivate var extents: (size: LayerList.Extent, stride: LayerList.Extent, padding: LayerList.Extent) {
    (
      .init(rows: rows, columns: columns), .init(rows: rowStride, columns: columnStride),
      .init(rows: rowPadding, columns: columnPadding)
    )
  }
}
