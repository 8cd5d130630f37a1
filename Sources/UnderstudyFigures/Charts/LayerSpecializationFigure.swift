import Foundation
import UnderstudySchema

/// How much of a hidden layer is learnt, over the epochs: mean over its teacher nodes of the best rho, a line for each layer.
///
/// Fields of the data: `p` panel, `q` row of panels, `l` layer from 1 as a text, `t` epoch, `y` mean over runs, `a`...`b`
/// lowest and highest run, `n` runs.
func layerSpecializationFigure(
  _ declaration: FigureDeclaration, selection: SettingSelection, study: Study
) throws(FigureError) -> FigureSpecification {
  let runs = try selection.completedRuns(figure: declaration.name)
  let tables = try layerTables(runs, figure: declaration.name)
  let facets = LayerFacets(of: selection, study: study)
  var groups: [LayerLine: [Int: [Double]]] = [:]
  for table in tables {
    let series = try table.record.series(.layerCorrelations, epochs: declaration.epochs, figure: declaration.name)
    for epoch in declaration.epochs.isEmpty ? series.keys.sorted() : declaration.epochs {
      for (layer, value) in try table.specialization(epoch: epoch).enumerated() {
        let line = LayerLine(
          column: facets.columns.index(of: table.record), row: facets.rows?.index(of: table.record) ?? 0, layer: layer)
        groups[line, default: [:]][epoch, default: []].append(value)
      }
    }
  }
  let epochs = Set(groups.values.flatMap(\.keys)).sorted()
  let drawn = Set(thinned(epochs, to: 201))
  let layers = (1...(tables.map(\.depth).max() ?? 1)).map(layerLabel)
  var rows: [JSONValue] = []
  var seedCount = 1
  for line in groups.keys.sorted() {
    for (epoch, values) in (groups[line] ?? [:]).sorted(by: { $0.key < $1.key }) where drawn.contains(epoch) {
      guard let center = mean(values), let low = values.min(), let high = values.max() else { continue }
      seedCount = max(seedCount, values.count)
      var row: [String: JSONValue] = [
        "p": .text(facets.columns.labels[line.column]), "l": .text(layers[line.layer]), "t": .integer(epoch),
        "y": .display(center), "a": .display(low), "b": .display(high), "n": .integer(values.count),
      ]
      if let key = facets.rows { row["q"] = .text(key.labels[line.row]) }
      rows.append(.object(row))
    }
  }
  var notes = [
    "Mean over the teacher nodes of a hidden layer of the best ρ with a student node of that layer, on evaluation inputs."
      + (seedCount > 1 ? " Lines: mean over runs; bands: from the lowest to the highest run." : "")
      + " Dashed: \(specializationThreshold). The axis of epochs is that of log(1 + epoch)."
  ]
  if drawn.count < epochs.count { notes.append("\(drawn.count) of \(epochs.count) recorded epochs are drawn.") }
  notes += selection.finishingNotes
  notes += selection.notes(shownKeys: facets.paths, study: study)
  let text =
    "Line charts, one for each \(facets.words): mean best correlation of each of \(layers.count) hidden layers over the "
    + "epochs. \(declaration.caption)"
  let lowest = rows.compactMap { $0["a"]?.number }.min() ?? 0
  let encoding: [String: JSONValue] = [
    "x": EpochAxis(top: Double(epochs.last ?? 1)).encoding("t", title: "epoch"),
    "color": [
      "field": "l", "type": "nominal", "title": "hidden layer",
      "scale": ["domain": .array(layers.map(JSONValue.text)), "range": .array(FigureStyle.ramp(layers.count))],
      "legend": layers.count > 1 ? ["symbolType": "stroke", "symbolSize": 300, "symbolOpacity": 1] : nil,
    ],
  ]
  return FigureSpecification(
    name: declaration.name, caption: declaration.caption, notes: notes, alternativeText: text,
    document: facets.document(
      description: text, rows: rows, encoding: encoding,
      layers: specializationLayers(floor: (lowest * 5).rounded(.down) / 5, hasBands: seedCount > 1)))
}

/// In the order in which lines are drawn: the lowest layer last, over the others.
private struct LayerLine: Hashable, Comparable {
  var column: Int
  var row: Int
  var layer: Int

  static func < (left: Self, right: Self) -> Bool {
    (left.row, left.column, right.layer) < (right.row, right.column, left.layer)
  }
}

private func specializationLayers(floor: Double, hasBands: Bool) -> [JSONValue] {
  let scale: JSONValue = ["domain": [.number(min(0.8, floor)), 1.01], "nice": false, "zero": false]
  func y(_ field: String) -> JSONValue {
    [
      "field": .text(field), "type": "quantitative", "title": "mean best ρ", "scale": scale,
      "axis": ["tickCount": 5, "format": "~g"],
    ]
  }
  var layers: [JSONValue] = [
    [
      "mark": ["type": "rule", "strokeDash": [4, 3], "strokeWidth": 0.8, "color": "#555555"],
      "encoding": [
        "y": ["datum": .number(specializationThreshold), "type": "quantitative", "scale": scale], "x": nil,
        "color": nil,
      ],
    ]
  ]
  if hasBands {
    layers.append([
      "mark": ["type": "area", "fillOpacity": 0.2, "opacity": 1],
      "encoding": ["y": y("a"), "y2": ["field": "b"]],
    ])
  }
  layers += [
    ["mark": ["type": "line", "strokeWidth": 1.7], "encoding": ["y": y("y")]],
    [
      "mark": ["type": "point", "filled": true, "size": 9, "opacity": 1, "strokeOpacity": 0],
      "encoding": [
        "y": y("y"),
        "tooltip": [
          FigureStyle.hover("l", "hidden layer", "nominal"), FigureStyle.hover("t", "epoch", "ordinal"),
          FigureStyle.hover("y", "mean best ρ", format: ".4f"), FigureStyle.hover("a", "lowest run", format: ".4f"),
          FigureStyle.hover("b", "highest run", format: ".4f"), FigureStyle.hover("n", "runs", "ordinal"),
        ],
      ],
    ],
  ]
  return layers
}
