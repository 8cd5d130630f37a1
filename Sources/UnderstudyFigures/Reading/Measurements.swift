import UnderstudySchema

/// Foundation has a `Measurement` too; here it is always the recorded one.
typealias Measurement = UnderstudySchema.Measurement

extension RunRecord {
  /// The epoch (from 1) in which the run diverged; nil if it completed.
  var divergedEpoch: Int? {
    if case .diverged(let epoch) = outcome { return epoch }
    return nil
  }

  /// After the last step of the run as declared, and its finishing stage if it has one.
  var lastEpoch: Int { run.setting.lastEpoch }

  /// Epochs at which `measure` is recorded, ascending.
  func epochs(of measure: Measure) -> [Int] {
    measurements.filter { $0.measure == measure }.map(\.epoch).sorted()
  }

  func measurement(_ measure: Measure, epoch: Int) -> Measurement? {
    measurements.first { $0.measure == measure && $0.epoch == epoch }
  }

  /// As `measurement`, or the error that says what is recorded instead.
  func required(_ measure: Measure, epoch: Int, figure: String) throws(FigureError) -> Measurement {
    if let found = measurement(measure, epoch: epoch) { return found }
    throw .missingMeasure(
      figure: figure, measure: measure, epoch: epoch, recordedEpochs: epochs(of: measure), seed: run.seed)
  }

  /// The run in words: the study's varied keys with their values, and the seed.
  func label(study: Study) -> String {
    let parts = study.variedKeys.compactMap { key in run.setting.value(of: key).map { "\(key) \($0.shown)" } }
    return (parts + ["seed \(run.seed)"]).joined(separator: ", ")
  }
}

/// rho_jk of one run at one epoch.
struct CorrelationTable {
  let teacherCount: Int
  let studentCount: Int
  /// Row-major `[teacher node, student node]`.
  let values: [Double]

  init(_ measurement: Measurement, figure: String) throws(FigureError) {
    guard measurement.shape.count == 2, measurement.shape[0] > 0,
      measurement.values.count == measurement.shape[0] * measurement.shape[1]
    else {
      throw .wrongShape(
        figure: figure, measure: measurement.measure, shape: measurement.shape, expected: "[teacher node, student node]"
      )
    }
    teacherCount = measurement.shape[0]
    studentCount = measurement.shape[1]
    values = measurement.values
  }

  subscript(teacher: Int, student: Int) -> Double { values[teacher * studentCount + student] }

  /// max_j rho_jk and the teacher node that reaches it, the first of equals.
  func best(ofStudent student: Int) -> (teacher: Int, rho: Double) {
    var best = (teacher: 0, rho: self[0, student])
    for teacher in 1..<max(teacherCount, 1) where self[teacher, student] > best.rho {
      best = (teacher, self[teacher, student])
    }
    return best
  }

  /// max_k rho_jk > 0.95: the definition of a recovered teacher node, on evaluation inputs.
  func isRecovered(teacher: Int) -> Bool {
    (0..<studentCount).contains { self[teacher, $0] > recoveryThreshold }
  }

  var recoveredCount: Int { (0..<teacherCount).count { isRecovered(teacher: $0) } }

  /// A dead node's correlations are stored as exactly 0 with every teacher node; no live node's are.
  func isDead(student: Int) -> Bool {
    (0..<teacherCount).allSatisfy { self[$0, student] == 0 }
  }
}

/// A teacher node is recovered when a student node's rho with it is above this.
let recoveryThreshold = 0.95

/// Losses below are drawn and averaged as this, because 0 has no logarithm. It has a unit, and is meant for outputs of size 1,
/// which the designs of teachers give: there double precision cannot tell such losses from 0.
let lossFloor = 1e-34
