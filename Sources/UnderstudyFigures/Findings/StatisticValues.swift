import UnderstudySchema

/// A statistic of a part of a study's runs, without an expectation.
public struct StatisticValue: Encodable, Hashable, Sendable {
  /// The keys that the parts differ in, with their values.
  public var group: [String: String]
  /// nil: of no hidden layer, and what the statistic looks at by itself.
  public var layer: Int?
  public var epoch: Int?
  /// nil if it cannot be computed.
  public var value: Double?
  /// Why.
  public var reason: String?
  /// Runs that it is computed from.
  public var runCount: Int
}

/// A statistic of each part of a study, in the order of the grid, of the layers and of the epochs.
///
/// - Parameters:
///   - keys: by which runs are told apart; empty: all together.
///   - layers, epochs: what to look at; nil: no layer, and the epochs that the statistic looks at by itself.
///   - selection: the settings that count, as of a finding.
/// - Throws: ``FigureError`` if settings have no such key, or none passes the selection.
/// - Complexity: that of the statistic, for each part, layer and epoch.
public func statisticValues(
  _ statistic: FindingDeclaration.Statistic, of results: StudyResults, by keys: [String] = [],
  layers: [Int?] = [nil], epochs: [Int?] = [nil], selection: [String: [KeyValue]] = [:]
) throws(FigureError) -> [StatisticValue] {
  let selected = try SettingSelection(selection, of: results, subject: statistic.rawValue)
  let settings = selected.settingIndices.map { results.study.settings[$0] }
  for key in keys where !settings.contains(where: { $0.value(of: key) != nil }) {
    throw .unknownKey(figure: statistic.rawValue, key: key, varied: results.study.variedKeys)
  }
  var groups: [[KeyValue]] = []
  for setting in settings {
    let group = keys.compactMap(setting.value)
    if group.count == keys.count, !groups.contains(group) { groups.append(group) }
  }
  return groups.flatMap { group in
    let own = Dictionary(zip(keys, group.map { [$0] })) { $1 }
    return layers.flatMap { layer in
      epochs.map { epoch in
        let finding = evaluate(
          FindingDeclaration(
            statement: statistic.rawValue, statistic: statistic, epoch: epoch, layer: layer,
            selection: selection.merging(own) { $1 }),
          in: results)
        let value = finding.value.flatMap { $0.isFinite ? $0 : nil }
        var reason: String?
        if value == nil, case .notMeasurable(let words) = finding.verdict { reason = words }
        return StatisticValue(
          group: Dictionary(zip(keys, group.map(\.shown))) { $1 }, layer: layer, epoch: epoch, value: value,
          reason: reason, runCount: finding.runCount)
      }
    }
  }
}
