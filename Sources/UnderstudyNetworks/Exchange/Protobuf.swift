/// A message of Protocol Buffers as it is written: fields by their numbers, without their meaning.
///
/// Source: https://protobuf.dev/programming-guides/encoding
struct ProtobufMessage {
  enum Value {
    case varint(UInt64)
    case fixed64(UInt64)
    case bytes(ArraySlice<UInt8>)
    case fixed32(UInt32)
  }

  /// What is wrong with the bytes of a message, in words.
  struct Damage: Error { let message: String }

  private(set) var fields: [(number: Int, value: Value)] = []

  /// - Throws: ``Damage`` if the bytes are no message.
  /// - Complexity: O(fields).
  init(_ bytes: ArraySlice<UInt8>) throws(Damage) {
    var rest = bytes
    while !rest.isEmpty {
      let key = try Self.takeVarint(&rest)
      guard key >> 3 > 0, let number = Int(exactly: key >> 3) else {
        throw Damage(message: "has a field without a number")
      }
      let value: Value
      switch key & 7 {
      case 0: value = .varint(try Self.takeVarint(&rest))
      case 1: value = .fixed64(try Self.takeFixed(&rest))
      case 2:
        let count = try Self.takeVarint(&rest)
        value = .bytes(try Self.take(&rest, Int(clamping: count)))
      case 5: value = .fixed32(try Self.takeFixed(&rest))
      default: throw Damage(message: "has a field of an unknown type (\(key & 7))")
      }
      fields.append((number, value))
    }
  }

  private static func take(_ rest: inout ArraySlice<UInt8>, _ count: Int) throws(Damage) -> ArraySlice<UInt8> {
    guard count <= rest.count else { throw Damage(message: "ends within a field: it is truncated") }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  private static func takeFixed<Number: FixedWidthInteger>(_ rest: inout ArraySlice<UInt8>) throws(Damage) -> Number {
    try take(&rest, Number.bitWidth / 8).reversed().reduce(0) { $0 << 8 | Number($1) }
  }

  private static func takeVarint(_ rest: inout ArraySlice<UInt8>) throws(Damage) -> UInt64 {
    var (result, shift) = (UInt64(0), UInt64(0))
    while let byte = rest.popFirst() {
      guard shift < 64 else { throw Damage(message: "has a number of more than 64 bits") }
      result |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return result }
      shift += 7
    }
    throw Damage(message: "ends within a number: it is truncated")
  }

  /// The nested messages of a field.
  func messages(_ number: Int) throws(Damage) -> [ProtobufMessage] {
    var result: [ProtobufMessage] = []
    for bytes in self.bytes(number) { result.append(try ProtobufMessage(bytes)) }
    return result
  }

  func bytes(_ number: Int) -> [ArraySlice<UInt8>] {
    fields.compactMap { field in
      guard field.number == number, case .bytes(let bytes) = field.value else { return nil }
      return bytes
    }
  }

  /// The texts of a field; of a field that stands once, the last one.
  func texts(_ number: Int) -> [String] { bytes(number).map { String(decoding: $0, as: UTF8.self) } }
  func text(_ number: Int) -> String { texts(number).last ?? "" }

  /// The integers of a field, packed or not.
  func integers(_ number: Int) throws(Damage) -> [Int64] {
    try numbers(
      number, packed: { (rest) throws(Damage) in Int64(bitPattern: try Self.takeVarint(&rest)) },
      single: { if case .varint(let value) = $0 { Int64(bitPattern: value) } else { nil } })
  }

  /// The numbers in single precision of a field, packed or not.
  func floats(_ number: Int) throws(Damage) -> [Float] {
    try numbers(
      number, packed: { (rest) throws(Damage) in Float(bitPattern: try Self.takeFixed(&rest)) },
      single: { if case .fixed32(let bits) = $0 { Float(bitPattern: bits) } else { nil } })
  }

  /// The numbers in double precision of a field, packed or not.
  func doubles(_ number: Int) throws(Damage) -> [Double] {
    try numbers(
      number, packed: { (rest) throws(Damage) in Double(bitPattern: try Self.takeFixed(&rest)) },
      single: { if case .fixed64(let bits) = $0 { Double(bitPattern: bits) } else { nil } })
  }

  /// - Parameters:
  ///   - packed: takes one from bytes in which they follow one another.
  ///   - single: the number of a field by itself; nil for fields of another type.
  private func numbers<Number>(
    _ number: Int, packed: (inout ArraySlice<UInt8>) throws(Damage) -> Number, single: (Value) -> Number?
  ) throws(Damage) -> [Number] {
    var result: [Number] = []
    for field in fields where field.number == number {
      if case .bytes(var rest) = field.value {
        while !rest.isEmpty { result.append(try packed(&rest)) }
      } else if let value = single(field.value) {
        result.append(value)
      } else {
        throw Damage(message: "has a field of another type than its number says")
      }
    }
    return result
  }
}

/// Writes a message field by field.
struct ProtobufWriter {
  private(set) var bytes: [UInt8] = []

  private mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func add(_ number: Int, _ value: Int) {
    append(varint: UInt64(number) << 3)
    append(varint: UInt64(bitPattern: Int64(value)))
  }

  mutating func add(_ number: Int, _ value: Float) {
    append(varint: UInt64(number) << 3 | 5)
    bytes.append(littleEndian: value.bitPattern)
  }

  mutating func add(_ number: Int, _ content: [UInt8]) {
    append(varint: UInt64(number) << 3 | 2)
    append(varint: UInt64(content.count))
    bytes += content
  }

  mutating func add(_ number: Int, _ text: String) { add(number, Array(text.utf8)) }

  /// A nested message.
  mutating func add(_ number: Int, _ body: (inout ProtobufWriter) -> Void) {
    var inner = ProtobufWriter()
    body(&inner)
    add(number, inner.bytes)
  }
}
