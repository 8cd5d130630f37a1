import Foundation
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema

/// Runs what a study still misses: settings x seeds, side by side, each recorded when it ends.
public struct StudyRunner: Sendable {
  /// How runs are carried out. No result depends on it, except over images: the last bits of teachers and oracles depend on the
  /// number of threads.
  public struct Options: Sendable {
    /// Runs at a time; when fewer are left, the threads are shared out among them.
    public var threadCount: Int = ProcessInfo.processInfo.activeProcessorCount
    public var instructions: InstructionSet = .best
    /// How much of a long run a kill may cost.
    public var checkpointInterval: Duration = .seconds(30)

    public init() {}
  }

  /// What running a study came to.
  public struct Summary: Sendable {
    /// Runs of the study, and those of them that were there before.
    public var runCount: Int
    public var presentCount: Int
    /// Recorded now; of these, diverged.
    public var recordedCount: Int
    public var divergedCount: Int
    /// Runs that were carried out again, because their weights were missing or damaged.
    public var remadeCount: Int
    /// Runs that could not be carried out, with the reasons; they are tried again when the study is run again.
    public var failures: [RunFailure]
    /// Missing runs that were not chosen.
    public var leftOutCount: Int
    public var wasInterrupted: Bool
    public var wallSeconds: Double
  }

  /// The folder's, which may have more runs than the one that is to be run.
  let study: Study
  /// Runs of the one that is to be run.
  private let runCount: Int
  let store: ResultsStore
  let options: Options
  private let chosen: RunSelection
  /// All runs of the one that is to be run.
  private let part: RunSelection
  private let executor: (any Executor)?
  /// Ask it to stop the study: runs in flight leave a checkpoint.
  public let stop: StopRequest

  /// - Parameter chosen: the runs to carry out, of those that are missing; others stay missing.
  public init(
    _ study: Study, into store: ResultsStore, options: Options = Options(),
    choosing chosen: RunSelection = RunSelection(),
    executor: (any Executor)? = nil, stop: StopRequest = StopRequest()
  ) {
    self.stop = stop
    self.study = store.study
    self.chosen = chosen.among(store.study, runsOf: study)
    part = RunSelection().among(store.study, runsOf: study)
    runCount = study.runs.count
    self.store = store
    self.options = options
    self.executor = executor
  }

  /// Runs the study to its end, or until ``stop`` is asked for.
  ///
  /// A run that cannot be carried out is recorded as failed, with its reason, and the others go on.
  ///
  /// - Parameters:
  ///   - reading: told how many of how many files of weights were read, where they must be because they were changed or moved.
  ///   - report: told of the progress from time to time, on the threads of the runs.
  /// - Throws: ``ExperimentError/store(_:)`` of a results folder that takes no more; what was recorded by then stays, and
  ///   runs in flight are checkpointed.
  public func run(
    reading: (Int, Int) -> Void = { _, _ in }, report: @escaping @Sendable (StudyProgress.Snapshot) -> Void
  ) async throws -> Summary {
    let start = ContinuousClock.now
    // Not the runner: it holds the store, which would hold itself, and its folder's lock, for good.
    let stop = stop
    store.stopWaiting { stop.isRequested }
    let faults = try store.weightsFaults(.changes) { done, count in
      reading(done, count)
      return !stop.isRequested
    }
    // Of the runs that have lost their teacher or oracle, one makes it again; the others have their numbers.
    let again = Dictionary(
      (faults.map(\.run) + (try store.artifactFaults(readsContent: true)).map(\.run)).map { ($0.hash, $0) },
      uniquingKeysWith: { first, _ in first })
    store.willReplace(again.keys)
    var recorded = try store.recordedSeeds()
    for run in again.values { recorded[run.settingIndex]?.remove(run.seed) }
    let queue = RunQueue(study, recorded: recorded, choosing: chosen)
    let presentCount = runCount - RunQueue(study, recorded: recorded, choosing: part).missingCount
    let progress = StudyProgress(
      runCount: runCount, presentCount: presentCount, plannedCost: queue.cost, report: report)
    var ended = ExecutionSummary()
    do {
      ended = try await (executor ?? LocalExecutor(options: options))
        .carryOut(queue, of: study, into: store, progress: progress, stop: stop)
      try ExperimentError.storing { () throws(StoreError) in try store.flush() }
    } catch ExperimentError.store(.busy) {
      // Another program's lock was waited for until the study was asked to stop.
    } catch {
      _ = try? store.flush()
      throw error
    }
    _ = progress.finish()
    let recordedCount = store.submittedCount
    return Summary(
      runCount: runCount, presentCount: presentCount, recordedCount: recordedCount,
      divergedCount: ended.divergedCount, remadeCount: again.count, failures: ended.failures,
      leftOutCount: runCount - presentCount - queue.missingCount,
      wasInterrupted: recordedCount + ended.failures.count < queue.missingCount,
      wallSeconds: (ContinuousClock.now - start) / .seconds(1))
  }
}
