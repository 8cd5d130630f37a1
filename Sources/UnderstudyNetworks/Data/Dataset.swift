import Synchronization
import UnderstudyNumerics

/// Inputs with what a student is asked for there: loaded or drawn once, and shared by all runs that train or measure on them.
///
/// A class because it is shared. What the kernels read is packed when it is first asked for, once for each precision; measures
/// take the doubles, whatever the precision of the training.
public final class Dataset: Sendable {
  /// `[sample, feature]`
  public let inputs: Matrix
  /// `[sample, output]`
  public let targets: Matrix
  private let packings = Mutex<[ObjectIdentifier: any Sendable]>([:])

  /// A data set of these inputs and targets; they are packed for the kernels when these first ask.
  ///
  /// - Parameters:
  ///   - inputs: `[sample, feature]`
  ///   - targets: `[sample, output]`
  /// - Precondition: as many rows in both.
  public init(inputs: Matrix, targets: Matrix) {
    precondition(inputs.rowCount == targets.rowCount, "a target for each input")
    (self.inputs, self.targets) = (inputs, targets)
  }

  public var count: Int { inputs.rowCount }

  /// The samples as the kernels of a precision read them.
  ///
  /// - Complexity: O(samples x (features + outputs)) at the first call for a precision, O(1) after it.
  public func packed<Scalar: KernelScalar>(_: Scalar.Type = Scalar.self) -> PackedSamples<Scalar> {
    packings.withLock { packings in
      let precision = ObjectIdentifier(Scalar.self)
      if let made = packings[precision] as? PackedSamples<Scalar> { return made }
      let made = PackedSamples<Scalar>(inputs: inputs, targets: targets)
      packings[precision] = made
      return made
    }
  }
}
