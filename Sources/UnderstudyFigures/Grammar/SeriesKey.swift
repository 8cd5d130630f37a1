import UnderstudySchema

/// A setting key by which a figure tells its runs apart: as colours, panels or positions.
struct SeriesKey {
  var path: String
  /// The values of the selected settings of which there are runs: numbers ascending, others in the order of the grid.
  let values: [KeyValue]
  /// As legends show the values; the last is "none" if some settings have no value.
  let labels: [String]
  private let placesBySetting: [Int: Int]
  private let valueColors: ValueColors

  init(_ path: String, of selection: SettingSelection, study: Study) {
    self.path = path
    var all: [KeyValue] = []
    var known: Set<KeyValue> = []
    var bySetting: [Int: KeyValue] = [:]
    for index in study.settings.indices {
      guard let value = study.shown(path, at: index) else { continue }
      bySetting[index] = value
      if known.insert(value).inserted, !all.contains(where: { $0.isSame(as: value) }) { all.append(value) }
    }
    all = Self.ordered(all, of: path)
    let settings = selection.recordedSettings
    let selected = Set(settings.compactMap { bySetting[$0] })
    let values = all.filter { value in selected.contains { $0.isSame(as: value) } }
    let hasNone = values.isEmpty || settings.contains { bySetting[$0] == nil }
    labels = Self.labels(of: values, path) + (hasNone ? ["none"] : [])
    var places: [KeyValue: Int] = [:]
    for value in selected { places[value] = values.firstIndex { $0.isSame(as: value) } }
    placesBySetting = bySetting.compactMapValues { places[$0] }
    valueColors = ValueColors(path, values: all)
    self.values = values
  }

  private init() {
    (path, values, labels, placesBySetting, valueColors) = ("", [], ["none"], [:], ValueColors("", values: []))
  }

  /// A key that tells nothing apart.
  static let nothing = SeriesKey()

  /// Numbers ascending, and a rank of 0, which stands for the full one, behind all others.
  private static func ordered(_ values: [KeyValue], of path: String) -> [KeyValue] {
    if path == "student.overRealization" { return multiplesOrdered(values) }
    guard values.allSatisfy({ $0.number != nil }) else { return values }
    func place(_ value: KeyValue) -> Double {
      let number = value.number ?? 0
      return path == rankPath && number == 0 ? .infinity : number
    }
    return values.sorted { place($0) < place($1) }
  }

  /// By the mean factor of the layers; of equal ones, those that widen lower layers first.
  private static func multiplesOrdered(_ values: [KeyValue]) -> [KeyValue] {
    let all = values.map { value in (value: value, factors: OverRealization(value)?.factors ?? []) }
    func mean(_ factors: [Double]) -> Double { factors.reduce(0, +) / Double(max(1, factors.count)) }
    return all.sorted { first, second in
      let (low, high) = (mean(first.factors), mean(second.factors))
      return abs(low - high) > 1e-9 * high ? low < high : second.factors.lexicographicallyPrecedes(first.factors)
    }.map(\.value)
  }

  private static let rankPath = "inputs.rank"

  var isVaried: Bool { labels.count > 1 }

  /// The colours of `labels`, or of some of them: those of the values, in every figure of the study.
  func colors(of shown: [String]? = nil) -> [JSONValue] {
    let labels = labels
    return (shown ?? labels).map { text in
      guard let place = labels.firstIndex(of: text), values.indices.contains(place) else {
        return values.isEmpty ? FigureStyle.palette[0] : FigureStyle.gray
      }
      return valueColors[values[place]]
    }
  }

  func label(of run: RunReader) -> String { labels[index(of: run)] }
  /// The position of the value among `labels`: the last where there is none.
  func index(of run: RunReader) -> Int { placesBySetting[run.record.run.settingIndex] ?? labels.count - 1 }

  /// Short ones, unless two values would have the same.
  private static func labels(of values: [KeyValue], _ path: String) -> [String] {
    let short = values.map { value in
      switch path {
      case "student.overRealization": value.number == nil ? value.shown : value.shown + "x"
      case rankPath where value.number == 0: "full"
      case Study.originKey: value.shown
      default: words[value.shown] ?? value.shown
      }
    }
    return Set(short).count == short.count ? short : values.map(\.json)
  }

  private static let words = [
    "squaredError": "teacher's outputs", "crossEntropy": "teacher's classes", "teacherAgnostic": "teacher-agnostic",
    "teacherAware": "teacher-aware", "levenbergMarquardt": "Levenberg-Marquardt",
    "teacherBoundaries": "teacher's boundaries", "beforeActivation": "before the activation",
    "afterActivation": "after the activation",
  ]

  /// What headings of panels have before a label.
  var panelWords: String {
    switch path {
    case "student.overRealization": ""
    case "teacher.widths": "teacher "
    case "student.widths": "student "
    case "teacher.strengthDecay": "p = "
    case "network.inputDimension": "d = "
    default: title + " "
    }
  }

  /// The expression by which a facet of labels writes its panels' headings.
  var panelLabel: String {
    // What does not vary needs no heading.
    if !isVaried { return "''" }
    if panelWords.isEmpty { return "(datum.label)" }
    return panelWords == title + " " ? FigureStyle.heading(title) : "'\(panelWords)' + (datum.label)"
  }

  /// In the field's words where there are any.
  var title: String {
    switch path {
    case "network.inputDimension": "input dimension d"
    case "network.outputDimension": "outputs C"
    case "network.leakySlope": "slope c"
    case "teacher.hiddenNodes": "teacher nodes m"
    case "teacher.widths": "teacher's widths"
    case "teacher.strengthDecay": "strength decay p"
    case "student.overRealization": "over-realization"
    case "student.widths": "student's widths"
    case "student.hiddenNodes": "student nodes"
    case "student.normalization": "student's normalization"
    case "student.teacherLayers": "layers from the teacher"
    case "teacher.bias": "teacher's bias"
    case "inputs.distribution": "inputs"
    case "inputs.augmentation": "augmentation"
    case "inputs.rank": "rank of the inputs"
    case "inputs.training.count": "training samples"
    case "training.loss": "learns from"
    case "training.outputNoise": "output noise"
    case "training.epochs": "epochs"
    case "training.frozenLayer": "frozen layer"
    case "training.batchSize": "batch size"
    case "training.learningRate": "learning rate"
    case "training.weightDecay": "weight decay"
    case "training.momentum": "momentum"
    default: path
    }
  }
}

extension Study {
  /// The value of a key in a setting; nil if it has none or has no effect there, as over-realization beside absolute widths.
  func shown(_ path: String, at index: Int) -> KeyValue? {
    path == Study.originKey ? value(of: path, at: index) : settings[index].effectiveValue(of: path)
  }
}
