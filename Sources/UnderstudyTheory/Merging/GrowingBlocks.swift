import UnderstudyNumerics

/// Ranges of samples that grow from 16 to 1024: for what mostly fails on the first few.
struct GrowingBlocks: Sequence, IteratorProtocol {
  private let samples: Matrix
  private var first = 0

  init(_ samples: Matrix) { self.samples = samples }

  /// Some rows, and which these are.
  mutating func next() -> (rows: Matrix, range: Range<Int>)? {
    guard first < samples.rowCount else { return nil }
    let range = first..<first + Swift.min(Swift.max(16, first), 1024, samples.rowCount - first)
    first = range.upperBound
    return (samples.rows(range), range)
  }
}
