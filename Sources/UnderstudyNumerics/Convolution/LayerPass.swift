/// One layer of a network over images with the memory of a batch: its linear map, normalisation, activation and pooling.
///
/// A class because steps change its memory in place.
final class LayerPass {
  let linear: LinearMap
  let normalization: MapNormalization?
  private let pooling: MapPooling?
  /// After the activation; before a normalisation that follows it, and before pooling. The pre-activations of the last layer.
  let activations: Tensor
  /// What the layer above takes.
  let output: Tensor
  private let negativeSlope: Double
  private let threadCount: Int
  private let kernels = Float.kernels(for: .best)
  /// Whether `linear.output` needs an activation that oneDNN could not do with the map.
  private let activates: Bool
  /// Whether the way back goes through the activation here; a normalisation does it on its own.
  private let gates: Bool
  private var gradient: Tensor?

  init(
    layer: Int, of shape: ConvolutionalShape, linear: LinearMap, threadCount: Int, _ builder: PassBuilder
  ) throws(ConvolutionError) {
    let kind = shape.layers[layer]
    let isHidden = layer < shape.layers.count - 1
    self.linear = linear
    self.threadCount = threadCount
    negativeSlope = shape.negativeSlope
    activates =
      isHidden && kind.normalization != .beforeActivation && !linear.activates && shape.negativeSlope != 1
    gates = isHidden && kind.normalization == .none && shape.negativeSlope != 1
    normalization =
      kind.normalization == .none
      ? nil
      : try MapNormalization(
        layer: layer, kind, input: linear.output, negativeSlope: shape.negativeSlope, threadCount: threadCount, builder)
    let normalized = normalization?.output ?? linear.output
    activations = kind.normalization == .beforeActivation ? normalized : linear.output
    pooling = try kind.pooling.map { pooling throws(ConvolutionError) in
      try MapPooling(layer: layer, pooling, input: normalized, builder)
    }
    output = pooling?.output ?? normalized
  }

  func forward(isTraining: Bool) {
    for step in linear.forward { step.run() }
    if activates {
      overElements(of: linear.output) {
        kernels.activate($1, linear.output.start + $0, linear.output.start + $0, negativeSlope)
      }
    }
    if isTraining { normalization?.forwardInTraining() } else { normalization?.forwardInEvaluation() }
    pooling?.forward.run()
  }

  /// Builds the way back from the gradient at `output`.
  ///
  /// - Parameter below: the layout in which the layer below wants its gradient; nil if there is none.
  /// - Returns: the gradient at the output of the layer below.
  func buildBackward(
    from gradient: Tensor, below: Layout?, _ builder: PassBuilder
  ) throws(ConvolutionError) -> Tensor? {
    let gradient = try pooling?.buildBackward(from: gradient, builder) ?? gradient
    self.gradient = gradient
    return try linear.buildBackward(from: gradient, below: below, builder)
  }

  /// From the gradient at `output` to those of the parameters, if they move, and of the layer below, if it is asked for.
  func backward(updates: Bool, continues: Bool) {
    guard let gradient else { preconditionFailure("backward before it is built") }
    pooling?.backward?.run()
    if let normalization {
      normalization.backward(gradient)
    } else if gates {
      overElements(of: gradient) { kernels.gate($1, gradient.start + $0, linear.output.start + $0, negativeSlope) }
    }
    if updates { for step in linear.backwardWeights { step.run() } }
    if continues { for step in linear.backwardData { step.run() } }
  }

  /// Calls `body` with (first, count) for shares of a tensor's elements.
  private func overElements(of tensor: Tensor, _ body: (Int, Int64) -> Void) {
    OpenMP.share(tensor.count, threads: threadCount) { body($0.lowerBound, Int64($0.count)) }
  }
}
