import Foundation
import UnderstudySchema

/// Best rho of each student node against its fan-out norm: nodes that learnt a teacher node stand in the upright arm at
/// rho = 1, the others lie in the arm along the bottom.
///
/// Fields of the data: `p` strength decay, `o` over-realization, `e` seed, `k` student node, `j` its best teacher node,
/// `r` that rho, `v` ||v_k||, `s` ||v_k|| ||w_k||, `d` 1 for a dead node.
func lShapeFigures(
  _ declaration: FigureDeclaration, selection: SettingSelection, study: Study
) throws(FigureError) -> [FigureSpecification] {
  var figures: [FigureSpecification] = []
  let epochs: [Int?] = declaration.epochs.isEmpty ? [nil] : declaration.epochs
  for epoch in epochs {
    let dots = try lShapeDots(declaration.name, epoch: epoch, selection: selection)
    let name = epochs.count > 1 ? "\(declaration.name)-epoch\(epoch ?? 0)" : declaration.name
    figures.append(
      lShapeFigure(
        name, declaration: declaration, epoch: epoch, dots: dots, height: .norm, selection: selection, study: study))
    if dots.hasStrengths {
      figures.append(
        lShapeFigure(
          name + "-strength", declaration: declaration, epoch: epoch, dots: dots, height: .strength,
          selection: selection, study: study))
    }
  }
  return figures
}

private enum DotHeight {
  case norm, strength

  var field: String { self == .norm ? "v" : "s" }
  var title: String { self == .norm ? "fan-out norm ||v||" : "strength ||v|| ||w||" }
}

private struct LShapeDots {
  var rows: [JSONValue] = []
  var decays: Set<Double> = []
  var multiples: Set<Double> = []
  var deadCount = 0
  var hasStrengths = true
  var lowestRho = 0.0
}

private func lShapeDots(
  _ figure: String, epoch: Int?, selection: SettingSelection
) throws(FigureError) -> LShapeDots {
  var dots = LShapeDots()
  let runs = selection.runs.filter { $0.divergedEpoch == nil }
  guard !runs.isEmpty else { throw .allDiverged(figure: figure, runCount: selection.runs.count) }
  for record in runs {
    let epoch = epoch ?? record.lastEpoch
    let table = try CorrelationTable(
      try record.required(.trainingCorrelation, epoch: epoch, figure: figure), figure: figure)
    let norms = try record.required(.fanOutNorms, epoch: epoch, figure: figure)
    guard norms.values.count == table.studentCount else {
      throw .wrongShape(
        figure: figure, measure: .fanOutNorms, shape: norms.shape, expected: "[\(table.studentCount)]")
    }
    let dead = record.measurement(.trainingDeadNodes, epoch: epoch)
    if let dead, dead.values.count != table.studentCount {
      throw .wrongShape(
        figure: figure, measure: .trainingDeadNodes, shape: dead.shape, expected: "[\(table.studentCount)]")
    }
    let strengths = record.measurement(.boundaryStrengths, epoch: epoch)
    if strengths?.values.count != table.studentCount { dots.hasStrengths = false }
    let setting = record.run.setting
    dots.decays.insert(setting.teacher.strengthDecay)
    dots.multiples.insert(setting.student.overRealization)
    for student in 0..<table.studentCount {
      let isDead = dead.map { $0.values[student] != 0 } ?? table.isDead(student: student)
      let best = table.best(ofStudent: student)
      var row: [String: JSONValue] = [
        "p": .number(setting.teacher.strengthDecay), "o": .number(setting.student.overRealization),
        "e": .integer(record.run.seed), "k": .integer(student + 1),
        "r": isDead ? 0 : .number(best.rho.rounded(toDigits: 4)),
        "v": .number(norms.values[student].rounded(toDigits: 4)),
      ]
      if isDead {
        row["d"] = 1
        dots.deadCount += 1
      } else {
        row["j"] = .integer(best.teacher + 1)
        dots.lowestRho = min(dots.lowestRho, best.rho)
      }
      if let strengths, strengths.values.count == table.studentCount {
        row["s"] = .number(strengths.values[student].rounded(toDigits: 4))
      }
      dots.rows.append(.object(row))
    }
  }
  return dots
}

