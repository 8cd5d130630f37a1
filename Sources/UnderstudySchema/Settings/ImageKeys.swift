// Keys of studies over images, or of other data with labels.

extension StudyKey {
  private static let withoutImages: IdleReason = {
    $0.inputs.images == nil ? "inputs.images names no data with labels" : nil
  }
  private static let withoutDistillation: IdleReason = {
    withoutImages($0) ?? ($0.training.loss == .distillation ? nil : "training.loss is not distillation")
  }

  static let imageTeacherKeys: [StudyKey] =
    [
      .layers(
        "teacher.layers", \.teacher.layers,
        "The teacher's hidden layers over images, lowest first: conv or dense with its nodes; of a convolution also size, stride, "
          + "padding, and max or average to make its map smaller.",
        idle: { withoutImages($0) ?? ($0.teacher.file == nil ? nil : "the teacher comes from teacher.file") }
      ).later,
      .integer(
        "teacher.seed", \.teacher.seed, from: 0,
        "The seed of the teacher and its oracle: one for all runs. 0: each seed of the study has its own.",
        idle: withoutImages
      ).later,
    ]
    + labelTraining(
      "teacher.training", of: "the teacher", epochs: \.teacher.training.epochs, rate: \.teacher.training.learningRate,
      decay: \.teacher.training.decay, batchSize: \.teacher.training.batchSize, momentum: \.teacher.training.momentum,
      weightDecay: \.teacher.training.weightDecay)

  static let oracleKeys: [StudyKey] =
    [
      .shares(
        "oracle.prunedShares", \.oracle.prunedShares,
        "The share of each hidden layer's nodes that the teacher loses before students learn from it: those of the smallest mean "
          + "outgoing weight; counts are rounded down.",
        idle: withoutImages
      ).later
    ]
    + labelTraining(
      "oracle.training", of: "the pruned teacher", epochs: \.oracle.training.epochs,
      rate: \.oracle.training.learningRate, decay: \.oracle.training.decay, batchSize: \.oracle.training.batchSize,
      momentum: \.oracle.training.momentum, weightDecay: \.oracle.training.weightDecay)

  private static func labelTraining(
    _ group: String, of whom: String, epochs: Path<Int>, rate: Path<Double>, decay: Path<RateDecay>,
    batchSize: Path<Int>, momentum: Path<Double>, weightDecay: Path<Double>
  ) -> [StudyKey] {
    let isOracle = group == "oracle.training"
    let idle: IdleReason = { setting in
      withoutImages(setting)
        ?? (isOracle && setting.oracle.prunedShares == nil ? "oracle.prunedShares prunes nothing" : nil)
        ?? (!isOracle && setting.teacher.file != nil ? "the teacher comes from teacher.file" : nil)
    }
    let idleWithoutEpochs: IdleReason = { setting in
      idle(setting) ?? (setting[keyPath: epochs] == 0 ? "\(group).epochs is 0" : nil)
    }
    return [
      .integer(
        "\(group).epochs", epochs, from: 0,
        "Epochs over the training images for which \(whom) is trained on their labels.", idle: idle
      ).later,
      .number(
        "\(group).learningRate", rate, .positive,
        "The first learning rate of that training.", idle: idleWithoutEpochs
      ).later,
      .choice(
        "\(group).decay", decay,
        "How that rate falls to 0, epoch by epoch.", idle: idleWithoutEpochs
      ).later,
      .integer(
        "\(group).batchSize", batchSize, "Images a step of that training.",
        idle: idleWithoutEpochs
      ).later,
      .number(
        "\(group).momentum", momentum, .slope,
        "mu of that training: the step follows v = mu v + gradient.", idle: idleWithoutEpochs
      ).later,
      .number(
        "\(group).weightDecay", weightDecay, .nonNegative,
        "Added to the gradient of that training as this times the weight.", idle: idleWithoutEpochs
      ).later,
    ]
  }

  static let imageInputKeys: [StudyKey] = [
    .images(
      "inputs.images", \.inputs.images,
      "Images with labels instead of drawn inputs: fashion-mnist, cifar10, or the folder of a data set (Docs/Images.md). The "
        + "first inputs.training.count and inputs.evaluation.count of its two parts are used."
    ).later,
    .integer(
      "inputs.cropPadding", \.inputs.cropPadding, from: 0,
      "Each time a training image is used, so many black pixels are added at each border, and a part of the original size is cut out at a random place.",
      idle: withoutImages
    ).later,
    .boolean(
      "inputs.flips", \.inputs.flips, "Each time a training image is used, it is mirrored at random, left to right.",
      idle: withoutImages
    ).later,
    .normalization(
      "inputs.channelNormalization", \.inputs.channelNormalization,
      "How the channels of images are normalised, for networks that were trained elsewhere; left out: by the means and deviations of "
        + "the set's training images.", idle: withoutImages
    ).later,
  ]

  static let imageTrainingKeys: [StudyKey] = [
    .choice(
      "training.decay", \.training.decay, "How the student's learning rate falls to 0 over images, epoch by epoch.",
      idle: withoutImages
    ).later,
    .number(
      "training.labelLearningRate", \.training.labelLearningRate, .nonNegative,
      "The learning rate of students that learn labels (training.loss labels); 0: training.learningRate.",
      idle: { withoutImages($0) ?? ($0.training.loss == .labels ? nil : "training.loss is not labels") }
    ).later,
    .boolean(
      "training.rateByWidth", \.training.rateByWidth,
      "Divide the learning rate by student.overRealization, that of the highest hidden layer: the output layer's gradient grows "
        + "with its inputs.",
      idle: { setting in
        withoutImages(setting)
          ?? (setting.student.widths == nil ? nil : "student.widths gives the nodes; give the rate that suits them")
      }
    ).later,
    .number(
      "training.temperature", \.training.temperature, .positive,
      "distillation: what the outputs of both networks are divided by before softmax.", idle: withoutDistillation
    ).later,
    .number(
      "training.labelWeight", \.training.labelWeight, .slope,
      "distillation: the weight of the labels' cross-entropy; 1 minus it is that of the teacher's.",
      idle: withoutDistillation
    ).later,
    .choice(
      "training.convolution", \.training.convolution,
      "direct forbids Winograd's algorithm, which is faster and rounds more.", idle: withoutImages
    ).later,
  ]

  /// Keys that mean nothing beside images.
  static let withoutImagesOnly: Set<String> = [
    "network.inputDimension", "network.outputDimension", "teacher.hiddenNodes", "teacher.widths", "teacher.weights",
    "teacher.scale", "teacher.bias", "teacher.medianBiases", "teacher.normalizedOutput", "teacher.strengthDecay",
    "inputs.distribution", "inputs.standardDeviation", "inputs.boundaryOffsetMinimum",
    "inputs.boundaryOffsetMaximum", "inputs.regenerateEachEpoch", "inputs.augmentation", "inputs.augmentationStep",
    "inputs.rank", "inputs.training.file", "inputs.evaluation.file", "training.unitNormFirstLayer",
    "training.outputNoise", "training.precision", "training.batchOrder",
    "criticalPoint.method", "criticalPoint.iterations", "criticalPoint.gradientTarget", "criticalPoint.restarts",
  ]

  /// The key, as one that has no effect beside images.
  var withoutEffectOnImages: StudyKey {
    guard Self.withoutImagesOnly.contains(path) else { return self }
    return idle(when: { $0.inputs.images == nil ? nil : "inputs.images gives images with labels" })
  }
}
