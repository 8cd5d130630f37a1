import UnderstudyNumerics

/// How a student learns: the method, its steps, and what may move.
public struct TrainingPlan: Sendable, Hashable {
  public enum Method: Sendable, Hashable {
    /// SGD over batches of this many samples.
    case stochastic(batchSize: Int)
    /// Gradient descent over all training inputs.
    case fullBatch
  }

  public enum FrozenLayer: Sendable, Hashable { case none, first, last }

  public var method: Method
  public var learningRate: Double
  /// Halve the learning rate every so many epochs; 0 never does.
  public var learningRateHalvingInterval: Int
  public var epochCount: Int
  public var stepsPerEpoch: Int
  public var frozenLayer: FrozenLayer
  /// Rescale each first-layer row, without its bias, to unit norm at the start and after every step.
  public var unitNormFirstLayer: Bool

  public init(
    method: Method, learningRate: Double, learningRateHalvingInterval: Int = 0, epochCount: Int, stepsPerEpoch: Int,
    frozenLayer: FrozenLayer = .none, unitNormFirstLayer: Bool = false
  ) {
    self.method = method
    self.learningRate = learningRate
    self.learningRateHalvingInterval = learningRateHalvingInterval
    self.epochCount = epochCount
    self.stepsPerEpoch = stepsPerEpoch
    self.frozenLayer = frozenLayer
    self.unitNormFirstLayer = unitNormFirstLayer
  }

  /// The step rule during an epoch, counted from 1.
  public func rule(epoch: Int) -> UpdateRule {
    let halvings = learningRateHalvingInterval > 0 ? (epoch - 1) / learningRateHalvingInterval : 0
    return UpdateRule(
      learningRate: learningRate * power(0.5, Double(halvings)), updatesFirstLayer: frozenLayer != .first,
      updatesLastLayer: frozenLayer != .last, unitNormFirstLayer: unitNormFirstLayer)
  }
}

/// The order of the samples in SGD.
public enum BatchOrder: Sendable {
  /// Drawn with replacement from the streams of this key, one for each epoch.
  case drawn(key: UInt64)
  /// Given step by step; `indices` is `[step, batch]`, row-major.
  case given(indices: [UInt32])

  /// The batches of an epoch, counted from 1: `stepCount * batchSize` sample indices.
  public func indices(epoch: Int, stepCount: Int, batchSize: Int, sampleCount: Int) -> [UInt32] {
    let count = stepCount * batchSize
    switch self {
    case .drawn(let key):
      var stream = RandomStream(key: key, purpose: .batches, index: epoch)
      return stream.integers(count, below: sampleCount)
    case .given(let indices):
      let first = (epoch - 1) * count
      precondition(first + count <= indices.count, "too few batches; they are counted before training begins")
      return Array(indices[first..<first + count])
    }
  }
}
