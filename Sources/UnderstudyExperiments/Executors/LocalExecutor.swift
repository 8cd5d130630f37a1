import Foundation
import Synchronization
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema

/// Carries runs out on the cores of this machine, side by side; no result depends on how many there are.
struct LocalExecutor: Executor {
  let options: StudyRunner.Options

  /// What all runs of a study share.
  private struct Job: Sendable {
    let study: Study
    let studyHash: String
    let sink: any RunSink
    let progress: StudyProgress
    let stop: StopRequest
    let threads: ThreadShares
    let artifacts = Artifacts()
  }

  func carryOut(
    _ queue: RunQueue, of study: Study, into sink: any RunSink, progress: StudyProgress, stop: StopRequest
  ) async throws -> ExecutionSummary {
    let job = Job(
      study: study, studyHash: study.hash, sink: sink, progress: progress, stop: stop,
      threads: ThreadShares(threadCount: options.threadCount))
    var (queue, summary) = (queue, ExecutionSummary())
    try await withThrowingTaskGroup(of: End.self) { group in
      for _ in 0..<max(1, options.threadCount) {
        guard let run = queue.next() else { break }
        group.addTask { try execute(run, of: job) }
      }
      do {
        while let end = try await group.next() {
          switch end {
          case .recorded(.diverged): summary.divergedCount += 1
          case .failed(let failure): summary.failures.append(failure)
          case .recorded(.completed), .stopped: break
          }
          guard !stop.isRequested, let run = queue.next() else { continue }
          group.addTask { try execute(run, of: job) }
        }
      } catch {
        stop.request()
        throw error
      }
    }
    return summary
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
  private func execute(_ run: Run, of job: Job) throws(ExperimentError) -> End {
    guard !job.stop.isRequested else { return .stopped }
    job.threads.willStartRun()
    defer { job.threads.didEndRun() }
    do {
      return try attempt(run, of: job)
    } catch .store(let error) {
      throw .store(error)
    } catch .interrupted {
      return .stopped
    } catch {
      let failure = RunFailure(run, reason: error.description, version: understudyVersion, failedAt: Date())
      try ExperimentError.storing { () throws(StoreError) in try job.sink.recordFailure(failure, of: run) }
      job.progress.didFail(run.setting)
      return .failed(failure)
    }
  }

  private func attempt(_ run: Run, of job: Job) throws(ExperimentError) -> End {
    let execution = RunExecution(
      run: run, study: job.study, studyHash: job.studyHash, instructions: options.instructions,
      artifacts: job.artifacts, artifactStore: job.sink, checkpointInterval: options.checkpointInterval,
      isCancelled: { job.stop.isRequested },
      threadCount: { job.threads.threadsPerRun }, studyThreadCount: max(1, options.threadCount),
      didReach: { job.progress.didReach($0) },
      didTakeSteps: { job.progress.didTakeSteps($0, epochs: $1, of: run.setting) },
      willResume: { job.progress.willResume(epochs: $0, of: run.setting) },
      saveCheckpoint: { (checkpoint) throws(ExperimentError) in
        try ExperimentError.storing { () throws(StoreError) in try job.sink.saveCheckpoint(checkpoint) }
      })
    let checkpoint = try ExperimentError.storing { () throws(StoreError) in try job.sink.checkpoint(of: run) }
    switch try execution.execute(from: checkpoint) {
    case .finished(let record, let student):
      try ExperimentError.storing { () throws(StoreError) in try job.sink.submit(record, student: student) }
      job.progress.didFinish(run.setting, outcome: record.outcome)
      return .recorded(record.outcome)
    case .interrupted(let checkpoint):
      if let checkpoint {
        try ExperimentError.storing { () throws(StoreError) in try job.sink.saveCheckpoint(checkpoint) }
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
