import Foundation
import UnderstudySchema

/// More panels abreast than this are put into several rows.
private let columnLimit = 5

/// Boundaries of teacher (solid) and student (dashed) over two-dimensional data, a column for each recorded epoch and a row
/// for each over-realization or value of another key, for the first seed of the study. The ground is shaded by how many student
/// nodes are active. Above each panel stands how many student nodes are aligned;
/// hover labels have each one's best teacher node and rho.
func boundariesFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let key = chart.keys.channels.row
  let runs = try runsShown(chart.runs, key)
  let rows = try runs.map { run throws(FigureError) in try BoundaryRow(of: run, key: key, at: chart.epochs) }
  let radius = windowRadius(rows.flatMap(\.inputs))
  let style = chart.style
  let scales = BoundaryScales(teacherCount: rows.map(\.teacherCount).max() ?? 0, style: style)
  let epochCount = rows.map(\.panels.count).max() ?? 1
  // Lines of equal length, and panels that stay legible.
  var columnCount = min(columnLimit, epochCount)
  func width(_ columns: Int) -> Double {
    (style.width - 110 * style.scale - 14 * Double(columns - 1)) / Double(columns)
  }
  while columnCount > 1, width(columnCount) < 90 * style.scale { columnCount -= 1 }
  let lineCount = (epochCount + columnCount - 1) / columnCount
  columnCount = (epochCount + lineCount - 1) / lineCount
  let panelWidth = min(150 * style.width / 643, width(columnCount).rounded(.down))
  var datasets: [String: JSONValue] = [:]
  var lines: [JSONValue] = []
  let shared: JSONValue = ["scale": ["color": "shared", "strokeDash": "shared"]]
  for (index, row) in rows.enumerated() {
    datasets["inputs\(index)"] = .array(row.inputs.map { ["x": .display($0.0), "y": .display($0.1)] })
    for start in stride(from: 0, to: row.panels.count, by: columnCount) {
      let panels = row.panels[start..<min(start + columnCount, row.panels.count)]
      lines.append([
        "hconcat": .array(
          panels.enumerated().map { column, panel in
            panel.plot(
              inputs: "inputs\(index)", radius: radius, width: panelWidth, rowTitle: column == 0 ? row.title : nil,
              scales: scales)
          }), "spacing": 14, "resolve": shared,
      ])
    }
  }
  let measureName = rows.contains { $0.usesTraining } ? "training" : "evaluation"
  var notes = [
    "Seed \(runs.first?.seed ?? 0). Solid: teacher, dashed: student. A student node has the colour of its best teacher node "
      + "where ρ > \(recoveryThreshold) (on \(measureName) inputs), else gray. "
      + "The darker the ground, the more student nodes are active there and observe the boundaries on it."
  ]
  if rows.contains(where: \.isThinned) { notes.append("\(epochCount) of the recorded epochs are drawn.") }
  let outside = rows.reduce(0) { $0 + $1.inputs.count { max(abs($0.0), abs($0.1)) > radius } }
  if outside > 0 { notes.append("\(outside) of \(rows.reduce(0) { $0 + $1.inputs.count }) inputs lie outside.") }
  return chart.specification(
    "Panels of two-dimensional data with the boundaries of teacher nodes (solid) and student nodes (dashed), columns by "
      + "epoch, rows by \(key.title).",
    notes: notes,
    ["datasets": .object(datasets), "vconcat": .array(lines), "spacing": 10, "resolve": shared])
}

/// Half the side of a window around the origin that shows 98 % of the inputs: the few far ones would shrink the rest.
private func windowRadius(_ inputs: [(Double, Double)]) -> Double {
  let extents = inputs.map { max(abs($0.0), abs($0.1)) }.sorted()
  guard !extents.isEmpty else { return 1 }
  return roundedUp(extents[min(extents.count - 1, Int(0.98 * Double(extents.count)))])
}

/// The first seed's run of each value of a key, in the values' order.
private func runsShown(_ selected: SelectedRuns, _ key: SeriesKey) throws(FigureError) -> [RunReader] {
  let seed = selected.study.seeds.first
  let runs = try selected.all().filter { $0.seed == seed }.sorted { key.index(of: $0) < key.index(of: $1) }
  guard !runs.isEmpty else { throw .noRuns(figure: selected.subject) }
  for (place, same) in Dictionary(grouping: runs, by: key.index).sorted(by: { $0.key < $1.key }) where same.count > 1 {
    throw .ambiguousSetting(
      figure: selected.subject, key: key.path, value: key.labels[place], settingCount: same.count)
  }
  let completed = runs.filter { !$0.record.isLeftOut }
  guard !completed.isEmpty else { throw .allDiverged(figure: selected.subject, runCount: runs.count) }
  return completed
}

/// One run: a row of panels.
private struct BoundaryRow {
  var title: [String]
  var inputs: [(Double, Double)]
  var teacherCount: Int
  var panels: [BoundaryPanel]
  var usesTraining: Bool
  var isThinned: Bool

  init(of run: RunReader, key: SeriesKey, at epochs: [Int]) throws(FigureError) {
    let recorded = run.epochs(of: .studentBoundaries)
    let shown = epochs.isEmpty ? thinned(recorded, to: 5) : epochs
    isThinned = epochs.isEmpty && shown.count < recorded.count
    guard let first = shown.first else { throw run.missing(.studentBoundaries, at: nil) }
    inputs = try run.firstRows(of: .inputSample, width: 2).map { ($0[0], $0[1]) }
    let teacher = try run.firstRows(of: .teacherBoundaries, width: 3)
    teacherCount = teacher.count
    usesTraining = run.recorded(.evaluationCorrelation, at: first) == nil
    let correlation: Measure = usesTraining ? .trainingCorrelation : .evaluationCorrelation
    panels = []
    for epoch in shown {
      let boundaries = try run.lines(try run.measurement(.studentBoundaries, at: epoch), width: 3)
      let measurement = try run.measurement(correlation, at: epoch)
      let table = try run.correlations(measurement)
      guard table.teacherCount == teacher.count, table.studentCount == boundaries.count else {
        throw run.wrongShape(measurement, expected: "[\(teacher.count), \(boundaries.count)]")
      }
      panels.append(BoundaryPanel(epoch: epoch, teacher: teacher, student: boundaries, correlation: table))
    }
    let count = panels.first?.student.count ?? 0
    let nodes = "\(count) student nodes"
    title =
      switch key.path {
      case "": [nodes]
      case "student.overRealization": ["\(key.label(of: run)): \(nodes)"]
      default: ["\(key.title) \(key.label(of: run)):", nodes]
      }
  }
}

extension RunReader {
  fileprivate func lines(_ measurement: MeasuredValue, width: Int) throws(FigureError) -> [[Double]] {
    try rows(measurement, width: width, expected: "[*, \(width)], as two-dimensional inputs have it")
  }

  /// The rows of the first recorded value of `measure`, which does not change over the epochs.
  fileprivate func firstRows(of measure: Measure, width: Int) throws(FigureError) -> [[Double]] {
    guard let first = try series(measure).first else { throw missing(measure, at: nil) }
    return try lines(first, width: width)
  }
}
