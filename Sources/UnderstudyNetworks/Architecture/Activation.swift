import UnderstudyNumerics

/// The nonlinearity of the hidden layers: the identity above 0, `negativeSlope` times it below.
public struct Activation: Sendable, Hashable {
  /// c: 0 is ReLU, between 0 and 1 leaky ReLU, 1 no nonlinearity.
  public let negativeSlope: Double

  public static let relu = Activation(negativeSlope: 0)
  public static let linear = Activation(negativeSlope: 1)

  public init(negativeSlope: Double) {
    precondition(negativeSlope >= 0 && negativeSlope <= 1)
    self.negativeSlope = negativeSlope
  }

  /// The activation of a pre-activation.
  @inlinable
  public func callAsFunction(_ z: Double) -> Double { z > 0 ? z : negativeSlope * z }

  /// The activations of some pre-activations.
  ///
  /// - Shape: of both `[node, sample]`, or `[sample, node]`.
  @inlinable
  public func callAsFunction(_ preactivations: Matrix) -> Matrix {
    var result = preactivations
    for i in result.values.indices { result.values[i] = self(result.values[i]) }
    return result
  }
}
