extension StudyKey {
  /// All setting keys, in the order of `Setting`'s properties: the order of grids, files and tables.
  public static let all: [StudyKey] =
    (networkKeys + teacherKeys + imageTeacherKeys + oracleKeys + studentKeys + imageInputKeys + inputKeys + trainingKeys
    + imageTrainingKeys + criticalPointKeys + zoomKeys).map(\.withoutEffectOnImages)

  private static let besideTeacherFile: IdleReason = {
    $0.teacher.file == nil ? nil : "the teacher comes from teacher.file"
  }
  private static let besideStudentFile: IdleReason = {
    $0.student.file == nil ? nil : "the student comes from student.file"
  }
  private static let besideTrainingFile: IdleReason = {
    $0.inputs.training.file == nil ? nil : "the training inputs come from inputs.training.file"
  }
  private static let withoutBoundaries: IdleReason = {
    $0.inputs.distribution == .teacherBoundaries ? nil : "inputs.distribution is not teacherBoundaries"
  }

  private static let networkKeys: [StudyKey] = [
    .integer(
      "network.inputDimension", \.network.inputDimension, "d, the number of features of an input.",
      idle: besideTeacherFile),
    .integer(
      "network.outputDimension", \.network.outputDimension, "C, the number of outputs.", idle: besideTeacherFile),
    .choice("network.activation", \.network.activation, "The activation of teacher and student."),
    .number(
      "network.leakySlope", \.network.leakySlope, .slope, "Slope on the negative side, for leakyRelu.",
      idle: { $0.network.activation == .leakyRelu ? nil : "network.activation is not leakyRelu" }),
    .boolean(
      "network.biases", \.network.biases, "Whether teacher and student have biases, in all layers.",
      idle: besideTeacherFile),
  ]

  private static let teacherKeys: [StudyKey] = [
    .integer(
      "teacher.hiddenNodes", \.teacher.hiddenNodes, "m, the number of teacher nodes, of one hidden layer.",
      idle: { setting in
        besideTeacherFile(setting) ?? (setting.teacher.widths == nil ? nil : "teacher.widths gives the nodes")
      }),
    .widths(
      "teacher.widths", \.teacher.widths,
      "Nodes of each hidden layer of the teacher, lowest first, instead of teacher.hiddenNodes.",
      idle: besideTeacherFile
    ).later,
    .choice(
      "teacher.weights", \.teacher.weights,
      "discrete: rows from {-1, -0.75, ..., 1}, distinct and not zero; gaussian: independent normal weights; orthogonal: "
        + "rows of a random orthogonal matrix.",
      idle: besideTeacherFile),
    .number(
      "teacher.scale", \.teacher.scale, .positive, "Standard deviation of a gaussian teacher's fan-out weights.",
      idle: { setting in
        besideTeacherFile(setting) ?? (setting.teacher.weights == .gaussian ? nil : "teacher.weights is not gaussian")
      }),
    .number(
      "teacher.bias", \.teacher.bias, .any,
      "Every bias of the teacher; with teacher.medianBiases only those of the outputs, with teacher.normalizedOutput only "
        + "those of hidden nodes.",
      idle: { setting in
        if let reason = besideTeacherFile(setting) { return reason }
        if !setting.network.biases { return "network.biases is false" }
        return setting.teacher.medianBiases && setting.teacher.normalizedOutput
          ? "teacher.medianBiases and teacher.normalizedOutput set all biases" : nil
      }),
    .boolean(
      "teacher.medianBiases", \.teacher.medianBiases,
      "Move each hidden node's boundary to the median of its pre-activation: half of the inputs activate it.",
      idle: besideTeacherFile
    ).later,
    .boolean(
      "teacher.normalizedOutput", \.teacher.normalizedOutput,
      "Scale and shift the output layer to zero mean and unit variance of each output over the inputs.",
      idle: besideTeacherFile
    ).later,
    .choice(
      "teacher.normalization", \.teacher.normalization,
      "Batch normalisation of the teacher's hidden layers, with the statistics of a calibration sample.",
      idle: besideTeacherFile
    ).later,
    .number(
      "teacher.strengthDecay", \.teacher.strengthDecay, .any,
      "p: the fan-out weights of teacher node j (from 1), of each hidden layer, are divided by j^p.",
      idle: besideTeacherFile),
    .file("teacher.file", \.teacher.file, "A network file (safetensors) as the teacher, instead of drawing one."),
  ]

