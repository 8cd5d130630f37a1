/// Why a training stopped being finite, at which step, and what came just before.
public struct Divergence: Codable, Hashable, Sendable {
  /// A step that was taken before.
  public struct Step: Codable, Hashable, Sendable {
    /// From 1, over all epochs.
    public var step: Int
    /// The mean loss of the samples of the step, before it; with batch normalisation over dense layers, by running statistics.
    public var loss: Double
    /// Euclidean length of what the step added to the weights: of a plain step, learning rate times norm of the gradient. Absent
    /// over images.
    public var length: Double?

    public init(_ step: Int, loss: Double, length: Double? = nil) {
      (self.step, self.loss, self.length) = (step, loss, length)
    }
  }

  /// The first step before which the loss is not finite, or after which a weight is not, from 1 over all epochs; or the last one
  /// of the epoch after which something that is measured is not. Absent before the first step, and in what follows the epochs.
  public var step: Int?
  /// What is not finite, for people.
  public var reason: String
  /// The last steps before, at most ``lastStepCount``, in order.
  public var lastSteps: [Step]

  /// How many steps are kept.
  public static let lastStepCount = 10

  public init(step: Int? = nil, reason: String, lastSteps: [Step] = []) {
    (self.step, self.reason, self.lastSteps) = (step, reason, lastSteps)
  }

  /// Takes note of a step that left everything finite, and drops the oldest one beyond ``lastStepCount``.
  public mutating func append(_ step: Step) {
    lastSteps.append(step)
    if lastSteps.count > Self.lastStepCount { lastSteps.removeFirst() }
  }
}
