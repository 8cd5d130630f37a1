import ArgumentParser
import Foundation
import Understudy

/// Which runs of a results folder a command is about.
struct RunChoice: ParsableArguments {
  @Option(help: "Of a results folder, only runs of this seed; may be given several times.")
  var seed: [Int] = []

  @Option(
    help: "Of a results folder, only settings with this value, e.g. --where teacher.strengthDecay=1; may be repeated.")
  var `where`: [String] = []

  @Option(
    help:
      "Of a results folder, the run whose hash begins so, as `understudy status --runs` lists them; may be repeated.")
  var run: [String] = []

  func validate() throws {
    if let text = run.first(where: { !isHashPrefix($0) }) { throw notAHash(text) }
  }

  var isGiven: Bool { !seed.isEmpty || !`where`.isEmpty || !run.isEmpty }

  /// Says of each run of a study whether it is chosen; all are if nothing is given.
  ///
  /// - Throws: `StudyError` of keys and values that no setting of the study has.
  func filter(of study: Study) throws -> (Run) -> Bool {
    let (selection, seed, hashes) = (try study.selection(`where`), seed, run.map { $0.lowercased() })
    return { run in
      (seed.isEmpty || seed.contains(run.seed)) && (hashes.isEmpty || hashes.contains { run.hash.hasPrefix($0) })
        && run.setting.matches(selection)
    }
  }

  /// For commands that take either a folder or files.
  ///
  /// - Throws: `ValidationError` unless there is either a folder, or all of the files and no choice among runs.
  func check(folder: String?, files: [String?], called names: String, _ activation: ActivationOptions) throws {
    try activation.checkHasBoundaries()
    if folder != nil, files.contains(where: { $0 != nil }) {
      throw ValidationError("give a results folder, or \(names), not both")
    }
    if folder != nil, activation.isGiven {
      throw ValidationError("--activation and --leaky-slope are for files; a results folder knows its networks")
    }
    if folder == nil, files.contains(where: { $0 == nil }) {
      throw ValidationError("give \(names), or a results folder")
    }
    if folder == nil, isGiven {
      throw ValidationError("--seed, --where and --run choose among the runs of a results folder")
    }
  }

  /// The chosen runs that were finished, at least one.
  func finishedRuns(of store: ResultsStore) throws -> [Run] {
    let isChosen = try filter(of: store.study)
    let recorded = try store.runs()
    let finished = recorded.filter { $0.outcome == .completed }.map(\.run)
    guard !finished.isEmpty else {
      throw ExperimentError.input(
        "\(store.folder.path): no run has finished (\(recorded.count) diverged); `understudy run` goes on with the others"
      )
    }
    let chosen = finished.filter(isChosen)
    guard !chosen.isEmpty else {
      throw ExperimentError.input(
        "\(store.folder.path): of \(finished.count) finished runs none is chosen by --seed, --where and --run; "
          + "`understudy status --runs` lists them")
    }
    return chosen
  }
}

func notAHash(_ text: String) -> ValidationError {
  ValidationError(
    "\(text): is no beginning of a run's hash; give 4 to 32 of the digits that `understudy status --runs` lists")
}

func isHashPrefix(_ text: String) -> Bool { (4...32).contains(text.count) && text.allSatisfy(\.isHexDigit) }

/// How to choose fewer runs: the end of an error's sentence that names what the runs differ in, with its values.
func differences(of runs: [Run], in study: Study) -> String {
  var parts: [String] = []
  for key in study.variedKeys {
    let values = runs.map { $0.setting.value(of: key)?.description ?? "none" }.distinct
    if values.count > 1 { parts.append("\(key) (--where \(key)=...: \(listed(values)))") }
  }
  let seeds = Set(runs.map(\.seed)).sorted().map(String.init)
  if seeds.count > 1 { parts.append("the seed (--seed: \(listed(seeds)))") }
  guard !parts.isEmpty else { return "" }
  return "; they differ in " + parts.joined(separator: ", ")
    + "; choose by these, or by --run HASH (understudy status --runs)"
}

private func listed(_ values: [String]) -> String {
  values.prefix(8).joined(separator: ", ") + (values.count > 8 ? ", ... (\(values.count))" : "")
}

/// Opens a results folder whose runs are to be looked at again, and says which files they named are not what they were: the
/// folder's own copies are used.
func openResults(_ folder: String) throws -> ResultsStore {
  let store = try ResultsStore.openForReading(URL(fileURLWithPath: folder))
  for (file, state) in store.changedSources() where file.isAvailable {
    writeError("\(file.path) \(state.rawValue) since the study was run; the copy in \(store.folder.path) is used")
  }
  return store
}
