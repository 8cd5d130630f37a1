import Foundation
import UnderstudySchema

/// What pairs of runs say of two values of a key: runs of one pair share the seed and every other key that varies.
///
/// Pairs of one seed share their teacher and data, so their differences are no independent ones: they are averaged first, and the
/// interval is over seeds.
struct PairedRuns {
  /// The mean difference, or the geometric mean of the ratios.
  let value: Double
  /// Student's 95 % interval over seeds, of ratios by their logarithms; nil of one seed.
  let interval: ClosedRange<Double>?
  let pairCount: Int
  let seedCount: Int

  /// - Throws: `FigureError.notPlottable` if the statistic is none of each run or cannot be said of one, no two runs make a pair, or
  ///   a ratio has no logarithm.
  init(_ comparison: FindingDeclaration.Comparison, _ input: StatisticInput) throws(FigureError) {
    func failure(_ reason: String) -> FigureError { .notPlottable(figure: input.selected.subject, reason: reason) }
    let statistic = input.declaration.statistic
    guard statistic.row.summary != nil else {
      throw failure("\(statistic.rawValue) is of all runs together, and no two runs can be compared by it")
    }
    let (values, missing) = try input.valuesOfRuns()
    if let reason = missing.first {
      throw failure(
        "of \(missing.count) of the \(input.runs.count) runs it cannot be said, so pairs would be left out: \(reason)")
    }
    guard let pairs = Self.pairs(of: values, by: comparison, in: input.selected.study) else {
      throw failure(
        "a key that is zipped with \(comparison.key) has several values beside one that is compared, so that runs have several "
          + "partners; select one of them by where")
    }
    guard !pairs.isEmpty else {
      throw failure(
        "no run with \(comparison.key) \(comparison.first.shown) has a partner with \(comparison.second.shown), which shares its "
          + "seed and all other keys: one of both is missing or has diverged")
    }
    if comparison.kind == .ratio, !pairs.allSatisfy({ $0.first > 0 && $0.second > 0 }) {
      throw failure("a ratio needs values above 0; compare by difference")
    }
    var bySeed: [Int: [Double]] = [:]
    for pair in pairs {
      let change = comparison.kind == .ratio ? log(pair.first / pair.second) : pair.first - pair.second
      bySeed[pair.seed, default: []].append(change)
    }
    let changes = bySeed.sorted { $0.key < $1.key }.compactMap { mean($0.value) }
    (pairCount, seedCount) = (pairs.count, changes.count)
    let (center, interval) = (mean(changes) ?? .nan, UnderstudyFigures.interval(of: changes))
    value = comparison.kind == .ratio ? exp(center) : center
    self.interval = comparison.kind == .ratio ? interval.map { exp($0.lowerBound)...exp($0.upperBound) } : interval
  }

  /// nil if a run has several partners.
  private static func pairs(
    of values: [(run: RunReader, value: Double)], by comparison: FindingDeclaration.Comparison, in study: Study
  ) -> [(seed: Int, first: Double, second: Double)]? {
    let own = study.companions(of: comparison.key).union([comparison.key])
    let others = study.variedKeys.filter { !own.contains($0) }
    var sides: [[String]: (seed: Int, first: Double?, second: Double?)] = [:]
    for (run, value) in values {
      let key = others.map { study.value(of: $0, at: run.record.run.settingIndex)?.shown ?? "" } + ["\(run.seed)"]
      guard let own = study.value(of: comparison.key, at: run.record.run.settingIndex) else { continue }
      let side = sides[key] ?? (run.seed, nil, nil)
      if own.isSame(as: comparison.first) {
        guard side.first == nil else { return nil }
        sides[key] = (run.seed, value, side.second)
      } else if own.isSame(as: comparison.second) {
        guard side.second == nil else { return nil }
        sides[key] = (run.seed, side.first, value)
      }
    }
    return sides.sorted { $0.key.lexicographicallyPrecedes($1.key) }.compactMap { _, side in
      side.first.flatMap { first in side.second.map { (side.seed, first, $0) } }
    }
  }
}

extension StatisticInput {
  /// The statistic of each run alone, and for each of which it cannot be said the reason.
  func valuesOfRuns() throws(FigureError) -> (values: [(run: RunReader, value: Double)], missing: [String]) {
    var values: [(run: RunReader, value: Double)] = []
    var missing: [String] = []
    for run in runs {
      let one = StatisticInput(declaration: declaration, selected: selected, runs: [run])
      switch try declaration.statistic.row.value(one) {
      case .value(let value): values.append((run, value))
      case .undefined(let reason): missing.append(reason)
      }
    }
    return (values, missing)
  }
}
