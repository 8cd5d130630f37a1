import UnderstudyExperiments
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTraining

/// Times the SGD step of a deep student, 20-500-750-1000-1250-100 with batches of 64 in float32: gather, forward, backward
/// and update, with cached teacher outputs.
public struct DeepBenchmark: Sendable {
  /// One line of the result; the names are those of the JSON.
  public struct Result: Sendable, Codable {
    public var threads: Int
    public var instructions: String
    /// Floating-point operations of a step without padding, 10^9.
    public var stepGFLOP: Double
    public var millisecondsPerStep: Double
    /// ``stepGFLOP`` divided by time and by the peak of all threads' cores, measured between the steps; 0...1.
    public var shareOfPeak: Double
    /// Of one core, measured in the same run.
    public var peakGFLOPS: Double
  }

  /// d, hidden layers from the lowest, C.
  public var widths = [20, 500, 750, 1000, 1250, 100]
  public var batchSize = 64
  public var threadCounts = [1, 2]
  public var instructions = InstructionSet.best
  /// Rounds of about 100 ms; in every round the peak is measured beside the steps. The best of the rounds counts.
  public var roundCount = 30

  public init() {}

  /// - Throws: ``ExperimentError`` if the student cannot be made.
  public func run() throws(ExperimentError) -> [Result] {
    try ExperimentError.catching("benchmark") { () throws(ShapeError) in
      let student = Student(try randomNetwork(widths: widths, purpose: .studentHiddenLayers))
      let sampleCount = 10_000
      var stream = RandomStream(key: 1, purpose: .trainingInputs)
      let inputs = stream.normalMatrix(rowCount: sampleCount, columnCount: widths[0], standardDeviation: 1)
      let targets = stream.normalMatrix(
        rowCount: sampleCount, columnCount: widths[widths.count - 1], standardDeviation: 1)
      return try threadCounts.map { count throws(ShapeError) in
        try measure(student, threadCount: count, inputs: inputs, targets: targets)
      }
    }
  }

  private func measure(
    _ student: Student, threadCount: Int, inputs: Matrix, targets: Matrix
  ) throws(ShapeError) -> Result {
    let shape = try NetworkShape(student.network.architecture)
    let kernel = DeepKernel<Float>(shape: shape, instructions: instructions)
    kernel.threadCount = threadCount
    kernel.layers = student.network.layers.map(LayerWeights.init)
    let samples = PackedSamples<Float>(inputs: inputs, targets: targets)
    let operations = shape.stepFLOPs(batch: batchSize)
    let stepCount = max(2, Int(0.1 * 5e10 * Double(threadCount) / operations))
    var stream = RandomStream(key: 1, purpose: .batches)
    let indices = stream.integers(stepCount * batchSize, below: inputs.rowCount)
    let rule = UpdateRule(learningRate: 1e-5)
    let clock = ContinuousClock()
    var (step, peak) = (Double.infinity, 0.0)
    kernel.train(on: samples, batches: indices, batchSize: batchSize, rule: rule)
    for _ in 0..<max(1, roundCount) {
      peak = max(peak, measurePeakGFLOPS(Float.self, instructions: instructions, trials: 1))
      let time = clock.measure {
        kernel.train(on: samples, batches: indices, batchSize: batchSize, rule: rule)
      }
      step = min(step, time / .seconds(1) / Double(stepCount))
    }
    return Result(
      threads: threadCount, instructions: instructions.rawValue, stepGFLOP: operations / 1e9,
      millisecondsPerStep: step * 1e3, shareOfPeak: operations / step / 1e9 / peak / Double(threadCount),
      peakGFLOPS: peak)
  }
}

/// A ReLU network with normal weights of variance 2 / inputs, which keeps the size of activations; biases 0.
func randomNetwork(widths: [Int], purpose: RandomPurpose) throws(ShapeError) -> Network {
  var stream = RandomStream(key: 1, purpose: purpose)
  return try Network(
    layers: zip(widths, widths.dropFirst()).map { inputs, nodes in
      NetworkLayer(
        weights: stream.normalMatrix(
          rowCount: nodes, columnCount: inputs, standardDeviation: (2 / Double(inputs)).squareRoot()),
        biases: [Double](repeating: 0, count: nodes))
    }, activation: .relu)
}
