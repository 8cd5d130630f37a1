/// What the header of an `.npy` file says about its array.
///
/// The format: `\x93NUMPY`, two bytes of version, the length of the header (2 bytes in version 1, 4 in 2 and 3, lowest
/// first), a Python dictionary with the keys `descr`, `fortran_order` and `shape`, the elements.
/// Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
struct ArrayHeader: Equatable {
  /// NumPy's name of the element type, such as `<f8`; nil if elements are records.
  var elementType: String?
  var isColumnMajor: Bool
  var shape: [Int]
  /// Where the elements begin in the file.
  var dataStart: Int

  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  init(_ bytes: [UInt8], name: String) throws(FileError) {
    func error(_ message: String) -> FileError { FileError(path: name, message: message) }
    try FileKind.check(bytes, is: .array, name: name)
    guard bytes.starts(with: Self.magic) else {
      throw error("is not an .npy file; write it with numpy.save")
    }
    guard bytes.count >= 12 else { throw error("is truncated in its header; write or copy it anew") }
    let (major, minor) = (bytes[6], bytes[7])
    guard (1...3).contains(major), minor == 0 else {
      throw error("has version \(major).\(minor) of the .npy format; write version 1.0, 2.0 or 3.0")
    }
    let textStart = major == 1 ? 10 : 12
    let length =
      major == 1 ? Int(bytes.integer(at: 8, as: UInt16.self)) : Int(bytes.integer(at: 8, as: UInt32.self))
    guard length <= bytes.count - textStart else {
      throw error(
        "is truncated: its header should have \(length) bytes, and \(bytes.count - textStart) follow; "
          + "write or copy it anew")
    }
    dataStart = textStart + length
    var parser = PythonDictionary(Array(bytes.dropFirst(textStart).prefix(length)))
    guard let fields = parser.parse(), fields.count == 3, let type = fields["descr"],
      case .boolean(let isColumnMajor)? = fields["fortran_order"], case .integers(let shape)? = fields["shape"]
    else {
      throw error("has a damaged header; write it anew with numpy.save")
    }
    self.isColumnMajor = isColumnMajor
    self.shape = shape
    switch type {
    case .text(let name): elementType = name
    case .list: elementType = nil
    default: throw error("has a damaged element type; write it anew with numpy.save")
    }
  }
}

/// The few Python literals of which `.npy` headers are made.
private struct PythonDictionary {
  enum Value {
    case text(String)
    case boolean(Bool)
    case integers([Int])
    /// A list, whatever is in it: the type of records.
    case list
  }

  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The dictionary that the bytes are, padded with white space; nil if they are none. O(bytes).
  mutating func parse() -> [String: Value]? {
    var result: [String: Value] = [:]
    guard take("{") else { return nil }
    while !take("}") {
      guard let key = text(), take(":"), let value = value(), result.updateValue(value, forKey: key) == nil else {
        return nil
      }
      guard take(",") || next == UInt8(ascii: "}") else { return nil }
    }
    return next == nil ? result : nil
  }

  /// The next byte that is not white space.
  private var next: UInt8? {
    mutating get {
      while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) { position += 1 }
      return position < bytes.count ? bytes[position] : nil
    }
  }

  private mutating func take(_ word: StaticString) -> Bool {
    let wanted = Array("\(word)".utf8)
    guard next != nil, bytes[position...].starts(with: wanted) else { return false }
    position += wanted.count
    return true
  }

  private mutating func text() -> String? {
    guard let quote = next, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else { return nil }
    guard let end = bytes[(position + 1)...].firstIndex(of: quote) else { return nil }
    defer { position = end + 1 }
    let content = bytes[(position + 1)..<end]
    return content.contains(UInt8(ascii: "\\")) ? nil : String(bytes: content, encoding: .utf8)
  }

  private mutating func value() -> Value? {
    if take("True") { return .boolean(true) }
    if take("False") { return .boolean(false) }
    switch next {
    case UInt8(ascii: "("): return tuple().map(Value.integers)
    case UInt8(ascii: "["): return skipList() ? .list : nil
    default: return text().map(Value.text)
    }
  }

  private mutating func tuple() -> [Int]? {
    guard take("(") else { return nil }
    var result: [Int] = []
    while !take(")") {
      guard let first = next, (0x30...0x39).contains(first) else { return nil }
      let digits = bytes[position...].prefix { (0x30...0x39).contains($0) }
      // As in Python, `030` is no number.
      guard digits.count == 1 || first != 0x30, let number = Int(String(decoding: digits, as: UTF8.self)) else {
        return nil
      }
      position = digits.endIndex
      result.append(number)
      guard take(",") || next == UInt8(ascii: ")") else { return nil }
    }
    return result
  }

  /// Passes over a list with its nested lists and tuples.
  private mutating func skipList() -> Bool {
    var depth = 0
    repeat {
      switch next {
      case UInt8(ascii: "["), UInt8(ascii: "("): depth += 1
      case UInt8(ascii: "]"), UInt8(ascii: ")"): depth -= 1
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        guard text() != nil else { return false }
        continue
      case nil: return false
      default: break
      }
      position += 1
    } while depth > 0
    return true
  }
}
