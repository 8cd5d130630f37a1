import Foundation

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
package func peakResidentBytes() -> Int {
  let lines = ((try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? "").split(separator: "\n")
  let kibibytes = lines.first { $0.hasPrefix("VmHWM") }?.split(whereSeparator: \.isWhitespace).dropFirst().first
  return kibibytes.flatMap { Int($0) }.map { 1024 * $0 } ?? 0
}
