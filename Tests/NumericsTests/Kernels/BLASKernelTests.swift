import Foundation
import Testing

@testable import UnderstudyNumerics

@Suite("Kernels of OpenBLAS") struct BLASKernelTests {
  @Test(
    "a library that fell back below AVX2 is given what the processor and it have, and any other choice is left alone",
    arguments: [
      ("Prescott", ["SkylakeX", "Haswell"], ["SkylakeX", "Haswell"], "SkylakeX"),
      ("Prescott", ["SkylakeX", "Haswell"], ["Haswell", "Zen"], "Haswell"),
      ("nehalem", ["Zen"], ["Haswell", "Zen", "SkylakeX"], "Zen"), ("Sandybridge", ["Haswell"], ["Haswell"], "Haswell"),
      ("Prescott", [], ["Haswell"], nil), ("Prescott", ["Haswell"], [], nil), ("Nehalem", ["SkylakeX"], ["Zen"], nil),
      ("Haswell", ["SkylakeX", "Haswell"], ["SkylakeX", "Haswell"], nil), ("Zen", ["SkylakeX"], ["SkylakeX"], nil),
      ("SkylakeX", ["SkylakeX"], ["SkylakeX"], nil), ("Cooperlake", ["SkylakeX"], ["SkylakeX"], nil),
      ("neoversen1", [], [], nil), ("SomethingNewer", ["SkylakeX"], ["SkylakeX"], nil),
    ] as [(String, [String], [String], String?)])
  func choice(name: String, candidates: [String], available: [String], better: String?) {
    let kernels = BLASKernels(name: name, candidates: candidates, isAvailable: available.contains)
    #expect(kernels.better == better)
    #expect((kernels.advice == nil) == (better == nil))
    if let better { #expect(kernels.advice?.contains("OPENBLAS_CORETYPE=\(better)") == true) }
  }

  @Test("the loaded kernels have a name, and those of OPENBLAS_CORETYPE are the ones that are loaded")
  func loaded() {
    #expect(!LinearAlgebra.kernels.name.isEmpty)
    if let wanted = ProcessInfo.processInfo.environment["OPENBLAS_CORETYPE"], ["Nehalem", "Haswell"].contains(wanted) {
      #expect(LinearAlgebra.kernels.name == wanted)
    }
  }
}
