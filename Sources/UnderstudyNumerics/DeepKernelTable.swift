import CUnderstudyKernels

/// The C kernels of networks of any depth, of one precision and instruction set; see understudy_kernels.h.
public struct DeepKernelTable<Scalar: KernelScalar>: Sendable {
  typealias Constant = UnsafePointer<Scalar>?
  typealias Variable = UnsafeMutablePointer<Scalar>?
  typealias Rows = UnsafePointer<UnsafePointer<Scalar>?>?

  let forward: @Sendable (Int64, Int64, Int64, Constant, Int64, Constant, Variable, Int32, Double) -> Void
  let backward: @Sendable (Int64, Int64, Int64, Constant, Int64, Constant, Variable, Constant, Double) -> Void
  let update: @Sendable (Int64, Int64, Int64, Constant, Int64, Rows, Variable, Int64) -> Void
  let transpose: @Sendable (Rows, Int64, Int64, Variable, Int64, Double) -> Void
  let residual: @Sendable (Int64, Variable, Constant, Double) -> Void
  let crossEntropy: @Sendable (Int64, Int64, Variable, Constant, Double) -> Void
  let normalize:
    @Sendable (
      Int64, Int64, Int64, Variable, Variable, Constant, Constant, Variable, Variable, Variable, Double, Double
    ) -> Void
  let normalizeBackward:
    @Sendable (Int64, Int64, Int64, Variable, Constant, Constant, Constant, Variable, Variable) -> Void
  let activate: @Sendable (Int64, Constant, Variable, Double) -> Void
  let gate: @Sendable (Int64, Variable, Constant, Double) -> Void
  let momentum: @Sendable (Int64, Variable, Variable, Constant, Double, Double, Double) -> Void
  let adam:
    @Sendable (Int64, Variable, Variable, Variable, Constant, Double, Double, Double, Double, Double, Double, Double) ->
      Void
  let unitRows: @Sendable (Int64, Int64, Variable, Int64) -> Void
}

extension Double {
  public static func deepKernels(for instructions: InstructionSet) -> DeepKernelTable<Double> {
    precondition(instructions.isSupported, "this processor has no \(instructions.rawValue)")
    #if arch(x86_64)
      switch instructions {
      case .avx512:
        return DeepKernelTable(
          forward: us_deep_forward_f64_avx512,
          backward: us_deep_backward_f64_avx512,
          update: us_deep_update_f64_avx512,
          transpose: us_deep_transpose_f64_avx512,
          residual: us_deep_residual_f64_avx512,
          crossEntropy: us_deep_cross_entropy_f64_avx512,
          normalize: us_normalize_f64_avx512,
          normalizeBackward: us_normalize_backward_f64_avx512,
          activate: us_activate_f64_avx512,
          gate: us_gate_f64_avx512,
          momentum: us_momentum_f64_avx512,
          adam: us_adam_f64_avx512,
          unitRows: us_unit_rows_f64_avx512)
      case .avx2:
        return DeepKernelTable(
          forward: us_deep_forward_f64_avx2,
          backward: us_deep_backward_f64_avx2,
          update: us_deep_update_f64_avx2,
          transpose: us_deep_transpose_f64_avx2,
          residual: us_deep_residual_f64_avx2,
          crossEntropy: us_deep_cross_entropy_f64_avx2,
          normalize: us_normalize_f64_avx2,
          normalizeBackward: us_normalize_backward_f64_avx2,
          activate: us_activate_f64_avx2,
          gate: us_gate_f64_avx2,
          momentum: us_momentum_f64_avx2,
          adam: us_adam_f64_avx2,
          unitRows: us_unit_rows_f64_avx2)
      case .portable: break
      }
    #endif
    return DeepKernelTable(
      forward: us_deep_forward_f64_portable,
      backward: us_deep_backward_f64_portable,
      update: us_deep_update_f64_portable,
      transpose: us_deep_transpose_f64_portable,
      residual: us_deep_residual_f64_portable,
      crossEntropy: us_deep_cross_entropy_f64_portable,
      normalize: us_normalize_f64_portable,
      normalizeBackward: us_normalize_backward_f64_portable,
      activate: us_activate_f64_portable,
      gate: us_gate_f64_portable,
      momentum: us_momentum_f64_portable,
      adam: us_adam_f64_portable,
      unitRows: us_unit_rows_f64_portable)
  }
}

extension Float {
  public static func deepKernels(for instructions: InstructionSet) -> DeepKernelTable<Float> {
    precondition(instructions.isSupported, "this processor has no \(instructions.rawValue)")
    #if arch(x86_64)
      switch instructions {
      case .avx512:
        return DeepKernelTable(
          forward: us_deep_forward_f32_avx512,
          backward: us_deep_backward_f32_avx512,
          update: us_deep_update_f32_avx512,
          transpose: us_deep_transpose_f32_avx512,
          residual: us_deep_residual_f32_avx512,
          crossEntropy: us_deep_cross_entropy_f32_avx512,
          normalize: us_normalize_f32_avx512,
          normalizeBackward: us_normalize_backward_f32_avx512,
          activate: us_activate_f32_avx512,
          gate: us_gate_f32_avx512,
          momentum: us_momentum_f32_avx512,
          adam: us_adam_f32_avx512,
          unitRows: us_unit_rows_f32_avx512)
      case .avx2:
        return DeepKernelTable(
          forward: us_deep_forward_f32_avx2,
          backward: us_deep_backward_f32_avx2,
          update: us_deep_update_f32_avx2,
          transpose: us_deep_transpose_f32_avx2,
          residual: us_deep_residual_f32_avx2,
          crossEntropy: us_deep_cross_entropy_f32_avx2,
          normalize: us_normalize_f32_avx2,
          normalizeBackward: us_normalize_backward_f32_avx2,
          activate: us_activate_f32_avx2,
          gate: us_gate_f32_avx2,
          momentum: us_momentum_f32_avx2,
          adam: us_adam_f32_avx2,
          unitRows: us_unit_rows_f32_avx2)
      case .portable: break
      }
    #endif
    return DeepKernelTable(
      forward: us_deep_forward_f32_portable,
      backward: us_deep_backward_f32_portable,
      update: us_deep_update_f32_portable,
      transpose: us_deep_transpose_f32_portable,
      residual: us_deep_residual_f32_portable,
      crossEntropy: us_deep_cross_entropy_f32_portable,
      normalize: us_normalize_f32_portable,
      normalizeBackward: us_normalize_backward_f32_portable,
      activate: us_activate_f32_portable,
      gate: us_gate_f32_portable,
      momentum: us_momentum_f32_portable,
      adam: us_adam_f32_portable,
      unitRows: us_unit_rows_f32_portable)
  }
}
