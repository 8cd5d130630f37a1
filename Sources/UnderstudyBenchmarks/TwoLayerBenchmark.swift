import UnderstudyExperiments
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTraining

/// Times the two-layer SGD step: gather, student forward, backward and update, with cached teacher outputs.
public struct TwoLayerBenchmark: Sendable {
  public struct Size: Sendable, Hashable {
    public var m: Int
    public var n: Int
    public var d: Int
    public var c: Int
    public var batch: Int

    public init(m: Int, n: Int, d: Int = 100, c: Int = 50, batch: Int = 16) {
      self.m = m
      self.n = n
      self.d = d
      self.c = c
      self.batch = batch
    }

    /// The sizes at which the peers were measured, and an odd one that fits no vector.
    public static let standard = [
      Size(m: 5, n: 5), Size(m: 10, n: 10), Size(m: 10, n: 50), Size(m: 10, n: 100), Size(m: 20, n: 200),
      Size(m: 10, n: 50, d: 37, c: 11, batch: 13),
    ]
  }

  public enum Precision: String, Sendable, Codable, CaseIterable { case float64, float32 }

  /// One line of the result; the names are those of the JSON.
  public struct Result: Sendable, Codable {
    public var m: Int
    public var n: Int
    public var d: Int
    public var c: Int
    public var batch: Int
    public var precision: Precision
    public var instructions: String
    public var machine: String
    public var microsecondsPerStep: Double
    /// Floating-point operations without padding, divided by time and by the peak of the same round; 0...1.
    public var shareOfPeak: Double
    /// Of the core, measured in the same run.
    public var peakGFLOPS: Double
    /// Evaluation of 10000 samples.
    public var evaluationMilliseconds: Double
    public var evaluationShareOfPeak: Double
  }

  public var sizes = Size.standard
  public var precisions = Precision.allCases
  public var instructions = InstructionSet.best
  /// Rounds of about 40 ms for each size; in every round the peak is measured beside the step.
  public var roundCount = 30

  public init() {}

  /// - Throws: ``ExperimentError`` if a size cannot be drawn.
  public func run(didMeasure: (Result) -> Void = { _ in }) throws(ExperimentError) -> [Result] {
    var results: [Result] = []
    for precision in precisions {
      for size in sizes {
        let result =
          switch precision {
          case .float64: try measure(size, as: Double.self, precision)
          case .float32: try measure(size, as: Float.self, precision)
          }
        didMeasure(result)
        results.append(result)
      }
    }
    return results
  }

  private func measure<Scalar: KernelScalar>(
    _ size: Size, as _: Scalar.Type, _ precision: Precision
  ) throws(ExperimentError) -> Result {
    let sampleCount = 10_000
    let material = try ExperimentError.catching("benchmark") { () throws(ShapeError) in
      try BenchmarkMaterial<Scalar>(size, sampleCount: sampleCount, instructions: instructions)
    }
    let stepCount = max(200, Int(0.04 * 3e10 / material.kernel.shape.stepFLOPs(batch: size.batch)))
    var stream = RandomStream(key: 1, purpose: .batches)
    let indices = stream.integers(stepCount * size.batch, below: sampleCount)
    let rule = UpdateRule(learningRate: 1e-4)
    let clock = ContinuousClock()
    // The best of many short rounds: what the code can do when the machine leaves it alone. The peak likewise.
    var (step, evaluation, peak) = (Double.infinity, Double.infinity, 0.0)
    for _ in 0..<max(1, roundCount) {
      peak = max(peak, measurePeakGFLOPS(Scalar.self, instructions: instructions, trials: 1))
      let time = clock.measure {
        material.kernel.train(on: material.packed, batches: indices, batchSize: size.batch, rule: rule)
      }
      step = min(step, time / .seconds(1) / Double(stepCount))
      evaluation = min(evaluation, clock.measure { _ = material.kernel.loss(over: material.blocked) } / .seconds(1))
    }
    let evaluationFLOPs = 2 * Double(sampleCount) * Double((size.d + 1) * size.n + (size.n + 1) * size.c)
    return Result(
      m: size.m, n: size.n, d: size.d, c: size.c, batch: size.batch, precision: precision,
      instructions: instructions.rawValue, machine: machineKind(instructions: instructions),
      microsecondsPerStep: step * 1e6,
      shareOfPeak: material.kernel.shape.stepFLOPs(batch: size.batch) / step / 1e9 / peak, peakGFLOPS: peak,
      evaluationMilliseconds: evaluation * 1e3, evaluationShareOfPeak: evaluationFLOPs / evaluation / 1e9 / peak)
  }
}

/// A paper's teacher and student of a size, and their data.
private struct BenchmarkMaterial<Scalar: KernelScalar> {
  let kernel: TwoLayerKernel<Scalar>
  let packed: PackedSamples<Scalar>
  let blocked: BlockedSamples<Scalar>

  init(_ size: TwoLayerBenchmark.Size, sampleCount: Int, instructions: InstructionSet) throws(ShapeError) {
    let teacher = try TeacherDesign(
      inputCount: size.d, hiddenCount: size.m, outputCount: size.c, weights: .discrete, bias: -0.1, strengthDecay: 0,
      activation: .relu
    ).draw(key: 1)
    let student = try StudentDesign(hiddenCount: size.n, scale: 0.005).draw(for: teacher, key: 1)
    let inputs = InputDesign(count: sampleCount, standardDeviation: 1.5, distribution: .gaussian)
      .draw(for: teacher, key: 1, purpose: .trainingInputs)
    let targets = try teacher.network.outputs(for: inputs)
    let shape = try TwoLayerShape(student.network)
    kernel = TwoLayerKernel(shape: shape, instructions: instructions)
    kernel.weights = TwoLayerWeights(student.network)
    packed = PackedSamples(inputs: inputs, targets: targets, shape: shape)
    blocked = BlockedSamples(inputs: inputs, targets: targets, shape: shape)
  }
}
