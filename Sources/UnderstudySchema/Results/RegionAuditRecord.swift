/// What an audit of a student over all inputs of a region found, as it is printed: the zero-gradient statements without samples.
/// Nodes are numbered from 1. Lengths are in units of the inputs, with first-layer rows of unit norm; gradients in output^2 /
/// activation.
public struct RegionAuditRecord: Codable, Hashable, Sendable {
  /// Of Understudy.
  public var version = ""
  public var machine = ""
  /// What was audited: paths, or the run's name.
  public var teacherName = ""
  public var studentName = ""
  /// Of a ball around 0.
  public var radius: Double?
  /// Of a box: the bounds of every feature.
  public var lowest: Double?
  public var highest: Double?
  /// d, features of an input.
  public var inputDimension = 0
  /// C, outputs.
  public var outputDimension = 0
  /// Up to which distance of boundaries a student node counts as aligned.
  public var band = 0.0
  /// Gradients up to this times ||v_k|| count as 0; in units of the output.
  public var tolerance = 0.0
  /// Inputs that fill the region evenly, for shares.
  public var inputCount = 0
  /// Whether the largest gradients are exact, as in the plane, or those of the inputs.
  public var isExact = false
  public var teacherNodes: [TeacherNode] = []
  public var studentNodes: [StudentNode] = []

  public init() {}

  /// A teacher node: who observes it in the region, and what follows.
  public struct TeacherNode: Codable, Hashable, Sendable {
    /// j, from 1.
    public var node: Int
    /// Whether its boundary meets the region.
    public var isVisible: Bool
    /// ||v*_j|| ||w*_j||.
    public var strength: Double
    /// Student nodes that observe it, alpha_kj not 0.
    public var observers: [Int]
    /// Of those, the ones whose gradient vanishes, while it could not without a student node on the boundary.
    public var witnesses: [Int]
    /// Student nodes on its boundary, up to rounding.
    public var onBoundary: [Int]
    /// The student node with the smallest alignment, and its eps; absent without one.
    public var alignedStudent: Int?
    public var alignment: Double?
    /// The smallest `kinkBound` of an observer; absent without one.
    public var smallestBound: Double?
    public var verdict: AuditVerdict
    /// The verdict as a sentence for people.
    public var reason: String

    public init(
      node: Int, isVisible: Bool, strength: Double, observers: [Int], witnesses: [Int], onBoundary: [Int],
      alignedStudent: Int?, alignment: Double?, smallestBound: Double?, verdict: AuditVerdict, reason: String
    ) {
      (self.node, self.isVisible, self.strength, self.observers) = (node, isVisible, strength, observers)
      (self.witnesses, self.onBoundary) = (witnesses, onBoundary)
      (self.alignedStudent, self.alignment, self.smallestBound) = (alignedStudent, alignment, smallestBound)
      (self.verdict, self.reason) = (verdict, reason)
    }
  }

  /// A student node: where it is active, how large its gradient is, and what its boundary carries.
  public struct StudentNode: Codable, Hashable, Sendable {
    /// k, from 1.
    public var node: Int
    /// ||v_k|| ||w_k||.
    public var strength: Double
    /// The share of the inputs at which it is active, 0...1.
    public var activeShare: Double
    /// Of those, the share at which its gradient is within the tolerance, 0...1.
    public var vanishingShare: Double
    /// The largest gradient that was found, and one that no input of the region exceeds.
    public var largestGradient: Double
    public var gradientBound: Double
    /// A larger bound, which takes each kink by itself: small only if every kink is.
    public var kinkBound: Double
    /// Up to this its gradient counts as 0.
    public var gradientTolerance: Double
    /// Whether its gradient is within the tolerance at all inputs; absent if neither number says so.
    public var vanishes: Bool?
    /// Teacher nodes on its boundary, up to rounding.
    public var onBoundary: [Int]
    /// The difference between the teacher's kink at its boundary and the student's, output / input; absent without a boundary.
    public var kinkLeft: Double?
    /// Of a boundary of its own that meets the region: the smallest singular value of the unit fan-outs of those observers whose
    /// gradient vanishes, and how many these are. Absent for others.
    public var observerSpan: Double?
    public var vanishingObserverCount: Int?
    /// Whether these span the outputs: then its boundary carries nothing.
    public var isPredictedSilent: Bool

    public init(
      node: Int, strength: Double, activeShare: Double, vanishingShare: Double, largestGradient: Double,
      gradientBound: Double, kinkBound: Double, gradientTolerance: Double, vanishes: Bool?, onBoundary: [Int],
      kinkLeft: Double?,
      observerSpan: Double?,
      vanishingObserverCount: Int?, isPredictedSilent: Bool
    ) {
      (self.node, self.strength, self.activeShare, self.vanishingShare) = (node, strength, activeShare, vanishingShare)
      (self.largestGradient, self.gradientBound, self.vanishes) = (largestGradient, gradientBound, vanishes)
      (self.kinkBound, self.onBoundary, self.kinkLeft) = (kinkBound, onBoundary, kinkLeft)
      self.gradientTolerance = gradientTolerance
      (self.observerSpan, self.vanishingObserverCount) = (observerSpan, vanishingObserverCount)
      self.isPredictedSilent = isPredictedSilent
    }
  }
}
