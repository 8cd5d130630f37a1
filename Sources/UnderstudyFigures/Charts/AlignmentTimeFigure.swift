import Foundation
import UnderstudySchema

/// When each teacher node is first aligned to 0.1: median over seeds with the quartiles.
///
/// Fields of the data: `p` strength decay, `c` output noise or another key as a text, `o` over-realization as a text, `j`
/// teacher node, `y` median epoch, `a`...`b` quartiles, `n` runs, `f` runs in which it is never aligned, `h` 1 if the median
/// run is among them: drawn hollow, above the last epoch, in the size `q`.
func alignmentTimeFigure(
  _ declaration: FigureDeclaration, selection: SettingSelection, study: Study
) throws(FigureError) -> FigureSpecification {
  let runs = try selection.completedRuns(figure: declaration.name)
  let multiple = SeriesKey("student.overRealization", of: selection, study: study)
  let varied = SeriesKey.mostVaried(
    of: selection, study: study, preferred: ["training.outputNoise"],
    excluded: ["teacher.strengthDecay", "student.overRealization"])
  // Colour for over-realization if nothing else needs it.
  let color = varied.isVaried ? varied : multiple
  let dash = varied.isVaried && multiple.isVaried ? multiple : nil
  var groups: [TimeKey: [[Double]]] = [:]
  for run in runs {
    let key = TimeKey(
      decay: run.run.setting.teacher.strengthDecay, color: color.label(of: run), dash: dash?.label(of: run) ?? "")
    groups[key, default: []].append(try run.alignmentEpochs(figure: declaration.name))
  }
  let top = Double(runs.map(\.lastEpoch).max() ?? 1)
  // On the square root's axis a little above the last epoch.
  let ceiling = pow(top.squareRoot() * 1.09, 2)
  var rows: [JSONValue] = []
  var teacherCount = 1
  for key in groups.keys.sorted() {
    guard let times = groups[key] else { continue }
    let count = times.map(\.count).max() ?? 0
    teacherCount = max(teacherCount, count)
    for node in 0..<count {
      let values = times.filter { node < $0.count }.map { $0[node] }
      guard let center = median(values), let low = quantile(0.25, of: values), let high = quantile(0.75, of: values)
      else { continue }
      rows.append([
        "p": .number(key.decay), "c": .text(key.color), "o": .text(key.dash), "j": .integer(node + 1),
        "y": .display(min(center, ceiling)), "a": .display(min(low, ceiling)), "b": .display(min(high, ceiling)),
        "n": .integer(values.count), "f": .integer(values.count { $0.isInfinite }), "h": center.isInfinite ? 1 : 0,
        "q": FigureStyle.nestedSize(color.labels.firstIndex(of: key.color) ?? 0, of: color.labels.count),
      ])
    }
  }
  let decays = Set(groups.keys.map(\.decay)).sorted()
  let hollowCount = rows.count { $0["h"]?.number == 1 }
  var notes = [
    "First recorded epoch with alignment ≤ \(alignmentThreshold): median over seeds, band from the lower to the upper "
      + "quartile."
  ]
  if hollowCount > 0 {
    notes.append("Hollow, above the last epoch: \(hollowCount) nodes that half of the seeds or more never align.")
  }
  notes += selection.finishingNotes
  notes += selection.notes(
    shownKeys: ["teacher.strengthDecay", color.path, dash?.path ?? color.path], study: study)
  let text =
    "Charts, one for each strength decay p (\(decays.map(\.short).joined(separator: ", "))): the first epoch at which each "
    + "teacher node is aligned, from the strongest to the weakest, a line for each \(color.title). \(declaration.caption)"
  return FigureSpecification(
    name: declaration.name, caption: declaration.caption, notes: notes, alternativeText: text,
    document: FigureStyle.panelsByDecay(
      description: text, rows: rows, columns: FigureStyle.columns(decays.count),
      encoding: [
        "x": nodeAxis(teacherCount),
        "color": FigureStyle.color("c", title: color.title, names: color.labels, symbol: "stroke"),
      ],
      layers: .array(timeLayers(top: top, ceiling: ceiling, dash: dash, hasHollow: hollowCount > 0, color: color))))
}

