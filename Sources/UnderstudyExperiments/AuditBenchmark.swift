import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTheory

/// Times the audit of a teacher of 20 and a student of 200 nodes on 10000 inputs of 100 features, on one core.
public struct AuditBenchmark: Sendable {
  public struct Result: Sendable {
    /// Processor time of the whole audit.
    public var seconds: Double
    /// Of the gradients over the teacher-agnostic D' alone, 201 copies of each input.
    public var agnosticSeconds: Double
    /// Their floating-point operations without padding, as a share of the core's peak measured in the same run; 0...1.
    public var agnosticShareOfPeak: Double
  }

  public var roundCount = 3

  public init() {}

  /// The best of the rounds.
  ///
  /// - Throws: ``ExperimentError`` if the networks cannot be drawn.
  public func run() throws(ExperimentError) -> Result {
    try ExperimentError.catching("benchmark") { () throws(ShapeError) in
      let (d, m, n, outputs, count) = (100, 20, 200, 50, 10_000)
      let teacher = try TeacherDesign(
        inputCount: d, hiddenCount: m, outputCount: outputs, weights: .discrete, bias: -0.1, strengthDecay: 0,
        activation: .relu
      ).draw(key: 1)
      let student = try StudentDesign(hiddenCount: n, scale: 0.1).draw(for: teacher, key: 1)
      let inputs = InputDesign(count: count, standardDeviation: 1.5, distribution: .gaussian)
        .draw(for: teacher, key: 1, purpose: .trainingInputs)
      // Through both output layers to the residual, and back through the student's; the first layers once a sample.
      let copies = Double(count * (2 * d + 1))
      let operations = 2 * copies * Double((m + n + 1) * outputs + n * outputs) + 2 * Double(count * (m + n) * (d + 1))
      var result = Result(seconds: .infinity, agnosticSeconds: .infinity, agnosticShareOfPeak: 0)
      for _ in 0..<max(1, roundCount) {
        var stopwatch = Stopwatch(wallSeconds: 0, cpuSeconds: 0)
        _ = try audit(of: student, learning: teacher, over: inputs)
        result.seconds = min(result.seconds, stopwatch.cpuSeconds)
        stopwatch = Stopwatch(wallSeconds: 0, cpuSeconds: 0)
        _ = try sampleGradients(
          of: student, learning: teacher, over: inputs, augmentedBy: Augmentation(scheme: .teacherAgnostic, step: 0.1))
        let seconds = stopwatch.cpuSeconds
        let peak = measurePeakGFLOPS(Double.self, instructions: .best, trials: 3)
        result.agnosticSeconds = min(result.agnosticSeconds, seconds)
        result.agnosticShareOfPeak = max(result.agnosticShareOfPeak, operations / seconds / 1e9 / peak)
      }
      return result
    }
  }
}
