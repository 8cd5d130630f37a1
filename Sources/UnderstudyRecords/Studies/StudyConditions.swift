import UnderstudySchema

/// Values that hold in a part of a grid only: `conditions: [{where: {KEY: VALUE}, set: {KEY: VALUE}}]`.
///
/// They become zipped keys: the keys that a condition looks at and those that it sets go together, with one combination of values
/// after the other. Combinations that become equal count once.
struct StudyConditions {
  private struct Condition {
    var tree: YAMLTree
    /// By the key's path.
    var selection: [String: [KeyValue]]
    var values: [(key: StudyKey, tree: YAMLTree, value: KeyValue)]

    var keys: Set<String> { Set(selection.keys).union(values.map(\.key.path)) }
  }

  private var conditions: [Condition] = []

  /// - Parameter layer: all layers of the study put together.
  init(_ layer: StudyOverlay) throws(StudyError) {
    guard let tree = layer.values["conditions"], !tree.isNull else { return }
    for item in tree.items {
      let entries = try item.entries(key: "conditions", known: ["where", "set"])
      func isMissing(_ tree: YAMLTree?) -> Bool {
        guard let tree, !tree.isNull else { return true }
        if case .mapping(let keys) = tree.content { return keys.isEmpty }
        return false
      }
      guard let selection = entries["where"], let values = entries["set"], !isMissing(selection), !isMissing(values)
      else {
        throw item.error(
          .missingKey, key: "conditions", "a condition without \(isMissing(entries["where"]) ? "where" : "set")",
          "e.g. {where: {student.overRealization: 10}, set: {training.learningRate: 0.002}}")
      }
      var condition = Condition(tree: item, selection: [:], values: [])
      for (key, tree) in try Self.keys(selection, "conditions.where") {
        condition.selection[key.path] = try tree.items.map { item throws(StudyError) in try key.checked(item) }
      }
      for (key, tree) in try Self.keys(values, "conditions.set") {
        guard !key.form.isFile else {
          throw tree.error(
            .wrongType, key: "conditions.set", "\(key.path) is a file", "zip files with what they go with")
        }
        // Beside other keys it leaves a combination out: the setting that it becomes is there already.
        guard condition.selection[key.path] == nil || condition.selection.count > 1 else {
          throw tree.error(
            .contradiction, key: "conditions.set", "\(key.path) is selected by where as well", "change its list instead"
          )
        }
        condition.values.append((key, tree, try key.checked(tree)))
      }
      conditions.append(condition)
    }
  }

  private static func keys(_ tree: YAMLTree, _ name: String) throws(StudyError) -> [(StudyKey, YAMLTree)] {
    let layer = try StudyOverlay(tree)
    return try layer.values.sorted { $0.key < $1.key }.map { path, value throws(StudyError) in
      guard let key = StudyKey.named(path) else {
        throw value.error(
          .unknownKey, key: name, "\(path) is no key of a setting", "give keys as above, e.g. training.epochs")
      }
      return (key, value)
    }
  }

  /// Replaces the lists of the keys that the conditions are about by lists that go together.
  ///
  /// - Parameters:
  ///   - axes: the study's keys with their values, in the order of keys.
  ///   - zippedKeys: those that the study zips; conditions join groups, and add some.
  /// - Throws: `StudyError` if a condition selects nothing, or a key that the study does not give.
  func apply(to axes: inout [StudyGrid.Axis], zippedKeys: inout [[String]]) throws(StudyError) {
    for condition in conditions {
      for path in condition.selection.keys.sorted() where !axes.contains(where: { $0.key.path == path }) {
        throw condition.tree.error(
          .missingKey, key: "conditions.where", "the study gives no \(path)", "give it, with all values that it takes")
      }
      for (path, selected) in condition.selection {
        let values = axes.first { $0.key.path == path }?.values ?? []
        for value in selected where !values.contains(where: { $0.value.isSame(as: value) }) {
          throw condition.tree.error(
            .emptySelection, key: "conditions.where", "no setting of the study has \(path) \(value)",
            "select values of the grid")
        }
      }
      for (key, tree, value) in condition.values where !axes.contains(where: { $0.key.path == key.path }) {
        guard let usual = key.read(Setting()) else {
          throw tree.error(
            .missingKey, key: "conditions.set", "\(key.path) has no default, and the study does not give it",
            "give its value for the rest of the grid: \(key.path): \(value)")
        }
        axes.append(StudyGrid.Axis(key, tree, [GridValue(value: usual, file: nil)]))
      }
      let groups = zippedKeys.filter { !condition.keys.isDisjoint(with: $0) }
      let together = condition.keys.union(groups.joined())
      let positions = axes.indices.filter { together.contains(axes[$0].key.path) }
      let rows = try self.rows(of: positions.map { axes[$0] }, zipped: groups, condition)
      for (column, position) in positions.enumerated() { axes[position].values = rows.map { $0[column] } }
      zippedKeys.removeAll { groups.contains($0) }
      zippedKeys.append(StudyKey.all.map(\.path).filter(together.contains))
    }
    // As keys are ordered everywhere; a study that has no conditions is so already.
    let places = Dictionary(uniqueKeysWithValues: StudyKey.all.enumerated().map { ($1.path, $0) })
    axes.sort { places[$0.key.path, default: 0] < places[$1.key.path, default: 0] }
  }

  /// All combinations of the axes' values, those of a group one by one, with what the condition sets; equal ones once.
  private func rows(
    of axes: [StudyGrid.Axis], zipped groups: [[String]], _ condition: Condition
  ) throws(StudyError) -> [[GridValue]] {
    var rows: [[Int]] = [[]]
    for (position, axis) in axes.enumerated() {
      // One of a group takes the row that its first one has taken.
      let group = groups.first { $0.contains(axis.key.path) }
      let first = group.flatMap { group in axes[..<position].firstIndex { group.contains($0.key.path) } }
      rows = rows.flatMap { row in
        first.map { [row + [row[$0]]] } ?? axis.values.indices.map { row + [$0] }
      }
      guard rows.count <= SettingGrid.greatestCount else {
        throw condition.tree.error(
          .outOfRange, key: "conditions", "its keys have more than \(SettingGrid.greatestCount) combinations",
          "shorten the lists, or make several studies")
      }
    }
    var (changed, isSelected): ([[GridValue]], Bool) = ([], false)
    var known: Set<[GridValue]> = []
    for row in rows {
      var values = row.enumerated().map { axes[$0].values[$1] }
      let matches = condition.selection.allSatisfy { key, selected in
        guard let position = axes.firstIndex(where: { $0.key.path == key }) else { return false }
        return selected.contains { $0.isSame(as: values[position].value) }
      }
      if matches {
        isSelected = true
        for (key, _, value) in condition.values {
          guard let position = axes.firstIndex(where: { $0.key.path == key.path }) else { continue }
          values[position] = GridValue(value: value, file: nil)
        }
      }
      if known.insert(values).inserted { changed.append(values) }
    }
    guard isSelected else {
      throw condition.tree.error(
        .emptySelection, key: "conditions.where", "no setting of the study has these values",
        "select values of the grid")
    }
    return changed
  }
}
