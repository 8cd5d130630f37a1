import COneDNN

/// Which algorithms of convolution are allowed.
public enum ConvolutionAlgorithm: String, Sendable, CaseIterable, Codable {
  /// Winograd's where it is available and faster: by a rule, so that it is the same on all machines of one type.
  case automatic
  /// Never Winograd's, whose sums are about 1e-5 (relative) less accurate.
  case direct
}

/// The linear map of a layer over a batch, as oneDNN is asked for it: a convolution, or its "inner product" of whole maps.
struct LinearOperation {
  let window: Window?
  let batchSize: Int
  let input: MapSize
  let output: MapSize
  let hasBiases: Bool
  let algorithm: ConvolutionAlgorithm
  let engine: DNNEngine
  /// For messages.
  let name: String

  /// `[image, channel, row, column]`, or `[image, node]` above a dense layer.
  let sourceSizes: [Int]

  var weightSizes: [Int] {
    guard let window else { return [output.channels] + sourceSizes.dropFirst() }
    return [output.channels, input.channels, window.rows, window.columns]
  }

  var targetSizes: [Int] {
    window == nil ? [batchSize, output.channels] : [batchSize, output.channels, output.rows, output.columns]
  }

  /// Winograd's algorithm computes 4 x 4 outputs of a 3 x 3 window with a quarter of the multiplications. Measured on AVX-512, it
  /// takes 0.4 to 0.95 of the time from 32 channels in and out, to which more than 16 are padded; below, or where tiles are
  /// mostly outside the map, it takes longer.
  private var prefersWinograd: Bool {
    guard algorithm == .automatic, let window else { return false }
    let tiled = padded(output.rows, to: 4) * padded(output.columns, to: 4)
    return (window.rows, window.columns, window.rowStride, window.columnStride) == (3, 3, 1, 1)
      && min(input.channels, output.channels) > 16 && 2 * tiled <= 3 * output.positionCount
  }

  private var convolutionAlgorithms: [dnnl_alg_kind_t] {
    window == nil
      ? [dnnl_alg_kind_undef]
      : prefersWinograd ? [dnnl_convolution_winograd, dnnl_convolution_direct] : [dnnl_convolution_direct]
  }

  /// Layouts to ask for one after the other. Dense layers take what is there if they can: a map is larger than a filter's.
  private func layouts(_ present: Layout) -> [Layout] {
    let any = Layout(present.sizes, isAny: true)
    return window == nil ? [present, any] : [any]
  }

  /// The map, and the activation of its results if there is one and oneDNN can do both at once.
  func forward(from source: Layout, activating slope: Double?) throws(ConvolutionError) -> (
    description: PrimitiveDescription, activates: Bool
  ) {
    var candidates: [(dnnl_alg_kind_t, Layout, Double?)] = []
    for algorithm in convolutionAlgorithms {
      for layout in layouts(source) {
        if slope != nil { candidates.append((algorithm, layout, slope)) }
        candidates.append((algorithm, layout, nil))
      }
    }
    var activates = false
    let description = try firstFast(
      candidates.map { algorithm, layout, slope in
        { () throws(ConvolutionError) in
          let description = try self.forward(algorithm, layout, slope)
          activates = slope != nil
          return description
        }
      })
    return (description, activates)
  }

  func backwardData(
    to source: Layout, from target: Layout, forward: PrimitiveDescription
  ) throws(ConvolutionError) -> PrimitiveDescription {
    try firstFast(
      convolutionAlgorithms.flatMap { algorithm in
        zip(layouts(source), layouts(target)).map { source, target in
          { () throws(ConvolutionError) in try self.backwardData(algorithm, source, target, forward) }
        }
      })
  }

  func backwardWeights(
    from source: Layout, _ target: Layout, forward: PrimitiveDescription
  ) throws(ConvolutionError) -> PrimitiveDescription {
    try firstFast(
      convolutionAlgorithms.flatMap { algorithm in
        zip(layouts(source), layouts(target)).map { source, target in
          { () throws(ConvolutionError) in try self.backwardWeights(algorithm, source, target, forward) }
        }
      })
  }

  // MARK: oneDNN's descriptors

  private var strides: [Int64] { window?.strides ?? [] }
  private var padding: [Int64] { window?.padding ?? [] }
  private var anyWeights: Layout { Layout(weightSizes, isAny: true) }
  private var biasLayout: Layout? { hasBiases ? Layout([output.channels]) : nil }

  private func forward(
    _ algorithm: dnnl_alg_kind_t, _ source: Layout, _ slope: Double?
  ) throws(ConvolutionError) -> PrimitiveDescription {
    let request = "\(name), forward"
    var (source, weights, target) = (source, anyWeights, Layout(targetSizes, isAny: true))
    if window == nil {
      var operation = dnnl_inner_product_desc_t()
      try check(
        withLayout(biasLayout) {
          dnnl_inner_product_forward_desc_init(&operation, dnnl_forward_training, &source, &weights, $0, &target)
        }, request)
      return try PrimitiveDescription(&operation, activating: slope, engine, request)
    }
    var operation = dnnl_convolution_desc_t()
    try check(
      withLayout(biasLayout) {
        dnnl_convolution_forward_desc_init(
          &operation, dnnl_forward_training, algorithm, &source, &weights, $0, &target, strides, padding, padding)
      }, request)
    return try PrimitiveDescription(&operation, activating: slope, engine, request)
  }

  private func backwardData(
    _ algorithm: dnnl_alg_kind_t, _ source: Layout, _ target: Layout, _ forward: PrimitiveDescription
  ) throws(ConvolutionError) -> PrimitiveDescription {
    let request = "\(name), gradient of its input"
    var (source, weights, target) = (source, anyWeights, target)
    if window == nil {
      var operation = dnnl_inner_product_desc_t()
      try check(dnnl_inner_product_backward_data_desc_init(&operation, &source, &weights, &target), request)
      return try PrimitiveDescription(&operation, forward: forward, engine, request)
    }
    var operation = dnnl_convolution_desc_t()
    try check(
      dnnl_convolution_backward_data_desc_init(
        &operation, algorithm, &source, &weights, &target, strides, padding, padding), request)
    return try PrimitiveDescription(&operation, forward: forward, engine, request)
  }

  private func backwardWeights(
    _ algorithm: dnnl_alg_kind_t, _ source: Layout, _ target: Layout, _ forward: PrimitiveDescription
  ) throws(ConvolutionError) -> PrimitiveDescription {
    let request = "\(name), gradient of its weights"
    var (source, weights, target) = (source, anyWeights, target)
    if window == nil {
      var operation = dnnl_inner_product_desc_t()
      try check(
        withLayout(biasLayout) {
          dnnl_inner_product_backward_weights_desc_init(&operation, &source, &weights, $0, &target)
        }, request)
      return try PrimitiveDescription(&operation, forward: forward, engine, request)
    }
    var operation = dnnl_convolution_desc_t()
    try check(
      withLayout(biasLayout) {
        dnnl_convolution_backward_weights_desc_init(
          &operation, algorithm, &source, &weights, $0, &target, strides, padding, padding)
      }, request)
    return try PrimitiveDescription(&operation, forward: forward, engine, request)
  }
}

private func withLayout(_ layout: Layout?, _ body: (UnsafePointer<Layout>?) -> dnnl_status_t) -> dnnl_status_t {
  guard let layout else { return body(nil) }
  return withUnsafePointer(to: layout) { body($0) }
}
