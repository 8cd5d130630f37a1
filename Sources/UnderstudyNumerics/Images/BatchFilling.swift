/// Copies images into batches: normalised, and moved and mirrored if asked for.
public struct BatchFilling: Sendable {
  /// How an image is moved and mirrored.
  public struct Move: Sendable, Hashable {
    /// The row and column of the stored image that come to the upper left corner; may be negative.
    public var firstRow: Int
    public var firstColumn: Int
    /// Left and right change places, after the move.
    public var isFlipped: Bool

    public init(firstRow: Int = 0, firstColumn: Int = 0, isFlipped: Bool = false) {
      self.firstRow = firstRow
      self.firstColumn = firstColumn
      self.isFlipped = isFlipped
    }
  }

  private let pixels: StoredPixels
  /// Of each channel, what its pixels are multiplied with, and what is then added.
  private let scales: [Float]
  private let shifts: [Float]
  /// `[channel, byte]`: the normalised values of all bytes; empty where pixels are numbers.
  private let table: [Float]

  /// Pixels become `(pixel - mean) / deviation`; bytes are divided by 255 before.
  ///
  /// - Shape: `means` and `deviations` are `[channel]`.
  /// - Precondition: as many as channels, and positive deviations.
  public init(_ pixels: StoredPixels, means: [Double], deviations: [Double]) {
    precondition(
      means.count == pixels.size.channels && deviations.count == means.count, "a mean and deviation a channel")
    precondition(deviations.allSatisfy { $0 > 0 }, "deviations are positive")
    self.pixels = pixels
    scales = deviations.map { Float(1 / $0) }
    shifts = zip(means, deviations).map { Float(-$0 / $1) }
    table =
      switch pixels.content {
      case .bytes:
        zip(means, deviations).flatMap { mean, deviation in
          (0...255).map { Float((Double($0) / 255 - mean) / deviation) }
        }
      case .numbers: []
      }
  }

  /// Fills a place of a batch with an image. What comes from outside of the stored image is a pixel of 0, black.
  ///
  /// - Shape: `buffer` is `[image, channel, row, column]`.
  /// - Precondition: the buffer has the place, and the set the image.
  /// - Complexity: O(pixels of an image).
  public func fill(_ buffer: inout [Float], place: Int, image: Int, move: Move = Move()) {
    let size = pixels.size
    precondition(image >= 0 && image < pixels.count, "no such image")
    precondition(place >= 0 && (place + 1) * size.count <= buffer.count, "the image does not fit its place")
    let source = pixels.start + image * pixels.stride
    buffer.withUnsafeMutableBufferPointer { buffer in
      guard let target = buffer.baseAddress?.advanced(by: place * size.count) else { return }
      switch pixels.content {
      case .bytes(let bytes):
        bytes.withUnsafeBufferPointer { bytes in
          table.withUnsafeBufferPointer { table in
            fillMaps(target, bytes, from: source, move) { table[$0 << 8 | Int($1)] }
          }
        }
      case .numbers(let numbers):
        numbers.withUnsafeBufferPointer { numbers in
          scales.withUnsafeBufferPointer { scales in
            shifts.withUnsafeBufferPointer { shifts in
              fillMaps(target, numbers, from: source, move) { $1 * scales[$0] + shifts[$0] }
            }
          }
        }
      }
    }
  }

  @inline(__always)
  private func fillMaps<Pixel: ExpressibleByIntegerLiteral>(
    _ target: UnsafeMutablePointer<Float>, _ stored: UnsafeBufferPointer<Pixel>, from source: Int, _ move: Move,
    normalized: (_ channel: Int, Pixel) -> Float
  ) {
    let (rows, columns) = (pixels.size.rows, pixels.size.columns)
    // Columns of the result that come from the stored image, before it is mirrored.
    let first = min(max(0, -move.firstColumn), columns)
    let end = max(first, min(columns, columns - move.firstColumn))
    for channel in 0..<pixels.size.channels {
      let black = normalized(channel, 0)
      for row in 0..<rows {
        let line = target + (channel * rows + row) * columns
        let storedRow = row + move.firstRow
        guard storedRow >= 0, storedRow < rows else {
          line.update(repeating: black, count: columns)
          continue
        }
        let storedLine = source + (channel * rows + storedRow) * columns + move.firstColumn
        if move.isFlipped {
          for column in 0..<first { line[columns - 1 - column] = black }
          for column in first..<end { line[columns - 1 - column] = normalized(channel, stored[storedLine + column]) }
          for column in end..<columns { line[columns - 1 - column] = black }
        } else {
          for column in 0..<first { line[column] = black }
          for column in first..<end { line[column] = normalized(channel, stored[storedLine + column]) }
          for column in end..<columns { line[column] = black }
        }
      }
    }
  }
}
