import Foundation
import UnderstudyRecords
import UnderstudySchema

/// What the stored results say about one of a study's expectations.
public struct Finding: Hashable, Sendable {
  public enum Verdict: Hashable, Sendable {
    case borneOut
    case notBorneOut
    case notMeasurable(reason: String)
  }
  public var declaration: FindingDeclaration
  /// The statistic; nil if it cannot be measured.
  public var value: Double?
  /// Runs that the value is computed from.
  public var runCount: Int
  /// Finished runs that diverged; left out of the value, except of `divergedShare`.
  public var divergedCount: Int
  /// Settings x seeds of the selection; more than `runCount + divergedCount` if the study is incomplete.
  public var expectedRunCount: Int
  public var verdict: Verdict

  /// Whether some selected runs have not finished, so that the value may still change.
  public var isIncomplete: Bool {
    let finishedCount = declaration.statistic == .divergedShare ? runCount : runCount + divergedCount
    return finishedCount < expectedRunCount
  }
}

/// Evaluates every expectation of the study from the stored results alone, in the order of the study.
///
/// Runs that diverged have no last epoch: they are left out of every statistic but `divergedShare`, and counted.
public func findings(of results: StudyResults) -> [Finding] {
  results.study.findings.map { evaluate($0, in: results) }
}

private func evaluate(_ declaration: FindingDeclaration, in results: StudyResults) -> Finding {
  var finding = Finding(
    declaration: declaration, value: nil, runCount: 0, divergedCount: 0, expectedRunCount: 0,
    verdict: .notMeasurable(reason: ""))
  do throws(FigureError) {
    let selection = try SettingSelection(declaration.selection, of: results, subject: declaration.statement)
    finding.expectedRunCount = selection.expectedRunCount
    finding.divergedCount = selection.divergedRuns.count
    let runs =
      declaration.statistic == .divergedShare ? selection.runs : selection.runs.filter { $0.divergedEpoch == nil }
    finding.runCount = runs.count
    guard !selection.runs.isEmpty else { throw .noRuns(figure: declaration.statement) }
    guard !runs.isEmpty else { throw .allDiverged(figure: declaration.statement, runCount: selection.runs.count) }
    switch try statistic(of: declaration, over: runs, selection: selection, study: results.study) {
    case .value(let value):
      finding.value = value
      finding.verdict = verdict(of: value, declaration: declaration)
    case .undefined(let reason): finding.verdict = .notMeasurable(reason: reason)
    }
  } catch {
    finding.verdict = .notMeasurable(reason: error.reason)
  }
  return finding
}

private func verdict(of value: Double, declaration: FindingDeclaration) -> Finding.Verdict {
  if declaration.atLeast == nil, declaration.atMost == nil {
    return .notMeasurable(reason: "the study states no bound for it; give atLeast or atMost")
  }
  guard value.isFinite else { return .notMeasurable(reason: "the value is not finite") }
  let isHighEnough = declaration.atLeast.map { value >= $0 } ?? true
  let isLowEnough = declaration.atMost.map { value <= $0 } ?? true
  return isHighEnough && isLowEnough ? .borneOut : .notBorneOut
}

/// A statistic's value, or why there is none.
enum Evaluation: Hashable {
  case value(Double)
  case undefined(reason: String)
}

private func statistic(
  of declaration: FindingDeclaration, over runs: [RunRecord], selection: SettingSelection, study: Study
) throws(FigureError) -> Evaluation {
  let statement = declaration.statement
  switch declaration.statistic {
  case .divergedShare:
    return .value(Double(runs.count { $0.divergedEpoch != nil }) / Double(runs.count))
  case .logEvaluationLoss:
    var logarithms: [Double] = []
    for run in runs {
      let loss = try run.required(.evaluationLoss, epoch: declaration.epoch ?? run.lastEpoch, figure: statement)
      guard let value = loss.values.first, loss.values.count == 1 else {
        throw .wrongShape(figure: statement, measure: .evaluationLoss, shape: loss.shape, expected: "a scalar")
      }
      logarithms.append(log10(max(value, lossFloor)))
    }
    return .value(mean(logarithms) ?? .nan)
  case .recoveredNodes, .recoveredShare:
    let tables = try correlations(.evaluationCorrelation, of: declaration, over: runs)
    let isShare = declaration.statistic == .recoveredShare
    return .value(
      mean(tables.map { Double($0.recoveredCount) / (isShare ? Double($0.teacherCount) : 1) }) ?? .nan)
  case .strongFirst:
    return strongFirst(try correlations(.evaluationCorrelation, of: declaration, over: runs))
  case .armRatio:
    return try armRatio(of: declaration, over: runs)
  default:
    return try theoryStatistic(of: declaration, over: runs, selection: selection, study: study)
  }
}

func correlations(
  _ measure: Measure, of declaration: FindingDeclaration, over runs: [RunRecord]
) throws(FigureError) -> [CorrelationTable] {
  var tables: [CorrelationTable] = []
  for run in runs {
    let epoch = declaration.epoch ?? run.lastEpoch
    let measurement = try run.required(measure, epoch: epoch, figure: declaration.statement)
    tables.append(try CorrelationTable(measurement, figure: declaration.statement))
  }
  return tables
}

private func strongFirst(_ tables: [CorrelationTable]) -> Evaluation {
  let teacherCount = tables.first?.teacherCount ?? 0
  guard tables.allSatisfy({ $0.teacherCount == teacherCount }) else {
    return .undefined(reason: "the selected runs have teachers of different widths; select one teacher.hiddenNodes")
  }
  let shares = (0..<teacherCount).map { teacher in
    Double(tables.count { $0.isRecovered(teacher: teacher) }) / Double(tables.count)
  }
  guard let correlation = spearmanCorrelation((0..<teacherCount).map(Double.init), shares) else {
    return .undefined(
      reason: "every teacher node is recovered by the same share of seeds, so there is no order; choose another epoch")
  }
  return .value(correlation)
}

/// Medians are over the student nodes of all runs together. Dead nodes have no correlation and are in neither arm.
private func armRatio(of declaration: FindingDeclaration, over runs: [RunRecord]) throws(FigureError) -> Evaluation {
  var aligned: [Double] = []
  var unaligned: [Double] = []
  let tables = try correlations(.trainingCorrelation, of: declaration, over: runs)
  for (run, table) in zip(runs, tables) {
    let epoch = declaration.epoch ?? run.lastEpoch
    let norms = try run.required(.fanOutNorms, epoch: epoch, figure: declaration.statement)
    guard norms.values.count == table.studentCount else {
      throw .wrongShape(
        figure: declaration.statement, measure: .fanOutNorms, shape: norms.shape, expected: "[\(table.studentCount)]")
    }
    for (student, norm) in norms.values.enumerated() where !table.isDead(student: student) {
      let rho = table.best(ofStudent: student).rho
      if rho > recoveryThreshold { aligned.append(norm) }
      if rho < 0.8 { unaligned.append(norm) }
    }
  }
  guard let upper = median(aligned) else { return .undefined(reason: "no student node has best rho > 0.95") }
  guard let lower = median(unaligned) else { return .undefined(reason: "no live student node has best rho < 0.8") }
  guard lower > 0 else { return .undefined(reason: "half of the unaligned student nodes have fan-out norm 0") }
  return .value(upper / lower)
}
