import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyReconstruction
import UnderstudySchema
import UnderstudyTheory
import UnderstudyTraining

/// What a run does after its last epoch: the finishing stage, and a twin to which its student can be joined by a path.
///
/// Both are stored as they go: see ``progress``.
struct RunStages {
  let run: Run
  let prepared: PreparedRun
  /// The training set of the last epoch.
  let labelled: LabelledInputs
  let instructions: InstructionSet
  let isCancelled: () -> Bool
  /// How far they are. Stopped or killed, the stages go on from there to the bits that they would have come to.
  private(set) var progress: StageProgress
  /// Tells when the next checkpoint is due.
  var timer: CheckpointTimer
  let saveCheckpoint: (StageProgress) throws(ExperimentError) -> Void

  typealias Finished = (student: Student, report: CriticalPointReport)

  private var checkpointName: String { "checkpoint of run \(run.hash)" }

  private mutating func save() throws(ExperimentError) {
    try saveCheckpoint(progress)
    timer.restart()
  }

  /// The student after the finishing stage; nil if the run was asked to stop.
  mutating func finish(_ student: Student, along plan: CriticalPointPlan) throws(ExperimentError) -> Finished? {
    try finish(student, along: plan, from: progress.finishing.search) { $0.finishing.search = $1 }
  }

  /// - Parameters:
  ///   - stored: where the search stood.
  ///   - note: takes down where it stands.
  private mutating func finish(
    _ student: Student, along plan: CriticalPointPlan, from stored: CriticalPointProgress?,
    note: (inout StageProgress, CriticalPointProgress) -> Void
  ) throws(ExperimentError) -> Finished? {
    var search = try ExperimentError.catching(stored.map { _ in checkpointName }) { () throws(ShapeError) in
      try CriticalPointSearch(
        student, along: plan, on: labelled.inputs, targets: labelled.targets, key: run.randomKey,
        from: stored)
    }
    while !search.isOver {
      if isCancelled() {
        note(&progress, search.progress)
        return nil
      }
      search.step()
      guard timer.isDue else { continue }
      note(&progress, search.progress)
      try save()
    }
    return try ExperimentError.catching { () throws(ShapeError) in try search.result() }
  }

  /// What is recorded after the finishing stage.
  func measurements(
    of finished: Finished, previous: Student, measures: Set<Measure>, epoch: Int
  ) throws(ExperimentError) -> [Measurement] {
    let trainer = try trainer(of: finished.student)
    func loss(_ samples: LabelledInputs) -> Double {
      trainer.loss(over: PackedSamples(inputs: samples.inputs, targets: samples.targets))
    }
    let measurement = RunMeasurement(
      prepared: prepared, epoch: epoch, student: finished.student, previous: previous, training: labelled,
      trainingLoss: { loss(labelled) }, evaluationLoss: { loss(prepared.evaluation) }, instructions: instructions)
    var result = try measurement.take(measures)
    if measures.contains(.finishing) {
      let report = finished.report
      let record = CriticalPointRecord(
        iterationCount: report.iterationCount, restartCount: report.restartCount, reachedTarget: report.reachedTarget,
        loss: report.loss, largestGradient: report.largestGradient, smallestCurvature: report.smallestCurvature,
        largestCurvature: report.largestCurvature, boundarySampleCount: report.boundarySampleCount)
      result.append(
        Measurement(.finishing, epoch: epoch, shape: [CriticalPointRecord.valueCount], values: record.values))
    }
    return result
  }

  /// Stores that the finishing stage is over and measured.
  mutating func didFinish(_ student: Student) throws(ExperimentError) {
    progress.finishing = StudentFinishing(search: nil, finished: student)
    try save()
  }

  /// A trainer in double precision that holds a finished student: losses by the kernels.
  func trainer(of student: Student) throws(ExperimentError) -> Trainer<Double> {
    try ExperimentError.catching { () throws(ShapeError) in
      try Trainer(
        student: student, plan: prepared.plan, batches: prepared.batches, isResuming: true,
        instructions: instructions)
    }
  }

  enum Twin {
    case trained(Student)
    /// There is no path to weights that are not finite.
    case diverged
    /// Asked to stop.
    case interrupted
  }

