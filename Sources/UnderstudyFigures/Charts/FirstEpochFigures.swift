import UnderstudySchema

/// When each teacher node is first aligned to 0.1: median over seeds with the quartiles.
///
/// Fields of the data: those of ``FirstEpochs`` and ``ChartChannels``, `s` the key of strokes as a text, `j` teacher node.
func alignmentTimeFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let runs = try chart.runs.completed()
  let keys = chart.keys
  let (channels, color, dash) = (keys.channels, keys.channels.color, keys.stroke)
  var groups = Gathered<[Double]>()
  for run in runs {
    groups.add(
      try run.alignmentEpochs(), of: run, in: channels, color.index(of: run), dash?.index(of: run) ?? 0)
  }
  var axis = EpochAxis(.squareRoot, of: runs)
  var rows: [JSONValue] = []
  var teacherCount = 1
  let hasHollow = groups.sorted.contains { _, times in times.joined().contains { $0.isInfinite } }
  if hasHollow { axis.laneCount = color.labels.count }
  for (key, times) in groups.sorted {
    let count = times.map(\.count).max() ?? 0
    teacherCount = max(teacherCount, count)
    for node in 0..<count {
      let epochs = times.filter { node < $0.count }.map { $0[node] }
      guard let row = FirstEpochs.members(epochs, on: axis, lane: Int(key[3])) else { continue }
      rows.append(
        channels.placed(row, at: key).with([
          "o": .text(color.labels[Int(key[3])]), "s": .text(dash?.labels[Int(key[4])] ?? ""), "j": .integer(node + 1),
        ]))
    }
  }
  let hollowCount = FirstEpochs.hollowCount(rows)
  var notes = [
    "First recorded \(chart.style.timeUnit) with alignment ≤ \(alignmentThreshold): median over seeds, band from the lower to the upper "
      + "quartile."
  ]
  if hollowCount > 0 {
    notes.append("Hollow, at \"never\": \(hollowCount) nodes that half of the seeds or more never align.")
  }
  return chart.specification(
    "Charts\(channels.panelWords): the first \(chart.style.timeUnit) at which each "
      + "teacher node is aligned, from the strongest to the weakest, a line for each \(color.title).",
    notes: notes, namesSearch: true,
    channels.panels(
      chart.style, rows: rows,
      encoding: [
        "x": nodeAxis(teacherCount),
        "color": chart.style.color("o", color, symbol: "stroke", room: channels.room(chart.style)),
      ],
      layers: alignmentTimeLayers(
        axis, strokes: dash.map { ($0, chart.style.strokes("s", $0, room: channels.room(chart.style))) }, hasHollow,
        color, timeUnit: chart.style.timeUnit)))
}

private func alignmentTimeLayers(
  _ axis: EpochAxis, strokes: (key: SeriesKey, encoding: JSONValue)?, _ hasHollow: Bool, _ color: SeriesKey,
  timeUnit: String
) -> [JSONValue] {
  func y(_ field: String) -> JSONValue { axis.encoding(field, title: "first \(timeUnit) aligned", hasRoom: hasHollow) }
  let detail: [String: JSONValue] = ["detail": ["field": "s", "type": "nominal"]]
  let dashes: [String: JSONValue] = strokes.map { ["strokeDash": $0.encoding] } ?? [:]
  // Bands of many lines cover each other.
  let isFew = color.labels.count * (strokes?.key.labels.count ?? 1) <= 4
  return (isFew ? [Layers.band(y, opacity: 0.15, detail)] : []) + [FirstEpochs.line(y, dashes)]
    + FirstEpochs.marks(
      y, size: 14,
      hovers: [FigureStyle.hover("j", "teacher node", "ordinal"), FigureStyle.hover("o", color.title, "nominal")],
      never: "never aligned in", detail, hasHollow: hasHollow)
}

/// When each hidden layer specializes: first recorded epoch with a mean best rho of at least 0.95, median over runs with the
/// quartiles, a line for each over-realization.
///
/// Fields of the data: those of ``FirstEpochs`` and ``ChartChannels``, `l` layer from 1, `x` the same moved aside a little.
func specializationTimeFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let runs = try chart.runs.completed()
  let channels = chart.keys.channels
  var groups = Gathered<[Double]>()
  for layers in try LayerReader.of(runs) { groups.add(try layers.specializationEpochs(), of: layers.run, in: channels) }
  let axis = EpochAxis(.logarithmOfOnePlus, of: runs)
  let (rows, depth) = specializationRows(groups, channels, axis: axis)
  let hollowCount = FirstEpochs.hollowCount(rows)
  var notes = [
    "First recorded \(chart.style.timeUnit) at which the mean over a hidden layer's teacher nodes of the best ρ is at least "
      + "\(specializationThreshold): median over runs, bars from the lower to the upper quartile. Layer 1 is the lowest. "
      + "The axis of \(chart.style.timeUnit)s is that of log(1 + \(chart.style.timeUnit))."
  ]
  if hollowCount > 0 {
    notes.append(
      "Hollow, at \"never\": \(hollowCount) layers that never get there in half of the runs or more.")
  }
  let hasNever = rows.contains { $0["f"]?.number ?? 0 > 0 }
  func y(_ field: String) -> JSONValue {
    axis.encoding(field, title: "first \(chart.style.timeUnit) specialized", hasRoom: hasNever)
  }
  return chart.specification(
    "Charts\(channels.panelWords): the first "
      + "\(chart.style.timeUnit) at which each of \(depth) hidden layers specializes, from the lowest to the highest, a line for each "
      + "\(channels.color.title).",
    notes: notes, namesSearch: true,
    channels.panels(
      chart.style, rows: rows,
      encoding: [
        "x": FigureStyle.quantity(
          "x", "hidden layer", scale: ["domain": [0.6, .number(Double(depth) + 0.4)], "nice": false],
          axis: ["values": .numbers((1...depth).map(Double.init)), "format": "d", "grid": false]),
        "color": chart.style.color("o", channels.color, symbol: "stroke", room: channels.room(chart.style)),
      ],
      layers: [Layers.bars(y, width: 1.1), FirstEpochs.line(y)]
        + FirstEpochs.marks(
          y, size: 26,
          hovers: [
            FigureStyle.hover("l", "hidden layer", "ordinal"), FigureStyle.hover("o", channels.color.title, "nominal"),
          ], never: "never in", hasHollow: hollowCount > 0)))
}

