/// What a search for a critical point came to, as the measure ``Measure/criticalPoint`` holds it.
public struct CriticalPointRecord: Sendable, Equatable {
  public var iterationCount: Int
  public var restartCount: Int
  public var reachedTarget: Bool
  /// 1/2 mean ||target - output||^2.
  public var loss: Double
  /// max over the samples and the nodes of the lowest layer of |g_1|.
  public var largestGradient: Double
  /// Extreme eigenvalues of the Hessian of the loss.
  public var smallestCurvature: Double
  public var largestCurvature: Double
  /// Samples on the boundary of some student node.
  public var boundarySampleCount: Int

  public init(
    iterationCount: Int, restartCount: Int, reachedTarget: Bool, loss: Double, largestGradient: Double,
    smallestCurvature: Double, largestCurvature: Double, boundarySampleCount: Int
  ) {
    (self.iterationCount, self.restartCount, self.reachedTarget) = (iterationCount, restartCount, reachedTarget)
    (self.loss, self.largestGradient) = (loss, largestGradient)
    (self.smallestCurvature, self.largestCurvature) = (smallestCurvature, largestCurvature)
    self.boundarySampleCount = boundarySampleCount
  }

  /// Numbers that the measure has.
  public static let valueCount = 8

  /// Reads the measure's numbers; nil if they are not ``valueCount``, or counts are none.
  public init?(_ values: [Double]) {
    guard values.count == Self.valueCount, let iterations = Int(exactly: values[0]),
      let restarts = Int(exactly: values[1]), let boundarySamples = Int(exactly: values[7])
    else { return nil }
    self.init(
      iterationCount: iterations, restartCount: restarts, reachedTarget: values[2] == 1, loss: values[3],
      largestGradient: values[4], smallestCurvature: values[5], largestCurvature: values[6],
      boundarySampleCount: boundarySamples)
  }

  /// The measure's numbers, in its order.
  public var values: [Double] {
    [
      Double(iterationCount), Double(restartCount), reachedTarget ? 1 : 0, loss, largestGradient, smallestCurvature,
      largestCurvature, Double(boundarySampleCount),
    ]
  }
}
