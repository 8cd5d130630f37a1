import Testing
import UnderstudyNumerics

/// The least total cost over all ways to give each row a column of its own; rows <= columns.
private func leastCost(_ costs: Matrix, from row: Int = 0, taken: Set<Int> = []) -> Double {
  guard row < costs.rowCount else { return 0 }
  var least = Double.infinity
  for column in 0..<costs.columnCount where !taken.contains(column) {
    least = min(least, costs[row, column] + leastCost(costs, from: row + 1, taken: taken.union([column])))
  }
  return least
}

@Suite("Linear assignment") struct LinearAssignmentTests {
  private func check(_ costs: Matrix) {
    let assignment = minimumCostAssignment(costs)
    let chosen = assignment.compactMap { $0 }
    #expect(assignment.count == costs.rowCount)
    #expect(Set(chosen).count == chosen.count && chosen.allSatisfy { $0 >= 0 && $0 < costs.columnCount })
    #expect(chosen.count == min(costs.rowCount, costs.columnCount))
    let best = leastCost(costs.rowCount <= costs.columnCount ? costs : costs.transposed)
    // Sums of at most 6 costs below 10: rounding below 1e-14, a hundredfold margin.
    #expect(abs(totalCost(of: assignment, costs) - best) < 1e-12, "\(costs)")
  }

  @Test("costs as little as the best of all assignments", arguments: 1...6)
  func bruteForce(rows: Int) {
    for columns in 1...6 {
      for key in 0..<8 {
        var stream = RandomStream(key: UInt64(100 * rows + 10 * columns + key), purpose: .test)
        var costs = stream.normalMatrix(rowCount: rows, columnCount: columns, standardDeviation: 2)
        check(costs)
        // Whole numbers, so that many assignments cost the same.
        for i in costs.values.indices { costs.values[i] = costs.values[i].rounded() }
        check(costs)
      }
    }
  }

  @Test("finds a permutation that was planted")
  func permutation() {
    let count = 60
    var stream = RandomStream(key: 3, purpose: .test)
    var order = Array(0..<count)
    for (i, draw) in stream.uniforms(count).enumerated() { order.swapAt(i, i + Int(draw * Double(count - i))) }
    var costs = Matrix(rowCount: count, columnCount: count, values: stream.uniforms(count * count).map { 1 + $0 })
    for i in 0..<count { costs[i, order[i]] = 0.5 }
    #expect(minimumCostAssignment(costs) == order)
  }

  @Test("an empty matrix has nothing to assign")
  func empty() {
    #expect(minimumCostAssignment(Matrix(rowCount: 0, columnCount: 3)).isEmpty)
    #expect(minimumCostAssignment(Matrix(rowCount: 2, columnCount: 0)) == [nil, nil])
  }
}
