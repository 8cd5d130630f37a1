import Foundation
import Synchronization
import Understudy

/// Progress on standard error: a bar that is redrawn on a terminal, a line now and then in a log.
///
/// A class because the threads of all runs draw on the one bar.
final class ProgressBar: Sendable {
  private let title: String
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let lastLine = Mutex<ContinuousClock.Instant?>(nil)

  init(title: String) { self.title = title }

  func show(_ snapshot: StudyProgress.Snapshot) {
    let left = snapshot.remainingSeconds.map { "\(duration($0)) left" } ?? "estimating"
    let counts = "\(snapshot.finishedCount) of \(snapshot.runCount) runs"
    let stage = snapshot.stage.map { "  \($0)" } ?? ""
    let diverged = snapshot.divergedCount > 0 ? "  \(snapshot.divergedCount) diverged" : ""
    let text =
      "\(counts)  \(rate(snapshot.stepsPerSecond))  \(snapshot.isLast ? duration(snapshot.elapsedSeconds) : left)\(diverged)\(stage)"
    lastLine.withLock { last in
      if isTerminal {
        let width = 24
        let filled = Int((snapshot.share * Double(width)).rounded(.down))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        writeProgress("\r\u{1B}[2K\(title) [\(bar)] \(text)")
      } else if snapshot.isLast || last.map({ ContinuousClock.now - $0 > .seconds(30) }) ?? true {
        last = .now
        writeError("\(title): \(text)")
      }
    }
  }

  func end() { if isTerminal { writeError("") } }

  private func rate(_ stepsPerSecond: Double) -> String {
    switch stepsPerSecond {
    case 1e6...: "\(format(stepsPerSecond / 1e6, digits: 2)) M steps/s"
    case 1e3...: "\(format(stepsPerSecond / 1e3, digits: 1)) k steps/s"
    default: "\(format(stepsPerSecond, digits: 1)) steps/s"
    }
  }
}

/// A line of progress on one thread: rewritten on a terminal, a new one now and then in a log.
final class ProgressLine {
  private let title: String
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let start = ContinuousClock.now
  private var last = ContinuousClock.now
  private var done = 0

  init(title: String) { self.title = title }

  /// A stage that has begun.
  func show(_ stage: String) { write("\(stage), \(duration(elapsedSeconds))") }

  /// One step more, of nobody knows how many, or one of `count` equal tasks.
  func advance(of count: Int? = nil) {
    done += 1
    guard let count else { return write("step \(done), \(duration(elapsedSeconds))") }
    write("\(done) of \(count), \(duration(elapsedSeconds / Double(done) * Double(count - done))) left")
  }

  func end() { if isTerminal { writeProgress("\r\u{1B}[2K") } }

  private var elapsedSeconds: Double { (ContinuousClock.now - start) / .seconds(1) }

  fileprivate func write(_ text: @autoclosure () -> String) {
    guard ContinuousClock.now - last > (isTerminal ? .milliseconds(200) : .seconds(30)) else { return }
    last = .now
    if isTerminal {
      writeProgress("\r\u{1B}[2K\(title): \(text())")
    } else {
      writeError("\(title): \(text())")
    }
  }
}

/// Progress of drawing, which tells of itself from any thread.
final class FigureProgress: Sendable {
  private let line = Mutex(ProgressLine(title: "drawing"))

  func show(_ drawn: Int, of count: Int) { line.withLock { $0.write("\(drawn) of \(count) figures") } }

  func end() { line.withLock { $0.end() } }
}

/// A length of time as people read it: `7.3 s`, `4 min 12 s`, `2 h 05 min`.
func duration(_ seconds: Double) -> String {
  let whole = Int(seconds.rounded())
  switch seconds {
  case ..<59.95: return "\(format(seconds, digits: 1)) s"
  case ..<3599.5: return "\(whole / 60) min \(padded(whole % 60)) s"
  default: return "\(whole / 3600) h \(padded(whole % 3600 / 60)) min"
  }
}

/// A number with a fixed count of decimals.
func format(_ value: Double, digits: Int) -> String { String(format: "%.\(digits)f", value) }

private func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
