import Foundation
import UnderstudySchema

/// Points of a curve in the picture.
private let pathPointCount = 200

/// The three ways from one student to another, in the order of legends.
private enum ConnectionPath: String, CaseIterable {
  case straight = "straight line"
  case matched = "straight line after matching"
  case constructed = "constructed path"

  var measure: Measure {
    switch self {
    case .straight: .straightPath
    case .matched: .matchedPath
    case .constructed: .constructedPath
    }
  }
}

/// Loss along three paths between a student and its replica: median over seeds with the quartiles.
///
/// Fields of the data: those of the panels of ``ChartChannels``, `c` path, `x` fraction of the path, `y` median loss, `a`...`b` quartiles, `n`
/// runs.
func connectionLossFigure(_ chart: Chart) throws(FigureError) -> FigureSpecification {
  let runs = try chart.runs.completed()
  let channels = chart.keys.channels
  var groups = Gathered<[Double]>()
  var withoutCount = 0
  for run in runs {
    for (index, path) in ConnectionPath.allCases.enumerated() {
      let losses = try run.measurement(path.measure, at: chart.epochs.first)
      if path == .constructed, losses.values.isEmpty {
        withoutCount += 1
      } else {
        groups.add(path == .constructed ? losses.values : try run.vector(losses), of: run, in: channels, index)
      }
    }
  }
  let curves = groups.sorted
  let rows = curves.flatMap { key, losses in
    pathRows(ConnectionPath.allCases[Int(key[3])], losses, panel: channels.fields(key))
  }
  var notes = ["Lines: median over seeds; bands: quartiles. The end points are two students of one teacher."]
  notes += stretchNotes(curves.flatMap(\.values))
  if withoutCount > 0 {
    notes.append("\(withoutCount) of \(runs.count) runs have no constructed path.")
  }
  notes += floorNotes(rows)
  return chart.specification(
    "Line charts on a logarithmic axis\(channels.panelWords): "
      + "loss along the straight line between two students, along the straight line after matching their nodes, and along "
      + "the constructed path.",
    notes: notes,
    channels.panels(
      chart.style, rows: rows, encoding: connectionEncoding(rows, chart.style, room: channels.room(chart.style)),
      layers: connectionLayers(rows, hasBand: true)))
}

/// The figure of one pair of students, without a study.
///
/// - Parameters:
///   - straight, matched: loss at equally spaced points of the straight line, as the students are and after matching.
///   - constructed: loss along each segment of the constructed path; empty if there is none.
public func connectionFigure(
  straight: [Double], matched: [Double], constructed segments: [[Double]], name: String = "connection",
  caption: String = ""
) -> FigureSpecification {
  let curves: [(ConnectionPath, [Double])] = [
    (.straight, straight), (.matched, matched), (.constructed, segments.flatMap { $0 }),
  ]
  let rows = curves.flatMap { path, losses in pathRows(path, losses.isEmpty ? [] : [losses], panel: nil) }
  let path =
    segments.isEmpty
    ? "There is no constructed path." : "The constructed path has \(counted(segments.count, "segment"))."
  return FigureSpecification(
    name: name, caption: caption, notes: stretchNotes(curves.map(\.1)) + [path] + floorNotes(rows),
    text:
      "Line chart on a logarithmic axis: loss along the straight line between two students, along the straight line "
      + "after matching their nodes\(segments.isEmpty ? "" : ", and along the constructed path"). \(caption)",
    [
      "data": ["values": .array(rows)], "width": 400, "height": 220,
      "encoding": .object(connectionEncoding(rows, FigureStyle(), room: 400)),
      "layer": .array(connectionLayers(rows, hasBand: false)),
    ])
}

private func stretchNotes(_ curves: [[Double]]) -> [String] {
  curves.contains { $0.count > pathPointCount }
    ? ["Each of \(pathPointCount) points shows the largest loss of its stretch of the path."] : []
}

private func floorNotes(_ rows: [JSONValue]) -> [String] {
  rows.contains { $0["y"]?.number == lossFloor } ? ["Losses below \(lossFloor.short) are drawn as that."] : []
}

/// A row for each point of a path: the median over `curves` and their quartiles.
private func pathRows(_ path: ConnectionPath, _ curves: [[Double]], panel: [String: JSONValue]?) -> [JSONValue] {
  let counts = Set(curves.map(\.count))
  guard let longest = counts.max(), longest > 0 else { return [] }
  let count = counts.count == 1 && longest <= pathPointCount ? longest : pathPointCount
  let sampled = curves.map { resampled($0, to: count) }
  return (0..<count).compactMap { index in
    let losses = sampled.map { max($0[index], lossFloor) }
    guard let quartiles = Quartiles(losses) else { return nil }
    let row: JSONValue = [
      "c": .text(path.rawValue), "x": .display(count > 1 ? Double(index) / Double(count - 1) : 0),
      "y": .display(quartiles.middle), "n": .integer(losses.count),
    ]
    return row.with(panel?.with(["a": .display(quartiles.low), "b": .display(quartiles.high)]) ?? [:])
  }
}

/// `count` points of a curve. Fewer than it has: the largest value of each stretch, for a barrier must not fall between the
/// points. More: linear between its own.
func resampled(_ values: [Double], to count: Int) -> [Double] {
  guard values.count != count, let first = values.first, count > 1 else { return values }
  if values.count > count {
    return (0..<count).map { index in
      let stretch = index * values.count / count..<(index + 1) * values.count / count
      return values[stretch].max() ?? first
    }
  }
  return (0..<count).map { index in
    let position = Double(index) / Double(count - 1) * Double(values.count - 1)
    let low = Int(position.rounded(.down))
    let high = min(values.count - 1, low + 1)
    return values[low] + (position - Double(low)) * (values[high] - values[low])
  }
}

private func connectionEncoding(_ rows: [JSONValue], _ style: FigureStyle, room: Double) -> [String: JSONValue] {
  let names = ConnectionPath.allCases.map(\.rawValue).filter { name in rows.contains { $0["c"]?.text == name } }
  return [
    "x": FigureStyle.quantity(
      "x", "fraction of the path", scale: ["domain": [0, 1]],
      axis: ["values": [0, 0.5, 1], "format": "~g", "grid": false]),
    "color": style.color("c", title: "", names: names, symbol: "stroke", room: room),
  ]
}

private func connectionLayers(_ rows: [JSONValue], hasBand: Bool) -> [JSONValue] {
  let axis = LogarithmicAxis(
    "loss J", around: (hasBand ? ["a", "b", "y"] : ["y"]).flatMap { field in rows.compactMap { $0[field]?.number } })
  let hovers = [
    FigureStyle.hover("c", "path", "nominal"), FigureStyle.hover("x", "fraction", format: ".3f"),
    FigureStyle.hover("y", hasBand ? "median loss" : "loss", format: ".3~e"),
  ]
  return (hasBand ? [Layers.band(axis.encoding, opacity: 0.18)] : []) + [
    Layers.line(axis.encoding("y"), width: 1.6),
    Layers.places(axis.encoding("y"), hovers + (hasBand ? Hovers.quartiles(".3~e") + [Hovers.runs] : [])),
  ]
}
