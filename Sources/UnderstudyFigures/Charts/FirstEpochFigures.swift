import UnderstudySchema

/// When each teacher node is first aligned to 0.1: median over seeds with the quartiles.
///
/// Fields of the data: those of ``FirstEpochs``, and `p` strength decay, `c` output noise or another key as a text, `o`
/// over-realization as a text, `j` teacher node, `q` the size of a hollow mark.
func alignmentTimeFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let runs = try chart.runs.completed()
  let multiple = chart.runs.series("student.overRealization")
  let varied = chart.runs.mostVaried(
    ["training.outputNoise"], except: ["teacher.strengthDecay", "student.overRealization"])
  // Colour for over-realization if nothing else needs it.
  let color = varied.isVaried ? varied : multiple
  let dash = varied.isVaried && multiple.isVaried ? multiple : nil
  var groups = Gathered<[Double]>()
  for run in runs {
    groups.add(
      try run.alignmentEpochs(),
      [
        .number(run.setting.teacher.strengthDecay), .text(color.label(of: run)), .text(dash?.label(of: run) ?? ""),
      ])
  }
  let axis = EpochAxis(.squareRoot, of: runs)
  var rows: [JSONValue] = []
  var teacherCount = 1
  for (key, times) in groups.sorted {
    let count = times.map(\.count).max() ?? 0
    teacherCount = max(teacherCount, count)
    for node in 0..<count {
      guard var row = FirstEpochs.members(times.filter { node < $0.count }.map { $0[node] }, on: axis) else { continue }
      (row["p"], row["c"], row["o"], row["j"]) = (key[0].json, key[1].json, key[2].json, .integer(node + 1))
      row["q"] = FigureStyle.nestedSize(
        color.labels.firstIndex { .text($0) == key[1] } ?? 0, of: color.labels.count)
      rows.append(.object(row))
    }
  }
  let decays = groups.numbers(0)
  let hollowCount = FirstEpochs.hollowCount(rows)
  var notes = [
    "First recorded epoch with alignment ≤ \(alignmentThreshold): median over seeds, band from the lower to the upper "
      + "quartile."
  ]
  if hollowCount > 0 {
    notes.append("Hollow, above the last epoch: \(hollowCount) nodes that half of the seeds or more never align.")
  }
  return chart.specification(
    "Charts, one for each strength decay p (\(FigureStyle.list(decays))): the first epoch at which each "
      + "teacher node is aligned, from the strongest to the weakest, a line for each \(color.title).",
    notes: notes, shownKeys: ["teacher.strengthDecay", color.path, dash?.path ?? color.path], namesSearch: true,
    FigureStyle.panels(
      rows: rows, count: decays.count,
      encoding: [
        "x": nodeAxis(teacherCount),
        "color": FigureStyle.color("c", title: color.title, names: color.labels, symbol: "stroke"),
      ],
      layers: alignmentTimeLayers(axis, dash: dash, hasHollow: hollowCount > 0, color: color)))
}

private func alignmentTimeLayers(
  _ axis: EpochAxis, dash: SeriesKey?, hasHollow: Bool, color: SeriesKey
) -> [JSONValue] {
  func y(_ field: String) -> JSONValue { axis.encoding(field, title: "first epoch aligned") }
  let detail: [String: JSONValue] = ["detail": ["field": "o", "type": "nominal"]]
  var strokes: [String: JSONValue] = [:]
  if let dash {
    strokes["strokeDash"] = [
      "field": "o", "type": "nominal", "title": .text(dash.title),
      "scale": [
        "domain": .array(dash.labels.map(JSONValue.text)),
        "range": [[1, 0], [5, 3], [2, 2.5], [8, 3, 2, 3], [1, 5]],
      ],
      "legend": ["symbolStrokeColor": "#222222", "symbolType": "stroke", "symbolSize": 300],
    ]
  }
  // Bands of many lines cover each other.
  let isFew = color.labels.count * (dash?.labels.count ?? 1) <= 4
  return (isFew ? [Layers.band(y, opacity: 0.15, detail)] : []) + [FirstEpochs.line(y, strokes)]
    + FirstEpochs.marks(
      y, size: 14, hollow: Layers.hollow(strokeWidth: 1.2),
      hovers: [FigureStyle.hover("j", "teacher node", "ordinal"), FigureStyle.hover("c", color.title, "nominal")]
        + FirstEpochs.hovers(never: "never aligned in"),
      detail, ofHollow: ["size": FigureStyle.sizeAsGiven], hasHollow: hasHollow)
}

