import COpenBLAS

/// `lapack_int` and `blasint` of Debian's libraries; macros in C, and so unknown here.
private typealias LapackInt = Int32

/// Decompositions of large matrices, by LAPACK on one thread: parallelism is across runs.
///
/// OpenBLAS chooses its kernels by the processor, so the last bits of a result depend on the machine's kind, and the speed on
/// whether it knows the processor (``kernels``). What must have the same bits everywhere (training, evaluation) uses ``multiply(_:_:into:adding:transposingFirst:instructions:)``.
public enum LinearAlgebra {
  private static let oneThread: Void = openblas_set_num_threads(1)

  static func useOneThread() { _ = oneThread }

  /// The eigenvalues of a symmetric matrix, ascending, and unit eigenvectors as rows in the same order.
  ///
  /// - Shape: `matrix` is square; its upper triangle is read.
  /// - Returns: nil if the iteration does not converge, as for a matrix that is not finite.
  /// - Complexity: O(n^3), about 9 n^3 operations with vectors.
  public static func symmetricEigen(_ matrix: Matrix) -> (values: [Double], vectors: Matrix)? {
    symmetricEigen(matrix, withVectors: true)
  }

  /// The eigenvalues alone, ascending; as ``symmetricEigen(_:)`` at about a sixth of the cost.
  ///
  /// - Shape: `matrix` is square; its upper triangle is read.
  public static func symmetricEigenvalues(_ matrix: Matrix) -> [Double]? {
    symmetricEigen(matrix, withVectors: false)?.values
  }

  private static func symmetricEigen(
    _ matrix: Matrix, withVectors: Bool
  ) -> (values: [Double], vectors: Matrix)? {
    _ = oneThread
    let n = matrix.rowCount
    precondition(matrix.columnCount == n, "a symmetric matrix is square")
    guard matrix.isFinite else { return nil }
    guard n > 0 else { return ([], matrix) }
    var vectors = matrix
    var values = [Double](repeating: 0, count: n)
    // Column-major, the row-major upper triangle is the lower one, and eigenvectors come out as rows.
    let status = vectors.values.withUnsafeMutableBufferPointer { a in
      LAPACKE_dsyevd(
        LAPACK_COL_MAJOR, withVectors ? 0x56 : 0x4E, 0x4C, LapackInt(n), a.baseAddress, LapackInt(n), &values)
    }
    return status == 0 ? (values, vectors) : nil
  }

  /// The eigenvalues of a symmetric tridiagonal matrix, ascending, and unit eigenvectors as rows in the same order.
  ///
  /// - Shape: `diagonal` is `[n]`, `offDiagonal` `[n - 1]`.
  /// - Returns: nil if the iteration does not converge, as for numbers that are not finite.
  /// - Complexity: O(n^3) at most, by divide and conquer, without the reduction to this form. (`dstev` applies rotations to all
  ///   vectors: measured, Lanczos iterations took a third longer with it than with the eigenvectors of the full matrix.)
  public static func tridiagonalEigen(
    diagonal: [Double], offDiagonal: [Double]
  ) -> (values: [Double], vectors: Matrix)? {
    _ = oneThread
    let n = diagonal.count
    precondition(offDiagonal.count == max(0, n - 1), "one element less beside the diagonal")
    guard diagonal.allSatisfy(\.isFinite), offDiagonal.allSatisfy(\.isFinite) else { return nil }
    var (values, rest, vectors) = (diagonal, offDiagonal, Matrix(rowCount: n, columnCount: n))
    guard n > 0 else { return (values, vectors) }
    // Column-major: eigenvectors come out as rows.
    let status = vectors.values.withUnsafeMutableBufferPointer { z in
      LAPACKE_dstevd(LAPACK_COL_MAJOR, 0x56, LapackInt(n), &values, &rest, z.baseAddress, LapackInt(n))
    }
    return status == 0 ? (values, vectors) : nil
  }

  /// The thin singular value decomposition `A = U diag(s) V^T`: `left` is `[row, value]`, `right` is `[value, column]`,
  /// values descending.
  ///
  /// - Returns: nil for a matrix that is not finite.
  /// - Complexity: O(rows x columns x min(rows, columns)).
  public static func singularValues(
    of matrix: Matrix
  ) -> (values: [Double], left: Matrix, right: Matrix)? {
    _ = oneThread
    let (rows, columns) = (matrix.rowCount, matrix.columnCount)
    let count = min(rows, columns)
    guard matrix.isFinite else { return nil }
    guard count > 0 else {
      return ([], Matrix(rowCount: rows, columnCount: 0), Matrix(rowCount: 0, columnCount: columns))
    }
    var a = matrix.values
    var values = [Double](repeating: 0, count: count)
    var left = Matrix(rowCount: rows, columnCount: count)
    var right = Matrix(rowCount: count, columnCount: columns)
    let status = left.values.withUnsafeMutableBufferPointer { u in
      right.values.withUnsafeMutableBufferPointer { v in
        LAPACKE_dgesdd(
          LAPACK_ROW_MAJOR, 0x53, LapackInt(rows), LapackInt(columns), &a, LapackInt(columns), &values,
          u.baseAddress, LapackInt(count), v.baseAddress, LapackInt(columns))
      }
    }
    return status == 0 ? (values, left, right) : nil
  }

