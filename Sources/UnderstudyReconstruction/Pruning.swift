import UnderstudyNetworks

extension Network {
  /// The mean size of the outgoing weights of each node of a hidden layer: over all nodes above, and over all places of their
  /// windows, or all positions of the map that a fully connected layer takes.
  ///
  /// - Shape: `[node]`.
  public func meanOutgoingWeights(ofLayer layer: Int) -> [Double] {
    let (own, above) = (layers[layer], layers[layer + 1])
    let width = above.inputCount / own.nodeCount
    return (0..<own.nodeCount).map { node in
      var sum = 0.0
      for upper in 0..<above.nodeCount {
        for column in node * width..<(node + 1) * width { sum += abs(above.weights[upper, column]) }
      }
      return sum / Double(above.nodeCount * width)
    }
  }

  /// The network without a share of the nodes of each hidden layer: those of the smallest mean outgoing weight, of equals the
  /// later ones. It is smaller, and its outputs are those of the network in which the outgoing weights of these nodes are 0.
  ///
  /// - Parameter shares: of each hidden layer, lowest first; the number of nodes is rounded down.
  /// - Throws: ``ShapeError`` for another number of shares.
  /// - Complexity: O(weights).
  /// - Source: Y. Tian's code for CIFAR-10 (luckmatters), which sets the weights to 0.
  public func pruned(_ shares: [Double]) throws(ShapeError) -> Network {
    guard shares.count == hiddenCounts.count else {
      throw ShapeError(
        "\(shares.count) shares for \(hiddenCounts.count) hidden layers; give one for each (oracle.prunedShares)"
      )
    }
    // All are chosen by the weights of the whole network.
    let kept = architecture.hiddenCounts(losing: shares).enumerated().map { layer, count in
      let sizes = meanOutgoingWeights(ofLayer: layer)
      let order = sizes.indices.sorted { (sizes[$0], -$0) < (sizes[$1], -$1) }
      return order.suffix(count).sorted()
    }
    return kept.enumerated().reduce(self) { $0.keeping($1.element, of: $1.offset) }
  }
}
