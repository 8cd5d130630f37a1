import UnderstudySchema

/// How large a figure and its letters are, and what all figures share: fonts, colours, axes.
///
/// Lengths are CSS pixels, 96 an inch: a double column of 17 cm is 643 of them, a single one of 8.5 cm is 321, and the
/// smallest text, 10, is 7.5 points in print.
struct FigureStyle: Hashable, Sendable {
  /// Of the whole figure, but for a figure of one panel, which takes less unless a width is declared.
  private(set) var width = 643.0
  /// Of letters, against those of print.
  private(set) var scale = 1.0
  /// What the axes and labels of time count: epochs, or the steps of a zoom.
  var timeUnit = "epoch"
  private var fonts = "Helvetica, Arial, Liberation Sans, sans-serif"
  private var singleColumn = 392.0

  static let gap = 10.0

  init(_ declared: StyleDeclaration? = nil) {
    guard let declared else { return }
    if let centimetres = declared.width {
      width = (centimetres / 2.54 * 96).rounded()
      singleColumn = width
    }
    // At half the width of a slide of 1920 x 1080, 960 pixels, the smallest letters are 23 of them.
    if declared.slides ?? false { scale = 1.55 * width / 643 }
    if let points = declared.fontSize { scale = points / 7.5 }
    if let font = declared.font { fonts = font + ", " + fonts }
    if declared.width == nil { singleColumn *= scale }
  }

  /// When something was, in hover labels.
  var timeHover: JSONValue { Self.hover("t", timeUnit, "ordinal") }

  /// Beside the panels: axis labels and title, and the header of rows.
  var margin: Double { 92 * scale }

  /// For letters that the usual fonts do not have, such as raised digits: a family that has all of them, so that they do not
  /// come from whatever font a renderer finds.
  static let symbolFont = "DejaVu Sans, Helvetica, Arial, Liberation Sans, sans-serif"

  /// Okabe and Ito's palette, which the common kinds of colour blindness tell apart, without its yellow (too pale for
  /// lines on white). Darkest contrasts first.
  /// Source: M. Okabe, K. Ito, "Color universal design" (2008).
  static let palette: [JSONValue] = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
  static let gray: JSONValue = "#767676"

  /// The width of one of `count` panels side by side: 300 if there is one panel, the whole width otherwise.
  func panelWidth(columns count: Int) -> Double {
    if count <= 1 { return max(60, (singleColumn - margin).rounded(.down)) }
    let free = width - margin - Self.gap * Double(count - 1)
    return min(250 * width / 643, max(60, (free / Double(count)).rounded(.down)))
  }

  /// The same of panels in rows, whose title needs some of the width.
  func panelWidthBesideRows(columns count: Int) -> Double {
    panelWidth(columns: count) - (28 * scale / Double(count)).rounded(.up)
  }

  /// The width of `count` panels side by side.
  func room(columns count: Int) -> Double {
    Double(count) * panelWidth(columns: count) + Self.gap * Double(count - 1)
  }

  /// Colours for `count` series in their order: the palette, or a perceptually even ramp if it does not suffice.
  static func series(_ count: Int) -> [JSONValue] {
    count <= palette.count ? Array(palette.prefix(max(count, 1))) : ramp(count)
  }

  private var config: JSONValue {
    [
      "aria": false,
      "font": .text(fonts),
      "padding": 4,
      "view": ["stroke": "#9a9a9a"],
      "axis": [
        "labelFontSize": 10, "titleFontSize": 11, "titleFontWeight": "normal", "labelColor": "#222222",
        "titleColor": "#111111", "gridColor": "#e4e4e4", "domainColor": "#555555", "tickColor": "#555555",
        "titlePadding": 6, "labelLimit": 160,
      ],
      "header": [
        "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal", "labelColor": "#111111",
        "labelPadding": 4, "labelLimit": 0,
      ],
      "legend": [
        "labelFontSize": 10, "titleFontSize": 11, "titleFontWeight": "normal", "labelColor": "#222222",
        "titleColor": "#111111", "orient": "top", "direction": "horizontal", "titleOrient": "left", "labelLimit": 0,
        "titleLimit": 0, "symbolStrokeWidth": 2, "offset": 8, "columnPadding": 14,
        // One below another, each beginning at the left.
        // As an expression, because the grammar's schema knows no other form.
        "layout": ["expr": "{top: {direction: 'vertical', anchor: 'start', margin: 4}}"],
      ],
    ]
  }

  /// A document around `members`: version, background, shared configuration and a description.
  func document(description: String, _ members: [String: JSONValue]) -> JSONValue {
    var document = members
    document["config"] = config
    document = drawn(document)
    document["$schema"] = "https://vega.github.io/schema/vega-lite/v6.json"
    document["background"] = "white"
    document["description"] = .text(description)
    return .object(document)
  }

