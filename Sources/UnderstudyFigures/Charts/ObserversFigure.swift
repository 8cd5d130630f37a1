import UnderstudySchema

/// Left: observers of a teacher node at the first declared epoch (0) against over-realization. Right: the share of teacher
/// nodes that are recovered at the last epoch, against how many observers they had, for each over-realization by itself:
/// wider students have more observers and recover more nodes, whatever the one has to do with the other.
///
/// Fields of the data: those of ``ChartChannels``, `s` panel. Panel `count`: `y` mean number of observers, `a`...`b` its 95 %
/// interval over seeds, of few the lowest and highest, `n` runs. Panel `share`: `i` position and `l` label of the bin of
/// observers, `y` share, `c` recovered of `n` teacher nodes, `a`...`b` Wilson's interval, absent where `n` is less than 5.
func observersFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let first = chart.epochs.first ?? 0
  let channels = chart.keys.channels
  var groups = Gathered<[(observers: Int, isRecovered: Bool)]>()
  for run in try chart.runs.completed() {
    let table = try run.correlations(.evaluationCorrelation, at: chart.epochs.dropFirst().last)
    let counts = try run.wholeNumbers(try run.measurement(.observerCounts, at: first), count: table.teacherCount)
    groups.add(
      counts.enumerated().map { ($0.element, table.isRecovered(teacher: $0.offset)) }, of: run, in: channels)
  }
  let rows = groups.sorted.flatMap { key, runs in
    observerRows(runs, place: channels.fields(key).filter { $0.key != "p" })
  }
  let counts = rows.filter { $0["s"] == "count" }
  return chart.specification(
    "Two charts\(channels.panelWords): the "
      + "mean number of observers of a teacher node against \(channels.color.title), and the share of teacher nodes that are "
      + "recovered against their number of observers, in a colour for each \(channels.color.title) "
      + "(\(channels.color.labels.joined(separator: ", "))).",
    notes: [
      "Observers are counted at epoch \(first), in the band of 0.1. Left: \(MeanRange.words(counts)), of the mean over "
        + "teacher nodes. Right: the teacher nodes of all seeds, 95 % interval (Wilson) where there are \(leastNodes) or more "
        + "(hollow: fewer). Recovered: ρ > \(recoveryThreshold) on evaluation inputs."
    ], observersMembers(rows, channels, chart.style))
}

/// The interval of a share of fewer teacher nodes would be as high as the panel.
private let leastNodes = 5

/// The rows of one place, of the teacher nodes of each run.
private func observerRows(
  _ runs: [[(observers: Int, isRecovered: Bool)]], place: [String: JSONValue]
) -> [JSONValue] {
  guard let interval = MeanRange(runs.map { mean($0.map { Double($0.observers) }) ?? 0 }) else { return [] }
  let count: JSONValue = [
    "s": "count", "y": .display(interval.mean), "a": .display(max(0, interval.low)), "b": .display(interval.high),
    "n": .integer(interval.count),
  ]
  let bins = Dictionary(grouping: runs.joined()) { observerBin($0.observers) }
  return [count.with(place)]
    + bins.sorted { $0.key < $1.key }.map { bin, nodes in
      let recovered = nodes.count(where: \.isRecovered)
      let interval = wilsonInterval(recovered, of: nodes.count)
      let row: JSONValue = [
        "s": "share", "i": .integer(bin), "l": .text(observerBinLabel(bin)),
        "y": .display(Double(recovered) / Double(nodes.count)), "c": .integer(recovered),
        "n": .integer(nodes.count),
      ]
      let ends: [String: JSONValue] = ["a": .display(interval.lowerBound), "b": .display(interval.upperBound)]
      return row.with(nodes.count < leastNodes ? place : place.with(ends))
    }
}

private func observersMembers(
  _ rows: [JSONValue], _ channels: ChartChannels, _ style: FigureStyle
) -> [String: JSONValue] {
  let bins = Set(rows.filter { $0["s"]?.text == "share" }.compactMap { $0["l"]?.text }).count
  let color = style.color("o", channels.color, symbol: "circle")
  let width = style.panelWidth(columns: 2) - 36 * style.scale
  func panel(
    _ name: String, row: String, encoding: [String: JSONValue], hovers: [JSONValue], y: @escaping Layers.Height
  ) -> JSONValue {
    let own = [FigureStyle.hover("o", channels.color.title, "nominal")]
    let dots = ["y": y("y"), "tooltip": .array(own + hovers)] as [String: JSONValue]
    return [
      "width": .number(width), "height": .number(180 * style.scale),
      "transform": [
        ["filter": .text("datum.s == '\(name)'" + (channels.row.isVaried ? " && datum.q == '\(row)'" : ""))]
      ],
      "encoding": .object(encoding.with(["color": color])),
      "layer": [
        Layers.bars(y, width: 1.2).filtered("isValid(datum.a)"),
        Layers.of(Layers.dot(34), dots).filtered("isValid(datum.a)"),
        Layers.of(Layers.hollow(24, strokeWidth: 1.2), dots).filtered("!isValid(datum.a)"),
      ],
    ]
  }
  let panels: [JSONValue] = channels.row.labels.map { label in
    let counts = panel(
      "count", row: label, encoding: ["x": FigureStyle.places("o", channels.color)],
      hovers: [FigureStyle.hover("y", "mean observers", format: ".4~g")] + MeanRange.hovers(rows, ".4~g")
        + [Hovers.runs]
    ) {
      FigureStyle.quantity($0, "observers of a teacher node", scale: ["zero": true], axis: ["tickCount": 5])
    }
    let shares = panel(
      "share", row: label,
      encoding: [
        "x": [
          "field": "l", "type": "ordinal", "title": "observers of the teacher node", "sort": ["field": "i"],
          "axis": ["labelAngle": Double(bins) * 34 * style.scale > width ? -40 : 0],
        ],
        // Series side by side: intervals that lie on each other cannot be read.
        "xOffset": ["field": "o", "type": "nominal", "scale": ["domain": .texts(channels.color.labels)]],
      ],
      hovers: [
        FigureStyle.hover("l", "observers", "nominal"), FigureStyle.hover("y", "recovered", format: ".1%"),
        FigureStyle.hover("c", "teacher nodes", "ordinal"), FigureStyle.hover("n", "of", "ordinal"),
      ] + Hovers.interval(".1%")
    ) { FigureStyle.share($0, title: "teacher nodes recovered") }
    var row: [String: JSONValue] = ["spacing": 22, "hconcat": [counts, shares]]
    if channels.row.isVaried {
      let isDecay = channels.row.path == "teacher.strengthDecay"
      row["title"] = [
        "text": .text(isDecay ? "p = \(label)" : "\(channels.row.title) \(label)"), "fontSize": 11,
        "fontWeight": "normal", "anchor": "middle",
      ]
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
