import CUnderstudyKernels

/// The C kernels on ``ScratchMatrix`` of one precision and instruction set; see understudy_kernels.h for what each computes.
public struct ScratchKernelTable<Scalar: KernelScalar>: Sendable {
  typealias Constant = UnsafePointer<Scalar>?
  typealias Variable = UnsafeMutablePointer<Scalar>?
  typealias Indices = UnsafePointer<Int32>?

  let gatheredProduct:
    @Sendable (
      Int64, Int64, Int64, Indices, Constant, Constant, Int64, Constant, Int64, Variable, Int64
    ) -> Void
  let transpose: @Sendable (Int64, Int64, Constant, Int64, Variable, Int64) -> Void
  let columnSquares: @Sendable (Int64, Int64, Constant, Int64, UnsafeMutablePointer<Double>?) -> Void
  let columnProducts:
    @Sendable (Int64, Int64, Indices, Constant, Int64, Constant, Int64, UnsafeMutablePointer<Double>?) -> Void
}

extension Double {
  public static func add(_ source: UnsafePointer<Double>, count: Int, to target: UnsafeMutablePointer<Double>) {
    for i in 0..<count { target[i] += source[i] }
  }

  public static func scratchKernels(for instructions: InstructionSet) -> ScratchKernelTable<Double> {
    precondition(instructions.isSupported, "this processor has no \(instructions.rawValue)")
    #if arch(x86_64)
      switch instructions {
      case .avx512:
        return ScratchKernelTable(
          gatheredProduct: us_gathered_product_f64_avx512, transpose: us_transpose_f64_avx512,
          columnSquares: us_column_squares_f64_avx512, columnProducts: us_column_products_f64_avx512)
      case .avx2:
        return ScratchKernelTable(
          gatheredProduct: us_gathered_product_f64_avx2, transpose: us_transpose_f64_avx2,
          columnSquares: us_column_squares_f64_avx2, columnProducts: us_column_products_f64_avx2)
      case .portable: break
      }
    #endif
    return ScratchKernelTable(
      gatheredProduct: us_gathered_product_f64_portable, transpose: us_transpose_f64_portable,
      columnSquares: us_column_squares_f64_portable, columnProducts: us_column_products_f64_portable)
  }
}

extension Float {
  public static func add(_ source: UnsafePointer<Float>, count: Int, to target: UnsafeMutablePointer<Double>) {
    for i in 0..<count { target[i] += Double(source[i]) }
  }

  public static func scratchKernels(for instructions: InstructionSet) -> ScratchKernelTable<Float> {
    precondition(instructions.isSupported, "this processor has no \(instructions.rawValue)")
    #if arch(x86_64)
      switch instructions {
      case .avx512:
        return ScratchKernelTable(
          gatheredProduct: us_gathered_product_f32_avx512, transpose: us_transpose_f32_avx512,
          columnSquares: us_column_squares_f32_avx512, columnProducts: us_column_products_f32_avx512)
      case .avx2:
        return ScratchKernelTable(
          gatheredProduct: us_gathered_product_f32_avx2, transpose: us_transpose_f32_avx2,
          columnSquares: us_column_squares_f32_avx2, columnProducts: us_column_products_f32_avx2)
      case .portable: break
      }
    #endif
    return ScratchKernelTable(
      gatheredProduct: us_gathered_product_f32_portable, transpose: us_transpose_f32_portable,
      columnSquares: us_column_squares_f32_portable, columnProducts: us_column_products_f32_portable)
  }
}
