import Foundation
import UnderstudySchema

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
    for key in selection.keys.sorted()
    where !study.settings.indices.contains(where: { study.value(of: key, at: $0) != nil }) {
      throw .unknownKey(figure: subject, key: key, varied: study.variedKeys)
    }
    settingIndices = study.settings.indices.filter { study.matches(selection, at: $0) }
    guard !settingIndices.isEmpty else { throw .emptySelection(figure: subject, selection: selection) }
    let kept = Set(settingIndices)
    runs = results.runs.filter { kept.contains($0.run.settingIndex) }
      .sorted { ($0.run.settingIndex, $0.run.seed) < ($1.run.settingIndex, $1.run.seed) }
    expectedRunCount = settingIndices.count * study.seeds.count
  }

  /// Sentences for the caption: runs that are missing or diverged.
  func notes(study: Study, leavesOutDiverged: Bool = true) -> [String] {
    var notes: [String] = []
    if runs.count < expectedRunCount {
      notes.append("Incomplete: \(runs.count) of \(expectedRunCount) runs have finished.")
    }
    let diverged = divergedRuns
    if leavesOutDiverged, !diverged.isEmpty {
      let named = diverged.prefix(2).map { "\($0.label(study: study)) in epoch \($0.divergedEpoch ?? 0)" }
      let rest = diverged.count > 2 ? " and \(diverged.count - 2) more (see the table of runs)" : ""
      notes.append(
        "\(diverged.count) diverged run\(diverged.count == 1 ? " is" : "s are") left out: "
          + named.joined(separator: "; ") + rest + ".")
    }
    let ended = runs.filter { $0.divergedEpoch != nil && !$0.isLeftOut }
    if !ended.isEmpty {
      let named = ended.prefix(2).map { "\($0.label(study: study)) at step \($0.divergedEpoch ?? 0)" }
      notes.append(
        "\(counted(ended.count, "run")) diverged, and \(ended.count == 1 ? "ends" : "end") there: "
          + named.joined(separator: "; ") + (ended.count > 2 ? " and \(ended.count - 2) more." : "."))
    }
    return notes
  }

  /// Sentences about the keys that vary and that a figure does not tell apart.
  struct UnshownKeys: Hashable {
    /// Keys whose values the figure pools.
    var pooled: [String] = []
    /// Keys that go along with one that it shows.
    var accompanying: [String] = []

    var sentences: [String] { pooled + accompanying }
  }

  /// - Parameter shownKeys: the keys that the figure tells apart.
  func unshownKeys(beside shownKeys: Set<String>, study: Study) -> UnshownKeys {
    func values(_ key: String) -> [KeyValue] {
      shownSettings.compactMap { study.value(of: key, at: $0) }.distinct
    }
    var found = UnshownKeys()
    for key in study.variedKeys where !shownKeys.contains(key) && values(key).count > 1 {
      let texts = values(key).map(\.shown)
      // Schedules and lists have commas of their own.
      let list = texts.joined(separator: texts.contains { $0.contains(",") } ? "; " : ", ")
      let partners = study.companions(of: key)
      let shownPartners = shownKeys.sorted().filter(partners.contains)
      // A value that is shown may stand beside several of this key: then they are pooled.
      if let shown = shownPartners.first(where: { determines($0, key, in: study) }) {
        found.accompanying.append("With \(shown) goes \(key): \(list).")
      } else if !shownPartners.isEmpty {
        found.pooled.append("Pools \(key) \(list).")
        // Of keys that go together, one stands for all.
      } else if !study.variedKeys.prefix(while: { $0 != key }).contains(where: partners.contains) {
        let along = partners.isEmpty ? "" : ", and with it \(partners.sorted().joined(separator: " and "))"
        found.pooled.append("Pools \(key) \(list)\(along).")
      }
    }
    return found
  }

  /// Whether all settings that share the value of a key share that of another one.
  func determines(_ key: String, _ other: String, in study: Study) -> Bool {
    Dictionary(grouping: shownSettings) { study.value(of: key, at: $0) }.values.allSatisfy { same in
      Set(same.map { study.value(of: other, at: $0) }).count == 1
    }
  }

  /// The settings of which a run completed; all of them while there is none.
  var shownSettings: [Int] { settings(of: runs.filter { !$0.isLeftOut }) }

  /// Those of which there is a run, also a diverged one; all of them while there is none.
  var recordedSettings: [Int] { settings(of: runs) }

  private func settings(of runs: [RunRecord]) -> [Int] {
    let present = Set(runs.map(\.run.settingIndex))
    return present.isEmpty ? settingIndices : settingIndices.filter(present.contains)
  }

  var divergedRuns: [RunRecord] { runs.filter(\.isLeftOut) }

  /// Which epoch is no epoch of training.
  var searchNotes: [String] {
    let epochs = Set(runs.map(\.run.setting).filter { $0.criticalPoint.method != .none }.map(\.lastEpoch)).sorted()
    return epochs.isEmpty
      ? [] : ["After the search for a critical point: epoch \(epochs.map(String.init).joined(separator: ", "))."]
  }
}
