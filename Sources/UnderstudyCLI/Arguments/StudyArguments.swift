import ArgumentParser
import Foundation
import Understudy

/// How a study is changed and executed: the options that `run` and `reproduce` share.
struct ExecutionOptions: ParsableArguments {
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp(
      "Override a key of the study, as in --set training.epochs=5 or --set 'student.overRealization=[1, 2]'.",
      valueName: "key=value"))
  var overrides: [String] = []

  @Option(
    name: .customLong("where"),
    help: ArgumentHelp(
      "Carry out only settings with this value now, as in --where student.overRealization=1; may be repeated. The others stay "
        + "missing.", valueName: "key=value"))
  var selection: [String] = []

  @Option(help: "Carry out only runs of this seed now; may be given several times.")
  var seed: [Int] = []

  @Flag(
    help: ArgumentHelp(
      "Copy the sets of images that the study names into the results folder too, so that it is complete on another machine "
        + "(CIFAR-10: 170 MB). Other files are always copied."))
  var keepImages = false

  @OptionGroup var machine: MachineOptions

  /// Trains what is chosen now and missing, into the study's folder.
  func execute(_ study: Study, from origin: StudyOrigin, in folder: URL) async throws {
    try await UnderstudyCLI.execute(
      study, from: origin, in: folder, options: machine, choosing: chosenRuns, preparing: keepSources)
  }

  /// Puts into the folder what is kept on request only.
  ///
  /// - Throws: `StoreError` if an original is not there, or cannot be copied.
  private func keepSources(in store: ResultsStore) throws {
    guard keepImages else { return }
    if store.study.imageSets.isEmpty {
      writeError("--keep-images: \(store.study.name) names no images; every file that it names is kept in any case")
    }
    try store.keepImages()
  }

  /// - Throws: `StudyError` and `ValidationError` of what a study does not have.
  private func chosenRuns(of study: Study) throws -> RunSelection {
    try checkSeeds(seed, of: study)
    return RunSelection(seeds: Set(seed), settings: try study.selection(selection))
  }
}

/// By what runs are carried out, and whether they are drawn: of all commands that train.
struct MachineOptions: ParsableArguments {
  @Option(
    help:
      "Runs at a time (default: the number of processors). Results do not depend on it, except the last bits of teachers of images."
  )
  var threads: Int?

  @Option(help: "Seconds of its work that a long run may lose when it is killed.")
  var checkpointInterval = 30.0

  @Option(help: "Kernels to use: avx512, avx2 or portable (default: the fastest that this processor has).")
  var instructions: InstructionSet?

  @Option(help: "Python that has vl-convert-python (default: of the .venv beside the program, or python3).")
  var python: String?

  @Flag(help: "Train and store only; draw later with `understudy report`.")
  var noReport = false

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads \(threads): give 1 or more") }
    guard (0...1e9).contains(checkpointInterval) else {  // a duration cannot hold infinity
      throw ValidationError("--checkpoint-interval \(checkpointInterval): give seconds, 0 to 1e9")
    }
    try instructions?.checkIsSupported()
  }

  var runnerOptions: StudyRunner.Options {
    var options = StudyRunner.Options()
    if let threads { options.threadCount = threads }
    if let instructions { options.instructions = instructions }
    options.checkpointInterval = .seconds(checkpointInterval)
    return options
  }
}

/// - Throws: `ValidationError` for seeds of `--seed` that the study does not have.
func checkSeeds(_ seeds: [Int], of study: Study) throws {
  guard let other = seeds.first(where: { !study.seeds.contains($0) }) else { return }
  let shown = study.seeds.prefix(12).map(String.init).joined(separator: ", ")
  let words = study.seeds.count > 12 ? "\(shown), ... (\(study.seeds.count))" : shown
  throw ValidationError("--seed \(other): \(study.name) has no such seed; its seeds are \(words)")
}

extension InstructionSet: ExpressibleByArgument {
  /// - Throws: `ValidationError` if this processor does not have them.
  func checkIsSupported() throws {
    if !isSupported {
      throw ValidationError("--instructions \(rawValue): this processor does not have them; leave the option out")
    }
  }
}

/// A file or a set of images that a study names, where the original is gone and the folder of an earlier run has a copy.
func keptSource(in folder: URL, at path: String) -> SourceFile? {
  guard let store = try? ResultsStore.openForReading(folder), let source = store.keptSource(at: path) else {
    return nil
  }
  writeError("\(path) is gone; the copy in \(store.folder.path) is used")
  return source
}

