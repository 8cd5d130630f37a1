/// The sizes of a network of any depth, and where it normalises.
public struct DeepShape: Sendable, Hashable {
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

  /// Floating-point operations (2 a multiply-add) of one step over `batch` samples with cached targets: forward, backward
  /// and update, without padding, biases and what is done element by element.
  public func stepFLOPs(batch: Int) -> Double {
    var weights = 0
    for layer in 0..<layerCount { weights += widths[layer] * widths[layer + 1] * (layer == 0 ? 2 : 3) }
    return 2 * Double(batch) * Double(weights)
  }
}

/// What a step of a deep network does with a gradient.
public struct DeepUpdateRule: Sendable, Hashable {
  public enum Method: Sendable, Hashable {
    /// v = momentum v + gradient; w -= rate v.
    case momentum(Double)
    /// Adam with decays 0.9 and 0.999 and an epsilon of 1e-8 beside the root (Kingma, Ba 2015; as in PyTorch).
    case adam
  }

  public var method: Method
  public var learningRate: Double
  /// Times each weight (biases and learnt scales too), added to its gradient.
  public var weightDecay: Double
  /// Whether weights, biases and the normalisation's scale and shift of the lowest layer move. (Its running statistics
  /// follow the batches either way.)
  public var updatesFirstLayer: Bool
  public var updatesLastLayer: Bool
  /// Rescale each row of the lowest layer, without its bias, to unit norm after every step.
  public var unitNormFirstLayer: Bool

  public init(
    method: Method = .momentum(0), learningRate: Double, weightDecay: Double = 0, updatesFirstLayer: Bool = true,
    updatesLastLayer: Bool = true, unitNormFirstLayer: Bool = false
  ) {
    self.method = method
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.updatesFirstLayer = updatesFirstLayer
    self.updatesLastLayer = updatesLastLayer
    self.unitNormFirstLayer = unitNormFirstLayer
  }

  /// Whether the update is a multiple of the gradient alone, and needs no memory of earlier ones.
  ///
  /// Decay is added to the gradient first, as with momentum and in PyTorch, so that rounding treats it alike.
  var isPlain: Bool { method == .momentum(0) && weightDecay == 0 }
}

/// What a student is asked to lower.
public enum TrainingLoss: Sendable, Hashable {
  /// J = 1/2 mean over samples of ||target - output||^2.
  case squaredError
  /// Mean over samples of -log softmax(output) at the largest target.
  case crossEntropy
}

/// What an update rule remembers between steps.
public struct OptimizerState: Sendable, Hashable {
  /// Steps taken: Adam's bias corrections need it.
  public var stepCount: Int
  /// Velocities (momentum), or first and then second moments (Adam), of each array that is
  /// moved: the weights of each layer, `[node, input]` with the bias behind the last input, then scales, then shifts.
  public var moments: [[Double]]

  public init(stepCount: Int, moments: [[Double]]) {
    self.stepCount = stepCount
    self.moments = moments
  }
}
