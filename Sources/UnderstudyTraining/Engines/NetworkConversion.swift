import UnderstudyNetworks
import UnderstudyNumerics

extension NetworkShape {
  /// - Throws: ``ShapeError`` if only some layers have biases, or only some hidden layers a normalisation.
  public init(_ architecture: Architecture) throws(ShapeError) {
    try architecture.checkHasUniformBiases()
    let normalizations = Set(architecture.layers.dropLast().map(\.normalization))
    guard normalizations.count == 1, let common = normalizations.first else {
      throw ShapeError("the hidden layers differ in their batch normalisation; give all of them the same kind or none")
    }
    let normalization: Normalization =
      switch common?.placement {
      case .beforeActivation: .beforeActivation
      case .afterActivation: .afterActivation
      case nil: .none
      }
    self.init(
      widths: architecture.widths, hasBiases: architecture.hasBiases,
      negativeSlope: architecture.activation.negativeSlope, normalization: normalization,
      hasLearntScale: common?.hasLearntScale ?? false)
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
