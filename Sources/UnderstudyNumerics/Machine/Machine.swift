import Foundation

/// Processor model, instruction set of the kernels, and OpenBLAS's kernels, e.g. "AMD EPYC 9B14, avx512, OpenBLAS Zen": what
/// results and timings depend on.
public func machineKind(instructions: InstructionSet = .best) -> String {
  "\(processorModel), \(instructions.rawValue), OpenBLAS \(LinearAlgebra.kernels.name)"
}

private let processorModel =
  line("model name", of: "/proc/cpuinfo")?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
  ?? "unknown processor"

/// The most memory that this process has held so far, bytes; 0 where the system does not tell.
package func peakResidentBytes() -> Int {
  let kibibytes = line("VmHWM", of: "/proc/self/status")?.split(whereSeparator: \.isWhitespace).dropFirst().first
  return kibibytes.flatMap { Int($0) }.map { 1024 * $0 } ?? 0
}

/// The first line of a file that begins so; nil if there is none.
private func line(_ start: String, of path: String) -> Substring? {
  (try? String(contentsOfFile: path, encoding: .utf8))?.split(separator: "\n").first { $0.hasPrefix(start) }
}
