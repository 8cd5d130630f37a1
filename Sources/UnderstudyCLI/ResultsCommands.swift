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
      let (study, runs) = (store.study, try store.results(measures: [.finishing]).runs)
      let checkpoints = try store.checkpointEpochs()
      let divergedCount = runs.count { $0.outcome != .completed }
      try printLine("study      \(study.name)")
      if !study.claim.isEmpty { try printLine("claim      \(study.claim)") }
      let failures = try store.failures()
      try printLine(
        "runs       \(runs.count) of \(study.runs.count) recorded, \(divergedCount) diverged"
          + (failures.isEmpty ? "" : ", \(failures.count) failed"))
      if !checkpoints.isEmpty { try printLine("resumable  \(checkpoints.count) begun and not finished") }
      let faults = try store.weightsFaults(readingFiles: false)
      if !faults.isEmpty { try printLine("weights    \(faults.count) missing; `understudy run` makes them again") }
      let finished = runs.compactMap { run in run.measurements.first { $0.measure == .finishing }?.values }
      if !finished.isEmpty {
        try printLine("finishing  \(finished.count { $0[2] == 1 }) of \(finished.count) reached their gradient target")
      }
      try printLine("time       \(duration(runs.reduce(0) { $0 + $1.cpuSeconds })) of one processor")
      try printLine()
      let bySetting = Dictionary(grouping: runs, by: \.run.settingIndex)
      var table = TextTable(["setting", "seeds done", "diverged", "s/run"])
      for (index, setting) in study.settings.enumerated() {
        let done = bySetting[index] ?? []
        let seconds = done.reduce(0) { $0 + $1.wallSeconds } / Double(max(1, done.count))
        table.add([
          study.label(of: setting), "\(done.count) of \(study.seeds.count)",
          "\(done.count { $0.outcome != .completed })", done.isEmpty ? "" : format(seconds, digits: 2),
        ])
      }
      try printLine(table.text)
      try printDiverged(runs, of: study)
      if !failures.isEmpty { try printLine("\n" + failureLines(failures, of: study).joined(separator: "\n")) }
    }
  }

  /// Which runs diverged, and when: the first ones, as there may be thousands.
  private func printDiverged(_ runs: [RunRecord], of study: Study) throws {
    let diverged = runs.compactMap { record in
      if case .diverged(let epoch) = record.outcome { (record.run, epoch) } else { nil }
    }
    guard !diverged.isEmpty else { return }
    try printLine("\ndiverged")
    let shownCount = 20
    for (run, epoch) in diverged.prefix(shownCount) {
      try printLine("  \(study.label(of: run.setting)), seed \(run.seed): in epoch \(epoch)")
    }
    if diverged.count > shownCount {
      try printLine("  and \(diverged.count - shownCount) more; `understudy export` has them")
    }
  }
}

struct CheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Verify a results folder: its database, every recorded number, every file of weights.",
    discussion: "Exit code 0 if all is well, 1 if something is not. `understudy run` makes weights again.")

  @Argument(help: "Results folder.")
  var results: String

  func run() async throws {
    try await reportingErrors {
      let store = try ResultsStore.openForReading(URL(fileURLWithPath: results))
      let problems = try store.databaseProblems()
      for problem in problems { try printLine("database   \(problem)") }
      let runs = try store.results(measures: Set(Measure.allCases)).runs
      let faults = try store.weightsFaults(readingFiles: true)
      for run in runs {
        guard let fault = faults[run.run.hash] else { continue }
        try printLine("weights    \(fault.rawValue): \(store.weightsURL(of: run.run.hash).path)")
      }
      try printLine(
        "\(runs.count) runs, \(runs.reduce(0) { $0 + $1.measurements.count }) measurements, "
          + (problems.isEmpty && faults.isEmpty ? "all well" : "\(problems.count + faults.count) problems"))
      guard problems.isEmpty, faults.isEmpty else { throw ExitCode(1) }
    }
  }
}

struct ExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write every recorded measure with its setting, seed and epoch.")

  @Argument(help: "Results folder.")
  var results: String

  @Option(help: "csv or json.")
  var format: Exporter.Format = .csv

  @Option(
    name: .customLong("measure"), help: "Only this measure; may be given several times. `understudy keys` lists them.")
  var measures: [Measure] = []

  @Option(help: "File to write (default: standard output).")
  var output: String?

  func run() async throws {
    try await reportingErrors {
      let store = try ResultsStore.openForReading(URL(fileURLWithPath: results))
      let exporter = Exporter(store, measures: measures.isEmpty ? nil : Set(measures))
      guard let output else { return try exporter.write(format, to: StandardStreams.write) }
      try checkOutput(output, reads: [])
      try writeOutput(to: output) { sink in try exporter.write(format) { try sink(Data($0.utf8)) } }
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
