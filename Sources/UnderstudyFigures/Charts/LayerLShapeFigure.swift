import Foundation
import UnderstudySchema

/// Best rho of each live student node with a teacher node of its layer against its strength sqrt(E[beta_kk]): a row for each
/// hidden layer, the lowest at the bottom, a column for each epoch.
///
/// A row of the data is one layer of one run at one epoch, its dots in lists: `l` layer from 1, `t` epoch, `o`
/// over-realization as a text, `e` seed, and of each live student node `k` its number in the layer, `r` best rho, `y`
/// strength.
func layerLShapeFigure(
  _ declaration: FigureDeclaration, selection: SettingSelection, study: Study
) throws(FigureError) -> FigureSpecification {
  let runs = try selection.completedRuns(figure: declaration.name)
  let tables = try layerTables(runs, figure: declaration.name)
  let epochs = try declaration.epochs.isEmpty ? usualEpochs(tables, figure: declaration.name) : declaration.epochs
  let color = SeriesKey("student.overRealization", of: selection, study: study)
  let shown = withFewEnoughDots(tables, columnCount: epochs.count)
  let dots = try layerDots(shown, epochs: epochs, color: color, figure: declaration.name)
  let depth = tables.map(\.depth).max() ?? 1

  var notes = [
    "Each dot is a live student node of one run, on evaluation inputs; ρ is the best with a teacher node of the same layer."
  ]
  if shown.count < tables.count {
    let seeds = Set(shown.map(\.record.run.seed)).sorted()
    let total = Set(tables.map(\.record.run.seed)).count
    notes.append("Drawn: \(seeds.count) of \(total) seeds (\(seeds.map(String.init).joined(separator: ", "))).")
  }
  if dots.deadCount > 0 {
    notes.append("\(dots.deadCount) dead student nodes are left out: of a constant activation there is no correlation.")
  }
  notes += selection.finishingNotes
  notes += selection.notes(shownKeys: [color.path], study: study)
  let text =
    "Scatter plots of student nodes, best correlation with a teacher node of the same layer against strength: a row for each "
    + "of \(depth) hidden layers, the lowest at the bottom, a column for each of the epochs "
    + "\(epochs.map(String.init).joined(separator: ", ")). \(declaration.caption)"
  let panel = LayerPanel(depth: depth, epochs: epochs, dots: dots, color: color)
  return FigureSpecification(
    name: declaration.name, caption: declaration.caption, notes: notes, alternativeText: text,
    document: FigureStyle.document(
      description: text,
      [
        "data": ["values": .array(dots.rows)],
        "transform": [["flatten": ["k", "r", "y"]]],
        "vconcat": .array((1...depth).reversed().map(panel.row)),
        "spacing": .number(FigureStyle.gap),
      ]))
}

/// The first, a middle and the last of the epochs at which every run has both measures. The middle one on a logarithmic
/// scale: students change most in the beginning.
private func usualEpochs(_ tables: [LayerTable], figure: String) throws(FigureError) -> [Int] {
  var common: Set<Int>?
  for table in tables {
    for measure in [Measure.layerStudentCorrelations, .layerStrengths] {
      let epochs = Set(try table.record.series(measure, figure: figure).keys)
      common = common?.intersection(epochs) ?? epochs
    }
  }
  guard let epochs = common?.sorted(), let first = epochs.first, let last = epochs.last else {
    let record = tables[0].record
    throw .missingMeasure(
      figure: figure, measure: .layerStrengths, epoch: record.lastEpoch,
      recordedEpochs: record.epochs(of: .layerStrengths), seed: record.run.seed)
  }
  let middle = (log1p(Double(first)) + log1p(Double(last))) / 2
  let inner = epochs.dropFirst().dropLast().min {
    abs(log1p(Double($0)) - middle) < abs(log1p(Double($1)) - middle)
  }
  return Set([first, last] + (inner.map { [$0] } ?? [])).sorted()
}

/// The runs of as many seeds, the first ones, as make at most some 12000 dots; at least of one seed.
private func withFewEnoughDots(_ tables: [LayerTable], columnCount: Int) -> [LayerTable] {
  let bySeed = Dictionary(grouping: tables) { $0.record.run.seed }
  var kept: Set<Int> = []
  var count = 0
  for seed in bySeed.keys.sorted() {
    count += bySeed[seed, default: []].reduce(0) { $0 + $1.studentWidths.reduce(0, +) } * columnCount
    if count > 12_000, !kept.isEmpty { break }
    kept.insert(seed)
  }
  return tables.filter { kept.contains($0.record.run.seed) }
}

private struct LayerDots {
  var rows: [JSONValue] = []
  var count = 0
  var deadCount = 0
  var lowestRho = 0.0
  /// Of each layer, from 1.
  var highestStrength: [Int: Double] = [:]
}

