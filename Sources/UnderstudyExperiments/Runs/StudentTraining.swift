import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema
import UnderstudyTraining

/// A student in training: a run's own, or its replica.
///
/// An epoch is taken as a whole, or in parts where a zoom looks into it. Where one is cut short, the run goes on from where the
/// epoch began.
struct StudentTraining<Scalar: KernelScalar> {
  enum EpochEnd {
    case taken
    /// Weights, or what the update rule remembers, are not finite; the student stays as it was before.
    case diverged(Divergence)
    /// Asked to stop.
    case interrupted
  }

  let prepared: PreparedRun
  let trainer: Trainer<Scalar>
  /// Epochs taken, whole ones.
  private(set) var epoch: Int
  private(set) var student: Student
  private(set) var optimizerState: OptimizerState?
  /// The student before the last steps that were taken at once, most often one epoch earlier; before the first, or just read from
  /// a checkpoint, the student itself.
  private(set) var previous: Student
  /// With what the epoch under way began, or else the last one.
  private var start: (student: Student, optimizerState: OptimizerState?)
  /// Of the epoch under way; nil between two epochs.
  private var steps: EpochSteps?
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
    (previous, start) = (student, (student, optimizerState))
  }

  var isOver: Bool { epoch >= prepared.plan.epochCount }

  /// Steps taken, over all epochs.
  var stepCount: Int { epoch * prepared.plan.stepsPerEpoch + (steps?.count ?? 0) }
  /// The epoch under way, or else the last one.
  var currentEpoch: Int { steps == nil ? epoch : epoch + 1 }
  /// Where a run can go on after `epoch` epochs.
  var resumable: (student: Student, optimizerState: OptimizerState?) {
    steps == nil ? (student, optimizerState) : start
  }

  /// Takes what is left of the epoch under way, or the next one.
  mutating func takeEpoch(isCancelled: () -> Bool) throws(ExperimentError) -> EpochEnd {
    try takeSteps(upTo: prepared.plan.stepsPerEpoch, isCancelled: isCancelled)
  }

  /// Goes on in the epoch under way, or in the next one.
  ///
  /// - Parameter end: steps of this epoch that are then taken; all of them if the plan takes no steps (gradient flow).
  mutating func takeSteps(upTo end: Int, isCancelled: () -> Bool) throws(ExperimentError) -> EpochEnd {
    let samples = try dataset(epoch: epoch + 1)
    if steps == nil { start = (student, optimizerState) }
    if case .expectedFlow = prepared.plan.method {
      guard trainer.train(epoch: epoch + 1, on: samples.packed(), isCancelled: isCancelled) else { return .interrupted }
      epoch += 1
    } else {
      var taken = steps ?? trainer.steps(ofEpoch: epoch + 1, sampleCount: samples.count)
      guard trainer.take(&taken, upTo: end, on: samples.packed(), isCancelled: isCancelled) else {
        (student, optimizerState) = start
        steps = nil
        return .interrupted
      }
      steps = taken.count < prepared.plan.stepsPerEpoch ? taken : nil
      if steps == nil { epoch += 1 }
    }
    let (next, memory) = (try Self.student(of: trainer), trainer.optimizerState)
    guard next.network.isFinite, memory?.isFinite ?? true else {
      guard let divergence = try divergence(fault(of: next), isCancelled) else {
        dropEpoch()
        return .interrupted
      }
      return .diverged(divergence)
    }
    previous = student
    (student, optimizerState) = (next, memory)
    return .taken
  }

  /// What is not finite, in words; of gradient flow no step says more.
  private func fault(of next: Student) -> String {
    guard !next.network.isFinite else { return "what the optimizer remembers is not finite" }
    guard case .expectedFlow = prepared.plan.method else { return "a weight is not finite" }
    return
      "the gradient flow cannot be followed through this epoch: weights are too large, or change too fast for any step"
  }

  /// Takes the steps of the last epoch, or those that were taken of the epoch under way, once more, one by one, to see where it
  /// stops being finite.
  ///
  /// - Parameter reason: what is said if no step does.
  /// - Returns: nil if it was cancelled.
  func divergence(_ reason: String, _ isCancelled: () -> Bool) throws(ExperimentError) -> Divergence? {
    guard currentEpoch > 0 else { return Divergence(reason: reason) }
    let again = try ExperimentError.catching { () throws(ShapeError) in
      try Trainer<Scalar>(
        student: start.student, plan: prepared.plan, batches: prepared.batches, optimizerState: start.optimizerState,
        isResuming: true, instructions: instructions)
    }
    let samples = try prepared.trainingSet(index: prepared.trainingSetIndex(epoch: currentEpoch))
    return again.trace(
      epoch: currentEpoch, upTo: steps?.count, on: samples, otherwise: reason, isCancelled: isCancelled)
  }

  /// Back to the student before the last steps: this one turned out not to be finite.
  mutating func dropStudent() {
    student = previous
    optimizerState = start.optimizerState
  }

  /// Back to where the epoch under way, or the last one, began, for a checkpoint; the trainer takes no more steps.
  mutating func dropEpoch() {
    if steps == nil { epoch -= 1 }
    steps = nil
    (student, optimizerState) = start
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
