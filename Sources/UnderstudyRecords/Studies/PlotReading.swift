import UnderstudySchema

// Reading and writing of figures that show any quantity.

extension StudyDeclarations {
  /// What a figure of these kinds shows; nil for all other kinds.
  static func plot(
    _ entries: [String: YAMLTree], of kind: FigureDeclaration.Kind, _ item: YAMLTree
  ) throws(StudyError) -> PlotDeclaration? {
    let given = entries.filter { !$0.value.isNull }
    guard kind.isPlot else {
      let own = kind.options
      for key in FigureDeclaration.Kind.plotOptions where !own.contains(key) {
        guard let tree = given[key] else { continue }
        let known = own.isEmpty ? "" : "; it has \(own.joined(separator: ", "))"
        let reason = FigureDeclaration.Channel(rawValue: key).flatMap(kind.objection)
        throw tree.error(
          .unusedKey, key: "figures.\(key)",
          "figures of kind \(kind.rawValue) have no \(key)\(reason.map { ": \($0)" } ?? "")",
          "remove it, or make the kind plot or heatMap\(known)")
      }
      return nil
    }
    // The quantity is the height of a plot, and the colour of a heat map.
    let place = kind == .plot ? "y" : "color"
    guard let tree = given[place] else {
      throw item.error(
        .missingKey, key: "figures.\(place)", "a \(kind.rawValue) that does not say what it shows",
        "give a measure or a statistic of findings, e.g. \(place): recoveredShare")
    }
    var plot = PlotDeclaration(try quantity(tree, key: "figures.\(place)"))
    func axis(_ key: String) throws(StudyError) -> PlotDeclaration.Axis? {
      guard let tree = given[key] else { return nil }
      return try self.axis(tree, key: "figures.\(key)")
    }
    plot.x = try axis("x")
    if kind == .plot { plot.color = try axis("color") } else { plot.y = try axis("y") }
    (plot.row, plot.column) = (try axis("row"), try axis("column"))
    plot.reductions = try reductions(entries["reduce"], of: plot.quantity)
    if let tree = given["layer"] {
      plot.layer = try tree.integer(key: "figures.layer", atLeast: 1, atMost: LayerWidths.greatestDepth)
    }
    if let tree = given["band"] {
      guard kind == .plot else {
        throw tree.error(.unusedKey, key: "figures.band", "a heat map has no band", "remove it")
      }
      plot.band = try tree.choice(of: PlotDeclaration.Band.self, key: "figures.band", what: "band")
    }
    if let tree = given["scale"] {
      plot.scale = try tree.choice(of: PlotDeclaration.Scale.self, key: "figures.scale", what: "scale")
    }
    try check(plot, entries)
    return plot
  }

  private static func quantity(_ tree: YAMLTree, key: String) throws(StudyError) -> PlotDeclaration.Quantity {
    let name = try tree.text(key: key)
    guard let quantity = PlotDeclaration.Quantity(named: name) else {
      throw tree.error(
        .unknownName, key: key, "no measure or statistic is called \(jsonText(name))",
        unknownNameRemedy(
          for: name, among: Measure.allCases.map(\.rawValue) + FindingDeclaration.Statistic.allCases.map(\.rawValue)))
    }
    return quantity
  }

  static func axis(_ tree: YAMLTree, key: String) throws(StudyError) -> PlotDeclaration.Axis {
    let name = try tree.text(key: key)
    guard let axis = PlotDeclaration.Axis(named: name) else {
      throw tree.error(
        .unknownKey, key: key, "no key of settings is called \(jsonText(name))",
        "give epoch, node, layer, none, or a key (`understudy keys` lists them); "
          + unknownNameRemedy(for: name, among: ["epoch", "node", "layer", "none"] + StudyKey.all.map(\.path)))
    }
    return axis
  }

  private static func reductions(
    _ tree: YAMLTree?, of quantity: PlotDeclaration.Quantity
  ) throws(StudyError) -> [PlotDeclaration.Reduction] {
    guard let tree, !tree.isNull else { return [] }
    if case .statistic = quantity {
      throw tree.error(
        .unusedKey, key: "figures.reduce", "the statistic \(quantity.name) is one number already", "remove it")
    }
    var reductions: [PlotDeclaration.Reduction] = []
    for item in tree.items {
      let text = try item.text(key: "figures.reduce")
      guard let reduction = PlotDeclaration.Reduction(text) else {
        throw item.error(
          .unknownName, key: "figures.reduce", "\(jsonText(text)) is no way to make one number of several",
          "\(unknownNameRemedy(for: text, among: PlotDeclaration.Reduction.texts)); give one of "
            + "\(PlotDeclaration.Reduction.texts.joined(separator: ", ")), or a list of them")
      }
      reductions.append(reduction)
    }
    return reductions
  }

  private static func check(_ plot: PlotDeclaration, _ entries: [String: YAMLTree]) throws(StudyError) {
    var seen: [PlotDeclaration.Axis] = []
    for (key, axis) in [
      ("x", plot.x), ("y", plot.y), ("color", plot.color), ("row", plot.row), ("column", plot.column),
    ] {
      guard let axis, axis != .nothing, let tree = entries[key] else { continue }
      guard !seen.contains(axis) else {
        throw tree.error(
          .duplicateValue, key: "figures.\(key)", "\(axis.name) is shown in two ways", "give each channel its own")
      }
      seen.append(axis)
      if case .statistic(let statistic) = plot.quantity, axis == .node || (axis == .layer && !statistic.needsLayer) {
        throw tree.error(
          .contradiction, key: "figures.\(key)", "the statistic \(statistic.rawValue) has no \(axis.name)",
          "show a measure instead, or another key")
      }
    }
    if plot.layer != nil, seen.contains(.layer), let tree = entries["layer"] {
      throw tree.error(
        .contradiction, key: "figures.layer", "one layer is chosen, and layers are told apart", "give one of the two")
    }
  }
}

extension PlotDeclaration {
  /// The keys of a study file that say the same, as YAML.
  func fields(of kind: FigureDeclaration.Kind) -> [String] {
    var fields = ["\(kind == .plot ? "y" : "color"): \(quantity.name)"]
    for (name, axis) in [
      ("x", x), (kind == .plot ? "color" : "y", kind == .plot ? color : y), ("row", row), ("column", column),
    ] {
      if let axis { fields.append("\(name): \(axis.name)") }
    }
    if !reductions.isEmpty { fields.append("reduce: [\(reductions.map(\.text).joined(separator: ", "))]") }
    if let layer { fields.append("layer: \(layer)") }
    if kind == .plot, band != .quartiles { fields.append("band: \(band.rawValue)") }
    if scale != .linear { fields.append("scale: \(scale.rawValue)") }
    return fields
  }
}
