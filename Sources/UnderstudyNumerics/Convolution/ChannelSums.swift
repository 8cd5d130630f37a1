import COpenBLAS

/// Sums over images and positions of the channels of two maps, and of their products: what correlations are made of.
///
/// They are of differences from each channel's mean over the first image. So they are nearly central, and a channel that varies
/// little beside its mean loses no digits. Products of a batch are added in single precision, those of batches in double.
public struct ChannelSums: Sendable {
  /// Of one of the maps.
  public struct Channels: Sendable {
    /// What is subtracted, `[channel]`.
    private(set) var shifts: [Float] = []
    /// Of the differences, `[channel]`.
    public private(set) var sums: [Double]
    private(set) var squares: [Double]

    init(count: Int) {
      sums = [Double](repeating: 0, count: count)
      squares = sums
    }

    /// Sums of squared deviations from the mean, `[channel]`.
    ///
    /// - Parameter count: images times positions.
    public func squaredDeviations(count: Int) -> [Double] {
      zip(sums, squares).map { max(0, $1 - $0 * $0 / Double(max(1, count))) }
    }

    /// Sums of the squares of the channels themselves, `[channel]`.
    public func wholeSquares(count: Int) -> [Double] {
      squaredDeviations(count: count).enumerated().map { channel, deviation in
        let sum = sums[channel] + Double(count) * Double(shifts.isEmpty ? 0 : shifts[channel])
        return deviation + sum * sum / Double(max(1, count))
      }
    }

    /// - Shape: `map` is `[channel, position]`, of the first image.
    mutating func setShifts(_ map: UnsafePointer<Float>, positionCount: Int) {
      shifts = sums.indices.map { channel in
        let values = UnsafeBufferPointer(start: map + channel * positionCount, count: positionCount)
        return Float(values.reduce(0.0) { $0 + Double($1) } / Double(positionCount))
      }
    }

    /// Adds the map of an image, and leaves its differences.
    ///
    /// - Shape: both `[channel, position]`.
    mutating func add(
      _ map: UnsafePointer<Float>, positionCount: Int, leaving differences: UnsafeMutablePointer<Float>
    ) {
      for channel in sums.indices {
        let (start, shift) = (channel * positionCount, shifts[channel])
        var (sum, square): (Float, Float) = (0, 0)
        for place in start..<start + positionCount {
          let difference = map[place] - shift
          differences[place] = difference
          sum += difference
          square += difference * difference
        }
        sums[channel] += Double(sum)
        squares[channel] += Double(square)
      }
    }
  }

  public private(set) var first: Channels
  public private(set) var second: Channels
  /// Of the differences, `[channel of the first, channel of the second]`.
  private var products: Matrix
  /// Images times positions.
  public private(set) var sampleCount = 0

  public init(firstCount: Int, secondCount: Int) {
    (first, second) = (Channels(count: firstCount), Channels(count: secondCount))
    products = Matrix(rowCount: firstCount, columnCount: secondCount)
  }

  /// The sum over all samples of the product of two channels' deviations from their means.
  public func codeviation(_ j: Int, _ k: Int) -> Double {
    products[j, k] - first.sums[j] * second.sums[k] / Double(max(1, sampleCount))
  }

  /// Adds the maps of some images.
  ///
  /// - Shape: both `[image, channel, position]`, with `imageCount` images at least.
  /// - Complexity: O(images x positions x channels of both, multiplied).
  public mutating func add(_ first: [Float], _ second: [Float], imageCount: Int, positionCount p: Int) {
    let (m, n) = (self.first.sums.count, self.second.sums.count)
    precondition(first.count >= imageCount * m * p && second.count >= imageCount * n * p, "maps of other sizes")
    var batch = [Float](repeating: 0, count: m * n)
    let differences = AlignedBuffer<Float>(count: (m + n) * p)
    first.withUnsafeBufferPointer { first in
      second.withUnsafeBufferPointer { second in
        guard let a = first.baseAddress, let b = second.baseAddress else { return }
        if sampleCount == 0, imageCount > 0 {
          self.first.setShifts(a, positionCount: p)
          self.second.setShifts(b, positionCount: p)
        }
        let (left, right) = (differences.start, differences.start + m * p)
        for image in 0..<imageCount {
          self.first.add(a + image * m * p, positionCount: p, leaving: left)
          self.second.add(b + image * n * p, positionCount: p, leaving: right)
          cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, blasint(m), blasint(n), blasint(p), 1, left, blasint(p), right,
            blasint(p), image == 0 ? 0 : 1, &batch, blasint(n))
        }
      }
    }
    for (place, value) in batch.enumerated() { products.values[place] += Double(value) }
    sampleCount += imageCount * p
  }
}
