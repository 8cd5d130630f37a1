import Foundation
import UnderstudySchema

/// Evaluation loss over the epochs: mean over runs of its log10, with a band of one standard deviation.
///
/// Panels by strength decay, or by the teacher's widths where those vary and it does not.
///
/// Fields of the data: `p` strength decay or widths, `o` over-realization, `t` epoch, `y` 10^mean, `a`...`b` 10^(mean -+ deviation),
/// `n` runs.
func evaluationLossFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let keys = ["teacher.strengthDecay", "teacher.widths"].map(chart.runs.series)
  let panel = keys.first(where: \.isVaried) ?? keys[0]
  var groups = Gathered<Double>()
  var flooredCount = 0
  for run in try chart.runs.completed() {
    for measurement in try run.series(.evaluationLoss) {
      let loss = try run.scalar(measurement)
      if loss < lossFloor { flooredCount += 1 }
      groups.add(
        log10(max(loss, lossFloor)),
        [
          .index(panel.index(of: run)), .number(run.setting.student.overRealization), .index(measurement.epoch),
        ])
    }
  }
  let epochs = groups.numbers(2).map { Int($0) }
  if let absent = chart.epochs.first(where: { !epochs.contains($0) }) {
    throw try chart.runs.completed()[0].missing(.evaluationLoss, at: absent)
  }
  let shownEpochs = Set(chart.epochs.isEmpty ? thinned(epochs, to: 201) : chart.epochs)
  let rows = lossRows(groups, panel: panel, epochs: shownEpochs)
  let panels = groups.numbers(0).map { panel.values[Int($0)] }
  let multiples = groups.numbers(1)
  var notes = ["Lines: mean over seeds of log10; bands: one standard deviation."]
  if flooredCount > 0 {
    notes.append("\(flooredCount) losses below \(lossFloor.short) (some exactly 0) are drawn as \(lossFloor.short).")
  }
  if shownEpochs.count < epochs.count {
    notes.append("\(shownEpochs.count) of \(epochs.count) recorded epochs are drawn.")
  }
  let axis = LogarithmicAxis(
    "evaluation loss J", around: ["a", "b"].flatMap { end in rows.compactMap { $0[end]?.number } })
  return chart.specification(
    "Line charts on a logarithmic axis, one for each \(panel.path == "teacher.widths" ? "teacher" : "strength decay p") "
      + "(\(panels.map(\.shown).joined(separator: ", "))): "
      + "evaluation loss over the epochs, a line for each over-realization "
      + "(\(FigureStyle.list(multiples, unit: "x"))).",
    notes: notes, shownKeys: [panel.path, "student.overRealization"],
    FigureStyle.panels(
      label: panel.panelLabel, rows: rows, count: panels.count,
      encoding: [
        "x": [
          "field": "t", "type": "quantitative", "title": "epoch", "scale": ["nice": false],
          "axis": ["tickCount": 5, "grid": false, "format": "d"],
        ],
        "color": [
          "field": "o", "type": "ordinal", "title": "over-realization",
          "legend": ["labelExpr": .text(FigureStyle.multipleLabel), "symbolType": "stroke", "symbolOpacity": 1],
          "scale": ["range": FigureStyle.colorRange(multiples.count)],
        ],
      ],
      layers: [
        Layers.band(axis.encoding, opacity: 0.2), Layers.line(axis.encoding("y"), width: 1.6),
        Layers.places(axis.encoding("y"), lossHovers),
      ],
      order: panel.values.allSatisfy { $0.number != nil } ? nil : panel.labels))
}

private let lossHovers: [JSONValue] = [
  FigureStyle.hover("o", "over-realization", "ordinal"), FigureStyle.hover("t", "epoch", "ordinal"),
  FigureStyle.hover("y", "loss (geometric mean)", format: ".3~e"),
  FigureStyle.hover("a", "mean − 1 s.d.", format: ".3~e"),
  FigureStyle.hover("b", "mean + 1 s.d.", format: ".3~e"), Hovers.runs,
]

private func lossRows(_ groups: Gathered<Double>, panel: SeriesKey, epochs: Set<Int>) -> [JSONValue] {
  groups.sorted.compactMap { key, logarithms in
    guard epochs.contains(key[2].index), let center = mean(logarithms) else { return nil }
    let deviation = standardDeviation(logarithms)
    return [
      "p": panel.values[key[0].index].number.map(JSONValue.number) ?? .text(panel.labels[key[0].index]),
      "o": key[1].json, "t": key[2].json, "y": .display(pow(10, center)),
      "a": .display(pow(10, center - deviation)), "b": .display(pow(10, center + deviation)),
      "n": .integer(logarithms.count),
    ]
  }
}

/// At most `count` of `epochs`, evenly spread, the first and the last among them.
func thinned(_ epochs: [Int], to count: Int) -> [Int] {
  guard epochs.count > count, count > 1 else { return epochs }
  return (0..<count).map { epochs[Int((Double($0) * Double(epochs.count - 1) / Double(count - 1)).rounded())] }
}
