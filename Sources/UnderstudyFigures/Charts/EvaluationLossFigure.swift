import Foundation
import UnderstudySchema

/// Evaluation loss over the epochs: mean over runs of its log10, with a band of one standard deviation.
///
/// Panels by strength decay, or by the teacher's widths where those vary and it does not.
///
/// Fields of the data: `p` strength decay or widths, `o` over-realization, `t` epoch, `y` 10^mean, `a`...`b` 10^(mean -+ deviation),
/// `n` runs.
func evaluationLossFigure(
  _ declaration: FigureDeclaration, selection: SettingSelection, study: Study
) throws(FigureError) -> FigureSpecification {
  let panel = SeriesKey.firstVaried(
    ["teacher.strengthDecay", "teacher.widths"], of: selection, study: study)
  let curves = try lossCurves(declaration, selection: selection, panel: panel)
  let panels = Set(curves.rows.keys.map(\.panel)).sorted().map { panel.values[$0] }
  let multiples = Set(curves.rows.keys.map(\.multiple)).sorted()
  var rows: [JSONValue] = []
  for key in curves.rows.keys.sorted() {
    guard let epochs = curves.rows[key] else { continue }
    for epoch in epochs.keys.sorted() where curves.shownEpochs.contains(epoch) {
      let logarithms = epochs[epoch, default: []]
      guard let center = mean(logarithms) else { continue }
      let deviation = standardDeviation(logarithms)
      rows.append([
        "p": panel.values[key.panel].number.map(JSONValue.number) ?? .text(panel.labels[key.panel]),
        "o": .number(key.multiple), "t": .integer(epoch), "y": .display(pow(10, center)),
        "a": .display(pow(10, center - deviation)), "b": .display(pow(10, center + deviation)),
        "n": .integer(logarithms.count),
      ])
    }
  }
  let columns = FigureStyle.columns(panels.count)
  var notes = ["Lines: mean over seeds of log10; bands: one standard deviation."]
  if curves.flooredCount > 0 {
    notes.append(
      "\(curves.flooredCount) losses below \(lossFloor.short) (some exactly 0) are drawn as \(lossFloor.short).")
  }
  if curves.shownEpochs.count < curves.epochCount {
    notes.append("\(curves.shownEpochs.count) of \(curves.epochCount) recorded epochs are drawn.")
  }
  notes += selection.notes(shownKeys: [panel.path, "student.overRealization"], study: study)
  let text =
    "Line charts on a logarithmic axis, one for each \(panel.path == "teacher.widths" ? "teacher" : "strength decay p") "
    + "(\(panels.map(\.shown).joined(separator: ", "))): "
    + "evaluation loss over the epochs, a line for each over-realization "
    + "(\(multiples.map { $0.short + "x" }.joined(separator: ", "))). \(declaration.caption)"
  return FigureSpecification(
    name: declaration.name, caption: declaration.caption, notes: notes, alternativeText: text,
    document: FigureStyle.panels(
      by: "p", label: panel.panelLabel, description: text, rows: rows, columns: columns,
      encoding: lossEncoding(multipleCount: multiples.count),
      layers: lossLayers(
        axis: LogarithmicAxis(
          "evaluation loss J", around: ["a", "b"].flatMap { end in rows.compactMap { $0[end]?.number } })),
      order: panel.values.allSatisfy { $0.number != nil } ? nil : panel.labels))
}

private func lossEncoding(multipleCount: Int) -> [String: JSONValue] {
  [
    "x": [
      "field": "t", "type": "quantitative", "title": "epoch", "scale": ["nice": false],
      "axis": ["tickCount": 5, "grid": false, "format": "d"],
    ],
    "color": [
      "field": "o", "type": "ordinal", "title": "over-realization",
      "legend": ["labelExpr": .text(FigureStyle.multipleLabel), "symbolType": "stroke", "symbolOpacity": 1],
      "scale": ["range": FigureStyle.colorRange(multipleCount)],
    ],
  ]
}

