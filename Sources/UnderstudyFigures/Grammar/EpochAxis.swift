import Foundation

/// An axis of epochs on which the first few can be told apart as well as the last: logarithm of 1 + epoch.
struct EpochAxis {
  /// The last epoch.
  var top: Double

  /// Where marks of what never happened are: a little above the last epoch.
  var ceiling: Double { exp(log1p(max(top, 1)) * 1.09) - 1 }

  /// A little above `ceiling`.
  private var end: Double { exp(log1p(max(top, 1)) * 1.16) - 1 }

  private var ticks: [Double] {
    var ticks = [0.0, 1, 2, 5, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000].filter { $0 <= top }
    if let last = ticks.last, top >= 1.4 * last, top > 1 { ticks.append(top) }
    return ticks
  }

  /// - Parameter hasRoom: whether marks at `ceiling` must find room.
  func encoding(_ field: String, title: String, hasRoom: Bool = false) -> JSONValue {
    [
      "field": .text(field), "type": "quantitative", "title": .text(title),
      "scale": [
        "type": "symlog", "constant": 1, "nice": false, "domain": [0, .display(hasRoom ? end : max(top, 1))],
      ],
      "axis": [
        "values": .array(ticks.map(JSONValue.number)), "format": "d", "labelOverlap": "greedy",
        "grid": .boolean(hasRoom),
      ],
    ]
  }
}
