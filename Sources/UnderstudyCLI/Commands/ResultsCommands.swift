import ArgumentParser
import Foundation
import Understudy

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show how far a study has come.")

  @Argument(help: "Results folder.")
  var results: String

  func run() async throws {
    try await reportingErrors {
      let store = try ResultsStore.openForReading(URL(fileURLWithPath: results))
      let study = store.study
      let tallies = try store.tallies()
      func sum<Value: AdditiveArithmetic>(_ value: (SettingTally) -> Value) -> Value {
        tallies.values.reduce(.zero) { $0 + value($1) }
      }
      let checkpointCount = try store.checkpointCount()
      try printLine("study      \(study.name)")
      if !study.claim.isEmpty { try printLine("claim      \(study.claim)") }
      let failures = try store.failures()
      try printLine(
        "runs       \(sum(\.recordedCount)) of \(study.runs.count) recorded, \(sum(\.divergedCount)) diverged"
          + (failures.isEmpty ? "" : ", \(failures.count) failed"))
      if checkpointCount > 0 { try printLine("resumable  \(checkpointCount) begun and not finished") }
      let faults = try store.weightsFaults(.presence)
      if !faults.isEmpty { try printLine("weights    \(faults.count) missing; `understudy run` makes them again") }
      if study.settings.contains(where: { $0.criticalPoint.method != .none }) {
        let searches = try store.results(measures: [.criticalPoint]).runs
          .compactMap { run in run.measurements.first { $0.measure == .criticalPoint } }
          .compactMap { CriticalPointRecord($0.values) }
        if !searches.isEmpty {
          try printLine(
            "search     \(searches.count(where: \.reachedTarget)) of \(searches.count) reached their gradient target")
        }
      }
      try printLine("time       \(duration(sum(\.cpuSeconds))) of one processor")
      try printLine()
      var table = TextTable(["setting", "seeds done", "diverged", "s/run"])
      for (index, setting) in study.settings.enumerated() {
        let done = tallies[index]
        table.add([
          study.label(of: setting), "\(done?.recordedCount ?? 0) of \(study.seeds.count)",
          "\(done?.divergedCount ?? 0)",
          done.map { format($0.wallSeconds / Double(max(1, $0.recordedCount)), digits: 2) } ?? "",
        ])
      }
      try printLine(table.text)
      try printKernels(store)
      try printDiverged(store, count: sum(\.divergedCount))
      if !failures.isEmpty { try printLine("\n" + failureLines(failures, of: study).joined(separator: "\n")) }
    }
  }

  /// What each layer of students over images was computed by: forward, gradient of its input, gradient of its weights.
  private func printKernels(_ store: ResultsStore) throws {
    for (machine, settings) in try store.machines() {
      let parts = machine.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
      guard parts.count > 1 else { continue }
      let labels = settings.map { store.study.label(of: store.study.settings[$0]) }
      try printLine("\n\(labels.joined(separator: "\n"))\non \(parts[0])")
      for layer in parts.dropFirst() { try printLine("  \(layer)") }
    }
  }

  /// Which runs diverged, and when: the first ones, as there may be thousands.
  private func printDiverged(_ store: ResultsStore, count: Int) throws {
    guard count > 0 else { return }
    try printLine("\ndiverged")
    let shownCount = 20
    for run in try store.divergedRuns(atMost: shownCount) {
      let setting = store.study.settings[run.settingIndex]
      try printLine("  \(store.study.label(of: setting)), seed \(run.seed): in epoch \(run.epoch)")
    }
    if count > shownCount {
      try printLine("  and \(count - shownCount) more; `understudy export` has them")
    }
  }
}

