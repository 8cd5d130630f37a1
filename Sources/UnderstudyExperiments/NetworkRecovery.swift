import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudyTheory
import UnderstudyTraining

/// A network read back from what it answers, by way of a student of it: what `understudy recover` does.
public struct NetworkRecovery: Sendable {
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
    /// Nodes of the student, of the recovered network and of the teacher.
    public var nodeCount: Int
    public var unitCount: Int
    public var teacherNodeCount: Int?
    /// See ``LayerRecovery/weakestDirection``.
    public var weakestDirection: Double?
    public var weightError: Double?
  }

  public struct Record: Sendable, Encodable {
    public var student: String
    /// The file of the targets: a teacher's or outputs.
    public var targets: String
    public var inputs: String
    public var sampleCount: Int
    /// The lowest first; empty after an interruption, which comes before merging.
    public var layers: [Layer]
    /// Largest weight error of the output layer against the teacher's, and of all layers; absent without a teacher of the
    /// recovered network's size.
    public var outputWeightError: Double?
    public var weightError: Double?
    /// 1/2 mean ||target - output||^2 of the student as it was given, and of the recovered network.
    public var lossBefore: Double
    public var loss: Double
    /// The root mean square of the targets, the recovered network's largest error of an output, and the largest change of an
    /// output that merging caused, all in units of the output.
    public var targetSize: Double
    public var largestError: Double
    public var largestChange: Double?
    /// Of the finishing stage that the network comes from: `max_x |g_1(x)|_inf`, and whether it is within the target.
    public var largestGradient: Double
    public var reachedTarget: Bool
    /// How often what merging had left was finished in turn.
    public var refinementCount: Int
    /// Nodes that merging had left and that were not needed.
    public var thinnedCount: Int
    public var wasInterrupted: Bool
    /// Processor time.
    public var finishingSeconds: Double
    public var mergingSeconds: Double
  }

  public var record: Record
  public var network: Network

  /// Reads the files and recovers the network.
  ///
  /// - Parameters:
  ///   - plan: of each finishing stage.
  ///   - isCancelled: asked before each of its steps. Once it answers true, the best student so far is the result.
  /// - Throws: ``ExperimentError`` that names the file for files that cannot be read or do not fit.
  /// - Complexity: of ``recover(_:along:on:targets:key:isCancelled:)``.
  public init(
    studentPath: String, inputsPath: String, targets source: Targets, activation: Activation,
    plan: FinishingPlan = FinishingPlan(), isCancelled: () -> Bool = { false }
  ) throws(ExperimentError) {
    switch source {
    case .teacher(let path):
      let pair = try FilePair(teacherPath: path, studentPath: studentPath, activation: activation)
      try self.init(
        pair.student, learning: pair.teacher, inputs: try readSamples(inputsPath), targets: nil, plan: plan,
        names: (studentPath, path, inputsPath), isCancelled: isCancelled)
    case .outputs(let path):
      try self.init(
        Student(try readNetwork(studentPath, activation)), learning: nil, inputs: try readSamples(inputsPath),
        targets: try readSamples(path), plan: plan, names: (studentPath, path, inputsPath), isCancelled: isCancelled)
    }
  }

  /// Recovers the teacher of a stored run from its final student, over the training inputs of its last epoch as they were
  /// drawn.
  public init(
    _ run: Run, in store: ResultsStore, plan: FinishingPlan = FinishingPlan(), isCancelled: () -> Bool = { false }
  ) throws(ExperimentError) {
    let stored = try StoredStudent(run, in: store)
    try self.init(
      stored.student, learning: stored.teacher, inputs: stored.inputs, targets: nil, plan: plan, names: stored.names,
      isCancelled: isCancelled)
  }

  /// - Parameter targets: nil for the teacher's outputs.
  private init(
    _ student: Student, learning teacher: Teacher?, inputs: Matrix, targets given: Matrix?, plan: FinishingPlan,
    names: (student: String, targets: String, inputs: String), isCancelled: () -> Bool
  ) throws(ExperimentError) {
    let before = try ExperimentError.catching(names.inputs) { () throws(ShapeError) in
      _ = try diagnosis(of: inputs)
      return try student.network.outputs(for: inputs)
    }
    let targets = try ExperimentError.catching(names.targets) { () throws(ShapeError) in
      if let given { return given }
      return try teacher?.network.outputs(for: inputs) ?? before
    }
    guard before.columnCount == targets.columnCount, before.rowCount == targets.rowCount else {
      throw .input(
        "\(names.targets): \(targets.rowCount) samples of \(targets.columnCount) outputs, but \(names.student) has "
          + "\(before.columnCount) outputs and \(names.inputs) \(before.rowCount) samples; give a row for each sample")
    }
    guard targets.isFinite else { throw .input("\(names.targets): not all targets are finite numbers") }
    guard before.isFinite else {
      throw .input("\(names.student): not all outputs are finite; give a student whose training did not diverge")
    }
    (record, network) = try ExperimentError.catching(names.student) { () throws(ShapeError) in
      let recovery = try recover(
        student, along: plan, on: inputs, targets: targets, key: 0, isCancelled: isCancelled)
      let network = recovery.student.network
      let outputs = try network.outputs(for: inputs)
      let errors = teacher.flatMap { weightErrors(of: network, against: $0.network) }
      let count = Double(targets.rowCount)
      let record = Record(
        student: names.student, targets: names.targets, inputs: names.inputs, sampleCount: targets.rowCount,
        layers: try Self.layers(of: recovery, teacher, inputs), outputWeightError: errors?.last,
        weightError: errors?.max(), lossBefore: squaredDistance(before, targets) / (2 * count),
        loss: squaredDistance(outputs, targets) / (2 * count),
        targetSize: euclideanNorm(targets.values) / Double(max(1, targets.values.count)).squareRoot(),
        largestError: largestDifference(outputs, targets), largestChange: recovery.merged?.largestChange,
        largestGradient: recovery.report.largestGradient, reachedTarget: recovery.report.reachedTarget,
        refinementCount: recovery.refinementCount, thinnedCount: recovery.thinnedCount,
        wasInterrupted: recovery.report.wasCancelled,
        finishingSeconds: recovery.finishingSeconds, mergingSeconds: recovery.mergingSeconds)
      return (record, network)
    }
  }

  private static func layers(
    of recovery: Recovery, _ teacher: Teacher?, _ inputs: Matrix
  ) throws(ShapeError) -> [Layer] {
    guard let merged = recovery.merged else { return [] }
    let nodeCounts = recovery.finished.network.hiddenCounts
    return try layerRecoveries(of: merged, from: recovery.finished, against: teacher, over: inputs)
      .enumerated().map { index, layer in
        Layer(
          layer: index + 1, nodeCount: nodeCounts[index], unitCount: layer.unitCount,
          teacherNodeCount: teacher?.network.hiddenCounts[index], weakestDirection: layer.weakestDirection,
          weightError: layer.weightError)
      }
  }
}

private func squaredDistance(_ a: Matrix, _ b: Matrix) -> Double {
  zip(a.values, b.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
}
