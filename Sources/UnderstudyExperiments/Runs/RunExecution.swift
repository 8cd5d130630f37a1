import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTraining

// Not all of Foundation: it has a `Measurement` too.
import struct Foundation.Data
import struct Foundation.Date

/// Executes one run from its first step, or from a checkpoint, to its end.
struct RunExecution {
  enum End {
    case finished(RunRecord, student: Data)
    /// Asked to stop: where the run stood.
    case interrupted(Checkpoint)
  }

  let run: Run
  let study: Study
  let studyHash: String
  let instructions: InstructionSet
  let checkpointInterval: Duration
  /// Polled every few steps.
  let isCancelled: () -> Bool
  /// Asked before every epoch: how many threads the run may use. Its results do not depend on it.
  let threadCount: () -> Int
  /// Called after every epoch with the steps it took.
  let didTakeSteps: (Int) -> Void
  let saveCheckpoint: (Checkpoint) throws(ExperimentError) -> Void

  func execute(from checkpoint: Checkpoint?) throws(ExperimentError) -> End {
    switch run.setting.training.precision {
    case .float64: try execute(Double.self, from: checkpoint)
    case .float32: try execute(Float.self, from: checkpoint)
    }
  }

  private func execute<Scalar: KernelScalar>(
    _: Scalar.Type, from checkpoint: Checkpoint?
  ) throws(ExperimentError) -> End {
    var stopwatch = Stopwatch(wallSeconds: checkpoint?.wallSeconds ?? 0, cpuSeconds: checkpoint?.cpuSeconds ?? 0)
    let prepared = try PreparedRun(run)
    let state = try state(of: checkpoint, prepared: prepared)
    let trainer = try ExperimentError.catching { () throws(ShapeError) in
      try Trainer<Scalar>(
        student: state?.student ?? prepared.initialStudent, plan: prepared.plan, batches: prepared.batches,
        optimizerState: state?.optimizerState, isResuming: checkpoint != nil, instructions: instructions)
    }
    stopwatch.helperSeconds = { trainer.helperSeconds }
    return try execute(
      trainer, prepared: prepared, from: checkpoint, stages: state?.stages ?? StageProgress(), stopwatch: stopwatch)
  }

