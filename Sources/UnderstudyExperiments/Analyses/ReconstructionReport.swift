import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyReconstruction
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTheory
import UnderstudyTraining

/// A network reconstructed from input-output pairs, by way of a student of it: what `understudy recover` does.
public struct ReconstructionReport: Sendable {
  /// Where a student's targets come from.
  public enum Targets: Sendable {
    /// A network file; the recovered network is compared with it, but not sooner.
    case teacher(String)
    /// An array file, `[sample, output]`.
    case outputs(String)
  }

  /// What became of a hidden layer.
  public struct Layer: Sendable, Encodable {
    /// From 1, the lowest.
    public var layer: Int
    /// Nodes of the student, units of the recovered network that carry something (a layer keeps an idle node where there is
    /// none), and nodes of the teacher.
    public var nodeCount: Int
    public var unitCount: Int
    public var teacherNodeCount: Int?
    /// See ``MergedLayerReport/identifiability``.
    public var identifiability: Double?
    public var weightError: Double?
  }

  /// What came of it, in numbers: printed, or written as JSON.
  public struct Record: Sendable, Encodable {
    public var student: String
    /// The file of the targets: a teacher's or outputs.
    public var targets: String
    public var inputs: String
    public var machine: String
    public var sampleCount: Int
    public var outcome: TeacherReconstruction.Outcome
    /// The lowest first; empty if the result is an unmerged student: what an interrupted critical-point search had come to, or the
    /// better one.
    public var layers: [Layer]
    /// Largest weight error of the output layer against the teacher's, and of all layers; absent without a teacher of the
    /// recovered network's size.
    public var outputWeightError: Double?
    public var weightError: Double?
    /// 1/2 mean ||target - output||^2 over the samples that were fitted, of the student as it was given and of the recovered
    /// network.
    public var lossBefore: Double
    public var loss: Double
    /// The root mean square of the targets, the recovered network's largest error of an output, and the largest change of an
    /// output that merging caused, the last two on the samples that were fitted; all in units of the output.
    public var targetSize: Double
    public var largestError: Double
    public var largestChange: Double?
    /// Samples that were held out, and the same of them; absent if none were.
    public var heldOutCount: Int
    public var heldOutLossBefore: Double?
    public var heldOutLoss: Double?
    public var heldOutLargestError: Double?
    public var heldOutLargestChange: Double?
    /// See ``WeightDetermination``: of the recovered network, on the samples that were fitted.
    public var equationCount: Int
    public var weightCount: Int
    public var freeScaleCount: Int
    /// Of the student as it was given.
    public var studentWeightCount: Int
    public var rank: Int?
    public var identifiability: Double?
    public var isDetermined: Bool?
    /// Of the critical-point search that the network comes from: ``CriticalPointReport/gradientShare``; and whether it is within the target and the outputs meet the targets.
    public var largestGradient: Double
    public var reachedTarget: Bool
    /// How often the critical-point search went on from what merging had left.
    public var refinementCount: Int
    /// Nodes that merging had left and that were not needed.
    public var eliminatedCount: Int
    public var wasInterrupted: Bool
    /// Processor time; see ``TeacherReconstruction``.
    public var searchSeconds: Double
    public var mergingSeconds: Double
  }

  public var record: Record
  public var network: Network

  /// Reads the files and recovers the network.
  ///
  /// - Parameters:
  ///   - plan: of each critical-point search.
  ///   - isCancelled: asked before each of its steps. Once it answers true, the best student so far is the result.
  /// - Throws: ``ExperimentError`` that names the file for files that cannot be read or do not fit.
  /// - Complexity: of ``reconstructTeacher(from:along:on:targets:key:mergingCostLimit:isCancelled:)``.
  public init(
    studentPath: String, inputsPath: String, targets source: Targets, activation: Activation,
    plan: CriticalPointPlan = CriticalPointPlan(), isCancelled: () -> Bool = { false }
  ) throws(ExperimentError) {
    let inputs = try readSamples(inputsPath)
    switch source {
    case .teacher(let path):
      let pair = try FilePair(teacherPath: path, studentPath: studentPath, activation: activation)
      try self.init(
        pair.student, learning: pair.teacher, inputs: inputs,
        targets: try Self.outputs(of: pair.teacher.network, inputs, inputsPath), plan: plan,
        names: (studentPath, path, inputsPath), isCancelled: isCancelled)
    case .outputs(let path):
      try self.init(
        Student(try readNetwork(studentPath, activation)), learning: nil, inputs: inputs,
        targets: try readSamples(path),
        plan: plan, names: (studentPath, path, inputsPath), isCancelled: isCancelled)
    }
  }

  /// Recovers the teacher of a stored run from its final student, over the training inputs of its last epoch as they were
  /// drawn.
  ///
  /// - Throws: ``ExperimentError`` of a run whose weights cannot be read.
  public init(
    _ run: Run, in store: ResultsStore, plan: CriticalPointPlan = CriticalPointPlan(),
    isCancelled: () -> Bool = { false }
  ) throws(ExperimentError) {
    let stored = try StoredStudent(run, in: store)
    let targets = try Self.outputs(of: stored.teacher.network, stored.inputs, stored.names.inputs)
    try self.init(
      stored.student, learning: stored.teacher, inputs: stored.inputs, targets: targets, plan: plan,
      names: (stored.names.student, stored.names.teacher, stored.names.inputs), isCancelled: isCancelled)
  }

