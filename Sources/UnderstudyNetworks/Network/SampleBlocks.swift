import UnderstudyNumerics

/// Samples that measurements take at a time: a multiple of every vector width, small enough for the cache.
public let sampleBlockWidth = 64

/// Some samples as columns, `[feature, sample]`; those past `validCount` are 0 and must not be counted.
public struct SampleBlock: Sendable {
  public let inputs: Matrix
  /// Index of the first sample.
  public let first: Int
  public let validCount: Int
}

/// The samples of a data set, a block at a time: measurements stream over them and hold no activations.
public struct SampleBlockSequence: Sequence, IteratorProtocol {
  private let inputs: Matrix
  private var position = 0

  /// The blocks of a data set, from its first sample.
  ///
  /// - Shape: `inputs` is `[sample, feature]`.
  public init(_ inputs: Matrix) { self.inputs = inputs }

  public mutating func next() -> SampleBlock? {
    guard position < inputs.rowCount else { return nil }
    defer { position += sampleBlockWidth }
    return SampleBlock(
      inputs: inputs.transposedBlock(first: position, count: sampleBlockWidth), first: position,
      validCount: Swift.min(sampleBlockWidth, inputs.rowCount - position))
  }
}
