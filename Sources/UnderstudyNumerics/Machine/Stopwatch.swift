import Foundation

/// Wall time, and processor time of the thread it is used on and of its helpers, going on from what was spent before.
package struct Stopwatch {
  private let wallBefore: Double
  private let cpuBefore: Double
  private let wallStart = monotonicSeconds()
  private let cpuStart = threadSeconds()
  /// Processor time of other threads that work for this one.
  package var helperSeconds: () -> Double = { 0 }

  package init(wallSeconds: Double = 0, cpuSeconds: Double = 0) {
    wallBefore = wallSeconds
    cpuBefore = cpuSeconds
  }

  // What was spent is not taken back, whatever a virtual machine or a tool does to its clocks.
  package var wallSeconds: Double { wallBefore + max(0, monotonicSeconds() - wallStart) }
  package var cpuSeconds: Double { cpuBefore + max(0, threadSeconds() - cpuStart) + max(0, helperSeconds()) }
}

/// Wall time since some moment, seconds: of a clock that nobody sets.
func monotonicSeconds() -> Double { seconds(of: CLOCK_MONOTONIC) }

/// Processor time of the calling thread, seconds.
public func threadSeconds() -> Double { seconds(of: CLOCK_THREAD_CPUTIME_ID) }

private func seconds(of clock: clockid_t) -> Double {
  var time = timespec()
  clock_gettime(clock, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
