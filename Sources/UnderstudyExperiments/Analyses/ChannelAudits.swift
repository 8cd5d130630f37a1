import Foundation
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTheory

/// Audits of students over images: of files from anywhere, and of the stored runs of a study.
public struct ChannelAudits: Sendable {
  /// The audit of one pair of networks.
  public struct Entry: Sendable {
    public var title: String
    public var record: ChannelAuditRecord
  }

  /// The best rho from which on a node counts as learnt.
  public var learnedAt: Double
  /// Sets of images, each read once.
  private let artifacts = Artifacts()

  public static let standardThreshold = 0.8
  /// The share of a layer's largest effect below which an unaligned student node counts as silent.
  static let silentBelow = 0.01

  public init(learnedAt: Double = ChannelAudits.standardThreshold) { self.learnedAt = learnedAt }

  /// Audits a student from a file over the evaluation part of a set of images.
  ///
  /// - Parameter images: the name or folder of the set.
  /// - Throws: ``ExperimentError`` for files that cannot be read, and shapes that do not fit; it names the file.
  public func audit(
    teacherPath: String, studentPath: String, images: String, activation: Activation,
    progress: (String) -> Void = { _ in }
  ) throws(ExperimentError) -> Entry {
    let networks = try FilePair(teacherPath: teacherPath, studentPath: studentPath, activation: activation)
    let data = try ImageData(path: images)
    return Entry(
      title: studentPath,
      record: try record(
        of: (networks.student.network, studentPath), learning: (networks.teacher.network, teacherPath), data,
        over: data.allEvaluationImages, imagesName: images, progress: progress))
  }

  /// Audits the final student of a stored run over its evaluation images, against what it learned from: the oracle, or the
  /// teacher where nothing was pruned.
  ///
  /// - Throws: ``ExperimentError`` if images, weights or the oracle are not there or not what they were.
  public func audit(
    _ run: Run, in store: ResultsStore, progress: (String) -> Void = { _ in }
  ) throws(ExperimentError) -> Entry {
    let data = try artifacts.images(of: run)
    let activation = Activation(run.setting.network)
    let isPruned = run.setting.oracle.prunedShares != nil
    let recipe = isPruned ? Recipe.oracle(of: run) : .imageTeacher(of: run)
    let what = isPruned ? "oracle" : "teacher"
    guard let oracle = LabelTraining.stored(recipe, in: store, activation) else {
      throw .input(
        "\(store.folder.path)/artifacts/\(LabelTraining.weightsName(of: recipe)): the \(what) of run \(run.hash) is not "
          + "there, or is damaged; put it back")
    }
    let path = store.weightsURL(of: run.hash).path
    let weights = try ExperimentError.storing { () throws(StoreError) in try store.weights(of: run.hash) }
    let student = try ExperimentError.reading { () throws(FileError) in
      try NetworkFile.decode(weights, name: path, activation: activation)
    }
    return Entry(
      title: "\(store.study.label(of: run.setting)), seed \(run.seed)",
      record: try record(
        of: (student, path), learning: (oracle.network, "\(what) of run \(run.hash)"), data,
        over: try data.evaluationImages(run.setting.inputs), imagesName: "evaluation images of run \(run.hash)",
        progress: progress))
  }

  private func record(
    of student: (network: Network, name: String), learning teacher: (network: Network, name: String), _ data: ImageData,
    over images: ImageBatcher, imagesName: String, progress: (String) -> Void
  ) throws(ExperimentError) -> ChannelAuditRecord {
    for (network, name) in [teacher, student] { try data.check(network, name: name) }
    let audit = try ExperimentError.catching(student.name) { () throws(ShapeError) in
      try channelAudit(
        of: ImageEvaluator(student.network), learning: ImageEvaluator(teacher.network), over: images,
        progress: progress)
    }
    var record = ChannelAuditRecord()
    (record.version, record.machine) = (understudyVersion, machineKind())
    (record.teacherName, record.studentName, record.imagesName) = (teacher.name, student.name, imagesName)
    (record.imageCount, record.strengthImageCount) = (audit.imageCount, audit.strengthImageCount)
    (record.learnedAt, record.silentBelow) = (learnedAt, Self.silentBelow)
    record.layers = audit.layers.enumerated().map { ChannelAuditRecord.Layer($1, layer: $0, learnedAt: learnedAt) }
    return record
  }
}

extension ChannelAuditRecord.Layer {
  init(_ audit: ChannelAudit.Layer, layer: Int, learnedAt: Double) {
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
