import COpenBLAS

/// Sums over images and positions of the channels of two maps, and of their products: what correlations are made of.
///
/// Products of a batch are added in single precision, those of batches in double.
public struct ChannelSums: Sendable {
  /// `[channel]`
  public private(set) var firstSums: [Double]
  public private(set) var secondSums: [Double]
  public private(set) var firstSquares: [Double]
  public private(set) var secondSquares: [Double]
  /// `[channel of the first, channel of the second]`
  public private(set) var products: Matrix
  /// Images times positions.
  public private(set) var sampleCount = 0

  public init(firstCount: Int, secondCount: Int) {
    firstSums = [Double](repeating: 0, count: firstCount)
    secondSums = [Double](repeating: 0, count: secondCount)
    (firstSquares, secondSquares) = (firstSums, secondSums)
    products = Matrix(rowCount: firstCount, columnCount: secondCount)
  }

  /// Adds the maps of some images.
  ///
  /// - Shape: both `[image, channel, position]`, with `imageCount` images at least.
  /// - Complexity: O(images x positions x channels of both, multiplied).
  public mutating func add(_ first: [Float], _ second: [Float], imageCount: Int, positionCount: Int) {
    let (m, n, p) = (firstSums.count, secondSums.count, positionCount)
    precondition(first.count >= imageCount * m * p && second.count >= imageCount * n * p, "maps of other sizes")
    var batch = [Float](repeating: 0, count: m * n)
    first.withUnsafeBufferPointer { first in
      second.withUnsafeBufferPointer { second in
        guard let a = first.baseAddress, let b = second.baseAddress else { return }
        for image in 0..<imageCount {
          cblas_sgemm(
            CblasRowMajor, CblasNoTrans, CblasTrans, blasint(m), blasint(n), blasint(p), 1, a + image * m * p,
            blasint(p), b + image * n * p, blasint(p), image == 0 ? 0 : 1, &batch, blasint(n))
        }
      }
    }
    for (place, value) in batch.enumerated() { products.values[place] += Double(value) }
    Self.add(first, imageCount: imageCount, positionCount: p, sums: &firstSums, squares: &firstSquares)
    Self.add(second, imageCount: imageCount, positionCount: p, sums: &secondSums, squares: &secondSquares)
    sampleCount += imageCount * p
  }

  private static func add(
    _ map: [Float], imageCount: Int, positionCount: Int, sums: inout [Double], squares: inout [Double]
  ) {
    map.withUnsafeBufferPointer { map in
      for image in 0..<imageCount {
        for channel in sums.indices {
          let start = (image * sums.count + channel) * positionCount
          var (sum, square): (Float, Float) = (0, 0)
          for value in map[start..<start + positionCount] {
            sum += value
            square += value * value
          }
          sums[channel] += Double(sum)
          squares[channel] += Double(square)
        }
      }
    }
  }
}
