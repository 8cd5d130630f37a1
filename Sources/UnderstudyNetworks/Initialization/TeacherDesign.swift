import UnderstudyNumerics

/// How a teacher is drawn.
///
/// Rows of hidden layers have unit norm (without their bias); the fan-out weights of node j (from 1) of every hidden layer
/// are divided by `j^p`, above the lowest layer before rows are brought to unit norm, so node 1 is the strongest. Output
/// rows keep their norms. Source: the experiments of Tian 2020, arXiv:1909.13458.
public struct TeacherDesign: Sendable, Hashable {
  /// How weights are drawn.
  public enum Weights: Sendable, Hashable {
    /// Rows from {-1, -0.75, ..., 1}, none zero, no two of a layer equal; in hidden layers no two that would share a
    /// boundary: of one direction or, where no bias given beforehand tells them apart, of opposite ones.
    case discrete
    /// Independent normal weights; the output layer's of this standard deviation.
    case gaussian(scale: Double)
    /// Rows of a random orthogonal matrix (Haar); orthonormal columns where a layer has more nodes than inputs.
    case orthogonal
  }

  public var inputCount: Int
  /// m, the nodes of each hidden layer, lowest first.
  public var hiddenCounts: [Int]
  public var outputCount: Int
  public var weights: Weights
  /// Every bias, in all layers; `nil` for a teacher without biases.
  public var bias: Double?
  /// p
  public var strengthDecay: Double
  public var activation: Activation
  /// Move every hidden node's boundary to the median of its pre-activation, so that half of the calibration sample is on
  /// its active side.
  public var medianBiases = false
  /// Scale and shift every output to zero mean and unit variance over the calibration sample.
  public var normalizedOutput = false
  /// Where hidden layers are normalised, with the statistics of the calibration sample; nil: nowhere.
  public var normalization: BatchNormalization.Placement?

  public init(
    inputCount: Int, hiddenCounts: [Int], outputCount: Int, weights: Weights, bias: Double?, strengthDecay: Double,
    activation: Activation
  ) {
    self.inputCount = inputCount
    self.hiddenCounts = hiddenCounts
    self.outputCount = outputCount
    self.weights = weights
    self.bias = bias
    self.strengthDecay = strengthDecay
    self.activation = activation
  }

  /// A teacher of one hidden layer.
  public init(
    inputCount: Int, hiddenCount: Int, outputCount: Int, weights: Weights, bias: Double?, strengthDecay: Double,
    activation: Activation
  ) {
    self.init(
      inputCount: inputCount, hiddenCounts: [hiddenCount], outputCount: outputCount, weights: weights, bias: bias,
      strengthDecay: strengthDecay, activation: activation)
  }

  /// Whether ``draw(key:calibration:)`` needs a calibration sample.
  public var needsCalibration: Bool { medianBiases || normalizedOutput || normalization != nil }

  /// Draws the teacher that belongs to `key`.
  ///
  /// - Parameter calibration: inputs for medians, means and variances, `[sample, feature]`; at least two samples where
  ///   ``needsCalibration``, and not looked at elsewhere.
  /// - Throws: ``ShapeError`` if there are fewer distinct rows than a layer has nodes, the calibration sample is missing
  ///   or does not fit, or there are no biases to move.
  /// - Complexity: O(calibration samples x weights).
  public func draw(key: UInt64, calibration: Matrix? = nil) throws(ShapeError) -> Teacher {
    var layers: [NetworkLayer] = []
    for (index, count) in (hiddenCounts + [outputCount]).enumerated() {
      let weights = try drawWeights(
        layer: index, rowCount: count, columnCount: index == 0 ? inputCount : hiddenCounts[index - 1], key: key)
      layers.append(
        NetworkLayer(weights: weights, biases: bias.map { [Double](repeating: $0, count: count) }))
    }
    let network = try Network(layers: layers, activation: activation)
    return Teacher(needsCalibration ? try calibrated(network, on: calibration) : network)
  }

  private func drawWeights(layer: Int, rowCount: Int, columnCount: Int, key: UInt64) throws(ShapeError) -> Matrix {
    let isOutput = layer == hiddenCounts.count
    var stream = RandomStream(
      key: key, purpose: isOutput ? .teacherOutputLayer : .teacherHiddenLayers, index: isOutput ? 0 : layer)
    var result: Matrix
    switch weights {
    case .discrete:
      // Biases that a calibration sets are opposite for opposite rows: again one boundary.
      let sharesBoundary = (bias ?? 0) == 0 || medianBiases || normalization == .beforeActivation
      result = try distinctRows(
        rowCount, of: columnCount,
        layer: isOutput ? "output layer" : "hidden layer \(layerLabel(ofIndex: layer))",
        sameness: isOutput ? .equality : sharesBoundary ? .line : .direction, from: &stream)
    case .gaussian(let scale):
      result = stream.normalMatrix(
        rowCount: rowCount, columnCount: columnCount, standardDeviation: isOutput ? scale : 1)
    case .orthogonal:
      result = orthogonalMatrix(rowCount: rowCount, columnCount: columnCount, from: &stream)
    }
    if layer > 0 {
      for column in 0..<columnCount {
        let strength = power(Double(column + 1), strengthDecay)
        for row in 0..<rowCount { result[row, column] /= strength }
      }
    }
    guard !isOutput else { return result }
    for row in 0..<rowCount {
      let norm = euclideanNorm(result.row(row))
      for column in 0..<columnCount { result[row, column] /= norm }
    }
    return result
  }
}
