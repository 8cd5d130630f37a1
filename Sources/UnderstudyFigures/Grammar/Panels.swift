import UnderstudySchema

/// What panels side by side, or one below another, are of.
struct Panels {
  var field: String
  /// The values of the field, in their order; empty: ascending.
  var labels: [String]
  /// How many panels there are.
  private(set) var count: Int
  /// The expression of their headings.
  var label: String
  /// The longest heading, in letters.
  private var headingLength = 0
  /// What stands once beside all panels where headings find no room; then headings are values alone.
  private var title = ""
  /// The expression of a value alone.
  private var plainLabel = "(datum.label)"
  private var isTitled = false

  /// Panels that `labels` name.
  init(_ field: String, labels: [String], isNamed: Bool = true) {
    (self.field, self.labels, count, label) = (field, labels, labels.count, isNamed ? "(datum.label)" : "''")
  }

  /// Panels of `count` numbers, ascending.
  init(ascending field: String, count: Int, label: String) {
    (self.field, labels, self.count, self.label) = (field, [], count, label)
  }

  /// Panels of a key, of some of its values if `labels` says which.
  init(_ field: String, of key: SeriesKey, labels: [String]? = nil) {
    self.init(field, labels: labels ?? key.labels)
    (label, title) = (key.panelLabel, key.title)
    if key.isVaried { headingLength = key.panelWords.count + Self.longest(self.labels) }
  }

  /// Panels of what is called `title`, whose labels begin with that if they are `headings`.
  ///
  /// - Parameter isTitled: whether the title stands once beside all panels, as much room as there may be.
  init(_ field: String, labels: [String], title: String, headings: Bool, isTitled: Bool = false) {
    self.init(field, labels: labels)
    (self.title, self.isTitled) = (title, isTitled)
    if headings, labels.allSatisfy({ $0.hasPrefix(title + " ") }) {
      plainLabel = "slice(datum.label, \(title.count + 1))"
      headingLength = Self.longest(labels)
    } else if !headings {
      label = FigureStyle.heading(title)
      headingLength = title.count + 1 + Self.longest(labels)
    }
  }

  private var order: [String]? { labels.isEmpty ? nil : labels }

  private static func longest(_ texts: [String]) -> Int { texts.map(\.count).max() ?? 0 }

  /// A facet by the field, with headings that lie on each other nowhere.
  ///
  /// - Parameters:
  ///   - room: the length that each heading has, in pixels.
  ///   - more: of the headings.
  func facet(room: Double, style: FigureStyle, _ more: [String: JSONValue] = [:]) -> JSONValue {
    // Letters of 11 pixels are 5.7 wide in the mean.
    guard isTitled || 5.7 * style.scale * Double(headingLength) > room else {
      return FigureStyle.facet(field, label: label, more, order: order)
    }
    var header = more
    header["title"] = .text(title)
    // Headings beside rows have their title there.
    if let side = more["labelOrient"] { (header["titleOrient"], header["titleAngle"]) = (side, 90) }
    return FigureStyle.facet(field, label: plainLabel, header, order: order)
  }
}

/// Panels in rows and columns, some of which may have no data.
///
/// Vega-Lite puts the panels of a row one after the other, and would show them below the heading of an empty one. So every empty
/// panel gets an entry of the data that draws nothing.
struct PanelGrid {
  let row: String
  let column: String

  /// An entry for each panel without data. In fields with scales of names it has a name that is there, so that no scale has a
  /// name more; quantities it has none, and is not drawn.
  ///
  /// - Parameter layers: what draws the data.
  func gaps(in data: [JSONValue], drawnBy layers: [JSONValue]) -> [JSONValue] {
    let present = Set(data.compactMap { entry in entry[row].flatMap { r in entry[column].map { [r, $0] } } })
    let (rows, columns) = (data.compactMap { $0[row] }.distinct, data.compactMap { $0[column] }.distinct)
    guard present.count < rows.count * columns.count else { return [] }
    var names: [String: JSONValue] = [:]
    for field in layers.reduce(into: Set<String>(), { Self.addNames(of: $1, to: &$0) }) {
      names[field] = data.lazy.compactMap { $0[field] }.first
    }
    return rows.flatMap { r in
      columns.filter { !present.contains([r, $0]) }.map { .object(names.with([row: r, column: $0])) }
    }
  }

  /// A layer that draws nothing, for panels with gaps. Of a single layer, Vega-Lite's compiler leaves out entries without
  /// quantities before it divides the data into panels, and with them the empty panels; of several, afterwards.
  static let fork: JSONValue = ["mark": "point", "transform": [["filter": "false"]]]

  /// The data and the panel of a single mark, for a grid of panels.
  ///
  /// - Parameter column: nil: there are no rows of columns, and every panel has data.
  static func completed(
    _ panel: [String: JSONValue], rows data: [JSONValue], row: String, column: String?
  ) -> (rows: [JSONValue], spec: [String: JSONValue]) {
    guard let column, let mark = panel["mark"] else { return (data, panel) }
    let gaps = PanelGrid(row: row, column: column).gaps(in: data, drawnBy: [.object(panel)])
    guard !gaps.isEmpty else { return (data, panel) }
    var layered = panel
    layered["mark"] = nil
    layered["layer"] = [["mark": mark], fork]
    return (data + gaps, layered)
  }

  /// The fields that a specification has as names.
  private static func addNames(of specification: JSONValue, to fields: inout Set<String>) {
    if let field = specification["field"]?.text, ["nominal", "ordinal"].contains(specification["type"]?.text) {
      fields.insert(field)
    }
    for value in specification.members.values { addNames(of: value, to: &fields) }
    for value in specification.elements ?? [] { addNames(of: value, to: &fields) }
  }
}
