import Foundation
import UnderstudyRecords

/// The settings and finished runs that a figure or finding looks at.
struct SettingSelection {
  /// Positions in the study's grid.
  var settingIndices: [Int]
  /// By setting index, then seed.
  var runs: [RunRecord]
  /// Settings x seeds: how many runs there are once the study is complete.
  var expectedRunCount: Int

  /// Keeps the settings of `results` whose keys have one of the values of `selection`.
  ///
  /// - Throws: `FigureError.unknownKey` and `.emptySelection`; `subject` names the figure or finding in them.
  init(_ selection: [String: [KeyValue]], of results: StudyResults, subject: String) throws(FigureError) {
    let study = results.study
    let flattened = study.settings.map(\.keyValues)
    for key in selection.keys.sorted() where !flattened.contains(where: { $0[key] != nil }) {
      throw .unknownKey(figure: subject, key: key, varied: study.variedKeys)
    }
    settingIndices = study.settings.indices.filter { index in
      selection.allSatisfy { key, values in
        guard let value = flattened[index][key] else { return false }
        return values.contains { $0.matches(value) }
      }
    }
    guard !settingIndices.isEmpty else { throw .emptySelection(figure: subject, selection: selection) }
    let kept = Set(settingIndices)
    runs = results.runs.filter { kept.contains($0.run.settingIndex) }
      .sorted { ($0.run.settingIndex, $0.run.seed) < ($1.run.settingIndex, $1.run.seed) }
    expectedRunCount = settingIndices.count * study.seeds.count
  }

  /// Sentences for the caption: runs that are missing or diverged, and keys whose values the figure pools.
  ///
  /// - Parameter shownKeys: the keys that the figure tells apart.
  func notes(shownKeys: Set<String>, study: Study) -> [String] {
    var notes: [String] = []
    if runs.count < expectedRunCount {
      notes.append("Incomplete: \(runs.count) of \(expectedRunCount) runs have finished.")
    }
    let diverged = divergedRuns
    if !diverged.isEmpty {
      let named = diverged.prefix(6).map { "\($0.label(study: study)) in epoch \($0.divergedEpoch ?? 0)" }
      let rest = diverged.count > 6 ? " and \(diverged.count - 6) more (see the table of runs)" : ""
      notes.append(
        "\(diverged.count) diverged run\(diverged.count == 1 ? " is" : "s are") left out: "
          + named.joined(separator: "; ") + rest + ".")
    }
    let flattened = settingIndices.map { study.settings[$0].keyValues }
    for key in study.variedKeys where !shownKeys.contains(key) {
      var values: [KeyValue] = []
      for value in flattened.compactMap({ $0[key] }) where !values.contains(value) { values.append(value) }
      if values.count > 1 { notes.append("Pools \(key) \(values.map(\.shown).joined(separator: ", ")).") }
    }
    return notes
  }

  var divergedRuns: [RunRecord] { runs.filter { $0.divergedEpoch != nil } }

  /// Which epoch is no epoch of training.
  var finishingNotes: [String] {
    let epochs = Set(runs.map(\.run.setting).filter { $0.finishing.method != .none }.map(\.lastEpoch)).sorted()
    return epochs.isEmpty
      ? [] : ["After the finishing stage: epoch \(epochs.map(String.init).joined(separator: ", "))."]
  }

  /// The runs that reached their last epoch.
  ///
  /// - Throws: `FigureError.allDiverged` if there are none.
  func completedRuns(figure: String) throws(FigureError) -> [RunRecord] {
    let completed = runs.filter { $0.divergedEpoch == nil }
    guard !completed.isEmpty else { throw .allDiverged(figure: figure, runCount: runs.count) }
    return completed
  }
}

extension Setting {
  /// Every key of this setting with its value, dotted as in a study file; keys without a value are absent.
  var keyValues: [String: KeyValue] {
    guard let data = try? JSONEncoder().encode(self),
      let document = try? JSONDecoder().decode(JSONValue.self, from: data)
    else { return [:] }
    var values: [String: KeyValue] = [:]
    document.collectKeyValues(prefix: "", into: &values)
    // Widths and schedules, which are no single values in JSON.
    for key in StudyKey.all where values[key.path] == nil { values[key.path] = value(of: key.path) }
    return values
  }
}

extension JSONValue {
  fileprivate func collectKeyValues(prefix: String, into values: inout [String: KeyValue]) {
    switch self {
    case .object(let members):
      for (key, member) in members {
        member.collectKeyValues(prefix: prefix.isEmpty ? key : prefix + "." + key, into: &values)
      }
    case .number(let value):
      values[prefix] = value == value.rounded() && abs(value) < 1e15 ? .integer(Int(value)) : .number(value)
    case .boolean(let value): values[prefix] = .boolean(value)
    case .text(let value): values[prefix] = .text(value)
    case .array, .null: break
    }
  }
}

extension KeyValue {
  /// Whether the two say the same; numbers compare numerically, so that 1 matches 1.0.
  func matches(_ other: KeyValue) -> Bool {
    if let left = numeric, let right = other.numeric { return left == right }
    return self == other
  }

  var numeric: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    case .text, .boolean: nil
    }
  }
}
