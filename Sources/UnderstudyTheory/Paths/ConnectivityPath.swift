import UnderstudyNetworks
import UnderstudyNumerics

/// A path of straight segments between two students, along which the loss is 0 if it is 0 at both.
public struct ConstructedPath: Sendable, Equatable {
  /// Each begins where the one before ends; the first begins at A, the last ends at B. One segment along which nothing
  /// moves if A is B; empty if there is no path.
  public let segments: [PathSegment]
  /// Why there is none; nil if there is one.
  public let obstacle: String?
  /// Why students that have no loss may have some on the path: which nodes are missing for a path that keeps the outputs, or which layers of
  /// deep students hold too few; nil if none is.
  public let shortage: String?

  init(segments: [PathSegment], obstacle: String?, shortage: String? = nil) {
    (self.segments, self.obstacle, self.shortage) = (segments, obstacle, shortage)
  }
}

/// Builds the path between two students of one teacher.
///
/// A segment moves fan-out weights (and output biases) alone, where outputs are linear in t, or `(w, b)` of nodes without
/// fan-out, where they do not change; where it cannot be avoided, `(w, b)` of other nodes such that no sample changes
/// sides of a boundary, and outputs are linear in t again. So the loss along it is at most that of its worse end, and it
/// is 0 if A and B have loss 0, share their boundaries, and have spare nodes: one, or where orientations differ as many
/// as `TurningPlan.spareCount` says. For students of small loss the ends of segments are
/// fitted to the students' outputs, and the path's loss stays small without a promise how small: measure it with
/// ``losses(along:pointCount:over:targets:)``.
///
/// 1. Each boundary's fan-out moves to one node; what carries nothing gives its fan-out up.
/// 2. Nodes without fan-out move to where B needs them.
/// 3. Fan-outs move over. With nodes for both functions this is one step; with fewer, boundaries that B holds in the
///    other orientation are turned first, and then each is moved, by way of spare nodes where nodes trade places or
///    change their scale.
/// 4. The first two, backwards, for B.
///
/// If no node that is there can carry its boundary alone, so that gathering costs more loss than the students have, the
/// path goes by way of smaller students that do the same as A and B: the way of the smaller loss is taken, and if
/// neither has any, the shorter one.
///
/// - Shape: `inputs` is `[sample, feature]`, `targets` is `[sample, output]`.
/// - Parameter canonical: smaller students with the outputs of A and of B; by default those that merging finds.
/// - Throws: ``ShapeError`` if the students differ in shape, are linear or not finite, or the data do not fit.
/// - Complexity: that of merging both, and O(samples x nodes^2) for a segment.
/// - Source: the statement is Tian's, in the talk that goes with arXiv:1909.13458; the construction is derived.
public func constructedPath(
  from a: Student, to b: Student, over inputs: Matrix, targets: Matrix,
  canonical: (a: MergedStudent, b: MergedStudent)? = nil
) throws(ShapeError) -> ConstructedPath {
  let views = try joinable(a.network, b.network)
  if a == b {
    let stay = PathSegment(from: a.network, to: b.network, what: "Nothing moves: student A and student B are equal.")
    return ConstructedPath(segments: [stay], obstacle: nil)
  }
  func loss(_ path: ConstructedPath) throws(ShapeError) -> Double {
    try path.obstacle == nil ? largestEndLoss(of: path, over: inputs, targets: targets) : .infinity
  }
  // What has no more loss than its ends, or than rounding makes, is as good as any.
  let ends = (
    try halfMeanSquare(of: a.network, over: inputs, targets: targets),
    try halfMeanSquare(of: b.network, over: inputs, targets: targets)
  )
  let ofZero = targets.values.reduce(0) { $0 + $1 * $1 } / (2 * Double(max(1, inputs.rowCount)))
  let negligible = max(4 * max(ends.0, ends.1), 1e-22 * ofZero)

  // For students without loss a way that costs one is the second best: the reason is given, and how many nodes are missing.
  let isExact = max(ends.0, ends.1) <= 1e-22 * ofZero

  // Boundaries that are the same but for rounding are shared; else those that are near, as in trained students.
  let (same, near) = (SharedBoundaries.limits.prefix(1), SharedBoundaries.limits.dropFirst())
  var gathered = try gatheredPath(
    from: views.a, to: views.b, over: inputs, targets: targets, steps: 0...0, limits: Array(same))
  if gathered.obstacle != nil {
    let nearby = try gatheredPath(
      from: views.a, to: views.b, over: inputs, targets: targets, steps: 0...0, limits: Array(near))
    let ofNearby = try loss(nearby)
    if !isExact || ofNearby <= negligible { gathered = nearby }
  }
  let ofGathered = try loss(gathered)
  // With nodes for both functions no way is shorter.
  if ofGathered <= negligible, gathered.segments.count <= 7 { return gathered }
  let units =
    if let canonical { canonical } else {
      (a: try merge(a, over: inputs, targets: targets), b: try merge(b, over: inputs, targets: targets))
    }
  let path = try pathThroughUnits(units, from: views.a, to: views.b, over: inputs, targets: targets, isExact: isExact)
  if let path, path.obstacle == nil {
    let ofPath = try loss(path)
    if ofPath <= negligible, ofGathered <= negligible {
      return path.segments.count < gathered.segments.count ? path : gathered
    }
    if min(ofPath, ofGathered) <= negligible || gathered.obstacle == nil {
      return ofPath < ofGathered ? path : gathered
    }
    // What a way without loss would take is said beside one that has some.
    if isExact { return ConstructedPath(segments: path.segments, obstacle: nil, shortage: gathered.obstacle) }
    let coarse = try gatheredPath(from: views.a, to: views.b, over: inputs, targets: targets, steps: 1...10)
    return try ofPath < loss(coarse) ? path : coarse
  }
  guard gathered.obstacle != nil else { return gathered }
  guard !isExact else { return path ?? gathered }
  let coarse = try gatheredPath(from: views.a, to: views.b, over: inputs, targets: targets, steps: 1...10)
  return coarse.obstacle == nil ? coarse : path ?? gathered
}

