import Testing
import UnderstudyNumerics

private func random(_ rows: Int, _ columns: Int, index: Int = 0) -> Matrix {
  var stream = RandomStream(key: 11, purpose: .test, index: index)
  return stream.normalMatrix(rowCount: rows, columnCount: columns, standardDeviation: 1)
}

private func naiveProduct(_ a: Matrix, _ b: Matrix) -> Matrix {
  Matrix(
    (0..<a.rowCount).map { row in
      (0..<b.columnCount).map { column in (0..<a.columnCount).reduce(0) { $0 + a[row, $1] * b[$1, column] } }
    })
}

private func identity(_ n: Int) -> Matrix {
  Matrix((0..<n).map { row in (0..<n).map { $0 == row ? 1 : 0 } })
}

private func distance(_ a: Matrix, _ b: Matrix) -> Double {
  guard a.rowCount == b.rowCount, a.columnCount == b.columnCount else { return .infinity }
  return euclideanNorm(zip(a.values, b.values).map { $0 - $1 })
}

/// Errors are of backward stable methods on matrices of norm below 10 and sizes to 33: about 1e-14, held to 1e-12.
@Suite("Linear algebra") struct LinearAlgebraTests {
  @Test("symmetric eigenvalues and eigenvectors make the matrix again", arguments: [1, 2, 3, 8, 17, 33])
  func symmetricEigen(n: Int) throws {
    let half = random(n, n)
    var matrix = half
    for row in 0..<n {
      for column in 0..<n { matrix[row, column] = half[row, column] + half[column, row] }
    }
    let (values, vectors) = try #require(LinearAlgebra.symmetricEigen(matrix))
    #expect(values == values.sorted())
    #expect(distance(naiveProduct(vectors, vectors.transposed), identity(n)) < 1e-12)
    var scaled = vectors
    for row in 0..<n {
      for column in 0..<n { scaled[row, column] *= values[row] }
    }
    #expect(distance(naiveProduct(vectors.transposed, scaled), matrix) < 1e-11)
    let alone = try #require(LinearAlgebra.symmetricEigenvalues(matrix))
    for (a, b) in zip(alone, values) { #expect(abs(a - b) < 1e-12) }
    // A tridiagonal matrix as such, and as one of many.
    let (diagonal, rest) = ((0..<n).map { matrix[$0, $0] }, (0..<n - 1).map { matrix[$0, $0 + 1] })
    var band = Matrix(rowCount: n, columnCount: n)
    for a in 0..<n {
      band[a, a] = diagonal[a]
      if a + 1 < n { (band[a, a + 1], band[a + 1, a]) = (rest[a], rest[a]) }
    }
    let (expected, special) = try (
      #require(LinearAlgebra.symmetricEigen(band)),
      #require(LinearAlgebra.tridiagonalEigen(diagonal: diagonal, offDiagonal: rest))
    )
    for (a, b) in zip(special.values, expected.values) { #expect(abs(a - b) < 1e-12) }
    #expect(distance(naiveProduct(special.vectors, special.vectors.transposed), identity(n)) < 1e-12)
    for (row, value) in special.values.enumerated() {
      let vector = Matrix([Array(special.vectors.row(row))])
      #expect(distance(naiveProduct(vector, band), vector.scaled(by: value)) < 1e-11)
    }
    // The upper triangle is what is read.
    for row in 0..<n {
      for column in 0..<row { matrix[row, column] = 1e9 }
    }
    let upper = try #require(LinearAlgebra.symmetricEigenvalues(matrix))
    for (a, b) in zip(upper, values) { #expect(abs(a - b) < 1e-12) }
  }

  @Test(
    "singular values and vectors make the matrix again, tall and wide",
    arguments: [(1, 1), (5, 1), (1, 5), (7, 3), (3, 7), (33, 17), (17, 33), (8, 8)])
  func singularValues(rows: Int, columns: Int) throws {
    let matrix = random(rows, columns)
    let (values, left, right) = try #require(LinearAlgebra.singularValues(of: matrix))
    let count = min(rows, columns)
    #expect(values.count == count)
    #expect(values == values.sorted(by: >) && values.allSatisfy { $0 >= 0 })
    #expect(distance(naiveProduct(left.transposed, left), identity(count)) < 1e-12)
    #expect(distance(naiveProduct(right, right.transposed), identity(count)) < 1e-12)
    var scaled = right
    for row in 0..<count {
      for column in 0..<columns { scaled[row, column] *= values[row] }
    }
    #expect(distance(naiveProduct(left, scaled), matrix) < 1e-12)
  }

  @Test("Cholesky factors and solves; one right side a row", arguments: [1, 2, 7, 16, 33])
  func cholesky(n: Int) throws {
    let matrix = random(n + 4, n)
    var gram = naiveProduct(matrix.transposed, matrix)
    for a in 0..<n { gram[a, a] += 1 }
    var factor = gram
    // Only the lower triangle is read.
    for row in 0..<n {
      for column in row + 1..<max(n, row + 1) { factor[row, column] = .nan }
    }
    #expect(LinearAlgebra.factorCholesky(&factor))
    var lower = factor
    for row in 0..<n {
      for column in row + 1..<max(n, row + 1) { lower[row, column] = 0 }
    }
    #expect(distance(naiveProduct(lower, lower.transposed), gram) < 1e-11)
    let solution = random(3, n, index: 1)
    var sides = naiveProduct(solution, gram)
    LinearAlgebra.solveCholesky(factor, rightSides: &sides)
    #expect(distance(sides, solution) < 1e-11)
    // Only the lower triangle is the inverse's.
    LinearAlgebra.invertCholesky(&factor)
    for row in 0..<n {
      for column in row + 1..<max(n, row + 1) { factor[row, column] = factor[column, row] }
    }
    #expect(distance(naiveProduct(factor, gram), identity(n)) < 1e-11)
  }

  @Test("an indefinite matrix has no Cholesky factor")
  func indefinite() {
    var matrix = Matrix([[1, 2], [2, 1]])
    #expect(!LinearAlgebra.factorCholesky(&matrix))
    var zero = Matrix(rowCount: 3, columnCount: 3)
    #expect(!LinearAlgebra.factorCholesky(&zero))
  }

  @Test(
    "least squares: residuals orthogonal to the columns, tall, wide and square", arguments: [(9, 4), (4, 9), (6, 6)])
  func leastSquares(rows: Int, unknowns: Int) throws {
    let (a, b) = (random(rows, unknowns), random(rows, 3, index: 1))
    let (solution, rank) = try #require(LinearAlgebra.leastSquares(a, b))
    #expect(rank == min(rows, unknowns))
    var residual = naiveProduct(a, solution)
    for i in residual.values.indices { residual.values[i] -= b.values[i] }
    #expect(euclideanNorm(naiveProduct(a.transposed, residual).values) < 1e-12)
    guard unknowns > rows else { return }
    // Of least norm: a combination of the rows.
    let combination = try #require(LinearAlgebra.leastSquares(a.transposed, solution))
    #expect(distance(naiveProduct(a.transposed, combination.solution), solution) < 1e-12)
  }

  @Test("least squares of a matrix that lacks rank")
  func leastSquaresOfLowRank() throws {
    let a = Matrix([[1, 1], [2, 2], [3, 3]])
    let (solution, rank) = try #require(LinearAlgebra.leastSquares(a, Matrix([[2], [4], [6]])))
    #expect(rank == 1)
    #expect(abs(solution[0, 0] - 1) < 1e-14 && abs(solution[1, 0] - 1) < 1e-14)
  }

  @Test("Gram matrices, whole and of chosen rows, in the lower triangle alone", arguments: [1, 2, 7, 16, 33])
  func gram(n: Int) {
    let a = random(2500, n)
    var c = Matrix(rowCount: n, columnCount: n, repeating: 5)
    LinearAlgebra.addGram(of: a, factor: 2, to: &c)
    // More rows than are copied together at a time, one of them twice.
    let chosen = Array(stride(from: 0, to: 2500, by: 2)) + [2]
    var part = Matrix(rowCount: n, columnCount: n)
    LinearAlgebra.addGram(ofRows: chosen, of: a, factor: -1, to: &part)
    LinearAlgebra.addGram(ofRows: [], of: a, factor: 1, to: &part)
    let whole = naiveProduct(a.transposed, a)
    let rows = Matrix(chosen.map { Array(a.row($0)) })
    let few = naiveProduct(rows.transposed, rows)
    for row in 0..<n {
      for column in 0..<n {
        // Sums of 2500 products: rounding below 1e-10.
        #expect(abs(c[row, column] - (column <= row ? 5 + 2 * whole[row, column] : 5)) < 1e-10)
        #expect(abs(part[row, column] + (column <= row ? few[row, column] : 0)) < 1e-10)
      }
    }
  }

  @Test("products, transposed or not, of every small size", arguments: [1, 2, 3, 5, 9, 17])
  func multiply(size: Int) {
    for (rows, depth, columns) in [(size, 4, 3), (2, size, 5), (3, 2, size), (size, size, size), (size, 0, 2)] {
      let (a, b) = (random(rows, depth), random(depth, columns, index: 1))
      let start = random(rows, columns, index: 2)
      var expected = depth == 0 ? Matrix(rowCount: rows, columnCount: columns) : naiveProduct(a, b)
      for i in expected.values.indices { expected.values[i] += 0.5 * start.values[i] }
      for first in [false, true] {
        for second in [false, true] {
          var c = start
          LinearAlgebra.multiply(
            first ? a.transposed : a, transposingFirst: first, second ? b.transposed : b, transposingSecond: second,
            into: &c, scale: 0.5)
          #expect(distance(c, expected) < 1e-12, "\(rows) x \(depth) x \(columns), \(first) \(second)")
        }
      }
    }
  }

  @Test("what is not finite has no decomposition", arguments: [Double.nan, .infinity, -.infinity])
  func notFinite(value: Double) {
    let matrix = Matrix([[1, value], [value, 1]])
    #expect(LinearAlgebra.symmetricEigen(matrix) == nil)
    #expect(LinearAlgebra.symmetricEigenvalues(matrix) == nil)
    #expect(LinearAlgebra.tridiagonalEigen(diagonal: [1, value], offDiagonal: [1]) == nil)
    #expect(LinearAlgebra.tridiagonalEigen(diagonal: [1, 1], offDiagonal: [value]) == nil)
    #expect(LinearAlgebra.singularValues(of: matrix) == nil)
    #expect(LinearAlgebra.leastSquares(matrix, Matrix([[1], [1]])) == nil)
    #expect(LinearAlgebra.leastSquares(Matrix([[1], [1]]), Matrix([[1], [value]])) == nil)
  }

  @Test("empty matrices")
  func empty() throws {
    let none = Matrix(rowCount: 0, columnCount: 0)
    #expect(LinearAlgebra.symmetricEigen(none)?.values == [])
    #expect(LinearAlgebra.symmetricEigenvalues(none) == [])
    #expect(LinearAlgebra.tridiagonalEigen(diagonal: [], offDiagonal: [])?.values == [])
    #expect(LinearAlgebra.singularValues(of: Matrix(rowCount: 3, columnCount: 0))?.values == [])
    #expect(
      LinearAlgebra.leastSquares(Matrix(rowCount: 0, columnCount: 2), Matrix(rowCount: 0, columnCount: 1))?.rank == 0)
    var nothing = none
    #expect(LinearAlgebra.factorCholesky(&nothing))
    LinearAlgebra.invertCholesky(&nothing)
    LinearAlgebra.multiply(none, none, into: &nothing)
  }
}
