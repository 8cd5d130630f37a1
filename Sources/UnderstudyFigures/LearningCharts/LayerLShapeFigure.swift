import Foundation
import UnderstudySchema

/// The L-shape of each hidden layer: best rho of each live student node with a teacher node of its layer against its strength
/// sqrt(E[beta_kk]), a row for each layer, the lowest at the bottom, a column for each epoch.
///
/// A row of the data is one layer of one run at one epoch, its dots in lists: `l` layer from 1, `t` epoch, `o`
/// over-realization as a text, `e` seed, and of each live student node `k` its number in the layer, `r` best rho, `x` 1 - rho if
/// that is shown, `y` strength, `g` what it is in words if that is recorded and no key takes the colours.
func layerLShapeFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let runs = try LayerReader.of(try chart.runs.completed())
  let epochs = try chart.epochs.isEmpty ? usualEpochs(runs) : chart.epochs
  let color = chart.keys.channels.color
  let shown = withFewEnoughDots(runs, columnCount: epochs.count)
  let depth = runs.map(\.depth).max() ?? 1
  let rows = try LShapeRows(shown, chart, depth: depth, epochs: epochs, color: color)

  var notes = [
    "Each dot is a live student node of one run, on evaluation inputs; ρ is the best with a teacher node of the same layer."
  ]
  if rows.isLogarithmic { notes += rows.panels.scaleNotes }
  if rows.hasRoles { notes.append(NodeRole.note) }
  if shown.count < runs.count {
    let seeds = Set(shown.map(\.run.seed)).sorted()
    let total = Set(runs.map(\.run.seed)).count
    notes.append("Drawn: \(seeds.count) of \(total) seeds (\(seeds.map(String.init).joined(separator: ", "))).")
  }
  if rows.panels.deadCount > 0 {
    notes.append(
      "\(rows.panels.deadCount) dead student nodes are left out: of a constant activation there is no correlation.")
  }
  return chart.specification(
    "Scatter plots of student nodes, best correlation with a teacher node of the same layer against strength: a row for each "
      + "of \(depth) hidden layers, the lowest at the bottom, a column for each of the epochs "
      + "\(epochs.map(String.init).joined(separator: ", ")).",
    notes: notes, namesSearch: true,
    [
      "data": ["values": .array(rows.panels.rows)],
      "transform": [["flatten": .texts(rows.lists)]],
      "vconcat": .array((1...depth).reversed().map(rows.row)),
      "spacing": .number(FigureStyle.gap),
    ])
}

/// The first, a middle and the last of the epochs at which every run has both measures. The middle one on a logarithmic
/// scale: students change most in the beginning.
private func usualEpochs(_ runs: [LayerReader]) throws(FigureError) -> [Int] {
  var common: Set<Int>?
  for layers in runs {
    for measure in [Measure.layerStudentCorrelations, .layerStrengths] {
      let epochs = Set(try layers.run.series(measure).map(\.epoch))
      common = common?.intersection(epochs) ?? epochs
    }
  }
  guard let epochs = common?.sorted(), let first = epochs.first, let last = epochs.last else {
    throw runs[0].run.missing(.layerStrengths, at: runs[0].run.lastEpoch)
  }
  let middle = (log1p(Double(first)) + log1p(Double(last))) / 2
  let inner = epochs.dropFirst().dropLast().min {
    abs(log1p(Double($0)) - middle) < abs(log1p(Double($1)) - middle)
  }
  return Set([first, last] + (inner.map { [$0] } ?? [])).sorted()
}

/// The runs of as many seeds, the first ones, as make at most some 12000 dots; at least of one seed.
private func withFewEnoughDots(_ runs: [LayerReader], columnCount: Int) -> [LayerReader] {
  let bySeed = Dictionary(grouping: runs, by: \.run.seed)
  var kept: Set<Int> = []
  var count = 0
  for seed in bySeed.keys.sorted() {
    count += bySeed[seed, default: []].reduce(0) { $0 + $1.studentWidths.reduce(0, +) } * columnCount
    if count > 12_000, !kept.isEmpty { break }
    kept.insert(seed)
  }
  return runs.filter { kept.contains($0.run.seed) }
}

/// Panels by layer and epoch.
private struct LShapeRows {
  private(set) var panels = LShapePanels()
  private let depth: Int
  private let epochs: [Int]
  private let color: SeriesKey
  private let style: FigureStyle
  private(set) var isLogarithmic = false
  /// Whether colours say what nodes are.
  let hasRoles: Bool
  /// Of each layer, from 1.
  private var highestStrength: [Int: Double] = [:]

