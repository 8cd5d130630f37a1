import UnderstudyNetworks
import UnderstudyNumerics

extension NetworkShape {
  /// - Throws: ``ShapeError`` if only some layers have biases, or only some hidden layers a normalisation.
  public init(_ network: Network) throws(ShapeError) {
    let withBiases = network.layers.count { $0.biases != nil }
    guard withBiases == 0 || withBiases == network.layers.count else {
      throw ShapeError(
        "some layers have biases and others have none; give biases to all of them (zeros will do) or none")
    }
    let normalizations = network.layers.dropLast().compactMap(\.normalization)
    guard normalizations.isEmpty || normalizations.count == network.layers.count - 1,
      Set(normalizations.map { $0.scales == nil }).count <= 1, Set(normalizations.map(\.placement)).count <= 1
    else {
      throw ShapeError("the hidden layers differ in their batch normalisation; give all of them the same kind or none")
    }
    let normalization: Normalization =
      switch normalizations.first?.placement {
      case .beforeActivation: .beforeActivation
      case .afterActivation: .afterActivation
      case nil: .none
      }
    self.init(
      widths: [network.inputCount] + network.layers.map(\.nodeCount), hasBiases: withBiases > 0,
      negativeSlope: network.activation.negativeSlope, normalization: normalization,
      hasLearntScale: normalizations.first?.scales != nil)
  }
}

extension LayerWeights {
  public init(_ layer: DenseLayer) {
    let normalization = layer.normalization
    self.init(
      weights: layer.weights, biases: layer.biases, means: normalization?.means, variances: normalization?.variances,
      scales: normalization?.scales, shifts: normalization?.shifts)
  }
}

extension Network {
  init(_ layers: [LayerWeights], shape: NetworkShape, activation: Activation) throws(ShapeError) {
    let placement: BatchNormalization.Placement =
      shape.normalization == .afterActivation ? .afterActivation : .beforeActivation
    try self.init(
      layers: layers.map { layer in
        var normalization: BatchNormalization?
        if let means = layer.means, let variances = layer.variances {
          normalization = BatchNormalization(
            placement: placement, means: means, variances: variances, scales: layer.scales, shifts: layer.shifts)
        }
        return DenseLayer(weights: layer.weights, biases: layer.biases, normalization: normalization)
      }, activation: activation)
  }
}
