import UnderstudySchema

/// Curves over the epochs of students that differ in over-realization (colours) and in another key (strokes, or colours if it is all
/// that varies), most often what they learn from: the mean over runs, with a band from the lowest to the highest run.
///
/// Fields of the data: `k` "run" or "level", `p` panel, `o` over-realization as a text, `s` the other key as a text, `t` epoch, `y`
/// mean, `a`...`b` lowest and highest run, `n` runs, `q` row of panels if there are several; of a level `y`, `w`, its name, and `e`,
/// the side on which it stands.
struct LearningCurves {
  /// A horizontal line that students are compared with.
  struct Level {
    var name: String
    /// nil: of all over-realizations.
    var overRealization: String?
    var value: Double
  }

  /// Where panels stand: a column, and a row by its place among the values of a key.
  private struct Panel: Hashable {
    var name: String
    var row: Int
  }

  let channels: ChartChannels
  /// nil: nothing else varies.
  let stroke: SeriesKey?
  private var values = Gathered<Double>()
  private var levels: [Panel: [Level]] = [:]
  private var panels: [String] = []

  init(of chart: Chart) {
    let keys = chart.keys
    (channels, stroke) = (keys.channels, keys.stroke)
  }

  var color: SeriesKey { channels.color }
  /// The panels in a row of them: as they came, or in the order of the values of a key.
  private var columns: [String] {
    channels.column.isVaried ? channels.column.labels.filter(panels.contains) : panels
  }

  private var rowKey: SeriesKey { channels.row }

  /// Adds a run's value at an epoch to a panel; panels stand in the order in which they come.
  mutating func add(_ value: Double, of run: RunReader, at epoch: Int, panel: String) {
    if !panels.contains(panel) { panels.append(panel) }
    let place = [
      panels.firstIndex(of: panel) ?? 0, color.index(of: run), stroke?.index(of: run) ?? 0, epoch, row(of: run),
    ]
    values.add(value, place.map(Double.init))
  }

  /// - Parameter row: the place among the values of the key of rows.
  mutating func add(_ level: Level, panel: String, row: Int) {
    levels[Panel(name: panel, row: row), default: []].append(level)
  }

  /// The row of a run's panels.
  func row(of run: RunReader) -> Int { rowKey.index(of: run) }

  private var rows: [JSONValue] {
    let curves: [JSONValue] = values.sorted.map { key, values in
      let row: [String: JSONValue] = [
        "k": "run", "p": .text(panels[Int(key[0])]), "o": .text(color.labels[Int(key[1])]),
        "s": .text(stroke?.labels[Int(key[2])] ?? ""), "t": .number(key[3]),
      ]
      return placed(row.with(Self.members(values)), in: Int(key[4]))
    }
    let places = columns.flatMap { name in rowKey.labels.indices.map { Panel(name: name, row: $0) } }
    let lines: [JSONValue] = places.flatMap { panel in
      (levels[panel] ?? []).sorted { $0.value > $1.value }.enumerated().map { index, level in
        let row: [String: JSONValue] = [
          "k": "level", "p": .text(panel.name), "o": level.overRealization.map(JSONValue.text) ?? nil,
          "w": .text(level.name), "y": .display(level.value), "e": .text(index == 0 ? "above" : "below"),
        ]
        return placed(row, in: panel.row)
      }
    }
    return curves + lines
  }

  private func placed(_ row: [String: JSONValue], in place: Int) -> JSONValue {
    .object(rowKey.isVaried ? row.with(["q": .text(rowKey.labels[place])]) : row)
  }

  /// Of the runs at a place, one at least: `y` mean, `a`...`b` lowest and highest, `n` how many.
  static func members(_ values: [Double]) -> [String: JSONValue] {
    [
      "y": .display(mean(values) ?? .nan), "a": .display(values.min() ?? .nan), "b": .display(values.max() ?? .nan),
      "n": .integer(values.count),
    ]
  }

  /// The over-realizations that have runs.
  private var shownLabels: [String] { values.numbers(1).map { color.labels[Int($0)] } }

