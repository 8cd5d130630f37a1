import UnderstudyNumerics

/// How far a trainer is in an epoch, and the batches that are left of it.
///
/// Batches are drawn some steps at a time, so that an epoch takes no memory that grows with its steps.
public struct EpochSteps: Sendable {
  /// From 1.
  public let epoch: Int
  /// Steps of the epoch that were taken.
  public fileprivate(set) var count: Int
  /// Of gradient flow, which takes all steps of an epoch as one: where it is within them; nil elsewhere, and at either end.
  public fileprivate(set) var flowPlace: IntegrationPlace?
  fileprivate var batches: EpochBatches?
  /// Whether some of the epoch is done, and some left.
  public func isUnderWay(of stepsPerEpoch: Int) -> Bool { flowPlace != nil || count > 0 && count < stepsPerEpoch }

  /// Steps between two polls, found by doubling.
  fileprivate var stride = 16
}

extension Trainer {
  /// The beginning of an epoch, counted from 1, or what is left of it.
  ///
  /// - Parameters:
  ///   - count: steps of the epoch that were taken.
  ///   - flowPlace: where gradient flow is in the epoch.
  /// - Complexity: O(samples of the steps that were taken).
  public func steps(
    ofEpoch epoch: Int, sampleCount: Int, after count: Int = 0, flowPlace: IntegrationPlace? = nil
  ) -> EpochSteps {
    var steps = EpochSteps(epoch: epoch, count: count, flowPlace: flowPlace)
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
  ///   - end: steps of the epoch that are then taken, at most `stepsPerEpoch` of the plan; of gradient flow, all.
  ///   - isCancelled: what it answers changes no step that is taken.
  /// - Returns: false if it was cancelled on the way.
  public func take(
    _ steps: inout EpochSteps, upTo end: Int, on samples: PackedSamples<Scalar>, isCancelled: () -> Bool
  ) -> Bool {
    let rule = plan.rule(epoch: steps.epoch)
    if case .expectedFlow(let objective) = plan.method {
      guard follow(objective, rule: rule, from: &steps.flowPlace, isCancelled: isCancelled) else { return false }
      steps.count = plan.stepsPerEpoch
      return true
    }
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
