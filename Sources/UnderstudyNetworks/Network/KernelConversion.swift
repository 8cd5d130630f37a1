import UnderstudyNumerics

// Networks as kernels take and give them.

extension NetworkShape.Normalization {
  public init(_ placement: BatchNormalization.Placement?) {
    self =
      switch placement {
      case .beforeActivation: .beforeActivation
      case .afterActivation: .afterActivation
      case nil: .none
      }
  }
}

extension NetworkShape {
  /// - Throws: ``ShapeError`` if a layer is a convolution, only some layers have biases, or only some hidden layers a
  ///   normalisation.
  public init(_ architecture: Architecture) throws(ShapeError) {
    guard architecture.isDense else { throw ShapeError("these kernels take fully connected layers, not convolutions") }
    try architecture.checkHasUniformBiases()
    let normalizations = Set(architecture.layers.dropLast().map(\.normalization))
    guard normalizations.count == 1, let common = normalizations.first else {
      throw ShapeError("the hidden layers differ in their batch normalisation; give all of them the same kind or none")
    }
    self.init(
      widths: architecture.widths, hasBiases: architecture.hasBiases,
      negativeSlope: architecture.activation.negativeSlope, normalization: Normalization(common?.placement),
      hasLearntScale: common?.hasLearntScale ?? false)
  }
}

extension LayerWeights {
  public init(_ layer: NetworkLayer) {
    let normalization = layer.normalization
    self.init(
      weights: layer.weights, biases: layer.biases, means: normalization?.means, variances: normalization?.variances,
      scales: normalization?.scales, shifts: normalization?.shifts)
  }
}

extension Network {
  /// The network of these parameters, of the same architecture as another one.
  ///
  /// - Throws: ``ShapeError`` if they do not fit it.
  public init(_ layers: [LayerWeights], like architecture: Architecture) throws(ShapeError) {
    try self.init(
      layers: zip(architecture.layers, layers).map { shape, layer in
        var normalization: BatchNormalization?
        if let means = layer.means, let variances = layer.variances, let placement = shape.normalization?.placement {
          normalization = BatchNormalization(
            placement: placement, means: means, variances: variances, scales: layer.scales, shifts: layer.shifts)
        }
        return NetworkLayer(
          shape.kind, weights: layer.weights, biases: layer.biases, normalization: normalization,
          pooling: shape.pooling)
      }, input: architecture.input, activation: architecture.activation)
  }
}
