import UnderstudySchema

/// What the stored results say about one of a study's expectations.
public struct Finding: Hashable, Sendable {
  /// What became of what the study expects.
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
    let finishedCount = declaration.statistic.row.isOfAllRuns ? runCount : runCount + divergedCount
    return finishedCount < expectedRunCount
  }
}

/// Evaluates every expectation of the study from the stored results alone, in the order of the study.
///
/// Runs that diverged have no last epoch: they are left out of every statistic but `divergedShare`, and counted.
public func findings(of results: StudyResults) -> [Finding] {
  results.study.findings.map { evaluate($0, in: results) }
}

func evaluate(_ declaration: FindingDeclaration, in results: StudyResults) -> Finding {
  var finding = Finding(
    declaration: declaration, value: nil, runCount: 0, divergedCount: 0, expectedRunCount: 0,
    verdict: .notMeasurable(reason: ""))
  do throws(FigureError) {
    let selection = try SettingSelection(declaration.selection, of: results, subject: declaration.statement)
    finding.expectedRunCount = selection.expectedRunCount
    finding.divergedCount = selection.divergedRuns.count
    let selected = SelectedRuns(selection: selection, study: results.study, subject: declaration.statement)
    let row = declaration.statistic.row
    finding.runCount = selection.runs.count - (row.isOfAllRuns ? 0 : finding.divergedCount)
    let runs = try row.isOfAllRuns ? selected.all() : selected.completed()
    switch try row.value(StatisticInput(declaration: declaration, selected: selected, runs: runs)) {
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
