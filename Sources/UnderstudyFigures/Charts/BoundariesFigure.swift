import Foundation
import UnderstudySchema

/// Boundaries of teacher (solid) and student (dashed) over two-dimensional data, a column for each recorded epoch and a row
/// for each over-realization, for the first seed of the study. Under each panel stands each student node's best teacher
/// node and rho.
func boundariesFigure(
  _ declaration: FigureDeclaration, selection: SettingSelection, study: Study
) throws(FigureError) -> FigureSpecification {
  let runs = try runsShown(declaration, selection: selection, study: study)
  var rows: [BoundaryRow] = []
  for record in runs { rows.append(try BoundaryRow(of: record, declaration: declaration)) }
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
  let seed = runs.first?.run.seed ?? 0
  let text =
    "Panels of two-dimensional data with the boundaries of teacher nodes (solid) and student nodes (dashed), columns by "
    + "epoch, rows by over-realization. \(declaration.caption)"
  let measureName = rows.contains { $0.usesTraining } ? "training" : "evaluation"
  var notes = [
    "Seed \(seed). Solid: teacher, dashed: student. A student node has the colour of its best teacher node where "
      + "ρ > \(recoveryThreshold) (on \(measureName) inputs), else gray."
  ]
  if rows.contains(where: \.isThinned) { notes.append("\(columnCount) of the recorded epochs are drawn.") }
  let outside = rows.reduce(0) { $0 + $1.inputs.count { max(abs($0.0), abs($0.1)) > radius } }
  if outside > 0 { notes.append("\(outside) of \(rows.reduce(0) { $0 + $1.inputs.count }) inputs lie outside.") }
  notes += selection.notes(shownKeys: ["student.overRealization"], study: study)
  return FigureSpecification(
    name: declaration.name, caption: declaration.caption, notes: notes, alternativeText: text,
    document: FigureStyle.document(
      description: text,
      [
        "datasets": .object(datasets), "concat": .array(views), "columns": .integer(columnCount),
        "spacing": ["row": 8, "column": 14],
        "align": "each", "resolve": ["scale": ["color": "shared", "strokeDash": "shared"]],
      ]))
}

/// Half the side of a window around the origin that shows 98 % of the inputs: the few far ones would shrink the rest.
private func windowRadius(_ inputs: [(Double, Double)]) -> Double {
  let extents = inputs.map { max(abs($0.0), abs($0.1)) }.sorted()
  guard !extents.isEmpty else { return 1 }
  return roundedUp(extents[min(extents.count - 1, Int(0.98 * Double(extents.count)))])
}

/// The first seed's run of each over-realization, ascending.
private func runsShown(
  _ declaration: FigureDeclaration, selection: SettingSelection, study: Study
) throws(FigureError) -> [RunRecord] {
  let seed = study.seeds.first
  let runs = selection.runs.filter { $0.run.seed == seed }
    .sorted { $0.run.setting.student.overRealization < $1.run.setting.student.overRealization }
  guard !runs.isEmpty else { throw .noRuns(figure: declaration.name) }
  let multiples = Dictionary(grouping: runs) { $0.run.setting.student.overRealization }
  for multiple in multiples.keys.sorted() {
    let count = multiples[multiple]?.count ?? 0
    if count > 1 {
      throw .ambiguousSetting(
        figure: declaration.name, key: "student.overRealization", value: multiple, settingCount: count)
    }
  }
  let completed = runs.filter { $0.divergedEpoch == nil }
  guard !completed.isEmpty else { throw .allDiverged(figure: declaration.name, runCount: runs.count) }
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

  init(of record: RunRecord, declaration: FigureDeclaration) throws(FigureError) {
    let figure = declaration.name
    let recorded = record.epochs(of: .studentBoundaries)
    let shown = declaration.epochs.isEmpty ? thinned(recorded, to: 5) : declaration.epochs
    isThinned = declaration.epochs.isEmpty && shown.count < recorded.count
    guard let first = shown.first else {
      throw .missingMeasure(
        figure: figure, measure: .studentBoundaries, epoch: nil, recordedEpochs: [], seed: record.run.seed)
    }
    inputs = try Self.rows(of: .inputSample, in: record, width: 2, figure: figure).map { ($0[0], $0[1]) }
    let teacher = try Self.rows(of: .teacherBoundaries, in: record, width: 3, figure: figure)
    teacherCount = teacher.count
    usesTraining = record.measurement(.evaluationCorrelation, epoch: first) == nil
    let correlation: Measure = usesTraining ? .trainingCorrelation : .evaluationCorrelation
    panels = []
    for epoch in shown {
      let boundaries = try Self.rows(
        try record.required(.studentBoundaries, epoch: epoch, figure: figure), width: 3, figure: figure)
      let table = try CorrelationTable(
        try record.required(correlation, epoch: epoch, figure: figure), figure: figure)
      guard table.teacherCount == teacher.count, table.studentCount == boundaries.count else {
        throw .wrongShape(
          figure: figure, measure: correlation, shape: [table.teacherCount, table.studentCount],
          expected: "[\(teacher.count), \(boundaries.count)]")
      }
      panels.append(BoundaryPanel(epoch: epoch, teacher: teacher, student: boundaries, correlation: table))
    }
    let multiple = record.run.setting.student.overRealization.short
    let count = panels.first?.student.count ?? 0
    title = "\(multiple)x: \(count) student nodes"
  }

  /// The rows of the first recorded value of `measure`, which does not change over the epochs.
  private static func rows(
    of measure: Measure, in record: RunRecord, width: Int, figure: String
  ) throws(FigureError) -> [[Double]] {
    guard let epoch = record.epochs(of: measure).first else {
      throw .missingMeasure(figure: figure, measure: measure, epoch: nil, recordedEpochs: [], seed: record.run.seed)
    }
    return try rows(try record.required(measure, epoch: epoch, figure: figure), width: width, figure: figure)
  }

  private static func rows(_ measurement: Measurement, width: Int, figure: String) throws(FigureError) -> [[Double]] {
    guard measurement.shape.count == 2, measurement.shape[1] == width,
      measurement.values.count == measurement.shape[0] * width
    else {
      throw .wrongShape(
        figure: figure, measure: measurement.measure, shape: measurement.shape,
        expected: "[*, \(width)], as two-dimensional inputs have it")
    }
    return (0..<measurement.shape[0]).map { Array(measurement.values[($0 * width)..<(($0 + 1) * width)]) }
  }
}
