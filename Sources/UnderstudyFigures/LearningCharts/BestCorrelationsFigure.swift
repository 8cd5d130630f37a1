import UnderstudySchema

/// How the best rho is distributed over the teacher's nodes, a panel for each hidden layer: a dot for each node and run, the
/// median and the quartiles; places by over-realization, colours by another key.
///
/// Fields of the data: `p` panel, `q` its row if there are several, `o` over-realization as a text, `s` the other key as a text,
/// `y` best rho.
func bestCorrelationsFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let runs = try LayerReader.of(try chart.runs.completed())
  let keys = chart.keys
  let (place, other, row) = (keys.place ?? .nothing, keys.channels.color, keys.channels.row)
  let depth = runs.map(\.depth).max() ?? 1
  var rows: [JSONValue] = []
  for reader in runs {
    for (layer, values) in try reader.teacherNodes(.layerCorrelations, at: chart.epochs.last).enumerated() {
      for value in values {
        let entry: JSONValue = [
          "p": .text("layer \(layerLabel(layer + 1))"), "o": .text(place.label(of: reader.run)),
          "s": .text(other.label(of: reader.run)), "y": .display(value),
        ]
        rows.append(row.isVaried ? entry.with(["q": .text(row.label(of: reader.run))]) : entry)
      }
    }
  }
  let scale: JSONValue = ["zero": false, "nice": true, "padding": 5]
  let y = FigureStyle.quantity("y", "best ρ", scale: scale, axis: ["tickCount": 5, "format": "~g"])
  var encoding: [String: JSONValue] = [
    "x": FigureStyle.places("o", place), "color": chart.style.color("s", other, symbol: "circle"),
  ]
  if other.isVaried { encoding["xOffset"] = ["field": "s", "type": "nominal", "sort": .texts(other.labels)] }
  let layers: [JSONValue] = [
    Layers.of(Layers.dot(8, fillOpacity: 0.35), ["y": y]),
    Layers.of(["type": "errorbar", "extent": "iqr", "thickness": 1.6], ["y": y]),
    [
      "mark": Layers.hollow(140, strokeWidth: 2.2, ["shape": "stroke"]),
      "encoding": [
        "y": ["field": "y", "aggregate": "median", "type": "quantitative", "title": "best ρ", "scale": scale]
      ],
    ],
  ]
  return chart.specification(
    "Strip charts, one for each of \(depth) hidden layers: the best correlation of each teacher node with a student node, by "
      + "\(place.title)\(row.isVaried ? ", a row for each \(row.title)" : "").",
    notes: [
      "Each dot: a teacher node's best ρ with a student node of its layer, in one run, on evaluation data. Bars: from the lower to "
        + "the upper quartile; ticks: the median."
    ], namesSearch: true,
    chart.style.panels(
      columns: Panels("p", labels: (1...depth).map { "layer \(layerLabel($0))" }, isNamed: depth > 1),
      rows: keys.channels.panelRows, of: rows, encoding: encoding, layers: layers))
}
