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
  private var timer: CheckpointTimer

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
    let begin = state?.student.network ?? networks.student
    let images = try data.trainingImages(setting.inputs, key: run.randomKey)
    let steps = try RunSteps(run, sampleCount: images.batcher.set.count, key: run.randomKey)
    let plan = steps.plan
    let objective: ImageObjective =
      setting.training.loss == .labels ? .labels : .teacher(networks.oracle.network, TrainingLoss(setting.training))
    trainer = try ExperimentError.catching(execution.checkpointName) { () throws(ShapeError) in
      try ImageTrainer(
        begin, toward: objective, on: images, plan: plan, batches: steps.batches,
        optimizerState: state?.optimizerState, algorithm: ConvolutionAlgorithm(setting.training.convolution),
        threads: Self.threadCount)
    }
    recorder = try ImageRecorder(networks, over: try data.evaluationImages(setting.inputs), training: setting.training)
    (self.execution, self.plan) = (execution, plan)
    measurements = execution.planned(checkpoint?.measurements ?? [])
    (epoch, progress) = (checkpoint?.epoch ?? 0, state?.unfinishedEpoch?.progress ?? EpochProgress())
    guard progress.stepCount < plan.stepsPerEpoch else {
      throw .input("\(execution.checkpointName): is damaged: step \(progress.stepCount) of \(plan.stepsPerEpoch)")
    }
    student = state?.unfinishedEpoch?.start?.network ?? begin
    epochStart = student
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
    if !isMeasured, let fault = try measure(trainingLoss: nil) {
      (outcome, divergence) = (.diverged(epoch: time), Divergence(reason: fault))
    }
    var trace = Divergence(reason: "")
    while outcome == .completed, !isTrained {
      let share = 1 / Double(plan.stepsPerEpoch)
      let (timer, stepsBefore) = (timer, epoch * plan.stepsPerEpoch)
      let moment = zoom.moment(after: stepCount)
      let end = trainer.train(
        epoch: epoch + 1, from: progress, isCancelled: execution.isCancelled,
        isPauseDue: { timer.isDue || trace.lastSteps.last?.step == moment },
        didTakeStep: { progress, loss in
          trace.append(Divergence.Step(stepsBefore + progress.stepCount, loss: loss))
          execution.didTakeSteps(1, share)
        })
      switch end {
      case .stopped(let reached):
        progress = reached
        if execution.isCancelled() { return false }
        if zoom.isOn, zoom.includes(stepCount) {
          let before = student
          student = try trainedNetwork()
          if let fault = try measure(trainingLoss: reached.lossSum / Double(reached.stepCount)) {
            outcome = .diverged(epoch: time)
            (trace.step, trace.reason) = (stepCount, fault)
            (divergence, student) = (trace, before)
          }
        }
        if outcome == .completed, self.timer.isDue { try store() }
      case .diverged(let step):
        (trace.step, trace.reason) = (stepsBefore + step + 1, "the loss or a weight is not finite")
        epoch += 1
        outcome = .diverged(epoch: zoom.isOn ? stepsBefore + step + 1 : epoch)
        divergence = trace
      case .taken(let loss):
        let before = student
        student = try trainedNetwork()
        epochStart = student
        epoch += 1
        progress = EpochProgress()
        if let fault = try measure(trainingLoss: loss) {
          outcome = .diverged(epoch: time)
          (trace.step, trace.reason) = (stepsBefore + plan.stepsPerEpoch, fault)
          divergence = trace
          student = before
        } else if self.timer.isDue, !isTrained {
          try store()
        }
      }
    }
    return true
  }

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

  private mutating func store() throws(ExperimentError) {
    try execution.saveCheckpoint(try checkpoint())
    timer.restart()
  }

  /// What the convolutions and inner products of each layer were computed by: forward, data, weights.
  private static func words(_ choices: [ConvolutionChoice]) -> String {
    choices.map { choice in
      "layer \(layerLabel(ofIndex: choice.layer)) \([choice.forward, choice.data, choice.weights].compactMap(\.self).joined(separator: ", "))"
    }.joined(separator: "; ")
  }

  /// Where the run stands.
  func checkpoint() throws(ExperimentError) -> Checkpoint {
    let current = execution.encode(Student(try trainedNetwork()), precision: .float32)
    let unfinished =
      progress.stepCount > 0 ? UnfinishedEpoch(progress: progress, start: Student(epochStart)) : nil
    return Checkpoint(
      runHash: execution.run.hash, epoch: epoch,
      student: try ExperimentError.reading { () throws(FileError) in
        try TrainingState.encode(
          current, optimizerState: trainer.optimizerState, unfinishedEpoch: unfinished, precision: .float32)
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

extension Artifacts {
  /// The images of a run.
  ///
  /// - Throws: ``ExperimentError/input(_:)`` if there are none, or others than the study was resolved with.
  func images(of run: Run) throws(ExperimentError) -> ImageData {
    guard let source = run.setting.inputs.images else { throw .input("inputs.images names no images") }
    return try images(.images(of: run)) { () throws(ExperimentError) in try ImageData(source) }
  }
}
