/// The memory of one step of a deep network over batches of a size: activations and gradients, feature-major.
///
/// A class because kernels change its memory in place; a ``DeepKernel`` owns one.
final class DeepWorkspace<Scalar: KernelScalar> {
  /// Samples of a batch, and their lane pad.
  let batchSize: Int
  let lanes: Int
  /// What enters each layer, `[input (and the constant 1), lanes]`.
  let inputs: [AlignedBuffer<Scalar>]
  /// The same of layers above the lowest, sample-major: `[lanes, stride]`.
  private let rows: [AlignedBuffer<Scalar>]
  /// Rows of `inputs` and of `rows`, for transposing and updating.
  let inputLanes: [RowPointers<Scalar>]
  let inputRows: [RowPointers<Scalar>]
  let targetRows: RowPointers<Scalar>
  let outputs: AlignedBuffer<Scalar>
  let residuals: AlignedBuffer<Scalar>
  /// Gradients at a layer and at the one below it.
  let gradients: (AlignedBuffer<Scalar>, AlignedBuffer<Scalar>)
  /// With batch normalisation, of each hidden layer: normalised values and, if it comes after the activation, activations.
  let normalized: [AlignedBuffer<Scalar>]
  let activated: [AlignedBuffer<Scalar>]
  let inverses: [AlignedBuffer<Scalar>]
  let means: AlignedBuffer<Scalar>
  let variances: AlignedBuffer<Scalar>

  init(shape: NetworkShape, strides: [Int], outputStride: Int, batchSize: Int) {
    self.batchSize = batchSize
    let lanes = padded(batchSize, to: Scalar.lanePad)
    self.lanes = lanes
    func buffer(_ rowCount: Int) -> AlignedBuffer<Scalar> { AlignedBuffer(count: rowCount * lanes) }
    inputs = strides.map(buffer)
    rows = strides.dropFirst().map { AlignedBuffer(count: $0 * lanes) }
    inputLanes = zip(inputs, strides).map { RowPointers($0, rowCount: $1, stride: lanes) }
    inputRows =
      [RowPointers(count: lanes)]
      + zip(rows, strides.dropFirst()).map { RowPointers($0, rowCount: lanes, stride: $1) }
    targetRows = RowPointers(count: lanes)
    outputs = buffer(outputStride)
    residuals = buffer(outputStride)
    let widest = shape.widths.dropFirst().max() ?? 0
    gradients = (buffer(widest), buffer(widest))
    let hidden = shape.widths.dropFirst().dropLast()
    let isNormalized = shape.normalization != .none
    normalized = isNormalized ? hidden.map(buffer) : []
    activated = shape.normalization == .afterActivation ? hidden.map(buffer) : []
    inverses = isNormalized ? hidden.map { AlignedBuffer(count: $0) } : []
    means = AlignedBuffer(count: widest)
    variances = AlignedBuffer(count: widest)
    guard shape.hasBiases else { return }
    for layer in 1..<shape.layerCount {
      let one = inputs[layer].start + shape.widths[layer] * lanes
      for i in 0..<lanes { one[i] = 1 }
    }
  }
}

/// Pointers to rows of memory; a class because it owns them.
final class RowPointers<Scalar: KernelScalar> {
  let start: UnsafeMutablePointer<UnsafePointer<Scalar>?>

  init(count: Int) {
    start = .allocate(capacity: max(1, count))
    start.initialize(repeating: nil, count: max(1, count))
  }

  convenience init(_ buffer: AlignedBuffer<Scalar>, rowCount: Int, stride: Int) {
    self.init(count: rowCount)
    for row in 0..<rowCount { start[row] = UnsafePointer(buffer.start + row * stride) }
  }

  deinit { start.deallocate() }
}
