import Foundation
import UnderstudySchema

/// What the panels of an L-shape have in common: a dot for each student node, its best rho to the right, how much it matters
/// as height.
private struct LShapePanels {
  var rows: [JSONValue] = []
  var dotCount = 0
  var deadCount = 0
  var lowestRho = 0.0

  mutating func count(_ nodes: LayerNodes) {
    dotCount += nodes.live.count
    deadCount += nodes.isDead.count { $0 }
    lowestRho = min(lowestRho, nodes.live.map { nodes.rho[$0] }.min() ?? 0)
  }

  /// Hundreds of dots a panel are read by their density, a few must be seen one by one.
  func mark(_ dotsPerPanel: Int, sizes: (many: Double, few: Double)) -> JSONValue {
    let isMany = dotsPerPanel > 400
    return Layers.dot(isMany ? sizes.many : sizes.few, fillOpacity: isMany ? 0.3 : 0.55)
  }

  func x(width: Double, isLabelled: Bool = true, _ axis: [String: JSONValue] = [:]) -> JSONValue {
    let left = lowestRho < 0 ? max(-1, (lowestRho * 5).rounded(.down) / 5) : 0
    return [
      "field": "r", "type": "quantitative",
      "title": isLabelled ? .text(width > 190 ? "best correlation ρ with a teacher node" : "best correlation ρ") : nil,
      // A little room, so that the dots at 0 and 1 are not cut by the frame.
      "scale": ["domain": [.number(left - 0.02), 1.02], "nice": false],
      "axis": .object(axis.merging(["values": [0, 0.5, 1], "format": "~g"]) { $1 }),
    ]
  }
}

/// Best rho of each student node against its fan-out norm: nodes that learnt a teacher node stand in the upright arm at
/// rho = 1, the others lie in the arm along the bottom. Where strengths are recorded, a second figure has them as height.
///
/// Fields of the data: `p` strength decay, `o` over-realization, `e` seed, `k` student node, `j` its best teacher node,
/// `r` that rho, `v` ||v_k||, `s` ||v_k|| ||w_k||, `d` 1 for a dead node.
func lShapeFigures(_ chart: Chart) throws(FigureError) -> [FigureSpecification] {
  var figures: [FigureSpecification] = []
  let epochs: [Int?] = chart.epochs.isEmpty ? [nil] : chart.epochs
  for epoch in epochs {
    let grid = try LShapeGrid(try chart.runs.completed(), epoch: epoch)
    let name = epochs.count > 1 ? "\(chart.name)-epoch\(epoch ?? 0)" : chart.name
    figures.append(grid.figure(chart, name: name, height: .norm))
    if grid.hasStrengths { figures.append(grid.figure(chart, name: name + "-strength", height: .strength)) }
  }
  return figures
}

/// Panels by strength decay and over-realization.
private struct LShapeGrid {
  enum Height { case norm, strength }

  private var panels = LShapePanels()
  private let epoch: Int?
  private var decays: Set<Double> = []
  private var multiples: Set<Double> = []
  private(set) var hasStrengths = true

  init(_ runs: [RunReader], epoch: Int?) throws(FigureError) {
    self.epoch = epoch
    for run in runs {
      let (nodes, table) = try run.nodes(at: epoch)
      let strengths = run.recorded(.boundaryStrengths, at: epoch ?? run.lastEpoch).flatMap {
        $0.values.count == nodes.rho.count ? $0.values : nil
      }
      if strengths == nil { hasStrengths = false }
      let (decay, multiple) = (run.setting.teacher.strengthDecay, run.setting.student.overRealization)
      decays.insert(decay)
      multiples.insert(multiple)
      panels.count(nodes)
      for student in nodes.rho.indices {
        var row: [String: JSONValue] = [
          "p": .number(decay), "o": .number(multiple), "e": .integer(run.seed), "k": .integer(student + 1),
          "r": nodes.isDead[student] ? 0 : .number(nodes.rho[student].rounded(toDigits: 4)),
          "v": .number(nodes.heights[student].rounded(toDigits: 4)),
        ]
        if nodes.isDead[student] {
          row["d"] = 1
        } else {
          row["j"] = .integer(table.best(ofStudent: student).teacher + 1)
        }
        if let strengths { row["s"] = .number(strengths[student].rounded(toDigits: 4)) }
        panels.rows.append(.object(row))
      }
    }
  }

  func figure(_ chart: Chart, name: String, height: Height) -> FigureSpecification {
    let width = FigureStyle.panelWidth(columns: multiples.count)
    let isNorm = height == .norm
    let when = epoch.map { "after epoch \($0)" } ?? "at the end of training"
    var notes = ["Each dot is a student node of one seed \(when), on training inputs."]
    if panels.deadCount > 0 {
      notes.append("\(panels.deadCount) dead student nodes are drawn as crosses at ρ = 0.")
    }
    if !isNorm { notes.append("||v|| ||w|| does not change when a ReLU node is rescaled; ||v|| does.") }
    let mark = panels.mark(panels.rows.count / max(1, decays.count * multiples.count), sizes: (9, 16))
    return chart.specification(
      name: name,
      "Scatter plots of \(panels.rows.count) student nodes \(when): best correlation with a teacher node against "
        + "\(isNorm ? "fan-out norm" : "boundary strength"), rows by strength decay p, columns by over-realization.",
      captionEnd: isNorm ? "" : " Here with the boundary strength ||v|| ||w|| as height.", notes: notes,
      shownKeys: ["teacher.strengthDecay", "student.overRealization"],
      [
        "data": ["values": .array(FigureStyle.completed(panels.rows, row: "p", column: "o"))],
        "transform": [["calculate": .text("datum.d ? '\(Self.dead)' : '\(Self.live)'"), "as": "state"]],
        "facet": [
          "row": FigureStyle.facet("p", label: FigureStyle.decayLabel, ["labelOrient": "right", "labelAngle": 90]),
          "column": FigureStyle.facet("o", label: FigureStyle.multipleLabel),
        ],
        "spacing": .number(FigureStyle.gap),
        "spec": [
          "width": .number(width), "height": .number(min(130, max(90, width))), "mark": mark,
          "encoding": encoding(width: width, isNorm: isNorm),
        ],
      ])
  }

