/// How real numbers are stored in a file, always lowest byte first.
enum ScalarFormat {
  case float64, float32, float16, bfloat16

  var byteCount: Int {
    switch self {
    case .float64: 8
    case .float32: 4
    case .float16, .bfloat16: 2
    }
  }

  /// `count` numbers from `offset` on. Every narrower format is exact in `Double`.
  ///
  /// - Precondition: there are that many bytes.
  func values(in bytes: [UInt8], at offset: Int, count: Int) -> [Double] {
    precondition(offset >= 0 && count >= 0 && bytes.count - offset >= count * byteCount)
    return (0..<count).map { i in
      let place = offset + i * byteCount
      return switch self {
      case .float64: Double(bitPattern: bytes.integer(at: place, as: UInt64.self))
      case .float32: Double(Float(bitPattern: bytes.integer(at: place, as: UInt32.self)))
      case .float16: halfPrecision(bytes.integer(at: place, as: UInt16.self))
      case .bfloat16: Double(Float(bitPattern: UInt32(bytes.integer(at: place, as: UInt16.self)) << 16))
      }
    }
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
