import UnderstudyNumerics
import UnderstudySchema

/// How a student learns: the method, its steps, and what may move.
public struct TrainingPlan: Sendable, Hashable {
  /// Over which samples a step takes its gradient.
  public enum Method: Sendable, Hashable {
    /// SGD over batches of this many samples.
    case stochastic(batchSize: Int)
    /// Gradient descent over all training inputs.
    case fullBatch
    /// The gradient flow of the expected loss over Gaussian inputs, without samples.
    case expectedFlow(GaussianObjective)
  }

  public typealias FrozenLayer = TrainingSetting.FrozenLayer

  public var method: Method
  public var optimizer: Optimizer
  public var loss: TrainingLoss
  /// Times each weight, added to its gradient.
  public var weightDecay: Double
  public var learningRate: Double
  /// Rates by epoch; nil: `learningRate` and its halvings.
  public var schedule: LearningRateSchedule?
  /// Halve the learning rate every so many epochs; 0 never does.
  public var learningRateHalvingInterval: Int
  /// How the rate falls to 0 over the epochs, besides.
  public var decay = RateDecay.none
  public var epochCount: Int
  public var stepsPerEpoch: Int
  public var frozenLayer: FrozenLayer
  /// Rescale each first-layer row, without its bias, to unit norm at the start and after every step.
  public var unitNormFirstLayer: Bool

  public init(
    method: Method, learningRate: Double, learningRateHalvingInterval: Int = 0, epochCount: Int, stepsPerEpoch: Int,
    frozenLayer: FrozenLayer = .none, unitNormFirstLayer: Bool = false, optimizer: Optimizer = .gradient(momentum: 0),
    loss: TrainingLoss = .squaredError, weightDecay: Double = 0, schedule: LearningRateSchedule? = nil
  ) {
    self.optimizer = optimizer
    self.loss = loss
    self.weightDecay = weightDecay
    self.schedule = schedule
    self.method = method
    self.learningRate = learningRate
    self.learningRateHalvingInterval = learningRateHalvingInterval
    self.epochCount = epochCount
    self.stepsPerEpoch = stepsPerEpoch
    self.frozenLayer = frozenLayer
    self.unitNormFirstLayer = unitNormFirstLayer
  }

  /// The learning rate during an epoch, counted from 1.
  public func learningRate(epoch: Int) -> Double {
    if let schedule { return schedule.rate(epoch: epoch) }
    return halvedRate(learningRate, every: learningRateHalvingInterval, epoch: epoch) * decayFactor(epoch: epoch)
  }

  private func decayFactor(epoch: Int) -> Double {
    let done = Double(epoch - 1) / Double(max(1, epochCount))
    switch decay {
    case .none: return 1
    case .linear: return 1 - done
    case .cosine: return (1 + cosine(.pi * done)) / 2
    }
  }

  /// What the steps of an epoch, counted from 1, do with their gradients.
  public func rule(epoch: Int) -> UpdateRule {
    UpdateRule(
      optimizer: optimizer, learningRate: learningRate(epoch: epoch), weightDecay: weightDecay,
      updatesFirstLayer: frozenLayer != .first, updatesLastLayer: frozenLayer != .last,
      unitNormFirstLayer: unitNormFirstLayer)
  }
}
