import ArgumentParser
import Foundation
import Understudy

struct StatisticsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "statistics",
    abstract: "Compute a statistic of findings from stored results, for each value of some keys.",
    discussion: """
        understudy statistics RESULTS recoveredShare --by teacher.strengthDecay,student.overRealization
        understudy statistics RESULTS layerCorrelation --layer 1,2,3 --epoch 0,10 --by student.overRealization

      Docs/Studies.md says of each statistic what it is and which measures it needs.
      """)

  @Argument(help: "Results folder.")
  var results: String

  @Argument(help: "The statistic, as findings name it.", transform: statisticNamed)
  var statistic: FindingDeclaration.Statistic

  @Option(
    help: "Keys by which runs are told apart, separated by commas (default: all runs together).", transform: parts)
  var by: [String] = []

  @Option(
    help: "Hidden layers, 1 being the lowest, separated by commas; of statistics that look at one.", transform: numbers)
  var layer: [Int] = []

  @Option(
    help: "Epochs, separated by commas (default: the last, or what the statistic says).", transform: numbers)
  var epoch: [Int] = []

  @Option(help: "Only settings with this value, e.g. --where teacher.strengthDecay=1; may be repeated.")
  var `where`: [String] = []

  @Flag(help: "JSON instead of a table: an array of objects.")
  var json = false

  func validate() throws {
    guard statistic.needsLayer == layer.isEmpty else { return }
    throw ValidationError(
      layer.isEmpty
        ? "\(statistic.rawValue) looks at a hidden layer; give --layer, 1 for the lowest"
        : "\(statistic.rawValue) looks at no hidden layer; leave --layer out")
  }

  func run() async throws {
    try await reportingErrors {
      let store = try ResultsStore.openForReading(URL(fileURLWithPath: results))
      let values = try statisticValues(
        statistic, of: try store.results(measures: Set(statistic.measures)), by: by,
        layers: layer.isEmpty ? [nil] : layer, epochs: epoch.isEmpty ? [nil] : epoch,
        selection: try store.study.selection(`where`))
      try printLine(json ? jsonText(values) : table(values))
    }
  }

  private func table(_ values: [StatisticValue]) -> String {
    let rows = values.map { value in
      by.map { value.group[$0] ?? "-" } + [value.layer, value.epoch].compactMap { $0.map(String.init) }
        + ["\(value.runCount)", value.value.map { String(format: "%.6g", $0) } ?? "-"]
    }
    let table = TextTable(
      by + (layer.isEmpty ? [] : ["layer"]) + (epoch.isEmpty ? [] : ["epoch"]) + ["runs", statistic.rawValue], rows)
    // Below the table, where they widen no column.
    let reasons = values.filter { $0.value == nil }.compactMap(\.reason).distinct
    return ([table.text] + reasons.map { "-: \($0)" }).joined(separator: "\n")
  }
}

private func parts(_ text: String) -> [String] {
  text.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
}

/// Whole numbers from 0, separated by commas.
func numbers(_ text: String) throws -> [Int] {
  try parts(text).map { part in
    guard let number = Int(part), number >= 0 else {
      throw ValidationError("'\(text)': give whole numbers from 0, separated by commas")
    }
    return number
  }
}

private func statisticNamed(_ text: String) throws -> FindingDeclaration.Statistic {
  if FindingDeclaration.Statistic(rawValue: text) == nil, Measure(rawValue: text) != nil {
    throw ValidationError(
      "\(text) is a measure; `understudy export RESULTS --measure \(text)` writes its numbers, and a figure of kind plot draws them"
    )
  }
  return try named(text, called: "statistic")
}
