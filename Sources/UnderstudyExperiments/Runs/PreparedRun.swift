import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema
import UnderstudyTheory
import UnderstudyTraining

/// Everything that a run works on, drawn from its random streams or read from the files that its setting names.
struct PreparedRun {
  let run: Run
  let teacher: Teacher
  let initialStudent: Student
  let plan: TrainingPlan
  let batches: BatchOrder
  let evaluation: Dataset
  private let augmentation: Augmentation?
  /// Samples that a training set is drawn with, before its augmentation.
  private let drawnCount: Int
  private let trainingFile: Matrix?
  private let artifacts: Artifacts

  /// - Parameters:
  ///   - isReplica: the replica of the run's student: another student, drawn and trained apart from it, of the
  ///     same teacher and data.
  ///   - artifacts: what other runs have made.
  /// - Throws: ``ExperimentError`` for files that cannot be read and shapes that do not fit each other.
  init(_ run: Run, isReplica: Bool = false, sharing artifacts: Artifacts = Artifacts()) throws(ExperimentError) {
    let setting = run.setting
    guard setting.inputs.images == nil else {
      throw .input(
        "this run's student learns from images (inputs.images), and this is built for drawn or given inputs; its measures are "
          + "recorded by the study itself (Docs/Images.md)")
    }
    (self.run, self.artifacts) = (run, artifacts)
    let studentKey = isReplica ? run.replicaKey : run.randomKey
    let networks = try RunNetworks(run, studentKey: studentKey, sharing: artifacts)
    teacher = networks.teacher
    initialStudent = networks.student
    let teacher = networks.teacher
    let (trainingFile, evaluationFile) = (setting.inputs.training.file, setting.inputs.evaluation.file)
    self.trainingFile = try trainingFile.map { (file) throws(ExperimentError) in
      try artifacts.inputs(.inputs("training", from: file, of: run)) { () throws(ExperimentError) in
        try Self.inputs(from: file, for: teacher)
      }
    }
    guard setting.inputs.rank <= teacher.network.inputCount else {
      throw .input(
        "inputs.rank is \(setting.inputs.rank), but inputs have \(teacher.network.inputCount) features; give at most that"
      )
    }
    augmentation = Augmentation(setting.inputs)
    // As many as give at least `count` samples with their copies; of the last one, copies beyond the count are left out.
    let factor = augmentation?.factor(for: teacher) ?? 1
    guard factor > 0 else {
      throw .input(
        "no node of the teacher's lowest layer has weights that a sample could be moved along, and inputs.augmentationCopies "
          + "\(setting.inputs.augmentationCopies.rawValue) leaves the samples themselves out; take bothWays")
    }
    drawnCount = (setting.inputs.training.count + factor - 1) / factor
    let sampleCount = self.trainingFile?.rowCount ?? setting.inputs.training.count
    let steps = try RunSteps(run, networks, sampleCount: sampleCount, key: studentKey)
    (plan, batches) = (steps.plan, steps.batches)
    evaluation = try artifacts.dataset(.evaluation(of: run)) { () throws(ExperimentError) in
      let inputs =
        try evaluationFile.map { (file) throws(ExperimentError) in try Self.inputs(from: file, for: teacher) }
        ?? InputDesign(plain: setting.inputs, count: setting.inputs.evaluation.count)
        .draw(for: teacher, key: run.randomKey, purpose: .evaluationInputs)
      return Dataset(inputs: inputs, targets: try Self.outputs(of: teacher, for: inputs))
    }
  }

  /// The number of the training set that an epoch uses: all use number 0 unless each epoch draws its own.
  /// Epoch 0, before the first step, is measured on the set of epoch 1, what comes after the last epoch on the last set.
  func trainingSetIndex(epoch: Int) -> Int {
    run.setting.inputs.regenerateEachEpoch ? max(0, min(epoch, plan.epochCount) - 1) : 0
  }

  /// The number of the set that the run ends with.
  var lastTrainingSetIndex: Int {
    let zoom = run.setting.zoom
    return trainingSetIndex(
      epoch: zoom.isOn ? (zoom.to + plan.stepsPerEpoch - 1) / max(1, plan.stepsPerEpoch) : run.setting.lastEpoch)
  }

  /// The half width of the bands around boundaries that the run is measured with: the standard share of the deviation that
  /// its inputs are drawn with, which their own comes near, or of the spread of inputs from a file.
  var bandWidth: BandWidth {
    trainingFile == nil
      ? .length(BandWidth.standard.length(spread: run.setting.inputs.standardDeviation)) : .standard
  }

  /// The samples D that a training set is made of, before any augmentation.
  func drawnInputs(index: Int) -> Matrix {
    if let trainingFile { return trainingFile }
    return artifacts.inputs(.inputs("training \(index)", from: nil, of: run)) {
      InputDesign(training: run.setting.inputs, count: drawnCount)
        .draw(for: teacher, key: run.randomKey, purpose: .trainingInputs, index: index)
    }
  }

  /// A training set, D or the augmented D', with the teacher's outputs, and noise on them where the setting asks for it.
  func trainingSet(index: Int) throws(ExperimentError) -> Dataset {
    try artifacts.dataset(.trainingSet(index, of: run)) { () throws(ExperimentError) in
      let drawn = drawnInputs(index: index)
      let augmented = augmentation?.apply(to: drawn, for: teacher).prefix(rows: run.setting.inputs.training.count)
      let inputs = augmented ?? drawn
      var targets = try Self.outputs(of: teacher, for: inputs)
      addOutputNoise(
        to: &targets, standardDeviation: run.setting.training.outputNoise, key: run.randomKey, index: index)
      return Dataset(inputs: inputs, targets: targets)
    }
  }

  private static func outputs(of teacher: Teacher, for inputs: Matrix) throws(ExperimentError) -> Matrix {
    try ExperimentError.catching { () throws(ShapeError) in try teacher.network.outputs(for: inputs) }
  }

  private static func inputs(from file: SourceFile, for teacher: Teacher) throws(ExperimentError) -> Matrix {
    let matrix = try file.matrix()
    try ExperimentError.catching(file.path) { () throws(ShapeError) in try teacher.network.checkWidth(of: matrix) }
    guard matrix.rowCount > 0 else { throw .input("\(file.path): no samples; give at least one row") }
    return matrix
  }
}

extension CriticalPointPlan {
  /// nil without a critical-point search.
  init?(_ setting: CriticalPointSetting) {
    guard setting.method == .levenbergMarquardt else { return nil }
    self.init(
      iterationLimit: setting.iterations, gradientTarget: setting.gradientTarget, restartLimit: setting.restarts)
  }
}
