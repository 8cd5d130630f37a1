import UnderstudyNetworks
import UnderstudyNumerics

/// What holds one network in the layout of its kernels, and takes the steps of a plan on it in place.
///
/// One run owns one. Results do not depend on the number of threads.
public protocol Engine<Scalar>: AnyObject {
  associatedtype Scalar: KernelScalar

  /// Why it cannot carry out a plan on a network of this shape; nil if it can.
  static func objection(to plan: TrainingPlan, on shape: NetworkShape) -> String?

  /// A network of zeros.
  ///
  /// - Precondition: the engine has no objection to this shape and loss.
  init(shape: NetworkShape, loss: TrainingLoss, instructions: InstructionSet)

  /// The layers from the lowest to the output, converted to and from `Double` without loss.
  var layers: [LayerWeights] { get set }
  /// Whether every weight is finite; once it is not, the run has diverged.
  var isFinite: Bool { get }
  /// What the update rule remembers between steps; nil if nothing.
  var optimizerState: OptimizerState? { get }
  /// Goes on with what another engine's rule remembered; false if it is not of this network's shape.
  func restore(_ state: OptimizerState) -> Bool

  /// Shares the steps from now on among at most this many threads, where they are large enough.
  func useThreads(_ count: Int)
  /// Processor time that threads beside the calling one have taken for it, seconds.
  var helperSeconds: Double { get }

  /// Rescales each row of the lowest layer, without its bias, to unit norm.
  func normalizeFirstLayer()
  /// Steps, one for each `batchSize` entries of `indices`.
  func train(on samples: PackedSamples<Scalar>, batches indices: [UInt32], batchSize: Int, rule: UpdateRule)
  /// One step over all samples.
  func descend(on samples: PackedSamples<Scalar>, rule: UpdateRule)
  /// The mean loss.
  ///
  /// - Precondition: no normalisation.
  func loss(over samples: PackedSamples<Scalar>) -> Double
}

extension TwoLayerKernel: Engine {
  public static func objection(to plan: TrainingPlan, on shape: NetworkShape) -> String? {
    if shape.layerCount != 2 { return "the kernels of two layers do not take \(shape.layerCount)" }
    if shape.normalization != .none { return "the kernels of two layers have no batch normalisation" }
    if !plan.rule(epoch: 1).isPlain || plan.loss != .squaredError {
      return "the kernels of two layers take plain steps along the gradient of the squared error"
    }
    return nil
  }

  /// Plain steps remember nothing.
  public var optimizerState: OptimizerState? { nil }
  public func restore(_ state: OptimizerState) -> Bool { false }

  /// A step is too short to share.
  public func useThreads(_ count: Int) {}
  public var helperSeconds: Double { 0 }
}

extension DeepKernel: Engine {
  public static func objection(to plan: TrainingPlan, on shape: NetworkShape) -> String? {
    if case .distillation = plan.loss {
      return "dense networks do not learn by distillation; give squaredError or crossEntropy (training.loss)"
    }
    guard shape.normalization != .none else { return nil }
    switch plan.method {
    case .stochastic(let batchSize) where batchSize < 2:
      return "a batch of one sample has no variance to normalise by; give batches of 2 or more (training.batchSize) or "
        + "no batch normalisation"
    case .fullBatch: return "full-batch steps take no batch normalisation; train by sgd or adam (training.method)"
    default: return nil
    }
  }

  public func restore(_ state: OptimizerState) -> Bool {
    guard fits(state) else { return false }
    optimizerState = state
    return true
  }

  public func useThreads(_ count: Int) { threadCount = max(1, count) }
}

extension ShapeError {
  /// Of an engine that does not go on with what another one's update rule remembered.
  static let foreignOptimizerState = ShapeError(
    "what the optimizer remembers does not fit the student: it is damaged, or of another version of Understudy; give "
      + "another results folder (--results) to begin anew")
}
