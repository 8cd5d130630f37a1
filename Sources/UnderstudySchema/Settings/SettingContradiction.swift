/// Keys that cannot be had together in one setting.
package struct SettingContradiction: Sendable {
  /// The keys that the error may be about: the first of them that the study gives.
  package let keys: [String]
  /// Problem and remedy, if a setting has it.
  package let find: @Sendable (Setting) -> (problem: String, remedy: String)?

  package static let all: [SettingContradiction] = [
    criticalPoint, normalization, flow, biases("teacher.medianBiases", \.medianBiases),
    biases("teacher.normalizedOutput", \.normalizedOutput), oneClass, studentWidths, teacherLayers, overRealization,
    zoom,
  ]

  private static let criticalPoint = SettingContradiction(keys: ["criticalPoint.method"]) { setting in
    guard setting.criticalPoint.method != .none else { return nil }
    let rest = "leave one of the two out"
    if setting.training.frozenLayer != .none || setting.training.unitNormFirstLayer {
      let rival = setting.training.frozenLayer != .none ? "training.frozenLayer" : "training.unitNormFirstLayer"
      return ("the search for a critical point moves all weights, which \(rival) forbids", rest)
    }
    if setting.student.file == nil && setting.student.normalization != .none {
      return ("a critical point is searched for students without batch normalisation (student.normalization)", rest)
    }
    if setting.training.loss != .squaredError {
      let loss = setting.training.loss.rawValue
      return ("the search for a critical point minimises squared errors, not training.loss \(loss)", rest)
    }
    return nil
  }

  private static let normalization = SettingContradiction(
    keys: ["training.method", "training.batchSize", "student.normalization"]
  ) { setting in
    guard setting.student.file == nil, setting.student.normalization != .none else { return nil }
    if setting.training.method == .gd {
      return (
        "full-batch steps (training.method gd) take no batch normalisation",
        "train by sgd or adam, or give student.normalization none"
      )
    }
    // Over images the positions of a map are samples, too: their number is known once the images are.
    if setting.training.batchSize == 1, setting.inputs.images == nil {
      return (
        "one sample a step (training.batchSize 1) has no variance that student.normalization could divide by",
        "give batches of 2 samples or more, or student.normalization none"
      )
    }
    return nil
  }

  /// Gradient flow is that of plain steps of two layers over Gaussian inputs.
  private static let flow = SettingContradiction(
    keys: [
      "training.method", "training.momentum", "training.loss", "training.unitNormFirstLayer", "training.precision",
      "training.outputNoise", "inputs.distribution", "inputs.rank", "inputs.augmentation", "inputs.training.file",
      "teacher.widths", "student.normalization",
    ]
  ) { setting in
    guard setting.training.method == .flow, setting.inputs.images == nil else { return nil }
    let (training, inputs) = (setting.training, setting.inputs)
    let rival: (what: String, remedy: String)? =
      if training.momentum > 0 {
        ("training.momentum", "leave it out: of steps that shrink, momentum mu makes time run 1/(1 - mu) times as fast")
      } else if training.loss != .squaredError {
        ("training.loss \(training.loss.rawValue)", "give squaredError")
      } else if training.unitNormFirstLayer {
        ("training.unitNormFirstLayer", "leave it out")
      } else if training.precision != .float64 {
        ("training.precision \(training.precision.rawValue)", "give float64")
      } else if training.outputNoise > 0 {
        ("training.outputNoise", "leave it out: an expectation over inputs has no noisy outputs")
      } else if inputs.distribution != .gaussian {
        ("inputs.distribution \(inputs.distribution.rawValue)", "give gaussian")
      } else if inputs.rank > 0 {
        ("inputs.rank", "leave it out")
      } else if inputs.augmentation != .none {
        ("inputs.augmentation", "leave it out")
      } else if inputs.training.file != nil {
        ("inputs.training.file", "draw the inputs")
      } else if setting.teacher.file == nil, setting.teacher.hiddenWidths.count > 1 {
        ("teacher.widths", "give one hidden layer")
      } else if setting.student.file == nil, setting.student.normalization != .none {
        ("student.normalization", "give none")
      } else {
        nil
      }
    return rival.map {
      (
        "training.method flow follows the expected gradient over Gaussian inputs, which \($0.what) contradicts",
        $0.remedy
      )
    }
  }

  private static func biases(_ key: String, _ property: KeyPath<TeacherSetting, Bool> & Sendable)
    -> SettingContradiction
  {
    SettingContradiction(keys: [key]) { setting in
      guard setting.teacher.file == nil, setting.teacher[keyPath: property], !setting.network.biases else {
        return nil
      }
      return ("\(key) sets biases, but network.biases is false", "leave \(key) out, or give network.biases true")
    }
  }

  private static let zoom = SettingContradiction(keys: ["zoom.to", "zoom.from", "zoom.every"]) { setting in
    let (zoom, training) = (setting.zoom, setting.training)
    guard zoom.isOn else { return nil }
    if zoom.from > zoom.to {
      return ("zoom.from \(zoom.from) comes after zoom.to \(zoom.to)", "give a step that comes before it")
    }
    if training.stepsPerEpoch > 0, zoom.to > training.epochs * training.stepsPerEpoch {
      let count = training.epochs * training.stepsPerEpoch
      return ("zoom.to \(zoom.to) comes after the last step, \(count)", "give at most that, or train for more epochs")
    }
    if setting.criticalPoint.method != .none {
      return (
        "a run with a zoom ends before the search for a critical point (criticalPoint.method)",
        "leave one of the two out"
      )
    }
    if training.method == .flow {
      return (
        "training.method flow takes no steps that zoom.to could count",
        "leave the zoom out; for a finer look take more epochs of fewer training.stepsPerEpoch"
      )
    }
    return nil
  }

  private static let oneClass = SettingContradiction(keys: ["training.loss"]) { setting in
    guard setting.training.loss == .crossEntropy, setting.teacher.file == nil, setting.network.outputDimension == 1
    else { return nil }
    return (
      "crossEntropy tells outputs apart, but network.outputDimension is 1",
      "give 2 outputs or more, or training.loss squaredError"
    )
  }

  private static let overRealization = SettingContradiction(keys: ["student.overRealization"]) { setting in
    setting.overRealizationObjection()
  }

  /// Over images the widths are held against those of the oracle, when that is there.
  private static let studentWidths = SettingContradiction(keys: ["student.widths"]) { setting in
    guard setting.student.file == nil, setting.teacher.file == nil, let widths = setting.student.widths else {
      return nil
    }
    let teacher = setting.teacher.hiddenWidths
    guard widths.nodes.count == teacher.count else {
      return (
        "student.widths \(widths) has another number of hidden layers than the teacher, \(teacher.count)",
        "give the nodes of \(teacher.count) layers, e.g. \(LayerWidths(teacher))"
      )
    }
    guard setting.inputs.images == nil, zip(widths.nodes, teacher).contains(where: { $0 < $1 }) else { return nil }
    return (
      "student.widths \(widths) is narrower than its teacher, \(LayerWidths(teacher))",
      "give each hidden layer as many nodes as the teacher's, or more"
    )
  }

  private static let teacherLayers = SettingContradiction(keys: ["student.teacherLayers"]) { setting in
    guard setting.student.file == nil, setting.teacher.file == nil, setting.student.teacherLayers > 0 else {
      return nil
    }
    let depth = setting.teacher.hiddenWidths.count
    guard setting.student.teacherLayers <= depth else {
      return (
        "student.teacherLayers \(setting.student.teacherLayers) is more than the teacher's hidden layers, \(depth)",
        "give at most \(depth)"
      )
    }
    guard setting.student.normalization != .none else { return nil }
    return (
      "student.normalization would change the nodes that student.teacherLayers takes from the teacher",
      "leave one of the two out"
    )
  }
}

extension Setting {
  /// What is wrong with the number of factors of a drawn student of a drawn teacher; nil if nothing is.
  ///
  /// - Parameter count: the factors as they were written, where equal ones are not one.
  package func overRealizationObjection(count: Int? = nil) -> (problem: String, remedy: String)? {
    guard student.file == nil, student.widths == nil, teacher.file == nil,
      inputs.images == nil || teacher.layers != nil
    else { return nil }
    return student.overRealization.objection(depth: teacher.hiddenWidths.count, count: count)
  }
}
