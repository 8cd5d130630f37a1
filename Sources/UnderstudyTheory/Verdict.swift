/// What became of a teacher node, held against what the finite-data statement says.
public enum Verdict: Sendable, Equatable {
  /// The conditions hold for this eps, and a student node is eps-aligned.
  case predictedAndFound(eps: Double)
  /// A student node is aligned, though the conditions do not promise it.
  case foundThoughNotPredicted
  /// No student node is aligned; the first condition that fails.
  case notLearned(Cause)
  /// The conditions hold and the conclusion fails: either the measurements belong to different students, or the program or
  /// the theorem is wrong. Must never be seen.
  case violation(String)

  /// The first condition that fails, in the order of the cases.
  public enum Cause: Sendable, Equatable {
    case dead
    case invisible
    /// Another teacher node's boundary is within the band.
    case notSeparated(from: Int)
    case lowRankInputs(rank: Int, dimension: Int)
    /// Too few samples in its band, or too few of them are witnesses of its kink.
    case tooFewSamples(found: Int, needed: Int, areWitnesses: Bool)
    case noObserver
    /// The gradients would be small enough if the node were as strong as the strongest, which has so many times its alpha.
    case weakAlpha(timesWeaker: Double)
    /// All else holds so far; the gradients over both augmentations were left out, see ``AuditEffort``.
    case gradientsNotMeasured
    /// The gradients are so many times too large.
    case gradientTooLarge(factor: Double)
  }

  public var isFound: Bool {
    switch self {
    case .predictedAndFound, .foundThoughNotPredicted: true
    case .notLearned, .violation: false
    }
  }
}

/// What was measured of a teacher node and decides its verdict.
struct NodeEvidence: Equatable {
  struct Band: Equatable {
    /// eps
    var width: Double
    /// Directions along which the inputs vary by more than eps.
    var rank: Int
    /// Another teacher node that is eps-aligned with this one.
    var neighbour: Int?
    var sampleCount: Int
    var observerCount: Int
    /// The largest |alpha_kj| over the observers.
    var bestAlpha: Double
    /// The largest |alpha| that any teacher node has with its observers.
    var strongestAlpha: Double
    /// The eps that the gradients on D' predict: the smaller of both augmentations'; nil without an observer, infinite if they were left out.
    var predicted: Double?
    var witnessCount: Int
    var unexplainedCount: Int
  }

  var isDead: Bool
  var isVisible: Bool
  var dimension: Int
  /// From narrow to wide; at least one.
  var bands: [Band]
  /// The smallest eps for which a student node is aligned.
  var measured: Double
}

extension NodeEvidence {
  /// Holds the evidence against the statement.
  ///
  /// The bound on the number of samples has constants that the source does not give. It counts as met where the kink test
  /// has at least d + 1 witnesses, as many as over-determine a hyperplane: the test is exact, and finds them only where the
  /// data are dense enough around the boundary.
  var verdict: Verdict {
    if let band = bands.first(where: { $0.unexplainedCount > 0 }) {
      return .violation(
        "\(band.unexplainedCount) witnesses within \(band.width) of its boundary, and no student's boundary near them")
    }
    let predicted = bands.filter { firstFailure(in: $0) == nil }
    if let band = predicted.first(where: { measured > $0.width }) {
      return .violation("all conditions hold for eps = \(band.width), and no student node is aligned so well")
    }
    if let band = predicted.first { return .predictedAndFound(eps: band.width) }
    guard let widest = bands.last, measured > widest.width else { return .foundThoughNotPredicted }
    return firstFailure(in: widest).map { .notLearned($0) } ?? .foundThoughNotPredicted
  }

  /// The smallest eps that the statement promises: see ``TeacherNodeAudit/predicted``.
  var predicted: Double? {
    bands.compactMap { band in
      switch firstFailure(in: band) {
      case nil: band.width
      // All that is asked of node and data holds; the gradients promise another eps than the band's.
      case .weakAlpha, .gradientTooLarge: band.predicted
      default: nil
      }
    }.min()
  }

  private func firstFailure(in band: Band) -> Verdict.Cause? {
    let needed = dimension + 1
    if isDead { return .dead }
    if !isVisible { return .invisible }
    if let neighbour = band.neighbour { return .notSeparated(from: neighbour) }
    if band.rank < dimension { return .lowRankInputs(rank: band.rank, dimension: dimension) }
    if band.sampleCount < needed {
      return .tooFewSamples(found: band.sampleCount, needed: needed, areWitnesses: false)
    }
    guard let predicted = band.predicted, band.observerCount > 0 else { return .noObserver }
    guard predicted < .infinity else { return .gradientsNotMeasured }
    if predicted > band.width {
      // eps predicted is inversely proportional to alpha.
      let asStrongest = predicted * band.bestAlpha / band.strongestAlpha
      return asStrongest <= band.width
        ? .weakAlpha(timesWeaker: band.strongestAlpha / band.bestAlpha)
        : .gradientTooLarge(factor: predicted / band.width)
    }
    if band.witnessCount < needed {
      return .tooFewSamples(found: band.witnessCount, needed: needed, areWitnesses: true)
    }
    return nil
  }
}
