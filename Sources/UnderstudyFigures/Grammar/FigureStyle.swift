/// What all figures share: sizes for a journal's columns, fonts, colours.
///
/// Lengths are CSS pixels, 96 an inch: a double column of 17 cm is 643 of them, a single one of 8.5 cm is 321, and the
/// smallest text, 10, is 7.5 points in print.
enum FigureStyle {
  static let doubleColumn = 643.0
  static let singleColumn = 321.0
  /// Beside the panels: axis labels and title, and the header of rows.
  static let margin = 92.0
  static let gap = 10.0

  /// Okabe and Ito's palette, which the common kinds of colour blindness tell apart, without its yellow (too pale for
  /// lines on white). Darkest contrasts first.
  /// Source: M. Okabe, K. Ito, "Color universal design" (2008).
  static let palette: [JSONValue] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
  static let gray: JSONValue = "#767676"

  /// The width of one of `count` panels side by side: a single column if there is one panel, a double one otherwise.
  static func panelWidth(columns count: Int) -> Double {
    if count <= 1 { return singleColumn - margin }
    let free = doubleColumn - margin - gap * Double(count - 1)
    return min(250, max(60, (free / Double(count)).rounded(.down)))
  }

  /// Colours for `count` values in their order: the palette, or a perceptually even ramp if it does not suffice.
  static func colorRange(_ count: Int) -> JSONValue {
    count <= palette.count ? .array(Array(palette.prefix(max(count, 1)))) : ["scheme": "viridis"]
  }

  static let config: JSONValue = [
    "aria": false,
    "font": "Helvetica, Arial, Liberation Sans, sans-serif",
    "padding": 4,
    "view": ["stroke": "#9a9a9a"],
    "axis": [
      "labelFontSize": 10, "titleFontSize": 11, "titleFontWeight": "normal", "labelColor": "#222222",
      "titleColor": "#111111", "gridColor": "#e4e4e4", "domainColor": "#555555", "tickColor": "#555555",
      "titlePadding": 6, "labelLimit": 120,
    ],
    "header": [
      "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal", "labelColor": "#111111", "labelPadding": 4,
    ],
    "legend": [
      "labelFontSize": 10, "titleFontSize": 11, "titleFontWeight": "normal", "labelColor": "#222222",
      "titleColor": "#111111", "orient": "top", "direction": "horizontal", "titleOrient": "left", "labelLimit": 320,
      "titleLimit": 320, "symbolStrokeWidth": 2, "offset": 8, "columnPadding": 14,
    ],
  ]

  /// A document around `members`: version, background, shared configuration and a description.
  static func document(description: String, _ members: [String: JSONValue]) -> JSONValue {
    var document = members
    document["$schema"] = "https://vega.github.io/schema/vega-lite/v6.json"
    document["background"] = "white"
    document["config"] = config
    document["description"] = .text(description)
    return .object(document)
  }

  /// Panels abreast, of `count`: at most three, and four as two rows of two.
  static func columns(_ count: Int) -> Int { count == 4 ? 2 : min(3, count) }

  /// The members of a document of one panel for each of the `count` values of `field` in the rows, all drawn alike.
  static func panels(
    by field: String = "p", label: String = decayLabel, rows: [JSONValue], count: Int, encoding: [String: JSONValue],
    layers: [JSONValue], order: [String]? = nil
  ) -> [String: JSONValue] {
    let columns = columns(count)
    return [
      "data": ["values": .array(rows)],
      "facet": facet(field, label: label, order: order),
      "columns": .integer(columns),
      "spacing": .number(gap + 4),
      "spec": [
        "width": .number(panelWidth(columns: columns)), "height": .number(columns == 1 ? 170 : 140),
        "encoding": .object(encoding),
        "layer": .array(layers),
      ],
    ]
  }

  /// What panels side by side, or one below another, are of.
  struct Panels {
    var field: String
    /// The expression of their headings.
    var label: String
    /// In their order.
    var labels: [String]
    var title = ""
  }

  /// The members of a document of panels in rows and columns, all drawn alike.
  static func panels(
    rows data: [JSONValue], encoding: [String: JSONValue], layers: [JSONValue], columns: Panels, panelRows rows: Panels
  ) -> [String: JSONValue] {
    // The title of the rows needs some of the column's width.
    let count = columns.labels.count
    let width = panelWidth(columns: count) - (28 / Double(count)).rounded(.up)
    return [
      "data": ["values": .array(completed(data, row: rows.field, column: columns.field))],
      "facet": [
        "column": facet(columns.field, label: columns.label, order: columns.labels),
        "row": facet(
          rows.field, label: rows.label,
          [
            "title": .text(rows.title), "titleOrient": "right", "titleAngle": 90, "labelOrient": "right",
            "labelAngle": 90,
          ], order: rows.labels),
      ],
      "spacing": .number(gap),
      "spec": ["width": .number(width), "height": 110, "encoding": .object(encoding), "layer": .array(layers)],
    ]
  }