  /// The twin of the run's student, trained and finished like it.
  mutating func twin<Scalar: KernelScalar>(_: Scalar.Type) throws(ExperimentError) -> Twin {
    if let finished = progress.twin?.finishing.finished { return .trained(finished) }
    let prepared = try PreparedRun(run, isReplica: true)
    let (plan, stored) = (prepared.plan, progress.twin)
    guard stored?.epoch ?? 0 <= plan.epochCount else {
      throw .input("\(checkpointName): its twin is at epoch \(stored?.epoch ?? 0) of \(plan.epochCount)")
    }
    let trainer = try ExperimentError.catching(stored.map { _ in checkpointName }) { () throws(ShapeError) in
      try Trainer<Scalar>(
        student: stored?.student ?? prepared.initialStudent, plan: plan, batches: prepared.batches,
        optimizerState: stored?.optimizerState, isResuming: stored != nil, instructions: instructions)
    }
    func trained() throws(ExperimentError) -> Student {
      try ExperimentError.catching { () throws(ShapeError) in try trainer.student }
    }
    var current = StageProgress.Twin(
      epoch: stored?.epoch ?? 0, student: try trained(), optimizerState: trainer.optimizerState,
      finishing: stored?.finishing ?? StudentFinishing())
    var packed: (index: Int, samples: PackedSamples<Scalar>)?
    while current.epoch < plan.epochCount {
      let index = prepared.trainingSetIndex(epoch: current.epoch + 1)
      if packed?.index != index {
        let set = try prepared.trainingSet(index: index)
        packed = (index, PackedSamples(inputs: set.inputs, targets: set.targets))
      }
      if let packed, !trainer.train(epoch: current.epoch + 1, on: packed.samples, isCancelled: isCancelled) {
        progress.twin = current
        return .interrupted
      }
      current = StageProgress.Twin(
        epoch: current.epoch + 1, student: try trained(), optimizerState: trainer.optimizerState)
      guard current.student.network.isFinite else { return .diverged }
      if timer.isDue {
        progress.twin = current
        try save()
      }
    }
    progress.twin = current
    var student = current.student
    if let finishing = CriticalPointPlan(run.setting.criticalPoint) {
      let finished = try finish(student, along: finishing, from: current.finishing.search) {
        $0.twin?.finishing.search = $1
      }
      guard let finished else { return .interrupted }
      student = finished.student
    }
    progress.twin?.finishing = StudentFinishing(search: nil, finished: student)
    try save()
    return .trained(student)
  }

  /// The losses along the paths between two students, over the training set.
  func pathMeasurements(
    _ measures: Set<Measure>, from student: Student, to twin: Student, epoch: Int
  ) throws(ExperimentError) -> [Measurement] {
    let paths = try ExperimentError.catching { () throws(ShapeError) in
      try SolutionPaths(
        from: student, to: twin, learning: prepared.teacher, over: labelled.inputs, targets: labelled.targets,
        pointCount: 200,
        canonical: (
          try compacted(student, over: labelled.inputs, targets: labelled.targets),
          try compacted(twin, over: labelled.inputs, targets: labelled.targets)
        ))
    }
    var result: [Measurement] = []
    for measure in Measure.allCases where measures.contains(measure) {
      func add(_ shape: [Int], _ values: [Double]) {
        result.append(Measurement(measure, epoch: epoch, shape: shape, values: values))
      }
      switch measure {
      case .straightPath: add([paths.straight.count], paths.straight)
      case .matchedPath: add([paths.matched.count], paths.matched)
      case .constructedPath:
        add([paths.constructed.count, paths.constructed.first?.count ?? 0], paths.constructed.flatMap { $0 })
      default: break
      }
    }
    return result
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

extension Measure {
  /// Losses along paths: they are computed once, at the end of a run, for they need a second student.
  static let paths: Set<Measure> = [.straightPath, .matchedPath, .constructedPath]

  /// What a linear network does not have.
  static let ofBoundaries: Set<Measure> = paths.union([
    .predictedAlignment, .witnessCounts, .verdicts, .kinkBalances, .mergedNodeCount, .mergedWeightError,
  ])
}
