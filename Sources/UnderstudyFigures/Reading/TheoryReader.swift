import UnderstudySchema

/// A teacher or student node is called aligned up to this eps by the figures and findings: a share of the inputs' spread.
let alignmentThreshold = 0.1

/// Student nodes whose alignment is above this are aligned with no teacher node: a share of the inputs' spread.
let unalignedThreshold = 0.3

extension RunReader {
  /// Alignments of teacher or student nodes; infinite for a node that is aligned with nothing (recorded as -1).
  func alignments(_ measure: Measure, at epoch: Int?) throws(FigureError) -> [Double] {
    try vector(measure, at: epoch).map { $0 < 0 ? .infinity : $0 }
  }

  /// For each teacher node the first recorded epoch with alignment <= 0.1; infinite if there is none.
  func alignmentEpochs() throws(FigureError) -> [Double] {
    var epochs: [Double] = []
    for measurement in try series(.alignment) {
      let values = try vector(measurement)
      if epochs.isEmpty { epochs = Array(repeating: .infinity, count: values.count) }
      for (node, value) in values.enumerated() where node < epochs.count && (0...alignmentThreshold).contains(value) {
        epochs[node] = min(epochs[node], Double(measurement.epoch))
      }
    }
    return epochs
  }

  /// Share of the teacher nodes with an alignment of at most a level.
  func alignedShare(at epoch: Int?, below level: Double = alignmentThreshold) throws(FigureError) -> Double {
    let values = try alignments(.alignment, at: epoch)
    return Double(values.count { $0 <= level }) / Double(values.count)
  }

  /// The first recorded epoch at which every teacher node is recovered; infinite if there is none.
  func coverEpoch() throws(FigureError) -> Double {
    for measurement in try series(.evaluationCorrelation) {
      let table = try correlations(measurement)
      if table.recoveredCount == table.teacherCount { return Double(measurement.epoch) }
    }
    return .infinity
  }

  /// The first recorded epoch whose evaluation loss is below `ratio` times that of epoch 0; infinite if there is none.
  func smallLossEpoch(ratio: Double) throws(FigureError) -> Double {
    let initial = try scalar(.evaluationLoss, at: 0)
    for measurement in try series(.evaluationLoss) where try scalar(measurement) < ratio * initial {
      return Double(measurement.epoch)
    }
    return .infinity
  }

  /// How often each verdict occurs among the teacher nodes.
  func verdicts(at epoch: Int?) throws(FigureError) -> [AuditVerdict: Int] {
    try verdicts(try measurement(.verdicts, at: epoch))
  }

  func verdicts(_ measurement: MeasuredValue) throws(FigureError) -> [AuditVerdict: Int] {
    var counts: [AuditVerdict: Int] = [:]
    for code in try wholeNumbers(measurement) {
      guard let verdict = AuditVerdict(code: code) else {
        throw wrongShape(
          measurement, expected: "codes of verdicts, 0 to \(AuditVerdict.allCases.map(\.code).max() ?? 0)")
      }
      counts[verdict, default: 0] += 1
    }
    return counts
  }
}

/// What the theorem predicts for a teacher node and what was measured.
struct BoundPair {
  var run: RunReader
  var epoch: Int
  /// From 0.
  var node: Int
  var predicted: Double
  var measured: Double

  /// Alignments below 1e-12 are rounding: a prediction below that can be neither met nor missed.
  var isHeld: Bool { measured <= predicted || measured < 1e-12 }

  /// Every teacher node that has a prediction, over `runs` and the recorded epochs, or those of `epochs`.
  static func all(of runs: [RunReader], at epochs: [Int]) throws(FigureError) -> [BoundPair] {
    var pairs: [BoundPair] = []
    for run in runs {
      for measurement in try run.series(.predictedAlignment, at: epochs) {
        let (epoch, predicted) = (measurement.epoch, try run.vector(measurement))
        let recorded = try run.measurement(.alignment, at: epoch)
        let measured = try run.vector(recorded, count: predicted.count).map { $0 < 0 ? .infinity : $0 }
        for node in predicted.indices where predicted[node] >= 0 {
          pairs.append(
            BoundPair(run: run, epoch: epoch, node: node, predicted: predicted[node], measured: measured[node]))
        }
      }
    }
    return pairs
  }
}

/// The unaligned student nodes of one run at one epoch, beside the gradient that is left.
struct UnalignedPoint {
  var run: RunReader
  var epoch: Int
  var gradient: Double
  var unalignedCount: Int
  /// Median of ||v|| ||w|| over the unaligned student nodes; nil if there are none.
  var strength: Double?
  /// Median kink balance over all student nodes.
  var balance: Double

  /// One for each run and recorded epoch, or those of `epochs`.
  static func all(of runs: [RunReader], at epochs: [Int]) throws(FigureError) -> [UnalignedPoint] {
    var points: [UnalignedPoint] = []
    for run in runs {
      for measurement in try run.series(.largestGradient, at: epochs) {
        let (epoch, gradient) = (measurement.epoch, try run.scalar(measurement))
        let alignments = try run.alignments(.studentAlignment, at: epoch)
        let strengths = try run.vector(.boundaryStrengths, at: epoch, count: alignments.count)
        let unaligned = zip(alignments, strengths).filter { $0.0 > unalignedThreshold }.map(\.1)
        points.append(
          UnalignedPoint(
            run: run, epoch: epoch, gradient: gradient, unalignedCount: unaligned.count, strength: median(unaligned),
            balance: median(try run.vector(.kinkBalances, at: epoch)) ?? 0))
      }
    }
    return points
  }
}
