import UnderstudyExperiments
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTheory

/// Times the measures of every hidden layer on one core: a teacher of 50-75-100-125 nodes and a student of ten times as many,
/// 20 inputs and 100 outputs, random weights. Couplings in single precision, correlations in double.
public struct LayerCouplingBenchmark: Sendable {
  public struct Result: Sendable, Codable {
    /// Processor time of E[A], E[B], diagonals and pairs over ``LayerCouplingBenchmark/sampleCount`` samples.
    public var wholeSeconds: Double
    /// Of the diagonals and pairs alone.
    public var diagonalSeconds: Double
    /// Of the correlations of all hidden layers over ``LayerCouplingBenchmark/inputCount`` inputs.
    public var correlationSeconds: Double
    /// Bytes of the matrices E[A] and E[B] of all hidden layers, as they are returned.
    public var matrixBytes: Int
    /// The most memory that the process has held, bytes: with what ran before.
    public var peakBytes: Int
  }

  public var roundCount = 3
  public var sampleCount = 64
  public var inputCount = 1000
  public var instructions = InstructionSet.best

  public init() {}

  /// The best of the rounds.
  ///
  /// - Throws: ``ExperimentError`` if the networks cannot be made.
  public func run() throws(ExperimentError) -> Result {
    try ExperimentError.catching("benchmark") { () throws(ShapeError) in
      let widths = [50, 75, 100, 125]
      let teacher = Teacher(try randomNetwork(widths: [20] + widths + [100], purpose: .teacherHiddenLayers))
      let student = Student(
        try randomNetwork(
          widths: [20] + widths.map { 10 * $0 } + [100], purpose: .studentHiddenLayers))
      var stream = RandomStream(key: 1, purpose: .evaluationInputs)
      let inputs = stream.normalMatrix(rowCount: inputCount, columnCount: 20, standardDeviation: 10)
      var result = Result(
        wholeSeconds: .infinity, diagonalSeconds: .infinity, correlationSeconds: .infinity, matrixBytes: 0, peakBytes: 0
      )
      for _ in 0..<max(1, roundCount) {
        var stopwatch = Stopwatch()
        let matches = try layerCorrelations(of: teacher, with: student, over: inputs).map(\.matches)
        result.correlationSeconds = min(result.correlationSeconds, stopwatch.cpuSeconds)
        func couplings(_ parts: LayerCouplingParts) throws(ShapeError) -> [LayerCoupling] {
          try layerCoupling(
            of: teacher, with: student, over: inputs, matches: matches, parts: parts, sampleLimit: sampleCount,
            precision: Float.self, instructions: instructions)
        }
        stopwatch = Stopwatch()
        _ = try couplings([])
        result.diagonalSeconds = min(result.diagonalSeconds, stopwatch.cpuSeconds)
        stopwatch = Stopwatch()
        let whole = try couplings([.meanAlpha, .meanBeta])
        result.wholeSeconds = min(result.wholeSeconds, stopwatch.cpuSeconds)
        result.matrixBytes = whole.reduce(0) { bytes, layer in
          bytes + 8 * ((layer.meanAlpha?.values.count ?? 0) + (layer.meanBeta?.values.count ?? 0))
        }
      }
      result.peakBytes = peakResidentBytes()
      return result
    }
  }
}
