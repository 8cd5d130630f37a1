import UnderstudyNetworks
import UnderstudyNumerics

/// A smaller student that does the same on some inputs: one unit for each boundary, none for boundaries that carry nothing.
public struct MergedStudent: Sendable, Equatable {
  /// What has become of a node of the original student. Units are numbered as the merged student's nodes of that layer.
  public enum Fate: Sendable, Hashable {
    /// The unit has the node's boundary and orientation, and of the nodes for which that is so this is the strongest.
    case carries(unit: Int)
    /// The unit took over what the node carried, from its own side of the boundary or from the other.
    case merged(into: Int)
    /// The node carried nothing, or something affine that the biases above and other units have taken over.
    case removed
  }

  /// What has become of a hidden layer.
  public struct Layer: Sendable, Equatable {
    /// Units that carry something. A layer that is constant on the inputs has none; as a network needs a hidden node, it
    /// keeps an idle one.
    public let unitCount: Int
    /// `[node of the original student]`
    public let fates: [Fate]
    /// The largest epsilon over which two boundaries were joined, offsets in units of the spread of the layer's inputs; 0
    /// if none were. Above the lowest layer those inputs are the activations below in coordinates of unit variance.
    public let tolerance: Double

    public var removedCount: Int { fates.count { $0 == .removed } }
    public var mergedCount: Int {
      fates.count { if case .merged = $0 { true } else { false } }
    }
  }

  public let student: Student
  /// By hidden layer, the lowest first.
  public let layers: [Layer]
  /// The largest absolute change of an output on the inputs, in units of the output.
  public let largestChange: Double
  /// The largest change that was allowed.
  public let allowedChange: Double

  /// The same fates with other weights, as those of a student that was trained on after it was merged.
  ///
  /// - Parameter largestChange: against the original student, measured.
  public func replacing(_ student: Student, largestChange: Double, allowedChange: Double) -> MergedStudent {
    MergedStudent(student: student, layers: layers, largestChange: largestChange, allowedChange: allowedChange)
  }

  /// Of the lowest hidden layer, the only one in networks of two layers; see ``Layer``.
  public var unitCount: Int { layers[0].unitCount }
  /// Of the lowest hidden layer's nodes.
  public var fates: [Fate] { layers[0].fates }
  public var removedCount: Int { layers[0].removedCount }
  public var mergedCount: Int { layers[0].mergedCount }
}

/// Merges the nodes of a student that share a boundary and removes those that carry nothing, layer by layer, without knowing
/// the teacher.
///
/// **One hidden layer.** For nodes of one orientation on one boundary, `sum_k v_k phi(w_k . x + b_k)` is `M (x, 1)` on one side and c times that
/// on the other, with M = sum_k v_k (w_k, b_k)^T; the best factor of rank one of M is the unit that replaces them. That is
/// exact where the boundaries coincide, and on data also where no sample lies between them. Nodes of the other
/// orientation join by `phi(-a) = phi(a) - (1 + c) a`, which leaves an affine remainder. As every unit may be turned
/// round, which adds `(1 + c) s a`, the remainders of all boundaries together may cancel, but for a constant that the
/// output biases take; where they do not, as many boundaries as are needed keep a unit for each orientation.
///
/// How near boundaries must be to be joined is not given but found: the widest joins of the single-linkage tree that change
/// no output by more than `allowedChange`, up to a maximum of 0.3.
///
/// **More hidden layers** are merged one by one, each as the hidden layer of a network whose inputs are the activations
/// below, already reduced, and whose outputs are the pre-activations above; see `LayerProblem`. Then units go that move
/// pre-activations, but no output; see `InactiveUnitPruning`. That is repeated until no layer gets smaller: a node above that
/// carried nothing may have been all that kept nodes below apart.
///
/// - Shape: `inputs` is `[sample, feature]`, `targets` `[sample, output]`.
/// - Parameter targets: what the outputs should be. A student that misses them by r is not distinguished from one that
///   misses them by 3 r.
/// - Parameter allowedChange: the largest absolute change of an output on the inputs; by default twice the largest
///   residual, but at least 1e-10 and at most 0.01 of the outputs' scale, or 1e-9 of the scale without targets.
/// - Throws: ``ShapeError`` if the student is linear or is not finite, or if the shapes do not fit.
/// - Complexity: O(samples x nodes x (features + outputs)) for a try, a few tries, and O(nodes^2 features) once, for each
///   layer with the widths below and above for features and outputs; in deep networks a few times over, and
///   O(samples x nodes^2) for the coordinates of each layer.
/// - Source: derived; see the derivations of the kink balance and of deeper networks.
public func merge(
  _ student: Student, over inputs: Matrix, targets: Matrix? = nil, allowedChange: Double? = nil
) throws(ShapeError) -> MergedStudent {
  try student.network.checkIsPlain()
  guard student.network.isTwoLayer else {
    return try mergeLayers(of: student, over: inputs, targets: targets, allowedChange: allowedChange)
  }
  let material = try BoundaryClustering(try TwoLayerView(student.network), over: inputs)
  let standard = try defaultAllowedChange(outputs: material.outputs, targets: targets)
  let allowed = allowedChange ?? standard
  // Each step of a plan takes its share of the budget, but shares of many groups add up, so that a plan may exceed it.
  for attempt in 0..<8 {
    let plan = UnitAssignment(material, budget: allowed / Double(1 << (3 * attempt)))
    guard let network = plan.network?.network else { continue }
    let change = largestDifference(try network.outputs(for: inputs), material.outputs)
    guard change <= allowed else { continue }
    return MergedStudent(
      student: Student(network),
      layers: [.init(unitCount: plan.units.count, fates: plan.fates, tolerance: plan.tolerance)],
      largestChange: change, allowedChange: allowed)
  }
  return MergedStudent(
    student: student, layers: [.unchanged(nodeCount: student.network.hiddenCounts[0])], largestChange: 0,
    allowedChange: allowed)
}

extension MergedStudent.Layer {
  /// A layer whose nodes all stay.
  static func unchanged(nodeCount: Int) -> Self {
    Self(unitCount: nodeCount, fates: (0..<nodeCount).map { .carries(unit: $0) }, tolerance: 0)
  }
}

/// The change that merging may cause unless another is given: see ``merge(_:over:targets:allowedChange:)``.
func defaultAllowedChange(outputs: Matrix, targets: Matrix?) throws(ShapeError) -> Double {
  let scale = outputs.typicalSize
  guard let targets else { return 1e-9 * scale }
  try checkTargets(targets, sampleCount: outputs.rowCount, outputCount: outputs.columnCount)
  return max(1e-10 * scale, min(2 * largestDifference(targets, outputs), 0.01 * scale))
}
