import UnderstudyNetworks
import UnderstudyNumerics

/// Trains a student of any depth, with or without batch normalisation, in one precision.
///
/// Results do not depend on the number of threads. A class because it owns the kernel's memory; one run has one.
public final class DeepTrainer<Scalar: KernelScalar>: StudentTrainer {
  public let plan: TrainingPlan
  private let batches: BatchOrder
  private let kernel: DeepKernel<Scalar>
  private let activation: Activation

  /// - Parameters:
  ///   - optimizerState: of the trainer that this one continues.
  ///   - isResuming: whether the student already took steps of this plan (otherwise `unitNormFirstLayer` rescales it before
  ///     the first step).
  /// - Throws: ``ShapeError`` if layers differ in biases or normalisation, or if the plan cannot be carried out with
  ///   batch normalisation: batches of one sample, and full-batch steps; or if the optimizer's state is of another shape.
  public init(
    student: Student, plan: TrainingPlan, batches: BatchOrder, optimizerState: OptimizerState? = nil,
    isResuming: Bool = false, instructions: InstructionSet = .best
  ) throws(ShapeError) {
    let shape = try DeepShape(student.network)
    if shape.normalization != .none {
      switch plan.method {
      case .stochastic(let batchSize) where batchSize < 2:
        throw ShapeError(
          "a batch of one sample has no variance to normalise by; give batches of 2 or more (training.batchSize) or "
            + "no batch normalisation")
      case .fullBatch:
        throw ShapeError("full-batch steps take no batch normalisation; train by sgd or adam (training.method)")
      default: break
      }
    }
    self.plan = plan
    self.batches = batches
    activation = student.network.activation
    kernel = DeepKernel(shape: shape, loss: plan.loss, instructions: instructions)
    kernel.layers = student.network.layers.map(DeepLayerWeights.init)
    guard optimizerState.map(kernel.fits) ?? true else {
      throw ShapeError(
        "what the optimizer remembers does not fit the student: it is damaged, or of another version of Understudy; give "
          + "another results folder (--results) to begin anew")
    }
    kernel.optimizerState = optimizerState
    if plan.unitNormFirstLayer && !isResuming { kernel.normalizeFirstLayer() }
  }

  public var student: Student {
    get throws(ShapeError) { Student(try Network(kernel, activation: activation)) }
  }

  public var isFinite: Bool { kernel.isFinite }
  public var optimizerState: OptimizerState? { kernel.optimizerState }

  public func useThreads(_ count: Int) { kernel.threadCount = max(1, count) }
  public var helperSeconds: Double { kernel.helperSeconds }

  public func samples(inputs: Matrix, targets: Matrix) -> PackedSamples<Scalar> {
    PackedSamples(inputs: inputs, targets: targets, hasBiases: kernel.shape.hasBiases)
  }

  public func lossSamples(inputs: Matrix, targets: Matrix) -> DeepLossSamples<Scalar> {
    DeepLossSamples(inputs: inputs, targets: targets, shape: kernel.shape)
  }

  public func train(epoch: Int, on samples: PackedSamples<Scalar>, isCancelled: () -> Bool) -> Bool {
    kernel.takeSteps(
      of: plan, epoch: epoch, on: samples, batches: batches, rule: plan.deepRule(epoch: epoch),
      isCancelled: isCancelled)
  }

  /// The mean loss of the student as it is measured: batch normalisation by running statistics.
  public func loss(over samples: DeepLossSamples<Scalar>) -> Double {
    guard kernel.shape.normalization != .none else { return kernel.meanLoss(over: samples.packed) }
    // A student whose layers had one form when it was made has it still.
    guard let network = try? student.network.folded, let shape = try? DeepShape(network) else { return .nan }
    let plain = DeepKernel<Scalar>(
      shape: shape, loss: plan.loss, threadCount: kernel.threadCount, instructions: kernel.instructions)
    plain.layers = network.layers.map(DeepLayerWeights.init)
    return plain.meanLoss(over: samples.packed)
  }
}

/// Inputs and targets over which a ``DeepTrainer`` takes losses.
public struct DeepLossSamples<Scalar: KernelScalar> {
  fileprivate let packed: PackedSamples<Scalar>

  fileprivate init(inputs: Matrix, targets: Matrix, shape: DeepShape) {
    // A normalised student is folded before, and a folded network has biases.
    packed = PackedSamples(
      inputs: inputs, targets: targets, hasBiases: shape.hasBiases || shape.normalization != .none)
  }
}

extension DeepShape {
  /// - Throws: ``ShapeError`` if only some layers have biases, or only some hidden layers a normalisation.
  public init(_ network: Network) throws(ShapeError) {
    let withBiases = network.layers.count { $0.biases != nil }
    guard withBiases == 0 || withBiases == network.layers.count else {
      throw ShapeError(
        "some layers have biases and others have none; give biases to all of them (zeros will do) or none")
    }
    let normalizations = network.layers.dropLast().compactMap(\.normalization)
    guard normalizations.isEmpty || normalizations.count == network.layers.count - 1,
      Set(normalizations.map { $0.scales == nil }).count <= 1, Set(normalizations.map(\.placement)).count <= 1
    else {
      throw ShapeError("the hidden layers differ in their batch normalisation; give all of them the same kind or none")
    }
    let normalization: Normalization =
      switch normalizations.first?.placement {
      case .beforeActivation: .beforeActivation
      case .afterActivation: .afterActivation
      case nil: .none
      }
    self.init(
      widths: [network.inputCount] + network.layers.map(\.nodeCount), hasBiases: withBiases > 0,
      negativeSlope: network.activation.negativeSlope, normalization: normalization,
      hasLearntScale: normalizations.first?.scales != nil)
  }
}

extension DeepLayerWeights {
  init(_ layer: DenseLayer) {
    let normalization = layer.normalization
    self.init(
      weights: layer.weights, biases: layer.biases, means: normalization?.means, variances: normalization?.variances,
      scales: normalization?.scales, shifts: normalization?.shifts)
  }
}

extension Network {
  fileprivate init(_ kernel: DeepKernel<some KernelScalar>, activation: Activation) throws(ShapeError) {
    let placement: BatchNormalization.Placement =
      kernel.shape.normalization == .afterActivation ? .afterActivation : .beforeActivation
    try self.init(
      layers: kernel.layers.map { layer in
        var normalization: BatchNormalization?
        if let means = layer.means, let variances = layer.variances {
          normalization = BatchNormalization(
            placement: placement, means: means, variances: variances, scales: layer.scales, shifts: layer.shifts)
        }
        return DenseLayer(weights: layer.weights, biases: layer.biases, normalization: normalization)
      }, activation: activation)
  }
}
