import Dispatch
import Foundation
import Synchronization

/// Shares rows out among threads, and counts the processor time of those beside the calling one.
///
/// A class because threads add to the one count.
final class RowShares: Sendable {
  private let seconds = Mutex(0.0)

  /// Processor time that threads beside the calling one have taken so far.
  var helperSeconds: Double { seconds.withLock { $0 } }

  /// Calls `body` with (first row, number of rows) for each of some shares of the rows, on several threads at once;
  /// returns when all are done.
  func perform(rows: Int, shares: Int, _ body: (Int, Int) -> Void) {
    guard shares > 1 else { return body(0, rows) }
    // A dozen rows are one block of the widest kernels.
    let share = padded((rows + shares - 1) / shares, to: 12)
    // The shares are rows of their own: nothing is written by two threads.
    nonisolated(unsafe) let body = body
    let caller = pthread_self()
    DispatchQueue.concurrentPerform(iterations: shares) { index in
      let first = index * share
      guard first < rows else { return }
      let isHelper = pthread_equal(pthread_self(), caller) == 0
      let start = isHelper ? threadSeconds() : 0
      body(first, min(share, rows - first))
      if isHelper {
        let taken = threadSeconds() - start
        seconds.withLock { $0 += taken }
      }
    }
  }
}
