import UnderstudyNetworks
import UnderstudyNumerics

/// What a student over images learnt of its teacher, node by node: which teacher nodes no student node follows, and which student
/// nodes follow none and do nothing. A channel is a node, and each position of its map a sample.
public struct ChannelAudit: Sendable, Equatable {
  /// The nodes of one network in one hidden layer.
  public struct Nodes: Sendable, Equatable {
    /// The best rho with a node of the other network, `[node]`; 0 of a dead node.
    public var correlations: [Double]
    /// The node of the other network that has it, `[node]`; nil of a dead node, or where all of the others are dead.
    public var partners: [Int?]
    /// `sqrt(E[beta_kk])`, `[node]`; see ``channelStrengths(of:over:count:isCancelled:)``.
    public var strengths: [Double]
    /// Strength times the standard deviation of the activation, `[node]`: what the node's usual variation at one position does to
    /// the outputs. Unlike the strength it does not depend on the node's scale.
    public var effects: [Double]
    /// Nodes whose activation does not vary over images and positions.
    public var dead: Set<Int>

    /// Each effect as a share of their sum.
    public var shares: [Double] {
      let sum = effects.reduce(0, +)
      return effects.map { sum > 0 ? $0 / sum : 0 }
    }

    /// Each effect as a share of the largest.
    public var relativeEffects: [Double] {
      let largest = effects.reduce(0, max)
      return effects.map { largest > 0 ? $0 / largest : 0 }
    }

    /// The nodes that have a partner with this rho or more.
    public func aligned(at threshold: Double) -> [Int] {
      correlations.indices.filter { !dead.contains($0) && correlations[$0] >= threshold }
    }

    /// The nodes that vary and have no such partner.
    public func unaligned(at threshold: Double) -> [Int] {
      correlations.indices.filter { !dead.contains($0) && correlations[$0] < threshold }
    }
  }

  /// The nodes of both networks in one hidden layer.
  public struct Layer: Sendable, Equatable {
    public var teacher: Nodes
    public var student: Nodes
  }

  /// Lowest first.
  public var layers: [Layer]
  /// Images that correlations and effects are taken over.
  public var imageCount: Int
  /// Images that strengths are taken over.
  public var strengthImageCount: Int

  /// The first images that correlations are taken over, at most.
  public static let correlatedCount = 2000
}

/// Audits a student over images.
///
/// - Parameters:
///   - images: the first ``ChannelAudit/correlatedCount`` of them are used, and the first ``channelStrengthCount`` for strengths.
///   - progress: told what is being measured.
/// - Units: strengths in output / activation, effects in those of the outputs.
/// - Throws: ``ShapeError`` if the student does not fit the teacher.
/// - Complexity: as of ``channelCorrelations(of:with:over:count:isCancelled:)``, and of
///   ``channelStrengths(of:over:count:isCancelled:)`` for both networks.
public func channelAudit(
  of student: ImageEvaluator, learning teacher: ImageEvaluator, over images: ImageBatcher,
  progress: (String) -> Void = { _ in }
) throws(ShapeError) -> ChannelAudit {
  progress("correlations")
  let never = { false }
  let count = min(ChannelAudit.correlatedCount, images.set.count)
  let sums = try channelSums(of: teacher, with: student, over: images, count: count, isCancelled: never) ?? []
  progress("strengths of the teacher")
  let ours = channelStrengths(of: teacher, over: images) ?? []
  progress("strengths of the student")
  let theirs = channelStrengths(of: student, over: images) ?? []
  let layers = sums.indices.map { layer in
    let (correlation, deviations) = (NodeCorrelation(sums[layer]), sums[layer].deviations)
    return ChannelAudit.Layer(
      teacher: .init(
        correlations: correlation.bestOfTeacherNodes, partners: correlation.matches, strengths: ours[layer],
        effects: zip(ours[layer], deviations.first).map(*), dead: Set(correlation.deadTeacherNodes)),
      student: .init(
        correlations: correlation.bestOfStudentNodes, partners: correlation.studentMatches, strengths: theirs[layer],
        effects: zip(theirs[layer], deviations.second).map(*), dead: Set(correlation.deadStudentNodes)))
  }
  return ChannelAudit(
    layers: layers, imageCount: count, strengthImageCount: min(channelStrengthCount, images.set.count))
}
