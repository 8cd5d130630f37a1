import Foundation
import UnderstudyRecords
import UnderstudySchema

/// Takes what becomes of runs, and knows where the interrupted ones stood: a results folder.
///
/// Any thread may call it. What throws ``StoreError`` for one run would do so for all: an executor gives up then.
public protocol RunSink: ArtifactStore {
  /// Where the run stood when it was last stored; nil for one that begins.
  ///
  /// - Throws: ``StoreError`` of a sink that cannot be read.
  func checkpoint(of run: Run) throws(StoreError) -> Checkpoint?
  /// Keeps where a run stands, in place of what was kept before.
  ///
  /// - Throws: ``StoreError`` of a sink that takes no more.
  func saveCheckpoint(_ checkpoint: Checkpoint) throws(StoreError)
  /// Takes a finished run; it may be on disk only after ``flush()``.
  ///
  /// - Parameter student: the final student, a network file.
  ///
  /// - Throws: ``StoreError`` of a sink that takes no more.
  func submit(_ record: RunRecord, student: Data) throws(StoreError)
  /// Keeps why a run could not be carried out.
  ///
  /// - Throws: ``StoreError`` of a sink that takes no more.
  func recordFailure(_ failure: RunFailure, of run: Run) throws(StoreError)
  /// Puts on disk what was submitted.
  ///
  /// - Throws: ``StoreError`` of a sink that takes no more.
  func flush() throws(StoreError)
}

extension ResultsStore: RunSink {}