/// - Returns: the rows, and the number of hidden layers of the deepest teacher.
private func specializationRows(
  _ groups: Gathered<[Double]>, _ channels: ChartChannels, axis: EpochAxis
) -> (rows: [JSONValue], depth: Int) {
  var rows: [JSONValue] = []
  var depth = 1
  for (key, times) in groups.sorted {
    let series = Int(key[2])
    for layer in 0..<(times.map(\.count).max() ?? 0) {
      guard var row = FirstEpochs.members(times.filter { layer < $0.count }.map { $0[layer] }, on: axis) else {
        continue
      }
      depth = max(depth, layer + 1)
      // Beside each other, since bars in one place hide each other.
      let aside = 0.13 * (Double(series) - Double(channels.color.labels.count - 1) / 2)
      (row["l"], row["x"]) = (.integer(layer + 1), .display(Double(layer + 1) + aside))
      rows.append(channels.placed(row, at: key))
    }
  }
  return (rows, depth)
}

/// What the figure waits for: cover, and losses as shares of the loss at epoch 0.
private let coverEvents: [(name: String, lossRatio: Double?)] = [
  ("all teacher nodes recovered", nil), ("loss below 10⁻² of its start", 1e-2), ("below 10⁻⁴", 1e-4),
  ("below 10⁻⁶", 1e-6),
]

/// When all teacher nodes are recovered, and when the loss is small: median over seeds with the quartiles.
///
/// Fields of the data: those of ``FirstEpochs`` and of the panels of ``ChartChannels``, `o` over-realization or the key that
/// varies most instead, `c` what is waited for.
func coverAndLossFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let runs = try chart.runs.completed()
  let keys = chart.keys
  let (channels, place) = (keys.channels, keys.place ?? .nothing)
  var groups = Gathered<Double>()
  for run in runs {
    for (index, event) in coverEvents.enumerated() {
      let epoch = if let ratio = event.lossRatio { try run.smallLossEpoch(ratio: ratio) } else { try run.coverEpoch() }
      groups.add(epoch, of: run, in: channels, place.index(of: run), index)
    }
  }
  let axis = EpochAxis(.logarithm, of: runs)
  let rows: [JSONValue] = groups.sorted.compactMap { key, epochs in
    guard let row = FirstEpochs.members(epochs, on: axis) else { return nil }
    return channels.placed(row, at: key).with([
      "o": .text(place.labels[Int(key[3])]), "c": .text(coverEvents[Int(key[4])].name),
    ])
  }
  let hasHollow = FirstEpochs.hollowCount(rows) > 0
  var notes = [
    "First recorded \(chart.style.timeUnit): median over seeds, bars from the lower to the upper quartile. Recovered: ρ > "
      + "\(recoveryThreshold) on evaluation inputs."
  ]
  if hasHollow { notes.append("Hollow, at \"never\": half of the seeds or more never get there.") }
  let names = coverEvents.map(\.name)
  let hasNever = rows.contains { $0["f"]?.number ?? 0 > 0 }
  func y(_ field: String) -> JSONValue {
    axis.encoding(field, title: "first \(chart.style.timeUnit)", hasRoom: hasNever)
  }
  return chart.specification(
    "Charts\(channels.panelWords): the first \(chart.style.timeUnit) at which all "
      + "teacher nodes are recovered, and those at which the evaluation loss falls below 1e-2, 1e-4 and 1e-6 of its start, "
      + "against \(place.title).",
    notes: notes, namesSearch: true,
    channels.panels(
      chart.style, rows: rows,
      encoding: [
        "x": FigureStyle.places("o", place),
        // Side by side: at 1x the four often coincide.
        "xOffset": ["field": "c", "type": "nominal", "scale": ["domain": .texts(names)]],
        "color": chart.style.color(
          "c", title: "", names: names, symbol: "circle", room: channels.room(chart.style)),
      ],
      layers: [Layers.bars(y, width: 1.2)]
        + FirstEpochs.marks(
          y, size: 34,
          hovers: [FigureStyle.hover("c", "first", "nominal"), FigureStyle.hover("o", place.title, "nominal")],
          never: "never in", hasHollow: hasHollow)))
}