/// When each hidden layer specializes: first recorded epoch with a mean best rho of at least 0.95, median over runs with the
/// quartiles, a line for each over-realization.
///
/// Fields of the data: those of ``FirstEpochs``, and `p` panel, `o` over-realization as a text, `l` layer from 1, `x` the same
/// moved aside a little, `q` the size of a hollow mark.
func specializationTimeFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let runs = try chart.runs.completed()
  let color = chart.runs.series("student.overRealization")
  let panel = chart.runs.mostVaried(["teacher.widths"], except: [color.path])
  var groups = Gathered<[Double]>()
  for layers in try LayerReader.of(runs) {
    groups.add(
      try layers.specializationEpochs(), [.index(panel.index(of: layers.run)), .index(color.index(of: layers.run))])
  }
  let axis = EpochAxis(.logarithmOfOnePlus, of: runs)
  let (rows, depth) = specializationRows(groups, panel: panel, color: color, axis: axis)
  let hollowCount = FirstEpochs.hollowCount(rows)
  var notes = [
    "First recorded epoch at which the mean over a hidden layer's teacher nodes of the best ρ is at least "
      + "\(specializationThreshold): median over runs, bars from the lower to the upper quartile. Layer 1 is the lowest. "
      + "The axis of epochs is that of log(1 + epoch)."
  ]
  if hollowCount > 0 {
    notes.append(
      "Hollow, above the last epoch: \(hollowCount) layers that never get there in half of the runs or more.")
  }
  func y(_ field: String) -> JSONValue { axis.encoding(field, title: "first epoch specialized") }
  return chart.specification(
    "Charts\(panel.isVaried ? ", one for each \(panel.title) (\(panel.labels.joined(separator: ", ")))" : ""): the first "
      + "epoch at which each of \(depth) hidden layers specializes, from the lowest to the highest, a line for each "
      + "\(color.title).",
    notes: notes, shownKeys: [color.path, panel.path], namesSearch: true,
    FigureStyle.panels(
      label: panel.panelLabel, rows: rows, count: panel.labels.count,
      encoding: [
        "x": [
          "field": "x", "type": "quantitative", "title": "hidden layer",
          "scale": ["domain": [0.6, .number(Double(depth) + 0.4)], "nice": false],
          "axis": ["values": .array((1...depth).map(JSONValue.integer)), "format": "d", "grid": false],
        ],
        "color": FigureStyle.color("o", title: color.title, names: color.labels, symbol: "stroke"),
      ],
      layers: [Layers.bars(y, width: 1.1), FirstEpochs.line(y)]
        + FirstEpochs.marks(
          y, size: 26, hollow: Layers.hollow(strokeWidth: 1.2),
          hovers: [FigureStyle.hover("l", "hidden layer", "ordinal"), FigureStyle.hover("o", color.title, "nominal")]
            + FirstEpochs.hovers(never: "never in"),
          ofHollow: ["size": FigureStyle.sizeAsGiven], hasHollow: hollowCount > 0),
      order: panel.labels))
}

