import UnderstudySchema

/// A setting key by which a figure tells its runs apart: as colours, panels or positions.
struct SeriesKey {
  var path: String
  /// The values in the selection: numbers ascending, others in the order of the grid.
  var values: [KeyValue]
  private var valuesBySetting: [Int: KeyValue] = [:]

  init(_ path: String, of selection: SettingSelection, study: Study) {
    self.path = path
    values = []
    for index in selection.settingIndices {
      guard let value = study.value(of: path, at: index) else { continue }
      valuesBySetting[index] = value
      if !values.contains(where: { $0.isSame(as: value) }) { values.append(value) }
    }
    if values.allSatisfy({ $0.number != nil }) { values.sort { ($0.number ?? 0) < ($1.number ?? 0) } }
  }

  var isVaried: Bool { values.count > 1 }
  /// As legends show the values.
  var labels: [String] { values.isEmpty ? ["none"] : values.map(label) }

  func label(of run: RunReader) -> String { valuesBySetting[run.record.run.settingIndex].map(label) ?? "none" }
  /// The position of the value among `labels`.
  func index(of run: RunReader) -> Int { labels.firstIndex(of: label(of: run)) ?? 0 }

  private func label(_ value: KeyValue) -> String {
    path == "student.overRealization" ? value.shown + "x" : Self.words[value.shown] ?? value.shown
  }

  private static let words = [
    "squaredError": "teacher's outputs", "crossEntropy": "teacher's classes", "teacherAgnostic": "teacher-agnostic",
    "teacherAware": "teacher-aware", "levenbergMarquardt": "Levenberg-Marquardt",
  ]

  /// The expression by which a facet of labels writes its panels' titles.
  var panelLabel: String {
    if values.isEmpty { return "''" }
    return switch path {
    case "student.overRealization": "(datum.label)"
    case "teacher.widths": "'teacher ' + (datum.label)"
    case "teacher.strengthDecay": FigureStyle.decayLabel
    case "network.inputDimension": "'d = ' + (datum.label)"
    default: "'\(title) ' + (datum.label)"
    }
  }

  /// In the field's words where there are any.
  var title: String {
    switch path {
    case "network.inputDimension": "input dimension d"
    case "network.outputDimension": "outputs C"
    case "teacher.hiddenNodes": "teacher nodes m"
    case "teacher.widths": "teacher's widths"
    case "teacher.strengthDecay": "strength decay p"
    case "student.overRealization": "over-realization"
    case "student.widths": "student's widths"
    case "inputs.augmentation": "augmentation"
    case "inputs.rank": "rank of the inputs (0: full)"
    case "inputs.training.count": "training samples"
    case "training.loss": "learns from"
    case "training.outputNoise": "output noise"
    case "training.epochs": "epochs"
    case "training.batchSize": "batch size"
    case "training.learningRate": "learning rate"
    case "training.weightDecay": "weight decay"
    case "training.momentum": "momentum"
    default: path
    }
  }
}
