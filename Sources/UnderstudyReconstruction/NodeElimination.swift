import UnderstudyNumerics

/// The order in which the nodes of a layer can go, those that matter least first.
///
/// A node matters by what its removal changes in the pre-activations above, after the weights of the others have taken over
/// what they can: with H the second moments of the activations and w_r its outgoing weights, `||w_r||^2 / (H^-1)_rr`, and then the
/// others' weights and H^-1 follow. For fully connected layers this is the exact least-squares error; of a convolution,
/// correlations between positions are left out.
///
/// Source: the inverse-Hessian step of Hassibi & Stork 1993 (Optimal Brain Surgeon), of a node instead of a weight.
struct NodeElimination {
  struct Removal {
    let node: Int
    /// Of this removal and those before, as a share of the pre-activations' second moment; it never falls.
    let cost: Double
  }

  private(set) var removals: [Removal] = []

  /// - Parameters:
  ///   - moments: H, `[node, node]`: the mean product of activations, or their covariance where biases above take over means.
  ///   - outgoing: `[node, node]`: products of the nodes' outgoing weights, summed over all that they go into.
  ///   - meanSquares: `[node]`: of the activations, where H is their covariance, so that its rounding is known.
  /// - Complexity: O(nodes^3).
  init(moments: Matrix, outgoing: Matrix, meanSquares: [Double]? = nil) {
    let count = moments.rowCount
    var (inverse, products) = (moments, outgoing)
    // Nodes that do not vary, or are sums of others. Each in its own unit, because the scale of a node is free.
    for node in 0..<count {
      let ridge = 1e-9 * max(0, moments[node, node]) + 1e-13 * (meanSquares?[node] ?? 0)
      inverse[node, node] += ridge
      guard ridge == 0 else { continue }
      // Always 0: it costs nothing.
      inverse[node, node] = 1
      for other in 0..<count { (products[node, other], products[other, node]) = (0, 0) }
    }
    var whole = 0.0
    for a in 0..<count { for b in 0..<count { whole += moments[a, b] * outgoing[a, b] } }
    guard LinearAlgebra.factorCholesky(&inverse) else { return }
    LinearAlgebra.invertCholesky(&inverse)
    for a in 0..<count { for b in a + 1..<count { inverse[a, b] = inverse[b, a] } }
    var rest = Array(0..<count)
    var sum = 0.0
    while rest.count > 1 {
      let costs = rest.map { max(0, products[$0, $0]) / inverse[$0, $0] }
      guard let place = costs.indices.min(by: { costs[$0] < costs[$1] }) else { return }
      let node = rest.remove(at: place)
      sum += costs[place]
      removals.append(Removal(node: node, cost: whole > 0 ? sum / whole : 0))
      let shares = rest.map { inverse[$0, node] / inverse[node, node] }
      let (row, square) = (rest.map { products[$0, node] }, products[node, node])
      let column = rest.map { inverse[$0, node] }
      for (i, a) in rest.enumerated() {
        for (j, b) in rest.enumerated() {
          inverse[a, b] -= shares[i] * column[j]
          products[a, b] += shares[i] * shares[j] * square - shares[i] * row[j] - shares[j] * row[i]
        }
      }
    }
  }

  /// The nodes that stay if so many do, in their order.
  func kept(_ count: Int, of nodeCount: Int) -> [Int] {
    let gone = Set(removals.prefix(nodeCount - count).map(\.node))
    return (0..<nodeCount).filter { !gone.contains($0) }
  }
}
