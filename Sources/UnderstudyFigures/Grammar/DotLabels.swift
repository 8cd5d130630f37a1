import Foundation

/// Texts beside the dots of a scatter plot on logarithmic axes, at most one of several that would cover each other.
///
/// Vega-Lite does not keep texts apart, so the places are found here: right above the dot, left above it, right or left below
/// it, or nowhere.
///
/// - Parameters:
///   - field: of the rows; nil for no labels.
///   - size: of the panel, in pixels.
/// - Returns: a layer for each place, whose data are copies of the labelled rows.
func labelLayers(
  _ rows: [JSONValue], field: String?, x: LogarithmicAxis, y: LogarithmicAxis, size: (width: Double, height: Double)
) -> [JSONValue] {
  guard let field else { return [] }
  let dots = rows.map { row in
    (
      x: x.position(row["x"]?.number ?? 1) * size.width, y: (1 - y.position(row["y"]?.number ?? 1)) * size.height
    )
  }
  // Dots are in the way as much as texts are.
  var taken = dots.map { Box(left: $0.x - 3.5, top: $0.y - 3.5, right: $0.x + 3.5, bottom: $0.y + 3.5) }
  var places: [[JSONValue]] = Array(repeating: [], count: LabelPlace.allCases.count)
  for (row, dot) in zip(rows, dots) {
    guard let text = row[field]?.text else { continue }
    for (index, place) in LabelPlace.allCases.enumerated() {
      let box = place.box(beside: dot, width: 6 * Double(text.count))
      guard box.left >= 0, box.right <= size.width, box.top >= 0, box.bottom <= size.height,
        !taken.contains(where: box.meets)
      else { continue }
      taken.append(box)
      places[index].append(row)
      break
    }
  }
  return zip(LabelPlace.allCases, places).compactMap { place, labelled in
    guard !labelled.isEmpty else { return nil }
    return [
      "data": ["values": .array(labelled)],
      "mark": [
        "type": "text", "align": place.isRight ? "left" : "right", "dx": place.isRight ? 5 : -5,
        "dy": place.isAbove ? -5 : 7, "fontSize": 10, "color": "#222222",
      ],
      "encoding": [
        "x": x.encoding("x"), "y": y.encoding("y"), "text": ["field": .text(field), "type": "nominal"],
      ],
    ]
  }
}

private struct Box {
  var left: Double
  var top: Double
  var right: Double
  var bottom: Double

  func meets(_ other: Box) -> Bool {
    left < other.right && other.left < right && top < other.bottom && other.top < bottom
  }
}

private enum LabelPlace: CaseIterable {
  case rightAbove, leftAbove, rightBelow, leftBelow

  var isRight: Bool { self == .rightAbove || self == .rightBelow }
  var isAbove: Bool { self == .rightAbove || self == .leftAbove }

  func box(beside dot: (x: Double, y: Double), width: Double) -> Box {
    let left = isRight ? dot.x + 5 : dot.x - 5 - width
    let middle = dot.y + (isAbove ? -5 : 7)
    return Box(left: left, top: middle - 4.5, right: left + width, bottom: middle + 4.5)
  }
}

extension LogarithmicAxis {
  /// 0 at one end of the axis, 1 at the other.
  fileprivate func position(_ value: Double) -> Double {
    let share = log10(value / ends.lowerBound) / log10(ends.upperBound / ends.lowerBound)
    return isReversed ? 1 - share : share
  }
}
