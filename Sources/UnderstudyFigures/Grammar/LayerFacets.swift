/// The panels of a figure of deep runs: columns by over-realization, rows by the key that varies most beside it; if one of
/// the two is all there is, panels by that.
struct LayerFacets {
  var columns: SeriesKey
  /// nil: one key varies at most.
  var rows: SeriesKey?

  init(of runs: SelectedRuns) {
    let multiple = runs.series("student.overRealization")
    let other = runs.mostVaried(["teacher.widths"], except: [multiple.path])
    columns = multiple.isVaried || !other.isVaried ? multiple : other
    rows = multiple.isVaried && other.isVaried ? other : nil
  }

  var paths: Set<String> { Set([columns.path] + (rows.map { [$0.path] } ?? [])) }

  var words: String { columns.title + (rows.map { " and \($0.title)" } ?? "") }

  /// The members of a document with panels by the fields `p` of columns and `q` of rows, all drawn alike.
  func panels(
    rows data: [JSONValue], encoding: [String: JSONValue], layers: [JSONValue]
  ) -> [String: JSONValue] {
    guard let rows else {
      return FigureStyle.panels(
        label: columns.panelLabel, rows: data, count: columns.labels.count, encoding: encoding, layers: layers,
        order: columns.labels)
    }
    // The title of the rows needs some of the column's width.
    let count = Double(columns.labels.count)
    let width = FigureStyle.panelWidth(columns: columns.labels.count) - (28 / count).rounded(.up)
    return [
      "data": ["values": .array(FigureStyle.completed(data, row: "q", column: "p"))],
      "facet": [
        "column": FigureStyle.facet("p", label: columns.panelLabel, order: columns.labels),
        "row": FigureStyle.facet(
          "q", label: "(datum.label)",
          [
            "title": .text(rows.title), "titleOrient": "right", "titleAngle": 90, "labelOrient": "right",
            "labelAngle": 90,
          ], order: rows.labels),
      ],
      "spacing": .number(FigureStyle.gap),
      "spec": ["width": .number(width), "height": 110, "encoding": .object(encoding), "layer": .array(layers)],
    ]
  }
}
