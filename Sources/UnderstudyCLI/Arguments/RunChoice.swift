import ArgumentParser
import Foundation
import Understudy

/// Which runs of a results folder a command is about, for commands that take either a folder or files.
struct RunChoice: ParsableArguments {
  @Option(help: "With a folder: only runs of these seeds; may be given several times.")
  var seed: [Int] = []

  @Option(help: "With a folder: only settings with this value, e.g. --where teacher.strengthDecay=1; may be repeated.")
  var `where`: [String] = []

  /// - Throws: `ValidationError` unless there is either a folder, or all of the files and no choice among runs.
  func check(folder: String?, files: [String?], called names: String, _ activation: ActivationOptions) throws {
    if folder != nil, files.contains(where: { $0 != nil }) {
      throw ValidationError("give a results folder, or \(names), not both")
    }
    if folder != nil, activation.isGiven {
      throw ValidationError("--activation and --leaky-slope are for files; a results folder knows its networks")
    }
    if folder == nil, files.contains(where: { $0 == nil }) {
      throw ValidationError("give \(names), or a results folder")
    }
    if folder == nil, !seed.isEmpty || !`where`.isEmpty {
      throw ValidationError("--seed and --where choose among the runs of a results folder")
    }
  }

  /// The chosen runs that were finished, at least one.
  func finishedRuns(of store: ResultsStore) throws -> [Run] {
    let selection = try store.study.selection(`where`)
    let recorded = try store.runs()
    let finished = recorded.filter { $0.outcome == .completed }.map(\.run)
    guard !finished.isEmpty else {
      throw ExperimentError.input(
        "\(store.folder.path): no run has finished (\(recorded.count) diverged); `understudy run` goes on with the others"
      )
    }
    let chosen = finished.filter { (seed.isEmpty || seed.contains($0.seed)) && $0.setting.matches(selection) }
    guard !chosen.isEmpty else {
      throw ExperimentError.input(
        "\(store.folder.path): of \(finished.count) finished runs none is chosen by --seed and --where; "
          + "`understudy status` lists the settings")
    }
    return chosen
  }
}

/// Opens a results folder whose runs are to be looked at again, and says which files they named are not what they were: the
/// folder's own copies are used.
func openResults(_ folder: String) throws -> ResultsStore {
  let store = try ResultsStore.openForReading(URL(fileURLWithPath: folder))
  for (file, state) in store.changedSources() where file.content != nil {
    writeError("\(file.path) \(state.rawValue) since the study was run; the copy in \(store.folder.path) is used")
  }
  return store
}
