import Foundation
import UnderstudySchema

/// The share of teacher nodes that a number of samples brings to alignment.
let wantedShare = 0.9

/// Share of teacher nodes aligned to 0.1 against the number of samples.
///
/// Fields of the data: `d` input dimension, `s` augmentation as a text, `x` samples, `y` mean share over seeds, `a`...`b` its
/// 95 % interval, `n` runs.
func alignedShareFigure(
  _ declaration: FigureDeclaration, selection: SettingSelection, study: Study
) throws(FigureError) -> FigureSpecification {
  let key = augmentationKey(of: selection, study: study)
  let shares = try sampleShares(of: selection, key: key, epoch: declaration.epochs.first, figure: declaration.name)
  var rows: [JSONValue] = []
  for point in shares {
    guard let interval = MeanInterval(point.shares.map(\.share)) else { continue }
    rows.append([
      "d": .number(point.dimension), "s": .text(point.series), "x": .number(point.sampleCount),
      "y": .display(interval.mean), "a": .display(max(0, interval.low)), "b": .display(min(1, interval.high)),
      "n": .integer(interval.count),
    ])
  }
  let dimensions = Set(shares.map(\.dimension)).sorted()
  let notes =
    [
      "Aligned: alignment ≤ \(alignmentThreshold)\(declaration.epochs.first.map { " at epoch \($0)" } ?? " at the end"). "
        + "Mean over seeds with its 95 % interval (Student); dashed: \(Int(wantedShare * 100)) %."
    ] + selection.notes(shownKeys: [key.path, "network.inputDimension", "inputs.training.count"], study: study)
  let text =
    "Charts, one for each input dimension (\(dimensions.map(\.short).joined(separator: ", "))): the share of teacher nodes "
    + "that are aligned against the number of samples, on a logarithmic axis, a line for each \(key.title). "
    + declaration.caption
  let share: [String: JSONValue] = [
    "type": "quantitative", "title": "teacher nodes aligned", "scale": ["domain": [0, 1]],
    "axis": ["values": [0, 0.25, 0.5, 0.75, 1], "format": ".0%"],
  ]
  func y(_ field: String) -> JSONValue { .object(share.merging(["field": .text(field)]) { $1 }) }
  let layers: JSONValue = [
    [
      "mark": ["type": "rule", "strokeDash": [4, 3], "strokeWidth": 0.8, "color": "#555555"],
      "encoding": ["y": ["datum": .number(wantedShare), "type": "quantitative"], "x": nil, "color": nil],
    ],
    ["mark": ["type": "rule", "strokeWidth": 1], "encoding": ["y": y("a"), "y2": ["field": "b"]]],
    ["mark": ["type": "line", "strokeWidth": 1.6], "encoding": ["y": y("y")]],
    [
      "mark": ["type": "point", "filled": true, "size": 26, "opacity": 1, "strokeOpacity": 0],
      "encoding": [
        "y": y("y"),
        "tooltip": [
          FigureStyle.hover("s", key.title, "nominal"), FigureStyle.hover("x", "samples", format: ","),
          FigureStyle.hover("y", "mean share", format: ".1%"),
          FigureStyle.hover("a", "95 % interval from", format: ".1%"), FigureStyle.hover("b", "to", format: ".1%"),
          FigureStyle.hover("n", "runs", "ordinal"),
        ],
      ],
    ],
  ]
  return FigureSpecification(
    name: declaration.name, caption: declaration.caption, notes: notes, alternativeText: text,
    document: FigureStyle.panels(
      by: "d", label: "'d = ' + (datum.label)", description: text, rows: rows, columns: min(2, dimensions.count),
      encoding: [
        "x": LogarithmicAxis.grid("x", title: "samples |D'|", values: Set(shares.map(\.sampleCount)).sorted()),
        "color": FigureStyle.color("s", title: key.title, names: key.labels, symbol: "stroke"),
      ],
      layers: layers))
}

/// What the runs of one dimension, series and number of samples reached.
struct SampleShare {
  var series: String
  var dimension: Double
  var sampleCount: Double
  var shares: [(seed: Int, share: Double)]
}

/// The augmentation, or the key that varies most beside samples and dimension.
func augmentationKey(of selection: SettingSelection, study: Study) -> SeriesKey {
  SeriesKey.mostVaried(
    of: selection, study: study, preferred: ["inputs.augmentation"],
    excluded: ["network.inputDimension", "inputs.training.count"])
}

/// In the order of the series, then by dimension and number of samples.
func sampleShares(
  of selection: SettingSelection, key: SeriesKey, epoch: Int?, figure: String
) throws(FigureError) -> [SampleShare] {
  var groups: [String: [Double: [Double: [(seed: Int, share: Double)]]]] = [:]
  for run in try selection.completedRuns(figure: figure) {
    let setting = run.run.setting
    let share = try run.alignedShare(epoch: epoch ?? run.lastEpoch, figure: figure)
    let dimension = Double(setting.network.inputDimension)
    groups[key.label(of: run), default: [:]][dimension, default: [:]][
      Double(setting.inputs.training.count), default: []
    ].append((run.run.seed, share))
  }
  var result: [SampleShare] = []
  for series in key.labels {
    for (dimension, counts) in (groups[series] ?? [:]).sorted(by: { $0.key < $1.key }) {
      for (count, shares) in counts.sorted(by: { $0.key < $1.key }) {
        result.append(SampleShare(series: series, dimension: dimension, sampleCount: count, shares: shares))
      }
    }
  }
  return result
}
