import UnderstudySchema

// What a run's setting says of networks and inputs, as designs.

extension Activation {
  public init(_ setting: NetworkSetting) {
    switch setting.activation {
    case .relu: self = .relu
    case .leakyRelu: self.init(negativeSlope: setting.leakySlope)
    case .linear: self = .linear
    }
  }
}

extension BatchNormalization.Placement {
  /// nil without batch normalisation.
  public init?(_ setting: NormalizationSetting) { self.init(rawValue: setting.rawValue) }
}

extension Augmentation {
  /// nil without augmentation.
  public init?(_ setting: InputSetting) {
    guard let scheme = Scheme(rawValue: setting.augmentation.rawValue) else { return nil }
    self.init(scheme: scheme, step: setting.augmentationStep, copies: setting.augmentationCopies)
  }
}

extension TeacherDesign {
  public init(_ setting: TeacherSetting, of network: NetworkSetting) {
    let weights: Weights =
      switch setting.weights {
      case .discrete: .discrete
      case .gaussian: .gaussian(scale: setting.scale)
      case .orthogonal: .orthogonal
      }
    self.init(
      inputCount: network.inputDimension, hiddenCounts: setting.hiddenWidths, outputCount: network.outputDimension,
      weights: weights, bias: network.biases ? setting.bias : nil, strengthDecay: setting.strengthDecay,
      activation: Activation(network))
    medianBiases = setting.medianBiases
    normalizedOutput = setting.normalizedOutput
    normalization = BatchNormalization.Placement(setting.normalization)
  }
}

extension StudentDesign {
  /// How the student of a setting is drawn, with the widths that follow from its teacher's.
  ///
  /// - Parameter teacher: as it was drawn or read, before it is folded.
  /// - Throws: ``ShapeError`` if `student.overRealization` has factors for another number of hidden layers.
  public init(_ setting: StudentSetting, of teacher: Network) throws(ShapeError) {
    if setting.widths == nil,
      let (problem, remedy) = setting.overRealization.objection(depth: teacher.hiddenCounts.count)
    {
      throw ShapeError("\(problem); \(remedy)")
    }
    self.init(
      hiddenCounts: setting.widths(over: teacher.hiddenCounts),
      scale: setting.scale, initialization: setting.initialization)
    weightFactor = setting.weightFactor
    perturbation = setting.perturbation
    teacherLayerCount = setting.teacherLayers
    normalization = BatchNormalization.Placement(setting.normalization)
    learntScale = setting.learntScale
    hasBiases = teacher.hasBiases
  }
}

extension InputDesign {
  /// Training inputs.
  public init(training setting: InputSetting, count: Int) {
    self.init(plain: setting, count: count)
    if setting.distribution == .teacherBoundaries {
      distribution = .teacherBoundaries(offsets: setting.boundaryOffsetMinimum...setting.boundaryOffsetMaximum)
    }
    rank = setting.rank == 0 ? nil : setting.rank
  }

  /// Inputs for evaluation and calibration: of the setting's distribution and size, but neither beside a teacher's boundaries
  /// nor in a subspace.
  public init(plain setting: InputSetting, count: Int) {
    self.init(
      count: count, standardDeviation: setting.standardDeviation,
      distribution: setting.distribution == .uniform ? .uniform : .gaussian)
  }
}
