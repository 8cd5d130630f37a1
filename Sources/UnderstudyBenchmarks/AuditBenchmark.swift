import UnderstudyExperiments
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyReconstruction
import UnderstudyTheory

/// Times audits on one core: of a teacher of 20 and a student of 200 nodes on 10000 inputs of 100 features, and of students of
/// about a million weights.
public struct AuditBenchmark: Sendable {
  public struct Result: Sendable {
    /// Processor time of the whole audit.
    public var seconds: Double
    /// Of the gradients over the teacher-agnostic D' alone, 201 copies of each input.
    public var agnosticSeconds: Double
    /// Their floating-point operations without padding, as a share of the core's peak measured in the same run; 0...1.
    public var agnosticShareOfPeak: Double
  }

  /// A student of a shape.
  public struct ShapeResult: Sendable {
    /// d, hidden nodes, C.
    public var teacherWidths: [Int]
    public var studentWidths: [Int]
    public var sampleCount: Int
    /// Whether the student holds the teacher's nodes, each several times over; else its weights are random.
    public var holdsTeacher: Bool
    public var seconds: Double
    /// Units that merging leaves in the lowest layer; nil if it was left out.
    public var unitCount: Int?
    public var omitted: [OmittedPart]
  }

  public var roundCount = 3

  public init() {}

  /// Widths of teachers and students, and samples: what is long in one of them.
  public static let shapes: [(teacher: [Int], student: [Int], sampleCount: Int)] = [
    ([10, 5, 5], [10, 1200, 5], 200), ([500, 20, 500], [500, 1000, 500], 10_000),
    ([100, 50, 100], [100, 5000, 100], 10_000), ([20, 10, 10], [20, 20_000, 10], 10_000),
    ([300, 20, 15, 10], [300, 1000, 700, 10], 10_000), ([100, 10, 10, 10, 10], [100, 580, 580, 580, 10], 10_000),
  ]

  /// The audits of ``shapes``, with random students and, in two layers, ones that hold the teacher's nodes; each once.
  ///
  /// - Parameter progress: is told each result as it comes.
  /// - Throws: ``ExperimentError`` if the networks cannot be made.
  public func runShapes(progress: (ShapeResult) -> Void) throws(ExperimentError) {
    for (teacherWidths, studentWidths, count) in Self.shapes {
      for holdsTeacher in studentWidths.count == 3 ? [false, true] : [false] {
        let result = try ExperimentError.catching("benchmark") { () throws(ShapeError) in
          let teacher = Teacher(try randomNetwork(widths: teacherWidths, purpose: .teacherHiddenLayers))
          let student =
            holdsTeacher
            ? try teacher.network.repeatingNodes(count: studentWidths[1])
            : try randomNetwork(widths: studentWidths, purpose: .studentHiddenLayers)
          var stream = RandomStream(key: 1, purpose: .trainingInputs)
          let inputs = stream.normalMatrix(rowCount: count, columnCount: teacherWidths[0], standardDeviation: 1.5)
          let stopwatch = Stopwatch()
          let (audit, _) = try auditWithMerging(of: Student(student), learning: teacher, over: inputs)
          return ShapeResult(
            teacherWidths: teacherWidths, studentWidths: studentWidths, sampleCount: count, holdsTeacher: holdsTeacher,
            seconds: stopwatch.cpuSeconds, unitCount: audit.merged?.unitCount, omitted: audit.omitted)
        }
        progress(result)
      }
    }
  }

  /// The best of the rounds.
  ///
  /// - Throws: ``ExperimentError`` if the networks cannot be drawn.
  public func run() throws(ExperimentError) -> Result {
    try ExperimentError.catching("benchmark") { () throws(ShapeError) in
      let (d, m, n, outputs, count) = (100, 20, 200, 50, 10_000)
      let paper = try PaperMaterial(d: d, m: m, n: n, c: outputs, sampleCount: count, studentScale: 0.1)
      // Through both output layers to the residual, and back through the student's; the first layers once a sample.
      let copies = Double(count * (2 * d + 1))
      let operations = 2 * copies * Double((m + n + 1) * outputs + n * outputs) + 2 * Double(count * (m + n) * (d + 1))
      var result = Result(seconds: .infinity, agnosticSeconds: .infinity, agnosticShareOfPeak: 0)
      for _ in 0..<max(1, roundCount) {
        var stopwatch = Stopwatch()
        _ = try audit(of: paper.student, learning: paper.teacher, over: paper.inputs)
        result.seconds = min(result.seconds, stopwatch.cpuSeconds)
        stopwatch = Stopwatch()
        _ = try sampleGradients(
          of: paper.student, learning: paper.teacher, over: paper.inputs,
          augmentedBy: Augmentation(scheme: .teacherAgnostic, step: 0.1))
        let seconds = stopwatch.cpuSeconds
        let peak = measurePeakGFLOPS(Double.self, instructions: .best, trials: 3)
        result.agnosticSeconds = min(result.agnosticSeconds, seconds)
        result.agnosticShareOfPeak = max(result.agnosticShareOfPeak, operations / seconds / 1e9 / peak)
      }
      return result
    }
  }
}

extension Network {
  /// Nodes in turn until there are so many, in different scales, the copies of a node sharing its fan-out.
  fileprivate func repeatingNodes(count: Int) throws(ShapeError) -> Network {
    let m = hiddenCounts[0]
    let scales = (0..<count).map { 0.5 + Double($0 % 7) }
    let copies = (0..<m).map { j in (count - j + m - 1) / m }
    var view = try TwoLayerView(keeping((0..<count).map { $0 % m }, of: 0, scaledBy: scales))
    for k in 0..<count { view.setFanOut(k, to: view.fanOut(k).map { $0 / Double(copies[k % m]) }) }
    return view.network
  }
}
