import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema
import UnderstudyTraining

/// A student in training, epoch by epoch: a run's own, or its replica.
///
/// An epoch is taken as a whole: where one is cut short, the student stands where the epoch began.
struct StudentTraining<Scalar: KernelScalar> {
  enum EpochEnd {
    case taken
    /// Weights, or what the update rule remembers, are not finite; the student stays that of the epoch before.
    case diverged(Divergence)
    /// Asked to stop.
    case interrupted
  }

  let prepared: PreparedRun
  let trainer: Trainer<Scalar>
  /// Epochs taken.
  private(set) var epoch: Int
  private(set) var student: Student
  private(set) var optimizerState: OptimizerState?
  /// The student one epoch earlier; before the first, or just read from a checkpoint, the student itself.
  private(set) var previous: Student
  private var previousState: OptimizerState?
  private let instructions: InstructionSet
  private var current: (index: Int, dataset: Dataset)?

  /// - Parameters:
  ///   - stored: where a checkpoint of that name has it; nil for one that begins.
  /// - Throws: ``ExperimentError`` for what was stored of a student of another size or form.
  init(
    _ prepared: PreparedRun, from stored: (epoch: Int, student: Student, optimizerState: OptimizerState?)?,
    checkpointName: String, instructions: InstructionSet
  ) throws(ExperimentError) {
    (self.prepared, self.instructions) = (prepared, instructions)
    let trainer = try ExperimentError.catching(stored.map { _ in checkpointName }) { () throws(ShapeError) in
      try Trainer<Scalar>(
        student: stored?.student ?? prepared.initialStudent, plan: prepared.plan, batches: prepared.batches,
        optimizerState: stored?.optimizerState, isResuming: stored != nil, instructions: instructions)
    }
    self.trainer = trainer
    epoch = stored?.epoch ?? 0
    student = try Self.student(of: trainer)
    optimizerState = trainer.optimizerState
    (previous, previousState) = (student, optimizerState)
  }

  var isOver: Bool { epoch >= prepared.plan.epochCount }

  /// Takes the next epoch.
  mutating func takeEpoch(isCancelled: () -> Bool) throws(ExperimentError) -> EpochEnd {
    let dataset = try dataset(epoch: epoch + 1)
    guard trainer.train(epoch: epoch + 1, on: dataset.packed(), isCancelled: isCancelled) else { return .interrupted }
    epoch += 1
    let (next, memory) = (try Self.student(of: trainer), trainer.optimizerState)
    guard next.network.isFinite, memory?.isFinite ?? true else {
      (previous, previousState) = (student, optimizerState)
      guard let divergence = try divergence("what the optimizer remembers is not finite", isCancelled) else {
        epoch -= 1
        return .interrupted
      }
      return .diverged(divergence)
    }
    (previous, previousState) = (student, optimizerState)
    (student, optimizerState) = (next, memory)
    return .taken
  }

  /// Takes the last epoch once more, step by step, to see where it stops being finite.
  ///
  /// - Parameter reason: what is said if no step does.
  /// - Returns: nil if it was cancelled.
  func divergence(_ reason: String, _ isCancelled: () -> Bool) throws(ExperimentError) -> Divergence? {
    guard epoch > 0 else { return Divergence(reason: reason) }
    let start = (student: previous, state: previousState)
    let again = try ExperimentError.catching { () throws(ShapeError) in
      try Trainer<Scalar>(
        student: start.student, plan: prepared.plan, batches: prepared.batches, optimizerState: start.state,
        isResuming: true, instructions: instructions)
    }
    let samples = try prepared.trainingSet(index: prepared.trainingSetIndex(epoch: epoch))
    return again.trace(epoch: epoch, on: samples, otherwise: reason, isCancelled: isCancelled)
  }

  /// Back to the student of the epoch before: this one turned out not to be finite.
  mutating func dropStudent() { student = previous }

  /// Back to where the last epoch began, for a checkpoint; the trainer takes no more steps.
  mutating func dropEpoch() {
    (student, optimizerState) = (previous, previousState)
    epoch -= 1
  }

  /// The training set of an epoch; another one only where the epoch has its own.
  mutating func dataset(epoch: Int) throws(ExperimentError) -> Dataset {
    let index = prepared.trainingSetIndex(epoch: epoch)
    if let current, current.index == index { return current.dataset }
    let dataset = try prepared.trainingSet(index: index)
    current = (index, dataset)
    return dataset
  }

  private static func student(of trainer: Trainer<Scalar>) throws(ExperimentError) -> Student {
    try ExperimentError.catching { () throws(ShapeError) in try trainer.student }
  }
}

extension OptimizerState {
  var isFinite: Bool { moments.allSatisfy { $0.allSatisfy(\.isFinite) } }
}
