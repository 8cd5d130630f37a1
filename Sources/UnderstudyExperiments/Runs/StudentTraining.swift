import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTraining

/// A student in training, epoch by epoch: a run's own, or its replica.
///
/// An epoch is taken as a whole: where one is cut short, the student stands where the epoch began.
struct StudentTraining<Scalar: KernelScalar> {
  enum EpochEnd {
    case taken
    /// Weights, or what the update rule remembers, are not finite; the student stays that of the epoch before.
    case diverged
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
  private var current: (index: Int, dataset: Dataset)?

  /// - Parameters:
  ///   - stored: where a checkpoint of that name has it; nil for one that begins.
  /// - Throws: ``ExperimentError`` for what was stored of a student of another size or form.
  init(
    _ prepared: PreparedRun, from stored: (epoch: Int, student: Student, optimizerState: OptimizerState?)?,
    checkpointName: String, instructions: InstructionSet
  ) throws(ExperimentError) {
    self.prepared = prepared
    let trainer = try ExperimentError.catching(stored.map { _ in checkpointName }) { () throws(ShapeError) in
      try Trainer<Scalar>(
        student: stored?.student ?? prepared.initialStudent, plan: prepared.plan, batches: prepared.batches,
        optimizerState: stored?.optimizerState, isResuming: stored != nil, instructions: instructions)
    }
    self.trainer = trainer
    epoch = stored?.epoch ?? 0
    student = try Self.student(of: trainer)
    optimizerState = trainer.optimizerState
    previous = student
  }

  var isOver: Bool { epoch >= prepared.plan.epochCount }

  /// Takes the next epoch.
  mutating func takeEpoch(isCancelled: () -> Bool) throws(ExperimentError) -> EpochEnd {
    let dataset = try dataset(epoch: epoch + 1)
    guard trainer.train(epoch: epoch + 1, on: dataset.packed(), isCancelled: isCancelled) else { return .interrupted }
    epoch += 1
    let (next, memory) = (try Self.student(of: trainer), trainer.optimizerState)
    guard next.network.isFinite, memory?.isFinite ?? true else { return .diverged }
    (previous, student, optimizerState) = (student, next, memory)
    return .taken
  }

  /// Back to the student of the epoch before: this one turned out not to be finite.
  mutating func dropStudent() { student = previous }

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
