import UnderstudySchema

// Reading and writing of what figures can say beside kind, caption, selection and epochs.

extension StudyDeclarations {
  /// The keys of channels, the scale of correlations, the height of L-shapes, and the style.
  static func readOptions(
    _ entries: [String: YAMLTree], into figure: inout FigureDeclaration
  ) throws(StudyError) {
    let given = entries.filter { !$0.value.isNull }
    figure.style = try style(given["style"], key: "figures.style")
    if let tree = given["height"] {
      guard figure.kind == .lShape else {
        throw tree.error(
          .unusedKey, key: "figures.height", "figures of kind \(figure.kind.rawValue) have no height", "remove it")
      }
      figure.height = try tree.choice(of: FigureDeclaration.Height.self, key: "figures.height", what: "height")
    }
    if figure.kind.hasCorrelationScale, let tree = given["scale"] {
      figure.scale = try tree.choice(of: PlotDeclaration.Scale.self, key: "figures.scale", what: "scale")
    }
    figure.against = try sampleAxis(given["against"], key: "figures.against", isOf: figure.kind == .sampleExponent)
    for channel in figure.kind.channels.map(\.rawValue) {
      guard let tree = given[channel] else { continue }
      let axis = try axis(tree, key: "figures.\(channel)")
      switch axis {
      case .epoch, .node, .layer:
        throw tree.error(
          .contradiction, key: "figures.\(channel)",
          "figures of kind \(figure.kind.rawValue) tell settings apart, not \(axis.name)s",
          "give a key of the grid or none, or make the kind plot")
      case .key, .nothing: break
      }
      if axis != .nothing, figure.channels?.values.contains(axis) ?? false {
        throw tree.error(
          .duplicateValue, key: "figures.\(channel)", "\(axis.name) is shown in two ways", "give each channel its own")
      }
      figure.channels = (figure.channels ?? [:]).merging([channel: axis]) { $1 }
    }
  }

  /// What needed samples are held against.
  static func sampleAxis(_ tree: YAMLTree?, key: String, isOf isNeeded: Bool) throws(StudyError) -> SampleAxis? {
    guard let tree, !tree.isNull else { return nil }
    guard isNeeded else {
      throw tree.error(
        .unusedKey, key: key, "only samples that nodes need (sampleExponent) are held against something", "remove it")
    }
    let name = try tree.text(key: key).trimmed
    guard let axis = SampleAxis(named: name) else {
      throw tree.error(
        .outOfRange, key: key, "\(jsonText(name)) is no axis of samples",
        "give nodes (K = m + n), alignment (1/eps), observation (1/kappa), or a key whose values are numbers, e.g. against: "
          + "teacher.hiddenNodes")
    }
    return axis
  }

  /// `style`, of a figure or of all figures of a study.
  static func style(_ tree: YAMLTree?, key: String) throws(StudyError) -> StyleDeclaration? {
    guard let tree, !tree.isNull else { return nil }
    guard case .mapping = tree.content else {
      throw tree.wrongType(key: key, expected: "keys", remedy: "e.g. style: {slides: true}, or style: {width: 8.5}")
    }
    let entries = try tree.entries(key: key, known: StyleDeclaration.options.map(\.key))
    var style = StyleDeclaration()
    style.width = try length(entries["width"], key: key + ".width", in: StyleDeclaration.widths, unit: "centimetres")
    style.fontSize = try length(
      entries["fontSize"], key: key + ".fontSize", in: StyleDeclaration.fontSizes, unit: "points")
    if let tree = entries["font"] {
      let font = try tree.text(key: key + ".font").trimmed
      let isFamily = font.unicodeScalars.allSatisfy {
        $0.properties.isAlphabetic || " -0123456789".unicodeScalars.contains($0)
      }
      guard !font.isEmpty, font.count <= 60, isFamily else {
        throw tree.error(
          .outOfRange, key: key + ".font", "\(jsonText(font)) is no family of letters",
          "give one name of letters, digits, spaces and hyphens, e.g. font: DejaVu Sans")
      }
      style.font = font
    }
    if let tree = entries["slides"] {
      guard case .scalar(.boolean(let slides), _) = tree.content else {
        throw tree.wrongType(key: key + ".slides", expected: "true or false", remedy: "e.g. slides: true")
      }
      style.slides = slides
    }
    return style
  }

  private static func length(
    _ tree: YAMLTree?, key: String, in range: ClosedRange<Double>, unit: String
  ) throws(StudyError) -> Double? {
    guard let tree, !tree.isNull else { return nil }
    let value = try tree.number(key: key)
    guard range.contains(value) else {
      throw tree.error(
        .outOfRange, key: key, "\(KeyValue.number(value)) \(unit) cannot be drawn",
        "give \(KeyValue.number(range.lowerBound)) to \(KeyValue.number(range.upperBound)) \(unit)")
    }
    return value
  }
}

extension FigureDeclaration {
  /// The keys of a study file that say the same, as YAML.
  var optionFields: [String] {
    var fields: [String] = []
    if let height { fields.append("height: \(height.rawValue)") }
    if let against { fields.append("against: \(against.name)") }
    if let scale { fields.append("scale: \(scale.rawValue)") }
    for channel in kind.channels {
      if let axis = axis(channel) { fields.append("\(channel.rawValue): \(axis.name)") }
    }
    if let style {
      var parts: [String] = []
      if let width = style.width { parts.append("width: \(KeyValue.number(width).json)") }
      if let font = style.font { parts.append("font: \(jsonText(font))") }
      if let size = style.fontSize { parts.append("fontSize: \(KeyValue.number(size).json)") }
      if let slides = style.slides { parts.append("slides: \(slides)") }
      fields.append("style: {\(parts.joined(separator: ", "))}")
    }
    return fields
  }
}
