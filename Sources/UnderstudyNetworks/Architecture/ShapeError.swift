import UnderstudyNumerics

/// Sizes that do not fit each other; the message says which and what to change.
public struct ShapeError: Error, Equatable, Sendable, CustomStringConvertible {
  public let description: String

  public init(_ description: String) { self.description = description }
}

/// Whether targets are as many outputs of as many samples as they should be.
///
/// - Shape: `targets` is `[sample, output]`.
/// - Throws: ``ShapeError`` if not.
public func checkTargets(_ targets: Matrix, sampleCount: Int, outputCount: Int) throws(ShapeError) {
  guard targets.rowCount == sampleCount, targets.columnCount == outputCount else {
    throw ShapeError(
      "targets are \(targets.rowCount) x \(targets.columnCount), expected \(sampleCount) x \(outputCount)")
  }
}
