import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema

extension StudyRunner {
  /// Builds the networks of a run over images, untrained, and looks for what it cannot have.
  ///
  /// - Throws: ``ExperimentError/input(_:)``.
  static func checkImages(_ run: Run, _ study: Study, sharing artifacts: Artifacts) throws(ExperimentError) {
    let setting = run.setting
    if let measure = study.record.flatMap(\.measures).first(where: { !ImageRecorder.measures.contains($0) }) {
      throw .input(
        "record: \(measure.rawValue) cannot be recorded over images; leave it out (Docs/Images.md lists what can)")
    }
    if setting.training.method == .gd {
      throw .input("training.method gd takes all images in every step, which is not built; train by sgd or adam")
    }
    if setting.training.method == .flow {
      throw .input("training.method flow is over Gaussian inputs, not images (inputs.images); train by sgd or adam")
    }
    let data = try artifacts.images(of: run)
    _ = try data.trainingImages(setting.inputs, key: 0)
    _ = try data.evaluationImages(setting.inputs)
    let size = data.training.size
    guard setting.inputs.cropPadding < min(size.rows, size.columns) else {
      throw .input("inputs.cropPadding is \(setting.inputs.cropPadding), but images are \(size); give less")
    }
    let (teacher, oracle, student) = try ImageNetworks.untrained(run, data)
    let trained = [
      ("teacher", setting.teacher.training, teacher), ("oracle", setting.oracle.training, oracle),
    ].filter {
      $0.1.epochs > 0 && ($0.0 == "oracle" ? setting.oracle.prunedShares != nil : setting.teacher.file == nil)
    }
    for (what, training, network) in trained {
      let key = "\(what).training.batchSize"
      guard training.batchSize <= setting.inputs.training.count else {
        throw .input(
          "\(key) is \(training.batchSize), more than inputs.training.count, \(setting.inputs.training.count); give smaller "
            + "batches or more images")
      }
      try ExperimentError.catching(what) { () throws(ShapeError) in
        try network.architecture.checkBatch(of: training.batchSize, key: key)
      }
    }
    try ExperimentError.catching("student") { () throws(ShapeError) in
      try student.architecture.checkBatch(of: setting.training.batchSize)
    }
    _ = try ExperimentError.catching(run.place) { () throws(ShapeError) in try ImageEvaluator(student) }
    _ = try RunSteps(run, sampleCount: setting.inputs.training.count, key: 0)
  }
}
