/// The order of the samples in SGD, step by step.
public struct Batches: Sendable, Hashable {
  public let stepCount: Int
  public let batchSize: Int
  /// `[step, batch]`, row-major: `stepCount * batchSize` sample numbers from 0.
  public let indices: [UInt32]

  /// - Precondition: `indices.count == stepCount * batchSize`.
  public init(stepCount: Int, batchSize: Int, indices: [UInt32]) {
    precondition(indices.count == stepCount * batchSize)
    self.stepCount = stepCount
    self.batchSize = batchSize
    self.indices = indices
  }
}
