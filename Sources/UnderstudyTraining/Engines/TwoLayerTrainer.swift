import UnderstudyNetworks
import UnderstudyNumerics

/// Trains a two-layer student epoch by epoch on the small-network kernels, in one precision.
///
/// The weights of an epoch are a function of the student, the plan, the batch order and the samples alone; a trainer that
/// is made from the student of epoch e and continues with epoch e + 1 gives the bits of one that never stopped.
/// A class because it owns the kernel's memory; one run has one, on one thread.
public final class TwoLayerTrainer<Scalar: KernelScalar>: StudentTrainer {
  public let plan: TrainingPlan
  public let shape: TwoLayerShape
  private let batches: BatchOrder
  private let kernel: TwoLayerKernel<Scalar>
  private let activation: Activation

  /// - Parameter isResuming: whether the student already took steps of this plan (otherwise `unitNormFirstLayer` rescales
  ///   it before the first step).
  /// - Throws: ``ShapeError`` if the student has another depth than two layers, or biases in one layer only.
  public init(
    student: Student, plan: TrainingPlan, batches: BatchOrder, isResuming: Bool = false,
    instructions: InstructionSet = .best
  ) throws(ShapeError) {
    shape = try TwoLayerShape(student.network)
    self.plan = plan
    self.batches = batches
    activation = student.network.activation
    kernel = TwoLayerKernel(shape: shape, instructions: instructions)
    kernel.weights = TwoLayerWeights(student.network)
    if plan.unitNormFirstLayer && !isResuming { kernel.normalizeFirstLayer() }
  }

  /// The student as it is now.
  public var student: Student {
    get throws(ShapeError) { Student(try Network(kernel.weights, activation: activation)) }
  }

  /// Plain steps remember nothing.
  public var optimizerState: OptimizerState? { nil }

  /// A step on the kernels of small networks is too short to share: it stays on one thread.
  public func useThreads(_ count: Int) {}
  public var helperSeconds: Double { 0 }

  public func samples(inputs: Matrix, targets: Matrix) -> PackedSamples<Scalar> {
    PackedSamples(inputs: inputs, targets: targets, shape: shape)
  }

  public func lossSamples(inputs: Matrix, targets: Matrix) -> BlockedSamples<Scalar> {
    BlockedSamples(inputs: inputs, targets: targets, shape: shape)
  }

  /// Whether every weight is finite; once it is not, the run has diverged.
  public var isFinite: Bool { kernel.isFinite }

  /// The steps of one epoch, counted from 1.
  public func train(epoch: Int, on samples: PackedSamples<Scalar>, isCancelled: () -> Bool) -> Bool {
    kernel.takeSteps(
      of: plan, epoch: epoch, on: samples, batches: batches, rule: plan.rule(epoch: epoch), isCancelled: isCancelled)
  }

  /// J = 1/2 mean ||target - output||^2.
  public func loss(over samples: BlockedSamples<Scalar>) -> Double { kernel.loss(over: samples) }
}

extension TwoLayerShape {
  /// - Throws: ``ShapeError`` if the network is not of two layers that both have biases or both have none.
  public init(_ network: Network) throws(ShapeError) {
    guard network.layers.count == 2 else {
      throw ShapeError("this trainer takes two layers, and the network has \(network.layers.count)")
    }
    try network.checkIsPlain()
    guard (network.layers[0].biases == nil) == (network.layers[1].biases == nil) else {
      throw ShapeError("one layer has biases and the other has none; give both or neither")
    }
    self.init(
      inputCount: network.inputCount, hiddenCount: network.layers[0].nodeCount, outputCount: network.outputCount,
      hasBiases: network.hasBiases, negativeSlope: network.activation.negativeSlope)
  }
}

extension TwoLayerWeights {
  public init(_ network: Network) {
    self.init(
      first: network.layers[0].weights, firstBiases: network.layers[0].biases, last: network.layers[1].weights,
      lastBiases: network.layers[1].biases)
  }
}

extension Network {
  init(_ weights: TwoLayerWeights, activation: Activation) throws(ShapeError) {
    try self.init(
      layers: [
        DenseLayer(weights: weights.first, biases: weights.firstBiases),
        DenseLayer(weights: weights.last, biases: weights.lastBiases),
      ], activation: activation)
  }
}
