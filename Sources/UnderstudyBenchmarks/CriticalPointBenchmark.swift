import UnderstudyExperiments
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTraining

/// Leads students of the paper's kind to critical points, seed after seed on one core: how many reach the target, and how long it takes.
public struct CriticalPointBenchmark: Sendable {
  /// Which students: their sizes, and how long SGD trains them before.
  public struct Size: Sendable, Hashable {
    public var name: String
    public var d: Int
    public var m: Int
    public var n: Int
    public var c: Int
    public var sampleCount: Int
    public var strengthDecay: Double
    public var stepCount: Int
    public var seedCount: Int

    public static let standard = [
      Size(
        name: "2x", d: 20, m: 5, n: 10, c: 10, sampleCount: 2000, strengthDecay: 0, stepCount: 20_000, seedCount: 32),
      Size(
        name: "2x-weak", d: 20, m: 10, n: 20, c: 10, sampleCount: 2000, strengthDecay: 2, stepCount: 20_000,
        seedCount: 32),
      Size(
        name: "10x", d: 20, m: 5, n: 50, c: 10, sampleCount: 2000, strengthDecay: 0, stepCount: 20_000, seedCount: 8),
      Size(name: "5x", d: 50, m: 5, n: 25, c: 10, sampleCount: 5000, strengthDecay: 0, stepCount: 20_000, seedCount: 8),
      Size(
        name: "paper", d: 100, m: 10, n: 50, c: 50, sampleCount: 10_000, strengthDecay: 0, stepCount: 100_000,
        seedCount: 1),
      Size(
        name: "paper-10x", d: 100, m: 20, n: 200, c: 50, sampleCount: 10_000, strengthDecay: 0, stepCount: 100_000,
        seedCount: 1),
    ]
  }

  /// A line of the result.
  public struct Result: Sendable {
    public var size: Size
    public var reachedCount: Int
    public var meanIterations: Double
    public var meanRestarts: Double
    /// Processor time of the critical-point search with the Hessian's eigenvalues, without SGD.
    public var meanSeconds: Double
    public var largestSeconds: Double
    /// Of all seeds.
    public var largestGradient: Double
  }

  public init() {}

  /// - Parameter seedCount: nil: the size's own.
  /// - Throws: ``ExperimentError`` if a size cannot be drawn.
  public func run(_ size: Size, seedCount: Int? = nil) throws(ExperimentError) -> Result {
    let seeds = 1...(seedCount ?? size.seedCount)
    var reports: [(report: CriticalPointReport, seconds: Double)] = []
    for seed in seeds {
      reports.append(
        try ExperimentError.catching("benchmark") { () throws(ShapeError) in try search(size, seed: UInt64(seed)) })
    }
    func mean(_ value: (CriticalPointReport) -> Int) -> Double {
      Double(reports.reduce(0) { $0 + value($1.report) }) / Double(reports.count)
    }
    return Result(
      size: size, reachedCount: reports.count { $0.report.reachedTarget }, meanIterations: mean(\.iterationCount),
      meanRestarts: mean(\.restartCount), meanSeconds: reports.reduce(0) { $0 + $1.seconds } / Double(reports.count),
      largestSeconds: reports.reduce(0) { max($0, $1.seconds) },
      largestGradient: reports.reduce(0) { max($0, $1.report.largestGradient) })
  }

  private func search(_ size: Size, seed: UInt64) throws(ShapeError) -> (report: CriticalPointReport, seconds: Double) {
    let paper = try PaperMaterial(
      d: size.d, m: size.m, n: size.n, c: size.c, sampleCount: size.sampleCount, strengthDecay: size.strengthDecay,
      key: seed)
    let inputs = paper.inputs
    let targets = try paper.teacher.network.outputs(for: inputs)
    let plan = TrainingPlan(
      method: .stochastic(batchSize: 16), learningRate: 0.01, epochCount: 1, stepsPerEpoch: size.stepCount)
    let trainer = try Trainer<Double>(student: paper.student, plan: plan, batches: .drawn(key: seed))
    trainer.train(epoch: 1, on: PackedSamples<Double>(inputs: inputs, targets: targets))
    let stopwatch = Stopwatch()
    let found = try criticalPoint(
      from: try trainer.student, along: CriticalPointPlan(), on: inputs, targets: targets, key: seed)
    return (found.report, stopwatch.cpuSeconds)
  }
}
