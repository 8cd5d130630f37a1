/// A matrix of one precision that kernels write and read in place: intermediate results of a measurement, kept from one
/// sample to the next so that nothing is allocated on the way.
///
/// Rows begin at multiples of 64 bytes. An odd number of cache lines in a row keeps the rows of a column from competing for
/// the same places of the cache, as they would at widths like 1024.
///
/// A class because it owns the memory that kernels write. It is not `Sendable`; a measurement keeps its own.
public final class ScratchMatrix<Scalar: KernelScalar> {
  public let rowCount: Int
  public let columnCount: Int
  let stride: Int
  private let buffer: AlignedBuffer<Scalar>

  /// A matrix of zeros.
  public init(rowCount: Int, columnCount: Int) {
    self.rowCount = rowCount
    self.columnCount = columnCount
    let lines = padded(columnCount, to: Scalar.lanePad) / Scalar.lanePad
    stride = (lines | 1) * Scalar.lanePad
    // A transpose writes whole tiles.
    buffer = AlignedBuffer(count: padded(rowCount, to: Scalar.lanePad) * stride)
  }

  /// A matrix, rounded to this precision.
  ///
  /// - Shape: that of `matrix`, `[row, column]`.
  public convenience init(_ matrix: Matrix) {
    self.init(rowCount: matrix.rowCount, columnCount: matrix.columnCount)
    copyRows(of: matrix, to: buffer.start, stride: stride)
  }

  var start: UnsafeMutablePointer<Scalar> { buffer.start }
  func row(_ row: Int) -> UnsafeMutablePointer<Scalar> { buffer.start + row * stride }
  /// The columns that products write.
  var paddedColumnCount: Int { padded(columnCount, to: Scalar.lanePad) }

  /// Sets all elements to 0.
  public func clear() { buffer.clear() }

  /// Adds the elements to those of a matrix in double precision.
  ///
  /// - Shape: of both the same.
  public func add(to sum: inout Matrix) {
    precondition(sum.rowCount == rowCount && sum.columnCount == columnCount, "shapes do not agree")
    let width = columnCount
    sum.values.withUnsafeMutableBufferPointer { target in
      guard let start = target.baseAddress else { return }
      for index in 0..<rowCount { Scalar.add(row(index), count: width, to: start + index * width) }
    }
  }

  /// The elements in double precision.
  public var matrix: Matrix {
    var result = Matrix(rowCount: rowCount, columnCount: columnCount)
    add(to: &result)
    return result
  }
}

/// The rows of a layer's matrices that its gates let pass at one sample, and how much of them.
public struct GatedRows<Scalar: KernelScalar>: Sendable {
  /// What passes a gate that is off, in (0, 1]; `nil` if nothing does.
  private let slope: Scalar?
  private(set) var indices: [Int32]
  /// `[selected row]`; used with a slope only.
  private(set) var factors: [Scalar]
  /// Selected rows.
  public private(set) var count = 0

  /// - Parameter nodeCount: the widest layer to come.
  public init(nodeCount: Int, negativeSlope: Double) {
    slope = negativeSlope == 0 ? nil : Scalar(negativeSlope)
    indices = [Int32](repeating: 0, count: nodeCount)
    factors = [Scalar](repeating: 1, count: slope == nil ? 0 : nodeCount)
  }

  var hasFactors: Bool { slope != nil }

  /// Selects the rows of the nodes that are on; with a slope all, those that are off with the slope as a factor.
  ///
  /// - Parameter preactivations: `[node, sample]`
  public mutating func select(by preactivations: Matrix, column: Int) {
    count = 0
    for node in 0..<preactivations.rowCount {
      let isOn = preactivations[node, column] > 0
      guard isOn || slope != nil else { continue }
      indices[count] = Int32(truncatingIfNeeded: node)
      if let slope { factors[count] = isOn ? 1 : slope }
      count += 1
    }
  }
}
