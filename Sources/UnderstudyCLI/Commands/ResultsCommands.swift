import ArgumentParser
import Foundation
import Understudy

struct CheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract:
      "Verify a results folder: its database, every recorded number, every file of weights, teacher and oracle, every copy of a file.",
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
      let progress = ProgressLine(title: "weights")
      let faults = try store.weightsFaults(.content) { _, _ in
        progress.advance(of: runCount)
        return true
      }
      progress.end()
      let copies = store.copyFaults()
      for fault in faults {
        try printLine("weights    \(fault.kind.rawValue): \(store.weightsURL(of: fault.run.hash).path)")
      }
      for copy in copies { try printLine("file       \(copy.fault.rawValue): \(copy.path)") }
      let artifacts = try store.artifactFaults(readsContent: true)
      for fault in artifacts {
        try printLine(
          "\(fault.what.padding(toLength: 11, withPad: " ", startingAt: 0))\(fault.kind.rawValue): \(fault.path)")
      }
      let problemCount = problems.count + faults.count + copies.count + artifacts.count
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
    help: "Only this measure; may be given several times (default: all; wide: all that are single numbers).",
    transform: { try named($0, called: "measure") })
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
