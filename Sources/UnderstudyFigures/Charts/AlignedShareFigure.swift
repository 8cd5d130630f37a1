import Foundation
import UnderstudySchema

/// The share of teacher nodes that a number of samples brings to alignment.
let wantedShare = 0.9

/// Share of teacher nodes aligned to 0.1 against the number of samples.
///
/// Fields of the data: `d` input dimension, `s` augmentation as a text, `x` samples, `w` the same moved aside a little, `y` mean
/// share over seeds, `a`...`b` its 95 % interval or, of few seeds, the lowest and highest, `n` runs.
func alignedShareFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let key = chart.keys.channels.color
  let shares = try chart.runs.sampleShares(by: key, against: .usual, epoch: chart.epochs.first)
  let rows: [JSONValue] = shares.compactMap { point in
    guard let interval = MeanRange(point.shares.map(\.share)) else { return nil }
    // Bars beside each other can be told apart.
    let aside = 0.06 * (Double(key.labels.firstIndex(of: point.series) ?? 0) - Double(key.labels.count - 1) / 2)
    return [
      "d": .number(point.place), "s": .text(point.series), "x": .number(point.sampleCount),
      "w": .display(point.sampleCount * pow(2, aside)),
      "y": .display(interval.mean), "a": .display(max(0, interval.low)), "b": .display(min(1, interval.high)),
      "n": .integer(interval.count),
    ]
  }
  let dimensions = Set(shares.map(\.place)).sorted()
  func y(_ field: String) -> JSONValue { FigureStyle.share(field, title: "nodes aligned") }
  let hovers =
    [
      FigureStyle.hover("s", key.title, "nominal"), FigureStyle.hover("x", "samples", format: ","),
      FigureStyle.hover("y", "mean share", format: ".1%"),
    ] + MeanRange.hovers(rows, ".1%") + [Hovers.runs]
  return chart.specification(
    "Charts, one for each input dimension (\(FigureStyle.list(dimensions))): the share of teacher nodes "
      + "that are aligned against the number of samples, on a logarithmic axis, a line for each \(key.title).",
    notes: [
      "Aligned: alignment ≤ \(alignmentThreshold)\(chart.epochs.first.map { " at epoch \($0)" } ?? " at the end"). "
        + "\(MeanRange.words(rows)); dashed: \(Int(wantedShare * 100)) %."
    ],
    chart.style.panels(
      columns: Panels(
        ascending: "d", count: min(2, dimensions.count), label: dimensions.count > 1 ? "'d = ' + (datum.label)" : "''"),
      of: rows,
      encoding: [
        "x": LogarithmicAxis.grid("w", title: "samples |D′|", values: Set(shares.map(\.sampleCount)).sorted()),
        "color": chart.style.color("s", key, symbol: "stroke"),
      ],
      layers: [
        Layers.level(wantedShare), Layers.bars(y, width: 1), Layers.line(y("y"), width: 1.6),
        Layers.of(Layers.dot(26), ["y": y("y"), "tooltip": .array(hovers)]),
      ]))
}
