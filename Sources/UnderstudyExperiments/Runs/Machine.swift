import Foundation
import UnderstudyNumerics

/// Of Understudy; stored with every result.
public let understudyVersion = "0.1.0"

/// Processor model, instruction set of the kernels, and OpenBLAS's kernels, e.g. "AMD EPYC 9B14, avx512, OpenBLAS Zen": what
/// results and timings depend on.
public func machineKind(instructions: InstructionSet = .best) -> String {
  "\(processorModel), \(instructions.rawValue), OpenBLAS \(LinearAlgebra.kernels.name)"
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

/// Wall time, and processor time of the thread it is used on and of its helpers, going on from what was spent before.
struct Stopwatch {
  private let wallBefore: Double
  private let cpuBefore: Double
  private let wallStart = Stopwatch.monotonicSeconds()
  private let cpuStart = threadSeconds()
  /// Processor time of other threads that work for this one.
  var helperSeconds: () -> Double = { 0 }

  init(wallSeconds: Double, cpuSeconds: Double) {
    wallBefore = wallSeconds
    cpuBefore = cpuSeconds
  }

  // What was spent is not taken back, whatever a virtual machine or a tool does to its clocks.
  var wallSeconds: Double { wallBefore + max(0, Stopwatch.monotonicSeconds() - wallStart) }
  var cpuSeconds: Double { cpuBefore + max(0, threadSeconds() - cpuStart) + max(0, helperSeconds()) }

  private static func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