  /// Replaces the lower triangle of a symmetric matrix, in place, by its Cholesky factor.
  ///
  /// - Shape: `matrix` is square.
  /// - Returns: false if the matrix is not positive definite; its lower triangle is then spoilt.
  /// - Complexity: n^3 / 3 operations.
  public static func factorCholesky(_ matrix: inout Matrix) -> Bool {
    _ = oneThread
    let n = LapackInt(matrix.rowCount)
    precondition(matrix.columnCount == matrix.rowCount)
    guard n > 0 else { return true }
    return matrix.values.withUnsafeMutableBufferPointer { a in
      // Row-major lower is column-major upper: no copy, no transposition.
      LAPACKE_dpotrf(LAPACK_COL_MAJOR, 0x55, n, a.baseAddress, n) == 0
    }
  }

  /// Replaces a factor of ``factorCholesky(_:)``, in place, by the lower triangle of the inverse of the matrix that it is of.
  ///
  /// - Shape: `factor` is square.
  /// - Complexity: 2 n^3 / 3 operations.
  public static func invertCholesky(_ factor: inout Matrix) {
    _ = oneThread
    let n = LapackInt(factor.rowCount)
    guard n > 0 else { return }
    factor.values.withUnsafeMutableBufferPointer { a in
      _ = LAPACKE_dpotri(LAPACK_COL_MAJOR, 0x55, n, a.baseAddress, n)
    }
  }

  /// A factor of a positive semidefinite matrix, `A = F F^T`, with as many columns as the matrix has rank, by Cholesky's method
  /// with pivots.
  ///
  /// - Shape: `matrix` is `[n, n]`, its lower triangle is read; the result is `[n, rank]`.
  /// - Returns: nil for a matrix that is not finite. What is left below n 2^-53 times the largest diagonal element counts as 0.
  /// - Complexity: O(n^2 rank).
  public static func semidefiniteFactor(of matrix: Matrix) -> Matrix? {
    _ = oneThread
    let n = matrix.rowCount
    precondition(matrix.columnCount == n)
    guard matrix.isFinite else { return nil }
    guard n > 0 else { return matrix }
    var a = matrix.values
    var pivots = [LapackInt](repeating: 0, count: n)
    var rank: LapackInt = 0
    // Row-major lower is column-major upper. A positive status says that the rank is below n.
    guard LAPACKE_dpstrf(LAPACK_COL_MAJOR, 0x55, LapackInt(n), &a, LapackInt(n), &pivots, &rank, -1) >= 0 else {
      return nil
    }
    var factor = Matrix(rowCount: n, columnCount: Int(rank))
    for (place, pivot) in pivots.enumerated() {
      for column in 0..<min(place + 1, Int(rank)) { factor[Int(pivot) - 1, column] = a[place * n + column] }
    }
    return factor
  }

  /// Solves `A X = B` in place of `B`, `A` given by ``factorCholesky(_:)``.
  ///
  /// - Shape: `factor` is `[n, n]`, `rightSides` is `[side, n]`: one right side a row.
  public static func solveCholesky(_ factor: Matrix, rightSides: inout Matrix) {
    _ = oneThread
    let n = LapackInt(factor.rowCount)
    precondition(rightSides.columnCount == factor.rowCount)
    guard n > 0, rightSides.rowCount > 0 else { return }
    factor.values.withUnsafeBufferPointer { a in
      rightSides.values.withUnsafeMutableBufferPointer { b in
        _ = LAPACKE_dpotrs(
          LAPACK_COL_MAJOR, 0x55, n, LapackInt(rightSides.rowCount), a.baseAddress, n, b.baseAddress, n)
      }
    }
  }

  /// The least-squares solution `X` of least norm of `A X = B`, by singular values; those below `cutoff` times the largest
  /// count as 0.
  ///
  /// - Shape: `a` is `[row, unknown]`, `b` `[row, side]`, the result `[unknown, side]`.
  /// - Returns: nil for matrices that are not finite.
  public static func leastSquares(_ a: Matrix, _ b: Matrix, cutoff: Double = 1e-13) -> (solution: Matrix, rank: Int)? {
    _ = oneThread
    let (rows, unknowns, sides) = (a.rowCount, a.columnCount, b.columnCount)
    precondition(b.rowCount == rows)
    guard a.isFinite, b.isFinite else { return nil }
    guard rows > 0, unknowns > 0, sides > 0 else { return (Matrix(rowCount: unknowns, columnCount: sides), 0) }
    var matrix = a.values
    // The solution takes the place of the right sides, so there must be room for all unknowns.
    var solution = b.values + [Double](repeating: 0, count: max(0, unknowns - rows) * sides)
    var values = [Double](repeating: 0, count: min(rows, unknowns))
    var rank: LapackInt = 0
    let status = LAPACKE_dgelsd(
      LAPACK_ROW_MAJOR, LapackInt(rows), LapackInt(unknowns), LapackInt(sides), &matrix, LapackInt(unknowns),
      &solution, LapackInt(sides), &values, cutoff, &rank)
    guard status == 0 else { return nil }
    return (
      Matrix(rowCount: unknowns, columnCount: sides, values: Array(solution[..<(unknowns * sides)])), Int(rank)
    )
  }

