import Dispatch
import Foundation

/// Turns the first Ctrl-C (or SIGTERM) into a polite request; the second ends the program as usual.
final class Interruption {
  private let sources: [any DispatchSourceSignal]

  init(_ request: @escaping @Sendable () -> Void) {
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        writeError("\nstopping after the current epoch of each run; press Ctrl-C again to stop at once")
        request()
        signal(number, SIG_DFL)
      }
      source.resume()
      return source
    }
  }

  func cancel() {
    for source in sources { source.cancel() }
    for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
  }
}
