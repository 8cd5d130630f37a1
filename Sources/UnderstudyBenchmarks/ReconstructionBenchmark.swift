import UnderstudyExperiments
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyReconstruction
import UnderstudySchema
import UnderstudyTheory
import UnderstudyTraining

/// Recovers deep teachers from their outputs on Gaussian inputs, seed after seed on one core: training, critical-point searches, merging.
///
/// Teachers are Gaussian with half-active nodes and normalised outputs; students are twice as wide, start as PyTorch's do,
/// and are trained by Adam at falling rates. Weight errors are measured at the end and used nowhere before.
public struct ReconstructionBenchmark: Sendable {
  public struct Size: Sendable, Hashable {
    public var name: String
    /// Of the teacher, lowest first.
    public var widths: [Int]
    /// d, and C as well.
    public var d: Int
    public var sampleCount = 4000
    public var overRealization = 2
    public var epochCount: Int
    public var stepsPerEpoch = 2000
    public var seedCount: Int

    public init(_ widths: [Int], d: Int, epochCount: Int, seedCount: Int) {
      name = "deep-" + widths.map(String.init).joined(separator: "-")
      (self.widths, self.d, self.epochCount, self.seedCount) = (widths, d, epochCount, seedCount)
    }

    public static let standard = [
      Size([6, 6], d: 8, epochCount: 60, seedCount: 32), Size([8, 8], d: 8, epochCount: 60, seedCount: 32),
      Size([10, 10], d: 8, epochCount: 60, seedCount: 32), Size([8, 10, 8], d: 15, epochCount: 120, seedCount: 8),
    ]
  }

  /// What became of one seed.
  public struct Outcome: Sendable {
    public var seed: UInt64
    /// 1/2 mean ||residual||^2, after training and at the end.
    public var trainedLoss: Double
    public var loss: Double
    /// Whether every sample's gradient is within the target at the end.
    public var reachedTarget: Bool
    /// Of the merged student, the lowest first.
    public var unitCounts: [Int]
    /// By layer, the output layer last; nil if the merged student has not the teacher's size.
    public var weightErrors: [Double]?
    /// Processor time of training, critical-point searches and merging.
    public var trainingSeconds: Double
    public var searchSeconds: Double
    public var mergingSeconds: Double

    public var largestWeightError: Double? { weightErrors?.max() }
    public var isRecovered: Bool { (largestWeightError ?? .infinity) < 1e-8 }
    public var seconds: Double { trainingSeconds + searchSeconds + mergingSeconds }
  }

  public init() {}

  /// - Throws: ``ExperimentError`` if the networks cannot be drawn.
  public func run(_ size: Size, seed: UInt64) throws(ExperimentError) -> Outcome {
    try ExperimentError.catching("benchmark") { () throws(ShapeError) in
      let teacher = try teacher(of: size, key: seed)
      let inputs = InputDesign(count: size.sampleCount, standardDeviation: 1, distribution: .gaussian)
        .draw(for: teacher, key: seed, purpose: .trainingInputs)
      let targets = try teacher.network.outputs(for: inputs)
      let stopwatch = Stopwatch()
      let trained = try train(size, teacher: teacher, inputs: inputs, targets: targets, key: seed)
      let trainingSeconds = stopwatch.cpuSeconds
      let reconstruction = try reconstructTeacher(
        from: trained.student, along: CriticalPointPlan(), on: inputs, targets: targets, key: seed)
      return Outcome(
        seed: seed, trainedLoss: trained.loss, loss: reconstruction.report.loss,
        reachedTarget: reconstruction.report.reachedTarget, unitCounts: reconstruction.student.network.hiddenCounts,
        weightErrors: weightErrors(of: reconstruction.student.network, against: teacher.network),
        trainingSeconds: trainingSeconds, searchSeconds: reconstruction.searchSeconds,
        mergingSeconds: reconstruction.mergingSeconds)
    }
  }

  private func teacher(of size: Size, key: UInt64) throws(ShapeError) -> Teacher {
    var design = TeacherDesign(
      inputCount: size.d, hiddenCounts: size.widths, outputCount: size.d, weights: .gaussian(scale: 1), bias: 0,
      strengthDecay: 0, activation: .relu)
    let plain = try design.draw(key: key)
    design.medianBiases = true
    design.normalizedOutput = true
    return try design.draw(
      key: key,
      calibration: InputDesign(count: 10_000, standardDeviation: 1, distribution: .gaussian)
        .draw(for: plain, key: key, purpose: .calibrationInputs))
  }

  private func train(
    _ size: Size, teacher: Teacher, inputs: Matrix, targets: Matrix, key: UInt64
  ) throws(ShapeError) -> (student: Student, loss: Double) {
    let rates = [3e-3, 1e-3, 3e-4, 1e-4, 3e-5]
    let plan = TrainingPlan(
      method: .stochastic(batchSize: 32), learningRate: rates[0], epochCount: size.epochCount,
      stepsPerEpoch: size.stepsPerEpoch, optimizer: .adam,
      // Of fewer epochs than rates there is no schedule.
      schedule: try? LearningRateSchedule(
        rates.enumerated().map { .init(start: $0 * size.epochCount / rates.count, rate: $1) }))
    let design = StudentDesign(
      hiddenCounts: size.widths.map { $0 * size.overRealization }, scale: 1, initialization: .uniform)
    let trainer = try Trainer<Double>(
      student: try design.draw(for: teacher, key: key), plan: plan, batches: .drawn(key: key))
    let samples = PackedSamples<Double>(inputs: inputs, targets: targets)
    for epoch in 1...plan.epochCount { trainer.train(epoch: epoch, on: samples) }
    return (try trainer.student, trainer.loss(over: samples))
  }
}
