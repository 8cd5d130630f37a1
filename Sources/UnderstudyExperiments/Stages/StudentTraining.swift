import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema
import UnderstudyTraining

/// A student in training: a run's own, or its replica.
///
/// An epoch is taken as a whole, or in parts: where a zoom looks into it, where a checkpoint is due, and where it was stopped.
struct StudentTraining<Scalar: KernelScalar> {
  enum End {
    /// It came to the steps that were asked for.
    case taken
    /// Weights, or what the update rule remembers, are not finite; the student stays as it was before.
    case diverged(Divergence)
    /// Asked to stop, or to pause.
    case paused
  }

  let prepared: PreparedRun
  let trainer: Trainer<Scalar>
  /// Epochs taken, whole ones.
  private(set) var epoch: Int
  /// As it was when steps that were asked for had been taken.
  private(set) var student: Student
  private(set) var optimizerState: OptimizerState?
  /// The student before the last steps that were asked for at once, most often one epoch earlier; before the first, or just read
  /// from a checkpoint, the student itself.
  private(set) var previous: Student
  /// With what the epoch under way began, or else the last one.
  private var start: (student: Student, optimizerState: OptimizerState?)
  /// Of the epoch under way; nil between two epochs.
  private var steps: EpochSteps?
  private(set) var hasDiverged = false
  private let instructions: InstructionSet
  private let threadCount: () -> Int
  private var current: (index: Int, dataset: Dataset)?

  /// - Parameter stored: where the run's checkpoint has it; nil for one that begins.
  /// - Throws: ``ExperimentError`` for what was stored of a student of another size or form, or of another number of steps.
  init(
    _ prepared: PreparedRun, of execution: RunExecution, from stored: StandingTraining?
  ) throws(ExperimentError) {
    let (checkpointName, instructions) = (execution.checkpointName, execution.instructions)
    (self.prepared, self.instructions, threadCount) = (prepared, instructions, execution.threadCount)
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
    guard let unfinished = stored?.unfinishedEpoch else { return }
    start = (
      try unfinished.start(of: epoch + 1, in: prepared.plan, name: checkpointName), unfinished.startOptimizerState
    )
    (student, optimizerState) = (unfinished.lastLook ?? start.student, start.optimizerState)
    previous = student
    steps = trainer.steps(
      ofEpoch: epoch + 1, sampleCount: try dataset(epoch: epoch + 1).count, after: unfinished.progress.stepCount,
      flowPlace: unfinished.flowPlace)
  }

  /// Steps taken, over all epochs.
  var stepCount: Int { epoch * prepared.plan.stepsPerEpoch + (steps?.count ?? 0) }
  var hasBegun: Bool { currentEpoch > 0 }
  /// What share of the epoch under way is done; 0 between two epochs.
  var epochShare: Double {
    guard let steps else { return 0 }
    let plan = prepared.plan
    guard let place = steps.flowPlace else { return Double(steps.count) / Double(plan.stepsPerEpoch) }
    return place.time / (plan.rule(epoch: epoch + 1).learningRate * Double(plan.stepsPerEpoch))
  }
  /// The epoch under way, or else the last one.
  var currentEpoch: Int { steps == nil ? epoch : epoch + 1 }

  /// Whether the weights are, and what the update rule remembers.
  private var isFinite: Bool { trainer.isFinite && trainer.optimizerState?.isFinite ?? true }

  /// Where a run can go on; of weights that are not finite, which have no future, the beginning of their epoch.
  var standing: StandingTraining {
    get throws(ExperimentError) {
      guard let steps else { return StandingTraining(epoch: epoch, student: student, optimizerState: optimizerState) }
      guard isFinite else {
        return StandingTraining(epoch: epoch, student: start.student, optimizerState: start.optimizerState)
      }
      return StandingTraining(
        epoch: epoch, student: try Self.student(of: trainer), optimizerState: trainer.optimizerState,
        unfinishedEpoch: UnfinishedEpoch(
          progress: EpochProgress(stepCount: steps.count), flowPlace: steps.flowPlace, start: start.student,
          startOptimizerState: start.optimizerState,
          lastLook: student == start.student ? nil : student))
    }
  }

  /// Takes the student as it is now for the one that was last looked at.
  mutating func look() throws(ExperimentError) {
    student = try Self.student(of: trainer)
    previous = student
  }

  /// Goes on in the epoch under way, or in the next one.
  ///
  /// - Parameters:
  ///   - end: steps of this epoch that are then taken; all of them if the plan takes no steps (gradient flow).
  mutating func takeSteps(
    upTo end: Int, isCancelled: () -> Bool, isPauseDue: () -> Bool
  ) throws(ExperimentError) -> End {
    trainer.useThreads(threadCount())
    let samples = try dataset(epoch: epoch + 1)
    if steps == nil { start = (student, optimizerState) }
    var taken = steps ?? trainer.steps(ofEpoch: epoch + 1, sampleCount: samples.count)
    var hasMoved = false
    let isWhole = trainer.take(&taken, upTo: end, on: samples.packed()) {
      defer { hasMoved = true }
      return isCancelled() || hasMoved && isPauseDue() && isFinite
    }
    steps = taken.isUnderWay(of: prepared.plan.stepsPerEpoch) ? taken : nil
    guard isWhole else { return .paused }
    if steps == nil { epoch += 1 }
    guard isFinite else {
      guard let divergence = try divergence(fault, isCancelled) else {
        dropEpoch()
        return .paused
      }
      hasDiverged = true
      return .diverged(divergence)
    }
    previous = student
    (student, optimizerState) = (try Self.student(of: trainer), trainer.optimizerState)
    return .taken
  }

  /// What is not finite, in words; of gradient flow no step says more.
  private var fault: String {
    guard !trainer.isFinite else { return "what the optimizer remembers is not finite" }
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

extension StudentTraining: Stage {
  var isOver: Bool { epoch >= prepared.plan.epochCount || hasDiverged }

  /// Takes what is left of the epoch under way, or the next one.
  mutating func advance(isCancelled: () -> Bool, isPauseDue: () -> Bool) throws(ExperimentError) {
    _ = try takeSteps(upTo: prepared.plan.stepsPerEpoch, isCancelled: isCancelled, isPauseDue: isPauseDue)
  }
}

extension OptimizerState {
  var isFinite: Bool { moments.allSatisfy { $0.allSatisfy(\.isFinite) } }
}
