import Foundation
import UnderstudySchema

/// Samples that align 90 % of the teacher nodes against the input dimension, or what else the declaration names, with a fitted
/// power law for each augmentation and the theory's slopes.
///
/// Fields of the data: `k` point, line or reference, `x` place on the axis, of points moved aside a little, `y` samples, `s`
/// augmentation with its exponent as a text, `h` 1 above and -1 below what was tried, `m` the same in words, `l` label of a
/// reference line.
func sampleExponentFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let axis = chart.declaration.against ?? .usual
  let key = chart.keys.channels.color
  let shares = try chart.runs.sampleShares(by: key, against: axis, epoch: chart.epochs.first)
  let scalings = sampleScalings(shares)
  var rows: [JSONValue] = []
  var censoredCount = 0
  for (index, scaling) in scalings.enumerated() {
    for (place, samples) in scaling.needed {
      let (value, side) =
        switch samples {
        case .number(let value): (value, 0)
        case .moreThan(let value): (value, 1)
        case .atMost(let value): (value, -1)
        }
      if side != 0 { censoredCount += 1 }
      let aside = 0.02 * (Double(index) - Double(scalings.count - 1) / 2)
      let row: JSONValue = [
        "k": "point", "x": .display(place * (1 + aside)), "y": .display(value), "s": .text(scaling.legend),
        "h": .integer(side),
      ]
      rows.append(side == 0 ? row : row.with(["m": .text(side > 0 ? beyondTried : belowTried)]))
    }
    if let law = scaling.law {
      let known = scaling.needed.filter { $0.samples.value != nil }.map(\.place)
      for place in [known.min() ?? 1, known.max() ?? 1] {
        rows.append([
          "k": "line", "x": .number(place), "y": .display(exp(law.intercept + law.slope * log(place))),
          "s": .text(scaling.legend),
        ])
      }
    }
  }
  let places = Set(shares.map(\.place)).sorted()
  rows += referenceRows(rows, places: places, exponents: axis.theoryExponents)
  var notes = [
    "Samples at which the mean share of aligned teacher nodes (alignment ≤ "
      + "\(axis == .alignment ? "ε" : "\(alignmentThreshold)")) reaches \(Int(wantedShare * 100)) %, between the numbers that "
      + "were tried. Exponents: least squares on logarithmic axes, in brackets 95 % of 1000 draws of the seeds."
      + axis.theoryWords
  ]
  if censoredCount > 0 {
    notes.append(
      "\(censoredCount) hollow marks: more than the largest (up) or fewer than the smallest number tried (down); they are "
        + "left out of the fits.")
  }
  for scaling in scalings where scaling.law == nil {
    notes.append("\(scaling.series): no exponent, since \(scaling.refusal).")
  }
  return chart.specification(
    "Scatter plot on logarithmic axes: samples that align 90 % of the teacher nodes against \(axis.title(of: chart.runs)), with "
      + "fitted power laws: \(scalings.map(\.legend).joined(separator: "; ")).",
    notes: notes,
    exponentMembers(
      rows, places: places, title: axis.title(of: chart.runs), key: key, names: scalings.map(\.legend),
      colors: key.colors(of: scalings.map(\.series)), style: chart.style))
}

private let beyondTried = "more than the largest number tried"
private let belowTried = "at most the smallest number tried"

extension SampleScaling {
  /// The series with its exponent.
  fileprivate var legend: String {
    guard let exponent else { return "\(series): no exponent" }
    let range = interval.map { String(format: " (%.2f to %.2f)", $0.lowerBound, $0.upperBound) } ?? ""
    return (series + String(format: ": exponent %.2f", exponent) + range).replacingOccurrences(of: "-0", with: "−0")
  }
}

extension SampleAxis {
  fileprivate var theoryWords: String {
    let exponents = theoryExponents.reversed().map(\.short)
    guard let first = exponents.first else { return "" }
    return exponents.count == 1
      ? " Gray: the theory's slope, \(first); its height says nothing."
      : " Gray: the theory's slopes, \(exponents.joined(separator: " and ")); their height says nothing."
  }
}

