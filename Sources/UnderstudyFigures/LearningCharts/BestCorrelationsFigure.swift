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
        var entry: [String: JSONValue] = [
          "p": .text("layer \(layerLabel(layer + 1))"), "o": .text(place.label(of: reader.run)),
          "s": .text(other.label(of: reader.run)), "y": .display(value),
        ]
        if row.isVaried { entry["q"] = .text(row.label(of: reader.run)) }
        rows.append(.object(entry))
      }
    }
  }
  let y: JSONValue = [
    "field": "y", "type": "quantitative", "title": "best ρ", "scale": ["zero": false, "nice": true, "padding": 5],
    "axis": ["tickCount": 5, "format": "~g"],
  ]
  let offset: JSONValue? =
    other.isVaried ? ["field": "s", "type": "nominal", "sort": .array(other.labels.map(JSONValue.text))] : nil
  var encoding: [String: JSONValue] = [
    "x": FigureStyle.places("o", place), "color": chart.style.color("s", other, symbol: "circle"),
  ]
  if let offset { encoding["xOffset"] = offset }
  let panels = (1...depth).map { "layer \(layerLabel($0))" }
  let places = Panels("p", labels: panels, isNamed: depth > 1)
  let layers: [JSONValue] = [
    Layers.dots(Layers.dot(8, fillOpacity: 0.35), ["y": y]),
    [
      "mark": ["type": "errorbar", "extent": "iqr", "thickness": 1.6],
      "encoding": ["y": y],
    ],
    [
      "mark": ["type": "point", "shape": "stroke", "size": 140, "strokeWidth": 2.2, "filled": false, "opacity": 1],
      "encoding": [
        "y": [
          "field": "y", "aggregate": "median", "type": "quantitative", "title": "best ρ",
          "scale": ["zero": false, "nice": true, "padding": 5],
        ]
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
    row.isVaried
      ? chart.style.panels(
        rows: rows, encoding: encoding, layers: layers, columns: places, panelRows: Panels("q", of: row))
      : chart.style.panels(places, rows: rows, encoding: encoding, layers: layers))
}
