import UnderstudyNetworks
import UnderstudyNumerics

/// The loss along three ways from one student to another: the straight line, the straight line after matching the second
/// student's nodes to the first's, and the constructed path.
public struct SolutionPaths: Sendable, Equatable {
  /// Losses at equally spaced points, `[point]`.
  public let straight: [Double]
  public let matched: [Double]
  /// `[segment][point]`; empty if there is no path.
  public let constructed: [[Double]]
  public let matching: StudentMatching
  public let path: ConstructedPath

  /// - Parameter canonical: see ``constructedPath(from:to:over:targets:canonical:)``.
  /// - Shape: `inputs` is `[sample, feature]`, `targets` `[sample, output]`.
  /// - Throws: ``ShapeError`` if the students differ in shape or do not fit the teacher, are linear or not finite, or if
  ///   the data do not fit.
  /// - Precondition: `pointCount >= 2`.
  /// - Complexity: that of ``constructedPath(from:to:over:targets:canonical:)``, and
  ///   O(samples x nodes x (features + outputs x points)).
  public init(
    from a: Student, to b: Student, learning teacher: Teacher, over inputs: Matrix, targets: Matrix,
    pointCount: Int = 200, canonical: (a: MergedStudent, b: MergedStudent)? = nil
  ) throws(ShapeError) {
    try a.checkFits(teacher)
    try b.checkFits(teacher)
    matching = try StudentMatching(of: b, to: a, over: inputs)
    path = try constructedPath(from: a, to: b, over: inputs, targets: targets, canonical: canonical)
    straight = try losses(
      along: try straightLine(from: a, to: b), pointCount: pointCount, over: inputs, targets: targets)
    matched = try losses(
      along: try straightLine(from: a, to: matching.student), pointCount: pointCount, over: inputs, targets: targets)
    var constructed: [[Double]] = []
    for segment in path.segments {
      constructed.append(try losses(along: segment, pointCount: pointCount, over: inputs, targets: targets))
    }
    self.constructed = constructed
  }
}