private struct TimeKey: Hashable, Comparable {
  var decay: Double
  var color: String
  var dash: String

  static func < (left: Self, right: Self) -> Bool {
    (left.decay, left.color, left.dash) < (right.decay, right.color, right.dash)
  }
}

private func timeLayers(
  top: Double, ceiling: Double, dash: SeriesKey?, hasHollow: Bool, color: SeriesKey
) -> [JSONValue] {
  let ticks = timeTicks(top)
  func y(_ field: String) -> JSONValue {
    [
      "field": .text(field), "type": "quantitative", "title": "first epoch aligned",
      "scale": ["type": "sqrt", "domain": [0, .display(pow(ceiling.squareRoot() * 1.07, 2))], "nice": false],
      "axis": ["values": .array(ticks.map(JSONValue.number)), "format": "d"],
    ]
  }
  var line: [String: JSONValue] = ["y": y("v")]
  if let dash {
    line["strokeDash"] = [
      "field": "o", "type": "nominal", "title": .text(dash.title),
      "scale": [
        "domain": .array(dash.labels.map(JSONValue.text)),
        "range": [[1, 0], [5, 3], [2, 2.5], [8, 3, 2, 3], [1, 5]],
      ],
      "legend": ["symbolStrokeColor": "#222222", "symbolType": "stroke", "symbolSize": 300],
    ]
  }
  let hovers: JSONValue = [
    FigureStyle.hover("j", "teacher node", "ordinal"), FigureStyle.hover("c", color.title, "nominal"),
    FigureStyle.hover("y", "median epoch", format: ".4~g"), FigureStyle.hover("a", "lower quartile", format: ".4~g"),
    FigureStyle.hover("b", "upper quartile", format: ".4~g"), FigureStyle.hover("n", "runs", "ordinal"),
    FigureStyle.hover("f", "never aligned in", "ordinal"),
  ]
  let detail: JSONValue = ["field": "o", "type": "nominal"]
  var layers: [JSONValue] = []
  // Bands of many lines cover each other.
  if color.labels.count * (dash?.labels.count ?? 1) <= 4 {
    layers.append([
      "mark": ["type": "area", "fillOpacity": 0.15, "opacity": 1],
      "encoding": ["y": y("a"), "y2": ["field": "b"], "detail": detail],
    ])
  }
  layers += [
    [
      // A line breaks at a node without a time; a filter would make it jump over.
      "transform": [["calculate": "datum.h == 0 ? datum.y : null", "as": "v"]],
      "mark": ["type": "line", "strokeWidth": 1.5], "encoding": .object(line),
    ],
    [
      "transform": [["filter": "datum.h == 0"]],
      "mark": ["type": "point", "filled": true, "size": 14, "opacity": 1, "strokeOpacity": 0],
      "encoding": ["y": y("y"), "detail": detail, "tooltip": hovers],
    ],
  ]
  if hasHollow {
    layers.append([
      "transform": [["filter": "datum.h == 1"]],
      "mark": [
        "type": "point", "filled": false, "shape": "triangle-up", "strokeWidth": 1.2, "opacity": 1,
      ],
      "encoding": [
        "y": y("y"), "detail": detail, "tooltip": hovers, "size": FigureStyle.sizeAsGiven,
      ],
    ])
  }
  return layers
}

/// Ticks that a square root spreads well.
private func timeTicks(_ top: Double) -> [Double] {
  let unit = [1.0, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].first { top / $0 <= 10 } ?? top / 10
  return [0.0, 0.5, 1, 2, 4, 7, 10].map { $0 * unit }.filter { $0 <= top && $0 == $0.rounded() }
}
