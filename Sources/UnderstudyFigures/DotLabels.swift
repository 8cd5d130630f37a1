import Foundation

/// Texts beside the dots of a scatter plot on logarithmic axes, at most one of several that would cover each other.
///
/// Vega-Lite does not keep texts apart, so the places are found here: right above the dot, or left above it, or nowhere.
///
/// - Parameters:
///   - field: of the rows; nil for no labels.
///   - size: of the panel, in pixels.
/// - Returns: one or two layers, whose data are copies of the labelled rows.
func labelLayers(
  _ rows: [JSONValue], field: String?, x: LogarithmicAxis, y: LogarithmicAxis, size: (width: Double, height: Double)
) -> [JSONValue] {
  guard let field else { return [] }
  var taken: [(left: Double, top: Double, right: Double)] = []
  var sides: [Bool: [JSONValue]] = [:]
  for row in rows {
    guard let text = row[field]?.text, let horizontal = row["x"]?.number, let vertical = row["y"]?.number else { continue }
    let left = x.position(horizontal) * size.width
    let top = (1 - y.position(vertical)) * size.height - 9
    let width = 6 * Double(text.count) + 1
    for isRight in [true, false] {
      let start = isRight ? left + 5 : left - 5 - width
      let isFree = taken.allSatisfy { abs($0.top - top) >= 10 || start >= $0.right || start + width <= $0.left }
      guard isFree, start >= 0, start + width <= size.width, top >= 0 else { continue }
      taken.append((start, top, start + width))
      sides[isRight, default: []].append(row)
      break
    }
  }
  return [true, false].compactMap { isRight in
    guard let labelled = sides[isRight] else { return nil }
    return [
      "data": ["values": .array(labelled)],
      "mark": [
        "type": "text", "align": isRight ? "left" : "right", "dx": isRight ? 5 : -5, "dy": -5, "fontSize": 10,
        "color": "#222222",
      ],
      "encoding": [
        "x": x.encoding("x"), "y": y.encoding("y"), "text": ["field": .text(field), "type": "nominal"],
      ],
    ]
  }
}

extension LogarithmicAxis {
  /// 0 at one end of the axis, 1 at the other.
  fileprivate func position(_ value: Double) -> Double {
    let share =
      (log10(value) - Double(exponents.lowerBound)) / Double(exponents.upperBound - exponents.lowerBound)
    return isReversed ? 1 - share : share
  }
}
