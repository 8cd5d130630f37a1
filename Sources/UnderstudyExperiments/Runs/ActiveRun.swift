import Foundation
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTraining

/// A run on its way: its student, and what was recorded of it so far.
///
/// It goes through its epochs, a search for a critical point and the training of a replica, whichever the study asks for. In
/// each, a checkpoint is stored whenever one is due, and the run goes on from it to the bits that it would have come to.
struct ActiveRun<Scalar: KernelScalar> {
  let execution: RunExecution
  let prepared: PreparedRun
  var training: StudentTraining<Scalar>
  var measurements: [MeasuredValue]
  private(set) var outcome = Outcome.completed
  private var divergence: Divergence?
  /// How far it is in what follows its epochs.
  var progress: PostTrainingProgress
  /// The last student so far, and its network file.
  private(set) var student: Student
  private(set) var data = Data()
  private var timer: CheckpointTimer
  private let stopwatch: Stopwatch
  private let beginning: Checkpoint?

  /// - Parameter checkpoint: where the run stood; nil for one that begins.
  /// - Throws: ``ExperimentError`` as ``PreparedRun`` does, and for a checkpoint that is damaged.
  init(_ execution: RunExecution, from checkpoint: Checkpoint?) throws(ExperimentError) {
    var stopwatch = Stopwatch(wallSeconds: checkpoint?.wallSeconds ?? 0, cpuSeconds: checkpoint?.cpuSeconds ?? 0)
    let prepared = try PreparedRun(execution.run, sharing: execution.artifacts)
    let state = try checkpoint.map { (checkpoint) throws(ExperimentError) in
      try ExperimentError.reading { () throws(FileError) in
        try TrainingState(
          decoding: checkpoint.student, name: execution.checkpointName, like: prepared.initialStudent.network)
      }
    }
    let training = try StudentTraining<Scalar>(
      prepared, from: state.map { (checkpoint?.epoch ?? 0, $0.student, $0.optimizerState) },
      checkpointName: execution.checkpointName, instructions: execution.instructions)
    stopwatch.helperSeconds = { training.trainer.helperSeconds }
    (self.execution, self.prepared, self.training, self.stopwatch) = (execution, prepared, training, stopwatch)
    (beginning, measurements) = (checkpoint, execution.planned(checkpoint?.measurements ?? []))
    progress = state?.postTraining ?? PostTrainingProgress()
    student = training.student
    timer = CheckpointTimer(interval: execution.checkpointInterval)
    execution.willResume(Double(training.epoch))
  }

  /// Takes the epochs that are left, and measures the student after each.
  ///
  /// - Returns: false if the run was asked to stop.
  mutating func trainEpochs() throws(ExperimentError) -> Bool {
    let evaluation = prepared.evaluation.packed(Scalar.self)
    if beginning == nil, let fault = try measure(over: evaluation) { diverge(epoch: 0, Divergence(reason: fault)) }
    while outcome == .completed, !training.isOver {
      training.trainer.useThreads(execution.threadCount())
      switch try training.takeEpoch(isCancelled: execution.isCancelled) {
      case .interrupted: return false
      case .diverged(let divergence):
        execution.didTakeSteps(prepared.plan.stepsPerEpoch, 1)
        diverge(epoch: training.epoch, divergence)
      case .taken:
        execution.didTakeSteps(prepared.plan.stepsPerEpoch, 1)
        if let fault = try measure(over: evaluation) {
          guard let divergence = try training.divergence(fault, execution.isCancelled) else {
            training.dropEpoch()
            return false
          }
          diverge(epoch: training.epoch, divergence)
          training.dropStudent()
        } else if !training.isOver {
          try storeIfDue()
        }
      }
    }
    student = training.student
    data = execution.encode(student, precision: execution.trainingPrecision)
    if outcome == .completed, hasMore, prepared.plan.epochCount > beginning?.epoch ?? 0 { try store() }
    return true
  }

