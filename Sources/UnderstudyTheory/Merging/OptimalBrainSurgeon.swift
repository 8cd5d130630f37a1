import UnderstudyNetworks
import UnderstudyNumerics

/// What a two-layer network's nodes could do without each other: the activations of its hidden nodes and the constant,
/// `[sample, node + 1]`, each divided by its length, so that weak nodes count as much as strong ones.
struct OptimalBrainSurgeon {
  private let features: Matrix
  /// v_k times node k's length, `[node, output]`.
  private let fanOut: Matrix

  init(_ network: TwoLayerView, over inputs: Matrix) {
    let n = network.nodeCount
    let units = UnitActivations(
      of: Array(0..<n), in: network, over: inputs, constant: network.output.biases == nil ? 0 : 1)
    var fanOut = network.output.weights.transposed
    for k in 0..<n {
      for c in 0..<fanOut.columnCount { fanOut[k, c] *= units.sizes[k] }
    }
    (features, self.fanOut) = (units.features, fanOut)
  }

  /// The least sum of squared changes of the network's own outputs when a node is removed and all other fan-outs and the
  /// output biases are refitted: `||v_k||^2 / [G^-1]_kk`, G the Gram matrix of the activations. 0 for nodes that the others
  /// can do without.
  ///
  /// Exact, because any fan-outs are the least-squares fit of the outputs that they give. It is the rise of an error against
  /// other targets only if the fan-outs are the least-squares fit of those.
  ///
  /// - Returns: `[node]`; nil if the activations are not finite.
  /// - Complexity: O(samples x nodes^2), by singular values: G itself has the squares of theirs, and half the digits.
  /// - Source: the optimal brain surgeon, Hassibi and Stork 1993, for whom it is a second-order approximation.
  var costs: [Double]? {
    guard let (values, _, right) = LinearAlgebra.singularValues(of: features), let largest = values.first else {
      return nil
    }
    // Shares of the largest singular value, the activations having unit length: what is below rounding counts as 0, and a node that has a part in it costs next to nothing.
    let smallest = max(1e-16 * largest, .leastNormalMagnitude.squareRoot())
    return (0..<fanOut.rowCount).map { k in
      var (inverse, rest) = (0.0, 1.0)
      for (place, value) in values.enumerated() {
        let ratio = right[place, k] / max(value, smallest)
        inverse += ratio * ratio
        rest -= right[place, k] * right[place, k]
      }
      // With fewer samples than nodes there are fewer values than directions.
      if values.count < right.columnCount { inverse += max(0, rest) / (smallest * smallest) }
      return dotProduct(fanOut.row(k), fanOut.row(k)) / inverse
    }
  }

  /// Nodes in the order of what their removal costs, one after the other, the cheapest first.
  ///
  /// Without node k, `G^-1` and the fan-outs are those with it minus multiples of its column, so that each step takes
  /// O(nodes^2).
  ///
  /// - Parameter candidates: the nodes to choose from; one of them is left.
  func order(among candidates: [Int], count: Int) -> [Int] {
    let n = fanOut.rowCount
    guard count > 0, candidates.count > 1, let first = cheapest(candidates) else { return [] }
    var gram = LinearAlgebra.product(features, transposingFirst: true, features)
    // A trace of the diagonal, which is 1: redundant nodes leave G without an inverse. It blurs costs that are next to nothing, so
    // the first node, on which all may depend, is not chosen by it.
    for row in 0...n { gram[row, row] += 1e-12 }
    guard LinearAlgebra.factorCholesky(&gram) else { return [first] }
    var inverse = Matrix(rowCount: n + 1, columnCount: n + 1)
    for row in 0...n { inverse[row, row] = 1 }
    LinearAlgebra.solveCholesky(gram, rightSides: &inverse)
    var (left, weights) = (Set(candidates), fanOut)
    var order: [Int] = []
    while order.count < count, left.count > 1 {
      func cost(_ k: Int) -> Double { dotProduct(weights.row(k), weights.row(k)) / inverse[k, k] }
      guard let k = order.isEmpty ? first : left.min(by: { (cost($0), $0) < (cost($1), $1) }) else { break }
      left.remove(k)
      order.append(k)
      let (pivot, column, removed) = (inverse[k, k], inverse.column(k), Array(weights.row(k)))
      for other in left {
        for c in removed.indices { weights[other, c] -= column[other] / pivot * removed[c] }
      }
      for row in 0...n {
        for other in 0...n { inverse[row, other] -= column[row] * column[other] / pivot }
      }
    }
    return order
  }

  /// The same, or the first candidates where the activations are not finite and there is no order.
  func orderOrFirst(among candidates: [Int], count: Int) -> [Int] {
    let order = order(among: candidates, count: count)
    return order.isEmpty ? Array(candidates.prefix(count)) : order
  }

  private func cheapest(_ candidates: [Int]) -> Int? {
    guard let costs else { return nil }
    return candidates.min { (costs[$0], $0) < (costs[$1], $1) }
  }
}

/// The activations of some nodes of a two-layer network's hidden layer, and a constant as the last column if there is one,
/// each divided by its length: strong and weak nodes count alike.
struct UnitActivations {
  /// `[sample, node]`
  private(set) var features: Matrix
  /// The lengths, 1 where a node is silent.
  let sizes: [Double]

  init(of nodes: [Int], in network: TwoLayerView, over inputs: Matrix, constant: Double?) {
    var features = Matrix(
      rowCount: inputs.rowCount, columnCount: nodes.count + (constant == nil ? 0 : 1), repeating: constant ?? 0)
    for block in SampleBlockSequence(inputs) {
      let hidden = network.activations(of: block)
      for i in 0..<block.validCount {
        for (place, node) in nodes.enumerated() { features[block.first + i, place] = hidden[node, i] }
      }
    }
    sizes = (0..<features.columnCount).map { place in
      let size = euclideanNorm(features.column(place))
      return size > 0 ? size : 1
    }
    for i in 0..<features.rowCount {
      for place in sizes.indices { features[i, place] /= sizes[place] }
    }
    self.features = features
  }
}
