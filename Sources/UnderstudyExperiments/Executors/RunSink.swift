import Foundation
import UnderstudyRecords
import UnderstudySchema

/// Takes what becomes of runs, and knows where the interrupted ones stood: a results folder.
///
/// Any thread may call it. What throws ``StoreError`` for one run would do so for all: an executor gives up then.
public protocol RunSink: Sendable {
  /// Where the run stood when it was last stored; nil for one that begins.
  func checkpoint(of run: Run) throws(StoreError) -> Checkpoint?
  func saveCheckpoint(_ checkpoint: Checkpoint) throws(StoreError)
  /// Takes a finished run; it may be on disk only after ``flush()``.
  ///
  /// - Parameter student: the final student, a network file.
  func submit(_ record: RunRecord, student: Data) throws(StoreError)
  func recordFailure(_ failure: RunFailure, of run: Run) throws(StoreError)
  /// Puts on disk what was submitted.
  func flush() throws(StoreError)
}

extension ResultsStore: RunSink {}
