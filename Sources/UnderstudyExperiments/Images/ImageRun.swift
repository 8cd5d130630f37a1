import Foundation
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTraining

/// A run over images on its way: the training of a student of a trained teacher, or of its oracle.
///
/// Unlike ``ActiveRun`` it has no search for a critical point and no replica, its data are made batch by batch, and its measures
/// are those of ``ImageRecorder``.
struct ImageRun {
  private let execution: RunExecution
  private let plan: TrainingPlan
  private let trainer: ImageTrainer
  private let recorder: ImageRecorder
  private let stopwatch: Stopwatch
  private var measurements: [MeasuredValue]
  private var outcome = Outcome.completed
  private var divergence: Divergence?
  /// Epochs done, and how far the next one is.
  private var epoch: Int
  private var progress: EpochProgress
  /// As it was after these epochs; with a zoom, as it was last looked at.
  private var student: Network
  /// After these epochs.
  private var epochStart: Network
  /// The last steps, and what was wrong with them.
  private var trace = Divergence(reason: "")
  private let timer: CheckpointTimer

  /// Threads of a student's steps: the last bits depend on it, so it does not depend on what else runs.
  static let threadCount = 1

  /// - Parameter checkpoint: where the run stood; nil for one that begins.
  /// - Throws: ``ExperimentError``, as ``ImageNetworks``, and for a checkpoint that is damaged.
  init(_ execution: RunExecution, from checkpoint: Checkpoint?) throws(ExperimentError) {
    stopwatch = Stopwatch(wallSeconds: checkpoint?.wallSeconds ?? 0, cpuSeconds: checkpoint?.cpuSeconds ?? 0)
    let (run, setting) = (execution.run, execution.run.setting)
    let data = try execution.artifacts.images(of: run)
    let networks = try ImageNetworks(execution, data)
    let state = try checkpoint.map { (checkpoint) throws(ExperimentError) in
      try ExperimentError.reading { () throws(FileError) in
        try TrainingState(checkpoint, name: execution.checkpointName, like: networks.student)
      }
    }
    let begin = state?.training.student.network ?? networks.student
    let images = try data.trainingImages(setting.inputs, key: run.randomKey)
    let steps = try RunSteps(run, sampleCount: images.batcher.set.count, key: run.randomKey)
    let plan = steps.plan
    let objective: ImageObjective =
      setting.training.loss == .labels ? .labels : .teacher(networks.oracle.network, TrainingLoss(setting.training))
    trainer = try ExperimentError.catching(execution.checkpointName) { () throws(ShapeError) in
      try ImageTrainer(
        begin, toward: objective, on: images, plan: plan, batches: steps.batches,
        optimizerState: state?.training.optimizerState, algorithm: ConvolutionAlgorithm(setting.training.convolution),
        threads: Self.threadCount)
    }
    recorder = try ImageRecorder(networks, over: try data.evaluationImages(setting.inputs), training: setting.training)
    (self.execution, self.plan) = (execution, plan)
    measurements = execution.planned(checkpoint?.measurements ?? [])
    let unfinished = state?.training.unfinishedEpoch
    (epoch, progress) = (checkpoint?.epoch ?? 0, unfinished?.progress ?? EpochProgress())
    epochStart =
      try unfinished?.start(of: epoch + 1, in: plan, name: execution.checkpointName).network ?? begin
    student = unfinished?.lastLook?.network ?? epochStart
    trace.lastSteps = state?.training.lastSteps ?? []
    timer = CheckpointTimer(interval: execution.checkpointInterval)
    execution.willResume(Double(epoch) + Double(progress.stepCount) / Double(plan.stepsPerEpoch))
  }

  var hasBegun: Bool { epoch > 0 || progress.stepCount > 0 }

  private var zoom: ZoomSetting { execution.run.setting.zoom }
  private var stepCount: Int { epoch * plan.stepsPerEpoch + progress.stepCount }
  /// When the student is measured: epochs, or with a zoom steps.
  private var time: Int { zoom.isOn ? stepCount : epoch }
  private var isTrained: Bool { epoch >= plan.epochCount || zoom.isOn && stepCount >= zoom.to }

  /// Takes the epochs that are left, and measures the student after each, or at the steps of a zoom.
  ///
  /// - Returns: false if the run was asked to stop.
  mutating func trainEpochs() throws(ExperimentError) -> Bool {
    let isMeasured = zoom.isOn ? measurements.contains { $0.epoch == time } : epoch > 0 || !measurements.isEmpty
    if !isMeasured, !zoom.isOn || zoom.includes(time) { try look(trainingLoss: nil) }
    return try execution.carryOut(&self, timer) { (run) throws(ExperimentError) in
      try run.execution.saveCheckpoint(try run.checkpoint())
    }
  }

  /// Measures the student as it is now, if its time has come. It stays as it was before if it turns out to have diverged.
  ///
  /// - Parameter trainingLoss: the mean over the steps of the epoch so far.
  private mutating func look(trainingLoss: Double?) throws(ExperimentError) {
    let before = student
    student = try trainedNetwork()
    guard let fault = try measure(trainingLoss: trainingLoss) else { return }
    (trace.step, trace.reason) = (trace.lastSteps.last?.step, fault)
    diverge(at: time)
    student = before
  }

