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

  /// How far apart the boundaries of a pair may be: as rounding makes them, and as merging looks for them.
  static let limits = [1e-6, BoundaryClustering.maximumEpsilon]

  /// Whether both carry the same boundaries.
  var isComplete: Bool { onlyFirst.isEmpty && onlySecond.isEmpty }

  /// As many pairs as can be, and of these the nearest; of two that are as near the one of the same orientation.
  ///
  /// - Parameters:
  ///   - target: B.
  ///   - limit: how far apart two boundaries may be, as an angle or as a shift in units of the inputs' spread.
  /// - Complexity: O(nodes^2 (features + nodes)).
  init(
    _ first: ConsolidatedStudent, _ second: ConsolidatedStudent, target: TwoLayerView, over inputs: Matrix,
    limit: Double
  ) {
    onlyFirst = first.representatives
    onlySecond = second.representatives
    guard !onlyFirst.isEmpty, !onlySecond.isEmpty else { return }
    let spread = inputs.typicalSize
    let sides = (Boundaries(of: first.network.hidden), Boundaries(of: target.hidden))
    func distance(_ k: Int, _ l: Int, sign: Double) -> Double {
      let shift = (sides.0.offsets[k] - sign * sides.1.offsets[l]) / spread
      return zip(sides.0.directions.row(k), sides.1.directions.row(l)).reduce(shift * shift) {
        $0 + ($1.0 - sign * $1.1) * ($1.0 - sign * $1.1)
      }
    }
    // A boundary may have a node of each orientation in both students. A turned pair is therefore dearer.
    let bound = limit * limit
    let tooFar = 4 * bound * Double(onlyFirst.count + 1)
    var costs = Matrix(rowCount: onlyFirst.count, columnCount: onlySecond.count)
    var isTurned: Set<[Int]> = []
    for (i, k) in onlyFirst.enumerated() {
      for (j, l) in onlySecond.enumerated() {
        let same = distance(k, l, sign: 1)
        // A node without a boundary has no orientation.
        let hasBoth = sides.0.hasBoundary(k) && sides.1.hasBoundary(l)
        let opposite = hasBoth ? distance(k, l, sign: -1) : .infinity
        let turned = 3 * opposite + 1e-12 * bound
        if turned < same { isTurned.insert([i, j]) }
        costs[i, j] = min(same, opposite) <= bound ? min(same, turned) : tooFar
      }
    }
    for (i, j) in minimumCostAssignment(costs).enumerated() {
      guard let j, costs[i, j] < tooFar else { continue }
      let pair = Pair(holder: first.representatives[i], goal: second.representatives[j])
      if isTurned.contains([i, j]) { opposite.append(pair) } else { same.append(pair) }
    }
    let pairs = same + opposite
    onlyFirst.removeAll { node in pairs.contains { $0.holder == node } }
    onlySecond.removeAll { node in pairs.contains { $0.goal == node } }
  }
}
