/// Products and sums of ``ScratchMatrix`` in place, at the speed of the training kernels and without allocation.
///
/// Each element of a product is summed over its depth in order: the same bits with AVX2 and AVX-512, whatever the shape.
public struct ScratchKernels<Scalar: KernelScalar>: Sendable {
  private let kernels: KernelTable<Scalar>

  public init(instructions: InstructionSet = .best) {
    kernels = Scalar.kernels(for: instructions)
  }

  /// `c = a^T D b` over the rows that gates let pass, in the rows of `c` from `firstRow` on.
  ///
  /// - Shape: `a` is `[node, rows]`, `b` `[node, columns]`; `c` has at least `firstRow + rows` rows of `columns`.
  /// - Complexity: O(rows x selected nodes x columns).
  public func multiply(
    _ a: ScratchMatrix<Scalar>, gatedBy gates: GatedRows<Scalar>, _ b: ScratchMatrix<Scalar>,
    into c: ScratchMatrix<Scalar>, firstRow: Int
  ) {
    precondition(a.rowCount == b.rowCount && b.columnCount == c.columnCount, "shapes do not agree")
    precondition(firstRow >= 0 && firstRow + a.columnCount <= c.rowCount, "the product does not fit its place")
    gates.indices.withUnsafeBufferPointer { indices in
      precondition(gates.count == 0 || Int(indices[gates.count - 1]) < a.rowCount, "gates of another layer")
      gates.factors.withUnsafeBufferPointer { factors in
        kernels.gatheredProduct(
          Int64(a.columnCount), Int64(gates.count), Int64(c.paddedColumnCount), indices.baseAddress,
          gates.hasFactors ? factors.baseAddress : nil, a.start, Int64(a.stride), b.start, Int64(b.stride),
          c.row(firstRow), Int64(c.stride))
      }
    }
  }

  /// Some rows of `a` as the columns of `b`.
  ///
  /// - Shape: `a` has the rows `rows`, `b` is `[column, row]`.
  public func transpose(_ a: ScratchMatrix<Scalar>, rows: Range<Int>, into b: ScratchMatrix<Scalar>) {
    precondition(rows.upperBound <= a.rowCount, "rows past the end")
    precondition(b.rowCount == a.columnCount && b.columnCount == rows.count, "shapes do not agree")
    kernels.transpose(
      Int64(rows.count), Int64(a.paddedColumnCount), a.row(rows.lowerBound), Int64(a.stride), b.start, Int64(b.stride))
  }

  /// `c += a^T b`, over the first `depth` rows of both.
  public func addProduct(
    _ a: ScratchMatrix<Scalar>, _ b: ScratchMatrix<Scalar>, depth: Int, to c: ScratchMatrix<Scalar>
  ) {
    precondition(depth <= min(a.rowCount, b.rowCount), "rows past the end")
    precondition(c.rowCount == a.columnCount && c.columnCount == b.columnCount, "shapes do not agree")
    add(a, b, depth: depth, rows: 0..<c.rowCount, firstColumn: 0, to: c)
  }

  /// `c += a^T a` over the first `depth` rows, on and above the diagonal only; what is below is of no use.
  ///
  /// - Complexity: O(depth x columns^2 / 2).
  public func addUpperGram(_ a: ScratchMatrix<Scalar>, depth: Int, to c: ScratchMatrix<Scalar>) {
    precondition(depth <= a.rowCount, "rows past the end")
    precondition(c.rowCount == a.columnCount && c.columnCount == a.columnCount, "shapes do not agree")
    for first in Swift.stride(from: 0, to: c.rowCount, by: gramRows) {
      add(
        a, a, depth: depth, rows: first..<Swift.min(first + gramRows, c.rowCount),
        firstColumn: first / Scalar.lanePad * Scalar.lanePad, to: c)
    }
  }

  private func add(
    _ a: ScratchMatrix<Scalar>, _ b: ScratchMatrix<Scalar>, depth: Int, rows: Range<Int>, firstColumn: Int,
    to c: ScratchMatrix<Scalar>
  ) {
    kernels.product(
      Int64(rows.count), Int64(depth), Int64(c.paddedColumnCount - firstColumn), a.start + rows.lowerBound, 1,
      Int64(a.stride), b.start + firstColumn, Int64(b.stride), c.row(rows.lowerBound) + firstColumn, Int64(c.stride),
      1)
  }

  /// Adds the sum of squares of each column over some rows to `sums`, `[column]`.
  public func addColumnSquares(_ a: ScratchMatrix<Scalar>, rows: Range<Int>, to sums: inout [Double]) {
    precondition(rows.upperBound <= a.rowCount && sums.count == a.columnCount, "shapes do not agree")
    kernels.columnSquares(Int64(rows.count), Int64(a.columnCount), a.row(rows.lowerBound), Int64(a.stride), &sums)
  }

  /// The scalar product of each column j of `b` with column `columns[j]` of `a`, over the same rows of both.
  ///
  /// - Shape: `columns` and `products` are `[column of b]`.
  public func columnProducts(
    _ a: ScratchMatrix<Scalar>, columns: [Int32], _ b: ScratchMatrix<Scalar>, rows: Range<Int>,
    into products: inout [Double]
  ) {
    precondition(rows.upperBound <= min(a.rowCount, b.rowCount), "rows past the end")
    precondition(columns.count == b.columnCount && products.count == columns.count, "shapes do not agree")
    precondition(columns.allSatisfy { $0 >= 0 && Int($0) < a.columnCount }, "a column past the end")
    kernels.columnProducts(
      Int64(rows.count), Int64(columns.count), columns, a.row(rows.lowerBound), Int64(a.stride),
      b.row(rows.lowerBound), Int64(b.stride), &products)
  }
}

/// Rows of a Gram matrix that are taken together: at most half of as many columns beside the diagonal are computed twice.
private let gramRows = 96
