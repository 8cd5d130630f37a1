import UnderstudySchema

/// Share of seeds in which each teacher node is recovered (max_k rho_jk > 0.95 on evaluation inputs), a panel for each
/// over-realization, since most shares are 0 or 1 and lines of several would lie on each other.
///
/// Fields of the data: those of ``ChartChannels``, `t` epoch, `j` teacher node (1 is the strongest), `y` the share, `c` of `n`
/// runs, `a`...`b` Wilson's 95 % interval.
func recoveryRateFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let channels = chart.keys.channels
  let multiple = chart.runs.series("student.overRealization")
  var groups = Gathered<CorrelationTable>()
  for run in try chart.runs.completed() {
    for epoch in chart.epochs.isEmpty ? [run.lastEpoch] : chart.epochs {
      groups.add(try run.correlations(.evaluationCorrelation, at: epoch), of: run, in: channels, epoch)
    }
  }
  var rows: [JSONValue] = []
  var teacherCount = 1
  for (key, tables) in groups.sorted {
    let count = tables.map(\.teacherCount).max() ?? 0
    teacherCount = max(teacherCount, count)
    for teacher in 0..<count {
      let wide = tables.filter { teacher < $0.teacherCount }
      let recovered = wide.count { $0.isRecovered(teacher: teacher) }
      let interval = wilsonInterval(recovered, of: wide.count)
      rows.append(
        channels.placed(
          [
            "t": .number(key[3]), "j": .integer(teacher + 1), "y": .display(Double(recovered) / Double(wide.count)),
            "c": .integer(recovered), "n": .integer(wide.count), "a": .display(interval.lowerBound),
            "b": .display(interval.upperBound),
          ], at: key))
    }
  }
  let epochs = groups.numbers(3)
  return chart.specification(
    "Line charts\(channels.panelWords): share of seeds that recovered each teacher node, from the strongest to the weakest"
      + "\(epochs.count > 1 ? ", a line for each epoch" : ""), with its 95 % interval.",
    notes: ["Recovered: a student node correlates with the teacher node above 0.95 on evaluation inputs."]
      + (epochs.count > 1 ? [] : ["After epoch \(FigureStyle.list(epochs))."])
      + (multiple.values.count == 1 ? ["Over-realization \(multiple.labels[0])."] : [])
      + ["Bands: 95 % intervals (Wilson)."],
    channels.panels(
      chart.style, rows: rows,
      encoding: ["x": nodeAxis(teacherCount), "color": recoveryColor(channels)],
      layers: recoveryLayers(epochs, chart.style), height: channels.row.isVaried ? 76 : 140))
}

/// Panels have headings: colours are those that the values have in other figures, without a legend.
private func recoveryColor(_ channels: ChartChannels) -> JSONValue {
  let path = "student.overRealization"
  guard let (field, key) = [("q", channels.row), ("p", channels.column)].first(where: { $0.1.path == path }) else {
    return ["value": FigureStyle.palette[0]]
  }
  guard key.isVaried else { return ["value": key.colors()[0]] }
  return [
    "field": .text(field), "type": "nominal", "legend": nil,
    "scale": ["domain": .texts(key.labels), "range": .array(key.colors())],
  ]
}

/// The first epoch is dotted and the last is solid, whatever lies between is dashed. Dots carry the hover labels.
private func recoveryLayers(_ epochs: [Double], _ style: FigureStyle) -> [JSONValue] {
  let dashes: [JSONValue] = epochs.indices.map { index in
    if index == epochs.count - 1 { return [1, 0] }
    return index == 0 ? [2, 2] : [.integer(3 + 2 * index), 3]
  }
  let dash: JSONValue = [
    "field": "t", "type": "ordinal", "title": .text("after \(style.timeUnit)"), "scale": ["range": .array(dashes)],
    "legend": epochs.count > 1
      ? style.legend(
        title: "after \(style.timeUnit)", names: epochs.map(\.short), symbol: "stroke", ["symbolStrokeColor": "#222222"]
      )
      : nil,
  ]
  let hovers: [JSONValue] = [
    FigureStyle.hover("j", "teacher node", "ordinal"), style.timeHover,
    FigureStyle.hover("y", "share recovered", format: ".1%"),
    FigureStyle.hover("c", "seeds that recovered it", "ordinal"), FigureStyle.hover("n", "of runs", "ordinal"),
  ]
  func y(_ field: String) -> JSONValue {
    // Room for the lines at both ends.
    FigureStyle.quantity(
      field, "recovered", scale: ["domain": [-0.04, 1.04]], axis: ["values": [0, 0.5, 1], "format": ".0%"])
  }
  let detail: [String: JSONValue] = ["detail": ["field": "t", "type": "ordinal"]]
  return [
    Layers.band(y, opacity: 0.16, detail), Layers.line(y("y"), width: 1.5, ["strokeDash": dash]),
    Layers.of(Layers.dot(9), detail.with(["y": y("y"), "tooltip": .array(hovers + Hovers.interval(".1%"))])),
  ]
}

/// Teacher nodes in the field `j`.
func nodeAxis(_ teacherCount: Int) -> JSONValue {
  FigureStyle.quantity(
    "j", "teacher node j (1\u{a0}=\u{a0}strongest)",
    scale: ["domain": [0.5, .number(Double(teacherCount) + 0.5)], "nice": false],
    axis: ["values": nodeTicks(teacherCount), "format": "d", "grid": false])
}

/// 1 and multiples of a round step, at most about seven of them.
private func nodeTicks(_ count: Int) -> JSONValue {
  let step = [1, 2, 5, 10, 20, 50, 100].first { count / $0 <= 6 } ?? max(1, count / 6)
  let ticks = step == 1 ? Array(1...max(1, count)) : [1] + Array(stride(from: step, through: count, by: step))
  return .array(ticks.map(JSONValue.integer))
}
