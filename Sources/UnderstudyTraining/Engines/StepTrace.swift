import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema

extension Trainer {
  /// Takes the steps of an epoch, counted from 1, one by one, and says which of them is the first that does not leave everything
  /// finite. The steps have the bits of ``train(epoch:on:)``.
  ///
  /// - Parameters:
  ///   - end: steps of the epoch to take; nil: all.
  ///   - reason: what is said of the last step if every step leaves everything finite.
  /// - Returns: nil if it was cancelled.
  /// - Complexity: up to twice that of the epoch, as the loss is computed before each step.
  public func trace(
    epoch: Int, upTo end: Int? = nil, on samples: Dataset, otherwise reason: String, isCancelled: () -> Bool
  ) -> Divergence? {
    let rule = plan.rule(epoch: epoch)
    var drawn: EpochBatches?
    if case .stochastic(let batchSize) = plan.method {
      drawn = batches.batches(
        epoch: epoch, stepCount: plan.stepsPerEpoch, batchSize: batchSize, sampleCount: samples.count)
    }
    let firstStep = (epoch - 1) * plan.stepsPerEpoch + 1
    let count = end ?? plan.stepsPerEpoch
    var trace = Divergence(step: firstStep + count - 1, reason: reason)
    for step in firstStep..<firstStep + count {
      if isCancelled() { return nil }
      let before = engine.layers
      let loss: Double
      switch plan.method {
      case .stochastic(let batchSize):
        let indices = drawn?.next(batchSize) ?? []
        let rows = indices.map { Int($0) }
        loss = self.loss(
          over: PackedSamples(inputs: samples.inputs.rows(rows), targets: samples.targets.rows(rows)))
        engine.train(on: samples.packed(), batches: indices, batchSize: batchSize, rule: rule)
      case .fullBatch:
        loss = self.loss(over: samples.packed())
        engine.descend(on: samples.packed(), rule: rule)
      case .expectedFlow: return trace
      }
      let length = Self.distance(before, engine.layers)
      guard loss.isFinite else {
        return Divergence(step: step, reason: "the loss is not finite", lastSteps: trace.lastSteps)
      }
      guard engine.isFinite, length.isFinite else {
        return Divergence(step: step, reason: "a weight is not finite", lastSteps: trace.lastSteps)
      }
      trace.append(Divergence.Step(step, loss: loss, length: length))
    }
    return trace
  }

  /// Of all that is moved by steps along gradients.
  private static func distance(_ before: [LayerWeights], _ after: [LayerWeights]) -> Double {
    func parts(_ layer: LayerWeights) -> [[Double]] {
      [layer.weights.values, layer.biases ?? [], layer.scales ?? [], layer.shifts ?? []]
    }
    return euclideanNorm(
      zip(before, after).flatMap { pair in
        zip(parts(pair.0), parts(pair.1)).flatMap { zip($0, $1).map { $1 - $0 } }
      })
  }
}