  /// `C += factor A^T A` in the lower triangle of `C`; the upper one is left alone.
  ///
  /// - Shape: `a` is `[row, column]`, `c` is `[column, column]`.
  /// - Complexity: rows x columns^2 operations.
  public static func addGram(of a: Matrix, factor: Double = 1, to c: inout Matrix) {
    _ = oneThread
    let (rows, n) = (LapackInt(a.rowCount), LapackInt(a.columnCount))
    precondition(c.rowCount == a.columnCount && c.columnCount == a.columnCount)
    a.values.withUnsafeBufferPointer { a in
      c.values.withUnsafeMutableBufferPointer { c in
        cblas_dsyrk(
          CblasRowMajor, CblasLower, CblasTrans, n, rows, factor, a.baseAddress, n, 1, c.baseAddress, n)
      }
    }
  }

  /// `C += factor A^T A` in the lower triangle of `C`, `A` being the rows of `matrix` with these indices.
  ///
  /// - Shape: `matrix` is `[row, column]`, `c` is `[column, column]`.
  /// - Complexity: indices x columns^2 operations; the rows are copied together first, a thousand at a time.
  public static func addGram(ofRows indices: [Int], of matrix: Matrix, factor: Double, to c: inout Matrix) {
    _ = oneThread
    let width = matrix.columnCount
    precondition(c.rowCount == width && c.columnCount == width)
    precondition(indices.allSatisfy { $0 >= 0 && $0 < matrix.rowCount })
    guard width > 0, !indices.isEmpty else { return }
    let blockSize = min(indices.count, 1024)
    withUnsafeTemporaryAllocation(of: Double.self, capacity: blockSize * width) { rows in
      matrix.values.withUnsafeBufferPointer { values in
        c.values.withUnsafeMutableBufferPointer { c in
          guard let target = rows.baseAddress, let source = values.baseAddress else { return }
          for first in stride(from: 0, to: indices.count, by: blockSize) {
            let count = min(blockSize, indices.count - first)
            for i in 0..<count {
              (target + i * width).update(from: source + indices[first + i] * width, count: width)
            }
            cblas_dsyrk(
              CblasRowMajor, CblasLower, CblasTrans, LapackInt(width), LapackInt(count), factor, target,
              LapackInt(width), 1, c.baseAddress, LapackInt(width))
          }
        }
      }
    }
  }

  /// `A B`, each of the two factors optionally transposed.
  ///
  /// - Shape: `A` (after transposing) is `[row, depth]`, `B` `[depth, column]`, the result `[row, column]`.
  public static func product(
    _ a: Matrix, transposingFirst: Bool = false, _ b: Matrix, transposingSecond: Bool = false
  ) -> Matrix {
    var c = Matrix(
      rowCount: transposingFirst ? a.columnCount : a.rowCount,
      columnCount: transposingSecond ? b.rowCount : b.columnCount)
    multiply(a, transposingFirst: transposingFirst, b, transposingSecond: transposingSecond, into: &c)
    return c
  }

  /// `C = A B + scale C`, each of the two factors optionally transposed.
  ///
  /// - Shape: `A` (after transposing) is `[row, depth]`, `B` `[depth, column]`, `C` `[row, column]`.
  public static func multiply(
    _ a: Matrix, transposingFirst: Bool = false, _ b: Matrix, transposingSecond: Bool = false, into c: inout Matrix,
    scale: Double = 0
  ) {
    _ = oneThread
    let (rows, depth) = transposingFirst ? (a.columnCount, a.rowCount) : (a.rowCount, a.columnCount)
    let columns = transposingSecond ? b.rowCount : b.columnCount
    precondition((transposingSecond ? b.columnCount : b.rowCount) == depth, "shapes do not agree")
    precondition(c.rowCount == rows && c.columnCount == columns, "shapes do not agree")
    guard rows > 0, columns > 0 else { return }
    a.values.withUnsafeBufferPointer { first in
      b.values.withUnsafeBufferPointer { second in
        c.values.withUnsafeMutableBufferPointer { result in
          cblas_dgemm(
            CblasRowMajor, transposingFirst ? CblasTrans : CblasNoTrans, transposingSecond ? CblasTrans : CblasNoTrans,
            LapackInt(rows), LapackInt(columns), LapackInt(depth), 1, first.baseAddress,
            LapackInt(max(1, a.columnCount)),
            second.baseAddress, LapackInt(max(1, b.columnCount)), scale, result.baseAddress, LapackInt(columns))
        }
      }
    }
  }
}
