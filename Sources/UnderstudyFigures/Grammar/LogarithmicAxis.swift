import Foundation

/// A logarithmic axis from a power of ten to another, with labels at powers of ten only.
struct LogarithmicAxis {
  var title: String
  var exponents: ClosedRange<Int>
  /// Whether values fall from left to right.
  var isReversed = false
  /// About how many labels find room.
  var labelCount = 7

  /// Around all positive ones of `values`.
  init(_ title: String, around values: [Double]) {
    self.title = title
    let positive = values.filter { $0 > 0 && $0.isFinite }
    let low = Int(log10(positive.min() ?? 1).rounded(.down))
    exponents = low...max(low + 1, Int(log10(positive.max() ?? 1).rounded(.up)))
  }

  var lowest: Double { Self.powerOfTen(exponents.lowerBound) }
  var highest: Double { Self.powerOfTen(exponents.upperBound) }
  /// Powers of ten beyond both ends, so that the frame cuts no dot.
  var room: Double { 0.03 * Double(exponents.count - 1) }
  /// The ends that are drawn.
  var ends: ClosedRange<Double> {
    pow(10, Double(exponents.lowerBound) - room)...pow(10, Double(exponents.upperBound) + room)
  }

  func encoding(_ field: String) -> JSONValue {
    let step = [1, 2, 5, 10, 20, 50].first { exponents.count / $0 <= labelCount } ?? 100
    let shown = exponents.filter { $0.isMultiple(of: step) }
    return [
      "field": .text(field), "type": "quantitative", "title": .text(title),
      "scale": [
        "type": "log", "nice": false, "reverse": .boolean(isReversed),
        "domain": [.display(ends.lowerBound), .display(ends.upperBound)],
      ],
      "axis": [
        "labelExpr": .text(Self.labels(shown)), "labelFont": .text(FigureStyle.symbolFont),
        "values": .array(shown.map { .number(Self.powerOfTen($0)) }),
      ],
    ]
  }

  /// The expression that writes the powers of ten with raised exponents.
  private static func labels(_ exponents: [Int]) -> String {
    let texts = exponents.map { "'\($0)':'\(raised($0))'" }.joined(separator: ",")
    return "{\(texts)}[toString(round(log(datum.value)/LN10))]"
  }

  /// E.g. 10⁻⁵; 1 and 10 as people write them.
  static func raised(_ exponent: Int) -> String {
    if exponent == 0 || exponent == 1 { return exponent == 0 ? "1" : "10" }
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    let text = String(exponent.magnitude).compactMap(\.wholeNumberValue).map { String(digits[$0]) }.joined()
    return "10" + (exponent < 0 ? "⁻" : "") + text
  }

  /// A logarithmic axis whose labels are the `values` of a grid, with a little room beside the outer ones.
  static func grid(_ field: String, title: String, values: [Double], format: String = "~s") -> JSONValue {
    let (low, high) = (values.min() ?? 1, values.max() ?? 1)
    let room = max(1.1, pow(high / low, 0.06))
    return [
      "field": .text(field), "type": "quantitative", "title": .text(title),
      "scale": ["type": "log", "nice": false, "domain": [.display(low / room), .display(high * room)]],
      "axis": [
        "values": .array(values.map(JSONValue.number)), "format": .text(format), "grid": false,
        "labelOverlap": "greedy",
        "labelSeparation": 4,
      ],
    ]
  }

  /// The double closest to it, which `pow` need not give.
  private static func powerOfTen(_ exponent: Int) -> Double { Double("1e\(exponent)") ?? pow(10, Double(exponent)) }
}
