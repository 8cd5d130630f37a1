import UnderstudySchema

/// The share of teacher nodes that a number of samples brings to alignment.
let wantedShare = 0.9

/// Share of teacher nodes aligned to 0.1 against the number of samples.
///
/// Fields of the data: `d` input dimension, `s` augmentation as a text, `x` samples, `y` mean share over seeds, `a`...`b` its
/// 95 % interval, `n` runs.
func alignedShareFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let key = chart.runs.augmentation
  let shares = try sampleShares(of: chart.runs, key: key, epoch: chart.epochs.first)
  let rows: [JSONValue] = shares.compactMap { point in
    guard let interval = MeanInterval(point.shares.map(\.share)) else { return nil }
    return [
      "d": .number(point.dimension), "s": .text(point.series), "x": .number(point.sampleCount),
      "y": .display(interval.mean), "a": .display(max(0, interval.low)), "b": .display(min(1, interval.high)),
      "n": .integer(interval.count),
    ]
  }
  let dimensions = Set(shares.map(\.dimension)).sorted()
  func y(_ field: String) -> JSONValue { FigureStyle.share(field, title: "teacher nodes aligned") }
  let hovers =
    [
      FigureStyle.hover("s", key.title, "nominal"), FigureStyle.hover("x", "samples", format: ","),
      FigureStyle.hover("y", "mean share", format: ".1%"),
    ] + Hovers.interval(".1%") + [Hovers.runs]
  return chart.specification(
    "Charts, one for each input dimension (\(FigureStyle.list(dimensions))): the share of teacher nodes "
      + "that are aligned against the number of samples, on a logarithmic axis, a line for each \(key.title).",
    notes: [
      "Aligned: alignment ≤ \(alignmentThreshold)\(chart.epochs.first.map { " at epoch \($0)" } ?? " at the end"). "
        + "Mean over seeds with its 95 % interval (Student); dashed: \(Int(wantedShare * 100)) %."
    ], shownKeys: [key.path, "network.inputDimension", "inputs.training.count"],
    FigureStyle.panels(
      by: "d", label: "'d = ' + (datum.label)", rows: rows, count: min(2, dimensions.count),
      encoding: [
        "x": LogarithmicAxis.grid("x", title: "samples |D'|", values: Set(shares.map(\.sampleCount)).sorted()),
        "color": FigureStyle.color("s", title: key.title, names: key.labels, symbol: "stroke"),
      ],
      layers: [
        Layers.level(wantedShare), Layers.bars(y, width: 1), Layers.line(y("y"), width: 1.6),
        Layers.dots(Layers.dot(26), ["y": y("y"), "tooltip": .array(hovers)]),
      ]))
}

/// What the runs of one dimension, series and number of samples reached.
struct SampleShare {
  var series: String
  var dimension: Double
  var sampleCount: Double
  var shares: [(seed: Int, share: Double)]
}

extension SelectedRuns {
  /// The augmentation, or the key that varies most beside samples and dimension.
  var augmentation: SeriesKey {
    mostVaried(["inputs.augmentation"], except: ["network.inputDimension", "inputs.training.count"])
  }
}

/// In the order of the series, then by dimension and number of samples.
func sampleShares(of runs: SelectedRuns, key: SeriesKey, epoch: Int?) throws(FigureError) -> [SampleShare] {
  var groups = Gathered<(seed: Int, share: Double)>()
  for run in try runs.completed() {
    groups.add(
      (run.seed, try run.alignedShare(at: epoch)),
      [
        .index(key.index(of: run)), .index(run.setting.network.inputDimension),
        .index(run.setting.inputs.training.count),
      ])
  }
  return groups.sorted.map { group, shares in
    SampleShare(
      series: key.labels[group[0].index], dimension: group[1].number, sampleCount: group[2].number, shares: shares)
  }
}
