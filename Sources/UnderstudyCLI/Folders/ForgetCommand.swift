import ArgumentParser
import Foundation
import Understudy

struct ForgetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget", abstract: "Delete stored runs, their weights and what no other run needs.",
    discussion: """
        understudy forget RESULTS 3f2a90cd
        understudy forget RESULTS --diverged --dry-run
        understudy forget RESULTS --where training.learningRate=0.5

      The command prints which runs it deletes, and does not ask. --dry-run shows what would be deleted. Afterwards these runs are \
      missing; `understudy run` computes them again, with the same bits. To leave them out for good, take their values out of the \
      study as well. A folder in which another process works is refused.
      """)

  @Argument(help: "Results folder.")
  var results: String

  @Argument(help: "Runs, by the beginnings of their hashes, as `understudy status --runs` lists them.")
  var runs: [String] = []

  @OptionGroup var choice: RunChoice

  @Flag(help: "Of the chosen runs, those that diverged.")
  var diverged = false

  @Flag(help: "Print what would be deleted, and change nothing.")
  var dryRun = false

  func validate() throws {
    guard !runs.isEmpty || choice.isGiven || diverged else {
      throw ValidationError("say which runs: by their hashes, --where, --seed or --diverged")
    }
    if let text = runs.first(where: { !isHashPrefix($0) }) { throw notAHash(text) }
  }

  func run() async throws {
    try await reportingErrors {
      let folder = URL(fileURLWithPath: results)
      let store =
        dryRun
        ? try ResultsStore.openForReading(folder)
        : try ResultsStore.openForChanges(folder, notice: { writeError($0) })
      defer { store.close() }
      var choice = choice
      choice.run += runs
      let isChosen = try choice.filter(of: store.study)
      let forgotten = try ForgottenRuns(of: store) {
        isChosen($0.run) && (!diverged || $0.kind == .diverged)
      }
      guard !forgotten.states.isEmpty else {
        throw ExperimentError.input(
          "\(results): none of the stored runs is chosen; `understudy status \(results) --runs` lists them")
      }
      try printLine(runTable(forgotten.states, of: store.study))
      for name in forgotten.artifacts { try printLine("artifacts/\(name)") }
      let count = forgotten.states.count == 1 ? "1 run" : "\(forgotten.states.count) runs"
      let size = forgotten.size
      guard !dryRun else { return writeError("\(count) would go, with \(size) of weights; nothing was changed") }
      try forgotten.delete(from: store)
      writeError(
        "\(count) forgotten, with \(size) of weights; `understudy run` computes them again, `understudy report` draws what is left"
      )
    }
  }
}