private func lShapeFigure(
  _ name: String, declaration: FigureDeclaration, epoch: Int?, dots: LShapeDots, height: DotHeight,
  selection: SettingSelection, study: Study
) -> FigureSpecification {
  let width = FigureStyle.panelWidth(columns: dots.multiples.count)
  let live: JSONValue = "student node"
  let dead: JSONValue = "dead student node (no correlation; drawn at ρ = 0)"
  var hovers = [
    FigureStyle.hover("e", "seed", "ordinal"), FigureStyle.hover("k", "student node", "ordinal"),
    FigureStyle.hover("j", "best teacher node", "ordinal"), FigureStyle.hover("r", "ρ", format: ".4f"),
    FigureStyle.hover("v", "||v||", format: ".4~g"),
  ]
  if dots.hasStrengths { hovers.append(FigureStyle.hover("s", "||v|| ||w||", format: ".4~g")) }
  let states: JSONValue = dots.deadCount > 0 ? [live, dead] : [live]
  let legend: JSONValue = dots.deadCount > 0 ? ["title": nil, "symbolSize": 50, "symbolOpacity": 1] : nil
  let left = dots.lowestRho < 0 ? max(-1, (dots.lowestRho * 5).rounded(.down) / 5) : 0
  let encoding: JSONValue = [
    "x": [
      "field": "r", "type": "quantitative",
      "title": .text(width > 190 ? "best correlation ρ with a teacher node" : "best correlation ρ"),
      // A little room, so that the dots at 0 and 1 are not cut by the frame.
      "scale": ["domain": [.number(left - 0.02), 1.02], "nice": false],
      "axis": ["values": [0, 0.5, 1], "format": "~g"],
    ],
    "y": [
      "field": .text(height.field), "type": "quantitative", "title": .text(height.title),
      "axis": ["tickCount": 5, "format": "~g"],
    ],
    "color": [
      "field": "state", "type": "nominal", "legend": legend,
      "scale": ["domain": states, "range": dots.deadCount > 0 ? ["#0072B2", "#D55E00"] : ["#0072B2"]],
    ],
    "shape": [
      "field": "state", "type": "nominal", "legend": legend,
      "scale": ["domain": states, "range": dots.deadCount > 0 ? ["circle", "cross"] : ["circle"]],
    ],
    "tooltip": .array(hovers),
  ]
  // `fillOpacity`, since `opacity` makes a group of each dot and a PDF six times as large.
  // Hundreds of dots a panel are read by their density, a few must be seen one by one.
  let dotsPerPanel = dots.rows.count / max(1, dots.decays.count * dots.multiples.count)
  let opacity: JSONValue = dotsPerPanel > 400 ? 0.3 : 0.55
  let size: JSONValue = dotsPerPanel > 400 ? 9 : 16
  let when = epoch.map { "after epoch \($0)" } ?? "at the end of training"
  let text =
    "Scatter plots of \(dots.rows.count) student nodes \(when): best correlation with a teacher node against "
    + "\(height == .norm ? "fan-out norm" : "boundary strength"), rows by strength decay p, "
    + "columns by over-realization. \(declaration.caption)"
  var notes = ["Each dot is a student node of one seed \(when), on training inputs."]
  if dots.deadCount > 0 { notes.append("\(dots.deadCount) dead student nodes are drawn as crosses at ρ = 0.") }
  if height == .strength { notes.append("||v|| ||w|| does not change when a ReLU node is rescaled; ||v|| does.") }
  notes += selection.notes(shownKeys: ["teacher.strengthDecay", "student.overRealization"], study: study)
  return FigureSpecification(
    name: name,
    caption: declaration.caption + (height == .norm ? "" : " Here with the boundary strength ||v|| ||w|| as height."),
    notes: notes, alternativeText: text,
    document: FigureStyle.document(
      description: text,
      [
        "data": ["values": .array(FigureStyle.completed(dots.rows, row: "p", column: "o"))],
        "transform": [["calculate": .text("datum.d ? '\(dead.text ?? "")' : '\(live.text ?? "")'"), "as": "state"]],
        "facet": [
          "row": FigureStyle.facet("p", label: FigureStyle.decayLabel, ["labelOrient": "right", "labelAngle": 90]),
          "column": FigureStyle.facet("o", label: FigureStyle.multipleLabel),
        ],
        "spacing": .number(FigureStyle.gap),
        "spec": [
          "width": .number(width), "height": .number(min(130, max(90, width))),
          "mark": [
            "type": "point", "filled": true, "size": size, "fillOpacity": opacity, "opacity": 1, "strokeOpacity": 0,
          ],
          "encoding": encoding,
        ],
      ]))
}
