import UnderstudyNetworks
import UnderstudyNumerics

/// What holds within one band.
public struct BandAudit: Sendable {
  /// eps, in units of the input.
  public var width: Double
  public var observation: BandObservation
  public var agnosticGradients: SampleGradients
  public var awareGradients: SampleGradients
  /// nil where the gradients over the teacher-aware copies, which bear witness, were left out.
  public var witnesses: KinkWitnesses?
  public var density: DensityBound
}

/// Everything the theory says of a student and its teacher over a data set, and whether it is so.
public struct Audit: Sendable {
  public var options: AuditOptions
  public var inputs: InputDiagnosis
  public var teacher: TeacherDiagnosis
  public var coupling: Coupling
  public var alignment: BoundaryAlignment
  public var correlation: NodeCorrelation
  /// Over D.
  public var gradients: SampleGradients
  /// J over D.
  public var loss: Double
  /// C
  public var outputCount: Int
  /// Root mean square of the teacher's outputs over D.
  public var outputScale: Double
  /// sqrt(E[V*_j . V*_j]) ||w*_j||, in two layers ||v*_j|| ||w*_j||. `[teacher node]`.
  public var teacherStrengths: [Double]
  /// The smallest eps for which two teacher nodes are eps-aligned, `[teacher node, teacher node]`.
  public var teacherDistances: Matrix
  /// Whether any fan-out weight of the student's last layer is not 0.
  public var hasFanOut: Bool
  /// Of the lowest layers.
  public var teacherBoundaries: Boundaries
  public var studentBoundaries: Boundaries
  /// By the options' bands.
  public var bands: [BandAudit]
  public var teacherNodes: [TeacherNodeAudit]
  public var studentNodes: [StudentNodeAudit]
  /// The smaller student that does the same; nil where merging was left out.
  public var merged: MergedStudent?
  /// The largest weight error of the merged student against the teacher; nil if the sizes differ.
  public var weightError: Double?
  /// What merging left of each hidden layer, by layer; nil for two layers, whose only one is ``studentNodes``, and without
  /// ``merged``.
  public var layers: [MergedLayerReport]?
  /// What would have taken too long; see ``AuditEffort``.
  public var omitted: [OmittedPart] = []
}

/// Audits a student: measures each condition of the finite-data statement for each teacher node, predicts, and holds the
/// prediction against the alignment.
///
/// The gradients are those of the loss against the teacher's own outputs at the inputs and their moved copies.
///
/// - Shape: `inputs` is `[sample, feature]`, D.
/// - Throws: ``ShapeError`` if student, teacher and inputs do not fit, or a number is not finite.
/// - Parameter progress: is told what begins, and how much of it is done.
/// - Complexity: O(bands x (2d + 1 + 2m) x samples x nodes x outputs) for two layers, as far as the options' effort allows;
///   O(samples x (weights + nodes^2 / 64) + nodes^2 x features) besides, and merging. Memory O(samples x features + teacher
///   nodes x student nodes), and what the parts of ``AuditEffort`` take.
/// - Source: Tian 2020, arXiv:1909.13458, student specialization with finite samples and small gradients; solved for eps,
///   see the derivation of the finite-data statement.
public func audit(
  of student: Student, learning teacher: Teacher, over inputs: Matrix, options: AuditOptions = AuditOptions(),
  progress: (String) -> Void = { _ in }
) throws(ShapeError) -> Audit {
  try checkPair(teacher, student, over: inputs)
  try checkHasBoundaries(teacher, student)
  let diagnosis = try diagnosis(of: inputs)
  let widths = Set(options.bands.map { $0.length(spread: diagnosis.spread) }).sorted()
  let targets = try teacher.network.outputs(for: inputs)
  guard targets.isFinite, try student.network.outputs(for: inputs).isFinite else {
    throw Audit.outputOverflow
  }
  let density = try densityBounds(
    over: inputs, diagnosis: diagnosis, teacher: teacher, student: student, bandWidths: widths)
  let cost = AuditCost(
    teacher: teacher.network.architecture, student: student.network.architecture, sampleCount: inputs.rowCount,
    bandCount: widths.count)
  let plan = AuditPlan(options.effort, cost)
  var bands: [BandAudit] = []
  for (width, density) in zip(widths, density) {
    bands.append(
      try bandAudit(width, density, of: student, learning: teacher, over: inputs, within: plan, progress: progress))
  }
  progress("coupling and correlation")
  var audit = Audit(
    options: options, inputs: diagnosis, teacher: try UnderstudyTheory.diagnosis(of: teacher, over: inputs),
    coupling: try coupling(
      of: teacher, with: student, over: inputs, sampleLimit: cost.couplingSamples(options.effort)),
    alignment: try alignment(of: teacher, with: student, spread: diagnosis.spread),
    correlation: try correlation(of: teacher, with: student, over: inputs),
    gradients: try sampleGradients(of: student, learning: teacher, over: inputs),
    loss: try halfMeanSquare(of: student.network, over: inputs, targets: targets),
    outputCount: targets.columnCount,
    outputScale: targets.rootMeanSquare,
    teacherStrengths: try strengths(of: teacher, over: inputs),
    teacherDistances: Boundaries(of: teacher.network.layers[0]).distances(spread: diagnosis.spread),
    hasFanOut: student.network.fanOutWeights.values.contains { $0 != 0 },
    teacherBoundaries: Boundaries(of: teacher.network.layers[0]),
    studentBoundaries: Boundaries(of: student.network.layers[0]), bands: bands, teacherNodes: [], studentNodes: [])
  guard audit.isFinite else {
    throw Audit.strengthOverflow
  }
  progress("teacher nodes")
  audit.teacherNodes = audit.judgeTeacherNodes()
  progress("student nodes")
  (audit.studentNodes, audit.omitted) = try audit.describeStudentNodes(
    of: student, learning: teacher, over: inputs, within: plan)
  if plan.includes(.merging) {
    progress("merging")
    let merged = try merge(student, over: inputs, targets: targets, allowedChange: options.allowedChange)
    try audit.setMerged(merged, of: student, learning: teacher, over: inputs)
  }
  return audit
}

