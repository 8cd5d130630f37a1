import Foundation
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTraining

/// A run on its way: its student, and what was recorded of it so far.
///
/// It goes through its epochs, a search for a critical point and the training of a replica, whichever the study asks for; or through
/// the steps up to the end of a zoom. In each, a checkpoint is stored whenever one is due, and the run goes on from it to the bits that it would have come to.
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
  let timer: CheckpointTimer
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
          checkpoint, name: execution.checkpointName, like: prepared.initialStudent.network)
      }
    }
    let training = try StudentTraining<Scalar>(prepared, of: execution, from: state?.training)
    stopwatch.helperSeconds = { training.trainer.helperSeconds }
    (self.execution, self.prepared, self.training, self.stopwatch) = (execution, prepared, training, stopwatch)
    (beginning, measurements) = (checkpoint, execution.planned(checkpoint?.measurements ?? []))
    progress = state?.postTraining ?? PostTrainingProgress()
    student = training.student
    timer = CheckpointTimer(interval: execution.checkpointInterval)
    execution.willResume(Double(training.epoch) + training.epochShare)
  }

  var hasBegun: Bool { training.hasBegun }
  private var zoom: ZoomSetting { execution.run.setting.zoom }
  /// When the student is measured: epochs, or with a zoom steps.
  private var time: Int { zoom.isOn ? training.stepCount : training.epoch }
  private var isTrained: Bool { training.isOver || zoom.isOn && training.stepCount >= zoom.to }

  /// Steps of the epoch under way, or of the next one, that are taken when the student is next looked at.
  private var nextEnd: Int {
    let stepsPerEpoch = prepared.plan.stepsPerEpoch
    guard zoom.isOn, let moment = zoom.moment(after: training.stepCount) else { return stepsPerEpoch }
    return min(stepsPerEpoch, moment - training.epoch * stepsPerEpoch)
  }

  /// Takes the epochs that are left, and measures the student after each, or at the steps of a zoom.
  ///
  /// - Returns: false if the run was asked to stop.
  mutating func trainEpochs() throws(ExperimentError) -> Bool {
    let isMeasured = zoom.isOn ? measurements.contains { $0.epoch == time } : beginning != nil
    if !isMeasured, !zoom.isOn || zoom.includes(time) {
      try training.look()
      if let fault = try measure() { diverge(epoch: time, Divergence(reason: fault)) }
    }
    let isTrained = try execution.carryOut(&self, timer) { (run) throws(ExperimentError) in try run.store() }
    guard isTrained else { return false }
    student = training.student
    data = execution.encode(student, precision: execution.trainingPrecision)
    if outcome == .completed, hasMore, prepared.plan.epochCount > beginning?.epoch ?? 0 { try store() }
    return true
  }

  /// Goes on in an epoch, and tells the study's progress of it on the way: an epoch may take hours, and gradient flow that has to
  /// take very short steps longer than anybody waits.
  private mutating func takeSteps(
    upTo end: Int, isCancelled: () -> Bool, isPauseDue: () -> Bool
  ) throws(ExperimentError) -> StudentTraining<Scalar>.End {
    let (execution, trainer, count) = (execution, training.trainer, prepared.plan.stepsPerEpoch)
    var toldShare = training.epochShare
    var told = Int((toldShare * Double(count)).rounded())
    func tell(_ steps: Int, _ share: Double) {
      guard share > toldShare else { return }
      execution.didTakeSteps(steps - told, share - toldShare)
      (told, toldShare) = (steps, share)
    }
    let result = try training.takeSteps(
      upTo: end,
      isCancelled: {
        tell(Int((trainer.epochShare * Double(count)).rounded()), trainer.epochShare)
        return isCancelled()
      }, isPauseDue: isPauseDue)
    if case .paused = result { return result }
    tell(end, Double(end) / Double(count))
    return result
  }

  private mutating func diverge(epoch: Int, _ divergence: Divergence) {
    let time = zoom.isOn ? divergence.step ?? epoch : epoch
    (outcome, self.divergence) = (.diverged(epoch: time), divergence)
  }

  /// Measures the student as it is now.
  ///
  /// - Returns: what is not finite: the run has diverged. nil if everything is finite.
  private mutating func measure() throws(ExperimentError) -> String? {
    guard training.trainer.isFinite else { return "a weight is not finite" }
    guard !zoom.isOn || zoom.includes(time) else { return nil }
    let measures = execution.study.measures(at: time, of: execution.run.setting.lastEpoch)
    guard !measures.isEmpty else { return nil }
    let (samples, trainer) = (try training.dataset(epoch: training.currentEpoch), training.trainer)
    let evaluation = prepared.evaluation
    // What came before a zoom may not have been taken here.
    let previous = zoom.isOn && time == zoom.from ? training.student : training.previous
    let measurement = EpochRecorder(
      prepared: prepared, time: time, epoch: training.currentEpoch, student: Student(training.student.network.folded),
      previous: Student(previous.network.folded), training: samples,
      trainingLoss: { trainer.loss(over: samples.packed()) },
      evaluationLoss: { trainer.loss(over: evaluation.packed()) },
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
      diverge(epoch: time, Divergence(reason: storedFault))
    }
  }

  private var storedFault: String { "the evaluation loss of the final weights is not finite" }

  /// Where the run stands.
  func checkpoint() throws(ExperimentError) -> Checkpoint {
    let (precision, standing) = (execution.trainingPrecision, try training.standing)
    let stepCount = standing.epoch * prepared.plan.stepsPerEpoch + (standing.unfinishedEpoch?.progress.stepCount ?? 0)
    return Checkpoint(
      runHash: execution.run.hash, epoch: standing.epoch,
      student: try ExperimentError.reading { () throws(FileError) in
        try TrainingState.encode(
          execution.encode(standing.student, precision: precision), of: standing, postTraining: progress,
          precision: precision)
      },
      // What a zoom has measured of steps that are taken again is measured again.
      measurements: zoom.isOn ? measurements.filter { $0.epoch <= stepCount } : measurements,
      wallSeconds: stopwatch.wallSeconds, cpuSeconds: stopwatch.cpuSeconds)
  }

  func store() throws(ExperimentError) { try execution.saveCheckpoint(try checkpoint()) }

  var record: RunRecord {
    var record = RunRecord(
      run: execution.run, outcome: outcome, divergence: divergence, studyHash: execution.studyHash,
      version: understudyVersion,
      machine: machineKind(instructions: execution.instructions), finishedAt: Date(),
      wallSeconds: stopwatch.wallSeconds, cpuSeconds: stopwatch.cpuSeconds,
      stepCount: training.stepCount, measurements: measurements)
    // What goes with the stored student: not with that of a search, nor with that of a zoom, which no run goes on from.
    if !zoom.isOn, execution.run.setting.criticalPoint.method == .none {
      record.optimizerState = TrainingState.encode(training.optimizerState, precision: execution.trainingPrecision)
    }
    return record
  }
}

extension [MeasuredValue] {
  /// The first measure that is not finite, as a reason of a divergence; nil if all are.
  var fault: String? {
    first { !$0.values.allSatisfy(\.isFinite) }.map { "\($0.measure.rawValue) is not finite" }
  }
}

extension ActiveRun: Stage {
  var isOver: Bool { outcome != .completed || isTrained }

  /// Goes on to where the student is next looked at, and measures it there.
  mutating func advance(isCancelled: () -> Bool, isPauseDue: () -> Bool) throws(ExperimentError) {
    switch try takeSteps(upTo: nextEnd, isCancelled: isCancelled, isPauseDue: isPauseDue) {
    case .paused: return
    case .diverged(let divergence): diverge(epoch: time, divergence)
    case .taken:
      guard let fault = try measure() else { return }
      guard let divergence = try training.divergence(fault, isCancelled) else { return training.dropEpoch() }
      diverge(epoch: time, divergence)
      training.dropStudent()
    }
  }
}
