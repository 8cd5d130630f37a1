import UnderstudySchema

/// Best rho of each student node against its fan-out norm: nodes that learnt a teacher node stand in the upright arm at
/// rho = 1, the others lie in the arm along the bottom. Where strengths are recorded, the page can have them as height.
///
/// Fields of the data: those of the panels of ``ChartChannels``, `e` seed, `k` student node, `j` its best teacher node,
/// `r` that rho, `x` 1 - rho if that is shown, `v` ||v_k||, `s` ||v_k|| ||w_k||, `d` 1 for a dead node.
func lShapeFigures(_ chart: Chart) throws(FigureError) -> [FigureSpecification] {
  var figures: [FigureSpecification] = []
  let epochs: [Int?] = chart.epochs.isEmpty ? [nil] : chart.epochs
  for epoch in epochs {
    let grid = try LShapeGrid(chart, epoch: epoch)
    figures.append(
      try grid.figure(chart, name: epochs.count > 1 ? "\(chart.name)-epoch\(epoch ?? 0)" : chart.name))
  }
  return figures
}

/// Panels by strength decay and over-realization.
private struct LShapeGrid {
  private var panels = LShapePanels()
  private let channels: ChartChannels
  private let epoch: Int?
  private let isLogarithmic: Bool
  private var hasStrengths = true

  init(_ chart: Chart, epoch: Int?) throws(FigureError) {
    self.epoch = epoch
    channels = chart.keys.channels
    var nodesOfRuns: [(run: RunReader, nodes: LayerNodes, table: CorrelationTable, strengths: [Double]?)] = []
    for run in try chart.runs.completed() {
      let (nodes, table) = try run.nodes(at: epoch)
      let strengths = run.recorded(.boundaryStrengths, at: epoch ?? run.lastEpoch).flatMap {
        $0.values.count == nodes.rho.count ? $0.values : nil
      }
      if strengths == nil { hasStrengths = false }
      panels.count(nodes)
      nodesOfRuns.append((run, nodes, table, strengths))
    }
    isLogarithmic = panels.isLogarithmic(chart.declaration.scale)
    for (run, nodes, table, strengths) in nodesOfRuns {
      let fields = channels.fields(channels.place(of: run))
      for student in nodes.rho.indices {
        let isDead = nodes.isDead[student]
        var row = fields
        row["e"] = .integer(run.seed)
        row["k"] = .integer(student + 1)
        row["r"] = isDead ? 0 : .number(nodes.rho[student].rounded(toDigits: 4))
        row["v"] = .number(nodes.heights[student].rounded(toDigits: 4))
        if isLogarithmic { row["x"] = isDead ? 1 : .display(LShapePanels.distance(nodes.rho[student])) }
        if isDead {
          row["d"] = 1
        } else {
          row["j"] = .integer(table.best(ofStudent: student).teacher + 1)
        }
        if let strengths { row["s"] = .number(strengths[student].rounded(toDigits: 4)) }
        panels.rows.append(.object(row))
      }
    }
  }

