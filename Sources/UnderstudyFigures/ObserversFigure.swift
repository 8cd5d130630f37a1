import Foundation
import UnderstudyRecords

/// Left: observers of a teacher node at the first declared epoch (0) against over-realization. Right: the share of teacher
/// nodes that are recovered at the last epoch, against how many observers they had.
///
/// Fields of the data: `s` panel, `p` strength decay as a text. Panel `count`: `o` over-realization, `y` mean number of
/// observers, `a`...`b` its 95 % interval over seeds, `n` runs. Panel `share`: `i` position and `l` label of the bin of
/// observers, `y` share, `c` recovered of `n` teacher nodes, `a`...`b` Wilson's interval.
func observersFigure(
  _ declaration: FigureDeclaration, selection: SettingSelection, study: Study
) throws(FigureError) -> FigureSpecification {
  let runs = try selection.completedRuns(figure: declaration.name)
  let first = declaration.epochs.first ?? 0
  var means: [Double: [Double: [Double]]] = [:]
  var bins: [Double: [Int: (recovered: Int, total: Int)]] = [:]
  for run in runs {
    let counts = try run.vector(.observerCounts, epoch: first, figure: declaration.name)
    let last = declaration.epochs.count > 1 ? declaration.epochs[declaration.epochs.count - 1] : run.lastEpoch
    let table = try CorrelationTable(
      try run.required(.evaluationCorrelation, epoch: last, figure: declaration.name), figure: declaration.name)
    guard table.teacherCount == counts.count else {
      throw .wrongShape(
        figure: declaration.name, measure: .observerCounts, shape: [counts.count], expected: "[\(table.teacherCount)]")
    }
    let setting = run.run.setting
    let decay = setting.teacher.strengthDecay
    means[decay, default: [:]][setting.student.overRealization, default: []].append(mean(counts) ?? 0)
    for (node, count) in counts.enumerated() {
      let bin = observerBin(Int(count))
      var tally = bins[decay, default: [:]][bin, default: (0, 0)]
      tally.total += 1
      if table.isRecovered(teacher: node) { tally.recovered += 1 }
      bins[decay, default: [:]][bin] = tally
    }
  }
  let decays = means.keys.sorted()
  var rows: [JSONValue] = []
  for decay in decays {
    for (multiple, values) in (means[decay] ?? [:]).sorted(by: { $0.key < $1.key }) {
      guard let interval = MeanInterval(values) else { continue }
      rows.append([
        "s": "count", "p": .text(decay.short), "o": .number(multiple), "y": .display(interval.mean),
        "a": .display(max(0, interval.low)), "b": .display(interval.high), "n": .integer(interval.count),
      ])
    }
    for (bin, tally) in (bins[decay] ?? [:]).sorted(by: { $0.key < $1.key }) {
      let interval = wilsonInterval(tally.recovered, of: tally.total)
      rows.append([
        "s": "share", "p": .text(decay.short), "i": .integer(bin), "l": .text(observerBinLabel(bin)),
        "y": .display(Double(tally.recovered) / Double(tally.total)), "c": .integer(tally.recovered),
        "n": .integer(tally.total), "a": .display(interval.lowerBound), "b": .display(interval.upperBound),
      ])
    }
  }
  let notes =
    [
      "Observers are counted at epoch \(first), in the band of 0.1. Left: mean over teacher nodes and seeds, 95 % interval "
        + "over seeds (Student). Right: all teacher nodes of all runs, 95 % interval (Wilson). Recovered: ρ > "
        + "\(recoveryThreshold) on evaluation inputs."
    ] + selection.notes(shownKeys: ["teacher.strengthDecay", "student.overRealization"], study: study)
  let text =
    "Two charts: the mean number of observers of a teacher node against over-realization, and the share of teacher nodes "
    + "that are recovered against their number of observers, a line for each strength decay p "
    + "(\(decays.map(\.short).joined(separator: ", "))). \(declaration.caption)"
  return FigureSpecification(
    name: declaration.name, caption: declaration.caption, notes: notes, alternativeText: text,
    document: observersDocument(rows, description: text, decays: decays.map(\.short)))
}

