import Foundation
import UnderstudySchema

/// A JSON document as a value: what figure specifications are made of.
///
/// `encoded()` gives the same bytes for equal values: keys sorted, numbers in the shortest form that reads back equal,
/// containers that hold scalars only on one line, so that a data row is one line of the file.
public enum JSONValue: Hashable, Sendable {
  case null
  case boolean(Bool)
  /// Written as `null` if not finite: JSON has no NaN.
  case number(Double)
  case text(String)
  case array([JSONValue])
  case object([String: JSONValue])
}

extension JSONValue {
  /// The member `key` of an object; nil for other values or if it has none.
  public subscript(key: String) -> JSONValue? {
    if case .object(let members) = self { return members[key] }
    return nil
  }

  /// The element `index` of an array; nil for other values or past the end.
  public subscript(index: Int) -> JSONValue? {
    if case .array(let elements) = self, elements.indices.contains(index) { return elements[index] }
    return nil
  }

  /// The elements of an array; nil for other values.
  public var elements: [JSONValue]? {
    if case .array(let elements) = self { return elements }
    return nil
  }

  /// The members of an object; none for other values.
  var members: [String: JSONValue] {
    if case .object(let members) = self { return members }
    return [:]
  }

  /// The value of a number; nil for other values.
  public var number: Double? {
    if case .number(let value) = self { return value }
    return nil
  }

  /// The characters of a text; nil for other values.
  public var text: String? {
    if case .text(let value) = self { return value }
    return nil
  }

  /// This document as text, ending in a newline.
  public func encoded() -> String {
    var output = ""
    write(to: &output, indent: "")
    output += "\n"
    return output
  }

  private var isScalar: Bool {
    switch self {
    case .array, .object: false
    default: true
    }
  }

  private func write(to output: inout String, indent: String) {
    switch self {
    case .null: output += "null"
    case .boolean(let value): output += value ? "true" : "false"
    case .number(let value): output += Self.literal(value)
    case .text(let value): output += jsonText(value)
    case .array(let elements):
      let isLeaf = elements.allSatisfy(\.isScalar)
      Self.write(elements.count, between: ("[", "]"), onOneLine: isLeaf, to: &output, indent: indent) {
        elements[$0].write(to: &$1, indent: $2)
      }
    case .object(let members):
      let keys = members.keys.sorted()
      let isLeaf = members.values.allSatisfy(\.isScalar)
      Self.write(keys.count, between: ("{", "}"), onOneLine: isLeaf, to: &output, indent: indent) {
        $1 += jsonText(keys[$0]) + ":"
        members[keys[$0], default: .null].write(to: &$1, indent: $2)
      }
    }
  }

  private static func write(
    _ count: Int, between brackets: (String, String), onOneLine: Bool, to output: inout String, indent: String,
    item: (Int, inout String, String) -> Void
  ) {
    let inner = indent + " "
    output += brackets.0
    for index in 0..<count {
      if index > 0 { output += "," }
      if !onOneLine { output += "\n" + inner }
      item(index, &output, inner)
    }
    if !onOneLine { output += "\n" + indent }
    output += brackets.1
  }

  private static func literal(_ value: Double) -> String {
    guard value.isFinite else { return "null" }
    if value == value.rounded(), abs(value) < 1e15 { return String(Int(value)) }
    return value.description
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByFloatLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  public init(stringLiteral value: String) { self = .text(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(integerLiteral value: Int) { self = .number(Double(value)) }
  public init(booleanLiteral value: Bool) { self = .boolean(value) }
  public init(nilLiteral: ()) { self = .null }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) {
    self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
  }
}

extension JSONValue: Decodable {
  /// Any JSON value.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }
}

extension Double {
  /// This number to `digits` significant digits: what a figure's data need, at a fraction of the bytes.
  func rounded(toDigits digits: Int) -> Double {
    guard isFinite, self != 0 else { return self == 0 ? 0 : self }
    return Double(String(format: "%.*e", digits - 1, self)) ?? self
  }
}

extension JSONValue {
  /// A number for display, to five significant digits.
  static func display(_ value: Double) -> JSONValue { .number(value.rounded(toDigits: 5)) }
  static func integer(_ value: Int) -> JSONValue { .number(Double(value)) }
  static func texts(_ values: some Sequence<String>) -> JSONValue { .array(values.map(JSONValue.text)) }
  static func numbers(_ values: some Sequence<Double>) -> JSONValue { .array(values.map(JSONValue.number)) }

  /// An object with other members as well, which win over its own.
  func with(_ more: [String: JSONValue]) -> JSONValue { .object(members.with(more)) }

  /// A layer of those rows of the data alone for which an expression holds.
  func filtered(_ expression: String) -> JSONValue { with(["transform": [["filter": .text(expression)]]]) }
}

extension [String: JSONValue] {
  /// With other members as well, which win over its own.
  func with(_ more: [String: JSONValue]) -> [String: JSONValue] { merging(more) { $1 } }
}