  private static let studentKeys: [StudyKey] = [
    .factors(
      "student.overRealization", \.student.overRealization,
      "n / m, student nodes for each teacher node, in every hidden layer, or a factor for each layer; n is rounded up.",
      idle: { setting in
        besideStudentFile(setting) ?? (setting.student.widths == nil ? nil : "student.widths gives the nodes")
      }),
    .widths(
      "student.widths", \.student.widths,
      "Nodes of each hidden layer of the student, lowest first, instead of student.overRealization.",
      idle: besideStudentFile
    ).later,
    .number(
      "student.scale", \.student.scale, .positive,
      "Standard deviation of the initial weights of plain, adversarial and helpful students; biases start at 0.",
      idle: { setting in
        if let reason = besideStudentFile(setting) { return reason }
        let initialization = setting.student.initialization
        return initialization.isScaled
          ? nil : "student.initialization \(initialization.rawValue) has its own size, times student.weightFactor"
      }),
    .choice(
      "student.initialization", \.student.initialization,
      "plain: normal weights of student.scale; adversarial flips first-layer rows away from the last teacher node, helpful "
        + "towards it; uniform: PyTorch's default, weights and biases within 1/sqrt(inputs) of 0; he: normal weights of "
        + "variance 2/inputs; perturbedTeacher, teacherDirections and teacherSigns: from the teacher's weights.",
      idle: besideStudentFile),
    .number(
      "student.weightFactor", \.student.weightFactor, .positive,
      "Factor on all drawn weights of the initializations that student.scale does not size.",
      idle: { setting in
        if let reason = besideStudentFile(setting) { return reason }
        let initialization = setting.student.initialization
        return initialization.isScaled
          ? "student.initialization \(initialization.rawValue) has the size of student.scale" : nil
      }
    ).later,
    .number(
      "student.perturbation", \.student.perturbation, .nonNegative,
      "perturbedTeacher: noise on the teacher's weights, relative to the root mean square of each layer's.",
      idle: { setting in
        besideStudentFile(setting)
          ?? (setting.student.initialization == .perturbedTeacher
            ? nil : "student.initialization is not perturbedTeacher")
      }
    ).later,
    .integer(
      "student.teacherLayers", \.student.teacherLayers, from: 0,
      "The lowest so many hidden layers start with the teacher's nodes, exactly, and their further nodes as drawn; with "
        + "training.frozenLayer first the lowest keeps them.",
      idle: besideStudentFile
    ).later,
    .choice(
      "student.normalization", \.student.normalization, "Batch normalisation of the student's hidden layers.",
      idle: besideStudentFile
    ).later,
    .boolean(
      "student.learntScale", \.student.learntScale,
      "Whether the student's normalisation learns a scale and a shift for each node.",
      idle: { setting in
        besideStudentFile(setting)
          ?? (setting.student.normalization == .none ? "student.normalization is none" : nil)
      }
    ).later,
    .file(
      "student.file", \.student.file, "A network file (safetensors) as the initial student, instead of drawing one."),
  ]

