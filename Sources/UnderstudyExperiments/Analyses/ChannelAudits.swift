import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTheory

/// Audits of students over images: of files from anywhere, and of the stored runs of a study. Those of fully connected networks
/// have the theory's audit as well.
public struct ChannelAudits: Sendable {
  /// The audit of one pair of networks.
  public struct Entry: Sendable {
    public var title: String
    public var record: ChannelAuditRecord
    /// The smaller student that the theory's audit found; nil without that audit, or where merging was left out.
    public var merged: Network?
  }

  /// The best rho from which on a node counts as learnt.
  public var learnedAt: Double
  /// The theory's audit, of networks whose layers are all fully connected and not linear; nil: of none.
  public var theory: StudentAudits?
  /// Whether networks without it are refused.
  public var needsTheory: Bool
  /// Sets of images, each read once.
  private let artifacts = Artifacts()

  public static let standardThreshold = 0.8
  /// The share of a layer's largest effect below which an unaligned student node counts as silent.
  static let silentBelow = 0.01
  /// Training images that the theory's audit is over, at most: its gradients are taken over two copies of each for every pixel.
  public static let theoryImageCount = 2000

  public init(
    learnedAt: Double = ChannelAudits.standardThreshold, theory: StudentAudits? = StudentAudits(),
    needsTheory: Bool = false
  ) {
    (self.learnedAt, self.theory, self.needsTheory) = (learnedAt, theory, needsTheory)
  }

  /// Audits a student from a file: over the evaluation part of a set of images, and by the theory over the first images of its
  /// training part.
  ///
  /// - Parameters:
  ///   - images: the name or folder of the set.
  ///   - normalization: of its channels; nil: by the means and deviations of the set.
  /// - Throws: ``ExperimentError`` for files that cannot be read, and shapes that do not fit; it names the file.
  public func audit(
    teacherPath: String, studentPath: String, images: String, normalization: ChannelNormalization? = nil,
    activation: Activation,
    progress: (String) -> Void = { _ in }
  ) throws(ExperimentError) -> Entry {
    let pair = try ImageStudent(
      teacherPath: teacherPath, studentPath: studentPath, images: images, normalization: normalization,
      activation: activation)
    return try entry(of: pair, title: studentPath, progress: progress)
  }

  /// Audits the final student of a stored run over its evaluation images, against what it learned from: the oracle, or the
  /// teacher where nothing was pruned. The theory's audit is over its first training images, before augmentation.
  ///
  /// - Throws: ``ExperimentError`` if images, weights or the oracle are not there or not what they were.
  public func audit(
    _ run: Run, in store: ResultsStore, progress: (String) -> Void = { _ in }
  ) throws(ExperimentError) -> Entry {
    let pair = try ImageStudent(run, in: store, try artifacts.images(of: run))
    return try entry(
      of: pair, title: store.study.label(of: run.setting, seed: run.seed), progress: progress)
  }

  private func entry(
    of pair: ImageStudent, title: String, progress: (String) -> Void
  ) throws(ExperimentError) -> Entry {
    let dense = theory == nil ? nil : StoredStudent(pair, count: Self.theoryImageCount)
    guard dense != nil || !needsTheory else {
      throw .input(
        "\(pair.names.student): has convolutions or is linear, and --bands, --allow, --complete and --merge-into are for the "
          + "theory's audit of fully connected networks of ReLU nodes; leave them out")
    }
    let audit = try ExperimentError.catching(pair.names.student) { () throws(ShapeError) in
      try channelAudit(
        of: ImageEvaluator(pair.student), learning: ImageEvaluator(pair.teacher), over: pair.evaluationImages,
        progress: progress)
    }
    var record = ChannelAuditRecord(audit, names: pair.names, learnedAt: learnedAt)
    guard let theory, let dense else { return Entry(title: title, record: record) }
    let entry = try theory.audit(dense, title: title, progress: progress)
    record.theory = entry.record
    return Entry(title: title, record: record, merged: entry.merged)
  }
}

extension ChannelAuditRecord {
  fileprivate init(
    _ audit: ChannelAudit, names: (student: String, teacher: String, images: String), learnedAt: Double
  ) {
    self.init()
    (version, machine) = (understudyVersion, machineKind())
    (teacherName, studentName) = (names.teacher, names.student)
    imagesName = "evaluation images of \(names.images)"
    (imageCount, strengthImageCount) = (audit.imageCount, audit.strengthImageCount)
    (self.learnedAt, silentBelow) = (learnedAt, ChannelAudits.silentBelow)
    layers = audit.layers.enumerated().map { Layer($1, layer: $0, learnedAt: learnedAt) }
  }
}

extension ChannelAuditRecord.Layer {
  fileprivate init(_ audit: ChannelAudit.Layer, layer: Int, learnedAt: Double) {
    let (teacher, student) = (audit.teacher, audit.student)
    let (learned, unlearned) = (Set(teacher.aligned(at: learnedAt)), teacher.unaligned(at: learnedAt))
    let (aligned, relative) = (Set(student.aligned(at: learnedAt)), student.relativeEffects)
    let shares = teacher.shares
    let silent = Set(student.unaligned(at: learnedAt).filter { relative[$0] < ChannelAudits.silentBelow })
    self.init(
      layer: layer + 1, learnedCount: learned.count, unlearnedCount: unlearned.count,
      unlearnedShare: unlearned.reduce(0) { $0 + shares[$1] }, alignedCount: aligned.count,
      silentCount: silent.count, deadCount: student.dead.count,
      teacherNodes: teacher.records { learned.contains($0) ? .learned : .unlearned },
      studentNodes: student.records {
        aligned.contains($0) ? .aligned : silent.contains($0) ? .silent : .unaligned
      })
  }
}

extension ChannelAudit.Nodes {
  fileprivate func records(
    _ state: (Int) -> ChannelAuditRecord.Node.State
  ) -> [ChannelAuditRecord.Node] {
    let (shares, relative) = (shares, relativeEffects)
    return correlations.indices.map { node in
      ChannelAuditRecord.Node(
        node: node + 1, state: dead.contains(node) ? .dead : state(node), correlation: correlations[node],
        partner: partners[node].map { $0 + 1 }, strength: strengths[node], effect: effects[node], share: shares[node],
        relativeEffect: relative[node])
    }
  }
}
