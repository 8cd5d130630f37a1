import CUnderstudyKernels

/// The processor instructions that a kernel is compiled for.
///
/// AVX2 and AVX-512 give the same bits; `portable` has no fused multiply-add on plain x86-64 and differs in last bits.
public enum InstructionSet: String, Sendable, CaseIterable, Codable {
  case portable, avx2, avx512

  /// Whether this processor has them.
  public var isSupported: Bool { us_supports(code) != 0 }

  /// The fastest set that this processor has.
  public static let best: InstructionSet = [.avx512, .avx2].first(where: \.isSupported) ?? .portable

  var code: us_instruction_set {
    switch self {
    case .portable: us_portable
    case .avx2: us_avx2
    case .avx512: us_avx512
    }
  }
}