  /// A share of nodes or runs as height.
  static func share(_ field: String, title: String) -> JSONValue {
    [
      "field": .text(field), "type": "quantitative", "title": .text(title), "scale": ["domain": [0, 1]],
      "axis": ["values": [0, 0.25, 0.5, 0.75, 1], "format": ".0%"],
    ]
  }

  /// "0, 1, 2", for texts.
  static func list(_ values: [Double], unit: String = "") -> String {
    values.map { $0.short + unit }.joined(separator: ", ")
  }

  /// `count` colours along viridis, without its palest end, written out: Vega's own scheme does not go with a nominal domain.
  static func ramp(_ count: Int) -> [JSONValue] {
    let anchors = [0x44_0154, 0x48_2878, 0x3E_4989, 0x31_688E, 0x26_828E, 0x1F_9E89, 0x35_B779, 0x6E_CE58, 0xB5_DE2B]
    return (0..<count).map { index in
      let position = Double(index) / Double(max(1, count - 1)) * Double(anchors.count - 1)
      let low = min(anchors.count - 2, Int(position))
      let mixed = [16, 8, 0].map { shift in
        let (from, to) = (Double(anchors[low] >> shift & 255), Double(anchors[low + 1] >> shift & 255))
        return Int((from + (position - Double(low)) * (to - from)).rounded())
      }
      return .text(String(format: "#%02X%02X%02X", mixed[0], mixed[1], mixed[2]))
    }
  }

  /// The size of the hollow marks of series `index` of `count`: those of several series in one place lie in one another.
  static func nestedSize(_ index: Int, of count: Int) -> JSONValue {
    let side = min(14, 4.5 + 3 * Double(count - 1 - index))
    return .number(side * side)
  }

  /// Sizes as the rows have them in `q`. No scale, since one over the series would get into the legend of their colours.
  static let sizeAsGiven: JSONValue = ["field": "q", "type": "quantitative", "scale": nil, "legend": nil]

  /// Colours for the texts in `field`, in the order of `names`; without a legend if there is only one.
  static func color(_ field: String, title: String, names: [String], symbol: String) -> JSONValue {
    let legend: [String: JSONValue] = [
      "symbolType": .text(symbol), "symbolSize": symbol == "stroke" ? 300 : 60, "symbolOpacity": 1,
    ]
    return [
      "field": .text(field), "type": "nominal", "title": .text(title),
      "scale": [
        "domain": .array(names.map(JSONValue.text)),
        "range": names.count <= palette.count ? colorRange(names.count) : .array(ramp(names.count)),
      ],
      "legend": names.count > 1 ? .object(legend) : nil,
    ]
  }

  /// A line of a hover label.
  static func hover(_ field: String, _ title: String, _ type: String = "quantitative", format: String? = nil)
    -> JSONValue
  {
    var entry: [String: JSONValue] = ["field": .text(field), "title": .text(title), "type": .text(type)]
    if let format { entry["format"] = .text(format) }
    return .object(entry)
  }

  /// Panels by `field`, with labels such as "p = 1", ascending or in the `order` of texts.
  static func facet(
    _ field: String, label: String, _ more: [String: JSONValue] = [:], order: [String]? = nil
  ) -> JSONValue {
    var header: [String: JSONValue] = ["title": nil, "labelExpr": .text(label)]
    header.merge(more) { $1 }
    var facet: [String: JSONValue] = ["field": .text(field), "type": "ordinal", "header": .object(header)]
    if let order { facet["sort"] = .array(order.map(JSONValue.text)) }
    return .object(facet)
  }

  /// The data of panels in rows and columns, with an entry that draws nothing for every panel without data: Vega-Lite puts
  /// the panels of a row one after the other, and would show them below the heading of an empty one.
  static func completed(_ data: [JSONValue], row: String, column: String) -> [JSONValue] {
    func values(_ field: String) -> [JSONValue] {
      var found: [JSONValue] = []
      for value in data.compactMap({ $0[field] }) where !found.contains(value) { found.append(value) }
      return found
    }
    let present = Set(data.compactMap { entry in entry[row].flatMap { r in entry[column].map { [r, $0] } } })
    return data
      + values(row).flatMap { r in
        values(column).filter { !present.contains([r, $0]) }.map { [row: r, column: $0] as JSONValue }
      }
  }

  // Vega-Lite puts a conditional in the place of `datum.label`, hence the parentheses.
  static let decayLabel = "'p = ' + (datum.label)"
  static let multipleLabel = "(datum.label) + 'x'"

  /// Labels of a logarithmic axis: 1e−5. Raised exponents would be prettier, but Helvetica's free twins lack the digits
  /// and a renderer then takes them from any serif font it finds.
  static let powerOfTenLabel = "'1e' + format(round(log(datum.value) / LN10), 'd')"
}
