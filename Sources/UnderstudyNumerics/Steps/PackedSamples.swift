import Synchronization

/// Inputs and targets for the kernels of one precision: for steps a sample a row, for the losses of small networks in blocks.
/// Each layout is made when it is first needed.
///
/// A class because it owns the memory that kernels read; its samples never change, and runs share them.
public final class PackedSamples<Scalar: KernelScalar>: Sendable {
  private let inputs: Matrix
  private let targets: Matrix
  /// With the constant 1 as the last input feature, and without it.
  private let rows = Mutex<[Bool: SampleRows<Scalar>]>([:])
  private let blocks = Mutex<[Bool: SampleBlocks<Scalar>]>([:])

  /// Samples for the kernels; they are packed when a kernel first asks.
  ///
  /// - Parameters:
  ///   - inputs: `[sample, feature]`
  ///   - targets: `[sample, output]`
  /// - Precondition: as many rows in both.
  public init(inputs: Matrix, targets: Matrix) {
    precondition(inputs.rowCount == targets.rowCount, "a target for each input")
    (self.inputs, self.targets) = (inputs, targets)
  }

  public var count: Int { inputs.rowCount }

  /// - Precondition: the samples have the shape's inputs and outputs.
  func rows(for shape: NetworkShape) -> SampleRows<Scalar> {
    layout(in: rows, for: shape, make: SampleRows.init)
  }

  /// - Precondition: the samples have the shape's inputs and outputs.
  func blocks(for shape: NetworkShape) -> SampleBlocks<Scalar> {
    layout(in: blocks, for: shape, make: SampleBlocks.init)
  }

  private func layout<Layout: Sendable>(
    in made: borrowing Mutex<[Bool: Layout]>, for shape: NetworkShape, make: (Matrix, Matrix, Bool) -> Layout
  ) -> Layout {
    precondition(
      inputs.columnCount == shape.inputCount && targets.columnCount == shape.outputCount, "samples of another shape")
    return made.withLock { made in
      if let layout = made[shape.hasBiases] { return layout }
      let layout = make(inputs, targets, shape.hasBiases)
      made[shape.hasBiases] = layout
      return layout
    }
  }
}

/// Elements from one sample's inputs, or targets, to the next one's: rows are padded to 64 bytes.
struct SampleStrides: Hashable {
  let inputs: Int
  let outputs: Int

  init(inputCount: Int, outputCount: Int, hasBiases: Bool, lanePad: Int) {
    inputs = padded(inputCount + (hasBiases ? 1 : 0), to: lanePad)
    outputs = padded(outputCount, to: lanePad)
  }
}

/// Samples in the layout of steps: a sample a row, with biases the constant 1 as the last input feature.
///
/// Unchecked: its memory is written here, before anybody else has it, and only read afterwards.
struct SampleRows<Scalar: KernelScalar>: @unchecked Sendable {
  let inputs: AlignedBuffer<Scalar>
  let targets: AlignedBuffer<Scalar>
  let strides: SampleStrides

  fileprivate init(inputs: Matrix, targets: Matrix, hasBiases: Bool) {
    strides = SampleStrides(
      inputCount: inputs.columnCount, outputCount: targets.columnCount, hasBiases: hasBiases, lanePad: Scalar.lanePad)
    self.inputs = AlignedBuffer(count: inputs.rowCount * strides.inputs)
    self.targets = AlignedBuffer(count: inputs.rowCount * strides.outputs)
    copyRows(of: inputs, to: self.inputs.start, stride: strides.inputs)
    copyRows(of: targets, to: self.targets.start, stride: strides.outputs)
    guard hasBiases else { return }
    for i in 0..<inputs.rowCount { self.inputs.start[i * strides.inputs + inputs.columnCount] = 1 }
  }
}

/// Samples in the layout of the two-layer evaluation: blocks of ``width`` samples, features first.
///
/// Unchecked: its memory is written here, before anybody else has it, and only read afterwards.
struct SampleBlocks<Scalar: KernelScalar>: @unchecked Sendable {
  /// Samples in a block: two vectors of the widest kind, so that a product reads a block from front to back, which the
  /// processor foresees.
  static var width: Int { 2 * Scalar.lanePad }
  let inputs: AlignedBuffer<Scalar>
  let targets: AlignedBuffer<Scalar>

  fileprivate init(inputs: Matrix, targets: Matrix, hasBiases: Bool) {
    let width = Self.width
    let blocks = (inputs.rowCount + width - 1) / width
    let inputWidth = inputs.columnCount + (hasBiases ? 1 : 0)
    self.inputs = AlignedBuffer(count: blocks * inputWidth * width)
    self.targets = AlignedBuffer(count: blocks * targets.columnCount * width)
    Self.copyBlocks(of: inputs, to: self.inputs.start, blockSize: inputWidth * width)
    Self.copyBlocks(of: targets, to: self.targets.start, blockSize: targets.columnCount * width)
    guard hasBiases else { return }
    for i in 0..<inputs.rowCount {
      self.inputs.start[i / width * inputWidth * width + inputs.columnCount * width + i % width] = 1
    }
  }

  /// Writes the rows of a matrix as columns of blocks that lie `blockSize` apart.
  private static func copyBlocks(of matrix: Matrix, to start: UnsafeMutablePointer<Scalar>, blockSize: Int) {
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