/// - Returns: the rows, and the number of hidden layers of the deepest teacher.
private func specializationRows(
  _ groups: Gathered<[Double]>, panel: SeriesKey, color: SeriesKey, axis: EpochAxis
) -> (rows: [JSONValue], depth: Int) {
  var rows: [JSONValue] = []
  var depth = 1
  for (key, times) in groups.sorted {
    let series = key[1].index
    for layer in 0..<(times.map(\.count).max() ?? 0) {
      guard var row = FirstEpochs.members(times.filter { layer < $0.count }.map { $0[layer] }, on: axis) else {
        continue
      }
      depth = max(depth, layer + 1)
      // Beside each other, since bars in one place hide each other.
      let aside = 0.09 * (Double(series) - Double(color.labels.count - 1) / 2)
      row["p"] = .text(panel.labels[key[0].index])
      row["o"] = .text(color.labels[series])
      (row["l"], row["x"]) = (.integer(layer + 1), .display(Double(layer + 1) + aside))
      row["q"] = FigureStyle.nestedSize(series, of: color.labels.count)
      rows.append(.object(row))
    }
  }
  return (rows, depth)
}

/// What the figure waits for: cover, and losses as shares of the loss at epoch 0.
private let coverEvents: [(name: String, lossRatio: Double?)] = [
  ("all teacher nodes recovered", nil), ("loss below 1e−2 of its start", 1e-2), ("below 1e−4", 1e-4),
  ("below 1e−6", 1e-6),
]

/// When all teacher nodes are recovered, and when the loss is small: median over seeds with the quartiles.
///
/// Fields of the data: those of ``FirstEpochs``, and `p` strength decay, `o` over-realization, `c` what is waited for.
func coverAndLossFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let runs = try chart.runs.completed()
  var groups = Gathered<Double>()
  for run in runs {
    for (index, event) in coverEvents.enumerated() {
      let epoch = if let ratio = event.lossRatio { try run.smallLossEpoch(ratio: ratio) } else { try run.coverEpoch() }
      groups.add(
        epoch,
        [.number(run.setting.teacher.strengthDecay), .number(run.setting.student.overRealization), .index(index)])
    }
  }
  let axis = EpochAxis(.logarithm, of: runs)
  let rows: [JSONValue] = groups.sorted.compactMap { key, epochs in
    guard var row = FirstEpochs.members(epochs, on: axis) else { return nil }
    (row["p"], row["o"], row["c"]) = (key[0].json, key[1].json, .text(coverEvents[key[2].index].name))
    return .object(row)
  }
  var notes = [
    "First recorded epoch: median over seeds, bars from the lower to the upper quartile. Recovered: ρ > "
      + "\(recoveryThreshold) on evaluation inputs."
  ]
  if FirstEpochs.hollowCount(rows) > 0 {
    notes.append("Hollow, above the last epoch: half of the seeds or more never get there.")
  }
  let decays = groups.numbers(0)
  let names = coverEvents.map(\.name)
  func y(_ field: String) -> JSONValue { axis.encoding(field, title: "first epoch") }
  return chart.specification(
    "Charts, one for each strength decay p (\(FigureStyle.list(decays))): the first epoch at which all "
      + "teacher nodes are recovered, and those at which the evaluation loss falls below 1e-2, 1e-4 and 1e-6 of its start, "
      + "against over-realization.",
    notes: notes, shownKeys: ["teacher.strengthDecay", "student.overRealization"], namesSearch: true,
    FigureStyle.panels(
      rows: rows, count: decays.count,
      encoding: [
        "x": [
          "field": "o", "type": "ordinal", "title": "over-realization",
          "axis": ["labelExpr": .text(FigureStyle.multipleLabel), "labelAngle": 0],
        ],
        // Side by side: at 1x the four often coincide.
        "xOffset": ["field": "c", "type": "nominal", "scale": ["domain": .array(names.map(JSONValue.text))]],
        "color": FigureStyle.color("c", title: "", names: names, symbol: "circle"),
      ],
      layers: [Layers.bars(y, width: 1.2)]
        + FirstEpochs.marks(
          y, size: 34, hollow: Layers.hollow(strokeWidth: 1.3, size: 40),
          hovers: [FigureStyle.hover("c", "first", "nominal"), FigureStyle.hover("o", "over-realization", "ordinal")]
            + FirstEpochs.hovers(never: "never in"))))
}
