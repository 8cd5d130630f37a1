import ArgumentParser
import Foundation
import Understudy

struct StatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show how far a study has come.",
    discussion: """
        understudy status RESULTS
        understudy status RESULTS --runs --where student.overRealization=2

      --runs lists every run: the beginning of its hash, the keys that vary, its seed, its state (completed, diverged, failed, \
      begun, missing), its epoch and its last loss. For a run that diverged it also has the step and the reason, and for \
      a failed run the reason. With --json it has the losses and lengths of the last steps before a divergence as well.
      """)

  @Argument(help: "Results folder.")
  var results: String

  @Flag(help: "List the runs, instead of counting them.")
  var runs = false

  @OptionGroup var choice: RunChoice

  @Flag(help: "With --runs: JSON instead of a table, an array of objects.")
  var json = false

  func validate() throws {
    guard !runs else { return }
    if json { throw ValidationError("--json is for --runs; give both, or neither") }
    if choice.isGiven {
      throw ValidationError("--seed, --where and --run choose among the runs that --runs lists; add --runs")
    }
  }

  func run() async throws {
    try await reportingErrors {
      let store = try ResultsStore.openForReading(URL(fileURLWithPath: results))
      guard !runs else { return try printRuns(of: store) }
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
      for fault in try store.artifactFaults(readsContent: false) {
        try printLine("\(fault.what.padding(toLength: 11, withPad: " ", startingAt: 0))missing: \(fault.path)")
      }
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
      try printLine(settingTable(tallies, of: study))
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
      try printLine("  \(store.study.label(of: setting, seed: run.seed)): in \(store.study.timeUnit) \(run.epoch)")
    }
    if count > shownCount {
      try printLine("  and \(count - shownCount) more; `understudy export` has them")
    }
  }
}

extension StatusCommand {
  private func printRuns(of store: ResultsStore) throws {
    let states = try store.states(where: try choice.filter(of: store.study))
    try printLine(json ? jsonText(states.map { ListedRun($0, of: store.study) }) : runTable(states, of: store.study))
  }
}
