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
    return FigureStyle.panels(
      rows: data, encoding: encoding, layers: layers,
      columns: .init(field: "p", label: columns.panelLabel, labels: columns.labels),
      panelRows: .init(field: "q", label: "(datum.label)", labels: rows.labels, title: rows.title))
  }
}
