import Foundation
import UnderstudySchema

/// The figures of one audit: predicted against measured alignment of the teacher nodes (if anything is predicted), and the
/// student nodes with what merging does with them.
///
/// - Parameter name: the beginning of the figures' file names.
public func auditFigures(of record: AuditRecord, name: String) -> [FigureSpecification] {
  var figures: [FigureSpecification] = []
  if record.teacherNodes.contains(where: { $0.predictedAlignment != nil }) {
    figures.append(predictionFigure(of: record, name: name + "-teacher"))
  }
  if !record.studentNodes.isEmpty { figures.append(fateFigure(of: record, name: name + "-student")) }
  return figures
}

/// Strengths below, as shares of the largest, are none.
private let strengthFloor = 1e-20
/// Nodes of hardly any weights have their boundaries anywhere, as far away as one likes, and nodes of none nowhere.
private let alignmentCeiling = 10.0

/// Fields of the data: `x` predicted, `y` measured, `j` teacher node, `l` the same as a text, `k` student node, `v` verdict.
private func predictionFigure(of record: AuditRecord, name: String) -> FigureSpecification {
  let spread = record.inputSpread ?? 1
  let rows: [JSONValue] = record.teacherNodes.compactMap { node in
    guard let predicted = node.predictedAlignment, let alignment = node.alignment else { return nil }
    return [
      "x": .display(max(predicted / spread, alignmentFloor)), "y": .display(max(alignment / spread, alignmentFloor)),
      "j": .integer(node.node), "l": .text(String(node.node)), "k": .integer(node.alignedStudent),
      "v": .text(node.verdict.words),
    ]
  }
  let verdicts = AuditVerdict.allCases.filter { verdict in rows.contains { $0["v"]?.text == verdict.words } }
  let withoutCount = record.teacherNodes.count - rows.count
  var notes = [
    "Each dot is a teacher node, with its number where there is room.",
    violationNote,
  ]
  if withoutCount > 0 {
    notes.append("\(withoutCount) teacher nodes have no prediction, or no student node to be aligned with.")
  }
  let caption = "Alignment of each teacher node: the theorem's prediction against what was measured."
  return FigureSpecification(
    name: name, caption: caption, notes: notes, text: "Scatter plot on logarithmic axes with the diagonal. " + caption,
    boundMembers(
      rows,
      color: {
        FigureStyle().color(
          "v", title: "", names: verdicts.map(\.words), colors: verdicts.map(\.color), symbol: "circle", room: $0)
      },
      hovers: [
        FigureStyle.hover("j", "teacher node", "ordinal"), FigureStyle.hover("k", "student node", "ordinal"),
        FigureStyle.hover("x", "predicted", format: ".3~e"), FigureStyle.hover("y", "measured", format: ".3~e"),
        FigureStyle.hover("v", "verdict", "nominal"),
      ], labels: "l"))
}

/// Fields of the data: `x` alignment, `y` strength, `k` student node, `l` the same as a text, `j` aligned teacher node, `f`
/// fate, `z` kink balance.
private func fateFigure(of record: AuditRecord, name: String) -> FigureSpecification {
  let spread = record.inputSpread ?? 1
  let strongest = record.studentNodes.map(\.strength).max() ?? 0
  let weakest = strengthFloor * (strongest > 0 ? strongest : 1)
  func alignment(_ node: StudentNodeRecord) -> Double { node.alignment.map { $0 / spread } ?? .infinity }
  let rows: [JSONValue] = record.studentNodes.map { node in
    let row: JSONValue = [
      "x": .display(min(max(alignment(node), alignmentFloor), alignmentCeiling)),
      "y": .display(max(node.strength, weakest)),
      "k": .integer(node.node), "l": .text(String(node.node)), "f": .text(node.fate?.words ?? fateNotMeasured),
      "z": .display(node.kinkBalance),
    ]
    return row.with(node.alignedTeacher.map { ["j": .integer($0)] } ?? [:])
  }
  let words = StudentNodeRecord.Fate.allCases.map(\.words) + [fateNotMeasured]
  let fates = words.filter { words in rows.contains { $0["f"]?.text == words } }
  let isMeasured = fates != [fateNotMeasured]
  let caption =
    "Student nodes: how well each is aligned with a teacher node, and how strong it is"
    + (isMeasured ? "; and what merging does." : ".")
  let flooredCount = record.studentNodes.count {
    $0.strength < weakest || alignment($0) < alignmentFloor || alignment($0) > alignmentCeiling
  }
  var notes = ["Each dot is a student node, with its number where there is room."]
  if !isMeasured { notes.append("What merging does with them was not measured.") }
  if flooredCount > 0 {
    notes.append(
      "\(flooredCount) nodes lie on an edge: strength below 1e-20 of the largest, alignment below 1e-16 or above 10.")
  }
  let x = LogarithmicAxis(
    "alignment with the closest teacher node, share of the spread",
    around: rows.compactMap { $0["x"]?.number } + [1])
  let y = LogarithmicAxis("strength ‖v‖ ‖w‖", around: rows.compactMap { $0["y"]?.number })
  let size = (width: 340.0, height: 240.0)
  let channel = FigureStyle().color("f", title: "", names: fates, symbol: "circle", room: 340)
  let legend: JSONValue =
    fates.count < 2 ? nil : .object((channel["legend"]?.members ?? [:]).filter { $0.key != "symbolType" })
  let color = channel.with(["legend": legend])
  let shape = color.with(["scale": ["domain": .texts(fates), "range": ["circle", "square", "cross"]]])
  let dots = Layers.of(
    Layers.dot(38, fillOpacity: 0.85),
    [
      "x": x.encoding("x"), "y": y.encoding("y"), "color": color, "shape": shape,
      "tooltip": [
        FigureStyle.hover("k", "student node", "ordinal"), FigureStyle.hover("j", "aligned teacher node", "ordinal"),
        FigureStyle.hover("x", "alignment", format: ".3~e"), FigureStyle.hover("y", "strength", format: ".3~e"),
        FigureStyle.hover("z", "kink balance", format: ".3~e"), FigureStyle.hover("f", "merging", "nominal"),
      ],
    ])
  return FigureSpecification(
    name: name, caption: caption, notes: notes, text: "Scatter plot on logarithmic axes. " + caption,
    [
      "data": ["values": .array(rows)], "width": .number(size.width), "height": .number(size.height),
      "layer": .array([dots] + labelLayers(rows, field: "l", x: x, y: y, size: size)),
    ])
}

/// Of nodes of an audit that left merging out.
let fateNotMeasured = "not measured"

extension StudentNodeRecord.Fate {
  var words: String {
    switch self {
    case .carries: "carries a boundary"
    case .merged: "merged into another"
    case .removed: "removed"
    }
  }
}
