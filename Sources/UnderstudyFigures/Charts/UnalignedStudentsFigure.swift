import Foundation
import UnderstudySchema

/// Values below this share of the largest of their kind are drawn as that: a logarithmic axis has no 0.
private let smallestShare = 1e-20

/// As training goes on, from left to right, the gradient falls: so must the strength of unaligned student nodes, and what is
/// left of the slope's jump at every student boundary.
///
/// Fields of the data: `x` largest gradient, `y` median ||v|| ||w|| of the unaligned student nodes, `z` median kink balance
/// of all, `u` number of unaligned ones, `c` over-realization or the varied key, `e` seed, `t` epoch.
func unalignedStudentsFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let key = chart.keys.channels.color
  let points = try UnalignedPoint.all(of: try chart.runs.completed(), at: chart.epochs)
  var flooredCount = 0
  func drawn(_ value: Double, among values: [Double]) -> JSONValue {
    let largest = values.reduce(0, max)
    let floor = smallestShare * (largest > 0 ? largest : 1)
    if value < floor { flooredCount += 1 }
    return .display(max(value, floor))
  }
  let (gradients, balances) = (points.map(\.gradient), points.map(\.balance))
  let strengths = points.compactMap(\.strength)
  let rows: [JSONValue] = points.map { point in
    let row: JSONValue = [
      "x": drawn(point.gradient, among: gradients), "z": drawn(point.balance, among: balances),
      "u": .integer(point.unalignedCount),
      "c": .text(key.label(of: point.run)), "e": .integer(point.run.seed), "t": .integer(point.epoch),
    ]
    return row.with(point.strength.map { ["y": drawn($0, among: strengths)] } ?? [:])
  }
  let withoutCount = points.count { $0.strength == nil }
  var notes = ["A dot for each run and recorded epoch. Unaligned: alignment above \(unalignedThreshold)."]
  if withoutCount > 0 {
    notes.append("\(withoutCount) of \(points.count) dots have no unaligned student node (right panel only).")
  }
  if flooredCount > 0 { notes.append("\(flooredCount) values below 1e-20 of the largest are drawn as that.") }
  var x = LogarithmicAxis("largest gradient, max |g|", around: rows.compactMap { $0["x"]?.number })
  x.isReversed = true
  x.labelCount = 5
  let side = chart.style.panelWidth(columns: 2) - 36 * chart.style.scale
  func panel(_ field: String, _ title: String) -> JSONValue {
    let y = LogarithmicAxis(title, around: rows.compactMap { $0[field]?.number })
    return [
      "width": .number(side), "height": .number(190 * chart.style.scale),
      "transform": [["filter": .text("isValid(datum.\(field))")]],
      "mark": Layers.dot(16, fillOpacity: 0.55),
      "encoding": [
        "x": x.encoding("x"), "y": y.encoding(field),
        "color": chart.style.color("c", key, symbol: "circle"),
        "tooltip": [
          FigureStyle.hover("c", key.title, "nominal"), FigureStyle.hover("e", "seed", "ordinal"),
          chart.style.timeHover, FigureStyle.hover("x", "largest gradient", format: ".3~e"),
          FigureStyle.hover("u", "unaligned student nodes", "ordinal"),
          FigureStyle.hover("y", "their median strength", format: ".3~e"),
          FigureStyle.hover("z", "median kink balance", format: ".3~e"),
        ],
      ],
    ]
  }
  return chart.specification(
    "Two scatter plots on logarithmic axes with a dot for each run and epoch: the median strength of unaligned student "
      + "nodes, and the median kink balance of all student nodes, against the largest gradient, which falls to the right.",
    notes: notes, namesSearch: true,
    [
      "data": ["values": .array(rows)], "spacing": 22,
      "hconcat": [panel("y", "‖v‖ ‖w‖ of unaligned nodes"), panel("z", "kink balance of all nodes")],
    ])
}
