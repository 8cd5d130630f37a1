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
  /// Over seeds, of the runs that make pairs.
  let means: (first: Double, second: Double)
  let pairCount: Int
  let seedCount: Int

  /// - Throws: `FigureError.notPlottable` if the statistic is none of each run or cannot be said of one, no two runs make a pair, or
  ///   a ratio has no logarithm.
  init(_ comparison: FindingDeclaration.Comparison, _ input: StatisticInput) throws(FigureError) {
    func failure(_ reason: String) -> FigureError { .notPlottable(figure: input.selected.subject, reason: reason) }
    let statistic = input.declaration.statistic
    if let reason = statistic.incomparability { throw failure(reason) }
    let (values, missing) = try input.valuesOfRuns()
    if let reason = missing.first {
      throw failure(
        "of \(missing.count) of the \(input.runs.count) runs it cannot be said, so pairs would be left out: \(reason)")
    }
    let pairs = Self.pairs(of: values, by: comparison, in: input.selected.study)
    guard !pairs.isEmpty else {
      throw failure(
        "no run with \(comparison.key) \(comparison.first.shown) has a partner with \(comparison.second.shown), which shares its "
          + "seed and all other keys: one of both is missing, has diverged, or differs in another key")
    }
    if comparison.kind == .ratio, !pairs.allSatisfy({ $0.first > 0 && $0.second > 0 }) {
      throw failure(
        statistic.rawValue.hasPrefix("log")
          ? "\(statistic.rawValue) is a logarithm, of which a difference is the log10 of a ratio; leave out as: ratio, and bound that"
          : "a ratio needs values above 0; compare by difference")
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
    let seeds = Dictionary(grouping: pairs, by: \.seed).values
    means = (
      mean(seeds.compactMap { mean($0.map(\.first)) }) ?? .nan,
      mean(seeds.compactMap { mean($0.map(\.second)) }) ?? .nan
    )
    self.interval = comparison.kind == .ratio ? interval.map { exp($0.lowerBound)...exp($0.upperBound) } : interval
  }

  /// Runs that share the seed and every other key, but for those that go with the compared one.
  private static func pairs(
    of values: [(run: RunReader, value: Double)], by comparison: FindingDeclaration.Comparison, in study: Study
  ) -> [(seed: Int, first: Double, second: Double)] {
    // A run in which the key has no effect is on no side: it would be a partner of itself.
    let sides = values.map { run, _ in
      study.shown(comparison.key, at: run.record.run.settingIndex).flatMap { value -> Bool? in
        value.isSame(as: comparison.first) ? true : value.isSame(as: comparison.second) ? false : nil
      }
    }
    // A companion goes with the key if each side has one value of it; otherwise it is matched as any other key is.
    let going = study.companions(of: comparison.key).filter { companion in
      [true, false].allSatisfy { side in
        Set(
          zip(values, sides).filter { $0.1 == side }
            .map { study.value(of: companion, at: $0.0.run.record.run.settingIndex) }
        ).count <= 1
      }
    }
    let others = study.variedKeys.filter { $0 != comparison.key && !going.contains($0) }
    var found: [[String]: (seed: Int, first: Double?, second: Double?)] = [:]
    for ((run, value), side) in zip(values, sides) {
      guard let side else { continue }
      let key =
        others.map { study.value(of: $0, at: run.record.run.settingIndex)?.json ?? "" } + ["\(run.seed)"]
      var pair = found[key] ?? (run.seed, nil, nil)
      if side { pair.first = value } else { pair.second = value }
      found[key] = pair
    }
    return found.sorted { $0.key.lexicographicallyPrecedes($1.key) }.compactMap { _, pair in
      pair.first.flatMap { first in pair.second.map { (pair.seed, first, $0) } }
    }
  }
}

extension FindingDeclaration.Statistic {
  /// Why runs cannot be compared by it; nil if they can.
  var incomparability: String? {
    row.summary == nil ? "\(rawValue) is of all runs together, and no two runs can be compared by it" : nil
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
      case .value(let value), .estimate(let value, _): values.append((run, value))
      case .undefined(let reason): missing.append(reason)
      }
    }
    return (values, missing)
  }
}
