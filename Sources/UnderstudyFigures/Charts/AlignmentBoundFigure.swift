import Foundation
import UnderstudySchema

/// Values below are drawn as this: rounding of alignments of unit vectors.
private let alignmentFloor = 1e-16

/// Dots that a picture bears; beyond, only some of the epochs are drawn.
private let dotLimit = 12_000

/// What a dot above the diagonal means.
let violationNote =
  "Alignments are shares of the inputs' spread. A dot above the diagonal does not contradict the theorem, which asks for more samples than any run has; only what kink "
  + "witnesses prove cannot be broken."

/// The alignment that the theorem predicts against the one that was measured.
///
/// Fields of the data: `x` predicted, `y` measured, `c` over-realization, `e` seed, `t` epoch, `j` teacher node.
func alignmentBoundFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let key = chart.runs.mostVaried(["student.overRealization"])
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
    notes: notes, shownKeys: [key.path], namesSearch: true,
    boundMembers(
      rows, color: FigureStyle.color("c", title: key.title, names: key.labels, symbol: "circle"),
      hovers: [
        FigureStyle.hover("c", key.title, "nominal"), FigureStyle.hover("e", "seed", "ordinal"),
        FigureStyle.hover("t", "epoch", "ordinal"), FigureStyle.hover("j", "teacher node", "ordinal"),
        FigureStyle.hover("x", "predicted", format: ".3~e"), FigureStyle.hover("y", "measured", format: ".3~e"),
      ]))
}

/// The members of a document with dots at `x`, `y` over the diagonal and the shaded region that the theorem forbids.
///
/// - Parameter labels: a field with a text to stand beside each dot, for pictures of few of them.
func boundMembers(
  _ rows: [JSONValue], color: JSONValue, hovers: JSONValue, labels: String? = nil
) -> [String: JSONValue] {
  var x = LogarithmicAxis("alignment predicted by the theorem", around: rows.compactMap { $0["x"]?.number })
  let y = LogarithmicAxis("alignment measured", around: rows.compactMap { $0["y"]?.number } + [1])
  // The diagonal must be seen, were it only in a corner.
  let low = min(x.exponents.lowerBound, y.exponents.upperBound - 2)
  x.exponents = low...max(x.exponents.upperBound, low + 1, y.exponents.lowerBound + 1)
  let start = max(x.lowest, y.lowest)
  let end = min(x.highest, y.highest)
  var corners: [JSONValue] = [
    ["x": .number(start), "y": .number(start)], ["x": .number(end), "y": .number(end)],
  ]
  if x.lowest < start { corners.insert(["x": .number(x.lowest), "y": .number(start)], at: 0) }
  let isFew = rows.count <= 60
  var layers: [JSONValue] = [
    [
      "data": ["values": .array(corners)],
      "mark": ["type": "area", "color": "#D55E00", "fillOpacity": 0.1, "opacity": 1],
      "encoding": ["x": x.encoding("x"), "y": y.encoding("y"), "y2": ["datum": .number(y.highest)]],
    ],
    [
      "data": ["values": .array(Array(corners.suffix(2)))],
      "mark": ["type": "line", "color": "#555555", "strokeWidth": 1],
      "encoding": ["x": x.encoding("x"), "y": y.encoding("y")],
    ],
    Layers.dots(
      Layers.dot(isFew ? 34 : 12, fillOpacity: isFew ? 0.9 : 0.45),
      ["x": x.encoding("x"), "y": y.encoding("y"), "color": color, "tooltip": hovers]),
  ]
  // A small corner has no room for words; the caption says what it is.
  if y.highest > 1e4 * start, end > 1e4 * start {
    layers.insert(
      [
        // Half way up: dots that break the bound most often lie at the top.
        "data": ["values": [["x": .number(x.lowest), "y": .display((start * y.highest).squareRoot())]]],
        "mark": [
          "type": "text", "text": "violates the bound", "align": "left", "dx": 6, "fontSize": 10, "color": "#A34700",
        ],
        "encoding": ["x": x.encoding("x"), "y": y.encoding("y")],
      ], at: 2)
  }
  layers += labelLayers(rows, field: labels, x: x, y: y, size: (340, 260))
  return ["data": ["values": .array(rows)], "width": 340, "height": 260, "layer": .array(layers)]
}