  /// Members with letters in the size of the style, and titles with unusual letters in a font that has them.
  private func drawn(_ members: [String: JSONValue]) -> [String: JSONValue] {
    var result = members
    for (name, value) in members where name != "data" && name != "datasets" {
      switch value {
      case .number(let number) where Self.letterSizes.contains(name): result[name] = .number(number * scale)
      case .object(let inner):
        var inner = drawn(inner)
        if ["x", "y"].contains(name), inner["title"]?.text?.hasUnusualLetters ?? false, inner["axis"] != .null {
          inner["axis"] = .object(["titleFont": JSONValue.text(Self.symbolFont)].with(inner["axis"]?.members ?? [:]))
        }
        result[name] = .object(inner)
      case .array(let elements):
        result[name] = .array(
          elements.map { element in
            if case .object(let inner) = element { .object(drawn(inner)) } else { element }
          })
      default: break
      }
    }
    return result
  }

  private static let letterSizes: Set<String> = [
    "fontSize", "labelFontSize", "titleFontSize", "subtitleFontSize", "labelLimit", "minExtent",
  ]

  /// Panels abreast, of `count`: at most three, four as two rows of two, and fewer if letters are large.
  func columns(_ count: Int) -> Int {
    var columns = count == 4 ? 2 : min(3, count)
    while columns > 1, panelWidth(columns: columns) < 100 * scale { columns -= 1 }
    return columns
  }

  /// The members of a document of panels in columns, rows or both, all drawn alike.
  ///
  /// - Precondition: there are columns or rows.
  func panels(
    columns: Panels?, rows: Panels? = nil, of data: [JSONValue], encoding: [String: JSONValue], layers: [JSONValue],
    height: Double = 140
  ) -> [String: JSONValue] {
    if let columns, let rows {
      return grid(
        columns: columns, rows: rows, of: data, encoding: encoding, layers: layers, height: min(height, 110))
    }
    guard let panels = columns ?? rows else { preconditionFailure("a document of panels has columns or rows") }
    let columns = self.columns(panels.count)
    let width = panelWidth(columns: columns)
    return [
      "data": ["values": .array(data)],
      "facet": panels.facet(room: width + Self.gap, style: self),
      "columns": .integer(columns),
      "spacing": .number(Self.gap + 4),
      "spec": [
        "width": .number(width), "height": .number(((columns == 1 ? height + 30 : height) * scale).rounded()),
        "encoding": .object(wrapped(encoding, width: width)), "layer": .array(wrapped(layers, width: width)),
      ],
    ]
  }

  private func grid(
    columns: Panels, rows: Panels, of data: [JSONValue], encoding: [String: JSONValue], layers: [JSONValue],
    height: Double
  ) -> [String: JSONValue] {
    let width = panelWidthBesideRows(columns: columns.count)
    let place = PanelGrid(row: rows.field, column: columns.field)
    let gaps = place.gaps(in: data, drawnBy: [.object(encoding)] + layers)
    return [
      "data": ["values": .array(data + gaps)],
      "facet": [
        "column": columns.facet(room: width + Self.gap, style: self),
        "row": rows.facet(
          room: (height * scale).rounded() + Self.gap, style: self,
          ["titleOrient": "right", "titleAngle": 90, "labelOrient": "right", "labelAngle": 90]),
      ],
      "spacing": .number(Self.gap),
      "spec": [
        "width": .number(width), "height": .number((height * scale).rounded()),
        "encoding": .object(wrapped(encoding, width: width)),
        "layer": .array(wrapped(layers, width: width) + (gaps.isEmpty ? [] : [PanelGrid.fork])),
      ],
    ]
  }

  /// An encoding whose horizontal axis has its title in lines that are no longer than a panel, and names at an angle where they do
  /// not fit beside each other.
  func wrapped(_ encoding: [String: JSONValue], width: Double) -> [String: JSONValue] {
    guard var x = encoding["x"]?.members else { return encoding }
    if let title = x["title"]?.text {
      let letters = Int((width + Self.gap) / (5.7 * scale))
      var lines = Self.lines(of: title, letters: letters)
      // What stands in brackets is no name.
      if lines.contains(where: { $0.count > letters + 1 }), let name = title.components(separatedBy: " (").first {
        lines = Self.lines(of: name, letters: letters)
      }
      if let line = lines.first { x["title"] = lines.count > 1 ? .texts(lines) : .text(line) }
    }
    let names = x["sort"]?.elements?.compactMap(\.text) ?? []
    if var axis = x["axis"]?.members, axis["labelAngle"] == 0, isTight(names, width: width) {
      axis["labelAngle"] = -35
      axis["labelLimit"] = 0
      axis["labelOverlap"] = nil as JSONValue?
      x["axis"] = .object(axis)
    }
    return encoding.with(["x": .object(x)])
  }

