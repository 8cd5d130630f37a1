/// Inputs and targets in the layout of the training kernels: a sample a row, rows padded to 64 bytes, and with biases the
/// constant 1 as the last input feature.
///
/// A class because it owns the memory that kernels read; immutable once made.
public final class PackedSamples<Scalar: KernelScalar> {
  public let count: Int
  let inputs: AlignedBuffer<Scalar>
  let targets: AlignedBuffer<Scalar>
  let layout: SampleLayout

  /// - Parameters:
  ///   - inputs: `[sample, feature]`
  ///   - targets: `[sample, output]`
  /// - Precondition: as many rows in both, widths as in `shape`.
  public convenience init(inputs: Matrix, targets: Matrix, shape: TwoLayerShape) {
    precondition(inputs.columnCount == shape.inputCount && targets.columnCount == shape.outputCount)
    self.init(inputs: inputs, targets: targets, hasBiases: shape.hasBiases)
  }

  /// The same for a network of any depth with these numbers of inputs and outputs.
  public init(inputs: Matrix, targets: Matrix, hasBiases: Bool) {
    precondition(inputs.rowCount == targets.rowCount)
    layout = SampleLayout(
      inputCount: inputs.columnCount, outputCount: targets.columnCount, hasBiases: hasBiases, lanePad: Scalar.lanePad)
    count = inputs.rowCount
    self.inputs = AlignedBuffer(count: count * layout.inputStride)
    self.targets = AlignedBuffer(count: count * layout.outputStride)
    copyRows(of: inputs, to: self.inputs.start, stride: layout.inputStride)
    copyRows(of: targets, to: self.targets.start, stride: layout.outputStride)
    guard hasBiases else { return }
    for i in 0..<count { self.inputs.start[i * layout.inputStride + inputs.columnCount] = 1 }
  }
}

/// Inputs and targets in the layout of the evaluation kernel: blocks of ``width`` samples, features first.
public final class BlockedSamples<Scalar: KernelScalar> {
  /// Samples in a block: two vectors of the widest kind, so that a product reads a block from front to back, which the
  /// processor foresees.
  static var width: Int { 2 * Scalar.lanePad }
  public let count: Int
  let inputs: AlignedBuffer<Scalar>
  let targets: AlignedBuffer<Scalar>

  /// Shapes as for ``PackedSamples``.
  public init(inputs: Matrix, targets: Matrix, shape: TwoLayerShape) {
    precondition(inputs.rowCount == targets.rowCount && inputs.columnCount == shape.inputCount)
    precondition(targets.columnCount == shape.outputCount)
    count = inputs.rowCount
    let width = Self.width
    let blocks = (count + width - 1) / width
    let inputWidth = shape.inputCount + (shape.hasBiases ? 1 : 0)
    self.inputs = AlignedBuffer(count: blocks * inputWidth * width)
    self.targets = AlignedBuffer(count: blocks * shape.outputCount * width)
    copyBlocks(of: inputs, to: self.inputs.start, blockSize: inputWidth * width)
    copyBlocks(of: targets, to: self.targets.start, blockSize: shape.outputCount * width)
    guard shape.hasBiases else { return }
    for i in 0..<count {
      self.inputs.start[i / width * inputWidth * width + shape.inputCount * width + i % width] = 1
    }
  }

  /// Writes the rows of a matrix as columns of blocks that lie `blockSize` apart.
  private func copyBlocks(of matrix: Matrix, to start: UnsafeMutablePointer<Scalar>, blockSize: Int) {
    let width = Self.width
    matrix.values.withUnsafeBufferPointer { values in
      guard let source = values.baseAddress else { return }
      for i in 0..<matrix.rowCount {
        Scalar.convert(
          source + i * matrix.columnCount, count: matrix.columnCount, to: start + i / width * blockSize + i % width,
          stride: width)
      }
    }
  }
}

/// Copies a matrix to memory whose rows are `stride` apart, converting the precision.
func copyRows<Scalar: KernelScalar>(of matrix: Matrix, to start: UnsafeMutablePointer<Scalar>, stride: Int) {
  matrix.values.withUnsafeBufferPointer { values in
    guard let source = values.baseAddress else { return }
    for row in 0..<matrix.rowCount {
      Scalar.convert(
        source + row * matrix.columnCount, count: matrix.columnCount, to: start + row * stride, stride: 1)
    }
  }
}
