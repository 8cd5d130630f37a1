import COneDNN

/// What building a network's passes needs: oneDNN, and the memory that its primitives share.
///
/// A class because what is built adds to the shared memory.
final class PassBuilder {
  let engine: DNNEngine
  /// Whether steps will be taken: then parameters have gradients.
  let isTrained: Bool
  /// Whether memory is counted only, and nothing can run.
  let isEstimate: Bool
  let scratchpad = SharedMemory()
  private var ownBytes = 0
  /// Gradients on their way down: each is used only until the next one is there.
  private let gradients = [SharedMemory(), SharedMemory()]
  private var turn = 0

  init(isTrained: Bool, isEstimate: Bool) throws(ConvolutionError) {
    (self.isTrained, self.isEstimate) = (isTrained, isEstimate)
    engine = try DNNEngine()
  }

  /// Bytes of everything that has been built.
  var byteCount: Int { ownBytes + (gradients + [scratchpad]).reduce(0) { $0 + $1.byteCount } }

  func primitive(
    _ description: PrimitiveDescription, _ arguments: [(Int32, Tensor)]
  ) throws(ConvolutionError) -> Primitive {
    try Primitive(description, arguments, engine, scratchpad: scratchpad)
  }

  /// Memory for a gradient; the one before the last may be overwritten by it.
  func gradient(_ layout: Layout) throws(ConvolutionError) -> Tensor {
    turn += 1
    return try gradients[turn % 2].tensor(layout, engine)
  }

  /// The tensor itself if it has this layout; else one that a step more copies it to, in the memory of `make`.
  func matched(
    _ tensor: Tensor, to layout: Layout, steps: inout [Primitive],
    make: (Layout) throws(ConvolutionError) -> Tensor
  ) throws(ConvolutionError) -> Tensor {
    if tensor.layout == layout { return tensor }
    let copy = try make(layout)
    steps.append(try Primitive(reorder: tensor, to: copy, engine, scratchpad: scratchpad))
    return copy
  }

  func tensor(_ layout: Layout) throws(ConvolutionError) -> Tensor {
    try Tensor(layout, engine, over: buffer(layout.floatCount))
  }

  /// Memory of a thing's own (zeros).
  func buffer(_ count: Int) -> AlignedBuffer<Float> {
    ownBytes += AlignedBuffer<Float>.byteCount(count)
    return AlignedBuffer(count: isEstimate ? 0 : count)
  }

  func parameter(layer: Int, layout: Layout, count: Int? = nil) -> Parameter {
    let count = count ?? layout.floatCount
    return Parameter(layer: layer, layout: layout, values: buffer(count), gradient: buffer(isTrained ? count : 0))
  }

  /// Memory for a copy of the last gradient that is used at once.
  func passingGradient(_ layout: Layout) throws(ConvolutionError) -> Tensor {
    try gradients[(turn + 1) % 2].tensor(layout, engine)
  }

  /// Gives the shared memory its place; what has been built can run from now on.
  func finish() {
    guard !isEstimate else { return }
    for memory in gradients + [scratchpad] { memory.allocate() }
  }
}

/// An array that steps move, its negative gradient, and what the update rule remembers of it, all in one layout.
///
/// A class because steps change it in place.
final class Parameter {
  let layer: Int
  let layout: Layout
  let values: AlignedBuffer<Float>
  /// Empty where no steps are taken.
  let gradient: AlignedBuffer<Float>
  var moments: [AlignedBuffer<Float>] = []

  init(layer: Int, layout: Layout, values: AlignedBuffer<Float>, gradient: AlignedBuffer<Float>) {
    (self.layer, self.layout, self.values, self.gradient) = (layer, layout, values, gradient)
  }
}

/// A layer's linear map: its weights in oneDNN's layout, and the primitives of a step.
///
/// A class because steps change its memory in place.
final class LinearMap {
  let weights: Parameter
  let biases: Parameter?
  let output: Tensor
  /// Whether `output` is activated already.
  let activates: Bool
  private let operation: LinearOperation
  private let description: PrimitiveDescription
  private let input: Tensor
  private let weightTensor: Tensor
  private(set) var forward: [Primitive] = []
  /// From the gradient at `output` to the gradients of the parameters, and to that of the input.
  private(set) var backwardWeights: [Primitive] = []
  private(set) var backwardData: [Primitive] = []
  /// The product itself among each of them.
  private(set) var products: [Direction: Primitive] = [:]

