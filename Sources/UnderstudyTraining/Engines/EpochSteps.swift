import UnderstudyNumerics

/// How far a trainer is in an epoch, and the batches that are left of it.
///
/// Batches are drawn some steps at a time, so that an epoch takes no memory that grows with its steps.
public struct EpochSteps: Sendable {
  /// From 1.
  public let epoch: Int
  /// Steps of the epoch that were taken.
  public fileprivate(set) var count: Int
  fileprivate var batches: EpochBatches?
  /// Steps between two polls, found by doubling.
  fileprivate var stride = 16
}

extension Trainer {
  /// The beginning of an epoch, counted from 1, or what is left of it.
  ///
  /// - Parameter count: steps of the epoch that were taken.
  /// - Complexity: O(samples of the steps that were taken).
  public func steps(ofEpoch epoch: Int, sampleCount: Int, after count: Int = 0) -> EpochSteps {
    var steps = EpochSteps(epoch: epoch, count: count)
    if case .stochastic(let batchSize) = plan.method {
      var drawn = batches.batches(
        epoch: epoch, stepCount: plan.stepsPerEpoch, batchSize: batchSize, sampleCount: sampleCount)
      let stepsAtOnce = max(1, drawnAtOnce / batchSize)
      for first in stride(from: 0, to: count, by: stepsAtOnce) {
        _ = drawn.next(min(stepsAtOnce, count - first) * batchSize)
      }
      steps.batches = drawn
    }
    return steps
  }

  /// Takes steps of an epoch up to one of them. Where an epoch is cut changes no bit of it.
  ///
  /// Between polls are as many steps as take some 20 ms, found by doubling. Steps follow one another anyway, so their bits do
  /// not depend on it.
  ///
  /// - Parameters:
  ///   - end: steps of the epoch that are then taken, at most `stepsPerEpoch` of the plan.
  ///   - isCancelled: what it answers changes no step that is taken.
  /// - Returns: false if it was cancelled on the way.
  public func take(
    _ steps: inout EpochSteps, upTo end: Int, on samples: PackedSamples<Scalar>, isCancelled: () -> Bool
  ) -> Bool {
    let rule = plan.rule(epoch: steps.epoch)
    var longestStride = Int.max
    if case .stochastic(let batchSize) = plan.method { longestStride = max(1, drawnAtOnce / batchSize) }
    while steps.count < end {
      epochShare = Double(steps.count) / Double(plan.stepsPerEpoch)
      if isCancelled() { return false }
      let count = min(steps.stride, longestStride, end - steps.count)
      let start = ContinuousClock.now
      switch plan.method {
      case .stochastic(let batchSize):
        engine.train(
          on: samples, batches: steps.batches?.next(count * batchSize) ?? [], batchSize: batchSize, rule: rule)
      case .fullBatch:
        for _ in 0..<count { engine.descend(on: samples, rule: rule) }
      case .expectedFlow: preconditionFailure("the flow has no steps")
      }
      let isWhole = count == min(steps.stride, longestStride)
      if isWhole, ContinuousClock.now - start < .milliseconds(20), steps.stride < longestStride { steps.stride *= 2 }
      steps.count += count
    }
    return true
  }
}

/// Sample indices that are drawn at a time at most, unless a single batch has more.
private let drawnAtOnce = 1 << 20
