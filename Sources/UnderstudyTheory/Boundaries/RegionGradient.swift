import UnderstudyNetworks
import UnderstudyNumerics

/// The statements of zero gradients for all inputs of a region, decided without samples, for two layers.
///
/// Where student node k is active, its gradient is h_k(x) = v_k . (f*(x) - f(x)), piecewise linear with kinks at the boundaries
/// alone. `E_k` within the region is convex. So the gradient vanishes at all inputs of it exactly if no boundary that meets it has
/// a kink that v_k sees, and the affine function that is left is 0.
public struct RegionGradient: Sendable, Equatable {
  /// What is known of a student node in the region.
  public struct StudentNode: Sendable, Equatable {
    /// Whether the node is active at some input of the region; a leaky node's kink is seen from both sides.
    public var isActive: Bool
    /// Largest |v_k . jump| of a boundary that meets its activation region, the jump of the slope of f* - f there; output^2 /
    /// (activation input).
    public var largestKink: Double
    /// The groups of boundaries that meet its activation region.
    public var groups: [Int]
    /// No |g_k(x)| of the region is larger; output^2 / activation.
    public var gradientBound: Double
    /// A larger bound, of the affine part and each boundary's kink as far as the region reaches across it: it cannot be small while
    /// one of these is not; output^2 / activation.
    public var kinkBound: Double
    /// Up to this its gradient counts as 0; output^2 / activation.
    public var gradientTolerance: Double
    /// The difference between the teacher's kink at its boundary and the student's, as a norm; output / input. nil without a boundary.
    public var kinkLeft: Double?
    /// Of a node whose boundary meets the region and is no teacher node's: how well the fan-outs of those observers of it span
    /// the outputs whose gradient vanishes. nil for others.
    public var vanishingSpan: FanOutSpan?

    /// The second statement's premise holds: the boundary carries nothing, up to what the tolerance leaves.
    public var isPredictedSilent: Bool { vanishingSpan?.isOfAllOutputs ?? false }
  }

  /// What the first statement says of a teacher node.
  public struct TeacherNode: Sendable, Equatable {
    /// Whether its boundary meets the region.
    public var isVisible: Bool
    /// Student nodes k that observe it in the region, with alpha_kj not 0.
    public var observers: [Int]
    /// Of those, the ones whose gradient vanishes in the region, while it could not without a student node on the boundary.
    public var witnesses: [Int]
    /// Student nodes on its boundary.
    public var aligned: [Int]
    /// The smallest ``StudentNode/kinkBound`` of an observer; output^2 / activation. Infinite without one.
    public var smallestBound: Double
    /// The smallest `kinkBound` of an observer as a multiple of its tolerance; at most 1 if one is within it. Infinite without an
    /// observer, and where nothing but 0 is within.
    public var smallestExcess: Double
    /// What the boundary's kink alone would make of the `kinkBound` of an observer if no student node were on it, as a multiple of its
    /// tolerance: the largest of the observers whose own is within it. 0 without one.
    public var loneKinkExcess: Double

    /// The premise holds: it is observed by a node whose gradient vanishes.
    public var isPredicted: Bool { !witnesses.isEmpty }
    /// What the statement concludes is so: nothing is predicted, or a student node is aligned.
    public var isHeld: Bool { !isPredicted || !aligned.isEmpty }
  }

  public let region: InputRegion
  /// Residuals along a node's fan-out, |v_k . (f* - f)| / ||v_k||, count as 0 up to this; output. So what counts as 0 does not depend
  /// on how a ReLU node is scaled.
  public let residualTolerance: Double
  /// By which boundaries are taken for one.
  public let groups: BoundaryGroups
  public let studentNodes: [StudentNode]
  public let teacherNodes: [TeacherNode]

  /// Decides the statements.
  ///
  /// - Parameters:
  ///   - tolerance: boundaries that are aligned for this eps, as a share of the region's radius, count as one.
  ///   - residualTolerance: gradients up to this times ||v_k|| count as 0; output.
  /// - Throws: ``ShapeError`` if a network has more than one hidden layer, or the student does not fit the teacher.
  /// - Complexity: O((teacher + student nodes)^2 (features + outputs)), and singular values of observers' fan-outs.
  /// - Source: the statements Tian 2020, arXiv:1909.13458; that a convex region decides them, derived
  ///   (Docs/Derivations/zero-gradient.md).
  public init(
    of student: Student, learning teacher: Teacher, within region: InputRegion, tolerance: Double = 1e-9,
    residualTolerance: Double
  ) throws(ShapeError) {
    let view = try RegionView(of: student, learning: teacher, within: region, tolerance: tolerance)
    self.residualTolerance = residualTolerance
    var nodes = (0..<view.student.nodeCount).map { view.node($0, residualTolerance: residualTolerance) }
    view.addSpans(to: &nodes)
    (studentNodes, groups) = (nodes, view.groups)
    teacherNodes = (0..<view.teacher.nodeCount).map { view.teacherNode($0, nodes) }
    self.region = region
  }
}
