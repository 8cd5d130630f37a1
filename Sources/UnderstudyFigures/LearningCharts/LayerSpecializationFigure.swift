import UnderstudySchema

/// How much of a hidden layer is learnt, over the epochs: mean over its teacher nodes of the best rho, a line for each layer.
///
/// Fields of the data: those of the panels of ``ChartChannels``, `l` layer from 1 as a text, `t` epoch, `y` mean over runs,
/// `a`...`b` lowest and highest run, `n` runs.
func layerSpecializationFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let runs = try LayerReader.of(try chart.runs.completed())
  let channels = chart.keys.channels
  var groups = Gathered<Double>()
  for layers in runs {
    for (epoch, means) in try layers.specialization(at: chart.epochs) {
      for (layer, value) in means.enumerated() {
        // The line of the lowest layer is drawn last, over the others.
        groups.add(value, of: layers.run, in: channels, -layer, epoch)
      }
    }
  }
  let epochs = groups.numbers(4).map { Int($0) }
  let drawn = Set(thinned(epochs, to: 201))
  let names = (1...(runs.map(\.depth).max() ?? 1)).map(layerLabel)
  var rows: [JSONValue] = []
  var seedCount = 1
  for (key, values) in groups.sorted where drawn.contains(Int(key[4])) {
    seedCount = max(seedCount, values.count)
    let row: [String: JSONValue] = ["l": .text(names[-Int(key[3])]), "t": .number(key[4])]
    rows.append(channels.placed(row.with(LearningCurves.members(values)), at: key))
  }
  var notes = [
    "Mean over the teacher nodes of a hidden layer of the best ρ with a student node of that layer, on evaluation inputs."
      + LearningCurves.bandWords(runCount: seedCount)
      + " Dashed: \(specializationThreshold). The axis of \(chart.style.timeUnit)s is that of log(1 + \(chart.style.timeUnit))."
  ]
  if drawn.count < epochs.count { notes.append("\(drawn.count) of \(epochs.count) recorded epochs are drawn.") }
  let lowest = rows.compactMap { $0["a"]?.number }.min() ?? 0
  return chart.specification(
    "Line charts\(channels.panelWords): mean best correlation of each of \(names.count) hidden layers over the "
      + "epochs.",
    notes: notes, namesSearch: true,
    channels.panels(
      chart.style, rows: rows,
      encoding: [
        "x": EpochAxis(.logarithmOfOnePlus, top: Double(epochs.last ?? 1))
          .encoding("t", title: chart.style.timeUnit, hasRoom: false),
        "color": chart.style.color(
          "l", title: "hidden layer", names: names, colors: FigureStyle.ramp(names.count), symbol: "stroke",
          room: channels.room(chart.style)),
      ],
      layers: specializationLayers(chart.style, floor: (lowest * 5).rounded(.down) / 5, hasBands: seedCount > 1)))
}

private func specializationLayers(_ style: FigureStyle, floor: Double, hasBands: Bool) -> [JSONValue] {
  let scale: JSONValue = ["domain": [.number(min(0.8, floor)), 1.04], "nice": false, "zero": false]
  func y(_ field: String) -> JSONValue {
    FigureStyle.quantity(field, "mean best ρ", scale: scale, axis: ["tickCount": 5, "format": "~g"])
  }
  return [Layers.level(specializationThreshold, scale: scale)] + (hasBands ? [Layers.band(y, opacity: 0.2)] : []) + [
    Layers.line(y("y"), width: 1.7),
    Layers.of(
      Layers.dot(9),
      [
        "y": y("y"),
        "tooltip": .array(
          [
            FigureStyle.hover("l", "hidden layer", "nominal"), style.timeHover,
            FigureStyle.hover("y", "mean best ρ", format: ".4f"),
          ] + Hovers.extremes(".4f")),
      ]),
  ]
}
