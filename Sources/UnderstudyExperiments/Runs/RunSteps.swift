import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema
import UnderstudyTraining

/// The steps that a run's student takes, and the order of the samples in them.
struct RunSteps {
  let plan: TrainingPlan
  let batches: BatchOrder

  /// - Parameters:
  ///   - networks: of a run without images; gradient flow needs the teacher.
  ///   - sampleCount: of the training set.
  ///   - key: of the student's random streams.
  /// - Throws: ``ExperimentError/input(_:)`` of a file of batches that does not fit, and of networks that gradient flow is not
  ///   built for.
  init(_ run: Run, _ networks: RunNetworks? = nil, sampleCount: Int, key: UInt64) throws(ExperimentError) {
    let training = run.setting.training
    var (batchSize, stepsPerEpoch) = (training.batchSize, training.stepsPerEpoch)
    // Data with labels are no sample of a distribution: each is seen once before any comes again.
    let isReshuffled = training.batchOrder == .reshuffled || run.setting.inputs.images != nil
    var order: BatchOrder = isReshuffled ? .reshuffled(key: key) : .drawn(key: key)
    if let file = training.batches?.file {
      let data = try file.checkedContent()
      let batches = try ExperimentError.reading { () throws(FileError) in
        try ArrayFile.decodeBatches(data, name: file.path, sampleCount: sampleCount)
      }
      if batchSize == 0 { batchSize = batches.batchSize }
      if stepsPerEpoch == 0 { stepsPerEpoch = batches.stepCount / max(1, training.epochs) }
      guard batchSize == batches.batchSize else {
        throw .input(
          "\(file.path): \(batches.batchSize) samples a batch, but training.batchSize is \(batchSize); "
            + "leave training.batchSize out or make them equal")
      }
      guard stepsPerEpoch > 0, batches.stepCount >= training.epochs * stepsPerEpoch else {
        throw .input(
          "\(file.path): \(batches.stepCount) batches, but \(training.epochs) epochs of \(max(1, stepsPerEpoch)) steps "
            + "need \(training.epochs * max(1, stepsPerEpoch)); give more batches or train for fewer steps")
      }
      order = .given(indices: batches.indices)
    }
    let stepCount = training.epochs * stepsPerEpoch
    guard run.setting.zoom.to <= stepCount else {
      throw .input("zoom.to \(run.setting.zoom.to) comes after the last step, \(stepCount); give at most that")
    }
    let method: TrainingPlan.Method
    switch training.method {
    case .sgd, .adam: method = .stochastic(batchSize: batchSize)
    case .gd: method = .fullBatch
    case .flow:
      guard let networks else { throw .input("training.method flow is for Gaussian inputs; train by sgd or adam") }
      method = .expectedFlow(
        try ExperimentError.catching("training.method flow") { () throws(ShapeError) in
          try GaussianObjective(
            of: networks.teacher, inputDeviation: run.setting.inputs.standardDeviation, for: networks.student)
        })
    }
    var plan = TrainingPlan(
      method: method,
      learningRate: run.setting.firstLearningRate, learningRateHalvingInterval: training.learningRateHalvingInterval,
      epochCount: training.epochs, stepsPerEpoch: stepsPerEpoch, frozenLayer: training.frozenLayer,
      unitNormFirstLayer: training.unitNormFirstLayer,
      optimizer: training.method == .adam ? .adam : .gradient(momentum: training.momentum),
      loss: TrainingLoss(training), weightDecay: training.weightDecay, schedule: training.learningRates)
    plan.decay = training.decay
    (self.plan, batches) = (plan, order)
  }
}

extension TrainingLoss {
  /// What a run's student is asked to lower.
  init(_ setting: TrainingSetting) {
    self =
      switch setting.loss {
      case .squaredError: .squaredError
      case .crossEntropy, .labels: .crossEntropy
      case .distillation: .distillation(temperature: setting.temperature, labelWeight: setting.labelWeight)
      }
  }
}
