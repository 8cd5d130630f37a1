import UnderstudyNetworks
import UnderstudyNumerics

/// The units in which a critical point is searched for and a teacher reconstructed: inputs and targets of root mean square 1, so that no decision of
/// a search depends on the units they come in.
///
/// - Units: sizes are in those of the samples; 1 where all are 0 (or too large, or too small, to be divided by).
public struct SampleUnits: Sendable, Equatable {
  /// Root mean squares.
  public let inputSize: Double
  public let outputSize: Double

  /// The units of a data set.
  ///
  /// - Shape: `inputs` is `[sample, feature]`, `targets` `[sample, output]`.
  /// - Complexity: O(samples x (features + outputs)).
  public init(inputs: Matrix, targets: Matrix) {
    func size(_ samples: Matrix) -> Double {
      let size = samples.rootMeanSquare
      return size.isNormal ? size : 1
    }
    (inputSize, outputSize) = (size(inputs), size(targets))
  }

  /// The same function of inputs and outputs in these units.
  func scaled(_ network: Network) -> Network { network.scaled(inputs: inputSize, outputs: 1 / outputSize) }

  /// A network of these units in those of the samples.
  func original(_ network: Network) -> Network { network.scaled(inputs: 1 / inputSize, outputs: outputSize) }
}
