/// What a layer's linear map used, as oneDNN reports it, e.g. "jit_wino_4x3:avx512_core"; for records.
public struct ConvolutionChoice: Sendable, Hashable, Codable {
  /// From 0, the lowest.
  public var layer: Int
  public var forward: String
  /// Gradient of the layer's input; nil in the lowest layer, which needs none.
  public var data: String?
  /// Gradient of the weights.
  public var weights: String
}

/// A network over images in oneDNN's layouts, and the memory to train it in place; single precision.
///
/// oneDNN chooses the layouts, which are kept from layer to layer. Same network, same steps: same bits, on one type of machine
/// with one number of threads. A class because steps change its memory in place; one run owns one, and uses it from one
/// thread at a time.
public final class ConvolutionalKernel {
  public let shape: ConvolutionalShape
  public let loss: TrainingLoss
  /// Images of a step, and the most of an evaluation that visits layers.
  public let batchSize: Int
  /// Whether it takes steps; otherwise it has no memory for them.
  public let isTrained: Bool
  let passes: ConvolutionalPasses
  private let threadCount: Int
  var stepCount = 0

  /// A network of zeros.
  ///
  /// - Parameters:
  ///   - threads: of OpenMP, that steps and evaluations use, whatever thread calls them; the last bits depend on it, as oneDNN
  ///     divides work when it makes a primitive.
  ///   - isTrained: false for a network that is evaluated only.
  /// - Precondition: every window fits its map; no convolution or pooling stands above a dense layer; the last layer has no
  ///   normalisation and no pooling.
  /// - Throws: ``ConvolutionError``: what oneDNN refused.
  public init(
    shape: ConvolutionalShape, loss: TrainingLoss, batchSize: Int, algorithm: ConvolutionAlgorithm = .automatic,
    threads: Int = 1, isTrained: Bool = true
  ) throws(ConvolutionError) {
    precondition(batchSize > 0 && !shape.layers.isEmpty, "a network without layers, or a batch without images")
    precondition(
      shape.layers.last?.normalization == NetworkShape.Normalization.none && shape.layers.last?.pooling == nil,
      "the last layer is its linear map")
    self.shape = shape
    self.loss = loss
    self.batchSize = batchSize
    (self.isTrained, threadCount) = (isTrained, max(1, threads))
    passes = try ConvolutionalPasses(
      shape: shape, batchSize: batchSize, algorithm: algorithm, threadCount: threadCount, isTrained: isTrained)
  }

  /// Bytes that a kernel takes, by the layouts and the scratch memory that oneDNN asks for on this machine; nothing of it is taken.
  ///
  /// - Parameters:
  ///   - momentCount: arrays that the update rule keeps beside each parameter: 1 for momentum, 2 for Adam.
  ///   - hasGradients: of one that is not trained, whether it is asked for `outputGradients`.
  /// - Throws: as ``init(shape:loss:batchSize:algorithm:threads:isTrained:)``.
  /// - Complexity: that of making a kernel without its memory: some milliseconds a layer.
  public static func byteCount(
    shape: ConvolutionalShape, batchSize: Int, algorithm: ConvolutionAlgorithm = .automatic, threads: Int = 1,
    isTrained: Bool = true, momentCount: Int = 0, hasGradients: Bool = false
  ) throws(ConvolutionError) -> Int {
    let passes = try ConvolutionalPasses(
      shape: shape, batchSize: batchSize, algorithm: algorithm, threadCount: max(1, threads), isTrained: isTrained,
      isEstimate: true)
    if hasGradients { try passes.buildBackward() }
    let moments = passes.layers.reduce(0) { $0 + AlignedBuffer<Float>.byteCount($1.linear.weights.layout.floatCount) }
    return passes.builder.byteCount + momentCount * moments
  }

  /// Numbers that the last layer gives an image.
  public var outputCount: Int { passes.outputs.count / batchSize }

  /// What each layer used.
  public var algorithms: [ConvolutionChoice] {
    passes.layers.enumerated().map { index, layer in
      ConvolutionChoice(
        layer: index, forward: layer.linear.products[.forward]?.implementation ?? "",
        data: layer.linear.products[.data]?.implementation,
        weights: layer.linear.products[.weights]?.implementation ?? "")
    }
  }

  /// Wall seconds that oneDNN's convolutions and inner products have taken since the number of threads was set.
  package var productSeconds: Double {
    passes.layers.reduce(0) { $0 + $1.linear.products.values.reduce(0) { $0 + $1.seconds } }
  }

  /// One step in place.
  ///
  /// - Parameter images: `[image, channel, row, column]`, as many as a batch.
  /// - Returns: the mean loss of the batch before the step; not finite once the network has diverged.
  /// - Precondition: `count` is the batch size; the targets are what the loss needs; the rule keeps no unit norm; every
  ///   normalisation has two numbers or more to take statistics of.
  /// - Complexity: `shape.stepFLOPs(batch:)`.
  public func step(images: [Float], targets: ImageTargets, count: Int, rule: UpdateRule) -> Double {
    precondition(isTrained, "a kernel for evaluations takes no steps")
    precondition(count == batchSize, "a step takes a whole batch of \(batchSize) images, not \(count)")
    precondition(!rule.unitNormFirstLayer, "filters have no unit norm")
    precondition(
      passes.layers.allSatisfy { ($0.normalization?.sampleCount ?? 2) > 1 }, "one number has no variance")
    OpenMP.useThreads(threadCount)
    load(images[...], count: count)
    passes.forward(isTraining: true)
    let loss = imageLoss(
      loss, outputs: passes.outputs.start, targets: targets, count: count, outputCount: outputCount,
      gradient: passes.outputGradient.start)
    passes.backward { self.isUpdated($0, rule) }
    update(rule)
    return loss
  }

