import UnderstudyNetworks
import UnderstudyRecords

extension StudyRunner {
  /// Estimates the memory of the largest runs, then builds the networks of the settings and reads the files they name, so that
  /// a mistake is found before anything runs.
  ///
  /// Of settings that differ in nothing that could be wrong (rates, scales, lengths of training) one is built. If that leaves
  /// more than ``greatestCheckedCount``, those are built that hold every value of every key once: a mistake that takes two
  /// values together may then show only when its run is carried out, and is recorded as failed.
  public static func check(_ study: Study, options: Options = Options()) throws(ExperimentError) {
    try MemoryEstimate.check(study, threadCount: options.threadCount)
    if study.settings.contains(where: { $0.network.activation == .linear }),
      let measure = study.record.flatMap(\.measures).first(where: Measure.ofBoundaries.contains)
    {
      throw .input(
        "record: \(measure.rawValue) is about boundaries, and with network.activation linear there are none; "
          + "leave it out, or take relu or leakyRelu")
    }
    for index in checkedSettings(study.settings) {
      let run = study.runs[index * study.seeds.count]
      let inputs = run.setting.inputs
      if inputs.training.file != nil || inputs.evaluation.file != nil || run.setting.training.batches != nil
        || inputs.augmentation != .none || inputs.rank > 0
      {
        try checkPaths(of: study, try RunMaterial(run).initialStudent)
      } else {
        try checkPaths(of: study, try RunNetworks(run, studentKey: run.randomKey).student)
      }
    }
  }

  static let greatestCheckedCount = 256

  /// Places of the settings that are built by ``check(_:options:)``.
  ///
  /// - Complexity: O(settings x keys).
  static func checkedSettings(_ settings: [Setting]) -> [Int] {
    var known: Set<Setting> = []
    let different = settings.indices.filter { known.insert(settings[$0].withoutWhatIsNeverWrong).inserted }
    guard different.count > greatestCheckedCount else { return different }
    var values: [String: Set<KeyValue?>] = [:]
    return different.filter { index in
      let setting = settings[index].withoutWhatIsNeverWrong
      return StudyKey.all.reduce(false) { isNew, key in
        values[key.path, default: []].insert(setting.value(of: key.path)).inserted || isNew
      }
    }
  }

  /// Refuses paths of students with batch normalisation, whose weights are not those of the function.
  private static func checkPaths(of study: Study, _ student: Student) throws(ExperimentError) {
    guard !student.network.isPlain, let measure = study.record.flatMap(\.measures).first(where: Measure.paths.contains)
    else { return }
    throw .input(
      "record: \(measure.rawValue) is for students without batch normalisation; leave it out, or give "
        + "student.normalization none")
  }
}

extension Setting {
  /// The setting with the defaults of all keys that fit every network, whatever their value.
  fileprivate var withoutWhatIsNeverWrong: Setting {
    var setting = self
    let defaults = Setting()
    setting.network.leakySlope = defaults.network.leakySlope
    setting.teacher.scale = defaults.teacher.scale
    setting.teacher.bias = defaults.teacher.bias
    setting.teacher.strengthDecay = defaults.teacher.strengthDecay
    setting.student.scale = defaults.student.scale
    setting.student.weightFactor = defaults.student.weightFactor
    setting.student.perturbation = defaults.student.perturbation
    setting.inputs.standardDeviation = defaults.inputs.standardDeviation
    setting.inputs.boundaryOffsetMinimum = defaults.inputs.boundaryOffsetMinimum
    setting.inputs.boundaryOffsetMaximum = defaults.inputs.boundaryOffsetMaximum
    setting.inputs.augmentationStep = defaults.inputs.augmentationStep
    setting.finishing = defaults.finishing
    // Batches from a file must be as many and as large as the training asks for.
    let (batches, epochs) = (training.batches, training.epochs)
    setting.training = defaults.training
    guard let batches else { return setting }
    setting.training.batches = batches
    setting.training.epochs = epochs
    setting.training.batchSize = training.batchSize
    setting.training.stepsPerEpoch = training.stepsPerEpoch
    return setting
  }
}
