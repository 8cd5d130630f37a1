import UnderstudyNetworks
import UnderstudyNumerics

/// What a network over images is asked for.
public enum ImageObjective: Sendable {
  /// The labels: cross-entropy.
  case labels
  /// The outputs of another network at the images as they are trained on, by one of the losses.
  case teacher(Network, TrainingLoss)

  var loss: TrainingLoss {
    switch self {
    case .labels: .crossEntropy
    case .teacher(_, let loss): loss
    }
  }

  /// Whether labels are among what is asked for. (A cross-entropy against a teacher is against its largest output.)
  var usesLabels: Bool {
    switch self {
    case .labels, .teacher(_, .distillation): true
    case .teacher: false
    }
  }
}

/// Images that a network is trained on, and what is drawn for each epoch.
public struct TrainingImages: Sendable {
  public var batcher: ImageBatcher
  /// nil: images stay as they are.
  public var augmentation: ImageAugmentation?
  /// Of the random moves of images.
  public var key: UInt64

  public init(_ batcher: ImageBatcher, augmentation: ImageAugmentation?, key: UInt64) {
    self.batcher = batcher
    self.augmentation = augmentation
    self.key = key
  }
}

extension Architecture {
  /// Whether every normalisation has two numbers or more, over images and positions, to take a variance of in a step.
  ///
  /// - Parameters:
  ///   - size: images of a step.
  ///   - key: of a study, that the error names.
  /// - Throws: ``ShapeError`` if one has not.
  /// - Complexity: O(layers).
  public func checkBatch(of size: Int, key: String = "training.batchSize") throws(ShapeError) {
    let maps = convolutionalShape.activationSizes
    guard
      let layer = layers.indices.first(where: { layers[$0].normalization != nil && size * maps[$0].positionCount < 2 })
    else { return }
    throw ShapeError(
      "layer \(layerLabel(ofIndex: layer)) is normalised, and one number a step, a batch of one image of one position, has no "
        + "variance; give batches of 2 images or more (\(key)), or no batch normalisation")
  }
}

/// How far an epoch over images is.
public struct EpochProgress: Sendable, Hashable {
  public var stepCount: Int
  /// The sum of the losses of these steps.
  public var lossSum: Double

  public init(stepCount: Int = 0, lossSum: Double = 0) {
    self.stepCount = stepCount
    self.lossSum = lossSum
  }
}

/// Trains a network over images epoch by epoch.
///
/// Unlike ``Trainer``, which goes over samples and targets that lie packed in memory, it makes each batch when its turn comes, on
/// a thread beside, and asks the teacher for its outputs there. The weights of an epoch are a function of the network, the plan,
/// the batch order, the images, the processor and the number of threads; a trainer that is made from the network and
/// ``optimizerState`` of any step and continues with the next one gives the bits of one that never stopped.
///
/// A class because it owns the kernels' memory; one run has one.
public final class ImageTrainer {
  /// What became of an epoch.
  public enum EpochEnd: Sendable, Hashable {
    /// With the mean loss over its steps.
    case taken(loss: Double)
    /// A loss was not finite at this step, from 0.
    case diverged(step: Int)
    /// Asked to stop, or a pause was due.
    case stopped(EpochProgress)
  }

  public let plan: TrainingPlan
  private let batches: BatchOrder
  private let images: TrainingImages
  private let architecture: Architecture
  private let kernel: ConvolutionalKernel
  private let teacher: ImageEvaluator?
  private let usesLabels: Bool
  /// The teacher's outputs at all images, where they stay as they are; `[image, output]`.
  private var teacherOutputs: [Float]?
  private let batchSize: Int

  /// A trainer that stands before the first step, or where an earlier one stopped.
  ///
  /// - Parameters:
  ///   - optimizerState: of the trainer that this one continues.
  ///   - threads: of the machine, that steps are shared among; the last bits depend on it.
  /// - Throws: ``ShapeError`` if the kernels do not take the network or the plan, or the optimizer's state is of another shape.
  public init(
    _ network: Network, toward objective: ImageObjective, on images: TrainingImages, plan: TrainingPlan,
    batches: BatchOrder, optimizerState: OptimizerState? = nil, algorithm: ConvolutionAlgorithm = .automatic,
    threads: Int = 1
  ) throws(ShapeError) {
    guard case .stochastic(let batchSize) = plan.method else {
      throw ShapeError("networks over images are trained in batches; train by sgd or adam (training.method)")
    }
    guard network.inputCount == images.batcher.set.size.count else {
      throw ShapeError(
        "images are \(images.batcher.set.size), and the network takes \(network.architecture.input); give images of its size"
      )
    }
    try network.architecture.checkBatch(of: batchSize)
    (self.plan, self.batches, self.images, self.batchSize) = (plan, batches, images, batchSize)
    usesLabels = objective.usesLabels
    architecture = network.architecture
    kernel = try catchingKernels { () throws(ConvolutionError) in
      try ConvolutionalKernel(
        shape: network.architecture.convolutionalShape, loss: objective.loss, batchSize: batchSize,
        algorithm: algorithm, threads: threads)
    }
    kernel.layers = network.layers.map(LayerWeights.init)
    if case .teacher(let network, _) = objective {
      teacher = try ImageEvaluator(network, algorithm: algorithm, threads: threads)
    } else {
      teacher = nil
    }
    if let optimizerState, !kernel.restore(optimizerState) {
      throw .foreignOptimizerState
    }
  }

