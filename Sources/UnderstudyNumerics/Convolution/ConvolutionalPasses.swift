import COneDNN

/// The passes of a network over batches of one size, in oneDNN's layouts, for one number of threads: oneDNN divides the work of a
/// primitive when it makes it.
///
/// A class because steps change its memory in place.
final class ConvolutionalPasses {
  let builder: PassBuilder
  let layers: [LayerPass]
  /// `[image, channel, row, column]`
  let images: Tensor
  /// `[image, output]`, and the negative gradient there.
  let outputs: Tensor
  let outputGradient: Tensor
  private let unstageOutputs: [Primitive]
  private let threadCount: Int
  private var hasBackward = false

  /// - Parameters:
  ///   - isTrained: whether steps will be taken.
  ///   - isEstimate: whether memory is counted only, and nothing can run.
  init(
    shape: ConvolutionalShape, batchSize: Int, algorithm: ConvolutionAlgorithm, threadCount: Int, isTrained: Bool,
    isEstimate: Bool = false
  ) throws(ConvolutionError) {
    self.threadCount = threadCount
    OpenMP.useThreads(threadCount)
    builder = try PassBuilder(isTrained: isTrained, isEstimate: isEstimate)
    let sizes = shape.inputSizes
    let maps = shape.activationSizes
    let input = shape.input
    images = try builder.tensor(Layout([batchSize, input.channels, input.rows, input.columns]))
    var (layers, below): ([LayerPass], Tensor) = ([], images)
    for (index, kind) in shape.layers.enumerated() {
      var window: Window?
      if case .convolution(let given) = kind.kind {
        precondition(below.layout.sizes.count == 4, "a convolution above a dense layer")
        window = given
      }
      let operation = LinearOperation(
        window: window, batchSize: batchSize, input: sizes[index], output: maps[index], hasBiases: kind.hasBiases,
        algorithm: algorithm, engine: builder.engine,
        name: "layer \(layerLabel(ofIndex: index)), \(window.map { "convolution \($0)" } ?? "dense")",
        sourceSizes: below.layout.sizes)
      let isActivated = index < shape.layers.count - 1 && kind.normalization != .beforeActivation
      let linear = try LinearMap(
        layer: index, operation, input: below,
        activating: isActivated && shape.negativeSlope != 1 ? shape.negativeSlope : nil, builder)
      layers.append(try LayerPass(layer: index, of: shape, linear: linear, threadCount: threadCount, builder))
      below = layers[index].output
    }
    self.layers = layers
    var steps: [Primitive] = []
    outputs = try builder.matched(below, to: below.layout.plain, steps: &steps, make: builder.tensor)
    unstageOutputs = steps
    outputGradient = try builder.tensor(below.layout.plain)
    if isTrained { try buildBackward() } else { builder.finish() }
  }

  /// Builds the way back unless it is there: to the parameters where steps are taken, otherwise to the activations only.
  func buildBackward() throws(ConvolutionError) {
    guard !hasBackward else { return }
    hasBackward = true
    OpenMP.useThreads(threadCount)
    var gradient: Tensor? = outputGradient
    for index in layers.indices.reversed() {
      guard let above = gradient else { break }
      gradient = try layers[index].buildBackward(
        from: above, below: index > 0 ? layers[index - 1].output.layout : nil, builder)
    }
    builder.finish()
  }

  func forward(isTraining: Bool, visiting: (Int, LayerPass) -> Void = { _, _ in }) {
    for (index, layer) in layers.enumerated() {
      layer.forward(isTraining: isTraining)
      visiting(index, layer)
    }
    for step in unstageOutputs { step.run() }
  }

  /// From `outputGradient` to the gradients at the activations of each hidden layer, handed out from the highest; after a pass
  /// forward by running statistics.
  func backwardInEvaluation(visiting: (Int, Tensor) -> Void) {
    for index in layers.indices.reversed() {
      layers[index].backwardInEvaluation(continues: index > 0) { gradient in
        if index < layers.count - 1 { visiting(index, gradient) }
      }
    }
  }

  /// From `outputGradient` to the gradients of the parameters of every layer that moves.
  func backward(updates: (Int) -> Bool) {
    guard let lowest = layers.indices.first(where: updates) else { return }
    for index in layers.indices.reversed() where index >= lowest {
      layers[index].backward(updates: updates(index), continues: index > lowest)
    }
  }
}
