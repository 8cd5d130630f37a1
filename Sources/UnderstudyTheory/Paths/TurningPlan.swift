import UnderstudyNetworks
import UnderstudyNumerics

/// In which order boundaries are turned round one by one, and how much is left over meanwhile.
///
/// Turning a node, `v phi(a) = v phi(-a) + (1 + c) v a`, leaves the linear map `(1 + c) v w^T` over. When the orientations
/// of both students are possible for one function these maps cancel in sum; in between, what the turned ones leave is
/// carried by further nodes, one for each dimension of its image. Docs/Derivations/connectivity.md has the proof.
struct TurningPlan {
  /// What a boundary adds to the linear map that is left over when it is turned, but for a common factor: `fanOut weights^T`.
  struct Part {
    var fanOut: [Double]
    var weights: [Double]
  }

  /// The boundaries, first to last.
  let order: [Int]
  /// The rank of what is left over after each turn, `[turn]`; the last is 0.
  let ranks: [Int]

  /// Beyond so many boundaries not all orders are compared.
  static let exhaustiveCount = 10

  /// The order in which the largest rank on the way is least: of all orders for up to ``exhaustiveCount`` boundaries, else
  /// of those that always go on with the least rank.
  ///
  /// - Returns: nil if the parts do not cancel in sum.
  /// - Complexity: O(2^n) singular value decompositions of `[output, feature]`, for more than ``exhaustiveCount`` O(n^2).
  init?(_ parts: [Part]) {
    let count = parts.count
    let largest = parts.reduce(0) { max($0, euclideanNorm($1.fanOut) * euclideanNorm($1.weights)) }
    guard largest > 0, largest.isFinite else { return nil }
    func sum(_ chosen: [Int]) -> Matrix {
      var sum = Matrix(rowCount: parts[0].fanOut.count, columnCount: parts[0].weights.count)
      for part in chosen {
        for (c, v) in parts[part].fanOut.enumerated() {
          for (f, w) in parts[part].weights.enumerated() { sum[c, f] += v * w }
        }
      }
      return sum
    }
    // Trained students cancel to some digits only, and no rank can be told more finely than that.
    let missing = euclideanNorm(sum(Array(parts.indices)).values) / largest
    guard missing < 1e-3 else { return nil }
    let cutoff = max(1e-9, 4 * missing) * largest
    func rank(_ chosen: [Int]) -> Int {
      guard chosen.count < count else { return 0 }
      return LinearAlgebra.singularValues(of: sum(chosen))?.values.count { $0 > cutoff } ?? chosen.count
    }
    let order = count <= Self.exhaustiveCount ? bestOrder(count, rank) : greedyOrder(count, rank)
    self.order = order
    ranks = order.indices.map { rank(Array(order[...$0])) }
  }

  /// Spare nodes that turning takes.
  ///
  /// With as many as there are boundaries, all turn at once. With fewer they turn one by one: one spare node for the other
  /// orientation, and for each dimension that is left over one that is active at all inputs, whose constant the output
  /// biases take; or, without these, one more node that is constant. Without biases in the hidden layer no node is active
  /// at all inputs, and two opposite ones carry what one does.
  func spareCount(hiddenBiases: Bool, outputBiases: Bool) -> Int {
    let rank = ranks.max() ?? 0
    return min(order.count, hiddenBiases ? rank + (outputBiases ? 1 : 2) : 2 * rank + 1)
  }
}

/// The order of least largest rank, by way of all subsets.
private func bestOrder(_ count: Int, _ rank: ([Int]) -> Int) -> [Int] {
  var (largest, last) = ([0], [0])
  for subset in 1..<(1 << count) {
    let members = (0..<count).filter { subset >> $0 & 1 == 1 }
    let before = members.min { largest[subset ^ 1 << $0] < largest[subset ^ 1 << $1] } ?? 0
    largest.append(max(rank(members), largest[subset ^ 1 << before]))
    last.append(before)
  }
  var (order, subset) = ([Int](), 1 << count - 1)
  while subset != 0 {
    order.append(last[subset])
    subset ^= 1 << last[subset]
  }
  return order.reversed()
}

private func greedyOrder(_ count: Int, _ rank: ([Int]) -> Int) -> [Int] {
  var (order, left) = ([Int](), Array(0..<count))
  while !left.isEmpty {
    let ranks = left.map { rank(order + [$0]) }
    let next = ranks.indices.min { ranks[$0] < ranks[$1] } ?? 0
    order.append(left.remove(at: next))
  }
  return order
}
