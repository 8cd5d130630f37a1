import UnderstudyNumerics

/// The extreme eigenvalues of a symmetric matrix, given by its products, by Lanczos iterations with full
/// reorthogonalisation.
///
/// With `H Q = Q T + beta q e^T`, an eigenpair `(theta, s)` of `T` has an eigenvalue of `H` within `|beta s_last|`. They
/// end once that is below 1e-6 of the largest for both ends, or after 200 products.
func lanczosCurvatures(
  count: Int, key: UInt64, iterationLimit: Int = 200, product: ([Double]) -> [Double]
) -> Curvatures? {
  let limit = min(count, iterationLimit)
  var stream = RandomStream(key: key, purpose: .criticalPoints)
  var vector = stream.normals(count, standardDeviation: 1)
  let norm = euclideanNorm(vector)
  for i in vector.indices { vector[i] /= norm }
  var basis = Matrix(rowCount: 0, columnCount: count)
  var (diagonals, links): ([Double], [Double]) = ([], [])
  while true {
    basis = Matrix(rowCount: basis.rowCount + 1, columnCount: count, values: basis.values + vector)
    var rest = Matrix(rowCount: 1, columnCount: count, values: product(vector))
    // Twice is enough to be orthogonal to rounding.
    var shares = Matrix(rowCount: 1, columnCount: basis.rowCount)
    var diagonal = 0.0
    for _ in 0..<2 {
      LinearAlgebra.multiply(rest, basis, transposingSecond: true, into: &shares)
      diagonal += shares[0, basis.rowCount - 1]
      LinearAlgebra.multiply(shares.negated, basis, into: &rest, scale: 1)
    }
    let beta = euclideanNorm(rest.values)
    let size = basis.rowCount
    diagonals.append(diagonal)
    guard let eigen = LinearAlgebra.tridiagonalEigen(diagonal: diagonals, offDiagonal: links) else { return nil }
    let (smallest, largest) = (eigen.values[0], eigen.values[size - 1])
    let error = beta * max(abs(eigen.vectors[0, size - 1]), abs(eigen.vectors[size - 1, size - 1]))
    let scale = max(abs(smallest), abs(largest))
    if size == limit || beta <= 1e-14 * scale || error <= 1e-6 * scale {
      return Curvatures(smallest: smallest, largest: largest, error: max(error, 1e-15 * scale))
    }
    links.append(beta)
    vector = rest.values.map { $0 / beta }
  }
}
