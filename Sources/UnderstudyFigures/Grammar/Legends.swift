// Colours and strokes with their legends.

extension FigureStyle {
  /// Colours for the texts in `field`, in the order of `names`; without a legend if there is only one.
  ///
  /// - Parameters:
  ///   - colors: of the names; nil: the palette in its order.
  ///   - room: the width that the legend may take; nil: all of the panels.
  ///   - more: of the legend.
  func color(
    _ field: String, title: String, names: [String], colors: [JSONValue]? = nil, symbol: String, room: Double? = nil,
    _ more: [String: JSONValue] = [:]
  ) -> JSONValue {
    [
      "field": .text(field), "type": "nominal", "title": title.isEmpty ? nil : .text(title),
      "scale": ["domain": .texts(names), "range": .array(colors ?? Self.series(names.count))],
      "legend": names.count > 1 ? legend(title: title, names: names, symbol: symbol, room: room, more) : nil,
    ]
  }

  /// Colours for the values of a key.
  func color(_ field: String, _ key: SeriesKey, symbol: String, room: Double? = nil) -> JSONValue {
    color(field, title: key.title, names: key.labels, colors: key.colors(), symbol: symbol, room: room)
  }

  /// A legend that is no wider than `room`: in one line, or in columns below its title.
  func legend(
    title: String, names: [String], symbol: String, room: Double? = nil, _ more: [String: JSONValue] = [:]
  ) -> JSONValue {
    let room = room ?? width - margin
    var legend: [String: JSONValue] = [
      "symbolType": .text(symbol), "symbolSize": symbol == "stroke" ? 300 : 60, "symbolOpacity": 1,
    ]
    if names.contains(where: \.hasUnusualLetters) { legend["labelFont"] = .text(Self.symbolFont) }
    // A letter takes 5.6 pixels in the middle.
    let entries = names.map { 5.6 * scale * Double($0.count) + (symbol == "stroke" ? 35 : 26) }
    let line = entries.reduce(0, +)
    if line + 6 * scale * Double(title.count) > room {
      legend["titleOrient"] = "top"
      if line > room {
        let columns = max(1, Int(room / (entries.max() ?? room)))
        // As many in each line as there can be, and evenly.
        let lines = (names.count + columns - 1) / columns
        legend["columns"] = .integer((names.count + lines - 1) / lines)
      }
    }
    return .object(legend.with(more))
  }

  /// Strokes for the values of a key.
  func strokes(_ field: String, _ key: SeriesKey, room: Double? = nil) -> JSONValue {
    [
      "field": .text(field), "type": "nominal", "title": .text(key.title),
      "scale": ["domain": .texts(key.labels), "range": [[1, 0], [5, 3], [2, 2.5], [8, 3, 2, 3], [1, 5]]],
      "legend": legend(
        title: key.title, names: key.labels, symbol: "stroke", room: room, ["symbolStrokeColor": "#222222"]),
    ]
  }
}
