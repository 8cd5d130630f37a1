import Foundation
import Synchronization
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema

/// Runs what a study still misses: settings x seeds, side by side, each recorded when it ends.
public struct StudyRunner: Sendable {
  public struct Options: Sendable {
    /// Runs at a time; when fewer are left, the threads are shared out among them. No result depends on it.
    public var threadCount: Int = ProcessInfo.processInfo.activeProcessorCount
    public var instructions: InstructionSet = .best
    /// How much of a long run a kill may cost.
    public var checkpointInterval: Duration = .seconds(30)

    public init() {}
  }

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
    public var wasInterrupted: Bool
    public var wallSeconds: Double
  }

  let study: Study
  let store: ResultsStore
  let options: Options
  /// Ask it to stop the study: runs in flight leave a checkpoint at their next epoch.
  public let stop = StopRequest()

  public init(_ study: Study, into store: ResultsStore, options: Options = Options()) {
    self.study = study.usingCopies(in: store.folder)
    self.store = store
    self.options = options
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
    store.stopWaiting { stop.isRequested }
    let faults = try store.weightsFaults(.changes) { done, count in
      reading(done, count)
      return !stop.isRequested
    }
    store.willReplace(faults.map(\.run.hash))
    var recorded = try store.recordedSeeds()
    for fault in faults { recorded[fault.run.settingIndex]?.remove(fault.run.seed) }
    var queue = RunQueue(study, recorded: recorded)
    let presentCount = study.runs.count - queue.missingCount
    let progress = StudyProgress(
      runCount: study.runs.count, presentCount: presentCount, plannedCost: queue.cost, report: report)
    let studyHash = study.hash
    let threads = ThreadShares(threadCount: options.threadCount)
    var (divergedCount, failures) = (0, [RunFailure]())
    do {
      try await withThrowingTaskGroup(of: End.self) { group in
        for _ in 0..<max(1, options.threadCount) {
          guard let run = queue.next() else { break }
          group.addTask { try execute(run, studyHash: studyHash, progress: progress, threads: threads) }
        }
        do {
          while let end = try await group.next() {
            switch end {
            case .recorded(.diverged): divergedCount += 1
            case .failed(let failure): failures.append(failure)
            case .recorded(.completed), .stopped: break
            }
            guard !stop.isRequested, let run = queue.next() else { continue }
            group.addTask { try execute(run, studyHash: studyHash, progress: progress, threads: threads) }
          }
        } catch {
          stop.request()
          throw error
        }
      }
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
      runCount: study.runs.count, presentCount: presentCount, recordedCount: recordedCount,
      divergedCount: divergedCount, remadeCount: faults.count, failures: failures,
      wasInterrupted: recordedCount + failures.count < queue.missingCount,
      wallSeconds: (ContinuousClock.now - start) / .seconds(1))
  }

  private enum End {
    case recorded(Outcome)
    case failed(RunFailure)
    /// It was asked to.
    case stopped
  }

  /// Executes a run, and records what came of it.
  ///
  /// - Throws: ``ExperimentError/store(_:)``: what one run could not write, the others cannot either.
  private func execute(
    _ run: Run, studyHash: String, progress: StudyProgress, threads: ThreadShares
  ) throws(ExperimentError) -> End {
    guard !stop.isRequested else { return .stopped }
    threads.willStartRun()
    defer { threads.didEndRun() }
    do {
      return try attempt(run, studyHash: studyHash, progress: progress, threads: threads)
    } catch .store(let error) {
      throw .store(error)
    } catch {
      let failure = RunFailure(
        run, reason: error.description, version: understudyVersion, failedAt: Date())
      try ExperimentError.storing { () throws(StoreError) in try store.recordFailure(failure, of: run) }
      progress.didFail(run.setting)
      return .failed(failure)
    }
  }

  private func attempt(
    _ run: Run, studyHash: String, progress: StudyProgress, threads: ThreadShares
  ) throws(ExperimentError) -> End {
    let executor = RunExecutor(
      run: run, study: study, studyHash: studyHash, instructions: options.instructions,
      checkpointInterval: options.checkpointInterval, isCancelled: { stop.isRequested },
      threadCount: { threads.threadsPerRun },
      didTakeSteps: { progress.didTakeSteps($0, of: run.setting) },
      saveCheckpoint: { (checkpoint) throws(ExperimentError) in
        try ExperimentError.storing { () throws(StoreError) in try store.saveCheckpoint(checkpoint) }
      })
    let checkpoint = try ExperimentError.storing { () throws(StoreError) in try store.checkpoint(of: run) }
    progress.willResume(checkpoint?.epoch ?? 0, of: run.setting)
    switch try executor.execute(from: checkpoint) {
    case .finished(let record, let student):
      try ExperimentError.storing { () throws(StoreError) in try store.submit(record, student: student) }
      progress.didFinish(run.setting, outcome: record.outcome)
      return .recorded(record.outcome)
    case .interrupted(let checkpoint):
      if checkpoint.epoch > 0 {
        try ExperimentError.storing { () throws(StoreError) in try store.saveCheckpoint(checkpoint) }
      }
      return .stopped
    }
  }
}

/// Shares a study's threads out among the runs in flight: one each, or more once fewer runs are left.
///
/// A class because all runs of a study share it.
final class ThreadShares: Sendable {
  private let threadCount: Int
  private let runCount = Atomic(0)

  init(threadCount: Int) { self.threadCount = threadCount }

  var threadsPerRun: Int { max(1, threadCount / max(1, runCount.load(ordering: .relaxed))) }
  func willStartRun() { runCount.add(1, ordering: .relaxed) }
  func didEndRun() { runCount.subtract(1, ordering: .relaxed) }
}

/// A request to stop that any thread may make and long work polls.
///
/// A class because it is one request, shared.
public final class StopRequest: Sendable {
  private let requested = Atomic(false)

  public init() {}

  public var isRequested: Bool { requested.load(ordering: .relaxed) }
  public func request() { requested.store(true, ordering: .relaxed) }
}
