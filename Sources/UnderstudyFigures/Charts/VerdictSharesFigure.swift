import Foundation
import UnderstudySchema

/// What became of the teacher nodes, as the audit puts it, against the key that varies most; panels by others, or columns by
/// epoch.
///
/// Fields of the data: those of the panels of ``ChartChannels`` if there are several, `x` value of that key as a text, `t` epoch,
/// `v` verdict in words, `i` its code, `y` share, `c` of `n` teacher nodes.
func verdictSharesFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let runs = try chart.runs.completed()
  let keys = chart.keys
  let (channels, key) = (keys.channels, keys.place ?? .nothing)
  if chart.epochs.count > 1, channels.column.isVaried {
    throw .notPlottable(
      figure: chart.name, reason: "its columns are epochs, and \(channels.column.path) as well; give one epoch, or row")
  }
  let epochs: [Int?] = chart.epochs.isEmpty ? [nil] : chart.epochs
  var groups = Gathered<[AuditVerdict: Int]>()
  for (index, epoch) in epochs.enumerated() {
    for run in runs {
      groups.add(try run.verdicts(at: epoch), of: run, in: channels, index, key.index(of: run))
    }
  }
  var rows: [JSONValue] = []
  var seen: Set<AuditVerdict> = []
  for (group, tallies) in groups.sorted {
    let tally = tallies.reduce(into: [:]) { $0.merge($1, uniquingKeysWith: +) }
    let total = tally.values.reduce(0, +)
    for verdict in AuditVerdict.allCases {
      guard let count = tally[verdict] else { continue }
      seen.insert(verdict)
      let row: JSONValue = [
        "x": .text(key.labels[Int(group[4])]), "t": .integer(epochs[Int(group[3])] ?? runs[0].lastEpoch),
        "v": .text(verdict.words), "i": .integer(verdict.code), "y": .display(Double(count) / Double(total)),
        "c": .integer(count), "n": .integer(total),
      ]
      rows.append(channels.isDivided ? row.with(channels.fields(group)) : row)
    }
  }
  let violationCount = rows.filter { $0["v"]?.text == AuditVerdict.violation.words }.compactMap { $0["c"]?.number }
    .reduce(0, +)
  let verdicts = AuditVerdict.allCases.filter(seen.contains)
  return chart.specification(
    "Stacked bars\(channels.panelWords), one for each \(key.title) (\(key.labels.joined(separator: ", "))): the share of "
      + "teacher nodes with each verdict of the audit: \(verdicts.map(\.words).joined(separator: ", ")).",
    notes: [
      "Teacher nodes of all seeds\(chart.epochs.isEmpty ? " after the last epoch" : ""); "
        + (violationCount == 0 ? "no violation." : "\(violationCount.short) VIOLATIONS.")
    ], verdictMembers(rows, keys, verdicts: verdicts, epochs: chart.epochs, chart.style))
}

private func verdictMembers(
  _ rows: [JSONValue], _ keys: ChartKeys, verdicts: [AuditVerdict], epochs: [Int], _ style: FigureStyle
) -> [String: JSONValue] {
  let (key, row, column) = (keys.place ?? .nothing, keys.channels.row, keys.channels.column)
  // Of a row of panels without columns, as many abreast as there are.
  let columns = max(1, epochs.count, column.isVaried ? column.labels.count : 1)
  let words = verdicts.map(\.words.count).max() ?? 0
  // Beside the panels stands the legend, whose texts are long; above them where that leaves too little.
  let room = style.width - 84 * style.scale - FigureStyle.gap * Double(columns - 1)
  let roomBeside = room - 5.6 * Double(words) * style.scale
  let isBeside = columns == 1 || roomBeside >= 90 * style.scale * Double(columns)
  let free = isBeside ? max(200, roomBeside) : room
  let longest = Double(key.labels.map(\.count).max() ?? 0)
  let step = max(40 * style.scale, 5.8 * style.scale * longest + 10)
  let wanted = step * Double(max(2, key.labels.count))
  let width = max(90 * style.scale, min(wanted, free / Double(columns)).rounded(.down))
  // Words that do not fit beside each other stand at an angle, whole.
  let isTight = style.isTight(key.labels, width: width)
  let height = (row.isVaried ? 120 : 200) * style.scale
  let spec: [String: JSONValue] = [
    "width": .number(width), "height": .number(height),
    "mark": ["type": "bar", "stroke": "#ffffff", "strokeWidth": 0.5],
    "encoding": [
      "x": [
        "field": "x", "type": "nominal", "sort": .texts(key.labels), "title": .text(key.title),
        "axis": ["labelAngle": .number(isTight ? -35 : 0), "labelLimit": 0],
        "scale": ["paddingInner": 0.25, "paddingOuter": 0.15],
      ],
      "y": [
        "field": "y", "type": "quantitative", "stack": "zero", "title": "teacher nodes",
        "scale": ["domain": [0, 1], "nice": false], "axis": ["values": [0, 0.25, 0.5, 0.75, 1], "format": ".0%"],
      ],
      "order": ["field": "i", "type": "quantitative"],
      "color": [
        "field": "v", "type": "nominal", "title": nil,
        "scale": ["domain": .texts(verdicts.map(\.words)), "range": .array(verdicts.map(\.color))],
        "legend": [
          "orient": isBeside ? "right" : "top", "direction": "vertical", "symbolType": "square", "symbolSize": 90,
        ],
      ],
      "tooltip": [
        FigureStyle.hover("x", key.title, "nominal"), style.timeHover,
        FigureStyle.hover("v", "verdict", "nominal"), FigureStyle.hover("y", "share", format: ".1%"),
        FigureStyle.hover("c", "teacher nodes", "ordinal"), FigureStyle.hover("n", "of", "ordinal"),
      ],
    ],
  ]
  var facets: [String: JSONValue] = [:]
  if epochs.count > 1 { facets["column"] = FigureStyle.facet("t", label: "'\(style.timeUnit) ' + (datum.label)") }
  if column.isVaried { facets["column"] = Panels("p", of: column).facet(room: width + FigureStyle.gap, style: style) }
  if row.isVaried {
    facets["row"] = Panels("q", of: row).facet(
      room: height + FigureStyle.gap, style: style, ["labelOrient": "right", "labelAngle": 90])
  }
  let panel = PanelGrid.completed(
    spec, rows: rows, row: "q", column: row.isVaried && facets["column"] != nil ? column.isVaried ? "p" : "t" : nil)
  var members: [String: JSONValue] = ["data": ["values": .array(panel.rows)]]
  if !facets.isEmpty {
    members["facet"] = .object(facets)
    members["spec"] = .object(panel.spec)
    members["spacing"] = .number(FigureStyle.gap)
  } else {
    members.merge(panel.spec) { $1 }
  }
  return members
}

extension AuditVerdict {
  /// Blue for what is found, warm colours for the conditions that fail, grays for nodes that nothing can learn, and black,
  /// which nothing else has, for what must never be seen.
  var color: JSONValue {
    switch self {
    case .predictedAndFound: "#0072B2"
    case .foundThoughNotPredicted: "#56B4E9"
    case .matchedOnInputs: "#7A8FD4"
    case .noObserver: "#E69F00"
    case .weakAlpha: "#B8A100"
    case .gradientTooLarge: "#CC79A7"
    case .tooFewSamples: "#009E73"
    case .lowRankInputs: "#D55E00"
    case .invisible: "#9A9A9A"
    case .duplicate: "#6A6A6A"
    case .wideProof: "#7F5A3C"
    case .violation: "#000000"
    case .gradientsNotMeasured: "#BDBDBD"
    }
  }
}