  /// Whether places along an axis are too narrow for their names beside each other.
  func isTight(_ names: [String], width: Double) -> Bool {
    (5.8 * scale * Double(names.map(\.count).max() ?? 0) + 6) * Double(names.count) > width
  }

  /// The same of layers that have an axis of their own: titles that differ would all be written.
  private func wrapped(_ layers: [JSONValue], width: Double) -> [JSONValue] {
    layers.map { layer in
      guard let encoding = layer["encoding"]?.members else { return layer }
      return layer.with(["encoding": .object(wrapped(encoding, width: width))])
    }
  }

  /// A text in lines of at most so many letters where words allow it.
  static func lines(of text: String, letters: Int) -> [String] {
    text.split(separator: " ").reduce(into: []) { lines, word in
      if let last = lines.last, last.count + 1 + word.count <= letters {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
  }

  /// A number as a place or a height.
  static func quantity(_ field: String, _ title: JSONValue, scale: JSONValue, axis: JSONValue) -> JSONValue {
    ["field": .text(field), "type": "quantitative", "title": title, "scale": scale, "axis": axis]
  }

  /// A share of nodes or runs as height, with room for dots and lines at both ends.
  static func share(_ field: String, title: String) -> JSONValue {
    quantity(
      field, .text(title), scale: ["domain": [-0.03, 1.03], "nice": false],
      axis: ["values": [0, 0.25, 0.5, 0.75, 1], "format": ".0%"])
  }

  /// A correlation as a place, from 0 or the `lowest` one on, with room so that the dots at both ends are not cut by the frame.
  static func correlation(_ field: String, title: String, lowest: Double) -> JSONValue {
    let left = lowest < 0 ? max(-1, (lowest * 5).rounded(.down) / 5) : 0
    return quantity(
      field, .text(title), scale: ["domain": [.number(left - 0.02), 1.02], "nice": false],
      axis: ["values": [0, 0.5, 1], "format": "~g"])
  }

  /// "0, 1, 2", for texts.
  static func list(_ values: [Double]) -> String { values.map(\.short).joined(separator: ", ") }

  /// `count` colours along viridis, without its pale end, written out: Vega's own scheme does not go with a nominal domain.
  static func ramp(_ count: Int) -> [JSONValue] {
    let anchors = [0x44_0154, 0x48_2878, 0x3E_4989, 0x31_688E, 0x26_828E, 0x1F_9E89, 0x35_B779, 0x5E_B83A]
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

  /// The values of a key as places on the horizontal axis.
  static func places(_ field: String, _ key: SeriesKey) -> JSONValue {
    // One place, of no key: nothing to be named.
    guard !key.path.isEmpty else {
      return ["field": .text(field), "type": "nominal", "title": nil, "axis": ["labels": false, "ticks": false]]
    }
    return [
      "field": .text(field), "type": "nominal", "title": .text(key.title),
      "sort": .texts(key.labels), "axis": ["labelAngle": 0, "grid": false],
    ]
  }

  /// A line of a hover label.
  static func hover(
    _ field: String, _ title: String, _ type: String = "quantitative", format: String? = nil
  ) -> JSONValue {
    let entry: JSONValue = ["field": .text(field), "title": .text(title), "type": .text(type)]
    return entry.with(format.map { ["format": .text($0)] } ?? [:])
  }

  /// Panels by `field`, with labels such as "p = 1", ascending or in the `order` of texts.
  static func facet(
    _ field: String, label: String, _ more: [String: JSONValue] = [:], order: [String]? = nil
  ) -> JSONValue {
    let header: JSONValue = ["title": nil, "labelExpr": .text(label)]
    let facet: JSONValue = ["field": .text(field), "type": "ordinal", "header": header.with(more)]
    return facet.with(order.map { ["sort": .texts($0)] } ?? [:])
  }

  // Vega-Lite puts a conditional in the place of `datum.label`, hence the parentheses.
  /// The expression of headings that begin with a title, in which there may be an apostrophe.
  static func heading(_ title: String) -> String { "\(jsonText(title + " ")) + (datum.label)" }
}

extension String {
  /// Whether it has letters that Helvetica's free twins lack.
  var hasUnusualLetters: Bool { contains(where: "ₖ₁₂⁻⁰⁴⁵⁶⁷⁸⁹".contains) }
}
