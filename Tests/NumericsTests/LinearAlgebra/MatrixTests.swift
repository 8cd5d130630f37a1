import Testing

@testable import UnderstudyNumerics

@Suite struct MatrixTests {
  private let matrix = Matrix([[1, 2, 3], [4, 5, 6]])

  @Test func elementsAreRowMajor() {
    var changed = matrix
    #expect(changed.values == [1, 2, 3, 4, 5, 6])
    #expect(changed[1, 0] == 4 && Array(changed.row(1)) == [4, 5, 6] && changed.column(1) == [2, 5])
    changed[0, 2] = 9
    #expect(changed.values == [1, 2, 9, 4, 5, 6] && matrix[0, 2] == 3)
    #expect(Matrix(rowCount: 2, columnCount: 2).values == [0, 0, 0, 0])
    #expect(Matrix(rowCount: 1, columnCount: 2, repeating: 7) == Matrix([[7, 7]]))
    #expect(Matrix([]).rowCount == 0 && Matrix([]).columnCount == 0)
    #expect(Matrix(rowCount: 2, columnCount: 3) != Matrix(rowCount: 3, columnCount: 2))
  }

  @Test func partsAndTransposes() {
    #expect(matrix.transposed == Matrix([[1, 4], [2, 5], [3, 6]]))
    #expect(matrix.transposed.transposed == matrix)
    #expect(matrix.prefix(rows: 1) == Matrix([[1, 2, 3]]) && matrix.prefix(rows: 9) == matrix)
    #expect(matrix.padded(columns: 4) == Matrix([[1, 2, 3, 0], [4, 5, 6, 0]]))
    #expect(matrix.prefix(columns: 2) == Matrix([[1, 2], [4, 5]]))
    #expect(matrix.isFinite && !Matrix([[.nan]]).isFinite && !Matrix([[-.infinity]]).isFinite)
    #expect(euclideanNorm([3, -4]) == 5 && euclideanNorm([]) == 0)
  }

  @Test func blocksOfRowsAreTransposed() {
    #expect(matrix.transposedBlock(first: 0, count: 2) == matrix.transposed)
    #expect(matrix.transposedBlock(first: 1, count: 1) == Matrix([[4], [5], [6]]))
    // Rows past the end are zeros.
    #expect(matrix.transposedBlock(first: 1, count: 3) == Matrix([[4, 0, 0], [5, 0, 0], [6, 0, 0]]))
    #expect(matrix.transposedBlock(first: 2, count: 2) == Matrix(rowCount: 3, columnCount: 2))
  }

  /// Every size of each dimension to 33, in each layout, with and without the old content: against three loops.
  @Test(arguments: 1...33)
  func productsAgreeWithThreeLoops(size: Int) {
    for (rows, depth, columns) in [(size, 5, 3), (7, size, 11), (5, 4, size), (size, size, size)] {
      var stream = RandomStream(key: 30, purpose: .test, index: size)
      let a = stream.normalMatrix(rowCount: rows, columnCount: depth, standardDeviation: 1)
      let b = stream.normalMatrix(rowCount: depth, columnCount: columns, standardDeviation: 1)
      let old = stream.normalMatrix(rowCount: rows, columnCount: columns, standardDeviation: 1)
      for set in supportedSets {
        for (adding, transposing) in [(false, false), (false, true), (true, false), (true, true)] {
          var c = old
          multiply(
            transposing ? a.transposed : a, b, into: &c, adding: adding, transposingFirst: transposing,
            instructions: set)
          for row in 0..<rows {
            for column in 0..<columns {
              var (sum, magnitude) = adding ? (old[row, column], abs(old[row, column])) : (0, 0)
              for k in 0..<depth {
                sum += a[row, k] * b[k, column]
                magnitude += abs(a[row, k] * b[k, column])
              }
              // depth + 1 terms, each sum off by at most as many epsilons of the terms' absolute values; two sums.
              let tolerance = 2 * Double(depth + 1) * Double.ulpOfOne * magnitude
              #expect(abs(c[row, column] - sum) <= tolerance, "\(set): \(rows) x \(depth) x \(columns)")
            }
          }
        }
      }
    }
  }

  @Test func emptyProducts() {
    var c = Matrix(rowCount: 2, columnCount: 3, repeating: 7)
    multiply(Matrix(rowCount: 2, columnCount: 0), Matrix(rowCount: 0, columnCount: 3), into: &c, adding: true)
    #expect(c == Matrix(rowCount: 2, columnCount: 3, repeating: 7))
    multiply(Matrix(rowCount: 2, columnCount: 0), Matrix(rowCount: 0, columnCount: 3), into: &c)
    #expect(c == Matrix(rowCount: 2, columnCount: 3))
    var none = Matrix(rowCount: 0, columnCount: 3)
    multiply(Matrix(rowCount: 0, columnCount: 2), Matrix(rowCount: 2, columnCount: 3), into: &none)
    #expect(none.values.isEmpty)
  }

  @Test func powersAndPadding() {
    #expect(power(2, 10) == 1024 && power(9, 0.5) == 3 && power(0.5, 0) == 1)
    #expect([0, 1, 8, 9].map { padded($0, to: 8) } == [0, 8, 8, 16])
  }

  @Test func aProcessorHasWhatItsBestSetNeeds() {
    #expect(InstructionSet.portable.isSupported && InstructionSet.best.isSupported)
    #expect(supportedSets.last == InstructionSet.best)
  }

  /// 2 operations for each weight of both layers, forward and in the update, and once more for the output layer's way
  /// back, counted by hand.
  @Test func operationsOfAStep() {
    let shape = NetworkShape(widths: [100, 20, 50], hasBiases: false, negativeSlope: 0)
    #expect(shape.stepFLOPs(batch: 16) == Double(16 * 2 * (2 * 100 * 20 + 3 * 50 * 20)))
  }
}
