import UnderstudySchema

/// Share of seeds in which each teacher node is recovered (max_k rho_jk > 0.95 on evaluation inputs).
///
/// Fields of the data: `p` strength decay, `o` over-realization, `t` epoch, `j` teacher node (1 is the strongest), `y` the
/// share, `c` of `n` runs, `a`...`b` Wilson's 95 % interval.
func recoveryRateFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  var groups = Gathered<CorrelationTable>()
  for run in try chart.runs.completed() {
    for epoch in chart.epochs.isEmpty ? [run.lastEpoch] : chart.epochs {
      groups.add(
        try run.correlations(.evaluationCorrelation, at: epoch),
        [
          .number(run.setting.teacher.strengthDecay), .number(run.setting.student.overRealization), .index(epoch),
        ])
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
      rows.append([
        "p": key[0].json, "o": key[1].json, "t": key[2].json, "j": .integer(teacher + 1),
        "y": .display(Double(recovered) / Double(wide.count)), "c": .integer(recovered), "n": .integer(wide.count),
        "a": .display(interval.lowerBound), "b": .display(interval.upperBound),
      ])
    }
  }
  let (decays, multiples, epochs) = (groups.numbers(0), groups.numbers(1), groups.numbers(2))
  return chart.specification(
    "Line charts, one for each strength decay p (\(FigureStyle.list(decays))): share of seeds that "
      + "recovered each teacher node, from the strongest to the weakest, a line for each over-realization and epoch.",
    notes: ["Recovered: a student node correlates with the teacher node above 0.95 on evaluation inputs."]
      + (epochs.count > 1 ? [] : ["After epoch \(FigureStyle.list(epochs))."])
      + (multiples.count > 1 ? [] : ["Over-realization \(FigureStyle.list(multiples))x."])
      + ["Hover a dot for the 95 % interval (Wilson)."],
    shownKeys: ["teacher.strengthDecay", "student.overRealization"],
    FigureStyle.panels(
      rows: rows, count: decays.count,
      encoding: [
        "x": nodeAxis(teacherCount),
        "y": FigureStyle.share("y", title: "seeds recovering node j"),
        // Where lines coincide, at 100 % above all, the thinner ones lie on the thicker ones and all can be seen.
        "strokeWidth": multipleChannel(lineWidths(multiples.count), count: multiples.count),
        "color": multipleChannel(FigureStyle.colorRange(multiples.count), count: multiples.count),
      ],
      layers: recoveryLayers(epochCount: epochs.count)))
}

/// The first epoch is dotted and the last is solid, whatever lies between is dashed. Dots carry the hover labels.
private func recoveryLayers(epochCount: Int) -> [JSONValue] {
  let dashes: [JSONValue] = (0..<epochCount).map { index in
    if index == epochCount - 1 { return [1, 0] }
    return index == 0 ? [2, 2.5] : [.integer(3 + 2 * index), 4]
  }
  let dash: JSONValue = [
    "field": "t", "type": "ordinal", "title": "after epoch", "scale": ["range": .array(dashes)],
    "legend": epochCount > 1
      ? ["symbolStrokeColor": "#222222", "symbolType": "stroke", "symbolSize": 300] : nil,
  ]
  let hovers: [JSONValue] = [
    FigureStyle.hover("j", "teacher node", "ordinal"), FigureStyle.hover("o", "over-realization", "ordinal"),
    FigureStyle.hover("t", "epoch", "ordinal"), FigureStyle.hover("y", "share recovered", format: ".1%"),
    FigureStyle.hover("c", "seeds that recovered it", "ordinal"), FigureStyle.hover("n", "of runs", "ordinal"),
  ]
  return [
    ["mark": ["type": "line"], "encoding": ["strokeDash": dash]],
    Layers.dots(
      Layers.dot(9),
      ["tooltip": .array(hovers + Hovers.interval(".1%")), "detail": ["field": "t", "type": "ordinal"]]),
  ]
}

/// Over-realization as a colour or a width; one legend for both, none if there is nothing to tell apart.
private func multipleChannel(_ range: JSONValue, count: Int) -> JSONValue {
  [
    "field": "o", "type": "ordinal", "title": "over-realization", "scale": ["range": range],
    "legend": count > 1
      ? ["labelExpr": .text(FigureStyle.multipleLabel), "symbolType": "stroke", "symbolSize": 300] : nil,
  ]
}

/// From thick to thin, evenly.
private func lineWidths(_ count: Int) -> JSONValue {
  guard count > 1 else { return [1.6] }
  return .array((0..<count).map { .display(2.8 - 1.6 * Double($0) / Double(count - 1)) })
}

/// Teacher nodes in the field `j`.
func nodeAxis(_ teacherCount: Int) -> JSONValue {
  [
    "field": "j", "type": "quantitative", "title": "teacher node j (1 = strongest)",
    "scale": ["domain": [0.5, .number(Double(teacherCount) + 0.5)], "nice": false],
    "axis": ["values": nodeTicks(teacherCount), "format": "d", "grid": false],
  ]
}

/// 1 and multiples of a round step, at most about seven of them.
private func nodeTicks(_ count: Int) -> JSONValue {
  let step = [1, 2, 5, 10, 20, 50, 100].first { count / $0 <= 6 } ?? max(1, count / 6)
  let ticks = step == 1 ? Array(1...max(1, count)) : [1] + Array(stride(from: step, through: count, by: step))
  return .array(ticks.map(JSONValue.integer))
}
