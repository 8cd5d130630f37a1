import UnderstudyNetworks
import UnderstudyNumerics

/// A smaller student that does the same on some inputs: one unit for each boundary, none for boundaries that carry nothing.
public struct MergedStudent: Sendable, Equatable {
  /// What has become of a node of the original student. Units are numbered as the merged student's hidden nodes.
  public enum Fate: Sendable, Hashable {
    /// The unit has the node's boundary and orientation, and of the nodes for which that is so this is the strongest.
    case carries(unit: Int)
    /// The unit took over what the node carried, from its own side of the boundary or from the other.
    case merged(into: Int)
    /// The node carried nothing, or something affine that the output biases and other units have taken over.
    case removed
  }

  public let student: Student
  /// Units that carry something. A student that is constant on the inputs has none; as a network needs a hidden node, it
  /// keeps an idle one.
  public let unitCount: Int
  /// `[node of the original student]`
  public let fates: [Fate]
  /// The largest absolute change of an output on the inputs, in units of the output.
  public let largestChange: Double
  /// The largest change that was allowed.
  public let allowedChange: Double
  /// The largest epsilon over which two boundaries were joined, offsets in units of the spread of the inputs; 0 if
  /// none were.
  public let tolerance: Double

  /// The same fates with other weights, as those of a student that was trained on after it was merged.
  ///
  /// - Parameter largestChange: against the original student, measured.
  public func replacing(_ student: Student, largestChange: Double, allowedChange: Double) -> MergedStudent {
    MergedStudent(
      student: student, unitCount: unitCount, fates: fates, largestChange: largestChange, allowedChange: allowedChange,
      tolerance: tolerance)
  }

  public var removedCount: Int { fates.count { $0 == .removed } }
  public var mergedCount: Int {
    fates.count { if case .merged = $0 { true } else { false } }
  }
}

/// Merges the nodes of a two-layer student that share a boundary and removes those that carry nothing, without knowing the
/// teacher.
///
/// For nodes of one orientation on one boundary, `sum_k v_k phi(w_k . x + b_k)` is `M (x, 1)` on one side and c times that
/// on the other, with M = sum_k v_k (w_k, b_k)^T; the best factor of rank one of M is the unit that replaces them. That is
/// exact where the boundaries coincide, and on data also where no sample lies between them. Nodes of the other
/// orientation join by `phi(-a) = phi(a) - (1 + c) a`, which leaves an affine remainder. As every unit may be turned
/// round, which adds `(1 + c) s a`, the remainders of all boundaries together may cancel, but for a constant that the
/// output biases take; where they do not, as many boundaries as are needed keep a unit for each orientation.
///
/// How near boundaries must be to be joined is not given but found: the widest joins of the single-linkage tree that change
/// no output by more than `allowedChange`, up to a maximum of 0.3.
///
/// - Shape: `inputs` is `[sample, feature]`, `targets` `[sample, output]`.
/// - Parameter targets: what the outputs should be. A student that misses them by r is not distinguished from one that
///   misses them by 3 r.
/// - Parameter allowedChange: the largest absolute change of an output on the inputs; by default twice the largest
///   residual, but at least 1e-10 and at most 0.01 of the outputs' scale, or 1e-9 of the scale without targets.
/// - Throws: ``ShapeError`` if the student has not two layers, is linear or is not finite, or if the shapes do not fit.
/// - Complexity: O(samples x nodes x (features + outputs)) for a try, a few tries, and O(nodes^2 features) once.
/// - Source: derived; see the theory guide on the kink balance.
public func merge(
  _ student: Student, over inputs: Matrix, targets: Matrix? = nil, allowedChange: Double? = nil
) throws(ShapeError) -> MergedStudent {
  let material = try MergeMaterial(student, over: inputs)
  let standard = try material.defaultAllowedChange(targets: targets)
  let allowed = allowedChange ?? standard
  // Each step of a plan takes its share of the budget, but shares of many groups add up, so that a plan may exceed it.
  for attempt in 0..<8 {
    let plan = MergePlan(material, budget: allowed / Double(1 << (3 * attempt)))
    guard let network = plan.network else { continue }
    let change = largestDifference(try network.outputs(for: inputs), material.outputs)
    guard change <= allowed else { continue }
    return MergedStudent(
      student: Student(network), unitCount: plan.units.count, fates: plan.fates, largestChange: change,
      allowedChange: allowed, tolerance: plan.tolerance)
  }
  let count = student.network.hiddenCounts[0]
  return MergedStudent(
    student: student, unitCount: count, fates: (0..<count).map { .carries(unit: $0) }, largestChange: 0,
    allowedChange: allowed, tolerance: 0)
}

/// The largest absolute error of a two-layer network's weights against its teacher's, up to the order of the nodes and the
/// positive scale of each.
///
/// Each node is rescaled so that its `||w||` is that of the teacher node it is compared with; the pairs are those of least
/// total squared error. Orientation counts: a node turned round is another function.
///
/// - Returns: nil if the networks differ in shape.
/// - Complexity: O(nodes^2 (features + outputs) + nodes^3).
public func weightError(of merged: Network, against teacher: Network) -> Double? {
  guard merged.layers.count == 2, teacher.layers.count == 2, merged.activation == teacher.activation,
    zip(merged.layers, teacher.layers).allSatisfy({ $0.nodeCount == $1.nodeCount && $0.inputCount == $1.inputCount }),
    merged.isFinite, teacher.isFinite
  else { return nil }
  func weights(_ network: Network, _ node: Int, scale: Double) -> [Double] {
    let incoming = Array(network.layers[0].weights.row(node)) + [network.layers[0].biases?[node] ?? 0]
    return incoming.map { $0 * scale } + network.layers[1].weights.column(node).map { $0 / scale }
  }
  let count = merged.hiddenCounts[0]
  let norms = (
    merged: (0..<count).map { euclideanNorm(merged.layers[0].weights.row($0)) },
    teacher: (0..<count).map { euclideanNorm(teacher.layers[0].weights.row($0)) }
  )
  func errors(_ j: Int, _ k: Int) -> [Double] {
    let ratio = norms.merged[k] > 0 && norms.teacher[j] > 0 ? norms.teacher[j] / norms.merged[k] : 1
    return zip(weights(teacher, j, scale: 1), weights(merged, k, scale: ratio)).map { abs($0 - $1) }
  }
  var costs = Matrix(rowCount: count, columnCount: count)
  for j in 0..<count {
    for k in 0..<count { costs[j, k] = errors(j, k).reduce(0) { $0 + $1 * $1 } }
  }
  guard costs.isFinite else { return nil }
  var largest = 0.0
  for (j, k) in minimumCostAssignment(costs).enumerated() {
    if let k { largest = errors(j, k).reduce(largest, max) }
  }
  let zeros = [Double](repeating: 0, count: teacher.outputCount)
  for (a, b) in zip(merged.layers[1].biases ?? zeros, teacher.layers[1].biases ?? zeros) {
    largest = max(largest, abs(a - b))
  }
  return largest
}
