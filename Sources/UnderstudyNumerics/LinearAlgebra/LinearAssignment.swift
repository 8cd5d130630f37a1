/// The cheapest way to give each row a column of its own (or each column a row, if there are more rows than columns).
///
/// Shortest augmenting paths with potentials (the Hungarian method as Jonker and Volgenant arrange it): rows are assigned
/// one after the other, each along the path of least reduced cost. Nothing is sampled, so equal costs give the same
/// assignment everywhere.
///
/// - Shape: `costs` is `[row, column]`; the result has a column for each row, nil for the rows that are left over.
/// - Precondition: every cost is finite. A pair that must not be chosen has a cost above the sum of all others.
/// - Complexity: O(min(rows, columns)^2 max(rows, columns)).
/// - Source: Jonker and Volgenant 1987, "A shortest augmenting path algorithm for dense and sparse linear assignment
///   problems".
public func minimumCostAssignment(_ costs: Matrix) -> [Int?] {
  precondition(costs.isFinite, "costs of an assignment are finite")
  guard costs.rowCount <= costs.columnCount else {
    var columns = [Int?](repeating: nil, count: costs.rowCount)
    for (column, row) in minimumCostAssignment(costs.transposed).enumerated() {
      if let row { columns[row] = column }
    }
    return columns
  }
  let (rows, columns) = (costs.rowCount, costs.columnCount)
  var rowPotentials = [Double](repeating: 0, count: rows)
  var columnPotentials = [Double](repeating: 0, count: columns)
  var rowOfColumn = [Int?](repeating: nil, count: columns)
  for newRow in 0..<rows {
    // The tree of shortest paths from the new row, as Dijkstra's method grows it over reduced costs, which are >= 0.
    var distances = [Double](repeating: .infinity, count: columns)
    var previous = [Int?](repeating: nil, count: columns)
    var isInTree = [Bool](repeating: false, count: columns)
    var (row, column, length) = (newRow, -1, 0.0)
    repeat {
      var nearest = -1
      for other in 0..<columns where !isInTree[other] {
        let candidate = length + costs[row, other] - rowPotentials[row] - columnPotentials[other]
        if candidate < distances[other] {
          distances[other] = candidate
          previous[other] = column < 0 ? nil : column
        }
        if nearest < 0 || distances[other] < distances[nearest] { nearest = other }
      }
      (column, length) = (nearest, distances[nearest])
      isInTree[column] = true
      if let next = rowOfColumn[column] { row = next } else { break }
    } while true

    rowPotentials[newRow] += length
    for other in 0..<columns where isInTree[other] && other != column {
      if let assigned = rowOfColumn[other] { rowPotentials[assigned] += length - distances[other] }
      columnPotentials[other] -= length - distances[other]
    }
    // Every column on the path takes the row of the one before it.
    while let before = previous[column] {
      rowOfColumn[column] = rowOfColumn[before]
      column = before
    }
    rowOfColumn[column] = newRow
  }
  var columnOfRow = [Int?](repeating: nil, count: rows)
  for (column, row) in rowOfColumn.enumerated() {
    if let row { columnOfRow[row] = column }
  }
  return columnOfRow
}

/// What an assignment of a column to each row costs in all; rows without a column cost nothing.
///
/// - Shape: `assignment` is `[row]`, `costs` is `[row, column]`.
public func totalCost(of assignment: [Int?], _ costs: Matrix) -> Double {
  assignment.enumerated().reduce(0) { sum, pair in sum + (pair.element.map { costs[pair.offset, $0] } ?? 0) }
}