  /// Outputs (before softmax) by running statistics, `[image, output]`.
  ///
  /// - Parameter images: `[image, channel, row, column]`; any number.
  public func outputs(of images: [Float], count: Int) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(count * outputCount)
    for first in stride(from: 0, to: count, by: batchSize) {
      let size = min(batchSize, count - first)
      let pixels = shape.input.count
      evaluate(images[(first * pixels)..<((first + size) * pixels)], count: size)
      result += UnsafeBufferPointer(start: passes.outputs.start, count: size * outputCount)
    }
    return result
  }

  /// Outputs, and each hidden layer's activations (after the activation, before a normalisation behind it and before pooling)
  /// by running statistics, handed out from the lowest layer as `[image, node, position]`.
  ///
  /// - Precondition: `count` is the batch size or less.
  public func outputs(of images: [Float], count: Int, visiting: (_ layer: Int, [Float]) -> Void) -> [Float] {
    precondition(count <= batchSize, "layers are visited a batch of \(batchSize) at a time, not \(count)")
    evaluate(images[...], count: count) { index, layer in
      guard index < self.shape.layers.count - 1 else { return }
      visiting(index, self.values(of: layer.activations, count: count))
    }
    return Array(UnsafeBufferPointer(start: passes.outputs.start, count: count * outputCount))
  }

  /// The derivatives of each output by each hidden layer's activations (those of ``outputs(of:count:visiting:)``) by running
  /// statistics: for each output from the first, handed out from the highest layer as `[image, node, position]`.
  ///
  /// - Precondition: `count` is the batch size or less.
  /// - Complexity: one pass forward, and for each output one back to the lowest layer's activations, which takes as long as one
  ///   forward without its lowest layer.
  public func outputGradients(
    of images: [Float], count: Int, visiting: (_ output: Int, _ layer: Int, [Float]) -> Void
  ) {
    precondition(count <= batchSize, "layers are visited a batch of \(batchSize) at a time, not \(count)")
    expecting { () throws(ConvolutionError) in try passes.buildBackward() }
    evaluate(images[...], count: count)
    let gradient = passes.outputGradient
    for output in 0..<outputCount {
      gradient.start.update(repeating: 0, count: gradient.count)
      for image in 0..<count { gradient.start[image * outputCount + output] = 1 }
      passes.backwardInEvaluation { layer, gradient in
        visiting(output, layer, self.values(of: gradient, count: count))
      }
    }
  }

  /// The numbers of the first images of a batch, in the plain order.
  private func values(of tensor: Tensor, count: Int) -> [Float] {
    var values = passes.builder.engine.plainValues(of: tensor.buffer, tensor.layout)
    values.removeLast(values.count / batchSize * (batchSize - count))
    return values
  }

  private func evaluate(
    _ images: ArraySlice<Float>, count: Int, visiting: (Int, LayerPass) -> Void = { _, _ in }
  ) {
    OpenMP.useThreads(threadCount)
    load(images, count: count)
    passes.forward(isTraining: false, visiting: visiting)
  }

  /// Copies images; the rest of a batch is black.
  private func load(_ images: ArraySlice<Float>, count: Int) {
    precondition(images.count == count * shape.input.count, "images of another size or number")
    let start = passes.images.start
    images.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      start.update(from: base, count: source.count)
    }
    (start + images.count).update(repeating: 0, count: passes.images.count - images.count)
  }

  // MARK: Update

  /// Everything that a step moves: weights and biases of each layer, then scales, then shifts.
  var parameters: [Parameter] { groups.flatMap { $0 } }

  private func isUpdated(_ layer: Int, _ rule: UpdateRule) -> Bool {
    layer == 0 ? rule.updatesFirstLayer : layer == shape.layers.count - 1 ? rule.updatesLastLayer : true
  }

  /// Moves all parameters along their gradients, each array in one pass.
  private func update(_ rule: UpdateRule) {
    let kernels = Float.kernels(for: .best)
    if !rule.isPlain { stepCount += 1 }
    for parameter in parameters {
      if !rule.isPlain { reserveMoments(parameter, rule.optimizer == .adam ? 2 : 1) }
      guard isUpdated(parameter.layer, rule) else { continue }
      let (values, gradient) = (parameter.values.start, parameter.gradient.start)
      OpenMP.share(parameter.values.count, threads: threadCount) { range in
        let (first, count) = (range.lowerBound, Int64(range.count))
        switch rule.optimizer {
        case .gradient(let momentum):
          // A plain step remembers nothing: its velocity is the gradient itself.
          let velocity = rule.isPlain ? gradient : parameter.moments[0].start
          kernels.momentum(
            count, values + first, velocity + first, gradient + first, momentum, rule.weightDecay, rule.learningRate)
        case .adam:
          kernels.adam(
            count, values + first, parameter.moments[0].start + first, parameter.moments[1].start + first,
            gradient + first, rule.weightDecay, rule.learningRate, 0.9, 0.999, 1 - power(0.9, Double(self.stepCount)),
            1 - power(0.999, Double(self.stepCount)), 1e-8)
        }
      }
    }
  }

  private func reserveMoments(_ parameter: Parameter, _ count: Int) {
    guard parameter.moments.count != count else { return }
    parameter.moments = (0..<count).map { _ in AlignedBuffer(count: parameter.values.count) }
  }
}
