import Foundation
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTheory

extension AuditVerdict {
  public init(_ verdict: Verdict) {
    switch verdict {
    case .predictedAndFound: self = .predictedAndFound
    case .foundThoughNotPredicted: self = .foundThoughNotPredicted
    case .matchedOnInputs: self = .matchedOnInputs
    case .violation: self = .violation
    case .notLearned(let cause):
      switch cause {
      case .dead, .invisible: self = .invisible
      case .notSeparated: self = .duplicate
      case .lowRankInputs: self = .lowRankInputs
      case .tooFewSamples: self = .tooFewSamples
      case .noObserver: self = .noObserver
      case .weakAlpha: self = .weakAlpha
      case .gradientTooLarge: self = .gradientTooLarge
      case .thinWitnesses: self = .tooFewSamples
      case .provenOnlyTo: self = .wideProof
      case .gradientsNotMeasured: self = .gradientsNotMeasured
      }
    }
  }
}

extension Verdict {
  /// A sentence for people; nodes are numbered from 1.
  public var reason: String {
    switch self {
    case .predictedAndFound(let eps):
      "the conditions hold, witnesses of one student node prove eps = \(eps.brief), and a student node is within the band"
    case .foundThoughNotPredicted: "a student node is aligned, though not all of the conditions hold"
    case .matchedOnInputs(let rank, let dimension):
      "a student node has its function on the inputs, within the band; along directions in which these vary little (they vary by "
        + "more than the band along \(rank) of \(dimension)) they do not determine its weights"
    case .violation(let what): what
    case .notLearned(let cause): cause.reason
    }
  }
}

extension Verdict.Cause {
  var reason: String {
    switch self {
    case .dead: "dead: its activation does not vary over the inputs"
    case .invisible: "invisible: all inputs lie on one side of its boundary"
    case .notSeparated(let other): "the boundary of teacher node \(other + 1) is within its band"
    case .lowRankInputs(let rank, let dimension):
      "inputs of low rank: they vary by more than the band along \(rank) of \(dimension) directions; and "
        + "within the band no student node has its function on them (mismatch)"
    case .tooFewSamples(let found, let needed, false): "\(found) samples in its band, and \(needed) are needed"
    case .tooFewSamples(let found, let needed, true):
      "\(found) kink witnesses of one student node in its band, and \(needed) are needed"
    case .thinWitnesses(let count):
      "the \(count) kink witnesses of one student node lie too close together to determine a direction; try narrower bands"
    case .noObserver: "no student node is active near its boundary and coupled with it (alpha not 0)"
    case .weakAlpha(let times):
      "weak alpha: \(times.brief) times weaker than the strongest node's, which would be learned"
    case .gradientsNotMeasured: "the gradients over the inputs' copies were not measured, as a note says"
    case .gradientTooLarge(let factor): "gradient too large by a factor \(factor.brief)"
    case .provenOnlyTo(let eps):
      "a student node is proven to be aligned for eps = \(eps.brief), but is not within the band"
    }
  }
}

