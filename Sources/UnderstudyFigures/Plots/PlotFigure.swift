import Foundation
import UnderstudySchema

/// Any quantity of the runs against an epoch, a node, a layer or a key, with colours and panels by others.
///
/// Fields of the data: `k` "middle" or "run", `p` column, `q` row, `o` colour, all as texts, `x`, `y` the middle over runs or the
/// run's value, `a`...`b` the band, `n` runs, `s` the run, or against a key its seed, `e` whether a line has no other place.
func plotFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let plot = try chart.plot()
  let values = try PlotValues(plot, of: chart)
  let channels = values.channels
  let rows = markingSinglePlaces(values.places.flatMap { values.rows(at: $0) })
  let title = plot.title
  let axis = LogarithmicAxis(title, around: ["y", "a", "b"].flatMap { end in rows.compactMap { $0[end]?.number } })
  // That fit the height of a panel.
  let lines = JSONValue.texts(FigureStyle.lines(of: title, letters: 19))
  func y(_ field: String) -> JSONValue {
    if plot.scale == .logarithmic {
      return axis.encoding(field).with(["title": lines])
    }
    return FigureStyle.quantity(
      field, lines, scale: ["zero": false, "nice": true, "padding": 4], axis: ["tickCount": 5])
  }
  var encoding: [String: JSONValue] = ["x": channels.x.encoding("x", places: values.xNumbers)]
  if let color = channels.color {
    encoding["color"] = chart.style.color(
      "o", title: color.title, names: values.labels(2), colors: color.key?.colors(of: values.labels(2)),
      symbol: channels.x.isNumeric ? "stroke" : "circle")
    // Beside each other, where no line tells them apart.
    if !channels.x.isNumeric {
      encoding["xOffset"] = ["field": "o", "sort": .texts(values.labels(2))]
    }
  } else {
    encoding["color"] = ["value": FigureStyle.palette[0]]
  }
  return chart.specification(
    "\(channels.x.isNumeric ? "Line" : "Dot") charts: \(title) against \(channels.x.title)\(values.channelWords).",
    notes: values.notes, shownKeys: channels.shownKeys, namesSearch: true,
    values.members(chart.style, rows: rows, encoding: encoding, layers: plotLayers(values, y, rows: rows)))
}

/// Marks the places that are alone on their line, where a line or band along the axis would not be seen.
private func markingSinglePlaces(_ rows: [JSONValue]) -> [JSONValue] {
  func line(_ row: JSONValue) -> [String?] { ["p", "q", "o"].map { row[$0]?.text } }
  var places: [[String?]: Set<JSONValue>] = [:]
  for row in rows { if let x = row["x"] { places[line(row), default: []].insert(x) } }
  return rows.map { row in
    guard places[line(row)]?.count == 1 else { return row }
    return row.with(["e": true])
  }
}

private func plotLayers(_ values: PlotValues, _ y: Layers.Height, rows: [JSONValue]) -> [JSONValue] {
  let isMiddle = "datum.k == 'middle'"
  var layers: [JSONValue] = []
  let isNumeric = values.channels.x.isNumeric
  let hasSinglePlaces = isNumeric && rows.contains { $0["e"] != nil }
  if rows.contains(where: { $0["a"] != nil && $0["a"] != $0["b"] }) {
    let bars = Layers.bars(y, width: 1.4)
    layers.append((isNumeric ? Layers.band(y, opacity: 0.18) : bars).filtered(isMiddle))
    if hasSinglePlaces { layers.append(bars.filtered("\(isMiddle) && datum.e")) }
  }
  if rows.contains(where: { $0["k"] == "run" }) {
    let dots = Layers.of(Layers.dot(8, fillOpacity: 0.5), ["y": y("y")])
    let line = Layers.line(
      y("y"), width: 0.5, ["detail": ["field": "s", "type": "nominal"], "opacity": ["value": 0.5]])
    layers.append((isNumeric ? line : dots).filtered("datum.k == 'run'"))
    if hasSinglePlaces { layers.append(dots.filtered("datum.k == 'run' && datum.e")) }
  }
  if isNumeric { layers.append(Layers.line(y("y"), width: 1.6).filtered(isMiddle)) }
  var hovers = [
    FigureStyle.hover("x", values.channels.x.title, isNumeric ? "quantitative" : "nominal"),
    FigureStyle.hover("y", values.middleWord, format: ".4~g"),
  ]
  if let color = values.channels.color { hovers.insert(FigureStyle.hover("o", color.title, "nominal"), at: 0) }
  if values.plot.band == .quartiles { hovers += Hovers.quartiles(".4~g") }
  let places = rows.count { $0["k"] == "middle" }
  let dot = Layers.dot(isNumeric && places > 200 ? 0 : 22)
  let middles = Layers.of(dot, ["y": y("y"), "tooltip": .array(hovers + [Hovers.runs])])
  return layers + [middles.filtered(isMiddle)]
}

