/// A dense matrix of `Double`, row-major: element `(row, column)` is `values[row * columnCount + column]`.
///
/// Everything Understudy measures is held in double precision; training in single precision converts at its own border.
@frozen
public struct Matrix: Sendable, Hashable {
  public let rowCount: Int
  public let columnCount: Int
  /// The elements, row after row; `rowCount * columnCount` of them.
  public var values: [Double]

  /// - Precondition: `values.count == rowCount * columnCount`, both counts at least 0.
  @inlinable
  public init(rowCount: Int, columnCount: Int, values: [Double]) {
    precondition(rowCount >= 0 && columnCount >= 0, "a matrix cannot have \(rowCount) x \(columnCount) elements")
    precondition(
      values.count == rowCount * columnCount, "\(values.count) values do not fill \(rowCount) x \(columnCount)")
    self.rowCount = rowCount
    self.columnCount = columnCount
    self.values = values
  }

  @inlinable
  public init(rowCount: Int, columnCount: Int, repeating value: Double = 0) {
    self.init(
      rowCount: rowCount, columnCount: columnCount, values: [Double](repeating: value, count: rowCount * columnCount))
  }

  /// Rows of equal length, as they would be written on paper.
  public init(_ rows: [[Double]]) {
    let width = rows.first?.count ?? 0
    precondition(rows.allSatisfy { $0.count == width }, "rows of a matrix have one length")
    self.init(rowCount: rows.count, columnCount: width, values: rows.flatMap { $0 })
  }

  @inlinable
  public subscript(row: Int, column: Int) -> Double {
    get { values[row * columnCount + column] }
    set { values[row * columnCount + column] = newValue }
  }

  /// One row, without a copy.
  @inlinable
  public func row(_ row: Int) -> ArraySlice<Double> {
    values[row * columnCount..<(row + 1) * columnCount]
  }

  /// One column, copied.
  @inlinable
  public func column(_ column: Int) -> [Double] {
    (0..<rowCount).map { values[$0 * columnCount + column] }
  }

  /// The matrix with rows and columns exchanged; O(elements).
  public var transposed: Matrix { transposedBlock(first: 0, count: rowCount) }

  /// The first `count` rows (all of them if there are fewer).
  public func prefix(rows count: Int) -> Matrix {
    let kept = Swift.min(count, rowCount)
    return Matrix(rowCount: kept, columnCount: columnCount, values: Array(values[..<(kept * columnCount)]))
  }

  /// The Euclidean norm of each row, `[row]`.
  public var rowNorms: [Double] { (0..<rowCount).map { euclideanNorm(row($0)) } }

  /// Rows with these indices, in this order.
  public func rows(_ indices: some Sequence<Int>) -> Matrix {
    var (values, count) = ([Double](), 0)
    for index in indices {
      values += row(index)
      count += 1
    }
    return Matrix(rowCount: count, columnCount: columnCount, values: values)
  }

  /// Every element times `factor`.
  public func scaled(by factor: Double) -> Matrix {
    Matrix(rowCount: rowCount, columnCount: columnCount, values: values.map { $0 * factor })
  }

  public var isFinite: Bool { values.allSatisfy(\.isFinite) }

  /// Of all elements; 0 if there are none.
  public var rootMeanSquare: Double { euclideanNorm(values) / Double(max(1, values.count)).squareRoot() }
}

/// The scalar product, in index order and without fused multiply-adds: the same bits everywhere.
///
/// - Parameter start: what the products are added to.
/// - Complexity: O(length of the shorter one).
@inlinable
public func dotProduct(
  _ a: some Sequence<Double>, _ b: some Sequence<Double>, from start: Double = 0
) -> Double {
  zip(a, b).reduce(start) { $0 + $1.0 * $1.1 }
}

/// The Euclidean norm; plain summation in index order, so that it has the same bits everywhere. Where squares overflow or
/// underflow, the numbers are scaled first.
@inlinable
public func euclideanNorm(_ values: some Sequence<Double>) -> Double {
  var (sum, largest) = (0.0, 0.0)
  for value in values {
    sum += value * value
    largest = max(largest, abs(value))
  }
  if sum.isFinite && sum >= 1e-290 || largest == 0 || !largest.isFinite { return sum.squareRoot() }
  sum = 0
  for value in values { sum += (value / largest) * (value / largest) }
  return largest * sum.squareRoot()
}

/// The largest absolute difference of two matrices' elements; 0 for empty ones.
///
/// - Shape: of both the same.
public func largestDifference(_ a: Matrix, _ b: Matrix) -> Double {
  precondition(a.rowCount == b.rowCount && a.columnCount == b.columnCount, "shapes do not agree")
  return zip(a.values, b.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

/// The summed squares of the differences of two matrices' elements, in units of `unit` squared.
///
/// - Shape: of both the same.
public func squaredDistance(_ a: Matrix, _ b: Matrix, unit: Double = 1) -> Double {
  zip(a.values, b.values).reduce(0) { sum, pair in
    let difference = (pair.0 - pair.1) / unit
    return sum + difference * difference
  }
}
