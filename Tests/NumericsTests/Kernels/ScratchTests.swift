import Testing

@testable import UnderstudyNumerics

/// The kernels on scratch matrices against plain loops, for both precisions and every instruction set of this machine.
@Suite("Scratch matrices") struct ScratchTests {
  private func draw(_ rows: Int, _ columns: Int, key: Int) -> Matrix {
    var stream = RandomStream(key: UInt64(key), purpose: .test, index: 41)
    return stream.normalMatrix(rowCount: rows, columnCount: columns, standardDeviation: 1)
  }

  /// |difference| <= `roundings` x epsilon x the terms' absolute values, plus as many of the factors' own rounding.
  private func check<Scalar: KernelScalar>(
    _ found: Matrix, _ expected: Matrix, magnitude: Matrix, roundings: Int, _: Scalar.Type, _ note: String
  ) {
    let epsilon = Double(Scalar.ulpOfOne)
    for i in expected.values.indices {
      let tolerance = Double(roundings) * epsilon * magnitude.values[i]
      #expect(abs(found.values[i] - expected.values[i]) <= tolerance, "\(note), element \(i)")
    }
  }

  /// sum over the nodes of factor a^T b, and the same of absolute values.
  private func naive(_ a: Matrix, _ b: Matrix, factors: [Double]) -> (sum: Matrix, magnitude: Matrix) {
    var sum = Matrix(rowCount: a.columnCount, columnCount: b.columnCount)
    var magnitude = sum
    for row in 0..<a.columnCount {
      for column in 0..<b.columnCount {
        for k in 0..<a.rowCount {
          let term = factors[k] * a[k, row] * b[k, column]
          sum[row, column] += term
          magnitude[row, column] += abs(term)
        }
      }
    }
    return (sum, magnitude)
  }

  @Test("gated products agree with plain loops, at every size", arguments: 1...33, [0, 0.25])
  func gatedProducts(size: Int, slope: Double) {
    gatedProducts(size, slope, Double.self)
    gatedProducts(size, slope, Float.self)
  }

  private func gatedProducts<Scalar: KernelScalar>(_ size: Int, _ slope: Double, _: Scalar.Type) {
    for (nodes, rows, columns) in [(size, 5, 3), (7, size, 11), (6, 4, size), (size, size, size)] {
      let (a, b, z) = (draw(nodes, rows, key: 1), draw(nodes, columns, key: 2), draw(nodes, 3, key: 3))
      let expected = naive(a, b, factors: (0..<nodes).map { z[$0, 1] > 0 ? 1 : slope })
      var gates = GatedRows<Scalar>(nodeCount: nodes + 2, negativeSlope: slope)
      gates.select(by: z, column: 1)
      var bits: [InstructionSet: [UInt64]] = [:]
      for set in supportedSets {
        let c = ScratchMatrix<Scalar>(rowCount: rows + 2, columnCount: columns)
        ScratchKernels<Scalar>(instructions: set).multiply(
          ScratchMatrix(a), gatedBy: gates, ScratchMatrix(b), into: c, firstRow: 2)
        let found = c.matrix
        #expect(found.prefix(rows: 2).values.allSatisfy { $0 == 0 })
        // Rounding both factors, the slope's product, and nodes + 1 additions, of both sums.
        check(
          Matrix(rowCount: rows, columnCount: columns, values: Array(found.values[(2 * columns)...])), expected.sum,
          magnitude: expected.magnitude, roundings: 2 * nodes + 6, Scalar.self, "\(set) \(nodes) \(rows) \(columns)")
        bits[set] = found.values.map(\.bitPattern)
      }
      if let narrow = bits[.avx2], let wide = bits[.avx512] { #expect(narrow == wide) }
    }
  }

  @Test("sums of products, Gram matrices, squares and transposes agree with plain loops", arguments: 1...33)
  func sums(size: Int) {
    sums(size, Double.self)
    sums(size, Float.self)
  }

  private func sums<Scalar: KernelScalar>(_ size: Int, _: Scalar.Type) {
    // 100 to 115 columns are more than one group of rows of a Gram matrix.
    for (depth, n, m) in [(size, 5, 3), (3, size, 2), (4, 6, size), (size, 98 + size % 18, size)] {
      let (a, b) = (draw(depth, n, key: 4), draw(depth, m, key: 5))
      let ones = [Double](repeating: 1, count: depth)
      let (product, gram) = (naive(a, b, factors: ones), naive(a, a, factors: ones))
      let columns = (0..<m).map { Int32(($0 * 7) % n) }
      var bits: [InstructionSet: [UInt64]] = [:]
      for set in supportedSets {
        let kernels = ScratchKernels<Scalar>(instructions: set)
        let (x, y) = (ScratchMatrix<Scalar>(a), ScratchMatrix<Scalar>(b))
        let note = "\(set) \(depth) \(n) \(m)"
        let (c, g) = (
          ScratchMatrix<Scalar>(rowCount: n, columnCount: m), ScratchMatrix<Scalar>(rowCount: n, columnCount: n)
        )
        kernels.addProduct(x, y, depth: depth, to: c)
        kernels.addUpperGram(x, depth: depth, to: g)
        var upper = g.matrix
        for row in 0..<n { for column in 0..<row { upper[row, column] = upper[column, row] } }
        let roundings = 2 * depth + 4
        check(c.matrix, product.sum, magnitude: product.magnitude, roundings: roundings, Scalar.self, note)
        check(upper, gram.sum, magnitude: gram.magnitude, roundings: roundings, Scalar.self, note)
        var squares = [Double](repeating: 1, count: n)
        kernels.addColumnSquares(x, rows: 0..<depth, to: &squares)
        let diagonal = Matrix([(0..<n).map { gram.sum[$0, $0] }])
        check(
          Matrix([squares.map { $0 - 1 }]), diagonal, magnitude: Matrix([diagonal.values.map { $0 + 1 }]),
          roundings: roundings, Scalar.self, note)
        var pairs = [Double](repeating: 9, count: m)
        kernels.columnProducts(x, columns: columns, y, rows: 0..<depth, into: &pairs)
        check(
          Matrix([pairs]), Matrix([(0..<m).map { product.sum[Int(columns[$0]), $0] }]),
          magnitude: Matrix([(0..<m).map { product.magnitude[Int(columns[$0]), $0] }]), roundings: roundings,
          Scalar.self, note)
        let turned = ScratchMatrix<Scalar>(rowCount: n, columnCount: depth)
        kernels.transpose(x, rows: 0..<depth, into: turned)
        #expect(turned.matrix == x.matrix.transposed, "\(note)")
        bits[set] = (c.matrix.values + upper.values + squares + pairs).map(\.bitPattern)
        g.clear()
        #expect(g.matrix.values.allSatisfy { $0 == 0 })
      }
      if let narrow = bits[.avx2], let wide = bits[.avx512] { #expect(narrow == wide) }
    }
  }
}
