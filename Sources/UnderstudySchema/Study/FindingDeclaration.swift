/// Something the study expects of its numbers, checked from the stored results alone.
public struct FindingDeclaration: Codable, Hashable, Sendable {
  /// The number that a finding looks at. What each is, and which measures it needs, stands in the table of statistics in
  /// UnderstudyFigures and in Docs/Studies.md.
  public enum Statistic: String, Codable, Hashable, Sendable, CaseIterable {
    case recoveredNodes, recoveredShare, logEvaluationLoss, strongFirst, armRatio, divergedShare
    case boundHeldShare, boundLooseness, boundShare, violationCount, predictedShare, foundShare, logAlignment
    case worstAlignment
    case logLargestGradient, logKinkBalance, logTrainingLoss, unalignedSlope, balanceSlope
    case observersPerNode, observerRecovery, alignmentOrder, alignmentSlope, alignmentDelay, alignedShare
    case sampleExponent
    case reachedShare, searchIterations, lowRankShare, matchedOnInputsShare, recoveredExactlyShare
    case logConstructedBarrier, logStraightBarrier, logMatchedBarrier, logPathExcess
    case epochsToCover, coveredShare, epochsToSmallLoss, logRatioLossToCover
    case layerCorrelation, layerMatchedShare, epochsToSpecialize, layerOrder, layerArmRatio
    case layerBelowShare, layerGain, layerWidthGain, layerTeacherGain
    case evaluationAccuracy, evaluationAgreement, accuracyLoss, accuracyTeacherGain

    /// Whether it looks at one hidden layer, which the finding has to name.
    public var needsLayer: Bool {
      switch self {
      case .layerBelowShare, .layerCorrelation, .layerMatchedShare, .epochsToSpecialize, .layerArmRatio, .layerGain,
        .layerWidthGain,
        .layerTeacherGain:
        true
      default: false
      }
    }
  }
  /// Two values of a key whose runs are compared, pair by pair: those that share the seed and every other key.
  public struct Comparison: Codable, Hashable, Sendable {
    /// What of a pair is looked at.
    public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
      /// The statistic of the first minus that of the second; the mean over pairs.
      case difference
      /// The first divided by the second; the geometric mean over pairs.
      case ratio
    }
    /// Its path.
    public var key: String
    public var first: KeyValue
    public var second: KeyValue
    public var kind: Kind

    public init(key: String, first: KeyValue, second: KeyValue, kind: Kind = .difference) {
      (self.key, self.first, self.second, self.kind) = (key, first, second, kind)
    }
  }

  public var statement: String
  public var statistic: Statistic
  /// nil: the statistic itself is looked at.
  public var comparison: Comparison?
  /// nil: the last epoch of each run, or what the statistic says.
  public var epoch: Int?
  /// The hidden layer, from 1, the lowest; of the statistics that look at one, nil for all others.
  public var layer: Int?
  /// Of `sampleExponent`; nil: the input dimension.
  public var against: SampleAxis?
  public var selection: [String: [KeyValue]]
  /// The name of the figure that shows it; nil: one is looked for among those of the study.
  public var figure: String?
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