  private static let inputKeys: [StudyKey] = [
    .choice(
      "inputs.distribution", \.inputs.distribution,
      "gaussian or uniform: independent coordinates with mean 0; teacherBoundaries draws the training inputs on and beside "
        + "the boundaries of the teacher's lowest layer.",
      idle: { $0.inputs.distribution == .teacherBoundaries ? nil : besideTrainingFile($0) }),
    .number(
      "inputs.standardDeviation", \.inputs.standardDeviation, .positive,
      "Standard deviation of every coordinate of drawn inputs.",
      idle: {
        $0.inputs.training.file == nil || $0.inputs.evaluation.file == nil
          ? nil : "training and evaluation inputs both come from files"
      }),
    .number(
      "inputs.boundaryOffsetMinimum", \.inputs.boundaryOffsetMinimum, .nonNegative,
      "teacherBoundaries: least distance from the boundary of the samples beside it.",
      idle: { besideTrainingFile($0) ?? withoutBoundaries($0) }),
    .number(
      "inputs.boundaryOffsetMaximum", \.inputs.boundaryOffsetMaximum, .nonNegative,
      "teacherBoundaries: greatest distance; uniform between the two.",
      idle: { besideTrainingFile($0) ?? withoutBoundaries($0) }),
    .boolean(
      "inputs.regenerateEachEpoch", \.inputs.regenerateEachEpoch, "Draw a new training set for each epoch.",
      idle: { $0.inputs.regenerateEachEpoch ? nil : besideTrainingFile($0) }),
    .choice(
      "inputs.augmentation", \.inputs.augmentation,
      "teacherAgnostic moves each drawn sample both ways along every axis, teacherAware along each teacher node's weights.",
      idle: { $0.inputs.augmentation == .none ? besideTrainingFile($0) : nil }
    ).later,
    .number(
      "inputs.augmentationStep", \.inputs.augmentationStep, .positive, "How far an augmentation moves a sample.",
      idle: { $0.inputs.augmentation == .none ? "inputs.augmentation is none" : nil }
    ).later,
    .choice(
      "inputs.augmentationCopies", \.inputs.augmentationCopies,
      "Which samples the augmented set has of each drawn one: bothWays, itself and moved both ways along each direction, 2m + 1 or "
        + "2d + 1 for one; withoutOriginals, 2m or 2d; oneWay, moved up only, m or d.",
      idle: { $0.inputs.augmentation == .none ? "inputs.augmentation is none" : nil }
    ).later,
    .integer(
      "inputs.rank", \.inputs.rank, from: 0,
      "Training inputs lie in a random subspace of this dimension; 0 is the whole input space.",
      idle: {
        besideTrainingFile($0)
          ?? ($0.inputs.distribution == .teacherBoundaries ? "inputs.distribution is teacherBoundaries" : nil)
      }
    ).later,
    .integer(
      "inputs.training.count", \.inputs.training.count,
      "Number of training inputs; with an augmentation, of the augmented ones.", idle: besideTrainingFile),
    .file(
      "inputs.training.file", \.inputs.training.file, "An array file (.npy, [sample, feature]) of training inputs.",
      idle: {
        if $0.inputs.distribution == .teacherBoundaries { return "inputs.distribution teacherBoundaries draws them" }
        if $0.inputs.augmentation != .none { return "inputs.augmentation makes them of drawn samples" }
        return $0.inputs.regenerateEachEpoch ? "inputs.regenerateEachEpoch draws them anew" : nil
      }),
    .integer(
      "inputs.evaluation.count", \.inputs.evaluation.count, "Number of evaluation inputs.",
      idle: { $0.inputs.evaluation.file == nil ? nil : "the evaluation inputs come from inputs.evaluation.file" }),
    .file(
      "inputs.evaluation.file", \.inputs.evaluation.file,
      "An array file (.npy, [sample, feature]) of evaluation inputs."),
  ]

  private static let besideSchedule: IdleReason = {
    $0.training.learningRates == nil ? nil : "training.learningRates gives the rates"
  }

  private static let withoutBatches: IdleReason = {
    switch $0.training.method {
    case .sgd, .adam: nil
    case .gd: "training.method gd uses all training inputs in every step"
    case .flow: "training.method flow takes no samples"
    }
  }

  private static let trainingKeys: [StudyKey] = [
    .choice(
      "training.method", \.training.method,
      "sgd: batches; gd: every step over all training inputs; adam: batches, with the rates of Adam; flow: gradient flow of the "
        + "expected loss over Gaussian inputs, without samples: an epoch lasts learning rate times steps. For one hidden layer."
    ),
    .integer(
      "training.batchSize", \.training.batchSize,
      "Samples a step, for sgd and adam. Beside training.batches.file it may be left out: the file's shape says it.",
      idle: withoutBatches),
    .number(
      "training.learningRate", \.training.learningRate, .positive, "Learning rate.", idle: besideSchedule),
    .integer(
      "training.learningRateHalvingInterval", \.training.learningRateHalvingInterval, from: 0,
      "Halve the learning rate every so many epochs; 0 never does.", idle: besideSchedule),
    .schedule(
      "training.learningRates", \.training.learningRates,
      "Learning rates by epoch: each from after that many epochs on, the first from 0. Instead of training.learningRate."
    ).later,
    .number(
      "training.momentum", \.training.momentum, .slope,
      "mu: the step follows v = mu v + gradient.",
      idle: { $0.training.method == .adam ? "training.method adam has momentum of its own" : nil }
    ).later,
    .number(
      "training.weightDecay", \.training.weightDecay, .nonNegative,
      "Added to the gradient as this times the weight, for all weights and biases."
    ).later,
    .choice(
      "training.loss", \.training.loss,
      "squaredError of the outputs, or crossEntropy against the teacher's largest output. Over images also distillation "
        + "(softened outputs of the teacher, and labels), and labels: cross-entropy on the labels alone, without the teacher."
    ).later,
    .integer("training.epochs", \.training.epochs, "Number of epochs."),
    .integer(
      "training.stepsPerEpoch", \.training.stepsPerEpoch,
      "Steps an epoch. Beside training.batches.file it may be left out: the file's shape says it."),
    .choice(
      "training.frozenLayer", \.training.frozenLayer,
      "first or last keeps that layer's weights, and the scale and shift of its normalisation, as they were drawn."),
    .boolean(
      "training.unitNormFirstLayer", \.training.unitNormFirstLayer,
      "Rescale each first-layer row (without its bias) to unit norm at the start and after every step."),
    .number(
      "training.outputNoise", \.training.outputNoise, .nonNegative,
      "Standard deviation of Gaussian noise on the teacher's training outputs, drawn once."),
    .choice("training.precision", \.training.precision, "Arithmetic of the training."),
    .choice(
      "training.batchOrder", \.training.batchOrder,
      "withReplacement draws each sample of a batch from all; reshuffled takes every sample once, in random order, before "
        + "any comes again in another order, whether or not an epoch ends there.",
      idle: { setting in
        withoutBatches(setting)
          ?? (setting.training.batches == nil ? nil : "the order comes from training.batches.file")
      }
    ).later,
    .file(
      "training.batches.file", \.training.batchFile,
      "The order of the batches (.npy of int64, [step, batch]), instead of drawing it.", idle: withoutBatches),
  ]
}

