import Foundation
import UnderstudySchema

/// The losses that the figure looks for, as shares of the loss at epoch 0.
private let lossRatios = [(1e-2, "loss below 1e−2 of its start"), (1e-4, "below 1e−4"), (1e-6, "below 1e−6")]

private let coverName = "all teacher nodes recovered"

/// When all teacher nodes are recovered, and when the loss is small: median over seeds with the quartiles.
///
/// Fields of the data: `p` strength decay, `o` over-realization, `c` what is waited for, `y` median epoch, `a`...`b` quartiles,
/// `n` runs, `f` runs in which it never happens, `h` 1 if the median run is among them: drawn hollow, above the last epoch.
func coverAndLossFigure(
  _ declaration: FigureDeclaration, selection: SettingSelection, study: Study
) throws(FigureError) -> FigureSpecification {
  let runs = try selection.completedRuns(figure: declaration.name)
  var times: [Double: [Double: [String: [Double]]]] = [:]
  for run in runs {
    let setting = run.run.setting
    var own = [coverName: try run.coverEpoch(figure: declaration.name)]
    for (ratio, name) in lossRatios { own[name] = try run.smallLossEpoch(ratio: ratio, figure: declaration.name) }
    for (name, time) in own {
      times[setting.teacher.strengthDecay, default: [:]][setting.student.overRealization, default: [:]][
        name, default: []
      ].append(time)
    }
  }
  let names = [coverName] + lossRatios.map(\.1)
  let top = Double(runs.map(\.lastEpoch).max() ?? 1)
  let ceiling = top * pow(max(top, 2), 0.07)
  func drawn(_ time: Double) -> JSONValue { .display(max(1, min(time, ceiling))) }
  var rows: [JSONValue] = []
  for (decay, multiples) in times.sorted(by: { $0.key < $1.key }) {
    for (multiple, series) in multiples.sorted(by: { $0.key < $1.key }) {
      for name in names {
        guard let values = series[name], let center = median(values), let low = quantile(0.25, of: values),
          let high = quantile(0.75, of: values)
        else { continue }
        rows.append([
          "p": .number(decay), "o": .number(multiple), "c": .text(name), "y": drawn(center), "a": drawn(low),
          "b": drawn(high), "n": .integer(values.count), "f": .integer(values.count { $0.isInfinite }),
          "h": center.isInfinite ? 1 : 0,
        ])
      }
    }
  }
  let hollowCount = rows.count { $0["h"]?.number == 1 }
  var notes = [
    "First recorded epoch: median over seeds, bars from the lower to the upper quartile. Recovered: ρ > "
      + "\(recoveryThreshold) on evaluation inputs."
  ]
  if hollowCount > 0 {
    notes.append("Hollow, above the last epoch: half of the seeds or more never get there.")
  }
  notes += selection.finishingNotes
  notes += selection.notes(shownKeys: ["teacher.strengthDecay", "student.overRealization"], study: study)
  let decays = times.keys.sorted()
  let text =
    "Charts, one for each strength decay p (\(decays.map(\.short).joined(separator: ", "))): the first epoch at which all "
    + "teacher nodes are recovered, and those at which the evaluation loss falls below 1e-2, 1e-4 and 1e-6 of its start, "
    + "against over-realization. \(declaration.caption)"
  return FigureSpecification(
    name: declaration.name, caption: declaration.caption, notes: notes, alternativeText: text,
    document: FigureStyle.panelsByDecay(
      description: text, rows: rows, columns: FigureStyle.columns(decays.count),
      encoding: [
        "x": [
          "field": "o", "type": "ordinal", "title": "over-realization",
          "axis": ["labelExpr": .text(FigureStyle.multipleLabel), "labelAngle": 0],
        ],
        // Side by side: at 1x the four often coincide.
        "xOffset": ["field": "c", "type": "nominal", "scale": ["domain": .array(names.map(JSONValue.text))]],
        "color": FigureStyle.color("c", title: "", names: names, symbol: "circle"),
      ],
      layers: coverLayers(top: top, ceiling: ceiling)))
}

private func coverLayers(top: Double, ceiling: Double) -> JSONValue {
  let ticks = [1.0, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000].filter { $0 <= top }
  let shown = ticks.count > 7 ? ticks.filter { String($0.short).hasPrefix("1") } : ticks
  func y(_ field: String) -> JSONValue {
    [
      "field": .text(field), "type": "quantitative", "title": "first epoch",
      "scale": ["type": "log", "nice": false, "domain": [0.9, .display(ceiling * pow(max(top, 2), 0.04))]],
      "axis": ["values": .array(shown.map(JSONValue.number)), "format": "d"],
    ]
  }
  let hovers: JSONValue = [
    FigureStyle.hover("c", "first", "nominal"), FigureStyle.hover("o", "over-realization", "ordinal"),
    FigureStyle.hover("y", "median epoch", format: ".4~g"), FigureStyle.hover("a", "lower quartile", format: ".4~g"),
    FigureStyle.hover("b", "upper quartile", format: ".4~g"), FigureStyle.hover("n", "runs", "ordinal"),
    FigureStyle.hover("f", "never in", "ordinal"),
  ]
  return [
    ["mark": ["type": "rule", "strokeWidth": 1.2], "encoding": ["y": y("a"), "y2": ["field": "b"]]],
    [
      "transform": [["filter": "datum.h == 0"]],
      "mark": ["type": "point", "filled": true, "size": 34, "opacity": 1, "strokeOpacity": 0],
      "encoding": ["y": y("y"), "tooltip": hovers],
    ],
    [
      "transform": [["filter": "datum.h == 1"]],
      "mark": [
        "type": "point", "filled": false, "shape": "triangle-up", "size": 40, "strokeWidth": 1.3, "opacity": 1,
      ],
      "encoding": ["y": y("y"), "tooltip": hovers],
    ],
  ]
}