  /// - Throws: `FigureError.missingMeasure` if strengths are wanted and not recorded.
  func figure(_ chart: Chart, name: String) throws(FigureError) -> FigureSpecification {
    let wantsStrength = chart.declaration.height == .strength
    if wantsStrength, !hasStrengths {
      throw try chart.runs.completed()[0].missing(.boundaryStrengths, at: epoch)
    }
    let when = epoch.map { "after epoch \($0)" } ?? "at the end of training"
    var notes = ["Each dot is a student node of one seed \(when), on training inputs."]
    if isLogarithmic { notes += panels.scaleNotes }
    if panels.deadCount > 0 {
      notes.append("\(panels.deadCount) dead student nodes are drawn as crosses at ρ = 0.")
    }
    if hasStrengths { notes.append("‖v‖ ‖w‖ does not change when a ReLU node is rescaled; ‖v‖ does.") }
    let panelCount = channels.row.labels.count * channels.column.labels.count
    let mark = panels.mark(panels.rows.count / max(1, panelCount), sizes: (9, 16))
    let abreast =
      channels.row.isVaried && channels.column.isVaried
      ? channels.column.labels.count : chart.style.columns(max(channels.column.labels.count, channels.row.labels.count))
    let width = chart.style.panelWidth(columns: abreast)
    var encoding = encoding(width: width, height: wantsStrength ? Self.strength : Self.norm, style: chart.style)
    // Of the dots alone: a rule that has a shape gets a dot at its end.
    let shape = encoding.removeValue(forKey: "shape")
    var layers: [JSONValue] = [["mark": mark, "encoding": ["shape": shape ?? nil]]]
    if isLogarithmic, let x = encoding["x"] { layers.insert(panels.threshold(x), at: 0) }
    var members = channels.panels(
      chart.style, rows: panels.rows, encoding: encoding, layers: layers, height: min(130, max(90, width)))
    members["transform"] = [
      ["calculate": .text("datum.d ? '\(Self.dead)' : '\(Self.live)'"), "as": "state"]
    ]
    if hasStrengths {
      // On the page the height can be chosen; a picture has the declared one.
      members["params"] = [
        [
          "name": "shown", "value": .text(wantsStrength ? Self.strength : Self.norm),
          "bind": [
            "input": "radio", "options": [.text(Self.norm), .text(Self.strength)], "name": "height ",
          ],
        ]
      ]
      members["transform"] = .array(
        (members["transform"]?.elements ?? []) + [
          ["calculate": .text("shown == '\(Self.norm)' ? datum.v : datum.s"), "as": "h"]
        ])
    }
    return chart.specification(
      name: name,
      "Scatter plots of \(panels.rows.count) student nodes \(when): best correlation with a teacher node against "
        + "\(wantsStrength ? "boundary strength" : "fan-out norm")\(channels.panelWords).",
      notes: notes, members)
  }

  private static let norm = "fan-out norm ‖v‖"
  private static let strength = "strength ‖v‖ ‖w‖"
  private static let live = "student node"
  private static let dead = "dead student node (no correlation; drawn at ρ = 0)"

  private func encoding(width: Double, height: String, style: FigureStyle) -> [String: JSONValue] {
    let hasDead = panels.deadCount > 0
    func state(_ live: JSONValue, _ dead: JSONValue) -> JSONValue {
      [
        "field": "state", "type": "nominal",
        "legend": hasDead
          ? .object(
            style.legend(title: "", names: [Self.live, Self.dead], symbol: "circle", ["title": nil]).members
              .filter { $0.key != "symbolType" }) : nil,
        "scale": [
          "domain": hasDead ? [.text(Self.live), .text(Self.dead)] : [.text(Self.live)],
          "range": hasDead ? [live, dead] : [live],
        ],
      ]
    }
    let hovers =
      [
        FigureStyle.hover("e", "seed", "ordinal"), FigureStyle.hover("k", "student node", "ordinal"),
        FigureStyle.hover("j", "best teacher node", "ordinal"), FigureStyle.hover("r", "ρ", format: ".4f"),
      ] + (isLogarithmic ? [FigureStyle.hover("x", "1 − ρ", format: ".2~e")] : []) + [
        FigureStyle.hover("v", "‖v‖", format: ".4~g")
      ]
    return [
      "x": panels.x(isLogarithmic ? "x" : "r", isLogarithmic: isLogarithmic, width: width, style: style),
      "y": [
        "field": hasStrengths ? "h" : "v", "type": "quantitative",
        "axis": [
          "tickCount": 5, "format": "~g", "title": hasStrengths ? ["signal": "shown"] : .text(height),
        ],
      ],
      "color": state("#0072B2", "#D55E00"), "shape": state("circle", "cross"),
      "tooltip": .array(hovers + (hasStrengths ? [FigureStyle.hover("s", "‖v‖ ‖w‖", format: ".4~g")] : [])),
    ]
  }
}