/// The Python that draws: as told, by UNDERSTUDY_PYTHON, of a `.venv` in a folder above the program, or the system's. Not one of
/// the current folder, which may be anybody's.
func pythonPath(_ given: String?) -> String {
  if let given = given ?? ProcessInfo.processInfo.environment["UNDERSTUDY_PYTHON"] { return given }
  var folders: [URL] = []
  if let program = Bundle.main.executableURL?.resolvingSymlinksInPath() {
    var folder = program.deletingLastPathComponent()
    for _ in 0..<4 {
      folders.append(folder)
      folder = folder.deletingLastPathComponent()
    }
  }
  let candidates = folders.map { $0.appendingPathComponent(".venv/bin/python3").path }
  return candidates.first { FileManager.default.isExecutableFile(atPath: $0) } ?? "python3"
}

/// Trains what is missing of a study, with a progress bar; Ctrl-C stops it safely.
///
/// - Throws: `ExitCode(130)` after an interruption.
///
/// - Parameters:
///   - origin: where the study was read from; nil of one that was made of another.
///   - selection: the runs to carry out now.
///   - prepare: what is put into the folder first.
func execute(
  _ study: Study, from origin: StudyOrigin?, in folder: URL, options: MachineOptions,
  choosing selection: (Study) throws -> RunSelection = { _ in RunSelection() },
  preparing prepare: (ResultsStore) throws -> Void = { _ in }
) async throws {
  let runCount = study.runs.count
  if runCount > 100_000 {
    writeError(
      "\(study.name): planning \(runCount) runs, \(study.settings.count) settings x \(study.seeds.count) seeds")
  }
  let study = study.usingCopies(in: folder)
  let chosen = try selection(study)
  let stop = StopRequest()
  let interruption = Interruption("stopping: runs that have begun leave a checkpoint") { stop.request() }
  defer { interruption.cancel() }
  try StudyRunner.check(study, options: options.runnerOptions)
  for warning in study.reportWarnings { writeError("\(study.name): \(warning)") }
  let store = try openForWriting(folder, study, stop)
  defer { store.close() }
  if let origin { try store.keepOrigin(origin) }
  try prepare(store)
  if store.study.randomNumbers == .bySetting {
    writeError(
      "\(study.name): \(folder.path) was begun with version 0.1; its runs go on drawing their random numbers as they did then, "
        + "by study and setting. A new folder has paired runs")
  }
  if store.study.runs.count > runCount {
    writeError(
      "\(study.name): \(folder.path) holds a larger grid of this study, of \(store.study.runs.count) runs; \(runCount) of them "
        + "are asked for")
  }
  let runner = StudyRunner(study, into: store, options: options.runnerOptions, choosing: chosen, stop: stop)
  let bar = ProgressBar(title: study.name)
  let reading = ProgressLine(title: "\(study.name): reading weights that were moved or changed")
  let summary = try await runner.run(reading: { _, _ in reading.advance() }, report: { bar.show($0) })
  bar.end()
  let counts = [
    "\(summary.recordedCount) of \(summary.runCount) runs recorded in \(duration(summary.wallSeconds))",
    summary.presentCount > 0 ? "\(summary.presentCount) were there before" : nil,
    summary.divergedCount > 0 ? "\(summary.divergedCount) diverged" : nil,
    summary.remadeCount > 0
      ? "\(summary.remadeCount) made again, as their weights (or a teacher or oracle) were missing or damaged" : nil,
    summary.failures.isEmpty ? nil : "\(summary.failures.count) failed",
    summary.leftOutCount > 0 ? "\(summary.leftOutCount) left out by --where and --seed" : nil,
  ].compactMap { $0 }.joined(separator: ", ")
  writeError("\(study.name): \(counts); results in \(folder.path)")
  if summary.wasInterrupted {
    writeError("\(study.name): interrupted; the same command goes on where this one stopped")
    throw ExitCode(130)
  }
  guard summary.failures.isEmpty else {
    for line in failureLines(summary.failures, of: store.study) { writeError(line) }
    writeError("\(study.name): the same command tries the failed runs again")
    throw ExitCode(1)
  }
}

/// Opens a results folder, unless it is asked to stop while another program has it.
private func openForWriting(_ folder: URL, _ study: Study, _ stop: StopRequest) throws -> ResultsStore {
  do {
    return try ResultsStore.openForWriting(
      folder, study: study, notice: { writeError($0) }, isCancelled: { stop.isRequested })
  } catch {
    guard stop.isRequested, case .busy = error else { throw error }
    writeError("\(study.name): interrupted while another program had \(folder.path); nothing was run")
    throw ExitCode(130)
  }
}

/// A line for each of the first failures, with its setting, seed and reason.
func failureLines(_ failures: [RunFailure], of study: Study) -> [String] {
  let greatestCount = 10
  let lines = failures.prefix(greatestCount).map { failure in
    let setting = study.label(of: study.settings[failure.settingIndex])
    return "failed: \(setting), seed \(failure.seed): \(failure.reason)"
  }
  return lines + (failures.count > greatestCount ? ["and \(failures.count - greatestCount) more"] : [])
}
