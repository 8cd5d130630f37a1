import Foundation
import Synchronization

/// The signal that came, or 0. A signal handler captures nothing and may touch little more than an atomic.
private let received = Atomic<Int32>(0)

/// Turns the first Ctrl-C (or SIGTERM) into a polite request; the second ends the program as usual.
///
/// A thread of its own watches for it: a dispatch source would wait for one of Dispatch's threads, and runs keep as many of
/// those busy as there are processors, for as long as they last.
///
/// A class because its thread and its owner share it.
final class Interruption: Sendable {
  private let isOver = Atomic(false)

  /// - Parameter notice: what is going to happen, printed before the request.
  init(_ notice: String, _ request: @escaping @Sendable () -> Void) {
    received.store(0, ordering: .relaxed)  // also makes it, which a handler must not
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        received.store(number, ordering: .relaxed)
        signal(SIGINT, SIG_DFL)
        signal(SIGTERM, SIG_DFL)
      }
    }
    Thread.detachNewThread { [self] in
      while !isOver.load(ordering: .relaxed) {
        if received.load(ordering: .relaxed) != 0 {
          writeError("\n\(notice); press Ctrl-C again to stop at once")
          return request()
        }
        Thread.sleep(forTimeInterval: 0.05)
      }
    }
  }

  func cancel() {
    isOver.store(true, ordering: .relaxed)
    for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
  }
}
