import UnderstudyNetworks
import UnderstudyNumerics

/// What the theory assumes of a teacher, node by node of its lowest layer.
public struct TeacherDiagnosis: Sendable, Equatable {
  /// What holds of one node.
  public struct Node: Sendable, Equatable {
    /// The activation is the same at all samples: nothing of this node reaches the student but a constant.
    public var isDead: Bool
    /// Samples lie on both sides of the node's boundary.
    public var isVisible: Bool
    /// The first other node with the same boundary, up to orientation.
    public var duplicateOf: Int?
    /// Samples at which the node is active.
    public var activeCount: Int
  }

  public var nodes: [Node]

  /// Two boundaries nearer than this, as a share of the inputs' spread, are the same: what single precision cannot tell
  /// apart.
  public static let separation = 1e-6

  /// Sentences that name the nodes (from 1) which break an assumption.
  public var notes: [String] {
    nodes.enumerated().compactMap { j, node in
      if node.isDead { return "teacher node \(j + 1) is dead: its activation does not vary over the inputs" }
      if !node.isVisible { return "teacher node \(j + 1) is invisible: all inputs lie on one side of its boundary" }
      guard let other = node.duplicateOf, other < j else { return nil }
      return "teacher nodes \(other + 1) and \(j + 1) share a boundary"
    }
  }
}

/// Diagnoses the lowest layer of a teacher over a data set: no dead node, no two with one boundary, every boundary visible.
///
/// - Shape: `inputs` is `[sample, feature]`.
/// - Throws: ``ShapeError`` if the inputs do not fit the teacher.
/// - Complexity: O(samples x nodes x features + nodes^2 x features).
/// - Source: Tian 2020, arXiv:1909.13458, assumptions on the teacher.
public func diagnosis(of teacher: Teacher, over inputs: Matrix) throws(ShapeError) -> TeacherDiagnosis {
  try checkInputs(inputs, fit: teacher.network)
  let boundaries = Boundaries(of: teacher.network.layers[0])
  var activeCounts = [Int](repeating: 0, count: boundaries.count)
  for block in SampleBlockSequence(inputs) {
    let active = gates(of: teacher.network.preactivations(of: block.inputs, layer: 0), valid: block.validCount)
    for j in active.indices { activeCounts[j] += active[j].nonzeroBitCount }
  }
  let isRectifying = teacher.network.activation == .relu
  let spread = inputSpread(of: inputs)
  let distances = boundaries.distances(spread: spread)
  return TeacherDiagnosis(
    nodes: (0..<boundaries.count).map { j in
      let twin = (0..<boundaries.count).first { other in
        other != j && distances[j, other] <= TeacherDiagnosis.separation * spread
      }
      return TeacherDiagnosis.Node(
        isDead: !boundaries.hasBoundary(j) || (isRectifying && activeCounts[j] == 0),
        isVisible: activeCounts[j] > 0 && activeCounts[j] < inputs.rowCount, duplicateOf: twin,
        activeCount: activeCounts[j])
    })
}
