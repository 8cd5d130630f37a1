import UnderstudySchema

/// What the stored results say about one of a study's expectations.
public struct Finding: Hashable, Sendable {
  /// What became of what the study expects.
  public enum Verdict: Hashable, Sendable {
    case borneOut
    case notBorneOut
    /// A comparison whose interval reaches beyond a bound, and not all of it is outside.
    case undecided
    case notMeasurable(reason: String)
  }
  /// What a comparison rests on.
  public struct Pairs: Hashable, Sendable {
    public var count: Int
    public var seedCount: Int
  }
  /// Of a comparison, the means over seeds of the runs that make pairs.
  public struct Means: Hashable, Sendable {
    public var first: Double
    public var second: Double
  }
  public var declaration: FindingDeclaration
  /// The statistic; nil if it cannot be measured.
  public var value: Double?
  /// Student's 95 % interval of a mean over runs, or of a comparison; over seeds, because runs of one seed share teacher and data.
  /// nil of one seed, and of statistics that are no means.
  public var interval: ClosedRange<Double>?
  /// Of a comparison: pairs of runs, and their seeds.
  public var pairs: Pairs?
  public var means: Means?
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
    declaration: declaration, value: nil, interval: nil, runCount: 0, divergedCount: 0, expectedRunCount: 0,
    verdict: .notMeasurable(reason: ""))
  do throws(FigureError) {
    let selected = try SelectedRuns(declaration.wholeSelection, of: results, subject: declaration.statement)
    let selection = selected.selection
    finding.expectedRunCount = selection.expectedRunCount
    finding.divergedCount = selection.divergedRuns.count
    let row = declaration.statistic.row
    finding.runCount = selection.runs.count - (row.isOfAllRuns ? 0 : finding.divergedCount)
    let runs = try row.isOfAllRuns ? selected.all() : selected.completed()
    let input = StatisticInput(declaration: declaration, selected: selected, runs: runs)
    if let comparison = declaration.comparison {
      let compared = try PairedRuns(comparison, input)
      (finding.value, finding.interval, finding.runCount) = (compared.value, compared.interval, 2 * compared.pairCount)
      finding.means = Finding.Means(first: compared.means.first, second: compared.means.second)
      finding.pairs = Finding.Pairs(count: compared.pairCount, seedCount: compared.seedCount)
      finding.verdict = verdict(of: compared, declaration: declaration)
      return finding
    }
    switch try row.value(input) {
    case .value(let value):
      finding.value = value
      if row.summary == .mean { finding.interval = interval(overSeedsOf: try input.valuesOfRuns().values) }
      finding.verdict = verdict(of: value, declaration: declaration)
    case .estimate(let value, let interval):
      (finding.value, finding.interval) = (value, interval)
      finding.verdict = verdict(of: value, declaration: declaration)
    case .undefined(let reason): finding.verdict = .notMeasurable(reason: reason)
    }
  } catch {
    finding.verdict = .notMeasurable(reason: error.reason)
  }
  return finding
}

/// Of the mean over runs; nil of one seed.
private func interval(overSeedsOf values: [(run: RunReader, value: Double)]) -> ClosedRange<Double>? {
  interval(
    of: Dictionary(grouping: values, by: \.run.seed).sorted { $0.key < $1.key }.compactMap {
      mean($0.value.map(\.value))
    })
}

/// nil of fewer than two values.
func interval(of values: [Double]) -> ClosedRange<Double>? {
  guard values.count > 1, values.allSatisfy(\.isFinite), let found = MeanInterval(values), found.low <= found.high
  else {
    return nil
  }
  return found.low...found.high
}

private let noBound = Finding.Verdict.notMeasurable(
  reason: "the study states no bound for it; give atLeast or atMost")

private func verdict(of value: Double, declaration: FindingDeclaration) -> Finding.Verdict {
  guard declaration.atLeast != nil || declaration.atMost != nil else { return noBound }
  guard value.isFinite else { return .notMeasurable(reason: "the value is not finite") }
  return declaration.allows(value) ? .borneOut : .notBorneOut
}

/// The whole interval has to be within the bounds: two bounds around 0 state that both are equivalent.
private func verdict(of compared: PairedRuns, declaration: FindingDeclaration) -> Finding.Verdict {
  guard declaration.atLeast != nil || declaration.atMost != nil else { return noBound }
  guard let interval = compared.interval else {
    return .notMeasurable(reason: "pairs of one seed have no interval, as they share teacher and data; run more seeds")
  }
  if declaration.allows(interval.lowerBound), declaration.allows(interval.upperBound) { return .borneOut }
  let isBelow = declaration.atLeast.map { interval.upperBound < $0 } ?? false
  let isAbove = declaration.atMost.map { interval.lowerBound > $0 } ?? false
  return isBelow || isAbove ? .notBorneOut : .undecided
}

extension FindingDeclaration {
  /// With the two values that are compared.
  fileprivate var wholeSelection: [String: [KeyValue]] {
    guard let comparison else { return selection }
    return selection.merging([comparison.key: [comparison.first, comparison.second]]) { $1 }
  }

  fileprivate func allows(_ value: Double) -> Bool {
    (atLeast.map { value >= $0 } ?? true) && (atMost.map { value <= $0 } ?? true)
  }
}