/// Wide students come first, so that the few nodes of narrow ones are drawn over them.
private func layerDots(
  _ tables: [LayerTable], epochs: [Int], color: SeriesKey, figure: String
) throws(FigureError) -> LayerDots {
  var dots = LayerDots()
  let ordered = tables.enumerated().sorted { left, right in
    let (wide, narrow) = (right.element.record.run.setting, left.element.record.run.setting)
    return (wide.student.overRealization, left.offset) < (narrow.student.overRealization, right.offset)
  }
  for (_, table) in ordered {
    for epoch in epochs {
      let rho = try table.studentNodes(.layerStudentCorrelations, epoch: epoch)
      let strengths = try table.studentNodes(.layerStrengths, epoch: epoch)
      let dead = try table.isDead(epoch: epoch)
      for layer in 0..<table.depth {
        let live = dead[layer].indices.filter { !dead[layer][$0] }
        dots.deadCount += dead[layer].count - live.count
        guard !live.isEmpty else { continue }
        dots.count += live.count
        dots.lowestRho = min(dots.lowestRho, live.map { rho[layer][$0] }.min() ?? 0)
        let highest = live.map { strengths[layer][$0] }.max() ?? 0
        dots.highestStrength[layer + 1] = max(dots.highestStrength[layer + 1] ?? 0, highest)
        dots.rows.append([
          "l": .integer(layer + 1), "t": .integer(epoch), "o": .text(color.label(of: table.record)),
          "e": .integer(table.record.run.seed), "k": .array(live.map { .integer($0 + 1) }),
          "r": .array(live.map { .number(rho[layer][$0].rounded(toDigits: 4)) }),
          "y": .array(live.map { .number(strengths[layer][$0].rounded(toDigits: 3)) }),
        ])
      }
    }
  }
  return dots
}

/// How the rows of panels are drawn.
private struct LayerPanel {
  var depth: Int
  var epochs: [Int]
  var dots: LayerDots
  var color: SeriesKey

  /// The panels of a layer, from 1: alike but for its own scale of strengths.
  func row(_ layer: Int) -> JSONValue {
    let width = FigureStyle.panelWidth(columns: epochs.count)
    let isBottom = layer == 1
    let isTop = layer == depth
    let dotsPerPanel = dots.count / max(1, depth * epochs.count)
    let opacity: JSONValue = dotsPerPanel > 400 ? 0.3 : 0.55
    let size: JSONValue = dotsPerPanel > 400 ? 8 : 14
    let left = dots.lowestRho < 0 ? max(-1, (dots.lowestRho * 5).rounded(.down) / 5) : 0
    let highest = dots.highestStrength[layer].flatMap { $0 > 0 ? $0 : nil } ?? 1
    let name = "layer \(layerLabel(layer))"
    var column: [String: JSONValue] = ["field": "t", "type": "ordinal", "header": nil]
    if isTop { column["header"] = ["title": nil, "labelExpr": "'epoch ' + (datum.label)"] }
    return [
      "transform": [["filter": .text("datum.l == \(layer)")]],
      "facet": [
        "column": .object(column),
        "row": [
          "field": "l", "type": "ordinal",
          "header": ["title": nil, "labelExpr": .text("'\(name)'"), "labelOrient": "right", "labelAngle": 90],
        ],
      ],
      "spacing": .number(FigureStyle.gap),
      "spec": [
        "width": .number(width), "height": .number(depth > 3 ? 84 : 100),
        "mark": [
          "type": "point", "filled": true, "size": size, "fillOpacity": opacity, "opacity": 1, "strokeOpacity": 0,
        ],
        "encoding": [
          "x": [
            "field": "r", "type": "quantitative",
            "title": isBottom
              ? .text(width > 190 ? "best correlation ρ with a teacher node" : "best correlation ρ") : nil,
            // A little room, so that the dots at 0 and 1 are not cut by the frame.
            "scale": ["domain": [.number(left - 0.02), 1.02], "nice": false],
            "axis": [
              "values": [0, 0.5, 1], "format": "~g", "labels": .boolean(isBottom), "ticks": .boolean(isBottom),
              "domain": .boolean(isBottom),
            ],
          ],
          "y": [
            "field": "y", "type": "quantitative", "title": "√E[β_kk]",
            "scale": ["domain": [0, .display(1.05 * highest)], "nice": false],
            // As wide for each layer, so that the panels stand in columns.
            "axis": ["tickCount": 4, "format": "~g", "minExtent": 34],
          ],
          "color": FigureStyle.color("o", title: color.title, names: color.labels, symbol: "circle"),
          "tooltip": [
            FigureStyle.hover("o", color.title, "nominal"), FigureStyle.hover("e", "seed", "ordinal"),
            FigureStyle.hover("k", "student node", "ordinal"), FigureStyle.hover("r", "best ρ", format: ".4f"),
            FigureStyle.hover("y", "strength √E[β_kk]", format: ".3~g"),
          ],
        ],
      ],
    ]
  }
}
