import UnderstudySchema

/// How much a statistic differs between two parts of a comparison, over pairs of runs that share the seed.
public struct StudyDifference: Sendable {
  public var compared: ComparedStatistic
  /// Where both are, e.g. `student.overRealization 5` or the study's name; empty: everywhere.
  public var place: String
  /// Of `difference`, which is the second minus the first.
  public var first: String
  public var second: String
  /// Means over the seeds of the runs that make pairs; nil if they cannot be measured.
  public var firstValue: Double?
  public var secondValue: Double?
  /// The mean over seeds; nil if it cannot be measured.
  public var difference: Double?
  /// Student's 95 % interval over seeds; nil of one seed.
  public var interval: ClosedRange<Double>?
  public var pairs: Finding.Pairs?
  /// Why there is no difference.
  public var reason: String?
}

extension StudyComparison {
  /// Of each statistic: of the first study and each other one, at each value of the key that both have unless the key is one thing
  /// that the studies differ in as wholes; then in each study of the key's first value and each other one.
  ///
  /// - Complexity: that of the statistics, for each pair of values.
  public func differences() -> [StudyDifference] {
    let study = results.study
    let names = study.origins.distinct
    let isOfWholes = key == Study.originKey || study.companions(of: Study.originKey).contains(key)
    return statistics.flatMap { compared in
      var differences: [StudyDifference] = []
      for other in names.dropFirst() {
        let own = values(in: other)
        let shared: [KeyValue?] =
          isOfWholes ? [nil] : values(in: names[0]).filter { value in own.contains { $0.isSame(as: value) } }
        for value in shared {
          differences.append(
            difference(
              compared, Study.originKey, .text(names[0]), .text(other), at: value.map { "\(key) \($0.shown)" } ?? "",
              value.map { [key: [$0]] } ?? [:]))
        }
      }
      guard !isOfWholes else { return differences }
      for origin in names.isEmpty ? [nil] : names.map(Optional.some) {
        let values = values(in: origin)
        for value in values.dropFirst() {
          differences.append(
            difference(
              compared, key, values[0], value, at: origin ?? "", origin.map { [Study.originKey: [.text($0)]] } ?? [:]))
        }
      }
      return differences
    }
  }

  /// The key's values in a study, or in all: numbers ascending.
  private func values(in origin: String?) -> [KeyValue] {
    let selection: [String: [KeyValue]] = origin.map { [Study.originKey: [.text($0)]] } ?? [:]
    guard let selected = try? SettingSelection(selection, of: results, subject: "comparison") else { return [] }
    return SeriesKey(key, of: selected, study: results.study).values
  }

  private func difference(
    _ compared: ComparedStatistic, _ key: String, _ first: KeyValue, _ second: KeyValue, at place: String,
    _ selection: [String: [KeyValue]]
  ) -> StudyDifference {
    var declaration = FindingDeclaration(
      statement: compared.title, statistic: compared.statistic, layer: compared.layer, selection: selection)
    declaration.comparison = FindingDeclaration.Comparison(key: key, first: second, second: first)
    let found = evaluate(declaration, in: results)
    var reason: String?
    if found.value == nil, case .notMeasurable(let words) = found.verdict { reason = words }
    return StudyDifference(
      compared: compared, place: place, first: first.shown, second: second.shown, firstValue: found.means?.second,
      secondValue: found.means?.first, difference: found.value, interval: found.interval, pairs: found.pairs,
      reason: reason)
  }
}

extension StudyDifference {
  /// The columns of its table.
  public static let head = [
    "Statistic", "Where", "Compared", "First", "Second", "Difference", "95 % interval", "Pairs",
  ]

  /// As a row of texts; what is absent is a hyphen.
  public var cells: [String] {
    func shown(_ value: Double?) -> String { value.map { $0.rounded(toDigits: 4).short } ?? "-" }
    let ends = interval.map { "\(shown($0.lowerBound)) to \(shown($0.upperBound))" } ?? "-"
    return [
      compared.title, place.isEmpty ? "-" : place, "\(second) - \(first)", shown(firstValue), shown(secondValue),
      shown(difference), ends, pairs.map { "\($0.count) of \($0.seedCount) seeds" } ?? "-",
    ]
  }
}
