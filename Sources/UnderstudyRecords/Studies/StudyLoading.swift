import Foundation
import UnderstudySchema

extension Study {
  /// What is recorded when a study does not say: the losses of every epoch, and at the end all that costs little.
  public static let defaultRecord: [RecordRule] = [
    RecordRule(measures: [.trainingLoss, .evaluationLoss], moments: .every(1)),
    RecordRule(
      measures: [
        .evaluationCorrelation, .trainingCorrelation, .fanOutNorms, .boundaryStrengths, .nodeGradients,
        .nodeMaximumGradients, .gradientNorms, .trainingDeadNodes, .evaluationDeadNodes, .trainingObservationCounts,
        .evaluationObservationCounts, .teacherFanOutNorms, .weightChanges,
      ], moments: .last),
  ]

  /// `defaultRecord`, and where a drawn teacher has several hidden layers, without what is not defined for
  /// them, and with what costs little of each layer.
  static func usualRecord(of settings: [Setting]) -> [RecordRule] {
    guard settings.contains(where: { $0.teacher.file == nil && $0.teacher.hiddenWidths.count > 1 }) else {
      return defaultRecord
    }
    let ofAnyDepth = defaultRecord.map { rule in
      RecordRule(measures: rule.measures.filter { !Measure.ofTwoLayers.contains($0) }, moments: rule.moments)
    }
    return ofAnyDepth + [RecordRule(measures: Measure.ofLayers, moments: .last)]
  }

