/// The sizes of a network, and where it normalises.
public struct NetworkShape: Sendable, Hashable {
  /// What batch normalisation is applied to.
  public enum Normalization: Sendable, Hashable { case none, beforeActivation, afterActivation }

  /// d, the widths of the hidden layers from the lowest, C.
  public var widths: [Int]
  public var hasBiases: Bool
  /// Slope of the activation for negative pre-activations: 0 is ReLU, 1 a linear network.
  public var negativeSlope: Double
  /// Batch normalisation of every hidden layer.
  public var normalization: Normalization
  /// Whether the normalisation has a learnt scale and shift.
  public var hasLearntScale: Bool

  public init(
    widths: [Int], hasBiases: Bool, negativeSlope: Double, normalization: Normalization = .none,
    hasLearntScale: Bool = false
  ) {
    precondition(widths.count >= 3 && widths.allSatisfy { $0 > 0 }, "a network has a hidden and an output layer")
    self.widths = widths
    self.hasBiases = hasBiases
    self.negativeSlope = negativeSlope
    self.normalization = normalization
    self.hasLearntScale = hasLearntScale
  }

  /// Layers with weights: the hidden ones and the output layer.
  public var layerCount: Int { widths.count - 1 }
  public var hiddenLayerCount: Int { widths.count - 2 }
  /// d
  public var inputCount: Int { widths[0] }
  /// C
  public var outputCount: Int { widths[layerCount] }

  /// Floating-point operations (2 a multiply-add) of one step over `batch` samples with cached targets: forward, backward
  /// and update, without padding and what is done element by element.
  public func stepFLOPs(batch: Int) -> Double {
    var products = 0
    for layer in 0..<layerCount {
      let (inputs, nodes) = (widths[layer], widths[layer + 1])
      products += 2 * (inputs + (hasBiases ? 1 : 0)) * nodes + (layer == 0 ? 0 : inputs * nodes)
    }
    return 2 * Double(batch) * Double(products)
  }
}

/// One layer of a network, as kernels take and give it.
public struct LayerWeights: Sendable, Hashable {
  /// `[node, input]`
  public var weights: Matrix
  /// `[node]`
  public var biases: [Double]?
  /// Running statistics of the layer's batch normalisation, `[node]`; nil without one.
  public var means: [Double]?
  public var variances: [Double]?
  /// Its learnt scale and shift, `[node]`; nil without them.
  public var scales: [Double]?
  public var shifts: [Double]?

  /// A layer with these parameters.
  ///
  /// - Shape: `weights` is `[node, input]`, all else `[node]`.
  public init(
    weights: Matrix, biases: [Double]?, means: [Double]? = nil, variances: [Double]? = nil, scales: [Double]? = nil,
    shifts: [Double]? = nil
  ) {
    self.weights = weights
    self.biases = biases
    self.means = means
    self.variances = variances
    self.scales = scales
    self.shifts = shifts
  }
}

/// What people read of a layer with weights that is `layers[index]` in code: `1 (lowest)`, `2`, and so on.
///
/// Records and figures, which know no networks, have `layerLabel(_:)` of the number from 1.
package func layerLabel(ofIndex index: Int) -> String { index == 0 ? "1 (lowest)" : "\(index + 1)" }
