/// The pixels of images as a file has them: bytes, or single-precision numbers.
///
/// Images are `[channel, row, column]` each. They lie at equal distances, with whatever the file has between them, so that the
/// content of a file is used as it was read.
public struct StoredPixels: Sendable {
  package enum Content: Sendable {
    case bytes([UInt8])
    case numbers([Float])
  }

  package let content: Content
  public let size: MapSize
  public let count: Int
  /// Where the first image begins.
  let start: Int
  /// From one image to the next.
  let stride: Int

  /// - Parameters:
  ///   - start: where the first image begins in the content.
  ///   - stride: from one image to the next; nil if nothing is between them.
  /// - Precondition: the images are within the content.
  package init(_ content: Content, size: MapSize, count: Int, start: Int = 0, stride: Int? = nil) {
    let stride = stride ?? size.count
    let available =
      switch content {
      case .bytes(let bytes): bytes.count
      case .numbers(let numbers): numbers.count
      }
    precondition(size.count > 0 && count > 0 && start >= 0 && stride >= size.count, "images without pixels")
    precondition(start + (count - 1) * stride + size.count <= available, "images past the end")
    self.content = content
    self.size = size
    self.count = count
    self.start = start
    self.stride = stride
  }

  /// The first images; what is stored is shared.
  ///
  /// - Precondition: there are that many.
  package func prefix(_ count: Int) -> StoredPixels {
    precondition(count <= self.count, "more images than there are")
    return StoredPixels(content, size: size, count: count, start: start, stride: stride)
  }

  /// Mean and standard deviation of each channel over all images and positions; bytes count from 0 to 1.
  ///
  /// - Shape: `[channel]`
  /// - Units: of the pixels; the deviation is that of all pixels (divided by their number).
  /// - Complexity: O(pixels). Of bytes the sums are exact.
  public func channelMoments() -> (means: [Double], deviations: [Double]) {
    let moments =
      switch content {
      case .bytes(let bytes): bytes.withUnsafeBufferPointer(momentsOfBytes)
      case .numbers(let numbers): numbers.withUnsafeBufferPointer(momentsOfNumbers)
      }
    return (moments.map(\.mean), moments.map(\.deviation))
  }

  private typealias Moments = (mean: Double, deviation: Double)

  private func momentsOfBytes(_ bytes: UnsafeBufferPointer<UInt8>) -> [Moments] {
    let positions = size.positionCount
    return (0..<size.channels).map { channel in
      var sum: UInt64 = 0
      var sumOfSquares: UInt64 = 0
      for image in 0..<count {
        let first = start + image * stride + channel * positions
        // In 32 bits a loop over one map is fast, and 65 536 pixels do not overflow.
        for block in Swift.stride(from: first, to: first + positions, by: 1 << 16) {
          var part: (sum: UInt32, squares: UInt32) = (0, 0)
          for place in block..<min(block + 1 << 16, first + positions) {
            let value = UInt32(bytes[place])
            part.sum &+= value
            part.squares &+= value &* value
          }
          sum += UInt64(part.sum)
          sumOfSquares += UInt64(part.squares)
        }
      }
      let number = Double(count * positions)
      let mean = Double(sum) / number
      // n sum(x^2) - sum(x)^2 without cancellation.
      let (above, below) = (
        UInt64(count * positions).multipliedFullWidth(by: sumOfSquares), sum.multipliedFullWidth(by: sum)
      )
      let (low, borrow) = above.low.subtractingReportingOverflow(below.low)
      let high = above.high - below.high - (borrow ? 1 : 0)
      let variance = (Double(high) * 0x1p64 + Double(low)) / (number * number)
      return (mean / 255, variance.squareRoot() / 255)
    }
  }

  private func momentsOfNumbers(_ numbers: UnsafeBufferPointer<Float>) -> [Moments] {
    let positions = size.positionCount
    let number = Double(count * positions)
    return (0..<size.channels).map { channel in
      func sum(_ term: (Double) -> Double) -> Double {
        var result = 0.0
        for image in 0..<count {
          let first = start + image * stride + channel * positions
          for place in first..<first + positions { result += term(Double(numbers[place])) }
        }
        return result
      }
      let mean = sum { $0 } / number
      return (mean, (sum { ($0 - mean) * ($0 - mean) } / number).squareRoot())
    }
  }
}
