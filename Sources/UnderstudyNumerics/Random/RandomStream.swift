import CUnderstudyKernels

/// What random numbers are drawn for. Each purpose of a run has streams of its own, so that drawing more for one never
/// moves another.
public enum RandomPurpose: UInt32, Sendable {
  /// Of every hidden layer, by its index.
  case teacherHiddenLayers = 1
  case teacherOutputLayer = 2
  /// Of every hidden layer, by its index.
  case studentHiddenLayers = 3
  case studentOutputLayer = 4
  case trainingInputs = 5
  case evaluationInputs = 6
  case batches = 7
  case outputNoise = 8
  case boundaryOffsets = 9
  case criticalPoints = 10
  case inputSubspace = 11
  case hyperplanes = 12
  case calibrationInputs = 13
  /// Samples that are held out.
  case heldOut = 15
  /// How images are moved and mirrored, by the epoch.
  case imageAugmentation = 16
  /// Inputs that fill a region, of an analysis.
  case regionInputs = 17
  /// For tests.
  case test = 0xFFFF
}

/// A stream of random numbers from Philox4x32-10 (Salmon et al., SC 2011), a counter-based generator.
///
/// A number is a function of (key, purpose, index, position) alone, so what a run draws does not depend on threads, on
/// other runs, or on having been interrupted. `index` numbers the streams of one purpose (an epoch, for example).
/// Uniform integers are the high bits of a product and carry a bias below `bound / 2^32`.
public struct RandomStream: Sendable {
  public let key: UInt64
  public let purpose: RandomPurpose
  public let index: UInt32
  /// Position of the next 32-bit word.
  private var position: UInt64 = 0

  public init(key: UInt64, purpose: RandomPurpose, index: Int = 0) {
    self.key = key
    self.purpose = purpose
    self.index = UInt32(truncatingIfNeeded: index)
  }

  /// The next `count` words.
  public mutating func words(_ count: Int) -> [UInt32] {
    defer { position += UInt64(count) }
    return [UInt32](unsafeUninitializedCapacity: count) { buffer, initialized in
      us_philox_words(key, purpose.rawValue, index, position, Int64(count), buffer.baseAddress)
      initialized = count
    }
  }

  /// Passes over words. O(1).
  ///
  /// - Precondition: `count` is not negative.
  public mutating func skip(_ count: Int) { position += UInt64(count) }

  /// The next `count` integers of `0 ..< bound`.
  public mutating func integers(_ count: Int, below bound: Int) -> [UInt32] {
    precondition(bound > 0 && bound <= Int(UInt32.max))
    var result = words(count)
    for i in result.indices { result[i] = UInt32((UInt64(result[i]) * UInt64(bound)) >> 32) }
    return result
  }

  /// `0 ..< count` in a random order, by Fisher and Yates's shuffle: `count - 1` words.
  ///
  /// - Complexity: O(count).
  public mutating func permutation(_ count: Int) -> [UInt32] {
    precondition(count > 0 && count <= Int(UInt32.max))
    var result = Array(0..<UInt32(count))
    for (word, last) in zip(words(count - 1), (1..<count).reversed()) {
      result.swapAt(last, Int((UInt64(word) * UInt64(last + 1)) >> 32))
    }
    return result
  }

  /// The next `count` numbers of the open interval (0, 1).
  public mutating func uniforms(_ count: Int) -> [Double] {
    let words = words(2 * count)
    return (0..<count).map { i in
      let bits = (UInt64(words[2 * i + 1]) << 32 | UInt64(words[2 * i])) >> 12
      return (Double(bits) + 0.5) * 0x1p-52
    }
  }

  /// The next `count` normal numbers of mean 0 (Box-Muller, so an odd count leaves one unused).
  public mutating func normals(_ count: Int, standardDeviation: Double) -> [Double] {
    position = (position + 3) / 4 * 4
    defer { position += UInt64((count + 1) / 2 * 4) }
    return [Double](unsafeUninitializedCapacity: count) { buffer, initialized in
      us_philox_normals(
        key, purpose.rawValue, index, position / 4, Int64(count), standardDeviation, buffer.baseAddress)
      initialized = count
    }
  }

  /// A matrix of independent normal numbers of mean 0.
  ///
  /// - Shape: `[rowCount, columnCount]`.
  public mutating func normalMatrix(rowCount: Int, columnCount: Int, standardDeviation: Double) -> Matrix {
    Matrix(
      rowCount: rowCount, columnCount: columnCount,
      values: normals(rowCount * columnCount, standardDeviation: standardDeviation))
  }
}
