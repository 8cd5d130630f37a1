import UnderstudySchema

/// All that a network or a data set follows from: equal recipes make equal values, in whatever run.
struct Recipe: Sendable {
  private let text: String

  private init(_ what: String, _ run: Run, of groups: [String] = [], isDrawn: Bool, from recipes: [Recipe] = []) {
    text =
      ([what, run.setting.canonicalText(of: groups)] + (isDrawn ? ["key \(run.randomKey)"] : []) + recipes.map(\.text))
      .joined(separator: "\n")
  }

  private init(text: String, from recipes: [Recipe] = []) {
    self.text = ([text] + recipes.map(\.text)).joined(separator: "\n")
  }

  /// The name of what is made by it.
  var hash: String { contentHash(text) }

  /// The run's teacher. Medians and statistics are those of inputs like the training inputs.
  static func teacher(of run: Run) -> Recipe {
    let teacher = run.setting.teacher
    let isCalibrated = teacher.medianBiases || teacher.normalizedOutput || teacher.normalization != .none
    let groups = ["network", "teacher"] + (isCalibrated ? ["inputs"] : [])
    return Recipe("teacher", run, of: groups, isDrawn: teacher.file == nil)
  }

  /// The two parts of a set of images.
  static func images(of run: Run) -> Recipe {
    Recipe(text: "images \(run.setting.inputs.images?.digest ?? "")")
  }

  /// A teacher over images, trained on their labels.
  static func imageTeacher(of run: Run) -> Recipe {
    let (setting, inputs) = (run.setting, run.setting.inputs)
    let data =
      "\(inputs.training.count) images, crop \(inputs.cropPadding), flips \(inputs.flips)"
      + (inputs.channelNormalization.map { ", normalised \($0)" } ?? "")
    return Recipe(
      text: "image teacher\n\(setting.canonicalText(of: ["network", "teacher"]))\nseed \(run.teacherSeed)\n\(data)",
      from: [.images(of: run)])
  }

  /// What pruning leaves of it, trained on.
  static func oracle(of run: Run) -> Recipe {
    Recipe(text: "oracle\n\(run.setting.canonicalText(of: ["oracle"]))", from: [.imageTeacher(of: run)])
  }

  /// The samples of a data set, before any augmentation.
  ///
  /// - Parameters:
  ///   - what: which data set, with its number.
  ///   - file: where the samples come from, if they are not drawn.
  static func inputs(_ what: String, from file: SourceFile?, of run: Run) -> Recipe {
    guard file == nil else { return Recipe("inputs \(what)", run, of: ["inputs"], isDrawn: false) }
    let (inputs, teacher) = (run.setting.inputs, run.setting.teacher)
    // Some lie beside the teacher's boundaries, the number of copies may be that of its nodes, and a file has its own width.
    let needsTeacher = inputs.distribution == .teacherBoundaries || inputs.augmentation != .none || teacher.file != nil
    return Recipe(
      "inputs \(what)", run, of: ["network", "inputs"], isDrawn: true, from: needsTeacher ? [.teacher(of: run)] : [])
  }

  /// The samples with the teacher's outputs, and noise on these, that a run trains on.
  static func trainingSet(_ index: Int, of run: Run) -> Recipe {
    let noise = run.setting.training.outputNoise
    return Recipe(
      "training set \(index), noise \(noise)", run, isDrawn: noise > 0,
      from: [.teacher(of: run), .inputs("training \(index)", from: run.setting.inputs.training.file, of: run)])
  }

  /// The samples with the teacher's outputs that a run is evaluated on.
  static func evaluation(of run: Run) -> Recipe {
    Recipe(
      "evaluation", run, isDrawn: false,
      from: [.teacher(of: run), .inputs("evaluation", from: run.setting.inputs.evaluation.file, of: run)])
  }
}

extension Run {
  /// How errors call what its setting makes.
  var place: String { "setting \(settingIndex)" }

  /// The seed of a teacher over images, and of its oracle.
  var teacherSeed: Int { setting.teacher.seed == 0 ? seed : setting.teacher.seed }
}
