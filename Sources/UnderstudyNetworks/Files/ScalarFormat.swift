/// How real numbers are stored in a file, always lowest byte first.
enum ScalarFormat: Hashable {
  case float64, float32, float16, bfloat16, boolean
  case signed(byteCount: Int)
  case unsigned(byteCount: Int)

  /// By NumPy's name of an element type, such as `<f8`; nil if its elements are no real numbers, or their highest byte is
  /// first. (Of one byte NumPy says `|`: there is no order.)
  init?(numpy name: String) {
    guard let order = name.first, order == "<" || order == "|" else { return nil }
    switch (name.dropFirst(), order) {
    case ("f8", "<"): self = .float64
    case ("f4", "<"): self = .float32
    case ("f2", "<"): self = .float16
    case ("b1", _): self = .boolean
    case ("i1", _): self = .signed(byteCount: 1)
    case ("u1", _): self = .unsigned(byteCount: 1)
    case ("i2", "<"), ("i4", "<"), ("i8", "<"): self = .signed(byteCount: name.last?.wholeNumberValue ?? 8)
    case ("u2", "<"), ("u4", "<"), ("u8", "<"): self = .unsigned(byteCount: name.last?.wholeNumberValue ?? 8)
    default: return nil
    }
  }

  /// By the `dtype` of a tensor in a safetensors file.
  init?(safetensors name: String) {
    switch name {
    case "F64": self = .float64
    case "F32": self = .float32
    case "F16": self = .float16
    case "BF16": self = .bfloat16
    case "BOOL": self = .boolean
    case "I8", "I16", "I32", "I64": self = .signed(byteCount: (Int(name.dropFirst()) ?? 64) / 8)
    case "U8", "U16", "U32", "U64": self = .unsigned(byteCount: (Int(name.dropFirst()) ?? 64) / 8)
    default: return nil
    }
  }

  var byteCount: Int {
    switch self {
    case .float64: 8
    case .float32: 4
    case .float16, .bfloat16: 2
    case .boolean: 1
    case .signed(let byteCount), .unsigned(let byteCount): byteCount
    }
  }

  var isInteger: Bool {
    switch self {
    case .signed, .unsigned: true
    case .float64, .float32, .float16, .bfloat16, .boolean: false
    }
  }

  /// `count` numbers from `offset` on. Every narrower format is exact in `Double`; integers beyond 2^53 are rounded to the
  /// nearest, as by NumPy's `astype`.
  ///
  /// - Precondition: there are that many bytes.
  func values(in bytes: [UInt8], at offset: Int, count: Int) -> [Double] {
    precondition(offset >= 0 && count >= 0 && bytes.count - offset >= count * byteCount)
    return (0..<count).map { number(in: bytes, at: offset + $0 * byteCount) }
  }

  /// The same in single precision, rounded to the nearest.
  ///
  /// - Precondition: as of ``values(in:at:count:)``.
  func singlePrecisionValues(in bytes: [UInt8], at offset: Int, count: Int) -> [Float] {
    precondition(offset >= 0 && count >= 0 && bytes.count - offset >= count * byteCount)
    return (0..<count).map { Float(number(in: bytes, at: offset + $0 * byteCount)) }
  }

  private func number(in bytes: [UInt8], at place: Int) -> Double {
    switch self {
    case .float64: Double(bitPattern: bytes.integer(at: place, as: UInt64.self))
    case .float32: Double(Float(bitPattern: bytes.integer(at: place, as: UInt32.self)))
    case .float16: halfPrecision(bytes.integer(at: place, as: UInt16.self))
    case .bfloat16: Double(Float(bitPattern: UInt32(bytes.integer(at: place, as: UInt16.self)) << 16))
    case .boolean: bytes[place] == 0 ? 0 : 1
    case .signed: Double(signedInteger(in: bytes, at: place))
    case .unsigned: Double(unsignedInteger(in: bytes, at: place))
    }
  }

  /// `count` integers from `offset` on, the greatest for those above it.
  ///
  /// - Precondition: the format is of integers, and there are that many bytes.
  func integers(in bytes: [UInt8], at offset: Int, count: Int) -> [Int64] {
    precondition(isInteger && offset >= 0 && count >= 0 && bytes.count - offset >= count * byteCount)
    return (0..<count).map { i in
      let place = offset + i * byteCount
      if case .signed = self { return signedInteger(in: bytes, at: place) }
      return Int64(clamping: unsignedInteger(in: bytes, at: place))
    }
  }

  private func unsignedInteger(in bytes: [UInt8], at place: Int) -> UInt64 {
    switch byteCount {
    case 1: UInt64(bytes[place])
    case 2: UInt64(bytes.integer(at: place, as: UInt16.self))
    case 4: UInt64(bytes.integer(at: place, as: UInt32.self))
    default: bytes.integer(at: place, as: UInt64.self)
    }
  }

  private func signedInteger(in bytes: [UInt8], at place: Int) -> Int64 {
    // The sign is the highest bit that is there.
    let unused = 64 - 8 * byteCount
    return Int64(bitPattern: unsignedInteger(in: bytes, at: place) << UInt64(unused)) >> Int64(unused)
  }
}

/// IEEE 754 binary16: 1 sign bit, 5 of exponent, 10 of fraction. (`Float16` is missing on some platforms.)
private func halfPrecision(_ bits: UInt16) -> Double {
  let exponent = Int(bits >> 10 & 0x1F)
  let fraction = Double(bits & 0x3FF)
  let magnitude: Double
  switch exponent {
  case 0: magnitude = fraction * 0x1p-24
  case 31: magnitude = fraction == 0 ? .infinity : .nan
  default: magnitude = Double(sign: .plus, exponent: exponent - 15, significand: 1 + fraction * 0x1p-10)
  }
  return bits >> 15 == 0 ? magnitude : -magnitude
}