  private typealias Names = (student: String, targets: String, inputs: String)

  private init(
    _ student: Student, learning teacher: Teacher?, inputs: Matrix, targets: Matrix, plan: CriticalPointPlan,
    names: Names,
    isCancelled: () -> Bool
  ) throws(ExperimentError) {
    let before = try Self.outputs(of: student.network, inputs, names.inputs)
    try Self.check(student.network, inputs, before, targets, names)
    (record, network) = try ExperimentError.catching(names.student) { () throws(ShapeError) in
      let reconstruction = try reconstructTeacher(
        from: student, along: plan, on: inputs, targets: targets, key: 0, isCancelled: isCancelled)
      let network = reconstruction.student.network
      let errors = teacher.flatMap { weightErrors(of: network, against: $0.network) }
      let determination = reconstruction.determination
      let record = Record(
        student: names.student, targets: names.targets, inputs: names.inputs, machine: machineKind(),
        sampleCount: targets.rowCount, outcome: reconstruction.outcome,
        layers: try Self.layers(of: reconstruction, teacher, inputs), outputWeightError: errors?.last,
        weightError: errors?.max(), lossBefore: reconstruction.lossBefore, loss: reconstruction.loss,
        targetSize: targets.rootMeanSquare, largestError: reconstruction.largestError,
        largestChange: reconstruction.merged?.largestChange, heldOutCount: reconstruction.heldOut?.sampleCount ?? 0,
        heldOutLossBefore: reconstruction.heldOut?.lossBefore, heldOutLoss: reconstruction.heldOut?.loss,
        heldOutLargestError: reconstruction.heldOut?.largestError,
        heldOutLargestChange: reconstruction.heldOut?.largestChange,
        equationCount: determination.equationCount, weightCount: determination.weightCount,
        freeScaleCount: determination.freeScaleCount, studentWeightCount: student.network.weightCount,
        rank: determination.rank,
        identifiability: determination.identifiability, isDetermined: determination.isDetermined,
        largestGradient: reconstruction.report.gradientShare, reachedTarget: reconstruction.report.reachedTarget,
        refinementCount: reconstruction.refinementCount, eliminatedCount: reconstruction.eliminatedCount,
        wasInterrupted: reconstruction.report.wasCancelled, searchSeconds: reconstruction.searchSeconds,
        mergingSeconds: reconstruction.mergingSeconds)
      return (record, network)
    }
  }

  private static func outputs(
    of network: Network, _ inputs: Matrix, _ inputsName: String
  ) throws(ExperimentError) -> Matrix {
    try ExperimentError.catching(inputsName) { () throws(ShapeError) in
      _ = try diagnosis(of: inputs)
      return try network.outputs(for: inputs)
    }
  }

  private static func check(
    _ network: Network, _ inputs: Matrix, _ outputs: Matrix, _ targets: Matrix, _ names: Names
  ) throws(ExperimentError) {
    guard outputs.columnCount == targets.columnCount, outputs.rowCount == targets.rowCount else {
      let isTransposed = targets.rowCount == outputs.columnCount && targets.columnCount == outputs.rowCount
      throw .input(
        "\(names.targets): \(targets.rowCount) samples of \(targets.columnCount) outputs, but \(names.student) has "
          + "\(outputs.columnCount) outputs and \(names.inputs) \(outputs.rowCount) samples; "
          + (isTransposed
            ? "they look like [output, sample]; transpose them"
            : outputs.rowCount == targets.rowCount ? "give a column for each output" : "give a row for each sample"))
    }
    guard targets.isFinite else { throw .input("\(names.targets): not all targets are finite numbers") }
    guard outputs.isFinite else {
      throw .input("\(names.student): not all outputs are finite; give a student whose training did not diverge")
    }
    for (samples, name) in [(inputs, names.inputs), (targets, names.targets)] {
      // They are divided by it; the reciprocal of what is smaller overflows.
      let size = samples.rootMeanSquare
      guard size == 0 || size >= .leastNormalMagnitude else {
        throw .input("\(name): numbers of size \(size) have lost their digits; give them in another unit")
      }
    }
    guard squaredDistance(outputs, targets).isFinite else {
      throw .input("\(names.targets): targets or outputs overflow when they are squared; scale the networks down")
    }
    let size = targets.rootMeanSquare
    let unit = size > 0 ? 1 / size : 1
    guard squaredDistance(outputs.scaled(by: unit), targets.scaled(by: unit)).isFinite else {
      throw .input(
        "\(names.student): its outputs are so much larger than the targets of \(names.targets) that their squares overflow; "
          + "give a student that is on its way to these targets")
    }
    guard network.activation != .linear else {
      throw .input("\(names.student): a linear network has no boundaries to be recovered by; give relu or leakyRelu")
    }
  }

  private static func layers(
    of reconstruction: TeacherReconstruction, _ teacher: Teacher?, _ inputs: Matrix
  ) throws(ShapeError) -> [Layer] {
    guard let merged = reconstruction.merged else { return [] }
    let nodeCounts = reconstruction.searched.network.hiddenCounts
    return try mergedLayerReports(of: merged, from: reconstruction.searched, against: teacher, over: inputs)
      .enumerated().map { index, layer in
        Layer(
          layer: index + 1, nodeCount: nodeCounts[index], unitCount: layer.unitCount,
          teacherNodeCount: teacher?.network.hiddenCounts[index], identifiability: layer.identifiability,
          weightError: layer.weightError)
      }
  }
}