  private func execute<Scalar: KernelScalar>(
    _ trainer: Trainer<Scalar>, prepared: PreparedRun, from checkpoint: Checkpoint?,
    stages stageProgress: StageProgress,
    stopwatch: Stopwatch
  ) throws(ExperimentError) -> End {
    let plan = prepared.plan
    let evaluation = PackedSamples<Scalar>(inputs: prepared.evaluation.inputs, targets: prepared.evaluation.targets)
    var training = TrainingSet<Scalar>(prepared: prepared)
    var measurements = checkpoint?.measurements ?? []
    var student = try self.student(of: trainer)
    var epoch = checkpoint?.epoch ?? 0
    var outcome = Outcome.completed
    var timer = CheckpointTimer(interval: checkpointInterval)

    /// Measures the trainer's student; false once something is not finite: the run has diverged.
    func measure(previous: Student) throws(ExperimentError) -> Bool {
      guard trainer.isFinite else { return false }
      let measures = study.measures(at: epoch, of: run.setting.lastEpoch)
      guard !measures.isEmpty else { return true }
      let samples = try training.samples(epoch: epoch)
      let measurement = RunMeasurement(
        prepared: prepared, epoch: epoch, student: Student(student.network.folded),
        previous: Student(previous.network.folded), training: samples.labelled,
        trainingLoss: { trainer.loss(over: samples.packed) }, evaluationLoss: { trainer.loss(over: evaluation) },
        instructions: instructions)
      let taken = try measurement.take(measures)
      guard taken.allSatisfy({ $0.values.allSatisfy(\.isFinite) }) else { return false }
      measurements += taken
      return true
    }

    if checkpoint == nil, try !measure(previous: student) { outcome = .diverged(epoch: 0) }
    while outcome == .completed, epoch < plan.epochCount {
      let state = trainer.optimizerState
      trainer.useThreads(threadCount())
      let samples = try training.samples(epoch: epoch + 1).packed
      guard trainer.train(epoch: epoch + 1, on: samples, isCancelled: isCancelled) else {
        // Where the epoch began: an epoch is measured and stored as a whole.
        return .interrupted(try self.checkpoint(epoch: epoch, student: student, state, measurements, stopwatch))
      }
      epoch += 1
      didTakeSteps(plan.stepsPerEpoch)
      let previous = student
      let next = try self.student(of: trainer)
      guard next.network.isFinite else {
        outcome = .diverged(epoch: epoch)
        break
      }
      student = next
      if try !measure(previous: previous) {
        outcome = .diverged(epoch: epoch)
        student = previous
      } else if epoch < plan.epochCount, timer.isDue {
        timer.restart()
        try saveCheckpoint(
          try self.checkpoint(epoch: epoch, student: student, trainer.optimizerState, measurements, stopwatch))
      }
    }

    var data = encode(student, precision: trainingPrecision)
    if outcome == .completed {
      let (trained, state) = (student, trainer.optimizerState)
      func standing(_ stages: StageProgress) throws(ExperimentError) -> Checkpoint {
        try self.checkpoint(epoch: plan.epochCount, student: trained, state, measurements, stopwatch, stages: stages)
      }
      var stages = RunStages(
        run: run, prepared: prepared, labelled: try training.samples(epoch: plan.epochCount).labelled,
        instructions: instructions, isCancelled: isCancelled, progress: stageProgress, timer: timer,
        saveCheckpoint: { (progress) throws(ExperimentError) in try saveCheckpoint(try standing(progress)) })
      let paths = study.measures(at: run.setting.lastEpoch, of: run.setting.lastEpoch).intersection(Measure.paths)
      if run.setting.criticalPoint.method != .none || !paths.isEmpty, plan.epochCount > checkpoint?.epoch ?? 0 {
        try saveCheckpoint(try standing(stageProgress))
      }
      if let finishing = CriticalPointPlan(run.setting.criticalPoint) {
        epoch += 1
        if let finished = stageProgress.finishing.finished {
          student = finished
        } else {
          guard let finished = try stages.finish(student, along: finishing) else {
            return .interrupted(try standing(stages.progress))
          }
          measurements += try stages.measurements(
            of: finished, previous: student, measures: study.measures(at: epoch, of: epoch), epoch: epoch)
          student = finished.student
        }
        data = encode(student, precision: .float64)
        if try !confirms(data, prepared: prepared, trainer: try stages.trainer(of: student)) {
          outcome = .diverged(epoch: epoch)
        } else if stageProgress.finishing.finished == nil, !paths.isEmpty {
          try stages.didFinish(student)
        }
      } else if try !confirms(data, prepared: prepared, trainer: trainer) {
        outcome = .diverged(epoch: epoch)
      }
      if outcome == .completed, !paths.isEmpty {
        switch try stages.twin(Scalar.self) {
        case .trained(let twin):
          measurements += try stages.pathMeasurements(paths, from: student, to: twin, epoch: epoch)
        case .diverged: break
        case .interrupted: return .interrupted(try standing(stages.progress))
        }
      }
    }
    let record = RunRecord(
      run: run, outcome: outcome, studyHash: studyHash, version: understudyVersion,
      machine: machineKind(instructions: instructions), finishedAt: Date(), wallSeconds: stopwatch.wallSeconds,
      cpuSeconds: stopwatch.cpuSeconds, stepCount: min(epoch, plan.epochCount) * plan.stepsPerEpoch,
      measurements: measurements)
    return .finished(record, student: data)
  }

  /// What a checkpoint holds.
  private func state(of checkpoint: Checkpoint?, prepared: PreparedRun) throws(ExperimentError) -> TrainingState? {
    try checkpoint.map { (checkpoint) throws(ExperimentError) in
      try ExperimentError.reading { () throws(FileError) in
        try TrainingState(
          decoding: checkpoint.student, name: "checkpoint of run \(run.hash)", like: prepared.initialStudent.network)
      }
    }
  }

