import UnderstudySchema

/// Left: observers of a teacher node at the first declared epoch (0) against over-realization. Right: the share of teacher
/// nodes that are recovered at the last epoch, against how many observers they had, for each over-realization by itself:
/// wider students have more observers and recover more nodes, whatever the one has to do with the other.
///
/// Fields of the data: `s` panel, `p` strength decay as a text, `o` over-realization as a text. Panel `count`: `y` mean number
/// of observers, `a`...`b` its 95 % interval over seeds, `n` runs. Panel `share`: `i` position and `l` label of the bin of
/// observers, `y` share, `c` recovered of `n` teacher nodes, `a`...`b` Wilson's interval.
func observersFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let first = chart.epochs.first ?? 0
  var groups = Gathered<[(observers: Int, isRecovered: Bool)]>()
  for run in try chart.runs.completed() {
    let table = try run.correlations(.evaluationCorrelation, at: chart.epochs.dropFirst().last)
    let counts = try run.wholeNumbers(.observerCounts, at: first, count: table.teacherCount)
    groups.add(
      counts.enumerated().map { ($0.element, table.isRecovered(teacher: $0.offset)) },
      [.number(run.setting.teacher.strengthDecay), .number(run.setting.student.overRealization)])
  }
  let decays = groups.numbers(0).map(\.short)
  let multiples = groups.numbers(1).map { $0.short + "x" }
  let rows = groups.sorted.flatMap { key, runs in
    observerRows(runs, decay: key[0].number.short, multiple: key[1].number.short + "x")
  }
  return chart.specification(
    "Two charts\(decays.count > 1 ? " for each strength decay p (\(decays.joined(separator: ", ")))" : ""): the "
      + "mean number of observers of a teacher node against over-realization, and the share of teacher nodes that are recovered "
      + "against their number of observers, in a colour for each over-realization (\(multiples.joined(separator: ", "))).",
    notes: [
      "Observers are counted at epoch \(first), in the band of 0.1. Left: mean over teacher nodes and seeds, 95 % interval "
        + "over seeds (Student). Right: the teacher nodes of all seeds, 95 % interval (Wilson). Recovered: ρ > "
        + "\(recoveryThreshold) on evaluation inputs."
    ], shownKeys: ["teacher.strengthDecay", "student.overRealization"],
    observersMembers(rows, decays: decays, multiples: multiples))
}

/// The rows of one strength decay and over-realization, of the teacher nodes of each run.
private func observerRows(
  _ runs: [[(observers: Int, isRecovered: Bool)]], decay: String, multiple: String
) -> [JSONValue] {
  guard let interval = MeanInterval(runs.map { mean($0.map { Double($0.observers) }) ?? 0 }) else { return [] }
  let count: JSONValue = [
    "s": "count", "p": .text(decay), "o": .text(multiple), "y": .display(interval.mean),
    "a": .display(max(0, interval.low)), "b": .display(interval.high), "n": .integer(interval.count),
  ]
  let bins = Dictionary(grouping: runs.joined()) { observerBin($0.observers) }
  return [count]
    + bins.sorted { $0.key < $1.key }.map { bin, nodes in
      let recovered = nodes.count(where: \.isRecovered)
      let interval = wilsonInterval(recovered, of: nodes.count)
      return [
        "s": "share", "p": .text(decay), "o": .text(multiple), "i": .integer(bin), "l": .text(observerBinLabel(bin)),
        "y": .display(Double(recovered) / Double(nodes.count)), "c": .integer(recovered),
        "n": .integer(nodes.count), "a": .display(interval.lowerBound), "b": .display(interval.upperBound),
      ]
    }
}

private func observersMembers(_ rows: [JSONValue], decays: [String], multiples: [String]) -> [String: JSONValue] {
  let bins = Set(rows.filter { $0["s"]?.text == "share" }.compactMap { $0["l"]?.text }).count
  let names = JSONValue.array(multiples.map(JSONValue.text))
  let color = FigureStyle.color("o", title: "over-realization", names: multiples, symbol: "circle")
  func panel(
    _ name: String, decay: String, encoding: [String: JSONValue], hovers: [JSONValue], y: Layers.Height
  ) -> JSONValue {
    let own = [
      FigureStyle.hover("o", "over-realization", "nominal"), FigureStyle.hover("p", "p", "nominal"),
    ]
    return [
      "width": 225, "height": 180,
      "transform": [["filter": .text("datum.s == '\(name)' && datum.p == '\(decay)'")]],
      "encoding": .object(encoding.merging(["color": color]) { $1 }),
      "layer": [
        Layers.bars(y, width: 1.2),
        Layers.dots(Layers.dot(34), ["y": y("y"), "tooltip": .array(own + hovers)]),
      ],
    ]
  }
  let panels: [JSONValue] = decays.map { decay in
    let counts = panel(
      "count", decay: decay,
      encoding: [
        "x": [
          "field": "o", "type": "nominal", "title": "over-realization", "axis": ["labelAngle": 0], "sort": names,
        ]
      ],
      hovers: [FigureStyle.hover("y", "mean observers", format: ".4~g")] + Hovers.interval(".4~g") + [Hovers.runs]
    ) {
      [
        "field": .text($0), "type": "quantitative", "title": "observers of a teacher node",
        "axis": ["tickCount": 5], "scale": ["zero": true],
      ]
    }
    let shares = panel(
      "share", decay: decay,
      encoding: [
        "x": [
          "field": "l", "type": "ordinal", "title": "observers of the teacher node", "sort": ["field": "i"],
          "axis": ["labelAngle": bins > 7 ? -40 : 0],
        ],
        // Series side by side: intervals that lie on each other cannot be read.
        "xOffset": ["field": "o", "type": "nominal", "scale": ["domain": names]],
      ],
      hovers: [
        FigureStyle.hover("l", "observers", "nominal"), FigureStyle.hover("y", "recovered", format: ".1%"),
        FigureStyle.hover("c", "teacher nodes", "ordinal"), FigureStyle.hover("n", "of", "ordinal"),
      ] + Hovers.interval(".1%")
    ) { FigureStyle.share($0, title: "teacher nodes recovered") }
    var row: [String: JSONValue] = ["spacing": 22, "hconcat": [counts, shares]]
    if decays.count > 1 {
      row["title"] = ["text": .text("p = \(decay)"), "fontSize": 11, "fontWeight": "normal", "anchor": "middle"]
    }
    return .object(row)
  }
  return ["data": ["values": .array(rows)], "spacing": 22, "vconcat": .array(panels)]
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
