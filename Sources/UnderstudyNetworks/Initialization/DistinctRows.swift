import UnderstudyNumerics

/// The nine values of a discrete weight: -1, -0.75, ..., 1.
private let choices: [Double] = (-4...4).map { Double($0) / 4 }

/// Which rows count as the same.
enum Sameness {
  case equality
  /// Equal up to a positive factor.
  case direction
  /// Equal up to a factor.
  case line
}

/// `count` non-zero rows of `width` choices, no two the same.
///
/// - Parameter layer: what errors call the layer.
/// - Throws: ``ShapeError`` if there are not enough such rows.
func distinctRows(
  _ count: Int, of width: Int, layer: String, sameness: Sameness, from stream: inout RandomStream
) throws(ShapeError) -> Matrix {
  // A draw that fails is repeated, so there must be enough: at most eight rows lie on one line.
  let available = width >= 8 ? Double.infinity : power(9, Double(width)) - 1
  guard Double(count) <= available / (sameness == .equality ? 1 : 8) else {
    throw ShapeError(
      "the teacher's \(layer) needs \(count) distinct rows of \(width) weights from nine values, and there are "
        + "not enough; use fewer nodes or outputs (teacher.hiddenNodes, teacher.widths, network.outputDimension), or "
        + "gaussian weights")
  }
  var rows: [[Double]] = []
  var taken: Set<[Double]> = []
  while rows.count < count {
    let row = stream.integers(width, below: choices.count).map { choices[Int($0)] }
    let largest = row.reduce(0) { max($0, abs($1)) }
    guard largest > 0, let leading = row.first(where: { $0 != 0 }) else { continue }
    let divisor: Double =
      switch sameness {
      case .equality: 1
      case .direction: largest
      case .line: leading < 0 ? -largest : largest
      }
    // Adding 0 turns -0 into 0.
    if taken.insert(row.map { $0 / divisor + 0 }).inserted { rows.append(row) }
  }
  return Matrix(rows)
}
