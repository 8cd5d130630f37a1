/// What an audit of a student over images found, as it is printed: which nodes of what it learnt from it did not learn, and which of
/// its own do nothing. Nodes and layers are numbered from 1, the lowest layer first; a channel is a node.
public struct ChannelAuditRecord: Codable, Hashable, Sendable {
  /// Of Understudy.
  public var version = ""
  public var machine = ""
  /// What was audited: paths, or the run's name.
  public var teacherName = ""
  public var studentName = ""
  public var imagesName = ""
  /// Images that correlations and effects are taken over, and those for strengths.
  public var imageCount = 0
  public var strengthImageCount = 0
  /// The best rho from which on a node counts as learnt, or aligned.
  public var learnedAt = 0.0
  /// The share of the layer's largest effect below which an unaligned student node counts as silent.
  public var silentBelow = 0.0
  public var layers: [Layer] = []
  /// The theory's audit, of fully connected networks, over training images. Absent for networks with convolutions, or if it was
  /// not asked for.
  public var theory: AuditRecord?

  public init() {}

  /// One hidden layer.
  public struct Layer: Codable, Hashable, Sendable {
    public var layer: Int
    /// Teacher nodes with a best rho of ``ChannelAuditRecord/learnedAt`` or more.
    public var learnedCount: Int
    /// Those with less; dead ones are neither.
    public var unlearnedCount: Int
    /// What these have of the summed effects of the layer's teacher nodes.
    public var unlearnedShare: Double
    /// Student nodes with such a best rho.
    public var alignedCount: Int
    /// Student nodes that are neither aligned nor dead, and nearly silent.
    public var silentCount: Int
    public var deadCount: Int
    public var teacherNodes: [Node]
    public var studentNodes: [Node]

    public init(
      layer: Int, learnedCount: Int, unlearnedCount: Int, unlearnedShare: Double, alignedCount: Int, silentCount: Int,
      deadCount: Int, teacherNodes: [Node], studentNodes: [Node]
    ) {
      (self.layer, self.learnedCount, self.unlearnedCount) = (layer, learnedCount, unlearnedCount)
      (self.unlearnedShare, self.alignedCount) = (unlearnedShare, alignedCount)
      (self.silentCount, self.deadCount) = (silentCount, deadCount)
      (self.teacherNodes, self.studentNodes) = (teacherNodes, studentNodes)
    }
  }

  /// A node of either network.
  public struct Node: Codable, Hashable, Sendable {
    /// What an audit calls a node.
    public enum State: String, Codable, Hashable, Sendable {
      /// A teacher node with a student node that follows it; a student node that follows a teacher node.
      case learned, aligned
      /// A teacher node without; a student node that follows none, and one that does nothing besides.
      case unlearned, unaligned, silent
      /// Its activation does not vary.
      case dead
    }

    public var node: Int
    public var state: State
    /// The best rho with a node of the other network, and which has it; absent where nothing varies.
    public var correlation: Double
    public var partner: Int?
    /// sqrt(E[beta_kk]), output / activation.
    public var strength: Double
    /// Strength times the standard deviation of the activation.
    public var effect: Double
    /// Of the summed effects of the layer's nodes of the same network.
    public var share: Double
    /// Of the largest of these effects.
    public var relativeEffect: Double

    public init(
      node: Int, state: State, correlation: Double, partner: Int?, strength: Double, effect: Double, share: Double,
      relativeEffect: Double
    ) {
      (self.node, self.state, self.correlation, self.partner) = (node, state, correlation, partner)
      (self.strength, self.effect, self.share, self.relativeEffect) = (strength, effect, share, relativeEffect)
    }
  }
}
