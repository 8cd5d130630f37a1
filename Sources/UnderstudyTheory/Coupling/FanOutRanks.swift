import UnderstudyNetworks
import UnderstudyNumerics

/// How many independent directions of output the fan-out weights of some student nodes span: the rank of `E[beta]` among them,
/// in deeper networks over all inputs that beta is taken over.
///
/// Fan-outs are divided by their lengths first, so that rescaling a node does not change a rank.
public struct FanOutRanks: Sendable {
  /// Fan-outs divided by their lengths, `[student node, direction]`; 0 for a node without fan-out.
  private let factor: Matrix
  /// Many boundaries are seen by the same nodes.
  private var known: [[Int]: Int] = [:]

  /// - Complexity: O(nodes x directions), of which there are C in two layers.
  public init(_ coupling: Coupling) {
    var factor = coupling.fanOut
    for (k, length) in coupling.fanOutNorms.enumerated() {
      for direction in 0..<factor.columnCount { factor[k, direction] = length > 0 ? factor[k, direction] / length : 0 }
    }
    self.factor = factor
  }

  /// The rank; eigenvalues, which are squares, below 1e-12 of the largest count as 0.
  ///
  /// - Complexity: O(nodes x C min(nodes, C)), once for each set of nodes.
  public mutating func rank(of nodes: [Int]) -> Int {
    if let rank = known[nodes] { return rank }
    let rank = rankOfSquares(squaredSingularValues(factor.rows(nodes)))
    known[nodes] = rank
    return rank
  }
}
