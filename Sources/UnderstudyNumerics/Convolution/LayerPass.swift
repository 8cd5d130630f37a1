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
  /// Whether the layer has an activation function that is not the identity.
  private let isActivated: Bool
  private let normalizesBefore: Bool
  private var gradient: Tensor?

  init(
    layer: Int, of shape: ConvolutionalShape, linear: LinearMap, threadCount: Int, _ builder: PassBuilder
  ) throws(ConvolutionError) {
    let kind = shape.layers[layer]
    let isHidden = layer < shape.layers.count - 1
    self.linear = linear
    self.threadCount = threadCount
    negativeSlope = shape.negativeSlope
    isActivated = isHidden && shape.negativeSlope != 1
    normalizesBefore = kind.normalization == .beforeActivation
    activates = isActivated && !normalizesBefore && !linear.activates
    normalization =
      kind.normalization == .none
      ? nil
      : try MapNormalization(
        layer: layer, kind, input: linear.output, negativeSlope: shape.negativeSlope, threadCount: threadCount, builder)
    let normalized = normalization?.output ?? linear.output
    activations = normalizesBefore ? normalized : linear.output
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
    } else if isActivated {
      gate(gradient)
    }
    if updates { for step in linear.backwardWeights { step.run() } }
    if continues { for step in linear.backwardData { step.run() } }
  }

  /// From the gradient at `output` to that at `activations`, which is handed out, and of the layer below, if it is asked for: by
  /// running statistics, after such a pass forward. No gradients of parameters.
  func backwardInEvaluation(continues: Bool, visiting: (Tensor) -> Void) {
    guard let gradient else { preconditionFailure("backward before it is built") }
    pooling?.backward?.run()
    if !normalizesBefore { normalization?.backwardInEvaluation(gradient) }
    visiting(gradient)
    guard continues else { return }
    if isActivated { gate(gradient) }
    if normalizesBefore { normalization?.backwardInEvaluation(gradient) }
    for step in linear.backwardData { step.run() }
  }

  /// From the gradient at the activations to that before the activation function, in place.
  private func gate(_ gradient: Tensor) {
    overElements(of: gradient) { kernels.gate($1, gradient.start + $0, activations.start + $0, negativeSlope) }
  }

  /// Calls `body` with (first, count) for shares of a tensor's elements.
  private func overElements(of tensor: Tensor, _ body: (Int, Int64) -> Void) {
    OpenMP.share(tensor.count, threads: threadCount) { body($0.lowerBound, Int64($0.count)) }
  }
}