/// The path by way of smaller students, or what is in its way; nil if there is no room for them.
private func pathThroughUnits(
  _ units: (a: MergedStudent, b: MergedStudent), from a: TwoLayerView, to b: TwoLayerView, over inputs: Matrix,
  targets: Matrix, isExact: Bool
) throws(ShapeError) -> ConstructedPath? {
  guard let first = try ReductionPath(of: a, to: units.a, over: inputs),
    let last = try ReductionPath(of: b, to: units.b, over: inputs)
  else { return nil }
  let middle = try gatheredPath(
    from: first.network, to: last.network, over: inputs, targets: targets, steps: isExact ? 0...0 : 0...10)
  guard middle.obstacle == nil else { return middle }
  return ConstructedPath(
    segments: first.steps.map(\.segment) + middle.segments
      + last.steps.reversed().map(\.backwards), obstacle: nil)
}

/// The largest loss at an end of a segment. Along a segment the loss is convex or does not change, so that no loss on
/// the path is larger.
func largestEndLoss(
  of path: ConstructedPath, over inputs: Matrix, targets: Matrix
) throws(ShapeError) -> Double {
  var largest = 0.0
  for segment in path.segments {
    largest = max(largest, try halfMeanSquare(of: segment.to, over: inputs, targets: targets))
  }
  return largest
}

/// The path by way of nodes that are there.
///
/// - Parameters:
///   - steps: how coarsely to gather, the finest first, each ten times as coarsely as the one before.
///   - limits: how far apart boundaries may be that count as shared, the nearest first.
func gatheredPath(
  from a: TwoLayerView, to b: TwoLayerView, over inputs: Matrix, targets: Matrix, steps: ClosedRange<Int> = 0...10,
  limits: [Double] = SharedBoundaries.limits
) throws(ShapeError) -> ConstructedPath {
  if a == b { return ConstructedPath(segments: [], obstacle: nil) }
  // On finitely many samples a solution may need several nodes near one boundary, each for the samples between them.
  // Gathering more coarsely finds the room, at the price of a loss that is small instead of 0.
  var obstacle: String?
  for coarseness in steps.map({ power(10, Double($0)) }) {
    let first = try ConsolidatedStudent(a, over: inputs, targets: targets, coarseness: coarseness, avoiding: [])
    let second = try ConsolidatedStudent(
      b, over: inputs, targets: targets, coarseness: coarseness, avoiding: Set(first.representatives))
    for limit in limits {
      var builder = try PathBuilder(a, target: b, first, second, over: inputs)
      guard let found = try builder.build(limit: limit) else {
        return ConstructedPath(segments: builder.segments, obstacle: nil)
      }
      obstacle = obstacle ?? found
    }
  }
  return ConstructedPath(segments: [], obstacle: obstacle)
}
