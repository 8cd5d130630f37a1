import Foundation

/// A logarithmic axis from a power of ten to another, with labels at powers of ten; around values within a decade, from one round
/// number to another, with labels at these.
struct LogarithmicAxis {
  var title: String
  var exponents: ClosedRange<Int>
  /// The labels of an axis within a decade; else empty.
  private var narrow: [Double] = []
  /// Whether values fall from left to right.
  var isReversed = false
  /// About how many labels find room.
  var labelCount = 7

  /// Around all positive ones of `values`.
  ///
  /// - Parameter isOfPowers: whether both ends and all labels are powers of ten, however close the values are.
  init(_ title: String, around values: [Double], isOfPowers: Bool = false) {
    self.title = title
    let positive = values.filter { $0 > 0 && $0.isFinite }
    let low = Int(log10(positive.min() ?? 1).rounded(.down))
    exponents = low...max(low + 1, Int(log10(positive.max() ?? 1).rounded(.up)))
    if !isOfPowers, let least = positive.min(), let greatest = positive.max(), greatest <= 10 * least,
      // Their powers of ten are numbers.
      least > 1e-300, greatest < 1e300
    {
      let choices = Self.ladders.map { ladder in Self.steps(ladder, around: least...greatest, exponents) }
      narrow = choices.first { $0.count > 2 } ?? choices[choices.count - 1]
    }
  }

  /// Labels within a decade, the finer ones for values that are close.
  private static let ladders: [[Double]] = [[1, 2, 5], [1, 1.5, 2, 3, 5, 7], [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8]]

  /// Of the ladder's multiples of powers of ten those around values, two at least.
  private static func steps(
    _ ladder: [Double], around values: ClosedRange<Double>, _ exponents: ClosedRange<Int>
  ) -> [Double] {
    let steps = (exponents.lowerBound - 1...exponents.upperBound + 1).flatMap { exponent in
      ladder.map { $0 * powerOfTen(exponent) }
    }
    // Rounding may have put a step beside the value that it is.
    let first = steps.lastIndex { $0 <= values.lowerBound * (1 + 1e-12) } ?? 0
    let last = steps.firstIndex { $0 >= values.upperBound * (1 - 1e-12) } ?? steps.count - 1
    return Array(steps[first...max(last, first + 1)])
  }

  /// Powers of ten beyond both ends, so that the frame cuts no dot.
  var room: Double { 0.03 * Double(exponents.count - 1) }
  /// The ends that are drawn.
  var ends: ClosedRange<Double> {
    if let low = narrow.first, let high = narrow.last {
      let room = pow(high / low, 0.03)
      return low / room...high * room
    }
    return pow(10, Double(exponents.lowerBound) - room)...pow(10, Double(exponents.upperBound) + room)
  }

  /// The powers that are labelled: as many as there is room for, but two at least.
  private var shown: [Int] {
    let step = [1, 2, 5, 10, 20, 50].first { exponents.count / $0 <= labelCount } ?? 100
    let multiples = exponents.filter { $0.isMultiple(of: step) }
    return multiples.count < 2 ? [exponents.lowerBound, exponents.upperBound] : multiples
  }

  func encoding(_ field: String) -> JSONValue {
    let values = narrow.isEmpty ? shown.map(Self.powerOfTen) : narrow
    return FigureStyle.quantity(
      field, .text(title),
      scale: [
        "type": "log", "nice": false, "reverse": .boolean(isReversed),
        "domain": [.display(ends.lowerBound), .display(ends.upperBound)],
      ],
      axis: [
        "labelExpr": .text(narrow.isEmpty ? Self.labels(shown) : Self.labels(narrow)),
        "labelFont": .text(FigureStyle.symbolFont), "values": .numbers(values),
      ])
  }

  /// The expression that writes the powers of ten with raised exponents.
  private static func labels(_ exponents: [Int]) -> String {
    let texts = exponents.map { "'\($0)':'\(raised($0))'" }.joined(separator: ",")
    return "{\(texts)}[toString(round(log(datum.value)/LN10))]"
  }

  /// The expression that writes multiples of powers of ten: 0.02, or 2·10⁻⁵ where zeros would be counted.
  private static func labels(_ values: [Double]) -> String {
    let isPlain = values.allSatisfy { 1e-3...1e4 ~= $0 }
    return values.reversed().reduce("''") { rest, value in
      let exponent = Int((log10(value) + 1e-9).rounded(.down))
      let multiple = (value / powerOfTen(exponent)).rounded(toDigits: 2)
      let power = raised(exponent)
      let text = isPlain ? value.rounded(toDigits: 2).short : multiple == 1 ? power : "\(multiple.short)·\(power)"
      return "abs(datum.value / \(value) - 1) < 0.01 ? '\(text)' : \(rest)"
    }
  }

  /// E.g. 10⁻⁵; 1 and 10 as people write them.
  static func raised(_ exponent: Int) -> String {
    if exponent == 0 || exponent == 1 { return exponent == 0 ? "1" : "10" }
    let digits = Array("⁰¹²³⁴⁵⁶⁷⁸⁹")
    let text = String(exponent.magnitude).compactMap(\.wholeNumberValue).map { String(digits[$0]) }.joined()
    return "10" + (exponent < 0 ? "⁻" : "") + text
  }

  /// A logarithmic axis whose labels are the `values` of a grid.
  static func grid(_ field: String, title: String, values: [Double], format: String = "~s") -> JSONValue {
    FigureStyle.quantity(
      field, .text(title), scale: scale(around: values),
      axis: [
        "values": .numbers(values), "format": .text(format), "grid": false, "labelOverlap": "greedy",
        "labelSeparation": 4,
      ])
  }

  /// From the least to the greatest of positive values, with a little room beside them.
  static func scale(around values: [Double]) -> JSONValue {
    let (low, high) = (values.min() ?? 1, values.max() ?? 1)
    let room = max(1.1, pow(high / low, 0.06))
    return ["type": "log", "nice": false, "domain": [.display(low / room), .display(high * room)]]
  }

  /// The double closest to it, which `pow` need not give.
  private static func powerOfTen(_ exponent: Int) -> Double { Double("1e\(exponent)") ?? pow(10, Double(exponent)) }
}
