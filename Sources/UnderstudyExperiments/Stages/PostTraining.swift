import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyReconstruction
import UnderstudySchema
import UnderstudyTheory
import UnderstudyTraining

// What a run does after its last epoch: a search for a critical point, and a replica to which its student can be joined by a
// path.
extension ActiveRun {
  private var setting: Setting { execution.run.setting }
  private var searchPlan: CriticalPointPlan? { CriticalPointPlan(setting.criticalPoint) }

  /// What is recorded along paths between the student and a replica.
  private var pathMeasures: Set<Measure> {
    // A zoom ends before the replica's turn.
    setting.zoom.isOn
      ? [] : execution.study.measures(at: setting.lastEpoch, of: setting.lastEpoch).intersection(Measure.paths)
  }

  /// Whether something follows the epochs.
  var hasMore: Bool { searchPlan != nil || !pathMeasures.isEmpty }

  /// The training set of the last epoch.
  private mutating func lastSamples() throws(ExperimentError) -> Dataset {
    try training.dataset(epoch: prepared.plan.epochCount)
  }

  /// Goes on to a critical point, if the setting asks for it, and measures the student there.
  ///
  /// - Returns: false if the run was asked to stop.
  mutating func searchCriticalPoint() throws(ExperimentError) -> Bool {
    guard outcome == .completed else { return true }
    guard let plan = searchPlan else {
      try confirmTrained()
      return true
    }
    if let found = progress.search.found {
      try accept(found, trainer: try trainer(of: found))
      return true
    }
    guard let found = try search(from: training.student, along: plan, \.search) else { return false }
    measurements += try measurements(of: found)
    try accept(found.student, trainer: try trainer(of: found.student))
    if outcome == .completed, !pathMeasures.isEmpty {
      progress.search = SearchProgress(current: nil, found: found.student)
      try store()
    }
    return true
  }

  /// - Parameter place: where the progress is noted.
  /// - Returns: nil if the run was asked to stop.
  private mutating func search(
    from student: Student, along plan: CriticalPointPlan, _ place: WritableKeyPath<PostTrainingProgress, SearchProgress>
  ) throws(ExperimentError) -> (student: Student, report: CriticalPointReport)? {
    let (samples, stored) = (try lastSamples(), progress[keyPath: place].current)
    var search = try ExperimentError.catching(stored.map { _ in execution.checkpointName }) {
      () throws(ShapeError) in
      try CriticalPointSearch(
        student, along: plan, on: samples.inputs, targets: samples.targets, key: execution.run.randomKey, from: stored)
    }
    let isOver = try execution.carryOut(&search, timer) { (search) throws(ExperimentError) in
      progress[keyPath: place].current = search.progress
      try store()
    }
    guard isOver else {
      progress[keyPath: place].current = search.progress
      return nil
    }
    return try ExperimentError.catching { () throws(ShapeError) in try search.result() }
  }

  /// A trainer in double precision that holds a student from a search: losses by the kernels.
  private func trainer(of student: Student) throws(ExperimentError) -> Trainer<Double> {
    try ExperimentError.catching { () throws(ShapeError) in
      try Trainer(
        student: student, plan: prepared.plan, batches: prepared.batches, isResuming: true,
        instructions: execution.instructions)
    }
  }

  /// What is recorded at the critical point.
  private mutating func measurements(
    of found: (student: Student, report: CriticalPointReport)
  ) throws(ExperimentError) -> [MeasuredValue] {
    let (epoch, samples, evaluation) = (setting.lastEpoch, try lastSamples(), prepared.evaluation)
    let (measures, trainer) = (execution.study.measures(at: epoch, of: epoch), try trainer(of: found.student))
    let measurement = EpochRecorder(
      prepared: prepared, time: epoch, epoch: epoch, student: found.student, previous: training.student,
      training: samples,
      trainingLoss: { trainer.loss(over: samples.packed()) },
      evaluationLoss: { trainer.loss(over: evaluation.packed()) },
      instructions: execution.instructions)
    var result = try measurement.take(measures)
    if measures.contains(.criticalPoint) {
      let values = CriticalPointRecord(found.report).values
      result.append(MeasuredValue(.criticalPoint, epoch: epoch, shape: [values.count], values: values))
    }
    return result
  }

