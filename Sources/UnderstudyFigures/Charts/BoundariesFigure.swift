import Foundation
import UnderstudySchema

/// Boundaries of teacher (solid) and student (dashed) over two-dimensional data, a column for each recorded epoch and a row
/// for each over-realization, for the first seed of the study. Under each panel stands each student node's best teacher
/// node and rho.
func boundariesFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let runs = try runsShown(chart.runs)
  var rows: [BoundaryRow] = []
  for run in runs { rows.append(try BoundaryRow(of: run, at: chart.epochs)) }
  let radius = windowRadius(rows.flatMap(\.inputs))
  let teacherCount = rows.map(\.teacherCount).max() ?? 0
  let columnCount = rows.map(\.panels.count).max() ?? 1
  let free = FigureStyle.doubleColumn - 110 - 14 * Double(columnCount - 1)
  let width = min(150, (free / Double(columnCount)).rounded(.down))
  var datasets: [String: JSONValue] = [:]
  var views: [JSONValue] = []
  for (index, row) in rows.enumerated() {
    datasets["inputs\(index)"] = .array(row.inputs.map { ["x": .display($0.0), "y": .display($0.1)] })
    for column in 0..<columnCount {
      guard row.panels.indices.contains(column) else { continue }
      let panel = row.panels[column]
      views.append(
        panel.plot(
          inputs: "inputs\(index)", radius: radius, width: width, rowTitle: column == 0 ? row.title : nil,
          scales: BoundaryScales(teacherCount: teacherCount)))
    }
    for panel in row.panels {
      views.append(panel.legend(width: width, radius: radius, scales: BoundaryScales(teacherCount: teacherCount)))
    }
  }
  let seed = runs.first?.seed ?? 0
  let measureName = rows.contains { $0.usesTraining } ? "training" : "evaluation"
  var notes = [
    "Seed \(seed). Solid: teacher, dashed: student. A student node has the colour of its best teacher node where "
      + "ρ > \(recoveryThreshold) (on \(measureName) inputs), else gray."
  ]
  if rows.contains(where: \.isThinned) { notes.append("\(columnCount) of the recorded epochs are drawn.") }
  let outside = rows.reduce(0) { $0 + $1.inputs.count { max(abs($0.0), abs($0.1)) > radius } }
  if outside > 0 { notes.append("\(outside) of \(rows.reduce(0) { $0 + $1.inputs.count }) inputs lie outside.") }
  return chart.specification(
    "Panels of two-dimensional data with the boundaries of teacher nodes (solid) and student nodes (dashed), columns by "
      + "epoch, rows by over-realization.",
    notes: notes, shownKeys: ["student.overRealization"],
    [
      "datasets": .object(datasets), "concat": .array(views), "columns": .integer(columnCount),
      "spacing": ["row": 8, "column": 14],
      "align": "each", "resolve": ["scale": ["color": "shared", "strokeDash": "shared"]],
    ])
}

/// Half the side of a window around the origin that shows 98 % of the inputs: the few far ones would shrink the rest.
private func windowRadius(_ inputs: [(Double, Double)]) -> Double {
  let extents = inputs.map { max(abs($0.0), abs($0.1)) }.sorted()
  guard !extents.isEmpty else { return 1 }
  return roundedUp(extents[min(extents.count - 1, Int(0.98 * Double(extents.count)))])
}

/// The first seed's run of each over-realization, ascending.
private func runsShown(_ selected: SelectedRuns) throws(FigureError) -> [RunReader] {
  let seed = selected.study.seeds.first
  let runs = try selected.all().filter { $0.seed == seed }
    .sorted { $0.setting.student.overRealization < $1.setting.student.overRealization }
  guard !runs.isEmpty else { throw .noRuns(figure: selected.subject) }
  let multiples = Dictionary(grouping: runs, by: \.setting.student.overRealization)
  for multiple in multiples.keys.sorted() {
    let count = multiples[multiple]?.count ?? 0
    if count > 1 {
      throw .ambiguousSetting(
        figure: selected.subject, key: "student.overRealization", value: multiple, settingCount: count)
    }
  }
  let completed = runs.filter { $0.record.divergedEpoch == nil }
  guard !completed.isEmpty else { throw .allDiverged(figure: selected.subject, runCount: runs.count) }
  return completed
}

/// One run: a row of panels.
private struct BoundaryRow {
  var title: String
  var inputs: [(Double, Double)]
  var teacherCount: Int
  var panels: [BoundaryPanel]
  var usesTraining: Bool
  var isThinned: Bool

  init(of run: RunReader, at epochs: [Int]) throws(FigureError) {
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
    let multiple = run.setting.student.overRealization.short
    let count = panels.first?.student.count ?? 0
    title = "\(multiple)x: \(count) student nodes"
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