private func observersDocument(_ rows: [JSONValue], description: String, decays: [String]) -> JSONValue {
  let bins = Set(rows.filter { $0["s"]?.text == "share" }.compactMap { $0["l"]?.text }).count
  let color = FigureStyle.color("p", title: "strength decay p", names: decays, symbol: "circle")
  // Series side by side: intervals that lie on each other cannot be read.
  let offset: JSONValue = ["field": "p", "type": "nominal", "scale": ["domain": .array(decays.map(JSONValue.text))]]
  func panel(_ name: String, x: JSONValue, y: JSONValue, hovers: JSONValue) -> JSONValue {
    [
      "width": 225, "height": 180,
      "transform": [["filter": .text("datum.s == '\(name)'")]],
      "encoding": ["x": x, "xOffset": offset, "color": color],
      "layer": [
        [
          "mark": ["type": "rule", "strokeWidth": 1.2],
          "encoding": ["y": .object((y.members).merging(["field": "a"]) { $1 }), "y2": ["field": "b"]],
        ],
        [
          "mark": ["type": "point", "filled": true, "size": 34, "opacity": 1, "strokeOpacity": 0],
          "encoding": ["y": y, "tooltip": hovers],
        ],
      ],
    ]
  }
  return FigureStyle.document(
    description: description,
    [
      "data": ["values": .array(rows)], "spacing": 22,
      // The panels have different numbers of positions, so the room for an offset differs.
      "resolve": ["scale": ["xOffset": "independent"]],
      "hconcat": [
        panel(
          "count",
          x: [
            "field": "o", "type": "ordinal", "title": "over-realization",
            "axis": ["labelExpr": .text(FigureStyle.multipleLabel), "labelAngle": 0],
          ],
          y: [
            "field": "y", "type": "quantitative", "title": "observers of a teacher node", "axis": ["tickCount": 5],
            "scale": ["zero": true],
          ],
          hovers: [
            FigureStyle.hover("o", "over-realization", "ordinal"), FigureStyle.hover("p", "p", "nominal"),
            FigureStyle.hover("y", "mean observers", format: ".4~g"),
            FigureStyle.hover("a", "95 % interval from", format: ".4~g"), FigureStyle.hover("b", "to", format: ".4~g"),
            FigureStyle.hover("n", "runs", "ordinal"),
          ]),
        panel(
          "share",
          x: [
            "field": "l", "type": "ordinal", "title": "observers of the teacher node", "sort": ["field": "i"],
            "axis": ["labelAngle": bins > 7 ? -40 : 0],
          ],
          y: [
            "field": "y", "type": "quantitative", "title": "teacher nodes recovered", "scale": ["domain": [0, 1]],
            "axis": ["values": [0, 0.25, 0.5, 0.75, 1], "format": ".0%"],
          ],
          hovers: [
            FigureStyle.hover("l", "observers", "nominal"), FigureStyle.hover("p", "p", "nominal"),
            FigureStyle.hover("y", "recovered", format: ".1%"), FigureStyle.hover("c", "teacher nodes", "ordinal"),
            FigureStyle.hover("n", "of", "ordinal"), FigureStyle.hover("a", "95 % interval from", format: ".1%"),
            FigureStyle.hover("b", "to", format: ".1%"),
          ]),
      ],
    ])
}

/// 0, 1, 2, 3...4, 5...8, 9...16 and so on: counts run from none to hundreds.
func observerBin(_ count: Int) -> Int {
  var (bin, end) = (0, 0)
  while count > end {
    bin += 1
    end = end == 0 ? 1 : 2 * end
  }
  return bin
}

func observerBinLabel(_ bin: Int) -> String {
  guard bin > 1 else { return String(bin) }
  let end = 1 << (bin - 1)
  return end == 2 ? "2" : "\(end / 2 + 1)–\(end)"
}
