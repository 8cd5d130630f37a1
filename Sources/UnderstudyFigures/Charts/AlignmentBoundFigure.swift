import Foundation
import UnderstudySchema

/// Alignments below, as shares of the inputs' spread, are drawn as this: rounding. A logarithmic axis has no 0.
let alignmentFloor = 1e-16

/// Dots that a picture bears; beyond, only some of the epochs are drawn.
private let dotLimit = 12_000

/// What a dot above the diagonal means.
let violationNote =
  "Alignments are shares of the inputs' spread. A dot above the diagonal does not contradict the theorem, which asks for more samples than any run has; only what kink "
  + "witnesses prove cannot be broken."

/// The alignment that the theorem predicts against the one that was measured.
///
/// Fields of the data: `x` predicted, `y` measured, `c` over-realization or the key of colours, `e` seed, `t` epoch, `j` teacher node.
func alignmentBoundFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let key = chart.keys.channels.color
  let pairs = try BoundPair.all(of: try chart.runs.completed(), at: chart.epochs)
  let epochs = Set(pairs.map(\.epoch)).sorted()
  let perEpoch = max(1, pairs.count / max(1, epochs.count))
  let shown = Set(thinned(epochs, to: max(2, dotLimit / perEpoch)))
  let drawn = pairs.filter { shown.contains($0.epoch) || !$0.isHeld }
  let rows: [JSONValue] = drawn.map { pair in
    [
      "x": .display(max(pair.predicted, alignmentFloor)), "y": .display(max(pair.measured, alignmentFloor)),
      "c": .text(key.label(of: pair.run)), "e": .integer(pair.run.seed), "t": .integer(pair.epoch),
      "j": .integer(pair.node + 1),
    ]
  }
  let brokenCount = pairs.count { !$0.isHeld }
  let flooredCount = drawn.count { $0.measured < alignmentFloor || $0.predicted < alignmentFloor }
  var notes = [
    "Each dot is a teacher node with an observer, of one run at one recorded epoch: \(pairs.count), of which "
      + "\(brokenCount) above the diagonal.", violationNote,
  ]
  if drawn.count < pairs.count {
    notes.append(
      "\(drawn.count) of the dots are drawn (\(shown.count) of \(epochs.count) epochs); every one above the diagonal is."
    )
  }
  if flooredCount > 0 { notes.append("\(flooredCount) values below 1e-16 are drawn as that.") }
  return chart.specification(
    "Scatter plot on logarithmic axes of \(drawn.count) teacher nodes: the alignment that the theorem predicts against "
      + "the alignment that was measured, with the diagonal; \(brokenCount) lie above it.",
    notes: notes, namesSearch: true,
    boundMembers(
      rows, style: chart.style, color: { chart.style.color("c", key, symbol: "circle", room: $0) },
      hovers: [
        FigureStyle.hover("c", key.title, "nominal"), FigureStyle.hover("e", "seed", "ordinal"),
        chart.style.timeHover, FigureStyle.hover("j", "teacher node", "ordinal"),
        FigureStyle.hover("x", "predicted", format: ".3~e"), FigureStyle.hover("y", "measured", format: ".3~e"),
      ]))
}

/// The members of a document with dots at `x`, `y` over the diagonal and the shaded region that the theorem forbids. A power of
/// ten is as long on both axes, so that the diagonal has its slope.
///
/// - Parameters:
///   - color: the encoding of colours, with a legend of the width of the panel.
///   - labels: a field with a text to stand beside each dot, for pictures of few of them.
func boundMembers(
  _ rows: [JSONValue], style: FigureStyle = FigureStyle(), color: (Double) -> JSONValue, hovers: JSONValue,
  labels: String? = nil
) -> [String: JSONValue] {
  var x = LogarithmicAxis(
    "alignment predicted by the theorem", around: rows.compactMap { $0["x"]?.number }, isOfPowers: true)
  var y = LogarithmicAxis(
    "alignment measured", around: rows.compactMap { $0["y"]?.number } + [1], isOfPowers: true)
  // The diagonal must be seen, were it only in a corner.
  let low = min(x.exponents.lowerBound, y.exponents.upperBound - 2)
  x.exponents = low...max(x.exponents.upperBound, low + 1, y.exponents.lowerBound + 1)
  // No side is less than half of the other.
  let longer = max(x.exponents.count, y.exponents.count) - 1
  let least = (longer + 1) / 2
  if x.exponents.count - 1 < least { x.exponents = (x.exponents.upperBound - least)...x.exponents.upperBound }
  if y.exponents.count - 1 < least { y.exponents = (y.exponents.upperBound - least)...y.exponents.upperBound }
  // The longer one.
  let full = min(340, style.width - style.margin)
  func side(_ axis: LogarithmicAxis) -> Double {
    full * (Double(axis.exponents.count - 1) + 2 * axis.room) / (Double(longer) * 1.06)
  }
  let size = (width: side(x).rounded(), height: side(y).rounded())
  (x.labelCount, y.labelCount) = (Int(size.width / (40 * style.scale)), Int(size.height / (30 * style.scale)))
  let start = max(x.ends.lowerBound, y.ends.lowerBound)
  let end = min(x.ends.upperBound, y.ends.upperBound)
  var corners: [JSONValue] = [
    ["x": .number(start), "y": .number(start)], ["x": .number(end), "y": .number(end)],
  ]
  if x.ends.lowerBound < start { corners.insert(["x": .number(x.ends.lowerBound), "y": .number(start)], at: 0) }
  let isFew = rows.count <= 60
  var layers: [JSONValue] = [
    [
      "data": ["values": .array(corners)],
      // No series has gray.
      "mark": ["type": "area", "color": "#000000", "fillOpacity": 0.07, "opacity": 1],
      "encoding": ["x": x.encoding("x"), "y": y.encoding("y"), "y2": ["datum": .number(y.ends.upperBound)]],
    ],
    [
      "data": ["values": .array(Array(corners.suffix(2)))],
      "mark": ["type": "line", "color": "#555555", "strokeWidth": 1],
      "encoding": ["x": x.encoding("x"), "y": y.encoding("y")],
    ],
    Layers.of(
      Layers.dot(isFew ? 34 : 12, fillOpacity: isFew ? 0.9 : 0.45),
      ["x": x.encoding("x"), "y": y.encoding("y"), "color": color(size.width), "tooltip": hovers]),
  ]
  // A small corner has no room for words; the caption says what it is.
  let step = size.width / log10(x.ends.upperBound / x.ends.lowerBound)
  if step * log10(y.ends.upperBound / start) > 90 * style.scale,
    step * log10(end / x.ends.lowerBound) > 90 * style.scale
  {
    layers.insert(
      [
        "data": ["values": [["x": .number(x.ends.lowerBound), "y": .number(y.ends.upperBound)]]],
        "mark": [
          "type": "text", "text": ["violates", "the bound"], "align": "left", "baseline": "top", "dx": 5, "dy": 5,
          "fontSize": 10, "color": "#444444",
        ],
        "encoding": ["x": x.encoding("x"), "y": y.encoding("y")],
      ], at: 2)
  }
  layers += labelLayers(rows, field: labels, x: x, y: y, size: size)
  return [
    "data": ["values": .array(rows)], "width": .number(size.width), "height": .number(size.height),
    "layer": .array(layers),
  ]
}
