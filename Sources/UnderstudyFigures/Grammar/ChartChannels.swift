import UnderstudySchema

/// The keys that vary in the selected runs and that a figure does not show yet.
struct FreeKeys {
  private let runs: SelectedRuns
  /// In the order of the grid.
  private var paths: [String]

  /// - Parameter taken: names of axes that are shown, keys among them.
  init(of runs: SelectedRuns, besides taken: Set<String>) {
    self.runs = runs
    let shown = runs.selection.shownSettings
    paths = runs.study.variedKeys.filter { key in
      // Of keys that go together one is enough.
      !taken.contains(key) && Set(shown.map { runs.study.value(of: key, at: $0) }).count > 1
        && !runs.study.companions(of: key).intersection(taken).contains {
          runs.selection.determines($0, key, in: runs.study)
        }
    }
  }

  /// Takes the first of `preferred` that is there.
  mutating func take(_ preferred: [String]) -> String? {
    guard let path = preferred.first(where: paths.contains) else { return nil }
    let companions = runs.study.companions(of: path)
    paths.removeAll {
      $0 == path || companions.contains($0) && runs.selection.determines(path, $0, in: runs.study)
    }
    return path
  }

  /// Takes over-realization, or the first of the grid. Of keys that go together the first stands for all.
  mutating func next() -> String? {
    let firsts = paths.filter { path in
      runs.study.companions(of: path).isDisjoint(with: paths.prefix { $0 != path })
    }
    return take(firsts.filter { $0 == "student.overRealization" } + firsts.prefix(1))
  }

  /// Takes the key with the most values, the first of equals, if it has no more than `limit`.
  mutating func mostVaried(limit: Int) -> String? {
    let counts = paths.map { (path: $0, count: runs.series($0).values.count) }.filter { $0.count <= limit }
    guard let most = counts.map(\.count).max() else { return nil }
    return take(counts.filter { $0.count == most }.prefix(1).map(\.path))
  }
}

/// The keys that a chart tells apart by colours and panels: the declared ones, the kind's usual ones, and then those that vary
/// most.
///
/// Fields of the data: `p` column and `q` row of panels, `o` colour, all as texts.
struct ChartChannels {
  /// More panels in a row or column than this are not made unasked.
  private static let panelLimit = 8

  private(set) var color: SeriesKey
  /// Whether the kind has colours that tell a key apart, maybe none at the moment.
  private let hasColor: Bool
  let column: SeriesKey
  let row: SeriesKey

  /// - Parameters:
  ///   - color, column, row: keys that the kind puts there if they vary, the first one if none does.
  ///   - fixed: keys that the kind shows in another way.
  ///   - closed: channels that are not filled unasked.
  init(
    of chart: Chart, color: [String] = ["student.overRealization"], column: [String] = ["teacher.strengthDecay"],
    row: [String] = [], fixed: Set<String> = [], closed: Set<FigureDeclaration.Channel> = []
  ) {
    let runs = chart.runs
    let channels = chart.declaration.kind.channels
    func isOpen(_ channel: FigureDeclaration.Channel) -> Bool {
      channels.contains(channel) && !closed.contains(channel) && chart.declaration.axis(channel) == nil
    }
    var free = FreeKeys(of: runs, besides: fixed.union(chart.declaration.channelKeys))
    var paths: [FigureDeclaration.Channel: String] = [:]
    for channel in channels { paths[channel] = chart.declaration.key(of: channel) }
    let usual: KeyValuePairs<FigureDeclaration.Channel, [String]> = [.color: color, .column: column, .row: row]
    for (channel, preferred) in usual where isOpen(channel) { paths[channel] = free.take(preferred) }
    for (channel, _) in usual where isOpen(channel) && paths[channel] == nil {
      paths[channel] = free.mostVaried(limit: channel == .color ? .max : Self.panelLimit)
    }
    func key(_ channel: FigureDeclaration.Channel, _ usual: [String]) -> SeriesKey {
      if let path = paths[channel] { return runs.series(path) }
      // A key that does not vary has its one value in hover labels.
      return isOpen(channel) ? usual.first.map(runs.series) ?? .nothing : .nothing
    }
    self.color = key(.color, color)
    hasColor = channels.contains(.color)
    self.column = key(.column, column)
    self.row = key(.row, row)
  }

  /// The same with colours of another key.
  func colored(by key: SeriesKey) -> ChartChannels {
    var channels = self
    channels.color = key
    return channels
  }

  /// Whether there are panels of several values of a key.
  var isDivided: Bool { row.isVaried || column.isVaried }

  /// The keys that are told apart.
  var paths: Set<String> { Set([color, column, row].map(\.path)) }

  /// Row, column and colour of a run, as indices of their keys' labels.
  func place(of run: RunReader) -> [Double] { [row, column, color].map { Double($0.index(of: run)) } }

  /// The fields of the place at which `Gathered.add(_:of:in:)` put a value.
  func fields(_ place: [Double]) -> [String: JSONValue] {
    var fields: [String: JSONValue] = [:]
    if hasColor { fields["o"] = .text(color.labels[Int(place[2])]) }
    if row.isVaried { fields["q"] = .text(row.labels[Int(place[0])]) }
    // A figure of one panel has that, too.
    if column.isVaried || !row.isVaried { fields["p"] = .text(column.labels[Int(place[1])]) }
    return fields
  }

  /// A row of the data with those fields.
  func placed(_ members: [String: JSONValue], at place: [Double]) -> JSONValue { .object(members.with(fields(place))) }

  /// What descriptions say of the panels, e.g. ", one for each strength decay p (0, 1)".
  var panelWords: String {
    let varied = [column, row].filter(\.isVaried)
    guard !varied.isEmpty else { return "" }
    return ", one for each "
      + varied.map { "\($0.title) (\($0.labels.joined(separator: ", ")))" }.joined(separator: " and ")
  }

  /// The width of all panels side by side, for legends.
  func room(_ style: FigureStyle) -> Double {
    let key = row.isVaried ? row : column
    return style.room(
      columns: row.isVaried && column.isVaried ? column.labels.count : style.columns(key.labels.count))
  }

  /// The members of a document with a panel for each column and row, all drawn alike.
  func panels(
    _ style: FigureStyle, rows data: [JSONValue], encoding: [String: JSONValue], layers: [JSONValue],
    height: Double = 140
  ) -> [String: JSONValue] {
    style.panels(
      columns: column.isVaried || !row.isVaried ? Panels("p", of: column) : nil, rows: panelRows, of: data,
      encoding: encoding, layers: layers, height: height)
  }

  /// nil: there is one row.
  var panelRows: Panels? { row.isVaried ? Panels("q", of: row) : nil }
}

extension Gathered {
  /// Adds a value of a run under its row, column and colour, and what else tells it apart.
  mutating func add(_ value: Value, of run: RunReader, in channels: ChartChannels, _ rest: Int...) {
    add(value, channels.place(of: run) + rest.map(Double.init))
  }
}