  private mutating func diverge(at time: Int) { (outcome, divergence) = (.diverged(epoch: time), trace) }

  /// Measures the student as it is now.
  ///
  /// - Parameter trainingLoss: the mean over the steps of the epoch so far.
  /// - Returns: what is not finite: the run has diverged. nil if everything is finite.
  private mutating func measure(trainingLoss: Double?) throws(ExperimentError) -> String? {
    guard student.isFinite else { return "a weight is not finite" }
    guard !zoom.isOn || zoom.includes(time) else { return nil }
    let measures = execution.study.measures(at: time, of: execution.run.setting.lastEpoch)
    guard !measures.isEmpty else { return nil }
    let taken = try recorder.take(
      measures, of: student, epoch: time,
      trainingLoss: zoom.isOn && time == zoom.from ? nil : trainingLoss)
    if let fault = taken.fault { return fault }
    measurements += taken
    return nil
  }

  private func trainedNetwork() throws(ExperimentError) -> Network {
    try ExperimentError.catching { () throws(ShapeError) in try trainer.network }
  }

  /// What the convolutions and inner products of each layer were computed by: forward, data, weights.
  private static func words(_ choices: [ConvolutionChoice]) -> String {
    choices.map { choice in
      "layer \(layerLabel(ofIndex: choice.layer)) \([choice.forward, choice.data, choice.weights].compactMap(\.self).joined(separator: ", "))"
    }.joined(separator: "; ")
  }

  /// Where the run stands.
  func checkpoint() throws(ExperimentError) -> Checkpoint {
    var standing = StandingTraining(
      epoch: epoch, student: Student(try trainedNetwork()), optimizerState: trainer.optimizerState,
      lastSteps: trace.lastSteps)
    if progress.stepCount > 0 {
      standing.unfinishedEpoch = UnfinishedEpoch(
        progress: progress, start: Student(epochStart), lastLook: student == epochStart ? nil : Student(student))
    }
    return Checkpoint(
      runHash: execution.run.hash, epoch: epoch,
      student: try ExperimentError.reading { () throws(FileError) in
        try TrainingState.encode(
          execution.encode(standing.student, precision: .float32), of: standing, precision: .float32)
      },
      measurements: measurements, wallSeconds: stopwatch.wallSeconds, cpuSeconds: stopwatch.cpuSeconds)
  }

  /// The student's network file.
  var data: Data { execution.encode(Student(student), precision: .float32) }

  var record: RunRecord {
    var record = RunRecord(
      run: execution.run, outcome: outcome, divergence: divergence, studyHash: execution.studyHash,
      version: understudyVersion,
      machine: "\(machineKind(instructions: execution.instructions)), \(Self.threadCount) thread; "
        + Self.words(trainer.algorithms), finishedAt: Date(),
      wallSeconds: stopwatch.wallSeconds, cpuSeconds: stopwatch.cpuSeconds, stepCount: stepCount,
      measurements: measurements)
    // Of a diverged run it is not that of the stored student.
    if outcome == .completed, !zoom.isOn {
      record.optimizerState = TrainingState.encode(trainer.optimizerState, precision: .float32)
    }
    return record
  }
}

extension ImageRun: Stage {
  var isOver: Bool { outcome != .completed || isTrained }

  /// Goes on to where the student is next looked at, and measures it there.
  mutating func advance(isCancelled: () -> Bool, isPauseDue: () -> Bool) throws(ExperimentError) {
    let (share, stepsBefore) = (1 / Double(plan.stepsPerEpoch), epoch * plan.stepsPerEpoch)
    let moment = zoom.moment(after: stepCount)
    let end = trainer.train(
      epoch: epoch + 1, from: progress, isCancelled: isCancelled,
      isPauseDue: { isPauseDue() || trace.lastSteps.last?.step == moment },
      didTakeStep: { progress, loss in
        trace.append(Divergence.Step(stepsBefore + progress.stepCount, loss: loss))
        execution.didTakeSteps(1, share)
      })
    switch end {
    case .stopped(let reached):
      progress = reached
      guard zoom.isOn, !isCancelled(), zoom.includes(stepCount) else { return }
      try look(trainingLoss: reached.lossSum / Double(reached.stepCount))
    case .diverged(let step):
      (trace.step, trace.reason) = (stepsBefore + step + 1, "the loss or a weight is not finite")
      epoch += 1
      diverge(at: zoom.isOn ? stepsBefore + step + 1 : epoch)
    case .taken(let loss):
      (epoch, progress) = (epoch + 1, EpochProgress())
      try look(trainingLoss: loss)
      epochStart = student
    }
  }
}

extension Artifacts {
  /// The images of a run.
  ///
  /// - Throws: ``ExperimentError/input(_:)`` if there are none, or others than the study was resolved with.
  func images(of run: Run) throws(ExperimentError) -> ImageData {
    guard let source = run.setting.inputs.images else { throw .input("inputs.images names no images") }
    return try images(.images(of: run)) { () throws(ExperimentError) in try ImageData(source) }
  }
}
