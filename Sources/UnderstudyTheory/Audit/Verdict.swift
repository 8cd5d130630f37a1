/// What became of a teacher node, held against what the finite-data statement says.
public enum Verdict: Sendable, Equatable {
  /// The conditions hold, kink witnesses prove that a student node is aligned for this eps, and one is within the widest band.
  case predictedAndFound(eps: Double)
  /// A student node is aligned, though not all of the conditions hold.
  case foundThoughNotPredicted
  /// No student node is aligned, but one has the node's function on the inputs, and these are of low rank for the widest band:
  /// they vary by more than its width along `rank` of `dimension` directions, so the node's weights are not determined.
  case matchedOnInputs(rank: Int, dimension: Int)
  /// No student node is aligned; the first condition that fails.
  case notLearned(Cause)
  /// What kink witnesses prove is not so: either the measurements belong to different students, or the program is wrong. Must
  /// never be seen.
  case violation(String)

  /// The first condition that fails, in the order of the cases.
  public enum Cause: Sendable, Equatable {
    case dead
    case invisible
    /// Another teacher node's boundary is within the band.
    case notSeparated(from: Int)
    case lowRankInputs(rank: Int, dimension: Int)
    /// Too few samples in its band, or too few of them are witnesses of its kink that one student node explains.
    case tooFewSamples(found: Int, needed: Int, areWitnesses: Bool)
    /// The witnesses lie too close together for the band's width to determine the direction of a boundary.
    case thinWitnesses(count: Int)
    case noObserver
    /// The gradients would be small enough if the node were as strong as the strongest, which has so many times its alpha.
    case weakAlpha(timesWeaker: Double)
    /// All else holds so far; the gradients over both augmentations, or those over the teacher-aware copies that bear witness,
    /// were left out, see ``AuditEffort``.
    case gradientsNotMeasured
    /// The gradients are so many times too large.
    case gradientTooLarge(factor: Double)
    /// The conditions hold, but a student node is proven to be near to this eps only, which is wider than the band, and none
    /// is within the band.
    case provenOnlyTo(eps: Double)
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
    /// The eps that the gradients on D' predict: the smaller of both augmentations'; nil without an observer, infinite if they
    /// were left out.
    var predicted: Double?
    /// Witnesses that the student node explains which explains most; nil if they were left out.
    var witnessCount: Int?
    var unexplainedCount: Int
    /// What those prove; nil if nothing.
    var proof: Proof?
  }

  struct Proof: Equatable {
    var eps: Double
    /// The boundaries are further apart than proven: an impossibility.
    var isBroken: Bool
  }

  var isDead: Bool
  var isVisible: Bool
  var dimension: Int
  /// From narrow to wide; at least one.
  var bands: [Band]
  /// The smallest eps for which a student node is aligned.
  var measured: Double
  /// See ``TeacherNodeAudit/mismatch``; infinite where there is none.
  var mismatch = Double.infinity
}

extension NodeEvidence {
  /// Holds the evidence against the statement.
  ///
  /// The bound on the number of samples has constants that the source does not give. It counts as met where one student node
  /// explains at least d + 1 kink witnesses, as many as over-determine a hyperplane, and these prove that its boundary is
  /// near: the test is exact, and succeeds only where the data are dense enough around the boundary. What is proven is wider
  /// than the band (two boundaries within a step of the same samples are within two of each other), and only what is proven
  /// can be violated.
  var verdict: Verdict {
    if let band = bands.first(where: { $0.unexplainedCount > 0 }) {
      return .violation(
        "\(band.unexplainedCount) witnesses within \(band.width) of its boundary, and no student's boundary near them")
    }
    if let proof = bands.lazy.compactMap(\.proof).first(where: \.isBroken) {
      return .violation("witnesses prove that a student node is aligned for eps = \(proof.eps), and it is not")
    }
    let isFound = (bands.last.map { measured <= $0.width }) ?? false
    let proofs = bands.filter { firstFailure(in: $0) == nil }.compactMap { $0.proof?.eps }
    switch (isFound, proofs.min()) {
    case (true, let eps?): return .predictedAndFound(eps: eps)
    case (true, nil): return .foundThoughNotPredicted
    case (false, let eps?): return .notLearned(.provenOnlyTo(eps: eps))
    case (false, nil): return unfoundVerdict
    }
  }

  /// Of a node that no student node is aligned with, and of which nothing is proven: what the widest band lacks.
  private var unfoundVerdict: Verdict {
    guard let band = bands.last, let cause = firstFailure(in: band) else { return .notLearned(.noObserver) }
    if case .lowRankInputs(let rank, let dimension) = cause, mismatch <= band.width {
      return .matchedOnInputs(rank: rank, dimension: dimension)
    }
    return .notLearned(cause)
  }

  /// The smallest eps that witnesses prove: see ``TeacherNodeAudit/proven``.
  var proven: Double? { bands.compactMap { $0.proof?.eps }.min() }

  /// The smallest eps that the statement predicts: see ``TeacherNodeAudit/predicted``.
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
    guard let witnessCount = band.witnessCount else { return .gradientsNotMeasured }
    if witnessCount < needed { return .tooFewSamples(found: witnessCount, needed: needed, areWitnesses: true) }
    return band.proof == nil ? .thinWitnesses(count: witnessCount) : nil
  }
}
