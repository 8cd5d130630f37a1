import Foundation
import UnderstudySchema

/// What pairs of runs say of two values of a key: runs of one pair share the seed and every other key that varies.
struct PairedRuns {
  /// The mean difference, or the geometric mean of the ratios.
  let value: Double
  /// Student's 95 % interval over pairs, of ratios by their logarithms; nil of one pair.
  let interval: ClosedRange<Double>?
  let pairCount: Int

  /// - Throws: `FigureError.notPlottable` if the statistic is none of each run, no two runs make a pair, or a ratio has no logarithm.
  init(_ comparison: FindingDeclaration.Comparison, _ input: StatisticInput) throws(FigureError) {
    func failure(_ reason: String) -> FigureError { .notPlottable(figure: input.selected.subject, reason: reason) }
    guard input.declaration.statistic.row.summary != nil else {
      throw failure(
        "\(input.declaration.statistic.rawValue) is of all runs together, and no two runs can be compared by it")
    }
    let study = input.selected.study
    let own = study.companions(of: comparison.key).union([comparison.key])
    let others = study.variedKeys.filter { !own.contains($0) }
    var sides: [[String]: (first: Double?, second: Double?)] = [:]
    for (run, value) in try input.valuesOfRuns() {
      let key = others.map { run.setting.value(of: $0)?.shown ?? "" } + ["\(run.seed)"]
      guard let own = run.setting.value(of: comparison.key) else { continue }
      if own.isSame(as: comparison.first) { sides[key, default: (nil, nil)].first = value }
      if own.isSame(as: comparison.second) { sides[key, default: (nil, nil)].second = value }
    }
    let pairs = sides.sorted { $0.key.lexicographicallyPrecedes($1.key) }.compactMap { _, side in
      side.first.flatMap { first in side.second.map { (first: first, second: $0) } }
    }
    guard !pairs.isEmpty else {
      throw failure(
        "no run with \(comparison.key) \(comparison.first.shown) has a partner with \(comparison.second.shown), which shares its "
          + "seed and all other keys; run both")
    }
    pairCount = pairs.count
    switch comparison.kind {
    case .difference:
      let values = pairs.map { $0.first - $0.second }
      value = mean(values) ?? .nan
      interval = UnderstudyFigures.interval(of: values)
    case .ratio:
      guard pairs.allSatisfy({ $0.first > 0 && $0.second > 0 }) else {
        throw failure("a ratio needs values above 0; compare by difference")
      }
      let values = pairs.map { log($0.first / $0.second) }
      value = exp(mean(values) ?? .nan)
      interval = UnderstudyFigures.interval(of: values).map { exp($0.lowerBound)...exp($0.upperBound) }
    }
  }
}

extension StatisticInput {
  /// The statistic of each run alone; runs of which it cannot be said are left out.
  func valuesOfRuns() throws(FigureError) -> [(run: RunReader, value: Double)] {
    var values: [(run: RunReader, value: Double)] = []
    for run in runs {
      let one = StatisticInput(declaration: declaration, selected: selected, runs: [run])
      if case .value(let value) = try declaration.statistic.row.value(one) { values.append((run, value)) }
    }
    return values
  }
}
