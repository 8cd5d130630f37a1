import UnderstudyNumerics

/// What takes the steps of a plan on a student: ``TwoLayerKernel`` or ``DeepKernel``.
protocol SteppingKernel<Scalar> {
  associatedtype Scalar: KernelScalar
  associatedtype Rule

  /// Steps in place, one for each `batchSize` entries of `indices`.
  func train(on samples: PackedSamples<Scalar>, batches indices: [UInt32], batchSize: Int, rule: Rule)
  /// One step over all samples in place.
  func descend(on samples: PackedSamples<Scalar>, rule: Rule)
}

extension TwoLayerKernel: SteppingKernel {}
extension DeepKernel: SteppingKernel {}

/// Sample indices that are drawn at a time at most, unless a single batch has more.
private let drawnAtOnce = 1 << 20

extension SteppingKernel {
  /// The steps of one epoch, counted from 1; false if it was cancelled in the middle.
  ///
  /// Between polls are as many steps as take some 20 ms, found by doubling. Steps follow one another anyway, so their bits do
  /// not depend on it.
  func takeSteps(
    of plan: TrainingPlan, epoch: Int, on samples: PackedSamples<Scalar>, batches: BatchOrder, rule: Rule,
    isCancelled: () -> Bool
  ) -> Bool {
    // Batches are drawn some steps at a time, so that an epoch takes no memory that grows with its steps.
    var epochBatches: EpochBatches?
    var longestStride = Int.max
    if case .stochastic(let batchSize) = plan.method {
      epochBatches = batches.batches(
        epoch: epoch, stepCount: plan.stepsPerEpoch, batchSize: batchSize, sampleCount: samples.count)
      longestStride = max(1, drawnAtOnce / batchSize)
    }
    var (done, stride) = (0, 16)
    while done < plan.stepsPerEpoch {
      if isCancelled() { return false }
      let steps = done..<min(done + min(stride, longestStride), plan.stepsPerEpoch)
      let start = ContinuousClock.now
      switch plan.method {
      case .stochastic(let batchSize):
        train(
          on: samples, batches: epochBatches?.next(steps.count * batchSize) ?? [], batchSize: batchSize, rule: rule)
      case .fullBatch:
        for _ in steps { descend(on: samples, rule: rule) }
      }
      if ContinuousClock.now - start < .milliseconds(20), stride < longestStride { stride *= 2 }
      done = steps.upperBound
    }
    return true
  }
}
