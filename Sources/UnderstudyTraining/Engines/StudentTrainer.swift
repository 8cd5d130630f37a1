import UnderstudyNetworks
import UnderstudyNumerics

/// What trains a student epoch by epoch: ``TwoLayerTrainer`` on the kernels of small networks, ``DeepTrainer`` on those of
/// any depth.
///
/// The weights of an epoch are a function of the student, the plan, the batch order and the samples alone; a trainer made
/// from the student (and ``optimizerState``) of epoch e that continues with epoch e + 1 gives the bits of one that never
/// stopped.
public protocol StudentTrainer<Scalar>: AnyObject {
  associatedtype Scalar: KernelScalar
  /// Samples as the loss takes them.
  associatedtype LossSamples

  /// The student as it is now.
  var student: Student { get throws(ShapeError) }
  /// Whether every weight is finite; once it is not, the run has diverged.
  var isFinite: Bool { get }
  /// What the update rule remembers between steps; nil if nothing.
  var optimizerState: OptimizerState? { get }

  /// Shares the steps from now on among at most this many threads, where they are large enough; results do not depend on it.
  func useThreads(_ count: Int)
  /// Processor time that threads beside the calling one have taken for it, seconds.
  var helperSeconds: Double { get }
  func samples(inputs: Matrix, targets: Matrix) -> PackedSamples<Scalar>
  func lossSamples(inputs: Matrix, targets: Matrix) -> LossSamples
  /// The steps of one epoch, counted from 1.
  ///
  /// - Parameter isCancelled: asked every few steps, some 20 ms apart; what it answers changes no step that is taken.
  /// - Returns: false if it was cancelled, which leaves the student in the middle of the epoch.
  func train(epoch: Int, on samples: PackedSamples<Scalar>, isCancelled: () -> Bool) -> Bool
  /// The mean of what the student lowers.
  func loss(over samples: LossSamples) -> Double
}

extension StudentTrainer {
  /// All steps of one epoch, counted from 1.
  public func train(epoch: Int, on samples: PackedSamples<Scalar>) {
    _ = train(epoch: epoch, on: samples, isCancelled: { false })
  }
}
