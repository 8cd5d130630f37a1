import UnderstudyExperiments
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTraining

/// Times the two-layer SGD step: gather, student forward, backward and update, with cached teacher outputs.
public struct TwoLayerBenchmark: Sendable {
  public struct Size: Sendable, Hashable {
    public var m: Int
    public var n: Int
    public var d = 100
    public var c = 50
    public var batch = 16

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
    /// The same with the kernels of any depth, in the same rounds; nil unless asked for.
    public var anyDepthMicrosecondsPerStep: Double?
    public var anyDepthEvaluationMilliseconds: Double?
  }

  public var sizes = Size.standard
  public var precisions = Precision.allCases
  public var instructions = InstructionSet.best
  /// Rounds of about 40 ms for each size; in every round the peak is measured beside the step.
  public var roundCount = 30
  /// Whether the kernels of any depth are measured beside those of two layers.
  public var includesAnyDepth = false

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
      try BenchmarkMaterial<Scalar>(size, sampleCount: sampleCount)
    }
    let stepFLOPs = material.shape.stepFLOPs(batch: size.batch)
    let stepCount = max(200, Int(0.04 * 3e10 / stepFLOPs))
    var stream = RandomStream(key: 1, purpose: .batches)
    let indices = stream.integers(stepCount * size.batch, below: sampleCount)
    let rule = UpdateRule(learningRate: 1e-4)
    let clock = ContinuousClock()
    let kinds: [any Engine<Scalar>.Type] =
      [TwoLayerKernel<Scalar>.self] + (includesAnyDepth ? [DeepKernel<Scalar>.self] : [])
    let engines = kinds.map { material.engine($0, instructions: instructions) }
    // The best of many short rounds: what the code can do when the machine leaves it alone. The peak likewise.
    var best = engines.map { _ in (step: Double.infinity, evaluation: Double.infinity) }
    var peak = 0.0
    for _ in 0..<max(1, roundCount) {
      peak = max(peak, measurePeakGFLOPS(Scalar.self, instructions: instructions, trials: 1))
      for (index, engine) in engines.enumerated() {
        let step = clock.measure {
          engine.train(on: material.samples, batches: indices, batchSize: size.batch, rule: rule)
        }
        let evaluation = clock.measure { _ = engine.loss(over: material.samples) }
        best[index].step = min(best[index].step, step / .seconds(1) / Double(stepCount))
        best[index].evaluation = min(best[index].evaluation, evaluation / .seconds(1))
      }
    }
    let evaluationFLOPs = 2 * Double(sampleCount) * Double((size.d + 1) * size.n + (size.n + 1) * size.c)
    let anyDepth = includesAnyDepth ? best[1] : nil
    return Result(
      m: size.m, n: size.n, d: size.d, c: size.c, batch: size.batch, precision: precision,
      instructions: instructions.rawValue, machine: machineKind(instructions: instructions),
      microsecondsPerStep: best[0].step * 1e6, shareOfPeak: stepFLOPs / best[0].step / 1e9 / peak, peakGFLOPS: peak,
      evaluationMilliseconds: best[0].evaluation * 1e3,
      evaluationShareOfPeak: evaluationFLOPs / best[0].evaluation / 1e9 / peak,
      anyDepthMicrosecondsPerStep: anyDepth.map { $0.step * 1e6 },
      anyDepthEvaluationMilliseconds: anyDepth.map { $0.evaluation * 1e3 })
  }
}

/// A teacher and a student of the paper's kind, and the student's inputs.
struct PaperMaterial {
  let teacher: Teacher
  let student: Student
  let inputs: Matrix

  init(
    d: Int, m: Int, n: Int, c: Int, sampleCount: Int, studentScale: Double = 0.005, strengthDecay: Double = 0,
    key: UInt64 = 1
  ) throws(ShapeError) {
    teacher = try TeacherDesign(
      inputCount: d, hiddenCount: m, outputCount: c, weights: .discrete, bias: -0.1, strengthDecay: strengthDecay,
      activation: .relu
    ).draw(key: key)
    student = try StudentDesign(hiddenCount: n, scale: studentScale).draw(for: teacher, key: key)
    inputs = InputDesign(count: sampleCount, standardDeviation: 1.5, distribution: .gaussian)
      .draw(for: teacher, key: key, purpose: .trainingInputs)
  }
}

/// A student of a size, and its data for the kernels.
private struct BenchmarkMaterial<Scalar: KernelScalar> {
  let student: Student
  let shape: NetworkShape
  let samples: PackedSamples<Scalar>

  init(_ size: TwoLayerBenchmark.Size, sampleCount: Int) throws(ShapeError) {
    let paper = try PaperMaterial(d: size.d, m: size.m, n: size.n, c: size.c, sampleCount: sampleCount)
    student = paper.student
    shape = try NetworkShape(student.network.architecture)
    samples = PackedSamples(inputs: paper.inputs, targets: try paper.teacher.network.outputs(for: paper.inputs))
  }

  func engine(_ kind: any Engine<Scalar>.Type, instructions: InstructionSet) -> any Engine<Scalar> {
    let engine = kind.init(shape: shape, loss: .squaredError, instructions: instructions)
    engine.layers = student.network.layers.map(LayerWeights.init)
    return engine
  }
}
