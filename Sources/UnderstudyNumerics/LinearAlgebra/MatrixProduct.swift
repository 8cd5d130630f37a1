/// `c = a b`, or `c += a b` when `adding`; with `transposingFirst`, `a` is given as its transpose.
///
/// - Shape: `a` is `[rows, depth]` (or `[depth, rows]` with `transposingFirst`), `b` `[depth, columns]`,
///   `c` `[rows, columns]`.
/// - Precondition: the shapes agree.
/// - Complexity: O(rows x depth x columns), at the speed of the training kernels when `columns` is a multiple of 8;
///   otherwise `b` and `c` are copied once.
/// - Each element is summed over `depth` in order: the same bits with AVX2 and AVX-512, whatever the shape.
public func multiply(
  _ a: Matrix, _ b: Matrix, into c: inout Matrix, adding: Bool = false, transposingFirst: Bool = false,
  instructions: InstructionSet = .best
) {
  let rows = transposingFirst ? a.columnCount : a.rowCount
  let depth = transposingFirst ? a.rowCount : a.columnCount
  precondition(depth == b.rowCount && rows == c.rowCount && b.columnCount == c.columnCount, "shapes do not agree")
  guard b.columnCount % Double.lanePad == 0 else {
    var wide = c.padded(columns: padded(c.columnCount, to: Double.lanePad))
    multiply(
      a, b.padded(columns: wide.columnCount), into: &wide, adding: adding, transposingFirst: transposingFirst,
      instructions: instructions)
    c = wide.prefix(columns: c.columnCount)
    return
  }
  let kernels = Double.kernels(for: instructions)
  let columns = b.columnCount
  a.values.withUnsafeBufferPointer { a in
    b.values.withUnsafeBufferPointer { b in
      c.values.withUnsafeMutableBufferPointer { c in
        kernels.product(
          Int64(rows), Int64(depth), Int64(columns), a.baseAddress, Int64(transposingFirst ? 1 : depth),
          Int64(transposingFirst ? rows : 1), b.baseAddress, Int64(columns), c.baseAddress, Int64(columns),
          adding ? 1 : 0)
      }
    }
  }
}

/// `a b`, with `transposingFirst` `a^T b`; see ``multiply(_:_:into:adding:transposingFirst:instructions:)``.
///
/// - Shape: the result is `[rows, columns]`.
public func product(_ a: Matrix, _ b: Matrix, transposingFirst: Bool = false) -> Matrix {
  var result = Matrix(rowCount: transposingFirst ? a.columnCount : a.rowCount, columnCount: b.columnCount)
  multiply(a, b, into: &result, transposingFirst: transposingFirst)
  return result
}

extension Matrix {
  /// The matrix with columns of zeros appended.
  public func padded(columns count: Int) -> Matrix { withColumns(count) }

  /// The first `count` columns.
  public func prefix(columns count: Int) -> Matrix { withColumns(count) }

  private func withColumns(_ count: Int) -> Matrix {
    var result = Matrix(rowCount: rowCount, columnCount: count)
    for row in 0..<rowCount {
      for column in 0..<Swift.min(count, columnCount) { result[row, column] = self[row, column] }
    }
    return result
  }

  /// The matrix with the rows of another one below its own.
  public func appending(_ other: Matrix) -> Matrix {
    Matrix(rowCount: rowCount + other.rowCount, columnCount: columnCount, values: values + other.values)
  }

  /// The matrix with one more column, of ones.
  public func appendingOnes() -> Matrix {
    var result = padded(columns: columnCount + 1)
    for row in 0..<rowCount { result[row, columnCount] = 1 }
    return result
  }

  /// Rows `first ..< first + count` as columns, `[column, row]`; rows past the end are 0.
  ///
  /// The layout in which a block of samples meets a layer's weights: `multiply(weights, block)`.
  public func transposedBlock(first: Int, count: Int) -> Matrix {
    var result = Matrix(rowCount: columnCount, columnCount: count)
    values.withUnsafeBufferPointer { source in
      result.values.withUnsafeMutableBufferPointer { target in
        for row in 0..<Swift.min(count, rowCount - first) {
          for column in 0..<columnCount {
            target[column * count + row] = source[(first + row) * columnCount + column]
          }
        }
      }
    }
    return result
  }
}
