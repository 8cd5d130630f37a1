import UnderstudySchema

extension RunRecord {
  /// The epoch (from 1) in which the run diverged; nil if it completed.
  var divergedEpoch: Int? { outcome.divergedEpoch }

  /// Whether figures of completed runs leave it out: it diverged, and was not looked at for that.
  var isLeftOut: Bool { divergedEpoch != nil && !run.setting.zoom.isOn }

  /// The run in words: the study's varied keys with their values, and the seed.
  ///
  /// - Parameter namesOrigin: whether it says which of several studies side by side the run is from.
  func label(study: Study, namesOrigin: Bool = true) -> String {
    let keys = study.variedKeys.filter { namesOrigin || $0 != Study.originKey }
    let parts = keys.compactMap { key in
      study.value(of: key, at: run.settingIndex).map { "\(key) \($0.shown)" }
    }
    return (parts + ["seed \(run.seed)"]).joined(separator: ", ")
  }
}

/// The stored measures of one run. What is not recorded, or has another shape than its measure promises, is an error that
/// names the figure or finding that wants it.
struct RunReader {
  let record: RunRecord
  /// The figure or finding that reads.
  let subject: String

  var setting: Setting { record.run.setting }
  var seed: Int { record.run.seed }
  /// After the last step of the run as declared, and its critical-point search if it has one.
  /// A zoom into a divergence ends before it.
  var lastEpoch: Int {
    guard setting.zoom.isOn, record.divergedEpoch != nil else { return setting.lastEpoch }
    return record.measurements.map(\.epoch).max() ?? setting.lastEpoch
  }

  /// Epochs at which `measure` is recorded, ascending.
  func epochs(of measure: Measure) -> [Int] {
    record.measurements.filter { $0.measure == measure }.map(\.epoch).sorted()
  }

  /// nil if it is not recorded then.
  func recorded(_ measure: Measure, at epoch: Int) -> MeasuredValue? {
    record.measurements.first { $0.measure == measure && $0.epoch == epoch }
  }

  /// - Parameter epoch: nil: the last one.
  /// - Throws: `FigureError.missingMeasure`.
  func measurement(_ measure: Measure, at epoch: Int?) throws(FigureError) -> MeasuredValue {
    let epoch = epoch ?? lastEpoch
    guard let found = recorded(measure, at: epoch) else { throw missing(measure, at: epoch) }
    return found
  }

  /// The values of `measure` over the epochs: in the order of `epochs`, or at all recorded ones, ascending, if that is empty.
  ///
  /// - Throws: `FigureError.missingMeasure` if there are none, or not those of `epochs`.
  func series(_ measure: Measure, at epochs: [Int] = []) throws(FigureError) -> [MeasuredValue] {
    var found: [Int: MeasuredValue] = [:]
    for measurement in record.measurements where measurement.measure == measure {
      found[measurement.epoch] = measurement
    }
    guard !found.isEmpty else { throw missing(measure, at: epochs.first) }
    var series: [MeasuredValue] = []
    for epoch in epochs.isEmpty ? found.keys.sorted() : epochs {
      guard let measurement = found[epoch] else { throw missing(measure, at: epoch) }
      series.append(measurement)
    }
    return series
  }

  func scalar(_ measure: Measure, at epoch: Int?) throws(FigureError) -> Double {
    try scalar(try measurement(measure, at: epoch))
  }

  /// The entries of an array of one axis.
  ///
  /// - Parameter count: how many there must be; nil: one at least.
  func vector(_ measure: Measure, at epoch: Int?, count: Int? = nil) throws(FigureError) -> [Double] {
    try vector(try measurement(measure, at: epoch), count: count)
  }

  func correlations(_ measure: Measure, at epoch: Int?) throws(FigureError) -> CorrelationTable {
    try correlations(try measurement(measure, at: epoch))
  }

  func scalar(_ measurement: MeasuredValue) throws(FigureError) -> Double {
    guard measurement.values.count == 1, let value = measurement.values.first else {
      throw wrongShape(measurement, expected: "a scalar")
    }
    return value
  }

  func vector(_ measurement: MeasuredValue, count: Int? = nil) throws(FigureError) -> [Double] {
    guard measurement.shape.count == 1, !measurement.values.isEmpty else {
      throw wrongShape(measurement, expected: "one axis")
    }
    if let count, measurement.values.count != count { throw wrongShape(measurement, expected: "[\(count)]") }
    return measurement.values
  }

  /// As `vector`, of counts or codes: whole numbers from 0, and no more than any run counts.
  func wholeNumbers(_ measurement: MeasuredValue, count: Int? = nil) throws(FigureError) -> [Int] {
    let numbers = try vector(measurement, count: count).compactMap { Int(exactly: $0) }
    guard numbers.count == measurement.values.count, numbers.allSatisfy((0...1_000_000_000).contains) else {
      throw wrongShape(measurement, expected: "whole numbers from 0")
    }
    return numbers
  }

  func correlations(_ measurement: MeasuredValue) throws(FigureError) -> CorrelationTable {
    guard let table = CorrelationTable(measurement) else {
      throw wrongShape(measurement, expected: "[teacher node, student node]")
    }
    return table
  }

  /// The rows of a matrix with `width` columns.
  func rows(_ measurement: MeasuredValue, width: Int, expected: String) throws(FigureError) -> [[Double]] {
    guard measurement.shape.count == 2, measurement.shape[1] == width,
      measurement.values.count == measurement.shape[0] * width
    else { throw wrongShape(measurement, expected: expected) }
    return (0..<measurement.shape[0]).map { Array(measurement.values[($0 * width)..<(($0 + 1) * width)]) }
  }

  /// - Parameter epoch: nil: at any.
  func missing(_ measure: Measure, at epoch: Int?) -> FigureError {
    .missingMeasure(
      figure: subject, measure: measure, epoch: epoch, recordedEpochs: epochs(of: measure), seed: seed)
  }

  func wrongShape(_ measurement: MeasuredValue, expected: String) -> FigureError {
    .wrongShape(figure: subject, measure: measurement.measure, shape: measurement.shape, expected: expected)
  }
}

/// rho_jk of one run at one epoch.
struct CorrelationTable {
  let teacherCount: Int
  let studentCount: Int
  /// Row-major `[teacher node, student node]`.
  let values: [Double]

  /// nil for what has another shape.
  init?(_ measurement: MeasuredValue) {
    guard measurement.shape.count == 2, measurement.shape[0] > 0,
      measurement.values.count == measurement.shape[0] * measurement.shape[1]
    else { return nil }
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
