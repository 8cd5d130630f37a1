import Foundation
import UnderstudySchema

/// What became of the teacher nodes, as the audit puts it, against the key that varies most.
///
/// Fields of the data: `x` value of that key as a text, `t` epoch, `v` verdict in words, `i` its code, `y` share, `c` of `n`
/// teacher nodes.
func verdictSharesFigure(
  _ declaration: FigureDeclaration, selection: SettingSelection, study: Study
) throws(FigureError) -> FigureSpecification {
  let runs = try selection.completedRuns(figure: declaration.name)
  let key = SeriesKey.mostVaried(of: selection, study: study, preferred: [])
  var counts: [Int?: [String: [AuditVerdict: Int]]] = [:]
  let epochs: [Int?] = declaration.epochs.isEmpty ? [nil] : declaration.epochs
  for epoch in epochs {
    for run in runs {
      for (verdict, count) in try run.verdicts(epoch: epoch ?? run.lastEpoch, figure: declaration.name) {
        counts[epoch, default: [:]][key.label(of: run), default: [:]][verdict, default: 0] += count
      }
    }
  }
  var rows: [JSONValue] = []
  var seen: Set<AuditVerdict> = []
  for epoch in epochs {
    for label in key.labels {
      guard let tally = counts[epoch]?[label] else { continue }
      let total = tally.values.reduce(0, +)
      for verdict in AuditVerdict.allCases {
        guard let count = tally[verdict] else { continue }
        seen.insert(verdict)
        rows.append([
          "x": .text(label), "t": .integer(epoch ?? runs[0].lastEpoch), "v": .text(verdict.words),
          "i": .integer(verdict.code), "y": .display(Double(count) / Double(total)), "c": .integer(count),
          "n": .integer(total),
        ])
      }
    }
  }
  let violationCount = rows.filter { $0["i"]?.number == 9 }.compactMap { $0["c"]?.number }.reduce(0, +)
  let notes =
    [
      "Teacher nodes of all seeds\(declaration.epochs.isEmpty ? " after the last epoch" : ""); "
        + (violationCount == 0 ? "no violation." : "\(violationCount.short) VIOLATIONS.")
    ] + selection.notes(shownKeys: [key.path], study: study)
  let verdicts = AuditVerdict.allCases.filter(seen.contains)
  let text =
    "Stacked bars, one for each \(key.title) (\(key.labels.joined(separator: ", "))): the share of teacher nodes with each "
    + "verdict of the audit: \(verdicts.map(\.words).joined(separator: ", ")). \(declaration.caption)"
  return FigureSpecification(
    name: declaration.name, caption: declaration.caption, notes: notes, alternativeText: text,
    document: verdictDocument(
      rows, description: text, key: key, verdicts: verdicts, epochs: declaration.epochs))
}

private func verdictDocument(
  _ rows: [JSONValue], description: String, key: SeriesKey, verdicts: [AuditVerdict], epochs: [Int]
) -> JSONValue {
  let columns = max(1, epochs.count)
  // Beside the panels stands the legend, whose texts are long.
  let free = FigureStyle.doubleColumn - 60 - 200 - FigureStyle.gap * Double(columns - 1)
  let width = max(90, min(60 * Double(max(2, key.labels.count)), free / Double(columns)).rounded(.down))
  let spec: [String: JSONValue] = [
    "width": .number(width), "height": 200,
    "mark": ["type": "bar", "stroke": "#ffffff", "strokeWidth": 0.5],
    "encoding": [
      "x": [
        "field": "x", "type": "nominal", "sort": .array(key.labels.map(JSONValue.text)), "title": .text(key.title),
        "axis": ["labelAngle": 0, "labelLimit": .number(max(40, width / Double(max(1, key.labels.count))))],
        "scale": ["paddingInner": 0.25, "paddingOuter": 0.15],
      ],
      "y": [
        "field": "y", "type": "quantitative", "stack": "zero", "title": "teacher nodes",
        "scale": ["domain": [0, 1], "nice": false], "axis": ["values": [0, 0.25, 0.5, 0.75, 1], "format": ".0%"],
      ],
      "order": ["field": "i", "type": "quantitative"],
      "color": [
        "field": "v", "type": "nominal", "title": nil,
        "scale": [
          "domain": .array(verdicts.map { .text($0.words) }), "range": .array(verdicts.map(\.color)),
        ],
        "legend": ["orient": "right", "direction": "vertical", "symbolType": "square", "symbolSize": 90],
      ],
      "tooltip": [
        FigureStyle.hover("x", key.title, "nominal"), FigureStyle.hover("t", "epoch", "ordinal"),
        FigureStyle.hover("v", "verdict", "nominal"), FigureStyle.hover("y", "share", format: ".1%"),
        FigureStyle.hover("c", "teacher nodes", "ordinal"), FigureStyle.hover("n", "of", "ordinal"),
      ],
    ],
  ]
  var members: [String: JSONValue] = ["data": ["values": .array(rows)]]
  if epochs.count > 1 {
    members["facet"] = ["column": FigureStyle.facet("t", label: "'epoch ' + (datum.label)")]
    members["spec"] = .object(spec)
    members["spacing"] = .number(FigureStyle.gap)
  } else {
    members.merge(spec) { $1 }
  }
  return FigureStyle.document(description: description, members)
}

extension AuditVerdict {
  /// Blue for what is found, warm colours for the conditions that fail, grays for nodes that nothing can learn, and black,
  /// which nothing else has, for what must never be seen.
  var color: JSONValue {
    switch self {
    case .predictedAndFound: "#0072B2"
    case .foundThoughNotPredicted: "#56B4E9"
    case .noObserver: "#E69F00"
    case .weakAlpha: "#F0E442"
    case .gradientTooLarge: "#CC79A7"
    case .tooFewSamples: "#009E73"
    case .lowRankInputs: "#D55E00"
    case .invisible: "#C8C8C8"
    case .duplicate: "#8A8A8A"
    case .wideProof: "#7F5A3C"
    case .violation: "#000000"
    case .gradientsNotMeasured: "#E4E4E4"
    }
  }
}

extension RunRecord {
  /// How often each verdict occurs among the teacher nodes.
  func verdicts(epoch: Int, figure: String) throws(FigureError) -> [AuditVerdict: Int] {
    try required(.verdicts, epoch: epoch, figure: figure).verdicts(figure: figure)
  }
}

extension Measurement {
  func verdicts(figure: String) throws(FigureError) -> [AuditVerdict: Int] {
    var counts: [AuditVerdict: Int] = [:]
    for code in try wholeNumbers(figure: figure) {
      guard let verdict = AuditVerdict(code: code) else {
        throw .wrongShape(figure: figure, measure: .verdicts, shape: shape, expected: "codes of verdicts, 0 to 10")
      }
      counts[verdict, default: 0] += 1
    }
    return counts
  }
}