  enum Direction: CaseIterable { case forward, data, weights }

  init(
    layer: Int, _ operation: LinearOperation, input source: Tensor, activating slope: Double?, _ builder: PassBuilder
  ) throws(ConvolutionError) {
    self.operation = operation
    (description, activates) = try operation.forward(from: source.layout, activating: slope)
    let weightLayout = try description.wanted(dnnl_query_weights_md)
    guard weightLayout.format_kind == dnnl_blocked else {
      throw ConvolutionError(request: operation.name, reason: "gave a layout that cannot be trained")
    }
    weights = builder.parameter(layer: layer, layout: weightLayout)
    biases =
      operation.hasBiases ? builder.parameter(layer: layer, layout: Layout([operation.output.channels])) : nil
    weightTensor = try Tensor(weightLayout, builder.engine, over: weights.values)
    var steps: [Primitive] = []
    input = try builder.matched(source, to: description.wanted(dnnl_query_src_md), steps: &steps, make: builder.tensor)
    let target = try builder.tensor(description.wanted(dnnl_query_dst_md))
    var arguments = [(DNNL_ARG_SRC, input), (DNNL_ARG_WEIGHTS, weightTensor), (DNNL_ARG_DST, target)]
    if let biases {
      arguments.append((DNNL_ARG_BIAS, try Tensor(biases.layout, builder.engine, over: biases.values)))
    }
    let product = try builder.primitive(description, arguments)
    steps.append(product)
    // What follows reads maps channel by channel.
    output = try builder.matched(
      target, to: target.layout.map == nil ? target.layout.plain : target.layout, steps: &steps, make: builder.tensor)
    forward = steps
    products[.forward] = product
  }

  /// Builds the way back from the gradient at `output`, to the weights only where steps are taken.
  ///
  /// - Parameter below: the layout in which the layer below wants its gradient; nil if there is none.
  /// - Returns: the gradient for the layer below.
  func buildBackward(
    from gradient: Tensor, below: Layout?, _ builder: PassBuilder
  ) throws(ConvolutionError) -> Tensor? {
    if builder.isTrained { try buildWeights(from: gradient, builder) }
    guard let below else { return nil }
    let description = try operation.backwardData(to: below, from: gradient.layout, forward: description)
    var steps: [Primitive] = []
    let matrix = try builder.matched(
      weightTensor, to: description.wanted(dnnl_query_weights_md), steps: &steps, make: builder.tensor)
    let target = try builder.matched(
      gradient, to: description.wanted(dnnl_query_diff_dst_md), steps: &steps, make: builder.gradient)
    let source = try builder.gradient(description.wanted(dnnl_query_diff_src_md))
    let product = try builder.primitive(
      description, [(DNNL_ARG_DIFF_DST, target), (DNNL_ARG_WEIGHTS, matrix), (DNNL_ARG_DIFF_SRC, source)])
    steps.append(product)
    products[.data] = product
    let passed = try builder.matched(source, to: below, steps: &steps, make: builder.gradient)
    backwardData = steps
    return passed
  }

  private func buildWeights(from gradient: Tensor, _ builder: PassBuilder) throws(ConvolutionError) {
    let description = try operation.backwardWeights(from: input.layout, gradient.layout, forward: description)
    var steps: [Primitive] = []
    let source = try builder.matched(
      input, to: description.wanted(dnnl_query_src_md), steps: &steps, make: builder.tensor)
    let target = try builder.matched(
      gradient, to: description.wanted(dnnl_query_diff_dst_md), steps: &steps, make: builder.passingGradient)
    let result = try Tensor(weights.layout, builder.engine, over: weights.gradient)
    let layout = try description.wanted(dnnl_query_diff_weights_md)
    let matrix = layout == result.layout ? result : try builder.tensor(layout)
    var arguments = [(DNNL_ARG_SRC, source), (DNNL_ARG_DIFF_DST, target), (DNNL_ARG_DIFF_WEIGHTS, matrix)]
    if let biases {
      arguments.append((DNNL_ARG_DIFF_BIAS, try Tensor(biases.layout, builder.engine, over: biases.gradient)))
    }
    let product = try builder.primitive(description, arguments)
    steps.append(product)
    products[.weights] = product
    if matrix !== result {
      steps.append(try Primitive(reorder: matrix, to: result, builder.engine, scratchpad: builder.scratchpad))
    }
    backwardWeights = steps
  }
}