  private func student(of trainer: Trainer<some KernelScalar>) throws(ExperimentError) -> Student {
    try ExperimentError.catching { () throws(ShapeError) in try trainer.student }
  }

  private var trainingPrecision: NetworkFile.Precision {
    run.setting.training.precision == .float64 ? .float64 : .float32
  }

  private func encode(_ student: Student, precision: NetworkFile.Precision) -> Data {
    NetworkFile.encode(
      student.network, precision: precision,
      metadata: [
        "understudy.version": understudyVersion, "understudy.run": run.hash, "understudy.seed": "\(run.seed)",
        "understudy.negativeSlope": "\(student.network.activation.negativeSlope)",
      ])
  }

  private func checkpoint(
    epoch: Int, student: Student, _ optimizerState: OptimizerState?, _ measurements: [Measurement],
    _ stopwatch: Stopwatch, stages: StageProgress = StageProgress()
  ) throws(ExperimentError) -> Checkpoint {
    Checkpoint(
      runHash: run.hash, epoch: epoch,
      student: try ExperimentError.reading { () throws(FileError) in
        try TrainingState.encode(
          encode(student, precision: trainingPrecision), optimizerState: optimizerState, stages: stages,
          precision: trainingPrecision)
      },
      measurements: measurements,
      wallSeconds: stopwatch.wallSeconds, cpuSeconds: stopwatch.cpuSeconds)
  }

  /// Reads the weights back from the bytes that will be stored and recomputes the loss of the first evaluation samples by
  /// plain loops.
  ///
  /// Of squared errors, root mean square residuals are compared: a loss near rounding, 1e-30, has no digits of its own. The
  /// bound is 1000 rounding errors of the precision (sums of a few hundred terms, twice) in the size of what is added up,
  /// which a run that went wild has large and cancelling.
  ///
  /// - Returns: false if the loss overflows, though the weights are finite: the run has diverged.
  /// - Throws: ``ExperimentError/verification(run:stored:reported:)`` if the two do not agree.
  func confirms<Scalar: KernelScalar>(
    _ data: Data, prepared: PreparedRun, trainer: Trainer<Scalar>
  ) throws(ExperimentError) -> Bool {
    let inputs = prepared.evaluation.inputs.prefix(rows: 256)
    let targets = prepared.evaluation.targets.prefix(rows: 256)
    let network = try ExperimentError.reading { () throws(FileError) in
      try NetworkFile.decode(data, name: "run \(run.hash)", activation: prepared.initialStudent.network.activation)
    }
    let stored = PlainLoss(of: network.folded, inputs: inputs, targets: targets, loss: prepared.plan.loss)
    let reported = trainer.loss(over: PackedSamples(inputs: inputs, targets: targets))
    guard reported.isFinite, stored.value.isFinite else { return false }
    let tolerance = 1000 * Double(Scalar.ulpOfOne) * stored.magnitude
    let difference =
      switch prepared.plan.loss {
      case .squaredError: 2.0.squareRoot() * abs(stored.value.squareRoot() - reported.squareRoot())
      case .crossEntropy: abs(stored.value - reported)
      }
    guard difference <= tolerance else {
      throw .verification(run: run.hash, stored: stored.value, reported: reported)
    }
    return true
  }
}

/// The training set of the current epoch, packed for the trainer; built anew only when the epoch's set differs.
private struct TrainingSet<Scalar: KernelScalar> {
  struct Samples {
    var labelled: LabelledInputs
    var packed: PackedSamples<Scalar>
  }

  let prepared: PreparedRun
  private var current: (index: Int, samples: Samples)?

  init(prepared: PreparedRun) { self.prepared = prepared }

  mutating func samples(epoch: Int) throws(ExperimentError) -> Samples {
    let index = prepared.trainingSetIndex(epoch: epoch)
    if let current, current.index == index { return current.samples }
    let labelled = try prepared.trainingSet(index: index)
    let samples = Samples(
      labelled: labelled, packed: PackedSamples(inputs: labelled.inputs, targets: labelled.targets))
    current = (index, samples)
    return samples
  }
}
