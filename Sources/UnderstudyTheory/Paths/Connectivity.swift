import UnderstudyNetworks
import UnderstudyNumerics

/// A straight line between two networks in the space of weights: at t in 0...1, every weight is (1 - t) from + t to.
public struct PathSegment: Sendable, Equatable {
  public let from: Network
  public let to: Network
  /// What changes along it, for people.
  public let what: String

  public init(from: Network, to: Network, what: String) {
    self.from = from
    self.to = to
    self.what = what
  }

  /// The network at t.
  ///
  /// - Precondition: the ends have one architecture.
  public func network(at t: Double) -> Network { from.interpolated(to: to, at: t) }
}

/// The straight line between two students as they are.
///
/// - Throws: ``ShapeError`` if they differ in shape.
public func straightLine(from a: Student, to b: Student) throws(ShapeError) -> PathSegment {
  try checkJoinable(a.network, b.network)
  return PathSegment(from: a.network, to: b.network, what: "Every weight of student A becomes that of student B.")
}

/// J = 1/2 mean ||target - f||^2 at equally spaced points of a segment, its ends among them.
///
/// With one hidden layer, nodes without fan-out at both ends are left out, as they add 0 at every t. Where the lowest layer stays,
/// outputs are linear in t and J is a parabola, taken from products of the ends' residuals: sums of products of residuals, so that
/// a loss of 1e-25 has as many digits as one of 1. With more hidden layers every point is a network of its own.
///
/// - Shape: `inputs` is `[sample, feature]`, `targets` `[sample, output]`, the result `[point]`.
/// - Throws: ``ShapeError`` if the ends or the data do not fit.
/// - Precondition: `pointCount >= 2`.
/// - Complexity: O(samples x nodes x (features + outputs x points)); without the points where the lowest layer stays; with more
///   hidden layers O(samples x weights x points).
public func losses(
  along segment: PathSegment, pointCount: Int = 200, over inputs: Matrix, targets: Matrix
) throws(ShapeError) -> [Double] {
  precondition(pointCount >= 2, "a curve has two ends")
  guard segment.from.isTwoLayer else {
    try checkJoinable(segment.from, segment.to)
    try checkInputs(inputs, fit: segment.from)
    try checkTargets(targets, sampleCount: inputs.rowCount, outputCount: segment.from.outputCount)
    return try (0..<pointCount).map { (point) throws(ShapeError) in
      let network = segment.network(at: Double(point) / Double(pointCount - 1))
      return try halfMeanSquare(of: network, over: inputs, targets: targets)
    }
  }
  let (from, to) = try segment.withoutIdleNodes()
  try checkInputs(inputs, fit: from.network)
  try checkTargets(targets, sampleCount: inputs.rowCount, outputCount: from.outputCount)
  let points = (0..<pointCount).map { Double($0) / Double(pointCount - 1) }
  if from.hidden == to.hidden {
    var (ofFrom, mixed, ofTo) = (0.0, 0.0, 0.0)
    let outputs = (try from.outputs(for: inputs), try to.outputs(for: inputs))
    for (i, target) in targets.values.enumerated() {
      let (first, second) = (target - outputs.0.values[i], target - outputs.1.values[i])
      ofFrom += first * first
      mixed += first * second
      ofTo += second * second
    }
    return points.map { t in
      ((1 - t) * (1 - t) * ofFrom + 2 * t * (1 - t) * mixed + t * t * ofTo) / (2 * Double(inputs.rowCount))
    }
  }
  let outputLayers = points.map { from.output.interpolated(to: to.output, at: $0) }
  let activation = from.activation
  var sums = [Double](repeating: 0, count: pointCount)
  for block in SampleBlockSequence(inputs) {
    // Pre-activations are linear in t as well: two products serve all points.
    let ends = (from.hidden.preactivations(of: block.inputs), to.hidden.preactivations(of: block.inputs))
    var hidden = ends.0
    for (point, t) in points.enumerated() {
      for i in hidden.values.indices {
        hidden.values[i] = activation((1 - t) * ends.0.values[i] + t * ends.1.values[i])
      }
      let outputs = outputLayers[point].preactivations(of: hidden)
      for i in 0..<block.validCount {
        for c in 0..<outputs.rowCount {
          let residual = targets[block.first + i, c] - outputs[c, i]
          sums[point] += residual * residual
        }
      }
    }
  }
  return sums.map { $0 / (2 * Double(inputs.rowCount)) }
}

extension PathSegment {
  /// The ends without the nodes whose fan-out is 0 at both.
  fileprivate func withoutIdleNodes() throws(ShapeError) -> (TwoLayerView, TwoLayerView) {
    let ends = try joinable(from, to)
    let idle = Set(ends.a.idleNodes).intersection(ends.b.idleNodes)
    var kept = (0..<ends.a.nodeCount).filter { !idle.contains($0) }
    if kept.isEmpty { kept = [0] }
    return (try TwoLayerView(from.keeping(kept, of: 0)), try TwoLayerView(to.keeping(kept, of: 0)))
  }
}

/// Two networks of one hidden layer that a path may join.
///
/// - Throws: ``ShapeError`` if they have not two layers, or as ``checkJoinable(_:_:)``.
func joinable(_ a: Network, _ b: Network) throws(ShapeError) -> (a: TwoLayerView, b: TwoLayerView) {
  let views = (a: try TwoLayerView(a), b: try TwoLayerView(b))
  try checkJoinable(a, b)
  return views
}

/// Whether a line may join two networks.
///
/// - Throws: ``ShapeError`` if they differ in widths, biases or activation, are normalised, have convolutions, or are not finite.
func checkJoinable(_ a: Network, _ b: Network) throws(ShapeError) {
  try a.checkIsPlain()
  try b.checkIsPlain()
  guard a.architecture.widths == b.architecture.widths else {
    func words(_ network: Network) -> String { network.architecture.widths.map { "\($0)" }.joined(separator: "-") }
    throw ShapeError(
      "student A is \(words(a)) and student B \(words(b)) (inputs-hidden-outputs); only students of the same widths are "
        + "joined by a path")
  }
  guard a.architecture.layers.map(\.hasBiases) == b.architecture.layers.map(\.hasBiases) else {
    throw ShapeError("one student has biases and the other none; give both or neither (zeros will do)")
  }
  guard a.activation == b.activation else { throw ShapeError("the students have different activations") }
  guard a.isFinite, b.isFinite else { throw ShapeError("a student's weights are not finite; it has diverged") }
}
