/// A training on the labels of the data, without a teacher: of a teacher itself, or of what pruning has left of it.
public struct LabelTrainingSetting: Encodable, Hashable, Sendable {
  /// 0: none.
  public var epochs = 0
  public var learningRate = 0.02
  public var decay = RateDecay.linear
  public var batchSize = 64
  public var momentum = 0.9
  public var weightDecay = 0.0

  public init() {}
}

/// How a learning rate falls from its first value to 0 over the epochs of a training.
public enum RateDecay: String, Codable, Hashable, Sendable, CaseIterable { case none, linear, cosine }

/// What students learn from, where a teacher is pruned first: its nodes with the largest outgoing weights.
public struct OracleSetting: Encodable, Hashable, Sendable {
  /// The share of each hidden layer's nodes that is taken away; nil: the teacher as it is.
  public var prunedShares: LayerShares?
  /// After the pruning.
  public var training = LabelTrainingSetting()
}

/// Which algorithms of convolution a training may use.
public enum ConvolutionSetting: String, Encodable, Hashable, Sendable, CaseIterable { case automatic, direct }
