import Foundation

extension KeyValue: CustomStringConvertible {
  /// As a person would write it: `10`, `0.5`, `true`, `gaussian`.
  public var description: String {
    switch self {
    case .integer(let value): "\(value)"
    case .number(let value): Self.short(value)
    case .text(let value): value
    case .boolean(let value): "\(value)"
    }
  }

  /// The value as a number, if it is one.
  public var number: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    case .text, .boolean: nil
    }
  }

  /// Equal as values of a key: `1` and `1.0` are.
  public func isSame(as other: KeyValue) -> Bool {
    if let number, let otherNumber = other.number { return number == otherNumber }
    return self == other
  }

  /// As JSON, which is YAML too; texts always in quotes.
  package var json: String {
    switch self {
    case .integer(let value): "\(value)"
    case .number(let value): "\(value + 0)"  // + 0 makes -0 and 0 one value.
    case .text(let value): jsonText(value)
    case .boolean(let value): "\(value)"
    }
  }

  private static func short(_ value: Double) -> String {
    let text = "\(value)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

extension KeyValue {
  /// A value that is encoded as people write it: a number, a text or a boolean, without its kind.
  public struct Plain: Encodable, Sendable {
    private let value: KeyValue

    public init(_ value: KeyValue) { self.value = value }

    public func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      switch value {
      case .integer(let value): try container.encode(value)
      case .number(let value): try container.encode(value)
      case .text(let value): try container.encode(value)
      case .boolean(let value): try container.encode(value)
      }
    }
  }
}

/// A JSON string literal. Everything that YAML forbids or folds inside double quotes is escaped too, so it is also YAML.
///
/// By hand, because Foundation's encoder leaves those characters as they are, and because the bytes of files and the hashes of
/// settings must not depend on the version of a library.
package func jsonText(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\t": result += "\\t"
    case "\r": result += "\\r"
    default:
      let isUnsafe =
        scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) || scalar == "\u{2028}" || scalar == "\u{2029}"
        || scalar == "\u{feff}" || scalar.properties.isNoncharacterCodePoint && scalar.value < 0x10000
      guard isUnsafe else {
        result.unicodeScalars.append(scalar)
        continue
      }
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
  }
  return result + "\""
}

/// `1 run`, `2 runs`.
package func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

extension Sequence where Element: Hashable {
  /// Each element once, in the order in which they come first.
  package var distinct: [Element] {
    var known: Set<Element> = []
    return filter { known.insert($0).inserted }
  }
}

extension Double {
  /// Three significant digits, as short as they come: `0`, `12.3`, `0.0123`, `1.5e-11`.
  public var brief: String { String(format: "%.3g", self) }
}