private func lossLayers(axis: LogarithmicAxis) -> JSONValue {
  [
    [
      "mark": ["type": "area", "fillOpacity": 0.2, "opacity": 1],
      "encoding": ["y": axis.encoding("a"), "y2": ["field": "b"]],
    ],
    ["mark": ["type": "line", "strokeWidth": 1.6], "encoding": ["y": axis.encoding("y")]],
    [
      // Invisible: a place to hover at each epoch.
      "mark": ["type": "point", "filled": true, "size": 30, "fillOpacity": 0, "opacity": 1, "strokeOpacity": 0],
      "encoding": [
        "y": axis.encoding("y"),
        "tooltip": [
          FigureStyle.hover("o", "over-realization", "ordinal"), FigureStyle.hover("t", "epoch", "ordinal"),
          FigureStyle.hover("y", "loss (geometric mean)", format: ".3~e"),
          FigureStyle.hover("a", "mean − 1 s.d.", format: ".3~e"),
          FigureStyle.hover("b", "mean + 1 s.d.", format: ".3~e"),
          FigureStyle.hover("n", "runs", "ordinal"),
        ],
      ],
    ],
  ]
}

private struct LossKey: Hashable, Comparable {
  /// Position among the values of the panels' key.
  var panel: Int
  var multiple: Double

  static func < (left: Self, right: Self) -> Bool {
    (left.panel, left.multiple) < (right.panel, right.multiple)
  }
}

private struct LossCurves {
  /// log10 of the loss of every run, by epoch.
  var rows: [LossKey: [Int: [Double]]] = [:]
  var epochCount = 0
  var shownEpochs: Set<Int> = []
  var flooredCount = 0
}

private func lossCurves(
  _ declaration: FigureDeclaration, selection: SettingSelection, panel: SeriesKey
) throws(FigureError) -> LossCurves {
  var curves = LossCurves()
  let runs = selection.runs.filter { $0.divergedEpoch == nil }
  guard !runs.isEmpty else { throw .allDiverged(figure: declaration.name, runCount: selection.runs.count) }
  for record in runs {
    let setting = record.run.setting
    let key = LossKey(panel: panel.index(of: record), multiple: setting.student.overRealization)
    let losses = record.measurements.filter { $0.measure == .evaluationLoss }
    guard !losses.isEmpty else {
      throw .missingMeasure(
        figure: declaration.name, measure: .evaluationLoss, epoch: nil, recordedEpochs: [], seed: record.run.seed)
    }
    for measurement in losses {
      guard measurement.values.count == 1, let loss = measurement.values.first else {
        throw .wrongShape(
          figure: declaration.name, measure: .evaluationLoss, shape: measurement.shape, expected: "a scalar")
      }
      if loss < lossFloor { curves.flooredCount += 1 }
      curves.rows[key, default: [:]][measurement.epoch, default: []].append(log10(max(loss, lossFloor)))
    }
  }
  let epochs = Set(curves.rows.values.flatMap(\.keys)).sorted()
  curves.epochCount = epochs.count
  curves.shownEpochs = Set(declaration.epochs.isEmpty ? thinned(epochs, to: 201) : declaration.epochs)
  if let absent = declaration.epochs.first(where: { !epochs.contains($0) }) {
    throw .missingMeasure(
      figure: declaration.name, measure: .evaluationLoss, epoch: absent, recordedEpochs: epochs,
      seed: runs[0].run.seed)
  }
  return curves
}

/// At most `count` of `epochs`, evenly spread, the first and the last among them.
func thinned(_ epochs: [Int], to count: Int) -> [Int] {
  guard epochs.count > count, count > 1 else { return epochs }
  return (0..<count).map { epochs[Int((Double($0) * Double(epochs.count - 1) / Double(count - 1)).rounded())] }
}
