import CUnderstudyKernels

/// A precision in which students are trained: `Double` or `Float`.
public protocol KernelScalar: BinaryFloatingPoint, Sendable {
  /// Scalars in 64 bytes; every row of packed memory is padded to a multiple of it.
  static var lanePad: Int { get }
  static func kernels(for instructions: InstructionSet) -> KernelTable<Self>
  static func deepKernels(for instructions: InstructionSet) -> DeepKernelTable<Self>
  static func scratchKernels(for instructions: InstructionSet) -> ScratchKernelTable<Self>
  /// Rounds `count` numbers to this precision, from consecutive places to places `stride` apart. A requirement, not a
  /// generic function, because a conversion in unspecialised generic code costs a call for every number.
  static func convert(_ source: UnsafePointer<Double>, count: Int, to target: UnsafeMutablePointer<Self>, stride: Int)
  /// Adds `count` numbers of this precision to as many of double precision; a requirement for the same reason.
  static func add(_ source: UnsafePointer<Self>, count: Int, to target: UnsafeMutablePointer<Double>)
}

/// The C kernels of one precision and instruction set; see understudy_kernels.h for what each computes.
public struct KernelTable<Scalar: KernelScalar>: Sendable {
  typealias Shape = UnsafePointer<us_two_layer_shape>?
  typealias Constant = UnsafePointer<Scalar>?
  typealias Variable = UnsafeMutablePointer<Scalar>?

  let train:
    @Sendable (
      Shape, Variable, Variable, Constant, Constant, UnsafePointer<UInt32>?, Int64, Int64, UnsafePointer<us_update>?,
      Variable
    ) -> Void
  let accumulate:
    @Sendable (
      Shape, Constant, Constant, Variable, Variable, Constant, Constant, Int64, Int64, Double, Variable
    ) -> Void
  let squaredError: @Sendable (Shape, Constant, Constant, Constant, Constant, Int64, Int64, Variable) -> Double
  let product:
    @Sendable (
      Int64, Int64, Int64, Constant, Int64, Int64, Constant, Int64, Variable, Int64, Int32
    ) -> Void
  let shiftedGradients:
    @Sendable (
      UnsafePointer<us_joint_shape>?, Constant, Constant, Int64, Constant, Int64, Variable, Variable, Variable
    ) -> Void
  let unitRows: @Sendable (Int64, Int64, Variable, Int64) -> Void
  let peak: @Sendable (Int64, UnsafeMutablePointer<Int64>?) -> Double
}

extension Double: KernelScalar {
  public static var lanePad: Int { 8 }

  public static func convert(
    _ source: UnsafePointer<Double>, count: Int, to target: UnsafeMutablePointer<Double>, stride: Int
  ) {
    for i in 0..<count { target[i * stride] = source[i] }
  }

  public static func kernels(for instructions: InstructionSet) -> KernelTable<Double> {
    precondition(instructions.isSupported, "this processor has no \(instructions.rawValue)")
    #if arch(x86_64)
      switch instructions {
      case .avx512:
        return KernelTable(
          train: us_train_f64_avx512, accumulate: us_accumulate_f64_avx512, squaredError: us_squared_error_f64_avx512,
          product: us_product_f64_avx512, shiftedGradients: us_shifted_gradients_f64_avx512,
          unitRows: us_unit_rows_f64_avx512, peak: us_peak_f64_avx512)
      case .avx2:
        return KernelTable(
          train: us_train_f64_avx2, accumulate: us_accumulate_f64_avx2, squaredError: us_squared_error_f64_avx2,
          product: us_product_f64_avx2, shiftedGradients: us_shifted_gradients_f64_avx2,
          unitRows: us_unit_rows_f64_avx2, peak: us_peak_f64_avx2)
      case .portable: break
      }
    #endif
    return KernelTable(
      train: us_train_f64_portable, accumulate: us_accumulate_f64_portable, squaredError: us_squared_error_f64_portable,
      product: us_product_f64_portable, shiftedGradients: us_shifted_gradients_f64_portable,
      unitRows: us_unit_rows_f64_portable, peak: us_peak_f64_portable)
  }
}

extension Float: KernelScalar {
  public static var lanePad: Int { 16 }

  public static func convert(
    _ source: UnsafePointer<Double>, count: Int, to target: UnsafeMutablePointer<Float>, stride: Int
  ) {
    for i in 0..<count { target[i * stride] = Float(source[i]) }
  }

  public static func kernels(for instructions: InstructionSet) -> KernelTable<Float> {
    precondition(instructions.isSupported, "this processor has no \(instructions.rawValue)")
    #if arch(x86_64)
      switch instructions {
      case .avx512:
        return KernelTable(
          train: us_train_f32_avx512, accumulate: us_accumulate_f32_avx512, squaredError: us_squared_error_f32_avx512,
          product: us_product_f32_avx512, shiftedGradients: us_shifted_gradients_f32_avx512,
          unitRows: us_unit_rows_f32_avx512, peak: us_peak_f32_avx512)
      case .avx2:
        return KernelTable(
          train: us_train_f32_avx2, accumulate: us_accumulate_f32_avx2, squaredError: us_squared_error_f32_avx2,
          product: us_product_f32_avx2, shiftedGradients: us_shifted_gradients_f32_avx2,
          unitRows: us_unit_rows_f32_avx2, peak: us_peak_f32_avx2)
      case .portable: break
      }
    #endif
    return KernelTable(
      train: us_train_f32_portable, accumulate: us_accumulate_f32_portable, squaredError: us_squared_error_f32_portable,
      product: us_product_f32_portable, shiftedGradients: us_shifted_gradients_f32_portable,
      unitRows: us_unit_rows_f32_portable, peak: us_peak_f32_portable)
  }
}
