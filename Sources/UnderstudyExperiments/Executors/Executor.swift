import Synchronization
import UnderstudyRecords
import UnderstudySchema

/// Carries runs out and hands what becomes of them to a sink.
public protocol Executor: Sendable {
  /// Carries out the runs of a queue, until it is empty or the study is asked to stop; runs in flight then leave a checkpoint.
  ///
  /// A run that cannot be carried out is recorded as failed, with its reason, and the others go on.
  ///
  /// - Throws: ``ExperimentError/store(_:)`` of a sink that takes no more; runs in flight are checkpointed.
  func carryOut(
    _ queue: RunQueue, of study: Study, into sink: any RunSink, progress: StudyProgress, stop: StopRequest
  ) async throws -> ExecutionSummary
}

/// What became of the runs of a queue, beside those that were recorded as completed.
public struct ExecutionSummary: Sendable {
  public var divergedCount = 0
  /// Runs that could not be carried out, with the reasons.
  public var failures: [RunFailure] = []
}

/// A request to stop that any thread may make and long work polls.
///
/// A class because it is one request, shared.
public final class StopRequest: Sendable {
  private let requested = Atomic(false)

  public init() {}

  public var isRequested: Bool { requested.load(ordering: .relaxed) }
  /// Asks to stop, from any thread; it cannot be taken back.
  public func request() { requested.store(true, ordering: .relaxed) }
}
