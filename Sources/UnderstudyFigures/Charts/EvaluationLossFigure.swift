import UnderstudySchema

/// Evaluation loss over the epochs: median over runs, with a band from the lower to the upper quartile.
///
/// Panels by strength decay, or by the teacher's widths where those vary and it does not.
///
/// Fields of the data: those of ``ChartChannels``, `t` epoch, `y` median, `a`...`b` quartiles, `n` runs.
func evaluationLossFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let channels = chart.keys.channels
  var groups = Gathered<Double>()
  var flooredCount = 0
  for run in try chart.runs.completed() {
    for measurement in try run.series(.evaluationLoss) {
      let loss = try run.scalar(measurement)
      if loss < lossFloor { flooredCount += 1 }
      groups.add(max(loss, lossFloor), of: run, in: channels, measurement.epoch)
    }
  }
  let epochs = groups.numbers(3).map { Int($0) }
  if let absent = chart.epochs.first(where: { !epochs.contains($0) }) {
    throw try chart.runs.completed()[0].missing(.evaluationLoss, at: absent)
  }
  let shownEpochs = Set(chart.epochs.isEmpty ? thinned(epochs, to: 201) : chart.epochs)
  let rows: [JSONValue] = groups.sorted.compactMap { key, losses in
    guard shownEpochs.contains(Int(key[3])), let quartiles = Quartiles(losses) else { return nil }
    return channels.placed(
      [
        "t": .number(key[3]), "y": .display(quartiles.middle), "a": .display(quartiles.low),
        "b": .display(quartiles.high), "n": .integer(losses.count),
      ], at: key)
  }
  var notes = ["Lines: median over seeds; bands: from the lower to the upper quartile."]
  if flooredCount > 0 {
    notes.append("\(flooredCount) losses below \(lossFloor.short) (some exactly 0) are drawn as \(lossFloor.short).")
  }
  if shownEpochs.count < epochs.count {
    notes.append("\(shownEpochs.count) of \(epochs.count) recorded epochs are drawn.")
  }
  let axis = LogarithmicAxis(
    "evaluation loss J", around: ["a", "b"].flatMap { end in rows.compactMap { $0[end]?.number } })
  return chart.specification(
    "Line charts on a logarithmic axis\(channels.panelWords): "
      + "evaluation loss over the epochs, a line for each \(channels.color.title) "
      + "(\(channels.color.labels.joined(separator: ", "))).",
    notes: notes,
    channels.panels(
      chart.style, rows: rows,
      encoding: [
        "x": chart.style.epochs(shownEpochs),
        "color": chart.style.color("o", channels.color, symbol: "stroke", room: channels.room(chart.style)),
      ],
      layers: [
        Layers.band(axis.encoding, opacity: 0.2), Layers.line(axis.encoding("y"), width: 1.6),
        Layers.places(
          axis.encoding("y"),
          [
            FigureStyle.hover("o", channels.color.title, "nominal"), chart.style.timeHover,
            FigureStyle.hover("y", "median loss", format: ".3~e"),
          ] + Hovers.quartiles(".3~e") + [Hovers.runs]),
      ]))
}

/// At most `count` of `epochs`, evenly spread, the first and the last among them.
func thinned(_ epochs: [Int], to count: Int) -> [Int] {
  guard epochs.count > count, count > 1 else { return epochs }
  return (0..<count).map { epochs[Int((Double($0) * Double(epochs.count - 1) / Double(count - 1)).rounded())] }
}
