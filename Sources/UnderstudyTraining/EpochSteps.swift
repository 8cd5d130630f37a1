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

extension SteppingKernel {
  /// The steps of one epoch, counted from 1.
  func takeSteps(
    of plan: TrainingPlan, epoch: Int, on samples: PackedSamples<Scalar>, batches: BatchOrder, rule: Rule
  ) {
    switch plan.method {
    case .stochastic(let batchSize):
      let indices = batches.indices(
        epoch: epoch, stepCount: plan.stepsPerEpoch, batchSize: batchSize, sampleCount: samples.count)
      train(on: samples, batches: indices, batchSize: batchSize, rule: rule)
    case .fullBatch:
      for _ in 0..<plan.stepsPerEpoch { descend(on: samples, rule: rule) }
    }
  }
}
