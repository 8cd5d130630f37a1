import COneDNN

/// A layer's pooling over a batch. A class because steps change its memory in place.
final class MapPooling {
  let output: Tensor
  let forward: Primitive
  private let description: PrimitiveDescription
  private let input: Layout
  private let algorithm: dnnl_alg_kind_t
  private let window: Window
  private let workspace: Tensor?
  private let name: String
  private(set) var backward: Primitive?

  init(layer: Int, _ pooling: Pooling, input: Tensor, _ builder: PassBuilder) throws(ConvolutionError) {
    name = "layer \(layerLabel(ofIndex: layer)), pooling"
    self.input = input.layout
    let sizes = input.layout.sizes
    precondition(sizes.count == 4, "a dense layer has no map to pool")
    let map = MapSize(channels: sizes[1], rows: sizes[2], columns: sizes[3])
    (window, algorithm) =
      switch pooling {
      case .maximum(let window): (window, dnnl_pooling_max)
      case .average(let window): (window, dnnl_pooling_avg_exclude_padding)
      case .globalAverage: (Window(rows: map.rows, columns: map.columns), dnnl_pooling_avg_exclude_padding)
      }
    guard let size = pooling.size(over: map) else { preconditionFailure("a pooling larger than its map") }
    var operation = dnnl_pooling_desc_t()
    var (source, target) = (input.layout, Layout([sizes[0], size.channels, size.rows, size.columns], isAny: true))
    try check(
      dnnl_pooling_forward_desc_init(
        &operation, dnnl_forward_training, algorithm, &source, &target, window.strides, window.sizes, window.padding,
        window.padding), name)
    description = try PrimitiveDescription(&operation, builder.engine, name)
    output = try builder.tensor(description.wanted(dnnl_query_dst_md))
    var arguments = [(DNNL_ARG_SRC, input), (DNNL_ARG_DST, output)]
    if let layout = description.layout(dnnl_query_workspace_md) {
      let tensor = try builder.tensor(layout)
      arguments.append((DNNL_ARG_WORKSPACE, tensor))
      workspace = tensor
    } else {
      workspace = nil
    }
    forward = try builder.primitive(description, arguments)
  }

  /// Builds the way back from the gradient at the output to the one at the input, which it returns.
  func buildBackward(from gradient: Tensor, _ builder: PassBuilder) throws(ConvolutionError) -> Tensor {
    var operation = dnnl_pooling_desc_t()
    var (source, target) = (input, gradient.layout)
    try check(
      dnnl_pooling_backward_desc_init(
        &operation, algorithm, &source, &target, window.strides, window.sizes, window.padding, window.padding), name)
    let back = try PrimitiveDescription(&operation, forward: description, builder.engine, name)
    let passed = try builder.gradient(input)
    var arguments = [(DNNL_ARG_DIFF_DST, gradient), (DNNL_ARG_DIFF_SRC, passed)]
    if let workspace { arguments.append((DNNL_ARG_WORKSPACE, workspace)) }
    backward = try builder.primitive(back, arguments)
    return passed
  }
}

extension Window {
  var sizes: [Int64] { [Int64(rows), Int64(columns)] }
  var strides: [Int64] { [Int64(rowStride), Int64(columnStride)] }
  var padding: [Int64] { [Int64(rowPadding), Int64(columnPadding)] }
}
