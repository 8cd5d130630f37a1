import UnderstudyNetworks
import UnderstudyNumerics

/// Which node of A carries the boundary that a node of B carries, of students that are gathered on nodes of their own.
struct SharedBoundaries {
  /// A boundary that both carry: the node of A that holds it, and the node of B that is to hold it.
  struct Pair {
    var holder: Int
    var goal: Int
  }

  /// In one orientation.
  private(set) var same: [Pair] = []
  /// In opposite orientations.
  private(set) var opposite: [Pair] = []
  /// Nodes of A, and of B, whose boundary the other does not carry.
  private(set) var onlyFirst: [Int]
  private(set) var onlySecond: [Int]

  /// The pairs of least distance between boundaries, first those of one orientation, then of what is left those of
  /// opposite ones.
  ///
  /// - Parameter target: B.
  /// - Complexity: O(nodes^2 (features + nodes)).
  init(_ first: GatheredStudent, _ second: GatheredStudent, target: Network, over inputs: Matrix) {
    onlyFirst = first.representatives
    onlySecond = second.representatives
    let square = inputs.values.reduce(0) { $0 + $1 * $1 } / Double(inputs.values.count)
    let spread = square > 0 ? square.squareRoot() : 1
    let sides = (Boundaries(of: first.network.layers[0]), Boundaries(of: target.layers[0]))
    same = pairs(of: sides, spread: spread, sign: 1)
    opposite = pairs(of: sides, spread: spread, sign: -1)
  }

  /// Takes the pairs out of the nodes that have none yet. As many as share a boundary, and of these the nearest.
  private mutating func pairs(of sides: (Boundaries, Boundaries), spread: Double, sign: Double) -> [Pair] {
    guard !onlyFirst.isEmpty, !onlySecond.isEmpty else { return [] }
    let limit = MergeMaterial.maximumEpsilon * MergeMaterial.maximumEpsilon
    let tooFar = limit * Double(onlyFirst.count + 1)
    var costs = Matrix(rowCount: onlyFirst.count, columnCount: onlySecond.count)
    for (i, k) in onlyFirst.enumerated() {
      for (j, l) in onlySecond.enumerated() {
        let angle = zip(sides.0.directions.row(k), sides.1.directions.row(l)).reduce(0) {
          $0 + ($1.0 - sign * $1.1) * ($1.0 - sign * $1.1)
        }
        let shift = (sides.0.offsets[k] - sign * sides.1.offsets[l]) / spread
        // A node without a boundary has no orientation, and two of them were paired before.
        let isPair = sign > 0 || sides.0.hasBoundary(k) && sides.1.hasBoundary(l)
        costs[i, j] = isPair && angle + shift * shift <= limit ? angle + shift * shift : tooFar
      }
    }
    var result: [Pair] = []
    for (i, j) in minimumCostAssignment(costs).enumerated() {
      guard let j, costs[i, j] < tooFar else { continue }
      result.append(Pair(holder: onlyFirst[i], goal: onlySecond[j]))
    }
    let taken = (Set(result.map(\.holder)), Set(result.map(\.goal)))
    onlyFirst.removeAll { taken.0.contains($0) }
    onlySecond.removeAll { taken.1.contains($0) }
    return result
  }
}
