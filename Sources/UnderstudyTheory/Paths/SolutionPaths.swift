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

  /// Students of different widths are joined as if the narrower layers had nodes without weights besides, which do nothing.
  ///
  /// - Parameters:
  ///   - reducing: makes a smaller student with the same outputs; by default by merging.
  ///   - retraining: trains small networks on the way between deep students, as far as it gets; by default none is trained.
  /// - Shape: `inputs` is `[sample, feature]`, `targets` `[sample, output]`.
  /// - Throws: ``ShapeError`` if the students differ in depth or do not fit the teacher, are linear or not finite, or if
  ///   the data do not fit.
  /// - Precondition: `pointCount >= 2`.
  /// - Complexity: that of the constructed path, see ``constructedPath(from:to:over:targets:canonical:)`` and
  ///   ``deepPath(from:to:over:targets:reducing:retraining:)``, and O(samples x nodes x (features + outputs x points)) for each line and segment, with
  ///   more hidden layers O(samples x weights x points).
  public init(
    from a: Student, to b: Student, learning teacher: Teacher, over inputs: Matrix, targets: Matrix,
    pointCount: Int = 200, reducing: StudentReduction? = nil, retraining: StudentRetraining? = nil
  ) throws(ShapeError) {
    try a.checkFits(teacher)
    try b.checkFits(teacher)
    let (a, b) = try withEqualWidths(a, b)
    matching = try StudentMatching(of: b, to: a, over: inputs)
    if a.network.isTwoLayer {
      var canonical: (a: MergedStudent, b: MergedStudent)?
      if let reducing { canonical = (try reducing(a, inputs, targets), try reducing(b, inputs, targets)) }
      path = try constructedPath(from: a, to: b, over: inputs, targets: targets, canonical: canonical)
    } else {
      path = try deepPath(from: a, to: b, over: inputs, targets: targets, reducing: reducing, retraining: retraining)
    }
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

/// Two students of one depth, with nodes without weights where one is narrower than the other.
///
/// - Throws: ``ShapeError`` if they have not the same number of layers, or layers that have no such nodes.
private func withEqualWidths(_ a: Student, _ b: Student) throws(ShapeError) -> (Student, Student) {
  let (own, other) = (a.network.hiddenCounts, b.network.hiddenCounts)
  guard own != other, own.count == other.count else { return (a, b) }
  try a.network.checkIsPlain()
  try b.network.checkIsPlain()
  let widths = zip(own, other).map(max)
  return (Student(a.network.widened(to: widths)), Student(b.network.widened(to: widths)))
}
