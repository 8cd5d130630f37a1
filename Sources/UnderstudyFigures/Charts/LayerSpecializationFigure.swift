import UnderstudySchema

/// How much of a hidden layer is learnt, over the epochs: mean over its teacher nodes of the best rho, a line for each layer.
///
/// Fields of the data: `p` panel, `q` row of panels, `l` layer from 1 as a text, `t` epoch, `y` mean over runs, `a`...`b`
/// lowest and highest run, `n` runs.
func layerSpecializationFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let runs = try LayerReader.of(try chart.runs.completed())
  let facets = LayerFacets(of: chart.runs)
  var groups = Gathered<Double>()
  for layers in runs {
    let (row, column) = (facets.rows?.index(of: layers.run) ?? 0, facets.columns.index(of: layers.run))
    for (epoch, means) in try layers.specialization(at: chart.epochs) {
      for (layer, value) in means.enumerated() {
        // The line of the lowest layer is drawn last, over the others.
        groups.add(value, [.index(row), .index(column), .index(-layer), .index(epoch)])
      }
    }
  }
  let epochs = groups.numbers(3).map { Int($0) }
  let drawn = Set(thinned(epochs, to: 201))
  let names = (1...(runs.map(\.depth).max() ?? 1)).map(layerLabel)
  var rows: [JSONValue] = []
  var seedCount = 1
  for (key, values) in groups.sorted where drawn.contains(key[3].index) {
    guard let center = mean(values), let low = values.min(), let high = values.max() else { continue }
    seedCount = max(seedCount, values.count)
    var row: [String: JSONValue] = [
      "p": .text(facets.columns.labels[key[1].index]), "l": .text(names[-key[2].index]), "t": key[3].json,
      "y": .display(center), "a": .display(low), "b": .display(high), "n": .integer(values.count),
    ]
    if let rows = facets.rows { row["q"] = .text(rows.labels[key[0].index]) }
    rows.append(.object(row))
  }
  var notes = [
    "Mean over the teacher nodes of a hidden layer of the best ρ with a student node of that layer, on evaluation inputs."
      + (seedCount > 1 ? " Lines: mean over runs; bands: from the lowest to the highest run." : "")
      + " Dashed: \(specializationThreshold). The axis of epochs is that of log(1 + epoch)."
  ]
  if drawn.count < epochs.count { notes.append("\(drawn.count) of \(epochs.count) recorded epochs are drawn.") }
  let lowest = rows.compactMap { $0["a"]?.number }.min() ?? 0
  return chart.specification(
    "Line charts, one for each \(facets.words): mean best correlation of each of \(names.count) hidden layers over the "
      + "epochs.",
    notes: notes, shownKeys: facets.paths, namesSearch: true,
    facets.panels(
      rows: rows,
      encoding: [
        "x": EpochAxis(.logarithmOfOnePlus, top: Double(epochs.last ?? 1))
          .encoding("t", title: "epoch", hasRoom: false),
        "color": [
          "field": "l", "type": "nominal", "title": "hidden layer",
          "scale": ["domain": .array(names.map(JSONValue.text)), "range": .array(FigureStyle.ramp(names.count))],
          "legend": names.count > 1 ? ["symbolType": "stroke", "symbolSize": 300, "symbolOpacity": 1] : nil,
        ],
      ],
      layers: specializationLayers(floor: (lowest * 5).rounded(.down) / 5, hasBands: seedCount > 1)))
}

private func specializationLayers(floor: Double, hasBands: Bool) -> [JSONValue] {
  let scale: JSONValue = ["domain": [.number(min(0.8, floor)), 1.01], "nice": false, "zero": false]
  func y(_ field: String) -> JSONValue {
    [
      "field": .text(field), "type": "quantitative", "title": "mean best ρ", "scale": scale,
      "axis": ["tickCount": 5, "format": "~g"],
    ]
  }
  return [Layers.level(specializationThreshold, scale: scale)] + (hasBands ? [Layers.band(y, opacity: 0.2)] : []) + [
    Layers.line(y("y"), width: 1.7),
    Layers.dots(
      Layers.dot(9),
      [
        "y": y("y"),
        "tooltip": [
          FigureStyle.hover("l", "hidden layer", "nominal"), FigureStyle.hover("t", "epoch", "ordinal"),
          FigureStyle.hover("y", "mean best ρ", format: ".4f"), FigureStyle.hover("a", "lowest run", format: ".4f"),
          FigureStyle.hover("b", "highest run", format: ".4f"), Hovers.runs,
        ],
      ]),
  ]
}