/// Refuses what has no boundaries to audit.
func checkHasBoundaries(_ teacher: Teacher, _ student: Student) throws(ShapeError) {
  for (network, owner) in [(teacher.network, "teacher"), (student.network, "student")] where !network.isFinite {
    throw ShapeError(
      "a weight of the \(owner) is not finite: its training diverged; give a network with finite weights")
  }
  guard student.network.activation.negativeSlope < 1, teacher.network.activation.negativeSlope < 1 else {
    throw ShapeError("a linear network has no boundaries to audit; give networks of ReLU or leaky ReLU nodes")
  }
}

/// What is measured with bands of one width.
private func bandAudit(
  _ width: Double, _ density: DensityBound, of student: Student, learning teacher: Teacher, over inputs: Matrix,
  within plan: AuditPlan, progress: (String) -> Void
) throws(ShapeError) -> BandAudit {
  func gradients(_ scheme: Augmentation.Scheme) throws(ShapeError) -> SampleGradients {
    guard plan.includes(scheme == .teacherAgnostic ? .agnosticGradients : .awareGradients) else {
      return .unmeasured(sampleCount: inputs.rowCount, nodeCount: student.network.hiddenCounts[0])
    }
    return try sampleGradients(
      of: student, learning: teacher, over: inputs, augmentedBy: Augmentation(scheme: scheme, step: width)
    ) {
      progress(
        "gradients, \(scheme == .teacherAgnostic ? "teacher-agnostic" : "teacher-aware") copies, band \(width): \(Int(100 * $0)) %"
      )
    }
  }
  let agnostic = try gradients(.teacherAgnostic)
  let aware = try gradients(.teacherAware)
  progress("observers and witnesses, band \(width)")
  return BandAudit(
    width: width,
    observation: try observation(
      of: Boundaries(of: teacher.network.layers[0]), by: student, over: inputs, bandWidth: width),
    agnosticGradients: agnostic, awareGradients: aware,
    witnesses: aware.isMeasured
      ? try kinkWitnesses(of: teacher, in: student, over: inputs, step: width, nodeMaxima: aware.nodeMaxima) : nil,
    density: density)
}

/// The strength of each node of a teacher's lowest layer: its coupling with itself gives E[beta_jj].
private func strengths(of teacher: Teacher, over inputs: Matrix) throws(ShapeError) -> [Double] {
  let fanOuts = try coupling(of: teacher, with: Student(teacher.network), over: inputs).fanOutNorms
  return zip(Boundaries(of: teacher.network.layers[0]).norms, fanOuts).map(*)
}

extension Audit {
  /// Thrown where outputs or what an audit computes of them overflow: no fault of a run that has gone wild, but its result.
  public static let overflows = [outputOverflow, strengthOverflow]

  fileprivate static let outputOverflow = ShapeError(
    "outputs overflow: weights or inputs are too large; rescale them to ordinary sizes")
  fileprivate static let strengthOverflow = ShapeError(
    "gradients or strengths overflow: weights or inputs are too large; rescale them to ordinary sizes")

  /// ||w*_j||, `[teacher node]`, and ||w_k||, `[student node]`.
  var teacherNorms: [Double] { teacherBoundaries.norms }
  var studentNorms: [Double] { studentBoundaries.norms }

  /// Whether what the verdicts and tables are made of can be told from infinity.
  fileprivate var isFinite: Bool {
    let strengths = zip(coupling.fanOutNorms, studentNorms).map(*)
    // A kink balance adds up all strengths.
    let numbers =
      [loss, outputScale, gradients.largest, (teacherStrengths + strengths).reduce(0, +)]
      + bands.flatMap { [$0.agnosticGradients, $0.awareGradients] }.filter(\.isMeasured).map(\.largest)
      + teacherNorms + studentNorms
    return numbers.allSatisfy { $0.isFinite } && coupling.meanAlpha.isFinite && coupling.fanOut.isFinite
  }

  /// Takes up a smaller student and what it says of the original one.
  ///
  /// - Shape: `inputs` is `[sample, feature]`.
  /// - Throws: ``ShapeError`` if the networks and inputs do not fit.
  public mutating func setMerged(
    _ merged: MergedStudent, of student: Student, learning teacher: Teacher, over inputs: Matrix
  ) throws(ShapeError) {
    self.merged = merged
    weightError = UnderstudyTheory.weightError(of: merged.student.network, against: teacher.network)
    layers =
      student.network.isTwoLayer
      ? nil : try mergedLayerReports(of: merged, from: student, against: teacher, over: inputs)
  }

  /// Sentences on what is wrong with the student as a whole.
  public var studentNotes: [String] {
    var notes: [String] = []
    let deadCount = studentNodes.count { $0.isDead }
    if deadCount == studentNodes.count {
      notes.append("the student's lowest layer is dead: no node's activation varies over the inputs")
    } else if deadCount > 0 {
      notes.append("dead student nodes: \(deadCount) of \(studentNodes.count)")
    }
    if !hasFanOut {
      notes.append("zero fan-out everywhere: the student's outputs do not depend on its lowest layer")
    }
    return notes
  }
}