  /// What descriptions say of the strokes.
  var strokeWords: String { stroke.map { ", a stroke for each \($0.title)" } ?? "" }
  /// What notes say of lines and bands.
  static func bandWords(runCount: Int) -> String {
    runCount > 1 ? " Lines: mean over runs; bands: from the lowest to the highest run." : ""
  }

  var runCount: Int { values.sorted.map(\.values.count).max() ?? 1 }

  /// The members of a document with a panel for each that was added.
  ///
  /// - Parameter title: of the height.
  func members(_ style: FigureStyle, title: String, format: String) -> [String: JSONValue] {
    func y(_ field: String) -> JSONValue {
      FigureStyle.quantity(
        field, .text(title), scale: ["zero": false, "nice": true, "padding": 4],
        axis: ["tickCount": 5, "format": .text(format)])
    }
    let detail: [String: JSONValue] = ["detail": ["field": "s", "type": "nominal"]]
    let band = runCount > 1 ? [Layers.band(y, opacity: 0.15, detail)] : []
    let line = Layers.line(y("y"), width: 1.6, stroke.map { ["strokeDash": style.strokes("s", $0)] } ?? detail)
    let hovers =
      (stroke.map { [FigureStyle.hover("s", $0.title, "nominal")] } ?? []) + [
        FigureStyle.hover("o", color.title, "nominal"), style.timeHover, FigureStyle.hover("y", title, format: ".4f"),
      ] + Hovers.extremes(".4f")
    let dots = Layers.of(Layers.dot(10), detail.with(["y": y("y"), "tooltip": .array(hovers)]))
    let layers = (band + [line, dots]).map { $0.filtered("datum.k == 'run'") } + levelLayers(y)
    let encoding: [String: JSONValue] = [
      "x": style.epochs(values.numbers(3).map { Int($0) }),
      "color": style.color(
        "o", title: color.title, names: shownLabels, colors: color.colors(of: shownLabels), symbol: "stroke"),
    ]
    let places =
      channels.column.isVaried
      ? Panels("p", of: channels.column, labels: columns) : Panels("p", labels: columns, isNamed: panels.count > 1)
    var members = style.panels(
      columns: places, rows: channels.panelRows, of: rows, encoding: encoding, layers: layers)
    if !rowKey.isVaried, panels.count == 1, var panel = members["spec"]?.members {
      // As wide as the legend.
      panel["width"] = .number(style.width - style.margin - 120)
      members["spec"] = .object(panel)
    }
    return members
  }

  /// Dotted in the colour of the over-realization, or gray and dashed with its name.
  private func levelLayers(_ y: Layers.Height) -> [JSONValue] {
    let all = levels.values.joined()
    var layers: [JSONValue] = []
    if all.contains(where: { $0.overRealization != nil }) {
      layers.append(
        Layers.of(
          ["type": "rule", "strokeDash": [1.5, 2.5], "strokeWidth": 1.3],
          Layers.acrossPanel.with(["y": y("y"), "tooltip": FigureStyle.hover("w", "level", "nominal")])
        ).filtered("datum.k == 'level' && isValid(datum.o)"))
    }
    if all.contains(where: { $0.overRealization == nil }) {
      layers.append(
        Layers.of(
          ["type": "rule", "strokeDash": [6, 3], "strokeWidth": 1, "color": "#555555"],
          Layers.acrossPanel.with(["y": y("y"), "color": ["value": "#555555"]])
        ).filtered("datum.k == 'level' && !isValid(datum.o)"))
      // Two levels may lie close together: the name of the highest stands above it, that of another below. Curves begin low.
      for (end, height) in [("above", -5), ("below", 8)] as [(String, Double)] {
        layers.append(
          Layers.of(
            ["type": "text", "align": "left", "dx": 4, "dy": .number(height), "fontSize": 10, "color": "#333333"],
            [
              "y": y("y"), "x": ["value": 0], "color": ["value": "#333333"], "text": ["field": "w", "type": "nominal"],
            ]
          ).filtered("datum.k == 'level' && !isValid(datum.o) && datum.e == '\(end)'"))
      }
    }
    return layers
  }
}
