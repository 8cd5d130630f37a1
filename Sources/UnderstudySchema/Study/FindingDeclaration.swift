/// Something the study expects of its numbers, checked from the stored results alone.
public struct FindingDeclaration: Codable, Hashable, Sendable {
  /// The number that a finding looks at.
  public enum Statistic: String, Codable, Hashable, Sendable, CaseIterable {
    /// Mean over runs of the number of teacher nodes with max_k rho_jk > 0.95 on evaluation inputs.
    case recoveredNodes
    /// The same as a share of all teacher nodes, 0...1.
    case recoveredShare
    /// Mean over runs of log10 of the evaluation loss.
    case logEvaluationLoss
    /// Spearman rank correlation of teacher node index with its share of seeds recovered; -1: strong nodes (low index) first.
    case strongFirst
    /// L-shape: median over runs of ||v_k|| of student nodes with best rho > 0.95, divided by that of nodes with best rho < 0.8.
    case armRatio
    /// Share of runs that diverged, 0...1.
    case divergedShare
    /// Of the teacher nodes with a prediction, the share whose alignment is at most the predicted one (or below 1e-12),
    /// 0...1; over runs, and over all recorded epochs unless one is given.
    case boundHeldShare
    /// Median of log10(predicted / measured alignment) over the same nodes; measured values below 1e-16 count as that.
    case boundLooseness
    /// Number of verdicts "violation", over runs, and over all recorded epochs unless one is given.
    case violationCount
    /// Slope of log10 of the median strength ||v_k|| ||w_k|| of unaligned student nodes (alignment > 0.3) against log10 of
    /// the largest gradient; a point for each run and recorded epoch. Of each setting, then the mean over settings.
    case unalignedSlope
    /// The same for the median kink balance of all student nodes.
    case balanceSlope
    /// Mean number of observers of a teacher node.
    case observersPerNode
    /// Spearman rank correlation of a teacher node's observers at the first recorded epoch with its being recovered (1 or
    /// 0) at the last, over the nodes of all seeds of each setting, then the mean over settings. Those in which either does
    /// not vary are left out.
    case observerRecovery
    /// Spearman rank correlation of teacher node index with the median over seeds of the first epoch with alignment <= 0.1;
    /// never ranks last. 1: strong nodes (low index) first.
    case alignmentOrder
    /// Mean share of teacher nodes with alignment <= 0.1, 0...1.
    case alignedShare
    /// Exponent in the input dimension of the number of samples that aligns 90 % of the teacher nodes.
    case sampleExponent
    /// Share of runs whose finishing stage reached its gradient target, 0...1.
    case reachedShare
    /// Of the teacher nodes that are not learned, the share whose verdict is "inputs of low rank", 0...1.
    case lowRankShare
    /// Share of runs whose student, merged, is the teacher with weight errors of at most 1e-9, 0...1.
    case recoveredExactlyShare
    /// Median over runs of log10 of the largest loss on the constructed path, on the straight line, on the straight line
    /// after matching.
    case logConstructedBarrier, logStraightBarrier, logMatchedBarrier
    /// Median over runs of the first recorded epoch at which every teacher node is recovered.
    case epochsToCover
    /// Median over runs of log10 of (first epoch with a millionth of the initial evaluation loss / epoch of cover).
    case logRatioLossToCover
    /// Mean over runs, and over the teacher nodes of one hidden layer, of the best rho with a student node of that layer.
    case layerCorrelation
    /// Mean over runs of the share of that layer's teacher nodes with best rho > 0.9, 0...1.
    case layerMatchedShare
    /// Median over runs of the first recorded epoch at which the mean best rho of the layer is at least 0.95.
    case epochsToSpecialize
    /// Spearman rank correlation of the hidden layer's number with the median over runs of that epoch, never being last;
    /// of each setting, then the mean over settings. 1: from the bottom up.
    case layerOrder
    /// The L-shape of one hidden layer: median strength sqrt(E[beta_kk]) of student nodes with best rho > 0.95, divided by
    /// that of live nodes with best rho < 0.8, over the nodes of all runs.
    case layerArmRatio

    /// Whether it looks at one hidden layer, which the finding has to name.
    public var needsLayer: Bool {
      switch self {
      case .layerCorrelation, .layerMatchedShare, .epochsToSpecialize, .layerArmRatio: true
      default: false
      }
    }
  }
  public var statement: String
  public var statistic: Statistic
  /// nil: the last epoch of each run, or what the statistic says.
  public var epoch: Int?
  /// The hidden layer, from 1, the lowest; of the statistics that look at one, nil for all others.
  public var layer: Int?
  public var selection: [String: [KeyValue]]
  /// Either bound may be missing.
  public var atLeast: Double?
  public var atMost: Double?

  public init(
    statement: String, statistic: Statistic, epoch: Int? = nil, layer: Int? = nil,
    selection: [String: [KeyValue]] = [:], atLeast: Double? = nil, atMost: Double? = nil
  ) {
    self.statement = statement
    self.statistic = statistic
    self.epoch = epoch
    self.layer = layer
    self.selection = selection
    self.atLeast = atLeast
    self.atMost = atMost
  }
}
