import Foundation
import UnderstudyNumerics

/// Of Understudy; stored with every result.
public let understudyVersion = "0.1.0"

/// Processor model and kernel instruction set, e.g. "AMD EPYC 9B14, avx512": what results and timings depend on.
public func machineKind(instructions: InstructionSet = .best) -> String {
  "\(processorModel), \(instructions.rawValue)"
}

private let processorModel: String = {
  let lines = ((try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "").split(separator: "\n")
  let model = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last
  return model.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
}()

/// The most memory that this process has held so far, bytes; 0 where the system does not tell.
func peakResidentBytes() -> Int {
  let lines = ((try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? "").split(separator: "\n")
  let kibibytes = lines.first { $0.hasPrefix("VmHWM") }?.split(whereSeparator: \.isWhitespace).dropFirst().first
  return kibibytes.flatMap { Int($0) }.map { 1024 * $0 } ?? 0
}

/// Wall and processor time of the thread it is used on, going on from what was spent before.
struct Stopwatch {
  private let wallBefore: Double
  private let cpuBefore: Double
  private let wallStart = Stopwatch.read(CLOCK_MONOTONIC)
  private let cpuStart = Stopwatch.read(CLOCK_THREAD_CPUTIME_ID)

  init(wallSeconds: Double, cpuSeconds: Double) {
    wallBefore = wallSeconds
    cpuBefore = cpuSeconds
  }

  var wallSeconds: Double { wallBefore + Stopwatch.read(CLOCK_MONOTONIC) - wallStart }
  var cpuSeconds: Double { cpuBefore + Stopwatch.read(CLOCK_THREAD_CPUTIME_ID) - cpuStart }

  private static func read(_ clock: clockid_t) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