extension StudyKey {
  private static let withoutSearch: IdleReason = {
    $0.criticalPoint.method == .none ? "criticalPoint.method is none" : nil
  }

  private static let criticalPointKeys: [StudyKey] = [
    .choice(
      "criticalPoint.method", \.criticalPoint.method,
      "levenbergMarquardt goes on after the last epoch, with all inputs and curvature, to a critical point: where the "
        + "gradient of every sample vanishes."
    ).later.renamed(from: "finishing.method"),
    .integer(
      "criticalPoint.iterations", \.criticalPoint.iterations, "Steps of the search at most, restarts included.",
      idle: withoutSearch
    ).later.renamed(from: "finishing.iterations"),
    .number(
      "criticalPoint.gradientTarget", \.criticalPoint.gradientTarget, .positive,
      "The search ends when no sample has a larger gradient at any node of the lowest layer; inputs, outputs and the node "
        + "count in units of their size.",
      idle: withoutSearch
    ).later.renamed(from: "finishing.gradientTarget"),
    .integer(
      "criticalPoint.restarts", \.criticalPoint.restarts, from: 0,
      "How often a stuck student may have its idle nodes drawn anew.", idle: withoutSearch
    ).later.renamed(from: "finishing.restarts"),
  ]
}

extension StudyKey {
  private static let withoutZoom: IdleReason = { $0.zoom.isOn ? nil : "zoom.to is 0: there is no zoom" }

  private static let zoomKeys: [StudyKey] = [
    .integer(
      "zoom.from", \.zoom.from, from: 0,
      "With zoom.to: the step, over all epochs, after which the student is measured first; 0 is before the first step.",
      idle: withoutZoom
    ).later,
    .integer(
      "zoom.to", \.zoom.to, from: 0,
      "Measure by steps, from zoom.from to this one, where the run ends; its draws and its training stay those of the whole run. "
        + "Every epoch in record, figures and findings is then a step. 0: no zoom."
    ).later,
    .integer(
      "zoom.every", \.zoom.every, "With zoom.to: steps from one measurement to the next.", idle: withoutZoom
    ).later,
  ]
}

extension TrainingSetting {
  /// The file of `batches`.
  public var batchFile: SourceFile? {
    get { batches?.file }
    set { batches = newValue.map(BatchSetting.init(file:)) }
  }
}

extension Setting {
  /// The value of a dotted key such as `teacher.strengthDecay`; a file's path; nil for an unknown key or no file.
  public func value(of key: String) -> KeyValue? { StudyKey.named(key)?.read(self) }

  /// The same; nil also where the key has no effect, as that of a teacher's width beside a teacher's file.
  package func effectiveValue(of path: String) -> KeyValue? {
    guard let key = StudyKey.named(path), key.idleReason(self) == nil else { return nil }
    return key.read(self)
  }

  /// The file that a dotted key such as `teacher.file` names; nil if it names none.
  public func file(of key: String) -> SourceFile? { StudyKey.named(key)?.file(self) }

  /// Whether every key of the selection has one of its values here. A selection without keys matches everything.
  public func matches(_ selection: [String: [KeyValue]]) -> Bool {
    selection.allSatisfy { key, values in
      guard let own = value(of: key) else { return false }
      return values.contains { $0.isSame(as: own) }
    }
  }
}
