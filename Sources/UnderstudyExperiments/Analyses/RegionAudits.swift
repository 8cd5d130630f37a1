import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTheory

/// Audits of two-layer students over all inputs of a region: of files from anywhere, and of the stored runs of a study.
public struct RegionAudits: Sendable {
  /// Which inputs are asked about.
  public enum Choice: Sendable, Equatable {
    case region(InputRegion)
    /// The smallest ball around 0 that has a run's training inputs.
    case ballOfInputs
  }

  public var choice: Choice
  /// Up to which distance of boundaries a student node counts as aligned.
  public var band: BandWidth
  /// See ``regionAudit(of:learning:within:band:residualTolerance:)``.
  public var residualTolerance: Double?

  public init(_ choice: Choice, band: BandWidth = .standard, residualTolerance: Double? = nil) {
    (self.choice, self.band, self.residualTolerance) = (choice, band, residualTolerance)
  }

  /// Audits a student from a file.
  ///
  /// - Throws: ``ExperimentError`` for files that cannot be read, shapes that do not fit and networks of more layers; it names the
  ///   file. Without a run there is no ball of inputs.
  public func audit(
    teacherPath: String, studentPath: String, activation: Activation
  ) throws(ExperimentError) -> RegionAuditRecord {
    guard case .region(let region) = choice else {
      throw .input("--ball data is the ball that has a run's training inputs; give a radius")
    }
    let networks = try FilePair(teacherPath: teacherPath, studentPath: studentPath, activation: activation)
    return try audit(networks.student, learning: networks.teacher, within: region, names: (studentPath, teacherPath))
  }

  /// Audits the final student of a stored run.
  ///
  /// - Throws: ``ExperimentError`` of a run whose weights cannot be read, and of networks of more layers.
  public func audit(_ run: Run, in store: ResultsStore) throws(ExperimentError) -> (
    title: String, record: RegionAuditRecord
  ) {
    let stored = try StoredStudent(run, in: store)
    let region: InputRegion =
      switch choice {
      case .region(let region): region
      case .ballOfInputs: .ball(radius: stored.inputs.rowNorms.max() ?? 0)
      }
    let record = try audit(
      stored.student, learning: stored.teacher, within: region, names: (stored.names.student, stored.names.teacher))
    return (store.study.label(of: run.setting, seed: run.seed), record)
  }

  private func audit(
    _ student: Student, learning teacher: Teacher, within region: InputRegion, names: (student: String, teacher: String)
  ) throws(ExperimentError) -> RegionAuditRecord {
    let audit = try ExperimentError.catching(names.student) { () throws(ShapeError) in
      try regionAudit(
        of: student, learning: teacher, within: region, band: band, residualTolerance: residualTolerance)
    }
    var record = RegionAuditRecord(audit)
    (record.studentName, record.teacherName) = names
    (record.inputDimension, record.outputDimension) = (student.network.inputCount, student.network.outputCount)
    return record
  }
}

extension RegionAuditRecord {
  /// An audit as it is printed, without names.
  init(_ audit: RegionAudit) {
    self.init()
    (version, machine) = (understudyVersion, machineKind())
    switch audit.region {
    case .ball(let radius): self.radius = radius
    case .box(let lowest, let highest): (self.lowest, self.highest) = (lowest, highest)
    }
    (band, tolerance) = (audit.band, audit.residualTolerance)
    (inputCount, isExact) = (audit.found.inputCount, audit.found.isExact)
    teacherNodes = audit.gradient.teacherNodes.enumerated().map { j, node in
      let best = audit.alignment.bestStudent(of: j)
      return TeacherNode(
        node: j + 1, isVisible: node.isVisible, strength: audit.teacherStrengths[j],
        observers: node.observers.fromOne, witnesses: node.witnesses.fromOne, onBoundary: node.aligned.fromOne,
        alignedStudent: best.map { $0 + 1 },
        alignment: best.map { audit.alignment.epsilon(ofTeacherNode: j, studentNode: $0) },
        smallestBound: node.smallestBound.isFinite ? node.smallestBound : nil,
        verdict: AuditVerdict(audit.verdicts[j]), reason: audit.reason(j))
    }
    studentNodes = audit.gradient.studentNodes.enumerated().map { k, node in
      StudentNode(
        node: k + 1, strength: audit.studentStrengths[k], activeShare: audit.found.activeShares[k],
        vanishingShare: audit.found.vanishingShares[k], largestGradient: audit.found.largest[k],
        gradientBound: node.gradientBound, kinkBound: node.kinkBound, gradientTolerance: node.gradientTolerance,
        vanishes: audit.vanishes(k),
        onBoundary: teacherNodes.filter { $0.onBoundary.contains(k + 1) }.map(\.node), kinkLeft: node.kinkLeft,
        observerSpan: node.vanishingSpan?.smallest, vanishingObserverCount: node.vanishingSpan?.nodeCount,
        isPredictedSilent: node.isPredictedSilent)
    }
  }
}

extension RegionAudit {
  /// A verdict as a sentence for people.
  fileprivate func reason(_ j: Int) -> String {
    switch verdicts[j] {
    case .predictedAndFound:
      "the gradient of a student node that observes it vanishes in the region, and a student node is on its boundary"
    case .foundThoughNotPredicted: "a student node is aligned, though \(whatIsMissing(j))"
    case .notLearned(.invisible): "invisible: its boundary misses the region"
    case .notLearned(.noObserver):
      "no student node is active at its boundary within the region and coupled with it (alpha not 0)"
    case .notLearned(.gradientTooLarge(let factor)) where factor.isFinite:
      "\(whatIsMissing(j)): the smallest is larger by a factor \(factor.brief)"
    case .notLearned(.gradientTooLarge), .notLearned(.weakAlpha): whatIsMissing(j)
    default: verdicts[j].reason
    }
  }

  /// Why the first statement predicts nothing of a visible teacher node.
  private func whatIsMissing(_ j: Int) -> String {
    let node = gradient.teacherNodes[j]
    if node.observers.isEmpty {
      return "no student node is active at its boundary within the region and coupled with it (alpha not 0)"
    }
    if node.smallestExcess > 1 {
      return "no observer's kink bound is within the tolerance, \(residualTolerance.brief) times its fan-out"
    }
    return
      "the observers whose kink bound is within the tolerance, \(residualTolerance.brief) times its fan-out, would have no larger gradient if no "
      + "student node were on its boundary; a smaller --tolerance may decide more"
  }
}

extension [Int] {
  /// Nodes as people number them.
  fileprivate var fromOne: [Int] { map { $0 + 1 } }
}
