import CUnderstudyKernels

/// The C kernels of one precision and instruction set; see understudy_kernels.h for what each computes.
///
/// Unchecked, because the compiler does not know that functions of C carry nothing with them.
public struct KernelTable<Scalar: KernelScalar>: @unchecked Sendable {
  typealias Constant = UnsafePointer<Scalar>?
  typealias Variable = UnsafeMutablePointer<Scalar>?
  typealias Rows = UnsafePointer<UnsafePointer<Scalar>?>?
  typealias Indices = UnsafePointer<Int32>?
  typealias Shape = UnsafePointer<us_two_layer_shape>?

  // Two layers.
  let train:
    (
      Shape, Variable, Variable, Constant, Constant, UnsafePointer<UInt32>?, Int64, Int64, UnsafePointer<us_update>?,
      Variable
    ) -> Void
  let accumulate:
    (Shape, Constant, Constant, Variable, Variable, Constant, Constant, Int64, Int64, Double, Variable) ->
      Void
  let squaredError: (Shape, Constant, Constant, Constant, Constant, Int64, Int64, Variable) -> Double
  let shiftedGradients:
    (
      UnsafePointer<us_joint_shape>?, Constant, Constant, Int64, Constant, Int64, Variable, Variable, Variable
    ) -> Void
  let unitRows: (Int64, Int64, Variable, Int64) -> Void

  // Any depth.
  let deepForward: (Int64, Int64, Int64, Constant, Int64, Constant, Variable, Int32, Double) -> Void
  let deepBackward: (Int64, Int64, Int64, Constant, Int64, Constant, Variable, Constant, Double) -> Void
  let deepUpdate: (Int64, Int64, Int64, Constant, Int64, Rows, Variable, Int64) -> Void
  let deepTranspose: (Rows, Int64, Int64, Variable, Int64, Double) -> Void
  let deepResidual: (Int64, Variable, Constant, Double) -> Void
  let deepCrossEntropy: (Int64, Int64, Variable, Constant, Double) -> Void
  let normalize:
    (
      Int64, Int64, Int64, Variable, Variable, Constant, Constant, Variable, Variable, Variable, Double, Double
    ) -> Void
  let normalizeBackward: (Int64, Int64, Int64, Variable, Constant, Constant, Constant, Variable, Variable) -> Void
  let activate: (Int64, Constant, Variable, Double) -> Void
  let gate: (Int64, Variable, Constant, Double) -> Void
  let momentum: (Int64, Variable, Variable, Constant, Double, Double, Double) -> Void
  let adam:
    (Int64, Variable, Variable, Variable, Constant, Double, Double, Double, Double, Double, Double, Double) ->
      Void

  // Matrices.
  let product: (Int64, Int64, Int64, Constant, Int64, Int64, Constant, Int64, Variable, Int64, Int32) -> Void
  let gatheredProduct:
    (Int64, Int64, Int64, Indices, Constant, Constant, Int64, Constant, Int64, Variable, Int64) -> Void
  let transpose: (Int64, Int64, Constant, Int64, Variable, Int64) -> Void
  let columnSquares: (Int64, Int64, Constant, Int64, UnsafeMutablePointer<Double>?) -> Void
  let columnProducts: (Int64, Int64, Indices, Constant, Int64, Constant, Int64, UnsafeMutablePointer<Double>?) -> Void

  let peak: (Int64, UnsafeMutablePointer<Int64>?) -> Double
}

extension KernelTable<Double> {
  init(_ kernels: us_kernels_f64) {
    train = kernels.train
    accumulate = kernels.accumulate
    squaredError = kernels.squared_error
    shiftedGradients = kernels.shifted_gradients
    unitRows = kernels.unit_rows
    deepForward = kernels.deep_forward
    deepBackward = kernels.deep_backward
    deepUpdate = kernels.deep_update
    deepTranspose = kernels.deep_transpose
    deepResidual = kernels.deep_residual
    deepCrossEntropy = kernels.deep_cross_entropy
    normalize = kernels.normalize
    normalizeBackward = kernels.normalize_backward
    activate = kernels.activate
    gate = kernels.gate
    momentum = kernels.momentum
    adam = kernels.adam
    product = kernels.product
    gatheredProduct = kernels.gathered_product
    transpose = kernels.transpose
    columnSquares = kernels.column_squares
    columnProducts = kernels.column_products
    peak = kernels.peak
  }
}

extension KernelTable<Float> {
  init(_ kernels: us_kernels_f32) {
    train = kernels.train
    accumulate = kernels.accumulate
    squaredError = kernels.squared_error
    shiftedGradients = kernels.shifted_gradients
    unitRows = kernels.unit_rows
    deepForward = kernels.deep_forward
    deepBackward = kernels.deep_backward
    deepUpdate = kernels.deep_update
    deepTranspose = kernels.deep_transpose
    deepResidual = kernels.deep_residual
    deepCrossEntropy = kernels.deep_cross_entropy
    normalize = kernels.normalize
    normalizeBackward = kernels.normalize_backward
    activate = kernels.activate
    gate = kernels.gate
    momentum = kernels.momentum
    adam = kernels.adam
    product = kernels.product
    gatheredProduct = kernels.gathered_product
    transpose = kernels.transpose
    columnSquares = kernels.column_squares
    columnProducts = kernels.column_products
    peak = kernels.peak
  }
}