extension AuditRecord {
  /// An audit as it is printed, stored and drawn.
  ///
  /// - Parameters:
  ///   - teacherName: what was audited, for people: paths, or a run's name; the others likewise.
  public init(_ audit: Audit, teacherName: String, studentName: String, inputsName: String) {
    self.init()
    (version, machine) = (understudyVersion, machineKind())
    (self.teacherName, self.studentName, self.inputsName) = (teacherName, studentName, inputsName)
    sampleCount = audit.inputs.sampleCount
    inputDimension = audit.inputs.dimension
    inputRank = audit.inputs.rank
    outputDimension = audit.outputCount
    bands = audit.bands.map(\.width)
    bandRanks = bands.map(audit.inputs.rank)
    inputSpread = audit.inputs.spread
    largestGradient = audit.gradients.largest
    if let widest = audit.bands.last {
      largestGradientAgnostic = widest.agnosticGradients.largestIfMeasured
      largestGradientAware = widest.awareGradients.largestIfMeasured
      augmentationStep = widest.width
    }
    hyperplaneCount = audit.coupling.hyperplaneCount
    etaHat = audit.bands.map { band in
      ConcentrationRecord(
        band: band.width, value: band.density.value, family: band.density.family.words,
        description:
          "number \(band.density.index + 1), with \(band.density.sampleCount) samples in its band; the densest of "
          + "\(band.density.triedCount) hyperplanes")
    }
    loss = audit.loss
    var circumstances: [String] = []
    if audit.layers != nil || audit.coupling.regionCount > 1, audit.coupling.sampleCount < sampleCount {
      circumstances.append(
        "alpha, ranks of fan-out weights and kink balances are taken over \(audit.coupling.sampleCount) of the inputs")
    }
    notes = audit.inputs.notes + audit.rankNotes + audit.teacher.notes + audit.studentNotes + circumstances
    notes += audit.omitted.map(\.note)
    omitted = audit.omitted.isEmpty ? nil : audit.omitted.map(\.part.rawValue)
    teacherNodes = audit.teacherNodes.indices.map { TeacherNodeRecord(audit, node: $0) }
    studentNodes = audit.studentNodes.indices.map { StudentNodeRecord(audit, node: $0) }
    student = StudentSummaryRecord(audit)
    layers = audit.layers.map { $0.enumerated().map { MergedLayerRecord($1, layer: $0) } }
  }
}

extension Audit {
  /// A sentence on inputs that vary by more than the widest band along some directions only; none if there are no others.
  fileprivate var rankNotes: [String] {
    guard let width = bands.last?.width, inputs.rank > 0 else { return [] }
    let rank = inputs.rank(above: width)
    guard rank < inputs.dimension else { return [] }
    return [
      "inputs of nearly low rank: they vary by more than the widest band, \(width.brief), along \(rank) of \(inputs.dimension) "
        + "directions, and \(inputs.directionCount(holding: 0.99)) directions have 99 % of their variance; they say little of "
        + "weights along the others. A teacher node that no student node is aligned with counts as matched if a student node has "
        + "its function on the inputs, with a rho of at least \(leastMatchingCorrelation.brief)"
    ]
  }
}

extension TeacherNodeRecord {
  fileprivate init(_ audit: Audit, node j: Int) {
    let (node, diagnosed) = (audit.teacherNodes[j], audit.teacher.nodes[j])
    self.init(node: j + 1)
    isDead = diagnosed.isDead
    isVisible = diagnosed.isVisible
    duplicateOf = diagnosed.duplicateOf.map { $0 + 1 }
    strength = audit.teacherStrengths[j]
    observers = (node.observers.last ?? []).map { observer in
      ObserverRecord(node: observer.student + 1, kappa: observer.kappa, alpha: observer.alpha)
    }
    observerCount = observers.count
    bestObserver = node.bestObserver.map { $0 + 1 }
    bestObserverKappa = node.bestObserver.flatMap { audit.bands.last?.observation.kappa[j, $0] } ?? 0
    bestAlpha = node.bestAlpha
    observerFanOutRank = node.observerRank
    bands = audit.bands.enumerated().map { index, band in
      TeacherBandRecord(
        band: band.width, sampleCount: band.observation.bandCounts[j], tau: band.observation.tau[j],
        observerCount: node.observers[index].count, witnessCount: band.witnesses?.counts[j],
        witnessStudent: band.witnesses?.explainingStudents[j].map { $0 + 1 },
        witnessStudentCount: band.witnesses?.explainedCounts[j],
        provenAlignment: band.witnesses?.proofs[j]?.epsilon(spread: audit.inputs.spread),
        provenSine: band.witnesses?.proofs[j]?.sine)
    }
    predictedAlignment = node.predicted
    provenAlignment = node.proven
    gradientAlignmentAgnostic = node.gradientAgnostic.flatMap { $0.isFinite ? $0 : nil }
    gradientAlignmentAware = node.gradientAware.flatMap { $0.isFinite ? $0 : nil }
    alignedStudent = node.alignedStudent.map { $0 + 1 } ?? 0
    alignment = node.alignment
    sine = node.relation?.sine
    seenSine = node.seenSine
    offsetDifference = node.relation?.offsetDifference
    isOpposite = node.relation?.isOpposite ?? false
    matchedStudent = node.matchedStudent.map { $0 + 1 }
    correlation = audit.correlation.bestOfTeacherNodes[j]
    correlatedStudent = node.correlatedStudent.map { $0 + 1 }
    mismatch = node.mismatch
    verdict = AuditVerdict(node.verdict)
    reason = node.verdict.reason
  }
}

