import UnderstudySchema

extension Study {
  /// The study as resolved, as YAML that loads to an equal study: scales and overrides applied, defaults written out,
  /// paths absolute.
  ///
  /// Writing the defaults out keeps the file's meaning should a later version change one.
  ///
  /// - Parameter fileName: what to call a file that a setting names.
  /// - Throws: ``StudyError`` of kind `notAGrid` if the settings are not all combinations of some lists, which can only be
  ///   so for a study that was made in code.
  public func yaml(fileName: (SourceFile) -> String = \.path) throws(StudyError) -> String {
    var lines = [
      "# A study as Understudy resolved it: scale and overrides applied, defaults written out.",
      "name: \(jsonText(name))",
    ]
    if !claim.isEmpty { lines.append("claim: \(jsonText(claim))") }
    for (key, found) in try axes() {
      let values = found.map { value in value.file.map { KeyValue.text(fileName($0)) } ?? value.value }
      lines.append("\(key.path): \(values.count == 1 ? values[0].json : Self.flow(values.map(\.json)))")
    }
    if !zippedKeys.isEmpty { lines.append("zip: \(Self.flow(zippedKeys.map(Self.flow)))") }
    lines.append("seeds: \(Self.flow(seeds.map(String.init)))")
    lines.append("record:")
    for rule in record {
      let moment = rule.moments.canonicalText.replacing("\"", with: "").replacing(":", with: ": ")
      lines.append("  - {measures: \(Self.flow(rule.measures.map(\.rawValue))), \(moment)}")
    }
    if !figures.isEmpty { lines.append("figures:") }
    for figure in figures {
      var fields = ["name: \(jsonText(figure.name))", "kind: \(figure.kind.rawValue)"]
      if !figure.caption.isEmpty { fields.append("caption: \(jsonText(figure.caption))") }
      if !figure.selection.isEmpty { fields.append("where: \(Self.flow(figure.selection))") }
      if !figure.epochs.isEmpty { fields.append("epochs: \(Self.flow(figure.epochs.map(String.init)))") }
      if let plot = figure.plot { fields += plot.fields(of: figure.kind) }
      fields += figure.optionFields
      lines.append("  - {\(fields.joined(separator: ", "))}")
    }
    if !findings.isEmpty { lines.append("findings:") }
    for finding in findings {
      var fields = ["statement: \(jsonText(finding.statement))", "statistic: \(finding.statistic.rawValue)"]
      if let epoch = finding.epoch { fields.append("epoch: \(epoch)") }
      if let layer = finding.layer { fields.append("layer: \(layer)") }
      if let against = finding.against { fields.append("against: \(against.name)") }
      if !finding.selection.isEmpty { fields.append("where: \(Self.flow(finding.selection))") }
      if let comparison = finding.comparison {
        fields.append(
          "compare: {\(comparison.key): [\(comparison.first.json), \(comparison.second.json)]}, as: \(comparison.kind.rawValue)"
        )
      }
      if let figure = finding.figure { fields.append("figure: \(jsonText(figure))") }
      if let bound = finding.atLeast { fields.append("atLeast: \(bound)") }
      if let bound = finding.atMost { fields.append("atMost: \(bound)") }
      lines.append("  - {\(fields.joined(separator: ", "))}")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The lists whose combinations are the settings. Keys without effect are left out: a file that gives them is refused.
  private func axes() throws(StudyError) -> [(key: StudyKey, values: [GridValue])] {
    var axes: [(key: StudyKey, values: [GridValue])] = []
    var count = 1
    for key in StudyKey.all where settings.contains(where: { key.idleReason($0) == nil }) {
      let group = zippedKeys.first { $0.contains(key.path) } ?? [key.path]
      let values = try values(of: key, alongWith: group.compactMap(StudyKey.named))
      if values.map(\.value) == [.integer(0)], ["training.batchSize", "training.stepsPerEpoch"].contains(key.path) {
        continue  // As training.batches.file has it.
      }
      guard !values.isEmpty else { continue }
      axes.append((key, values))
      if group[0] == key.path { count *= values.count }
    }
    guard count == settings.count else {
      throw StudyError(
        .notAGrid, origin: name, problem: "\(settings.count) settings are not all combinations of some lists",
        remedy: "make one study for each grid")
    }
    return axes
  }

  /// The values of a key, one for each combination of the values of a group that it is in.
  private func values(of key: StudyKey, alongWith group: [StudyKey]) throws(StudyError) -> [GridValue] {
    var values: [GridValue] = []
    var known: Set<[KeyValue?]> = []
    for setting in settings {
      guard let value = key.read(setting), known.insert(group.map { $0.read(setting) }).inserted else { continue }
      values.append(GridValue(value: value, file: key.file(setting)))
    }
    return values
  }

  private static func flow(_ items: [String]) -> String { "[\(items.joined(separator: ", "))]" }

  private static func flow(_ selection: [String: [KeyValue]]) -> String {
    let fields = selection.sorted { $0.key < $1.key }.map { "\($0.key): \(flow($0.value.map(\.json)))" }
    return "{\(fields.joined(separator: ", "))}"
  }
}
