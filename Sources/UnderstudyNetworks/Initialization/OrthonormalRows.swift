import UnderstudyNumerics

/// Orthonormal rows whose span is uniformly distributed (the first rows of a Haar-distributed orthogonal matrix): normal
/// vectors, each freed of its part along those before.
///
/// Twice, because once leaves rounding errors that grow with what was taken away. By plain loops and not by LAPACK, so that
/// the bits are the same on every machine.
///
/// - Precondition: `count <= width`.
/// - Complexity: O(count^2 x width).
func orthonormalRows(count: Int, width: Int, from stream: inout RandomStream) -> Matrix {
  var rows = stream.normalMatrix(rowCount: count, columnCount: width, standardDeviation: 1)
  for row in 0..<count {
    for _ in 0..<2 {
      for other in 0..<row {
        let product = dotProduct(rows.row(row), rows.row(other))
        for column in 0..<width { rows[row, column] -= product * rows[other, column] }
      }
    }
    let norm = euclideanNorm(rows.row(row))
    for column in 0..<width { rows[row, column] /= norm }
  }
  return rows
}

/// Orthonormal rows, or orthonormal columns where there are more rows than columns.
func orthogonalMatrix(rowCount: Int, columnCount: Int, from stream: inout RandomStream) -> Matrix {
  rowCount <= columnCount
    ? orthonormalRows(count: rowCount, width: columnCount, from: &stream)
    : orthonormalRows(count: columnCount, width: rowCount, from: &stream).transposed
}
