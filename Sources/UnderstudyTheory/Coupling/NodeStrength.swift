import UnderstudyNetworks
import UnderstudyNumerics

/// ||v_k||, the norm of the fan-out weights of each node of the last hidden layer. `[node]`.
///
/// In two layers this is `sqrt(E[beta_kk])`, the y axis of the L-shape. Of a network with batch normalisation after the
/// activation, folded, it refers to activations before the normalisation.
public func fanOutNorms(of network: Network) -> [Double] { network.fanOutWeights.rowNorms }

/// ||v_k|| ||w_k|| for a network of two layers: how much the slope changes across node k's boundary. `[node]`.
///
/// Unlike the fan-out norm alone it does not change when a ReLU node is rescaled; biases do not enter.
/// - Throws: ``ShapeError`` if the network has more than two layers.
public func boundaryStrengths(of network: Network) throws(ShapeError) -> [Double] {
  zip(fanOutNorms(of: network), Boundaries(of: try TwoLayerView(network).hidden).norms).map(*)
}

/// The Frobenius norm of the difference of each layer's weights and biases. `[layer]`.
///
/// - Throws: ``ShapeError`` if the networks differ in shape.
public func weightChanges(from earlier: Network, to later: Network) throws(ShapeError) -> [Double] {
  guard earlier.architecture == later.architecture else { throw ShapeError("the networks differ in shape") }
  return zip(earlier.layers, later.layers).map { earlier, later in
    let weights = zip(earlier.weights.values, later.weights.values).map { $1 - $0 }
    let biases = zip(earlier.biases ?? [], later.biases ?? []).map { $1 - $0 }
    return euclideanNorm(weights + biases)
  }
}
