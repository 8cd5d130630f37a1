import Foundation
import UnderstudySchema

/// Left: observers of a teacher node at the first declared epoch (0) against over-realization. Right: the share of teacher
/// nodes that are recovered at the last epoch, against how many observers they had, for each over-realization by itself:
/// wider students have more observers and recover more nodes, whatever the one has to do with the other.
///
/// Fields of the data: `s` panel, `p` strength decay as a text, `o` over-realization as a text. Panel `count`: `y` mean number
/// of observers, `a`...`b` its 95 % interval over seeds, `n` runs. Panel `share`: `i` position and `l` label of the bin of
/// observers, `y` share, `c` recovered of `n` teacher nodes, `a`...`b` Wilson's interval.
func observersFigure(
  _ declaration: FigureDeclaration, selection: SettingSelection, study: Study
) throws(FigureError) -> FigureSpecification {
  let runs = try selection.completedRuns(figure: declaration.name)
  let first = declaration.epochs.first ?? 0
  var groups: [Double: [Double: ObserverGroup]] = [:]
  for run in runs {
    let counts = try run.required(.observerCounts, epoch: first, figure: declaration.name)
      .wholeNumbers(figure: declaration.name)
    let last = declaration.epochs.count > 1 ? declaration.epochs[declaration.epochs.count - 1] : run.lastEpoch
    let table = try CorrelationTable(
      try run.required(.evaluationCorrelation, epoch: last, figure: declaration.name), figure: declaration.name)
    guard table.teacherCount == counts.count else {
      throw .wrongShape(
        figure: declaration.name, measure: .observerCounts, shape: [counts.count], expected: "[\(table.teacherCount)]")
    }
    let setting = run.run.setting
    groups[setting.teacher.strengthDecay, default: [:]][setting.student.overRealization, default: ObserverGroup()]
      .add(counts, table)
  }
  let decays = groups.keys.sorted()
  let multiples = Set(groups.values.flatMap(\.keys)).sorted().map { "\($0.short)x" }
  let rows = decays.flatMap { decay in
    (groups[decay] ?? [:]).sorted { $0.key < $1.key }.flatMap { multiple, group in
      group.rows(decay: decay.short, multiple: "\(multiple.short)x")
    }
  }
  let notes =
    [
      "Observers are counted at epoch \(first), in the band of 0.1. Left: mean over teacher nodes and seeds, 95 % interval "
        + "over seeds (Student). Right: the teacher nodes of all seeds, 95 % interval (Wilson). Recovered: ρ > "
        + "\(recoveryThreshold) on evaluation inputs."
    ] + selection.notes(shownKeys: ["teacher.strengthDecay", "student.overRealization"], study: study)
  let text =
    "Two charts\(decays.count > 1 ? " for each strength decay p (\(decays.map(\.short).joined(separator: ", ")))" : ""): the "
    + "mean number of observers of a teacher node against over-realization, and the share of teacher nodes that are recovered "
    + "against their number of observers, in a colour for each over-realization (\(multiples.joined(separator: ", "))). "
    + declaration.caption
  return FigureSpecification(
    name: declaration.name, caption: declaration.caption, notes: notes, alternativeText: text,
    document: observersDocument(rows, description: text, decays: decays.map(\.short), multiples: multiples))
}

/// The runs of one strength decay and over-realization.
private struct ObserverGroup {
  /// Of each run, over its teacher nodes.
  private var means: [Double] = []
  private var bins: [Int: (recovered: Int, total: Int)] = [:]

  mutating func add(_ counts: [Int], _ table: CorrelationTable) {
    means.append(mean(counts.map(Double.init)) ?? 0)
    for (node, count) in counts.enumerated() {
      var tally = bins[observerBin(count)] ?? (0, 0)
      tally.total += 1
      if table.isRecovered(teacher: node) { tally.recovered += 1 }
      bins[observerBin(count)] = tally
    }
  }