struct CheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract:
      "Verify a results folder: its database, every recorded number, every file of weights, every copy of a file.",
    discussion: """
      Exit code 0 if all is well, 1 if something is not. `understudy run` makes weights again, and copies files again while \
      the originals are as they were.
      """)

  @Argument(help: "Results folder.")
  var results: String

  func run() async throws {
    try await reportingErrors {
      let store = try ResultsStore.openForReading(URL(fileURLWithPath: results))
      let problems = try store.databaseProblems()
      for problem in problems { try printLine("database   \(problem)") }
      var (runCount, measurementCount) = (0, 0)
      try store.forEachResult(Set(Measure.allCases)) { record in
        runCount += 1
        measurementCount += record.measurements.count
      }
      let progress = LineProgress(title: "weights", count: runCount)
      let faults = try store.weightsFaults(.content) { _, _ in
        progress.advance()
        return true
      }
      progress.end()
      let copies = store.copyFaults()
      for fault in faults {
        try printLine("weights    \(fault.kind.rawValue): \(store.weightsURL(of: fault.run.hash).path)")
      }
      for copy in copies { try printLine("file       \(copy.fault.rawValue): \(copy.path)") }
      let problemCount = problems.count + faults.count + copies.count
      try printLine(
        "\(runCount) runs, \(measurementCount) measurements, "
          + (problemCount == 0 ? "all well" : "\(problemCount) problems"))
      guard problemCount == 0 else { throw ExitCode(1) }
    }
  }
}

struct ExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write recorded measures as a table or JSON, with the keys that vary, seed and epoch.",
    discussion: """
        understudy export RESULTS --format wide --measure trainingLoss --measure evaluationLoss
        understudy export RESULTS --format json --where training.batchSize=16 --output results.json

      Formats: csv, a row for each number; wide, CSV with a row for each epoch (and node) and a column for each measure; json, an \
      object for each run, arrays nested, what all runs share once. For Parquet and Arrow use the Python package \
      (Docs/Python.md).
      """)

  @Argument(help: "Results folder.")
  var results: String

  @Option(help: "csv, wide or json.")
  var format: Exporter.Format = .csv

  @Option(
    name: .customLong("measure"),
    help: "Only this measure; may be given several times (default: all; wide: all that are single numbers).")
  var measures: [Measure] = []

  @Option(help: "Only settings with this value, e.g. --where teacher.strengthDecay=1; may be repeated.")
  var `where`: [String] = []

  @Option(help: "Only runs of this seed; may be given several times.")
  var seed: [Int] = []

  @Flag(help: "Write every key with each run, not only those that vary.")
  var allKeys = false

  @Option(help: "File to write (default: standard output).")
  var output: String?

  func run() async throws {
    try await reportingErrors {
      let store = try ResultsStore.openForReading(URL(fileURLWithPath: results))
      try checkSeeds(seed, of: store.study)
      let exporter = Exporter(
        store,
        Exporter.Choice(
          measures: measures, selection: try store.study.selection(`where`), seeds: Set(seed), hasAllKeys: allKeys))
      guard let output else { return try exporter.write(format, to: StandardStreams.write) }
      try checkOutput(output, reads: [])
      let stop = StopRequest()
      let interruption = Interruption("stopping: \(output) stays as it was") { stop.request() }
      defer { interruption.cancel() }
      do {
        try writeOutput(to: output) { sink in
          try exporter.write(format) { text in
            guard !stop.isRequested else { throw CancellationError() }
            try sink(Data(text.utf8))
          }
        }
      } catch {
        guard stop.isRequested else { throw error }
        throw ExitCode(130)
      }
    }
  }
}

extension Exporter.Format: ExpressibleByArgument {}
extension Measure: ExpressibleByArgument {}

struct ReportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Draw figures and report again, from stored results alone.")

  @Argument(help: "Results folders; several make one report.")
  var results: [String]

  @Option(help: "The report (default: report.html in the first folder).")
  var output: String?

  @Option(help: "Python that has vl-convert-python (default: of the .venv beside the program, or python3).")
  var python: String?

  func run() async throws {
    try await reportingErrors {
      let folders = results.map { URL(fileURLWithPath: $0) }
      try checkOutput(output, reads: [])
      let file = output.map { URL(fileURLWithPath: $0) } ?? folders[0].appendingPathComponent("report.html")
      try drawReport(of: folders, to: file, python: python)
    }
  }
}
