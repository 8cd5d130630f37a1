import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudyTheory
import UnderstudyTraining

/// What a run does after its last epoch: the finishing stage, and a twin to which its student can be joined by a path.
struct RunStages {
  let run: Run
  let material: RunMaterial
  /// The training set of the last epoch.
  let labelled: LabelledInputs
  let instructions: InstructionSet
  let isCancelled: () -> Bool

  typealias Finished = (student: Student, report: FinishingReport)

  /// The student after the finishing stage; nil if the run was asked to stop.
  func finish(_ student: Student, along plan: FinishingPlan) throws(ExperimentError) -> Finished? {
    let finished = try ExperimentError.catching { () throws(ShapeError) in
      try UnderstudyTraining.finish(
        student, along: plan, on: labelled.inputs, targets: labelled.targets, key: run.randomKey,
        isCancelled: isCancelled)
    }
    return finished.report.wasCancelled ? nil : finished
  }

  /// What is recorded after the finishing stage.
  func measurements(
    of finished: Finished, previous: Student, measures: Set<Measure>, epoch: Int
  ) throws(ExperimentError) -> [Measurement] {
    let trainer = try trainer(of: finished.student)
    func loss(_ samples: LabelledInputs) -> Double { trainer.loss(inputs: samples.inputs, targets: samples.targets) }
    let measurement = RunMeasurement(
      material: material, epoch: epoch, student: finished.student, previous: previous, training: labelled,
      trainingLoss: { loss(labelled) }, evaluationLoss: { loss(material.evaluation) }, instructions: instructions)
    var result = try measurement.take(measures)
    if measures.contains(.finishing) {
      let report = finished.report
      let values = [
        Double(report.iterationCount), Double(report.restartCount), report.reachedTarget ? 1 : 0, report.loss,
        report.largestGradient, report.smallestCurvature, report.largestCurvature, Double(report.boundarySampleCount),
      ]
      result.append(Measurement(.finishing, epoch: epoch, shape: [values.count], values: values))
    }
    return result
  }

  /// A trainer in double precision that holds a finished student: losses by the kernels.
  func trainer(of student: Student) throws(ExperimentError) -> any StudentTrainer<Double> {
    try ExperimentError.catching { () throws(ShapeError) in
      try makeTrainer(
        Double.self, student: student, plan: material.plan, batches: material.batches, isResuming: true,
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
  func twin<Scalar: KernelScalar>(_: Scalar.Type) throws(ExperimentError) -> Twin {
    let material = try RunMaterial(run, isTwin: true)
    let trainer = try ExperimentError.catching { () throws(ShapeError) in
      try makeTrainer(
        Scalar.self, student: material.initialStudent, plan: material.plan, batches: material.batches,
        instructions: instructions)
    }
    var packed: (index: Int, samples: PackedSamples<Scalar>)?
    for epoch in 1...material.plan.epochCount {
      let index = material.trainingSetIndex(epoch: epoch)
      if packed?.index != index {
        let set = try material.trainingSet(index: index)
        packed = (index, trainer.samples(inputs: set.inputs, targets: set.targets))
      }
      if let packed, !trainer.train(epoch: epoch, on: packed.samples, isCancelled: isCancelled) { return .interrupted }
    }
    let student = try ExperimentError.catching { () throws(ShapeError) in try trainer.student }
    guard student.network.isFinite else { return .diverged }
    guard let finishing = FinishingPlan(run.setting.finishing) else { return .trained(student) }
    return try finish(student, along: finishing).map { .trained($0.student) } ?? .interrupted
  }

  /// The losses along the paths between two students, over the training set.
  func pathMeasurements(
    _ measures: Set<Measure>, from student: Student, to twin: Student, epoch: Int
  ) throws(ExperimentError) -> [Measurement] {
    let paths = try ExperimentError.catching { () throws(ShapeError) in
      try SolutionPaths(
        from: student, to: twin, learning: material.teacher, over: labelled.inputs, targets: labelled.targets,
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

extension Measure {
  /// Losses along paths: they are computed once, at the end of a run, for they need a second student.
  static let paths: Set<Measure> = [.straightPath, .matchedPath, .constructedPath]

  /// What a linear network does not have.
  static let ofBoundaries: Set<Measure> = paths.union([
    .predictedAlignment, .witnessCounts, .verdicts, .kinkBalances, .mergedNodeCount, .mergedWeightError,
  ])
}