  private mutating func diverge(epoch: Int, _ divergence: Divergence) {
    (outcome, self.divergence) = (.diverged(epoch: epoch), divergence)
  }

  /// Measures the student as it is now.
  ///
  /// - Returns: what is not finite: the run has diverged. nil if everything is finite.
  private mutating func measure(over evaluation: PackedSamples<Scalar>) throws(ExperimentError) -> String? {
    guard training.trainer.isFinite else { return "a weight is not finite" }
    let measures = execution.study.measures(at: training.epoch, of: execution.run.setting.lastEpoch)
    guard !measures.isEmpty else { return nil }
    let (samples, trainer) = (try training.dataset(epoch: training.epoch), training.trainer)
    let measurement = EpochRecorder(
      prepared: prepared, epoch: training.epoch, student: Student(training.student.network.folded),
      previous: Student(training.previous.network.folded), training: samples,
      trainingLoss: { trainer.loss(over: samples.packed()) }, evaluationLoss: { trainer.loss(over: evaluation) },
      instructions: execution.instructions)
    let taken = try measurement.take(measures)
    if let fault = taken.fault { return fault }
    measurements += taken
    return nil
  }

  /// Takes what the search came to for the run's student, unless what would be stored overflows.
  mutating func accept(_ found: Student, trainer: Trainer<Double>) throws(ExperimentError) {
    student = found
    data = execution.encode(found, precision: .float64)
    if try !execution.confirms(data, prepared: prepared, trainer: trainer) {
      diverge(epoch: training.epoch + 1, Divergence(reason: storedFault))
    }
  }

  /// Checks what would be stored of a student that no search follows.
  mutating func confirmTrained() throws(ExperimentError) {
    if try !execution.confirms(data, prepared: prepared, trainer: training.trainer) {
      diverge(epoch: training.epoch, Divergence(reason: storedFault))
    }
  }

  private var storedFault: String { "the evaluation loss of the final weights is not finite" }

  /// Where the run stands.
  func checkpoint() throws(ExperimentError) -> Checkpoint {
    let precision = execution.trainingPrecision
    return Checkpoint(
      runHash: execution.run.hash, epoch: training.epoch,
      student: try ExperimentError.reading { () throws(FileError) in
        try TrainingState.encode(
          execution.encode(training.student, precision: precision), optimizerState: training.optimizerState,
          postTraining: progress, precision: precision)
      },
      measurements: measurements, wallSeconds: stopwatch.wallSeconds, cpuSeconds: stopwatch.cpuSeconds)
  }

  mutating func store() throws(ExperimentError) {
    try execution.saveCheckpoint(try checkpoint())
    timer.restart()
  }

  /// - Parameter note: takes down where the run stands, before it is stored.
  mutating func storeIfDue(_ note: (inout PostTrainingProgress) -> Void = { _ in }) throws(ExperimentError) {
    guard timer.isDue else { return }
    note(&progress)
    try store()
  }

  var record: RunRecord {
    RunRecord(
      run: execution.run, outcome: outcome, divergence: divergence, studyHash: execution.studyHash,
      version: understudyVersion,
      machine: machineKind(instructions: execution.instructions), finishedAt: Date(),
      wallSeconds: stopwatch.wallSeconds, cpuSeconds: stopwatch.cpuSeconds,
      stepCount: training.epoch * prepared.plan.stepsPerEpoch, measurements: measurements)
  }
}

extension [MeasuredValue] {
  /// The first measure that is not finite, as a reason of a divergence; nil if all are.
  var fault: String? {
    first { !$0.values.allSatisfy(\.isFinite) }.map { "\($0.measure.rawValue) is not finite" }
  }
}

/// Tells when a run's next checkpoint is due.
struct CheckpointTimer {
  let interval: Duration
  private var last = ContinuousClock.now

  init(interval: Duration) { self.interval = interval }

  var isDue: Bool { ContinuousClock.now - last > interval }
  mutating func restart() { last = .now }
}