extension StudentNodeRecord {
  fileprivate init(_ audit: Audit, node k: Int) {
    let node = audit.studentNodes[k]
    self.init(node: k + 1)
    isDead = node.isDead
    alignedTeacher = node.isAligned ? node.nearestTeacher.map { $0 + 1 } : nil
    matchedTeacher = node.matchedTeacher.map { $0 + 1 }
    alignment = node.alignment
    sine = node.relation?.sine
    offsetDifference = node.relation?.offsetDifference
    isOpposite = node.relation?.isOpposite ?? false
    fanOutNorm = node.fanOutNorm
    strength = node.strength
    kinkBalance = node.kinkBalance
    group = node.group.map { $0 + 1 } ?? 0
    if let span = node.observerSpan {
      (observerCount, observerFanOutRank, neededFanOutRank) = (span.nodeCount, span.rank, span.needed)
      (smallestSingularValue, largestSingularValue) = (span.smallest, span.largest)
    }
    carriedShare = node.carriedShare.isFinite ? node.carriedShare : nil
    unaligned = node.unaligned.flatMap { UnalignedNodeVerdict(rawValue: $0.rawValue) }
    guard let merged = audit.merged else { return }
    switch merged.fates[k] {
    case .carries: fate = .carries
    case .merged(let unit):
      fate = .merged
      mergedInto = merged.fates.firstIndex(of: .carries(unit: unit)).map { $0 + 1 }
    case .removed: fate = .removed
    }
  }
}

extension SampleGradients {
  fileprivate var largestIfMeasured: Double? { isMeasured ? largest : nil }
}

extension MergedLayerRecord {
  fileprivate init(_ report: MergedLayerReport, layer: Int) {
    self.init(layer: layer + 1)
    (nodeCount, unitCount) = (report.nodeCount, report.unitCount)
    (carryingCount, mergeableCount) = (report.carryingCount, report.mergedCount)
    removableCount = report.removedCount
    joinedOver = report.tolerance
    (inputRank, inputCount) = (report.inputRank, report.inputCount)
    identifiability = report.identifiability
    weightError = report.weightError
  }
}

extension StudentSummaryRecord {
  fileprivate init(_ audit: Audit) {
    self.init()
    nodeCount = audit.studentNodes.count
    outputScale = audit.outputScale
    weightError = audit.weightError
    guard let merged = audit.merged else { return }
    func carryingCount(_ isMeant: (StudentNodeAudit) -> Bool) -> Int {
      zip(audit.studentNodes, merged.fates).count { node, fate in
        guard isMeant(node), case .carries = fate else { return false }
        return true
      }
    }
    carryingTeacherCount = carryingCount(\.isAligned)
    if let width = audit.bands.last?.width, audit.inputs.rank(above: width) < audit.inputs.dimension {
      carryingMatchCount = carryingCount { $0.matchedTeacher != nil }
    }
    (mergeableCount, removableCount) = (merged.mergedCount, merged.removedCount)
    self.carryingCount = nodeCount - merged.mergedCount - merged.removedCount
    mergedNodeCount = merged.student.network.hiddenCounts[0]
    largestOutputChange = merged.largestChange
  }
}

extension DensityBound.Family {
  fileprivate var words: String {
    switch self {
    case .teacherNodes: "teacher nodes"
    case .studentNodes: "student nodes"
    case .principalDirections: "principal directions"
    case .throughSamples: "planes through samples"
    case .random: "random planes"
    }
  }
}
