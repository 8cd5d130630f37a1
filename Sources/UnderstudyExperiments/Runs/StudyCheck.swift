import UnderstudyNetworks
import UnderstudySchema

extension StudyRunner {
  /// Estimates the memory of the largest runs, then builds the networks of the settings and reads the files they name, so that
  /// a mistake is found before anything runs.
  ///
  /// Of settings that differ in nothing that could be wrong (rates, scales, lengths of training) one is built. If that leaves
  /// more than `greatestCheckedCount`, those are built that hold every value of every key once: a mistake that takes two
  /// values together may then show only when its run is carried out, and is recorded as failed.
  ///
  /// - Throws: ``ExperimentError/input(_:)`` for what no run could be carried out with.
  public static func check(_ study: Study, options: Options = Options()) throws(ExperimentError) {
    try MemoryEstimate.check(study, threadCount: options.threadCount)
    if study.settings.contains(where: { $0.network.activation == .linear }),
      let measure = study.record.flatMap(\.measures).first(where: Measure.ofBoundaries.contains)
    {
      throw .input(
        "record: \(measure.rawValue) is about boundaries, and with network.activation linear there are none; "
          + "leave it out, or take relu or leakyRelu")
    }
    let ofEnd = Measure.paths.union([.criticalPoint])
    if study.settings.contains(where: \.zoom.isOn),
      let measure = study.record.flatMap(\.measures).first(where: ofEnd.contains)
    {
      throw .input(
        "record: \(measure.rawValue) comes after the last epoch, and zoom.to ends before; leave one of the two out")
    }
    try checkLabels(study)
    try checkGaussianInputs(study)
    let artifacts = Artifacts()
    var imageMemory = ImageMemoryEstimate(sharing: artifacts, threadCount: options.threadCount)
    for index in checkedSettings(study.settings) {
      let run = study.runs[index * study.seeds.count]
      let inputs = run.setting.inputs
      try checkSlopes(of: run.setting)
      if let file = run.setting.teacher.file, inputs.images == nil {
        let teacher = try artifacts.network(.teacher(of: run)) { () throws(ExperimentError) in
          try file.network(Activation(run.setting.network))
        }
        try MemoryEstimate.check(
          run.setting, learningFrom: teacher.architecture.widths, in: study, threadCount: options.threadCount)
      }
      if inputs.images != nil {
        try imageMemory.check(run, of: study)
        try checkImages(run, study, sharing: artifacts)
      } else if inputs.training.file != nil || inputs.evaluation.file != nil || run.setting.training.batches != nil
        || inputs.augmentation != .none || inputs.rank > 0 || run.setting.training.method == .flow
      {
        try checkNormalization(of: try PreparedRun(run, sharing: artifacts).initialStudent, run.setting, study)
      } else {
        try checkNormalization(
          of: try RunNetworks(run, studentKey: run.randomKey, sharing: artifacts).student, run.setting, study)
      }
    }
  }

  /// Refuses network files that say another activation than the study: they would be other functions.
  private static func checkSlopes(of setting: Setting) throws(ExperimentError) {
    let activation = Activation(setting.network)
    for file in [setting.teacher.file, setting.student.file].compactMap(\.self) {
      let data = try file.checkedContent()
      let slope = try ExperimentError.reading { () throws(FileError) in
        try NetworkFile.negativeSlope(of: data, name: file.path)
      }
      guard let slope, slope != activation.negativeSlope else { continue }
      let remedy =
        slope == 0
        ? "network.activation relu"
        : slope == 1
          ? "network.activation linear"
          : "network.activation leakyRelu and network.leakySlope \(slope)"
      throw .input(
        "\(file.path): the file says that its nodes have a slope of \(slope) on the negative side, and the study says "
          + "\(activation.negativeSlope); give \(remedy)")
    }
  }