  private static let live = "student node"
  private static let dead = "dead student node (no correlation; drawn at ρ = 0)"

  private func encoding(width: Double, isNorm: Bool) -> JSONValue {
    let hasDead = panels.deadCount > 0
    func state(_ live: JSONValue, _ dead: JSONValue) -> JSONValue {
      [
        "field": "state", "type": "nominal",
        "legend": hasDead ? ["title": nil, "symbolSize": 50, "symbolOpacity": 1] : nil,
        "scale": [
          "domain": hasDead ? [.text(Self.live), .text(Self.dead)] : [.text(Self.live)],
          "range": hasDead ? [live, dead] : [live],
        ],
      ]
    }
    let hovers = [
      FigureStyle.hover("e", "seed", "ordinal"), FigureStyle.hover("k", "student node", "ordinal"),
      FigureStyle.hover("j", "best teacher node", "ordinal"), FigureStyle.hover("r", "ρ", format: ".4f"),
      FigureStyle.hover("v", "||v||", format: ".4~g"),
    ]
    return [
      "x": panels.x(width: width),
      "y": [
        "field": isNorm ? "v" : "s", "type": "quantitative",
        "title": isNorm ? "fan-out norm ||v||" : "strength ||v|| ||w||",
        "axis": ["tickCount": 5, "format": "~g"],
      ],
      "color": state("#0072B2", "#D55E00"), "shape": state("circle", "cross"),
      "tooltip": .array(hovers + (hasStrengths ? [FigureStyle.hover("s", "||v|| ||w||", format: ".4~g")] : [])),
    ]
  }
}

/// The same for each hidden layer: best rho of each live student node with a teacher node of its layer against its strength
/// sqrt(E[beta_kk]), a row for each layer, the lowest at the bottom, a column for each epoch.
///
/// A row of the data is one layer of one run at one epoch, its dots in lists: `l` layer from 1, `t` epoch, `o`
/// over-realization as a text, `e` seed, and of each live student node `k` its number in the layer, `r` best rho, `y`
/// strength.
func layerLShapeFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let runs = try LayerReader.of(try chart.runs.completed())
  let epochs = try chart.epochs.isEmpty ? usualEpochs(runs) : chart.epochs
  let color = chart.runs.series("student.overRealization")
  let shown = withFewEnoughDots(runs, columnCount: epochs.count)
  let depth = runs.map(\.depth).max() ?? 1
  let rows = try LShapeRows(shown, depth: depth, epochs: epochs, color: color)

  var notes = [
    "Each dot is a live student node of one run, on evaluation inputs; ρ is the best with a teacher node of the same layer."
  ]
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
    notes: notes, shownKeys: [color.path], namesSearch: true,
    [
      "data": ["values": .array(rows.panels.rows)],
      "transform": [["flatten": ["k", "r", "y"]]],
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
  /// Of each layer, from 1.
  private var highestStrength: [Int: Double] = [:]

  /// Wide students come first, so that the few nodes of narrow ones are drawn over them.
  init(_ runs: [LayerReader], depth: Int, epochs: [Int], color: SeriesKey) throws(FigureError) {
    (self.depth, self.epochs, self.color) = (depth, epochs, color)
    let ordered = runs.enumerated().sorted { left, right in
      let (wide, narrow) = (right.element.run.setting, left.element.run.setting)
      return (wide.student.overRealization, left.offset) < (narrow.student.overRealization, right.offset)
    }
    for (_, layers) in ordered {
      for epoch in epochs {
        for (layer, nodes) in try layers.nodes(at: epoch).enumerated() {
          panels.count(nodes)
          let live = nodes.live
          guard let highest = live.map({ nodes.heights[$0] }).max() else { continue }
          highestStrength[layer + 1] = max(highestStrength[layer + 1] ?? 0, highest)
          panels.rows.append([
            "l": .integer(layer + 1), "t": .integer(epoch), "o": .text(color.label(of: layers.run)),
            "e": .integer(layers.run.seed), "k": .array(live.map { .integer($0 + 1) }),
            "r": .array(live.map { .number(nodes.rho[$0].rounded(toDigits: 4)) }),
            "y": .array(live.map { .number(nodes.heights[$0].rounded(toDigits: 3)) }),
          ])
        }
      }
    }
  }

  /// The panels of a layer, from 1: alike but for its own scale of strengths.
  func row(_ layer: Int) -> JSONValue {
    let width = FigureStyle.panelWidth(columns: epochs.count)
    let isBottom = layer == 1
    let highest = highestStrength[layer].flatMap { $0 > 0 ? $0 : nil } ?? 1
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
        "width": .number(width), "height": .number(depth > 3 ? 84 : 100),
        "mark": panels.mark(panels.dotCount / max(1, depth * epochs.count), sizes: (8, 14)),
        "encoding": [
          "x": panels.x(
            width: width, isLabelled: isBottom,
            ["labels": .boolean(isBottom), "ticks": .boolean(isBottom), "domain": .boolean(isBottom)]),
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