  /// Trains a replica of the student, searches for its critical point likewise, and measures the paths between the two, if the
  /// study records them.
  ///
  /// - Returns: false if the run was asked to stop.
  mutating func joinReplica() throws(ExperimentError) -> Bool {
    guard outcome == .completed, !pathMeasures.isEmpty else { return true }
    guard try trainReplica() else { return false }
    // There is no path to weights that are not finite.
    guard let replica = progress.replica?.search.found else { return true }
    let samples = try lastSamples()
    measurements += try pathMeasurements(from: student, to: replica, over: samples)
    return true
  }

  /// Nothing is found of a replica that diverges.
  ///
  /// - Returns: false if the run was asked to stop.
  private mutating func trainReplica() throws(ExperimentError) -> Bool {
    let (stored, epochCount) = (progress.replica, prepared.plan.epochCount)
    if stored?.search.found != nil { return true }
    guard stored?.training.epoch ?? 0 <= epochCount else {
      throw .input(
        "\(execution.checkpointName): its replica is at epoch \(stored?.training.epoch ?? 0) of \(epochCount)")
    }
    var replica = try StudentTraining<Scalar>(
      try PreparedRun(execution.run, isReplica: true, sharing: execution.artifacts), of: execution,
      from: stored?.training)
    let isOver = try execution.carryOut(&replica, timer) { (replica) throws(ExperimentError) in
      progress.replica = Replica(training: try replica.standing)
      try store()
    }
    progress.replica = Replica(training: try replica.standing, search: stored?.search ?? SearchProgress())
    guard isOver else { return false }
    if replica.hasDiverged { return true }
    var found = replica.student
    if let plan = searchPlan {
      guard let searched = try search(from: found, along: plan, \.replicaSearch) else { return false }
      found = searched.student
    }
    progress.replica?.search = SearchProgress(current: nil, found: found)
    try store()
    return true
  }

  /// The losses along the paths between two students, over the training set.
  private func pathMeasurements(
    from student: Student, to replica: Student, over samples: Dataset
  ) throws(ExperimentError) -> [MeasuredValue] {
    let paths = try ExperimentError.catching { () throws(ShapeError) in
      try SolutionPaths(
        retrainingFrom: Student(student.network.folded), to: Student(replica.network.folded),
        learning: prepared.teacher, over: samples.inputs, targets: samples.targets, pointCount: 200)
    }
    return Measure.allCases.filter(pathMeasures.contains).map { measure in
      let losses =
        switch measure {
        case .straightPath: (shape: [paths.straight.count], values: paths.straight)
        case .matchedPath: (shape: [paths.matched.count], values: paths.matched)
        default:
          (
            shape: [paths.constructed.count, paths.constructed.first?.count ?? 0],
            values: paths.constructed.flatMap { $0 }
          )
        }
      return MeasuredValue(measure, epoch: setting.lastEpoch, shape: losses.shape, values: losses.values)
    }
  }
}

extension CriticalPointSearch: Stage {
  /// A step has no place to pause at.
  mutating func advance(isCancelled: () -> Bool, isPauseDue: () -> Bool) { step() }
}

extension CriticalPointRecord {
  fileprivate init(_ report: CriticalPointReport) {
    self.init(
      iterationCount: report.iterationCount, restartCount: report.restartCount, reachedTarget: report.reachedTarget,
      loss: report.loss, largestGradient: report.largestGradient, smallestCurvature: report.smallestCurvature,
      largestCurvature: report.largestCurvature, boundarySampleCount: report.boundarySampleCount)
  }
}