  /// Refuses measures and losses that need labels where there are none.
  private static func checkLabels(_ study: Study) throws(ExperimentError) {
    guard let setting = study.settings.first(where: { $0.inputs.images == nil }) else { return }
    if let measure = study.record.flatMap(\.measures).first(where: Measure.ofLabels.contains) {
      throw .input(
        "record: \(measure.rawValue) needs labels; leave it out, or name data that have them (inputs.images)")
    }
    let losses: [TrainingSetting.Loss] = [.labels, .distillation]
    if losses.contains(setting.training.loss) {
      throw .input(
        "training.loss \(setting.training.loss.rawValue) needs labels; take squaredError or crossEntropy, or name data that have "
          + "them (inputs.images)")
    }
  }

  /// Refuses expectations over Gaussian inputs where evaluation inputs are others.
  private static func checkGaussianInputs(_ study: Study) throws(ExperimentError) {
    guard let measure = study.record.flatMap(\.measures).first(where: Measure.ofGaussianInputs.contains),
      let other = study.settings.first(where: { !$0.inputs.areGaussian })
    else { return }
    let key = other.inputs.evaluation.file != nil ? "inputs.evaluation.file" : "inputs.distribution"
    throw .input(
      "record: \(measure.rawValue) is an expectation over Gaussian inputs, and \(key) gives others; "
        + "leave one of the two out")
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

  /// Refuses what students with batch normalisation cannot have. Where a key gives it, the study's reader has refused most of
  /// this; of a file it is known only here.
  private static func checkNormalization(
    of student: Student, _ setting: Setting, _ study: Study
  ) throws(ExperimentError) {
    guard !student.network.isPlain else { return }
    let name = setting.student.file?.path ?? "student.normalization \(setting.student.normalization.rawValue)"
    func refuse(_ what: String, _ remedy: String) throws(ExperimentError) {
      throw .input("\(what) is for students without batch normalisation, which \(name) gives; \(remedy)")
    }
    if let measure = study.record.flatMap(\.measures).first(where: Measure.paths.contains) {
      // The weights of such a student are not those of the function.
      try refuse("record: \(measure.rawValue)", "leave it out, or take a student without")
    }
    if setting.criticalPoint.method != .none {
      try refuse(
        "criticalPoint.method \(setting.criticalPoint.method.rawValue)", "leave it out, or take a student without")
    }
    if [.gd, .flow].contains(setting.training.method) {
      try refuse("training.method \(setting.training.method.rawValue)", "train by sgd or adam")
    }
    if [.sgd, .adam].contains(setting.training.method), setting.training.batchSize == 1 {
      try refuse("training.batchSize 1", "give batches of 2 samples or more")
    }
  }
}

extension Setting {
  /// The setting with the defaults of all keys that fit every network, whatever their value.
  fileprivate var withoutWhatIsNeverWrong: Setting {
    var setting = self
    let defaults = Setting()
    // Files may say it, too.
    if teacher.file == nil, student.file == nil { setting.network.leakySlope = defaults.network.leakySlope }
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
    setting.inputs.augmentationCopies = defaults.inputs.augmentationCopies
    setting.criticalPoint = defaults.criticalPoint
    if training.batches == nil { setting.zoom = defaults.zoom }
    // Batches from a file must be as many and as large as the training asks for.
    let (batches, epochs, method) = (training.batches, training.epochs, training.method)
    setting.training = defaults.training
    if method == .flow { setting.training.method = method }
    if student.file != nil { setting.criticalPoint.method = criticalPoint.method }
    if student.file != nil || inputs.images != nil {
      // There may be batch normalisation, over images with few positions.
      setting.training.method = training.method
      setting.training.batchSize = min(training.batchSize, 2)
    }
    guard let batches else { return setting }
    setting.training.batches = batches
    setting.training.epochs = epochs
    setting.training.batchSize = training.batchSize
    setting.training.stepsPerEpoch = training.stepsPerEpoch
    return setting
  }
}