  /// Wide students come first, so that the few nodes of narrow ones are drawn over them.
  init(
    _ runs: [LayerReader], _ chart: Chart, depth: Int, epochs: [Int], color: SeriesKey
  ) throws(FigureError) {
    (self.depth, self.epochs, self.color, style) = (depth, epochs, color, chart.style)
    var hasRoles = !color.isVaried
    for layers in runs {
      for epoch in epochs where hasRoles { hasRoles = try layers.roles(at: epoch) != nil }
    }
    self.hasRoles = hasRoles
    let ordered = runs.enumerated().sorted { left, right in
      (color.index(of: right.element.run), left.offset) < (color.index(of: left.element.run), right.offset)
    }
    // The last epoch decides for all: one axis.
    var last = LShapePanels()
    for (_, layers) in ordered {
      for nodes in try layers.nodes(at: epochs.last) { last.count(nodes) }
    }
    isLogarithmic = last.isLogarithmic(chart.declaration.scale)
    for (_, layers) in ordered {
      for epoch in epochs {
        let roles = hasRoles ? try layers.roles(at: epoch) : nil
        for (layer, nodes) in try layers.nodes(at: epoch).enumerated() {
          panels.count(nodes)
          let live = nodes.live
          guard let highest = live.map({ nodes.heights[$0] }).max() else { continue }
          highestStrength[layer + 1] = max(highestStrength[layer + 1] ?? 0, highest)
          var row: [String: JSONValue] = [
            "l": .integer(layer + 1), "t": .integer(epoch), "o": .text(color.label(of: layers.run)),
            "e": .integer(layers.run.seed), "k": .array(live.map { .integer($0 + 1) }),
            "r": .array(live.map { .number(nodes.rho[$0].rounded(toDigits: 4)) }),
            "y": .array(live.map { .number(nodes.heights[$0].rounded(toDigits: 3)) }),
          ]
          if isLogarithmic {
            row["x"] = .array(live.map { .number(LShapePanels.distance(nodes.rho[$0]).rounded(toDigits: 3)) })
          }
          if let roles { row["g"] = .array(live.map { .text(roles[layer][$0].label) }) }
          panels.rows.append(.object(row))
        }
      }
    }
  }

  /// The fields that are lists.
  var lists: [String] { ["k", "r", "y"] + (isLogarithmic ? ["x"] : []) + (hasRoles ? ["g"] : []) }

  /// The panels of a layer, from 1: alike but for its own scale of strengths.
  func row(_ layer: Int) -> JSONValue {
    let width = style.panelWidth(columns: epochs.count)
    let x = panels.x(
      isLogarithmic ? "x" : "r", isLogarithmic: isLogarithmic, width: width, style: style, isLabelled: layer == 1,
      ["labels": .boolean(layer == 1), "ticks": .boolean(layer == 1), "domain": .boolean(layer == 1)])
    var column: [String: JSONValue] = ["field": "t", "type": "ordinal", "header": nil]
    if layer == depth { column["header"] = ["title": nil, "labelExpr": "'epoch ' + (datum.label)"] }
    return [
      "transform": [["filter": .text("datum.l == \(layer)")]],
      "facet": [
        "column": .object(column),
        "row": FigureStyle.facet(
          "l", label: "'layer \(layerLabel(layer))'", ["labelOrient": "right", "labelAngle": 90]),
      ],
      "spacing": .number(FigureStyle.gap),
      "spec": [
        "width": .number(width), "height": .number(((depth > 3 ? 84 : 100) * style.scale).rounded()),
        "encoding": ["x": x],
        "layer": .array((isLogarithmic ? [panels.threshold(x)] : []) + [dots(layer)]),
      ],
    ]
  }

  private func dots(_ layer: Int) -> JSONValue {
    let highest = highestStrength[layer].flatMap { $0 > 0 ? $0 : nil } ?? 1
    return [
      "mark": panels.mark(panels.dotCount / max(1, depth * epochs.count), sizes: (8, 14)),
      "encoding": [
        // As wide for each layer, so that the panels stand in columns.
        "y": FigureStyle.quantity(
          "y", "√E[βₖₖ]", scale: ["domain": [0, .display(1.05 * highest)], "nice": false],
          axis: ["tickCount": 4, "format": "~g", "minExtent": 34]),
        "color": hasRoles
          ? style.color("g", title: "", names: NodeRole.allCases.map(\.label), symbol: "circle")
          : style.color("o", color, symbol: "circle"),
        "tooltip": .array(
          [
            FigureStyle.hover("o", color.title, "nominal"), FigureStyle.hover("e", "seed", "ordinal"),
            FigureStyle.hover("k", "student node", "ordinal"), FigureStyle.hover("r", "best ρ", format: ".4f"),
            FigureStyle.hover("y", "strength √E[βₖₖ]", format: ".3~g"),
          ] + (hasRoles ? [FigureStyle.hover("g", "node", "nominal")] : [])),
      ],
    ]
  }
}
