/// The finite-data statement held against one teacher node.
public struct TeacherNodeAudit: Sendable {
  /// Student nodes that observe it in each band: kappa > 0, or leaky, and alpha not 0. `[band]`.
  public var observers: [[Observer]]
  /// The observer with the largest |alpha_kj| ||w*_j|| ||w_k|| in the widest band, c times where it is inactive there.
  public var bestObserver: Int?
  /// Its ``Observer/alpha``; 0 without an observer.
  public var bestAlpha: Double
  /// Rank of the observers' fan-out weights in the widest band.
  public var observerRank: Int
  /// The smallest eps over the bands that the gradients on D' allow, were there enough samples for it; nil without an
  /// observer.
  public var gradientAgnostic: Double?
  public var gradientAware: Double?
  /// The smallest eps that the statement, solved for eps, predicts; nil where it predicts nothing, because another condition
  /// fails.
  ///
  /// The statement for an eps speaks of copies moved by about eps and of a number of samples that grows like 1 / eps. So
  /// gradients on copies moved by a band's width predict no eps below that width, and only if the band has d + 1 samples:
  /// between fewer samples, student nodes may straddle the boundary without a trace of gradient. The number of samples that
  /// the statement asks for is not known, so this is a prediction, and no proof.
  public var predicted: Double?
  /// The smallest eps over the bands that kink witnesses prove, see ``AlignmentProof``; nil where they prove nothing.
  public var proven: Double?
  /// The student node nearest to alignment; nil if the teacher node or every student node is without a boundary.
  public var alignedStudent: Int?
  public var relation: BoundaryRelation?
  /// The smallest eps for which they are eps-aligned, in units of the input; nil as ``alignedStudent``.
  public var alignment: Double?
  /// The sine of the angle between the two boundaries as the inputs see it, see `InputDiagnosis.seenSine`; nil also
  /// where one of the nodes does not vary.
  public var seenSine: Double?
  /// The student node whose activation has the largest correlation with the teacher node's over the inputs; nil of a dead node.
  public var correlatedStudent: Int?
  /// `spread sqrt(1 - rho^2)` of that correlation: what is left of the teacher node's activation when the student node's, scaled
  /// and shifted, is taken from it, in units in which the activation's deviation is the inputs' spread. Two nodes at an angle
  /// theta have about `spread sin(theta)` over inputs that vary equally along all directions, so it is held against the band
  /// as an alignment is. nil as `correlatedStudent`, and where no correlation is positive.
  public var mismatch: Double?
  /// Its partner in the one-to-one matching.
  public var matchedStudent: Int?
  public var verdict: Verdict
}

/// A student node that observes a teacher node.
public struct Observer: Sendable, Equatable {
  public var student: Int
  /// The share of the samples in the band at which it is active; 0 only of leaky nodes.
  public var kappa: Double
  /// |alpha_kj| ||w*_j||, above 0; in deeper networks the smallest over the regions met. Of a leaky node with a kappa of 0 c times
  /// that, which is what its gradient has of the kink.
  public var alpha: Double
}

/// What a student node is to the teacher, and whether it is needed.
public struct StudentNodeAudit: Sendable {
  /// The teacher node nearest to alignment; nil if the student node, or every teacher node, is without a boundary.
  public var nearestTeacher: Int?
  public var relation: BoundaryRelation?
  /// The smallest eps for which they are eps-aligned, in units of the input; nil as ``nearestTeacher``.
  public var alignment: Double?
  /// Whether they are aligned for the widest band's eps.
  public var isAligned: Bool
  /// The teacher node whose function it has on inputs of low rank, if it is aligned with none; see
  /// ``Verdict/matchedOnInputs(rank:dimension:)``.
  public var matchedTeacher: Int?
  /// The activation does not vary over the inputs.
  public var isDead: Bool
  /// sqrt(E[beta_kk]), in two layers ||v_k||.
  public var fanOutNorm: Double
  /// The same times ||w_k||.
  public var strength: Double
  /// The norm of the kink that is left at its boundary; see ``KinkBalance``.
  public var kinkBalance: Double
  /// Its boundary group, from 0; nil for a node without a boundary.
  public var group: Int?
  /// How well the fan-out weights of the student nodes that observe its boundary span the outputs; nil if the audit left it out,
  /// for a node without a boundary, and where no input is in its band.
  public var observerSpan: FanOutSpan?
  /// What its boundary carries, of the strength of the strongest teacher node: ``kinkBalance`` divided by that.
  public var carriedShare: Double
  /// The statement on unaligned student nodes, held against it; nil for a node that is aligned with a teacher node, and where
  /// ``observerSpan`` is nil.
  public var unaligned: UnalignedVerdict?
}

/// The statement on student nodes that are aligned with no teacher node, held against one: if the gradients vanish, and the fan-out
/// weights of those that observe its boundary span the outputs, the boundary carries nothing: `sum of v_k ||w_k||` over its nodes
/// is 0.
public enum UnalignedVerdict: String, Sendable, CaseIterable {
  /// The fan-outs span the outputs, and the boundary carries nothing.
  case predictedAndEmpty
  /// The boundary carries nothing, though they do not.
  case emptyThoughNotPredicted
  /// The boundary carries something, and they do not span the outputs.
  case notSpanned
  /// They do, and it carries something: the gradients do not vanish, or not on all of an open set.
  case notEmpty

  /// - Parameters:
  ///   - carried: what the boundary carries, as a share of the strongest teacher node's strength.
  ///   - limit: what counts as nothing.
  init(_ span: FanOutSpan, carried: Double, limit: Double) {
    self =
      carried <= limit
      ? span.isOfAllOutputs ? .predictedAndEmpty : .emptyThoughNotPredicted
      : span.isOfAllOutputs ? .notEmpty : .notSpanned
  }
}