/// Lines of the theory's slopes from a little below the lowest line, so that they cover none.
private func referenceRows(_ rows: [JSONValue], places: [Double], exponents: [Double]) -> [JSONValue] {
  guard let low = places.first, let high = places.last, low < high else { return [] }
  let starts = rows.filter { $0["k"] == "line" && $0["x"]?.number == low }.compactMap { $0["y"]?.number }
  let points = rows.filter { $0["k"] == "point" && ($0["x"]?.number ?? high) < 1.1 * low }.compactMap {
    $0["y"]?.number
  }
  guard let start = (starts + points).min() ?? rows.compactMap({ $0["y"]?.number }).min() else { return [] }
  let corner = start / 1.6
  return exponents.flatMap { slope in
    [low, high].map { place in
      [
        "k": "reference", "x": .number(place), "y": .display(corner * pow(place / low, slope)),
        "s": .text("slope \(slope.short)"), "l": place == high ? .text("slope \(slope.short)") : "",
      ]
    }
  }
}

private func exponentMembers(
  _ rows: [JSONValue], places: [Double], title: String, key: SeriesKey, names: [String], colors: [JSONValue],
  style: FigureStyle
) -> [String: JSONValue] {
  let width = min(320, style.width - style.margin)
  let numbers = rows.compactMap { $0["y"]?.number }
  let (low, high) = (numbers.min() ?? 1, numbers.max() ?? 10)
  let steps = (0...12).flatMap { exponent in [1, 2, 5].map { factor in Double(factor) * pow(10, Double(exponent)) } }
  let ticks = steps.filter { $0 >= low / 1.2 && $0 <= high * 1.2 }
  let y = FigureStyle.quantity(
    "y", "samples |D′| for 90 % of the nodes", scale: LogarithmicAxis.scale(around: [low, high]),
    axis: ["values": .numbers(ticks), "format": "~s"])
  let x = LogarithmicAxis.grid("x", title: title, values: places, format: ".3~s")
  let color = style.color("s", title: key.title, names: names, colors: colors, symbol: "circle", room: width).with([
    "legend": ["direction": "vertical", "symbolType": "circle", "symbolSize": 60, "titleOrient": "top"]
  ])
  func layer(_ filter: String, _ mark: JSONValue, _ more: [String: JSONValue]) -> JSONValue {
    Layers.of(mark, more.with(["x": x, "y": y])).filtered(filter)
  }
  let hovers: JSONValue = [
    FigureStyle.hover("s", key.title, "nominal"), FigureStyle.hover("x", title, format: ".3~g"),
    FigureStyle.hover("y", "samples", format: ",.0f"),
  ]
  let colored: [String: JSONValue] = ["color": color, "tooltip": hovers]
  var layers = [
    layer(
      "datum.k == 'reference'", ["type": "line", "color": "#8a8a8a", "strokeWidth": 0.9, "strokeDash": [3, 3]],
      ["detail": ["field": "s", "type": "nominal"]]),
    layer(
      "datum.k == 'reference' && datum.l != ''",
      ["type": "text", "align": "right", "dx": -8, "dy": -4, "fontSize": 10, "color": "#666666"],
      ["text": ["field": "l", "type": "nominal"]]),
    layer("datum.k == 'line'", ["type": "line", "strokeWidth": 1.4], ["color": color]),
    layer("datum.k == 'point' && datum.h == 0", Layers.dot(44), colored),
  ]
  let beyond = [(beyondTried, "triangle-up"), (belowTried, "triangle-down")]
    .filter { text, _ in rows.contains { $0["m"]?.text == text } }
  if !beyond.isEmpty {
    let shape: JSONValue = [
      "field": "m", "type": "nominal", "title": nil,
      "scale": ["domain": .texts(beyond.map(\.0)), "range": .texts(beyond.map(\.1))],
      "legend": [
        "direction": "vertical", "symbolStrokeColor": "#222222", "symbolSize": 60, "symbolFillColor": "#ffffff",
      ],
    ]
    layers.append(
      layer(
        "datum.k == 'point' && datum.h != 0", Layers.hollow(60, strokeWidth: 1.4), colored.with(["shape": shape])))
  }
  return [
    "data": ["values": .array(rows)], "width": .number(width), "height": 240, "layer": .array(layers),
    "resolve": ["legend": ["shape": "independent"]],
  ]
}