  func rows(decay: String, multiple: String) -> [JSONValue] {
    guard let interval = MeanInterval(means) else { return [] }
    let count: JSONValue = [
      "s": "count", "p": .text(decay), "o": .text(multiple), "y": .display(interval.mean),
      "a": .display(max(0, interval.low)), "b": .display(interval.high), "n": .integer(interval.count),
    ]
    return [count]
      + bins.sorted { $0.key < $1.key }.map { bin, tally in
        let interval = wilsonInterval(tally.recovered, of: tally.total)
        return [
          "s": "share", "p": .text(decay), "o": .text(multiple), "i": .integer(bin), "l": .text(observerBinLabel(bin)),
          "y": .display(Double(tally.recovered) / Double(tally.total)), "c": .integer(tally.recovered),
          "n": .integer(tally.total), "a": .display(interval.lowerBound), "b": .display(interval.upperBound),
        ]
      }
  }
}

private func observersDocument(
  _ rows: [JSONValue], description: String, decays: [String], multiples: [String]
) -> JSONValue {
  let bins = Set(rows.filter { $0["s"]?.text == "share" }.compactMap { $0["l"]?.text }).count
  let color = FigureStyle.color("o", title: "over-realization", names: multiples, symbol: "circle")
  let names = JSONValue.array(multiples.map(JSONValue.text))
  func panel(_ name: String, decay: String, encoding: [String: JSONValue], y: JSONValue, hovers: [JSONValue])
    -> JSONValue
  {
    var encoding = encoding
    encoding["color"] = color
    let own = [
      FigureStyle.hover("o", "over-realization", "nominal"), FigureStyle.hover("p", "p", "nominal"),
    ]
    return [
      "width": 225, "height": 180,
      "transform": [["filter": .text("datum.s == '\(name)' && datum.p == '\(decay)'")]],
      "encoding": .object(encoding),
      "layer": [
        [
          "mark": ["type": "rule", "strokeWidth": 1.2],
          "encoding": ["y": .object((y.members).merging(["field": "a"]) { $1 }), "y2": ["field": "b"]],
        ],
        [
          "mark": ["type": "point", "filled": true, "size": 34, "opacity": 1, "strokeOpacity": 0],
          "encoding": ["y": y, "tooltip": .array(own + hovers)],
        ],
      ],
    ]
  }
  let panels: [JSONValue] = decays.map { decay in
    let pair: [JSONValue] = [
      panel(
        "count", decay: decay,
        encoding: [
          "x": [
            "field": "o", "type": "nominal", "title": "over-realization", "axis": ["labelAngle": 0], "sort": names,
          ]
        ],
        y: [
          "field": "y", "type": "quantitative", "title": "observers of a teacher node", "axis": ["tickCount": 5],
          "scale": ["zero": true],
        ],
        hovers: [
          FigureStyle.hover("y", "mean observers", format: ".4~g"),
          FigureStyle.hover("a", "95 % interval from", format: ".4~g"), FigureStyle.hover("b", "to", format: ".4~g"),
          FigureStyle.hover("n", "runs", "ordinal"),
        ]),
      panel(
        "share", decay: decay,
        encoding: [
          "x": [
            "field": "l", "type": "ordinal", "title": "observers of the teacher node", "sort": ["field": "i"],
            "axis": ["labelAngle": bins > 7 ? -40 : 0],
          ],
          // Series side by side: intervals that lie on each other cannot be read.
          "xOffset": ["field": "o", "type": "nominal", "scale": ["domain": names]],
        ],
        y: [
          "field": "y", "type": "quantitative", "title": "teacher nodes recovered", "scale": ["domain": [0, 1]],
          "axis": ["values": [0, 0.25, 0.5, 0.75, 1], "format": ".0%"],
        ],
        hovers: [
          FigureStyle.hover("l", "observers", "nominal"), FigureStyle.hover("y", "recovered", format: ".1%"),
          FigureStyle.hover("c", "teacher nodes", "ordinal"), FigureStyle.hover("n", "of", "ordinal"),
          FigureStyle.hover("a", "95 % interval from", format: ".1%"), FigureStyle.hover("b", "to", format: ".1%"),
        ]),
    ]
    var row: [String: JSONValue] = ["spacing": 22, "hconcat": .array(pair)]
    if decays.count > 1 {
      row["title"] = ["text": .text("p = \(decay)"), "fontSize": 11, "fontWeight": "normal", "anchor": "middle"]
    }
    return .object(row)
  }
  return FigureStyle.document(
    description: description,
    ["data": ["values": .array(rows)], "spacing": 22, "vconcat": .array(panels)])
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
