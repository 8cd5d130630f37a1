import UnderstudyNetworks
import UnderstudyNumerics

/// Trains a student epoch by epoch, in one precision, on the first of its `engines` that can carry the plan out.
///
/// The weights of an epoch are a function of the student, the plan, the batch order and the samples alone; a trainer made
/// from the student (and ``optimizerState``) of epoch e that continues with epoch e + 1 gives the bits of one that never
/// stopped. A class because its engine owns the kernels' memory; one run has one.
public final class Trainer<Scalar: KernelScalar> {
  public let plan: TrainingPlan
  public let shape: NetworkShape
  let batches: BatchOrder
  private let architecture: Architecture
  private let instructions: InstructionSet
  let engine: any Engine<Scalar>
  private var threadCount = 1
  /// What share of the epoch under way was done when `isCancelled` was last asked, 0...1.
  public internal(set) var epochShare = 0.0

  /// From the most special to the most general.
  static var engines: [any Engine<Scalar>.Type] { [TwoLayerKernel<Scalar>.self, DeepKernel<Scalar>.self] }

  /// A trainer that stands before the first step, or where an earlier one stopped, over the first engine that has no objection to the plan.
  ///
  /// - Parameters:
  ///   - optimizerState: of the trainer that this one continues.
  ///   - isResuming: whether the student already took steps of this plan (otherwise `unitNormFirstLayer` rescales it before
  ///     the first step).
  /// - Throws: ``ShapeError`` if layers differ in biases or normalisation, or if no engine can carry the plan out (with batch
  ///   normalisation: batches of one sample, and full-batch steps; the expected gradient flow of anything but two layers and plain
  ///   steps); or if the optimizer's state is of another shape.
  public init(
    student: Student, plan: TrainingPlan, batches: BatchOrder, optimizerState: OptimizerState? = nil,
    isResuming: Bool = false, instructions: InstructionSet = .best
  ) throws(ShapeError) {
    shape = try NetworkShape(student.network.architecture)
    (self.plan, self.batches, self.instructions) = (plan, batches, instructions)
    architecture = student.network.architecture
    var objection = GradientFlow.objection(to: plan, on: shape, isDouble: Scalar.self == Double.self)
    if let objection { throw ShapeError(objection) }
    var chosen: (any Engine<Scalar>.Type)?
    for engine in Self.engines where chosen == nil {
      objection = engine.objection(to: plan, on: shape)
      if objection == nil { chosen = engine }
    }
    guard let chosen else { throw ShapeError(objection ?? "no engine") }
    engine = chosen.init(shape: shape, loss: plan.loss, instructions: instructions)
    engine.layers = student.network.layers.map(LayerWeights.init)
    if let optimizerState, !engine.restore(optimizerState) {
      throw .foreignOptimizerState
    }
    if plan.unitNormFirstLayer && !isResuming { engine.normalizeFirstLayer() }
  }

  /// The student as it is now.
  public var student: Student {
    get throws(ShapeError) { Student(try Network(engine.layers, like: architecture)) }
  }

  /// Whether every weight is finite; once it is not, the run has diverged.
  public var isFinite: Bool { engine.isFinite }
  /// What the update rule remembers between steps; nil if nothing.
  public var optimizerState: OptimizerState? { engine.optimizerState }

  /// Shares the steps from now on among at most this many threads, where they are large enough; results do not depend on it.
  public func useThreads(_ count: Int) {
    threadCount = count
    engine.useThreads(count)
  }

  /// Processor time that threads beside the calling one have taken for it, seconds.
  public var helperSeconds: Double { engine.helperSeconds }

  /// The mean of what the student lowers, of the student as it is measured: batch normalisation by running statistics.
  public func loss(over samples: PackedSamples<Scalar>) -> Double {
    guard shape.normalization != .none else { return engine.loss(over: samples) }
    // A student whose layers had one form when it was made has it still.
    guard let network = try? student.network.folded, let folded = try? NetworkShape(network.architecture) else {
      return .nan
    }
    let plain = type(of: engine).init(shape: folded, loss: plan.loss, instructions: instructions)
    plain.useThreads(threadCount)
    plain.layers = network.layers.map(LayerWeights.init)
    return plain.loss(over: samples)
  }

  /// All steps of one epoch, counted from 1.
  public func train(epoch: Int, on samples: PackedSamples<Scalar>) {
    _ = train(epoch: epoch, on: samples, isCancelled: { false })
  }

  /// The steps of one epoch, counted from 1.
  ///
  /// - Parameter isCancelled: polled some 50 times a second; what it answers changes no step that is taken.
  /// - Returns: false if it was cancelled, which leaves the student in the middle of the epoch.
  public func train(epoch: Int, on samples: PackedSamples<Scalar>, isCancelled: () -> Bool) -> Bool {
    var steps = steps(ofEpoch: epoch, sampleCount: samples.count)
    return take(&steps, upTo: plan.stepsPerEpoch, on: samples, isCancelled: isCancelled)
  }
}
