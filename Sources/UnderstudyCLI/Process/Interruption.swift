import Foundation
import Synchronization

/// The signal that came, or 0. A signal handler captures nothing and may touch little more than an atomic.
private let received = Atomic<Int32>(0)

/// Turns the first Ctrl-C (or SIGTERM, or SIGHUP from a terminal that closes) into a polite request; the second ends the
/// program as usual.
///
/// A thread of its own watches for it: a dispatch source would wait for one of Dispatch's threads, and runs keep as many of
/// those busy as there are processors, for as long as they last.
///
/// A class because its thread and its owner share it.
final class Interruption: Sendable {
  private let isOver = Atomic(false)

  /// Those that ask to stop. `nohup` has a program ignore SIGHUP, and then that stays.
  private static let signals: [Int32] = {
    // The mask of ignored signals, as the system tells it: signal n is bit n - 1. Without /proc, none is taken as ignored.
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("SigIgn:") }
    let mask = line?.split(whereSeparator: \.isWhitespace).last.flatMap { UInt64($0, radix: 16) } ?? 0
    return mask >> UInt64(SIGHUP - 1) & 1 == 1 ? [SIGINT, SIGTERM] : [SIGINT, SIGTERM, SIGHUP]
  }()

  /// - Parameter notice: what is going to happen, printed before the request.
  init(_ notice: String, _ request: @escaping @Sendable () -> Void) {
    received.store(0, ordering: .relaxed)  // also makes it, which a handler must not
    for number in Self.signals {
      signal(number) { number in
        received.store(number, ordering: .relaxed)
        signal(SIGINT, SIG_DFL)
        signal(SIGTERM, SIG_DFL)
        // A closing terminal may send it twice; the program then still leaves its checkpoints.
        signal(SIGHUP, SIG_IGN)
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
    for number in Self.signals { signal(number, SIG_DFL) }
  }
}
