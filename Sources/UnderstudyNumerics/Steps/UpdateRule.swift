/// How a gradient becomes a step.
public enum Optimizer: Sendable, Hashable {
  /// v = momentum v + gradient; w -= rate v. Without momentum, plain gradient descent.
  case gradient(momentum: Double)
  /// Adam with decays 0.9 and 0.999 and an epsilon of 1e-8 beside the root (Kingma, Ba 2015; as in PyTorch).
  case adam
}

/// What a step does with a gradient, and what it changes.
public struct UpdateRule: Sendable, Hashable {
  public var optimizer: Optimizer
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
    optimizer: Optimizer = .gradient(momentum: 0), learningRate: Double, weightDecay: Double = 0,
    updatesFirstLayer: Bool = true, updatesLastLayer: Bool = true, unitNormFirstLayer: Bool = false
  ) {
    self.optimizer = optimizer
    self.learningRate = learningRate
    self.weightDecay = weightDecay
    self.updatesFirstLayer = updatesFirstLayer
    self.updatesLastLayer = updatesLastLayer
    self.unitNormFirstLayer = unitNormFirstLayer
  }

  /// Whether the update is a multiple of the gradient alone, and needs no memory of earlier ones.
  ///
  /// Decay is added to the gradient first, as with momentum and in PyTorch, so that rounding treats it alike.
  public var isPlain: Bool { optimizer == .gradient(momentum: 0) && weightDecay == 0 }
}

/// What a student is asked to lower.
public enum TrainingLoss: Sendable, Hashable {
  /// J = 1/2 mean over samples of ||target - output||^2.
  case squaredError
  /// Mean over samples of -log softmax(output) at the largest target.
  case crossEntropy
  /// Mean over samples of `(1 - labelWeight) T^2 KL(softmax(target / T) || softmax(output / T))` plus `labelWeight` times the
  /// cross-entropy of a label (Hinton, Vinyals, Dean 2015, arXiv:1503.02531). Kernels of images alone have it.
  case distillation(temperature: Double, labelWeight: Double)
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
