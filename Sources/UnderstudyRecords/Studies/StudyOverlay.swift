import UnderstudySchema

/// The keys that one source gives: the file, a scale in it, or the command line. Later layers win over earlier ones.
struct StudyOverlay: Sendable {
  /// By dotted path; setting keys and the declarations below.
  private(set) var values: [String: YAMLTree] = [:]
  /// What keys that are given by a former name are called now, in sentences.
  private(set) var notices: [String] = []

  /// Keys beside the settings that a scale or the command line may replace as a whole.
  static let declarations = ["claim", "zip", "conditions", "seeds", "record", "figures", "style", "findings"]

  init() {}

  /// Reads a mapping in which nested and dotted spellings may be mixed.
  ///
  /// - Parameter extra: keys that are allowed at the top beside settings and declarations, and are left alone.
  /// - Throws: `StudyError`: unknown keys, a key given twice, a group without keys in it.
  init(_ tree: YAMLTree, extra: [String] = []) throws(StudyError) {
    try read(tree, prefix: "", extra: extra)
  }

  /// One `key=value` of the command line; the value is YAML.
  init(override: String) throws(StudyError) {
    let origin = "--set \(override)"
    guard let sign = override.firstIndex(of: "="), sign > override.startIndex else {
      throw StudyError(
        .syntax, origin: origin, problem: "expected key=value", remedy: "e.g. --set training.learningRate=0.1")
    }
    let key = override[..<sign].trimmed
    let value = try YAMLTree.parse(String(override[override.index(after: sign)...]), origin: origin, countsLines: false)
    try read(
      YAMLTree(content: .mapping([.init(key: key, value: value)]), place: .init(origin: origin)), prefix: "", extra: [])
  }

  /// Puts another layer on top. A null takes a key away, so that a scale can undo what the file gives.
  mutating func put(_ layer: StudyOverlay) {
    values.merge(layer.values) { $1 }
    notices += layer.notices
  }

  private mutating func read(_ tree: YAMLTree, prefix: String, extra: [String]) throws(StudyError) {
    guard case .mapping(let entries) = tree.content else {
      if tree.isNull {
        // A group without keys takes all of its keys away.
        for key in StudyKey.all where key.path.hasPrefix("\(prefix).") && values[key.path] == nil {
          values[key.path] = tree
        }
        return
      }
      throw tree.wrongType(
        key: prefix.isEmpty ? "the study" : prefix, expected: "keys",
        remedy: "e.g. \(prefix.isEmpty ? "teacher: {hiddenNodes: 10}" : Self.example(of: prefix))")
    }
    for entry in entries {
      let path = prefix.isEmpty ? entry.key : "\(prefix).\(entry.key)"
      if prefix.isEmpty && extra.contains(path) { continue }
      if let name = StudyKey.named(path)?.path ?? (Self.declarations.contains(path) ? path : nil) {
        guard values[name]?.isNull ?? true else {
          throw entry.value.error(.duplicateKey, key: name, "given twice", "keep one of its spellings")
        }
        values[name] = entry.value
        if name != path {
          notices.append("\(entry.value.place.origin): \(path) is called \(name) now; it is read as that")
        }
      } else if StudyKey.groups.contains(path) || StudyKey.formerGroups.contains(path) {
        try read(entry.value, prefix: path, extra: [])
      } else {
        let known = StudyKey.all.map(\.path) + StudyKey.groups.sorted() + Self.declarations + extra
        throw entry.value.error(
          .unknownKey, key: path, "unknown key", unknownNameRemedy(for: path, among: known))
      }
    }
  }

  private static func example(of group: String) -> String {
    let key = StudyKey.all.first { $0.path.hasPrefix(group + ".") && (group.contains(".") ? $0.form == .file : true) }
    guard let key else { return group }
    let name = key.path.dropFirst(group.count + 1)
    return "\(group): {\(name): \(key.form.isFile ? "PATH" : key.defaultValue?.description ?? "...")}"
  }
}