/// The same as colours of cells.
///
/// Fields of the data: `p` column and `q` row as texts, `x` and `y` labels, `v` the middle over runs, `n` runs.
func heatMapFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let plot = try chart.plot()
  let values = try PlotValues(plot, of: chart)
  guard let height = values.channels.y else { preconditionFailure("a heat map has two axes") }
  let rows: [JSONValue] = values.places.compactMap { place in
    guard let value = values.middle(of: values.numbers(at: place)), value.isFinite else { return nil }
    return values.row(
      place,
      [
        "x": .text(values.channels.x.plainLabel(place[4])), "y": .text(height.plainLabel(place[3])),
        "v": .display(value), "n": .integer(values.runCount(at: place)),
      ])
  }
  let shown = rows.compactMap { $0["v"]?.number }
  let isLogarithmic = plot.scale == .logarithmic
  let (low, high) = (shown.min() ?? 0, shown.max() ?? 1)
  let middle = isLogarithmic ? (low * high).squareRoot() : (low + high) / 2
  func axis(_ field: String, _ channel: PlotChannel, _ position: Int, isReversed: Bool) -> JSONValue {
    let labels = values.labels(position) { channel.plainLabel($0) }
    return [
      "field": .text(field), "type": "ordinal", "title": .text(channel.title),
      "sort": .texts(isReversed ? labels.reversed() : labels),
      "axis": ["labelAngle": 0, "labelOverlap": "greedy"],
    ]
  }
  // Digits are 5.6 pixels wide.
  let cell = values.panelWidth(chart.style) / Double(max(1, values.labels(4).count))
  let hasRoom = cell > 5.6 * chart.style.scale * Double(shown.map { shortNumber($0).count }.max() ?? 0)
  let encoding: [String: JSONValue] = [
    "x": axis("x", values.channels.x, 4, isReversed: false), "y": axis("y", height, 3, isReversed: true),
  ]
  let hovers = [
    FigureStyle.hover("x", values.channels.x.title, "nominal"), FigureStyle.hover("y", height.title, "nominal"),
    FigureStyle.hover("v", plot.title, format: ".4~g"), Hovers.runs,
  ]
  let layers: [JSONValue] = [
    [
      "mark": ["type": "rect", "stroke": "white", "strokeWidth": 1],
      "encoding": [
        "color": [
          "field": "v", "type": "quantitative", "title": .text(plot.title),
          "scale": ["scheme": "viridis", "type": isLogarithmic ? "log" : "linear"],
          "legend": isLogarithmic
            ? ["gradientLength": 160, "labelExpr": .text(shortNumber("datum.value"))] : ["gradientLength": 160],
        ], "tooltip": .array(hovers),
      ],
    ],
    [
      // Without room for numbers in the cells, colours have to do.
      "mark": ["type": "text", "fontSize": 10, "opacity": hasRoom ? 1 : 0],
      "transform": [["filter": "isValid(datum.v)"], ["calculate": .text(shortNumber("datum.v")), "as": "w"]],
      "encoding": [
        "text": ["field": "w", "type": "nominal"],
        "color": [
          "condition": ["test": .text("datum.v > \(middle)"), "value": "#111111"], "value": "white",
        ],
      ],
    ],
  ]
  return chart.specification(
    "Heat maps: \(plot.title) over \(values.channels.x.title) and \(height.title)\(values.channelWords).",
    notes: values.notes, shownKeys: values.channels.shownKeys, namesSearch: true,
    values.members(chart.style, rows: rows, encoding: encoding, layers: layers))
}

/// As the expression writes it, or a letter longer.
private func shortNumber(_ value: Double) -> String {
  abs(value) >= 0.001 || value == 0 ? String(format: "%.3g", value) : String(format: "%.2e", value)
}

/// The expression of a number in three digits: 0.0000186 would be wider than a cell.
private func shortNumber(_ value: String) -> String {
  "abs(\(value)) >= 0.001 || \(value) == 0 ? format(\(value), '.3~g') : format(\(value), '.2~e')"
}

extension PlotDeclaration {
  /// What is shown, in words.
  var title: String {
    let words = quantity.name.reduce(into: "") { text, letter in
      text += letter.isUppercase ? " \(letter.lowercased())" : String(letter)
    }
    return (reductions.reversed().map(\.words) + [words] + (layer.map { ["of layer \(layerLabel($0))"] } ?? []))
      .joined(separator: " ")
  }
}
