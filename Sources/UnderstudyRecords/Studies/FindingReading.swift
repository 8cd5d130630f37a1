import UnderstudySchema

// Reading of what a study expects.

extension StudyDeclarations {
  /// - Parameter figures: the names of those that the study declares.
  static func findings(
    _ tree: YAMLTree, settings: [Setting], figures: [String]
  ) throws(StudyError) -> [FindingDeclaration] {
    var findings: [FindingDeclaration] = []
    for item in tree.items {
      let entries = try item.entries(
        key: "findings",
        known: [
          "statement", "statistic", "epoch", "layer", "against", "where", "compare", "as", "figure", "atLeast",
          "atMost",
        ])
      guard let statement = entries["statement"], let statistic = entries["statistic"] else {
        throw item.error(
          .missingKey, key: "findings", "a finding without \(entries["statement"] == nil ? "statement" : "statistic")",
          "e.g. {statement: All are recovered., statistic: recoveredShare, atLeast: 1}")
      }
      var finding = FindingDeclaration(
        statement: try statement.text(key: "findings.statement").trimmed,
        statistic: try statistic.choice(
          of: FindingDeclaration.Statistic.self, key: "findings.statistic", what: "statistic"),
        selection: try selection(entries["where"], key: "findings.where", settings: settings))
      finding.epoch = try entries["epoch"].map { tree throws(StudyError) in
        try tree.integer(key: "findings.epoch", atLeast: 0)
      }
      finding.layer = try layer(entries["layer"], of: finding, item, settings: settings)
      finding.against = try sampleAxis(
        entries["against"], key: "findings.against", isOf: finding.statistic == .sampleExponent)
      finding.comparison = try comparison(entries, of: finding, settings: settings)
      finding.figure = try figure(entries["figure"], among: figures)
      finding.atLeast = try entries["atLeast"].map { tree throws(StudyError) in
        try tree.number(key: "findings.atLeast")
      }
      finding.atMost = try entries["atMost"].map { tree throws(StudyError) in
        try tree.number(key: "findings.atMost")
      }
      guard finding.atLeast != nil || finding.atMost != nil else {
        throw item.error(.missingKey, key: "findings", "a finding without bounds", "give atLeast, atMost or both")
      }
      if let low = finding.atLeast, let high = finding.atMost, low > high {
        throw item.error(.contradiction, key: "findings.atLeast", "\(low) is above atMost \(high)", "exchange them")
      }
      findings.append(finding)
    }
    return findings
  }

  /// The figure under which a report has a finding.
  private static func figure(_ tree: YAMLTree?, among names: [String]) throws(StudyError) -> String? {
    guard let tree, !tree.isNull else { return nil }
    let name = try tree.text(key: "findings.figure").trimmed
    guard names.contains(name) else {
      let remedy =
        names.isEmpty ? "declare it under figures, or leave figure out" : "name one of \(names.joined(separator: ", "))"
      throw tree.error(.outOfRange, key: "findings.figure", "the study declares no figure '\(name)'", remedy)
    }
    return name
  }

  /// The two values of a key that a finding compares.
  private static func comparison(
    _ entries: [String: YAMLTree], of finding: FindingDeclaration, settings: [Setting]
  ) throws(StudyError) -> FindingDeclaration.Comparison? {
    guard let tree = entries["compare"], !tree.isNull else {
      if let kind = entries["as"], !kind.isNull {
        throw kind.error(.unusedKey, key: "findings.as", "nothing is compared", "add compare, or leave as out")
      }
      return nil
    }
    let remedy = "give one key with two values, e.g. compare: {student.overRealization: [5, 1]}"
    let selected = try selection(tree, key: "findings.compare", settings: settings)
    guard let (key, values) = selected.first, selected.count == 1, values.count == 2, !values[0].isSame(as: values[1])
    else { throw tree.error(.outOfRange, key: "findings.compare", "not two values of one key", remedy) }
    guard finding.selection[key] == nil else {
      throw tree.error(
        .contradiction, key: "findings.compare", "\(key) is compared, and selected by where as well",
        "leave it out of where")
    }
    for value in values {
      let whole = finding.selection.merging([key: [value]]) { $1 }
      guard settings.contains(where: { $0.matches(whole) }) else {
        throw tree.error(
          .emptySelection, key: "findings.compare", "no selected setting has \(key) \(value)",
          "compare values that the grid has")
      }
    }
    var comparison = FindingDeclaration.Comparison(key: key, first: values[0], second: values[1])
    if let kind = entries["as"], !kind.isNull {
      comparison.kind = try kind.choice(
        of: FindingDeclaration.Comparison.Kind.self, key: "findings.as", what: "comparison")
    }
    return comparison
  }

  /// The hidden layer of a finding, which all selected teachers that are not files must have.
  private static func layer(
    _ tree: YAMLTree?, of finding: FindingDeclaration, _ item: YAMLTree, settings: [Setting]
  ) throws(StudyError) -> Int? {
    let key = "findings.layer"
    let name = finding.statistic.rawValue
    guard let tree, !tree.isNull else {
      guard !finding.statistic.needsLayer else {
        throw item.error(
          .missingKey, key: key, "\(name) is of one hidden layer, and none is given",
          "add layer: 1 for the lowest hidden layer, 2 for the one above it, and so on")
      }
      return nil
    }
    guard finding.statistic.needsLayer else {
      throw tree.error(.unusedKey, key: key, "\(name) is not of one hidden layer", "leave layer out")
    }
    let layer = try tree.integer(key: key, atLeast: 1, atMost: LayerWidths.greatestDepth)
    for setting in settings where setting.teacher.file == nil && setting.matches(finding.selection) {
      let widths = setting.teacher.hiddenWidths
      guard layer <= widths.count else {
        throw tree.error(
          .outOfRange, key: key,
          "there is no layer \(layerLabel(layer)) in a selected teacher of \(LayerWidths(widths)) nodes",
          "give a layer from 1 (lowest) to \(widths.count), or select deeper teachers, e.g. where: {teacher.widths: ...}"
        )
      }
    }
    return layer
  }
}
