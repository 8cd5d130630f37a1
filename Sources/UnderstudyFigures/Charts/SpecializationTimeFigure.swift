import UnderstudySchema

/// When each hidden layer specializes: first recorded epoch with a mean best rho of at least 0.95, median over runs with the
/// quartiles, a line for each over-realization.
///
/// Fields of the data: `p` panel, `o` over-realization as a text, `l` layer from 1, `x` the same moved aside a little, `y`
/// median epoch, `a`...`b` quartiles, `n` runs, `f` runs that never get there, `h` 1 if the median run is among them: drawn
/// hollow, above the last epoch, in the size `q`.
func specializationTimeFigure(
  _ declaration: FigureDeclaration, selection: SettingSelection, study: Study
) throws(FigureError) -> FigureSpecification {
  let runs = try selection.completedRuns(figure: declaration.name)
  let color = SeriesKey("student.overRealization", of: selection, study: study)
  let panel = SeriesKey.mostVaried(of: selection, study: study, preferred: ["teacher.widths"], excluded: [color.path])
  var groups: [[[[Double]]]] = panel.labels.map { _ in color.labels.map { _ in [] } }
  for table in try layerTables(runs, figure: declaration.name) {
    groups[panel.index(of: table.record)][color.index(of: table.record)].append(try table.specializationEpochs())
  }
  let axis = EpochAxis(top: Double(runs.map(\.lastEpoch).max() ?? 1))
  var rows: [JSONValue] = []
  var depth = 1
  for (panelIndex, series) in groups.enumerated() {
    for (index, times) in series.enumerated() {
      for layer in 0..<(times.map(\.count).max() ?? 0) {
        let values = times.filter { layer < $0.count }.map { $0[layer] }
        guard let center = median(values), let low = quantile(0.25, of: values), let high = quantile(0.75, of: values)
        else { continue }
        depth = max(depth, layer + 1)
        // Beside each other, since bars in one place hide each other.
        let aside = 0.09 * (Double(index) - Double(color.labels.count - 1) / 2)
        rows.append([
          "p": .text(panel.labels[panelIndex]), "o": .text(color.labels[index]), "l": .integer(layer + 1),
          "x": .display(Double(layer + 1) + aside), "y": .display(min(center, axis.ceiling)),
          "a": .display(min(low, axis.ceiling)), "b": .display(min(high, axis.ceiling)), "n": .integer(values.count),
          "f": .integer(values.count { $0.isInfinite }), "h": center.isInfinite ? 1 : 0,
          "q": FigureStyle.nestedSize(index, of: color.labels.count),
        ])
      }
    }
  }
  let hollowCount = rows.count { $0["h"]?.number == 1 }
  var notes = [
    "First recorded epoch at which the mean over a hidden layer's teacher nodes of the best ρ is at least "
      + "\(specializationThreshold): median over runs, bars from the lower to the upper quartile. Layer 1 is the lowest. "
      + "The axis of epochs is that of log(1 + epoch)."
  ]
  if hollowCount > 0 {
    notes.append(
      "Hollow, above the last epoch: \(hollowCount) layers that never get there in half of the runs or more.")
  }
  notes += selection.finishingNotes
  notes += selection.notes(shownKeys: [color.path, panel.path], study: study)
  let text =
    "Charts\(panel.isVaried ? ", one for each \(panel.title) (\(panel.labels.joined(separator: ", ")))" : ""): the first "
    + "epoch at which each of \(depth) hidden layers specializes, from the lowest to the highest, a line for each "
    + "\(color.title). \(declaration.caption)"
  return FigureSpecification(
    name: declaration.name, caption: declaration.caption, notes: notes, alternativeText: text,
    document: FigureStyle.panels(
      by: "p", label: panel.panelLabel, description: text, rows: rows, columns: FigureStyle.columns(panel.labels.count),
      encoding: [
        "x": [
          "field": "x", "type": "quantitative", "title": "hidden layer",
          "scale": ["domain": [0.6, .number(Double(depth) + 0.4)], "nice": false],
          "axis": ["values": .array((1...depth).map(JSONValue.integer)), "format": "d", "grid": false],
        ],
        "color": FigureStyle.color("o", title: color.title, names: color.labels, symbol: "stroke"),
      ],
      layers: .array(specializationTimeLayers(axis, color: color, hasHollow: hollowCount > 0)),
      order: panel.labels))
}

private func specializationTimeLayers(_ axis: EpochAxis, color: SeriesKey, hasHollow: Bool) -> [JSONValue] {
  func y(_ field: String) -> JSONValue { axis.encoding(field, title: "first epoch specialized", hasRoom: true) }
  let hovers: JSONValue = [
    FigureStyle.hover("l", "hidden layer", "ordinal"), FigureStyle.hover("o", color.title, "nominal"),
    FigureStyle.hover("y", "median epoch", format: ".4~g"), FigureStyle.hover("a", "lower quartile", format: ".4~g"),
    FigureStyle.hover("b", "upper quartile", format: ".4~g"), FigureStyle.hover("n", "runs", "ordinal"),
    FigureStyle.hover("f", "never in", "ordinal"),
  ]
  var layers: [JSONValue] = [
    ["mark": ["type": "rule", "strokeWidth": 1.1], "encoding": ["y": y("a"), "y2": ["field": "b"]]],
    [
      // A line breaks at a layer without a time; a filter would make it jump over.
      "transform": [["calculate": "datum.h == 0 ? datum.y : null", "as": "v"]],
      "mark": ["type": "line", "strokeWidth": 1.5], "encoding": ["y": y("v")],
    ],
    [
      "transform": [["filter": "datum.h == 0"]],
      "mark": ["type": "point", "filled": true, "size": 26, "opacity": 1, "strokeOpacity": 0],
      "encoding": ["y": y("y"), "tooltip": hovers],
    ],
  ]
  if hasHollow {
    layers.append([
      "transform": [["filter": "datum.h == 1"]],
      "mark": ["type": "point", "filled": false, "shape": "triangle-up", "strokeWidth": 1.2, "opacity": 1],
      "encoding": ["y": y("y"), "tooltip": hovers, "size": FigureStyle.sizeAsGiven],
    ])
  }
  return layers
}
