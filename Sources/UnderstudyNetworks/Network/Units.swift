import UnderstudyNumerics

// Operations on the nodes of hidden layers.

extension Network {
  /// The network with these nodes of a hidden layer alone, in this order.
  ///
  /// - Parameters:
  ///   - nodes: at least one; a node may stand more than once.
  ///   - scales: what the weights of each are multiplied by, and its fan-out divided by; nil: 1.
  ///   Of a convolution, nodes are channels.
  /// - Precondition: a layer whose nodes are scaled is not normalised.
  /// - Complexity: O(weights).
  public func keeping(_ nodes: [Int], of layer: Int, scaledBy scales: [Double]? = nil) -> Network {
    var layers = self.layers
    let (own, above) = (layers[layer], layers[layer + 1])
    layers[layer] = NetworkLayer(
      own.kind, weights: own.weights.rows(nodes), biases: own.biases.map { biases in nodes.map { biases[$0] } },
      normalization: own.normalization?.keeping(nodes), pooling: own.pooling)
    // Above a map, each of its channels has the columns of a window, or of its positions.
    let width = above.inputCount / own.nodeCount
    let columns = nodes.flatMap { $0 * width..<($0 + 1) * width }
    layers[layer + 1].weights = Matrix(
      (0..<above.nodeCount).map { node in
        let row = Array(above.weights.row(node))
        return columns.map { row[$0] }
      })
    var result = Network(fitting: layers, input: architecture.input, activation: activation)
    for (k, scale) in (scales ?? []).enumerated() { result.rescale(k, of: layer, by: scale) }
    return result
  }

  /// The network without a hidden node, whose mean activation the biases above take over, if there are any.
  ///
  /// - Parameters:
  ///   - node: counted within its layer, from 0.
  ///   - layer: of `layers`; not the last.
  public func removing(_ node: Int, of layer: Int, mean: Double) -> Network {
    let above = layers[layer + 1]
    var result = keeping((0..<layers[layer].nodeCount).filter { $0 != node }, of: layer)
    result[layer: layer + 1].biases = above.biases.map { biases in
      zip(biases, above.weights.column(node)).map { $0 + mean * $1 }
    }
    return result
  }

  /// Multiplies the weights of a hidden node, and divides its fan-out: the same function where the factor is positive.
  ///
  /// - Precondition: the layer is not normalised.
  public mutating func rescale(_ node: Int, of layer: Int, by factor: Double) {
    precondition(layers[layer].normalization == nil, "normalised nodes are not scaled by their weights")
    self[layer: layer].multiplyRow(node, by: factor)
    // Of a channel, a column for each position, or each place of the window above.
    let width = layers[layer + 1].inputCount / layers[layer].nodeCount
    for column in node * width..<(node + 1) * width { self[layer: layer + 1].divideColumn(column, by: factor) }
  }

  /// The network with a hidden layer of other nodes, and the layer above that takes their activations.
  ///
  /// - Precondition: `lower` takes what the layer took, and `upper` has as many nodes as there were.
  public func replacing(hiddenLayer layer: Int, by lower: NetworkLayer, above upper: NetworkLayer) -> Network {
    var layers = self.layers
    layers.replaceSubrange(layer...layer + 1, with: [lower, upper])
    return Network(fitting: layers, activation: activation)
  }
}

extension NetworkLayer {
  fileprivate mutating func divideColumn(_ input: Int, by factor: Double) {
    for node in 0..<nodeCount { weights[node, input] /= factor }
  }
}