  /// Reads a study file: YAML as `Docs/Studies.md` describes it.
  ///
  /// - Parameters:
  ///   - path: the file; paths of files in it are relative to its folder.
  ///   - scale: one of the file's `scales`, whose values win over the file's own; nil for the file as it is.
  ///   - overrides: `key=value` with YAML values, as after `--set`; they win over the scale, later over earlier.
  ///   - kept: the file that was at a path, given the study's name and the path, if a results folder keeps it; asked for files
  ///     that are missing.
  ///   - notice: told what keys that are given by a former name are called now.
  /// - Throws: ``StudyError`` for anything that is not known, not used, of the wrong type, out of range or missing.
  /// - Complexity: O(settings x keys + bytes of the files that are named).
  public static func load(
    path: String, scale: String? = nil, overrides: [String] = [],
    kept: (String, String) -> SourceFile? = { _, _ in nil }, notice: (String) -> Void = { _ in }
  ) throws(StudyError) -> Study {
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      var isFolder: ObjCBool = false
      let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      let remedy =
        isFolder.boolValue
        ? "give a study file, or the name of a bundled study; `understudy keys` lists those"
        : isThere
          ? "check that it is a file you may read" : "check the path; `understudy keys` lists the bundled studies"
      throw StudyError(
        .unreadableFile, origin: path,
        problem: isFolder.boolValue ? "is a folder" : isThere ? "cannot be read" : "no such file", remedy: remedy)
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw StudyError(.unreadableFile, origin: path, problem: "not UTF-8 text", remedy: "give a YAML file")
    }
    let folder = URL(fileURLWithPath: path).standardizedFileURL.deletingLastPathComponent()
    let baseName = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    return try parse(
      text, origin: path, folder: folder, baseName: baseName, scale: scale, overrides: overrides, kept: kept,
      notice: notice)
  }

  /// The names of a study file's scales, in its order; none if it has none or cannot be read.
  public static func scaleNames(path: String) -> [String] {
    guard let text = try? String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8),
      let tree = try? YAMLTree.parse(text, origin: path), case .mapping(let entries) = tree.content,
      let scales = entries.first(where: { $0.key == "scales" }), case .mapping(let named) = scales.value.content
    else { return [] }
    return named.map(\.key)
  }

  /// `load` from a text: without the file system, but for the files that the study names.
  ///
  /// - Parameters:
  ///   - origin: what errors call the text, usually its path.
  ///   - folder: where the paths in it begin.
  ///   - baseName: the study's name if it does not give one.
  public static func parse(
    _ text: String, origin: String, folder: URL, baseName: String, scale: String? = nil, overrides: [String] = [],
    kept: (String, String) -> SourceFile? = { _, _ in nil }, notice: (String) -> Void = { _ in }
  ) throws(StudyError) -> Study {
    let tree = try YAMLTree.parse(text, origin: origin)
    guard case .mapping(let entries) = tree.content else {
      throw tree.wrongType(
        key: "the study", expected: "keys", remedy: "e.g. teacher: {hiddenNodes: 10}; see `understudy keys`")
    }
    func top(_ key: String) -> YAMLTree? { entries.first { $0.key == key }?.value }

    var layer = try StudyOverlay(tree, extra: ["name", "scales"])
    if let chosen = try scaleLayer(scale, of: top("scales"), origin: origin) { layer.put(chosen) }
    for override in overrides { layer.put(try StudyOverlay(override: override)) }
    layer.notices.forEach(notice)

    let name = try top("name")?.text(key: "name").trimmed ?? baseName
    guard !name.isEmpty else {
      throw tree.error(.missingKey, key: "name", "an empty name", "give the study a name")
    }
    // It names a folder below `results/`, and stands in messages on a terminal.
    guard name.utf8.count <= 100, !name.hasPrefix("."), !name.contains("/"),
      !name.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
    else {
      throw (top("name") ?? tree).error(
        .outOfRange, key: "name", "\(jsonText(String(name.prefix(40)))) is no name of a folder",
        "give at most 100 bytes, without slashes and control characters, that do not begin with a dot")
    }
    func declared(_ key: String) -> YAMLTree? {
      guard let tree = layer.values[key], !tree.isNull else { return nil }
      return tree
    }
    let grid = try StudyGrid(layer, folder: folder) { kept(name, $0) }
    var study = Study(name: name, settings: grid.settings, variedKeys: grid.variedKeys, seeds: [1])
    study.zippedKeys = grid.zippedKeys
    if let tree = declared("claim") { study.claim = try tree.text(key: "claim").trimmed }
    if let tree = declared("seeds") { study.seeds = try StudyDeclarations.seeds(tree) }
    study.record = Self.usualRecord(of: study.settings)
    if let tree = declared("record") {
      study.record = try StudyDeclarations.record(tree, settings: study.settings, notice: notice)
    }
    if let tree = declared("figures") {
      study.figures = try StudyDeclarations.figures(tree, settings: study.settings)
    }
    if let style = try StudyDeclarations.style(declared("style"), key: "style") {
      for index in study.figures.indices {
        study.figures[index].style = study.figures[index].style?.over(style) ?? style
      }
    }
    if let tree = declared("findings") {
      study.findings = try StudyDeclarations.findings(
        tree, settings: study.settings, figures: study.figures.map(\.name))
    }
    return study
  }

  private static func scaleLayer(
    _ scale: String?, of tree: YAMLTree?, origin: String
  ) throws(StudyError) -> StudyOverlay? {
    var layers: [(name: String, layer: StudyOverlay)] = []
    if let tree, !tree.isNull {
      guard case .mapping(let scales) = tree.content else {
        throw tree.wrongType(key: "scales", expected: "named scales", remedy: "e.g. scales: {quick: {seeds: 4}}")
      }
      // All are read, so that a mistake in one shows before it is asked for.
      for entry in scales { layers.append((entry.key, try StudyOverlay(entry.value))) }
    }
    guard let scale else { return nil }
    guard let chosen = layers.first(where: { $0.name == scale }) else {
      let known = layers.map(\.name)
      throw StudyError(
        .unknownScale, origin: origin, line: tree?.place.line, key: "scales", problem: "no scale \(jsonText(scale))",
        remedy: known.isEmpty
          ? "this study has no scales; leave --scale out" : "the known ones are \(known.joined(separator: ", "))")
    }
    return chosen.layer
  }
}
