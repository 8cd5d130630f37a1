import UnderstudyNetworks
import UnderstudyNumerics

/// The statements of zero gradients over all inputs of a region, held against a student: infinite data.
public struct RegionAudit: Sendable {
  public var region: InputRegion
  /// Up to this a student node counts as aligned with a teacher node, in units of the input.
  public var band: Double
  /// Gradients up to this times ||v_k|| count as 0; output.
  public var residualTolerance: Double
  public var gradient: RegionGradient
  public var found: FoundGradients
  public var alignment: BoundaryAlignment
  /// ||v*_j|| ||w*_j||, `[teacher node]`; output / input.
  public var teacherStrengths: [Double]
  /// ||v_k|| ||w_k||, `[student node]`; output / input.
  public var studentStrengths: [Double]
  /// `[teacher node]`
  public var verdicts: [Verdict]

  /// Whether a student node's gradient vanishes at all inputs of the region; nil if neither of the two bounds says so.
  public func vanishes(_ k: Int) -> Bool? {
    let node = gradient.studentNodes[k]
    if node.gradientBound <= node.gradientTolerance { return true }
    if found.isExact { return found.largest[k] <= node.gradientTolerance }
    return found.largest[k] > node.gradientTolerance ? false : nil
  }
}

/// How many inputs are drawn in a region.
let regionInputCount = 10_000

/// Audits a student over all inputs of a region: which teacher nodes are observed there and by whom, which gradients vanish, and
/// whether what the statements conclude is so.
///
/// - Parameters:
///   - band: up to which distance of boundaries a student node counts as aligned; a share is one of the region's spread.
///   - residualTolerance: gradients up to this times ||v_k|| count as 0; output. nil: 1e-9 of the root mean square of the teacher's
///     outputs in the region, which is what rounding leaves.
/// - Throws: ``ShapeError`` if a network has more than one hidden layer, the student does not fit the teacher, or a number is not
///   finite.
/// - Complexity: O((teacher + student nodes)^2 (features + outputs)) and 10 000 forward passes of each; in the plane
///   O((teacher + student nodes)^2) more.
/// - Source: Tian 2020, arXiv:1909.13458, the statements on open sets; see the derivation of the zero-gradient statements.
public func regionAudit(
  of student: Student, learning teacher: Teacher, within region: InputRegion, band: BandWidth = .standard,
  residualTolerance: Double? = nil
) throws(ShapeError) -> RegionAudit {
  try checkPair(teacher, student)
  try checkHasBoundaries(teacher, student)
  var search = try GradientSearch(of: student, learning: teacher, within: region)
  let features = student.network.inputCount
  let inputs = region.evenInputs(regionInputCount, featureCount: features, key: 1)
  let targets = try teacher.network.outputs(for: inputs)
  guard targets.isFinite, try student.network.outputs(for: inputs).isFinite else {
    throw ShapeError(
      "outputs overflow in the region: weights or the region are too large; rescale them to ordinary sizes")
  }
  let tolerance = residualTolerance ?? 1e-9 * targets.rootMeanSquare
  let spread = region.spread(featureCount: features)
  let gradient = try RegionGradient(of: student, learning: teacher, within: region, residualTolerance: tolerance)
  var audit = RegionAudit(
    region: region, band: band.length(spread: spread), residualTolerance: tolerance, gradient: gradient,
    found: try search.found(over: inputs, tolerances: gradient.studentNodes.map(\.gradientTolerance)),
    alignment: try alignment(of: teacher, with: student, spread: spread),
    teacherStrengths: try boundaryStrengths(of: teacher.network),
    studentStrengths: try boundaryStrengths(of: student.network), verdicts: [])
  guard audit.isFinite else {
    throw ShapeError(
      "gradients or strengths overflow: weights or the region are too large; rescale them to ordinary sizes")
  }
  audit.verdicts = gradient.teacherNodes.indices.map(audit.verdict)
  return audit
}

extension RegionAudit {
  /// Whether all that is reported is a number. Without boundaries or observers distances and bounds are infinite on purpose.
  fileprivate var isFinite: Bool {
    let nodes = gradient.studentNodes
    return residualTolerance.isFinite && (teacherStrengths + studentStrengths + found.largest).allSatisfy(\.isFinite)
      && nodes.allSatisfy {
        $0.gradientBound.isFinite && $0.kinkBound.isFinite && $0.gradientTolerance.isFinite
          && ($0.kinkLeft ?? 0).isFinite
      }
      && nodes.allSatisfy { $0.vanishingSpan?.smallest.isFinite ?? true }
  }

  /// Holds what the first statement concludes of a teacher node against what is there.
  func verdict(_ j: Int) -> Verdict {
    let node = gradient.teacherNodes[j]
    guard node.isVisible else { return .notLearned(.invisible) }
    let distance = alignment.bestStudent(of: j).map { alignment.epsilon(ofTeacherNode: j, studentNode: $0) }
    guard node.isHeld else {
      return .violation("the gradient of a node that observes it vanishes, and no student node is on its boundary")
    }
    if node.isPredicted { return .predictedAndFound(eps: distance ?? 0) }
    if let distance, distance <= band { return .foundThoughNotPredicted }
    if node.observers.isEmpty { return .notLearned(.noObserver) }
    if node.smallestExcess > 1 { return .notLearned(.gradientTooLarge(factor: node.smallestExcess)) }
    return .notLearned(.weakAlpha(timesWeaker: 1 / node.loneKinkExcess))
  }
}
