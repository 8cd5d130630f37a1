import UnderstudySchema

/// The finished runs that a figure or finding looks at.
struct SelectedRuns {
  let selection: SettingSelection
  let study: Study
  /// The figure or finding, for errors.
  let subject: String

  /// - Throws: as ``SettingSelection``.
  init(_ selection: [String: [KeyValue]], of results: StudyResults, subject: String) throws(FigureError) {
    (self.selection, study) = (try SettingSelection(selection, of: results, subject: subject), results.study)
    self.subject = subject
  }

  /// All of them, also those that diverged.
  ///
  /// - Throws: `FigureError.noRuns` if there are none.
  func all() throws(FigureError) -> [RunReader] {
    guard !selection.runs.isEmpty else { throw .noRuns(figure: subject) }
    return selection.runs.map { RunReader(record: $0, subject: subject) }
  }

  /// Those that reached their last epoch.
  ///
  /// - Throws: `FigureError.noRuns`, and `.allDiverged` if there are none.
  func completed() throws(FigureError) -> [RunReader] {
    let completed = try all().filter { !$0.record.isLeftOut }
    guard !completed.isEmpty else { throw .allDiverged(figure: subject, runCount: selection.runs.count) }
    return completed
  }

  /// The key `path` as a series.
  func series(_ path: String) -> SeriesKey { SeriesKey(path, of: selection, study: study) }

  /// The first of `preferred` that varies in the selection; else the key with the most values there, the first of equals in
  /// the study's order; else the first of `preferred`.
  func mostVaried(_ preferred: [String], except excluded: Set<String> = []) -> SeriesKey {
    for path in preferred {
      let key = series(path)
      if key.isVaried { return key }
    }
    var best = series(preferred.first ?? "student.overRealization")
    for path in study.variedKeys where !excluded.contains(path) {
      let key = series(path)
      if key.values.count > max(1, best.values.count) { best = key }
    }
    return best
  }
}

/// Values that are gathered under keys, a key being numbers: of a panel, a series, a position.
struct Gathered<Value> {
  private var groups: [[Double]: [Value]] = [:]

  mutating func add(_ value: Value, _ key: [Double]) { groups[key, default: []].append(value) }

  /// The values of a key, in the order in which they came.
  subscript(key: [Double]) -> [Value] { groups[key] ?? [] }

  /// In the order of the keys; of each the values in the order in which they came.
  var sorted: [(key: [Double], values: [Value])] {
    groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { (key: $0.key, values: $0.value) }
  }

  /// The numbers that occur at a position of the keys, ascending.
  func numbers(_ position: Int) -> [Double] { Set(groups.keys.map { $0[position] }).sorted() }
}
