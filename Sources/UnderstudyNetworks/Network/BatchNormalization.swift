import UnderstudyNumerics

/// Batch normalisation of a hidden layer with its running statistics: node by node `scale (y - mean) / sqrt(variance +
/// epsilon) + shift`, where y is the node's pre-activation or its activation.
///
/// Source: Ioffe & Szegedy 2015, arXiv:1502.03167; constants and conventions of `torch.nn.BatchNorm1d`.
public struct BatchNormalization: Sendable, Equatable {
  /// What is normalised.
  public enum Placement: String, Sendable, Hashable, CaseIterable {
    /// Of pre-activations: `phi(norm(W x + b))`.
    case beforeActivation
    /// Of activations: `norm(phi(W x + b))`.
    case afterActivation
  }

  public var placement: Placement
  /// Running means, `[node]`.
  public var means: [Double]
  /// Running variances, `[node]`: unbiased, as PyTorch's.
  public var variances: [Double]
  /// gamma, `[node]`; nil: 1, not learnt. Scales and shifts are both there or both nil.
  public var scales: [Double]?
  /// beta, `[node]`
  public var shifts: [Double]?

  /// Added to every variance.
  public static let epsilon = 1e-5

  public init(
    placement: Placement, means: [Double], variances: [Double], scales: [Double]? = nil, shifts: [Double]? = nil
  ) {
    precondition((scales == nil) == (shifts == nil), "scales and shifts are learnt together or not at all")
    self.placement = placement
    self.means = means
    self.variances = variances
    self.scales = scales
    self.shifts = shifts
  }

  /// What leaves every value as it is, up to epsilon: means 0, variances 1, scales 1 and shifts 0.
  init(identity: Architecture.Normalization, nodeCount: Int) {
    let (zeros, ones) = ([Double](repeating: 0, count: nodeCount), [Double](repeating: 1, count: nodeCount))
    self.init(
      placement: identity.placement, means: zeros, variances: ones, scales: identity.hasLearntScale ? ones : nil,
      shifts: identity.hasLearntScale ? zeros : nil)
  }

  public var isFinite: Bool {
    [means, variances, scales ?? [], shifts ?? []].allSatisfy { $0.allSatisfy(\.isFinite) }
  }

  /// The lengths of all parts; equal to the number of nodes in a network.
  var counts: [Int] { [means, variances, scales, shifts].compactMap { $0?.count } }

  /// The normalisation of some of the nodes, in this order.
  func keeping(_ nodes: [Int]) -> BatchNormalization {
    func kept(_ values: [Double]) -> [Double] { nodes.map { values[$0] } }
    return BatchNormalization(
      placement: placement, means: kept(means), variances: kept(variances), scales: scales.map(kept),
      shifts: shifts.map(kept))
  }

  /// What a node's value is multiplied by, `[node]`.
  var factors: [Double] {
    variances.indices.map { (scales?[$0] ?? 1) / (variances[$0] + Self.epsilon).squareRoot() }
  }
}

extension Network {
  /// The same function as a network without normalisation: running statistics are constants, and so belong to weights
  /// and biases.
  ///
  /// With s the scale over `sqrt(variance + epsilon)`, a normalisation before the activation turns its own layer into
  /// `W' = s W, b' = s (b - mean) + shift`. One after the activation goes into the layer above, `W' = W s` (column by
  /// column), `b' = b + W (shift - s mean)`, and leaves pre-activations and gates of its own layer as they are. A plain
  /// network is returned as it is, and so is one with convolutions, of which not all can be folded; any other gains biases in
  /// every layer.
  ///
  /// - Complexity: O(weights).
  public var folded: Network { isDense ? foldedWherePossible : self }

  /// The same function with as few normalisations as ``Architecture/foldedWherePossible`` has.
  ///
  /// - Complexity: O(weights).
  var foldedWherePossible: Network {
    let shapes = architecture.foldedWherePossible.layers
    guard shapes != architecture.layers else { return self }
    var result = zip(layers, shapes).map { layer, shape in
      NetworkLayer(
        layer.kind, weights: layer.weights, biases: layer.biasesOrZeros,
        normalization: shape.normalization == nil ? nil : layer.normalization, pooling: layer.pooling)
    }
    for (index, layer) in layers.enumerated() {
      guard let normalization = layer.normalization, let taker = architecture.taker(ofNormalization: index) else {
        continue
      }
      if taker == index {
        result[taker].absorb(asOutput: normalization)
      } else {
        result[taker].absorb(asInput: normalization)
      }
    }
    return Network(fitting: result, input: architecture.input, activation: activation)
  }
}

extension Architecture {
  /// Without the normalisations that weights can take over, and then with biases in every layer.
  var foldedWherePossible: Architecture {
    let takers = layers.indices.map(taker)
    guard takers.contains(where: { $0 != nil }) else { return self }
    let folded = zip(layers, takers).map { layer, taker in
      var layer = layer
      layer.hasBiases = true
      if taker != nil { layer.normalization = nil }
      return layer
    }
    do {
      return try Architecture(input: input, layers: folded, activation: activation)
    } catch {
      preconditionFailure("\(error)")
    }
  }

  /// The layer whose weights and biases can take over the normalisation of a layer; nil if there is none, or none can. One after
  /// the activation stays below a padded window, because the zeros of the padding are not normalised, and below a maximum,
  /// because a negative factor would make it a minimum.
  fileprivate func taker(ofNormalization index: Int) -> Int? {
    switch layers[index].normalization?.placement {
    case nil: return nil
    case .beforeActivation: return index
    case .afterActivation: break
    }
    if case .maximum = layers[index].pooling { return nil }
    if case .convolution(let window) = layers[index + 1].kind, window.rowPadding + window.columnPadding > 0 {
      return nil
    }
    return index + 1
  }
}

extension NetworkLayer {
  /// Takes over a normalisation of this layer's own pre-activations.
  fileprivate mutating func absorb(asOutput normalization: BatchNormalization) {
    for (node, factor) in normalization.factors.enumerated() {
      for input in 0..<inputCount { weights[node, input] *= factor }
      let bias = biases?[node] ?? 0
      biases?[node] = factor * (bias - normalization.means[node]) + (normalization.shifts?[node] ?? 0)
    }
  }

  /// Takes over a normalisation of the nodes below; each of them is one input, or a map or window of neighbouring ones.
  fileprivate mutating func absorb(asInput normalization: BatchNormalization) {
    let factors = normalization.factors
    let width = inputCount / factors.count
    for node in 0..<nodeCount {
      for (below, factor) in factors.enumerated() {
        let constant = (normalization.shifts?[below] ?? 0) - factor * normalization.means[below]
        for input in below * width..<(below + 1) * width {
          biases?[node] += weights[node, input] * constant
          weights[node, input] *= factor
        }
      }
    }
  }
}
