import COpenBLAS
import CUnderstudyKernels
import Foundation

/// The kernels that OpenBLAS runs on this processor.
///
/// OpenBLAS chooses them once, when it is loaded. A library that is older than the processor does not know it and falls back
/// to kernels of twenty years ago, at half the speed or less of those that the processor could run. The environment
/// variable `OPENBLAS_CORETYPE` chooses others; it has to be set before the process starts.
public struct BLASKernels: Sendable, Equatable {
  /// What OpenBLAS calls them, e.g. "Haswell".
  public let name: String
  /// What `OPENBLAS_CORETYPE` should be; nil where the library's choice is as good, or where it has no others.
  public let better: String?

  /// - Parameters:
  ///   - candidates: kernels that the processor can execute, the fastest first.
  ///   - isAvailable: whether the library has them.
  init(name: String, candidates: [String], isAvailable: (String) -> Bool) {
    self.name = name
    // A library that chose AVX2 kernels or better knows the processor, and its choice among them is left alone.
    better = Self.olderThanAVX2.contains(name.lowercased()) ? candidates.first(where: isAvailable) : nil
  }

  /// A sentence for people who wait for the library; nil where there is nothing to be gained.
  public var advice: String? {
    better.map {
      "OpenBLAS does not know this processor and runs its \(name) kernels, which are slow; set OPENBLAS_CORETYPE=\($0) "
        + "before the process starts"
    }
  }

  private static let olderThanAVX2: Set<String> = [
    "unknown", "generic", "katmai", "coppermine", "northwood", "prescott", "banias", "atom", "core2", "penryn",
    "dunnington", "nehalem", "sandybridge", "athlon", "opteron", "opteron_sse3", "barcelona", "bobcat", "nano",
    "bulldozer", "piledriver", "steamroller", "excavator",
  ]

  fileprivate static let loaded = BLASKernels(
    name: openblas_get_corename().map { String(cString: $0) } ?? "unknown",
    candidates: [
      us_executes_skylakex() != 0 ? "SkylakeX" : nil,
      InstructionSet.avx2.isSupported ? (us_is_amd() != 0 ? "Zen" : "Haswell") : nil,
    ].compactMap { $0 },
    // Libraries with kernels for several processors have a table for each.
    isAvailable: { dlsym(nil, "gotoblas_\($0.uppercased())") != nil })
}

extension LinearAlgebra {
  /// What decompositions and large products run on; set `OPENBLAS_CORETYPE` before the process starts to choose.
  public static var kernels: BLASKernels { .loaded }
}
