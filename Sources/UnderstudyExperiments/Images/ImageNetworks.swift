import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyReconstruction
import UnderstudySchema
import UnderstudyTraining

/// The networks of a run over images, before the student learns: the teacher, trained on labels; the oracle, which pruning has
/// left of it; and the student.
struct ImageNetworks {
  let teacher: TrainedNetwork
  /// What the student learns from: the teacher itself, if nothing is pruned.
  let oracle: TrainedNetwork
  let student: Network

  /// - Throws: ``ExperimentError`` of settings that make no network, and as ``LabelTraining/trained(from:)``.
  init(_ execution: RunExecution, _ data: ImageData) throws(ExperimentError) {
    let (run, setting) = (execution.run, execution.run.setting)
    let algorithm = ConvolutionAlgorithm(setting.training.convolution)
    let evaluation = try data.evaluationImages(setting.inputs)
    func training(_ what: String, _ setting: LabelTrainingSetting, _ recipe: Recipe) throws(ExperimentError)
      -> LabelTraining
    {
      let key = RandomNumbers.key(of: "\(what) training", seed: run.teacherSeed)
      return LabelTraining(
        what: what, setting: setting, recipe: recipe,
        images: try data.trainingImages(run.setting.inputs, key: key), evaluation: evaluation, key: key,
        algorithm: algorithm, execution: execution)
    }
    let teacher = try execution.artifacts.trained(.imageTeacher(of: run)) { () throws(ExperimentError) in
      var teaching = setting.teacher.training
      if setting.teacher.file != nil { teaching.epochs = 0 }
      return try training("teacher", teaching, .imageTeacher(of: run)).trained { () throws(ExperimentError) in
        try Self.untrainedTeacher(run, data)
      }
    }
    let shares = setting.oracle.prunedShares
    let oracle =
      try shares.map { (shares) throws(ExperimentError) in
        try execution.artifacts.trained(.oracle(of: run)) { () throws(ExperimentError) in
          try training("oracle", setting.oracle.training, .oracle(of: run)).trained { () throws(ExperimentError) in
            try Self.pruned(teacher.network, shares, of: run)
          }
        }
      } ?? teacher
    student = try Self.untrainedStudent(run, of: oracle.network)
    (self.teacher, self.oracle) = (teacher, oracle)
  }

  /// The networks without any training: teacher and student as they are drawn or read.
  ///
  /// - Throws: ``ExperimentError/input(_:)`` of settings that make no network.
  static func untrained(
    _ run: Run, _ data: ImageData
  ) throws(ExperimentError) -> (teacher: Network, oracle: Network, student: Network) {
    let teacher = try untrainedTeacher(run, data)
    let shares = run.setting.oracle.prunedShares
    let oracle = try shares.map { (shares) throws(ExperimentError) in try pruned(teacher, shares, of: run) } ?? teacher
    return (teacher, oracle, try untrainedStudent(run, of: oracle))
  }

  private static func pruned(
    _ teacher: Network, _ shares: LayerShares, of run: Run
  ) throws(ExperimentError) -> Network {
    try ExperimentError.catching(run.place) { () throws(ShapeError) in try teacher.pruned(shares.shares) }
  }

  /// The student as it is drawn or read.
  static func untrainedStudent(_ run: Run, of oracle: Network) throws(ExperimentError) -> Network {
    let (setting, teacher) = (run.setting, Teacher(oracle))
    guard let file = setting.student.file else {
      return try ExperimentError.catching(run.place) { () throws(ShapeError) in
        try StudentDesign(setting.student, of: oracle).draw(for: teacher, key: run.randomKey).network
      }
    }
    let student = Student(try file.network(Activation(setting.network)))
    try ExperimentError.catching(file.path) { () throws(ShapeError) in try student.checkFits(teacher) }
    return student.network
  }

  /// The teacher as it is drawn or read.
  static func untrainedTeacher(_ run: Run, _ data: ImageData) throws(ExperimentError) -> Network {
    let setting = run.setting
    if let file = setting.teacher.file {
      let network = try file.network(Activation(setting.network))
      try data.check(network, name: file.path)
      guard network.outputCount == data.training.classCount else {
        throw .input(
          "\(file.path): has \(network.outputCount) outputs, and inputs.images \(data.training.classCount) classes")
      }
      return network
    }
    let architecture = try teacherArchitecture(run, data)
    return try ExperimentError.catching(run.place) { () throws(ShapeError) in
      try StudentDesign(hiddenCounts: architecture.hiddenCounts, scale: 1, initialization: .uniform)
        .draw(architecture, key: RandomNumbers.key(of: "teacher", seed: run.teacherSeed))
    }
  }

  /// What a teacher that is drawn is made of.
  static func teacherArchitecture(_ run: Run, _ data: ImageData) throws(ExperimentError) -> Architecture {
    let setting = run.setting
    guard let layers = setting.teacher.layers else {
      throw .input(
        "inputs.images needs teacher.layers or teacher.file; give e.g. teacher.layers \"conv 32, conv 32 max 2, dense 64\""
      )
    }
    return try ExperimentError.catching(run.place) { () throws(ShapeError) in
      try Architecture(
        input: data.training.size, hidden: layers, outputCount: data.training.classCount,
        activation: Activation(setting.network), hasBiases: setting.network.biases,
        normalization: BatchNormalization.Placement(setting.teacher.normalization)
          .map { .init(placement: $0, hasLearntScale: true) })
    }
  }
}

extension ConvolutionAlgorithm {
  init(_ setting: ConvolutionSetting) { self = setting == .direct ? .direct : .automatic }
}
