import UnderstudySchema

/// The finished runs that a figure or finding looks at.
struct SelectedRuns {
  let selection: SettingSelection
  let study: Study
  /// The figure or finding, for errors.
  let subject: String

  /// All of them, also those that diverged.
  ///
  /// - Throws: `FigureError.noRuns` if there are none.
  func all() throws(FigureError) -> [RunReader] {
    guard !selection.runs.isEmpty else { throw .noRuns(figure: subject) }
    return selection.runs.map(reader)
  }

  /// Those that reached their last epoch.
  ///
  /// - Throws: `FigureError.noRuns`, and `.allDiverged` if there are none.
  func completed() throws(FigureError) -> [RunReader] {
    guard !selection.runs.isEmpty else { throw .noRuns(figure: subject) }
    return try selection.completedRuns(figure: subject).map(reader)
  }

  private func reader(_ record: RunRecord) -> RunReader { RunReader(record: record, subject: subject) }

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

/// Values that are gathered under keys, a key being numbers and texts in the order in which they sort: a panel, a series, a
/// position.
struct Gathered<Value> {
  enum Part: Hashable, Comparable {
    case number(Double)
    case text(String)
  }

  private var groups: [[Part]: [Value]] = [:]

  mutating func add(_ value: Value, _ key: [Part]) { groups[key, default: []].append(value) }

  /// The values of a key, in the order in which they came.
  subscript(key: [Part]) -> [Value] { groups[key] ?? [] }

  /// In the order of the keys; of each the values in the order in which they came.
  var sorted: [(key: [Part], values: [Value])] {
    groups.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { (key: $0.key, values: $0.value) }
  }

  /// The numbers that occur at a position of the keys, ascending.
  func numbers(_ position: Int) -> [Double] { Set(groups.keys.map { $0[position].number }).sorted() }
}

extension Gathered.Part {
  static func index(_ index: Int) -> Self { .number(Double(index)) }

  /// 0 of a text.
  var number: Double { if case .number(let value) = self { value } else { 0 } }
  /// Of what was made by `index`.
  var index: Int { Int(number) }

  var json: JSONValue {
    switch self {
    case .number(let value): .number(value)
    case .text(let value): .text(value)
    }
  }
}