  /// The network as it is now.
  public var network: Network {
    get throws(ShapeError) { try Network(kernel.layers, like: architecture) }
  }

  /// What the update rule remembers between steps; nil if nothing.
  public var optimizerState: OptimizerState? { kernel.optimizerState }
  /// What each layer's convolutions are computed by.
  public var algorithms: [ConvolutionChoice] { kernel.algorithms }

  /// The steps of one epoch, counted from 1, or what is left of it.
  ///
  /// - Parameters:
  ///   - progress: where an earlier call has stopped.
  ///   - isCancelled, isPauseDue: polled before each step, the latter only once a step was taken; what they answer changes no step
  ///     that is taken.
  ///   - didTakeStep: called after each step with how far the epoch is, and the loss before the step.
  public func train(
    epoch: Int, from progress: EpochProgress = EpochProgress(), isCancelled: () -> Bool = { false },
    isPauseDue: () -> Bool = { false }, didTakeStep: (EpochProgress, Double) -> Void = { _, _ in }
  ) -> EpochEnd {
    let rule = plan.rule(epoch: epoch)
    var drawn = batches.batches(
      epoch: epoch, stepCount: plan.stepsPerEpoch, batchSize: batchSize, sampleCount: images.batcher.set.count)
    let steps = (0..<plan.stepsPerEpoch).map {
      BatchPrefetcher.Step(indices: drawn.next(batchSize), epoch: epoch, firstPlace: $0 * batchSize)
    }
    let prefetcher = BatchPrefetcher(
      images.batcher, augmentation: images.augmentation, key: images.key, steps: Array(steps[progress.stepCount...]))
    if images.augmentation == nil, teacherOutputs == nil {
      teacherOutputs = teacher?.outputs(
        over: images.batcher, count: images.batcher.set.count, isCancelled: isCancelled)
      // They may be a part.
      if isCancelled() { teacherOutputs = nil }
    }
    let begin = progress
    var progress = progress
    while progress.stepCount < plan.stepsPerEpoch {
      if isCancelled() || (progress != begin && isPauseDue()) {
        return kernel.isFinite ? .stopped(progress) : .diverged(step: max(0, progress.stepCount - 1))
      }
      guard let batch = prefetcher.next() else { preconditionFailure("a batch for each step") }
      let targets = ImageTargets(outputs: teacherOutputs(for: batch), labels: usesLabels ? batch.labels : nil)
      let loss = kernel.step(images: batch.images, targets: targets, count: batchSize, rule: rule)
      guard loss.isFinite else { return .diverged(step: progress.stepCount) }
      progress.stepCount += 1
      progress.lossSum += loss
      didTakeStep(progress, loss)
    }
    let count = plan.stepsPerEpoch
    return kernel.isFinite ? .taken(loss: progress.lossSum / Double(count)) : .diverged(step: count - 1)
  }

  /// - Shape: `[image, output]`; nil without a teacher.
  private func teacherOutputs(for batch: BatchPrefetcher.Batch) -> [Float]? {
    guard let teacher else { return nil }
    let (width, size) = (architecture.outputCount, images.batcher.set.size.count)
    if let teacherOutputs {
      return batch.indices.flatMap { teacherOutputs[Int($0) * width..<(Int($0) + 1) * width] }
    }
    return stride(from: 0, to: batch.indices.count, by: ImageEvaluator.batchSize).flatMap { first in
      let range = first..<min(first + ImageEvaluator.batchSize, batch.indices.count)
      let part =
        range.count == batch.indices.count
        ? batch.images : Array(batch.images[range.lowerBound * size..<range.upperBound * size])
      return teacher.outputs(of: part, count: range.count)
    }
  }
}
