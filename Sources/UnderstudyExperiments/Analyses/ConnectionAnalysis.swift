import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyReconstruction
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTheory

/// The ways between two students from files: what `understudy connect` prints.
public struct ConnectionAnalysis: Sendable, Encodable {
  /// The loss along one way from A (0) to B (1).
  public struct Curve: Sendable, Encodable {
    public var name: String
    /// At equally spaced points; of a path of several segments one segment after the other.
    public var losses: [Double]
    public var lossAtStart: Double
    public var lossAtEnd: Double
    public var largestLoss: Double
    /// Where the largest loss is, as a share of the way, 0...1; all segments are equally long.
    public var largestLossAt: Double

    init(name: String, losses: [Double]) {
      self.name = name
      self.losses = losses
      lossAtStart = losses.first ?? 0
      lossAtEnd = losses.last ?? 0
      let peak = losses.indices.max { losses[$0] < losses[$1] } ?? 0
      largestLoss = losses.isEmpty ? 0 : losses[peak]
      largestLossAt = losses.count > 1 ? Double(peak) / Double(losses.count - 1) : 0
    }
  }

  /// A straight piece of the constructed path.
  public struct Segment: Sendable, Encodable {
    public var what: String
    public var largestLoss: Double
    public var losses: [Double]
  }

  /// Which node of B each node of A was matched with, from 1.
  public struct Matching: Sendable, Encodable {
    public var nodes: [Int]
    public var scales: [Double]
    /// How much two nodes' contributions to the outputs differ in the mean square, `[node of A][node of B]`.
    public var costs: [[Double]]
    public var totalCost: Double
  }

  public var studentA: String
  public var studentB: String
  public var teacher: String
  public var inputs: String
  /// Processor, kernels and OpenBLAS's kernels.
  public var machine: String
  public var pointCount: Int
  /// Mean of the targets' squared norms by two, in the unit of the losses: what predicting 0 would cost.
  public var lossOfZero: Double
  /// "straight", "matched" and, if there is one, "constructed".
  public var curves: [Curve]
  /// Of the constructed path, from A to B.
  public var segments: [Segment]
  /// Why there is no constructed path; nil if there is one.
  public var obstacle: String?
  /// Why the path may have more loss than the students; see ``ConstructedPath/shortage``.
  public var shortage: String?
  /// The files that hold the networks at the ends of the segments, A's first; nil if none were written.
  public var corners: [String]?
  /// Of the lowest hidden layer, and of those above, the lower first; nil for students of one hidden layer.
  public var matching: Matching
  public var upperMatchings: [Matching]?
  /// The networks at the ends of the segments, A first; empty if there is no constructed path. Not encoded.
  public let cornerNetworks: [Network]

  private enum CodingKeys: String, CodingKey {
    case studentA, studentB, teacher, inputs, machine, pointCount, lossOfZero, curves, segments, obstacle, shortage
    case corners, matching, upperMatchings
  }

  /// Reads the files and measures all three ways.
  ///
  /// - Parameter progress: told, in words, what takes time: between deep students many small networks are trained.
  /// - Throws: ``ExperimentError`` that names the file for files that cannot be read or do not fit.
  public init(
    studentA: String, studentB: String, teacher: String, inputs: String, activation: Activation, pointCount: Int,
    progress: @escaping (String) -> Void = { _ in }
  ) throws(ExperimentError) {
    let first = try FilePair(teacherPath: teacher, studentPath: studentA, activation: activation)
    let second = try FilePair(teacherPath: teacher, studentPath: studentB, activation: activation)
    try self.init(
      from: first.student, to: second.student, learning: first.teacher, over: try readSamples(inputs),
      names: (studentA, studentB, teacher, inputs), pointCount: pointCount, progress: progress)
  }

  /// Measures all three ways between the final students of two stored runs, over the training inputs of the first.
  ///
  /// - Throws: ``ExperimentError`` of runs without weights, over images, or with different teachers.
  public init(
    _ runA: Run, _ runB: Run, in store: ResultsStore, pointCount: Int, progress: @escaping (String) -> Void = { _ in }
  ) throws(ExperimentError) {
    if let run = [runA, runB].first(where: { $0.setting.inputs.images != nil }) {
      throw .input(
        "run \(run.hash): its student is one of images, which have no constructed paths; choose runs of other inputs")
    }
    let (first, second) = (try StoredStudent(runA, in: store), try StoredStudent(runB, in: store))
    guard first.teacher == second.teacher else {
      throw .input(
        "runs \(runA.hash) and \(runB.hash) have different teachers, as a drawn teacher follows from the seed and its keys; choose "
          + "two runs of one teacher, of one seed or with teacher.file")
    }
    try self.init(
      from: first.student, to: second.student, learning: first.teacher, over: first.inputs,
      names: (first.names.student, second.names.student, first.names.teacher, first.names.inputs),
      pointCount: pointCount, progress: progress)
  }

  private init(
    from first: Student, to second: Student, learning goal: Teacher, over x: Matrix,
    names: (studentA: String, studentB: String, teacher: String, inputs: String), pointCount: Int,
    progress: @escaping (String) -> Void
  ) throws(ExperimentError) {
    let (studentA, studentB, teacher, inputs) = names
    let targets = try ExperimentError.catching(inputs) { () throws(ShapeError) in try goal.network.outputs(for: x) }
    let paths = try ExperimentError.catching("\(studentA), \(studentB)") { () throws(ShapeError) in
      try SolutionPaths(
        retrainingFrom: first, to: second, learning: goal, over: x, targets: targets, pointCount: pointCount,
        progress: progress)
    }
    (self.studentA, self.studentB, self.teacher, self.inputs) = (studentA, studentB, teacher, inputs)
    machine = machineKind()
    self.pointCount = pointCount
    lossOfZero = targets.values.reduce(0) { $0 + $1 * $1 } / (2 * Double(x.rowCount))
    curves = [Curve(name: "straight", losses: paths.straight), Curve(name: "matched", losses: paths.matched)]
    if !paths.constructed.isEmpty {
      curves.append(Curve(name: "constructed", losses: paths.constructed.flatMap { $0 }))
    }
    segments = zip(paths.path.segments, paths.constructed).map { segment, losses in
      Segment(what: segment.what, largestLoss: losses.max() ?? 0, losses: losses)
    }
    (obstacle, shortage) = (paths.path.obstacle, paths.path.shortage)
    cornerNetworks = paths.path.segments.prefix(1).map(\.from) + paths.path.segments.map(\.to)
    let matchings = paths.matching.layers.map { layer in
      Matching(
        nodes: layer.nodes.map { $0 + 1 }, scales: layer.scales,
        costs: (0..<layer.costs.rowCount).map { Array(layer.costs.row($0)) },
        totalCost: totalCost(of: layer.nodes, layer.costs))
    }
    matching = matchings[0]
    upperMatchings = matchings.count > 1 ? Array(matchings.dropFirst()) : nil
    guard lossOfZero.isFinite, curves.allSatisfy({ $0.losses.allSatisfy(\.isFinite) }) else {
      throw .input("\(studentA), \(studentB): the losses overflow on \(inputs); scale the inputs or the outputs down")
    }
  }
}
