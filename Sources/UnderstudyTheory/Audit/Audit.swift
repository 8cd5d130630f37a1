import UnderstudyNetworks
import UnderstudyNumerics

/// The eps of the bands around boundaries, above 0.
public enum BandWidth: Sendable, Hashable, ExpressibleByFloatLiteral {
  /// In units of the input.
  case length(Double)
  /// As a share of the inputs' spread, ``inputSpread(of:)``: the same band whatever the inputs' unit.
  case share(Double)

  /// 0.1 for inputs of the paper's deviation, 1.5.
  public static let standard = BandWidth.share(1 / 15)

  public init(floatLiteral value: Double) { self = .length(value) }

  /// In units of the input; at least the smallest number that has all its digits, whose reciprocal is a number, too: subnormal
  /// inputs have a spread of which no share may be left.
  public func length(spread: Double) -> Double {
    switch self {
    case .length(let length): max(length, .leastNormalMagnitude)
    case .share(let share): max(share * spread, .leastNormalMagnitude)
    }
  }
}

/// What an audit may be told.
public struct AuditOptions: Sendable, Hashable {
  /// The eps of the bands around boundaries, which is also the step of the augmentations; at least one, in any order. Each
  /// costs a pass over both augmented sets.
  public var bands: [BandWidth]
  /// The largest change of an output over the inputs that merging and removing units may cause; nil: what the student's own
  /// error allows, see ``merge(_:over:targets:allowedChange:)``.
  public var allowedChange: Double?
  /// What may be left out because it would take long.
  public var effort: AuditEffort

  public init(
    bands: [BandWidth] = [.standard], allowedChange: Double? = nil, effort: AuditEffort = .minute
  ) {
    precondition(!bands.isEmpty && bands.allSatisfy { $0.length(spread: 1) > 0 })
    self.bands = bands
    self.allowedChange = allowedChange
    self.effort = effort
  }
}

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

/// The finite-data statement held against one teacher node.
public struct TeacherNodeAudit: Sendable {
  /// Student nodes that observe it in each band: kappa > 0 and alpha not 0. `[band]`.
  public var observers: [[Observer]]
  /// The observer with the largest |alpha_kj| ||w*_j|| ||w_k|| in the widest band.
  public var bestObserver: Int?
  /// Its |alpha_kj| ||w*_j||; 0 without an observer.
  public var bestAlpha: Double
  /// Rank of the observers' fan-out weights in the widest band.
  public var observerRank: Int
  /// The smallest eps over the bands that the gradients on D' allow, were there enough samples for it; nil without an
  /// observer.
  public var gradientAgnostic: Double?
  public var gradientAware: Double?
  /// The smallest eps that the statement predicts, read backwards; nil where it predicts nothing, because another condition
  /// fails.
  ///
  /// The statement for an eps speaks of copies moved by about eps and of a number of samples that grows like 1 / eps. So
  /// gradients on copies moved by a band's width predict no eps below that width, and only if the band has d + 1 samples:
  /// between fewer samples, student nodes may straddle the boundary without a trace of gradient. The number of samples that
  /// the statement asks for is not known, so this is a prediction, and no proof.
  public var predicted: Double?
  /// The smallest eps over the bands that kink witnesses prove, see ``AlignmentProof``; nil where they prove nothing.
  public var proven: Double?
  /// The student node nearest to alignment; nil if the teacher node or every student node is without a boundary.
  public var alignedStudent: Int?
  public var relation: BoundaryRelation?
  /// The smallest eps for which they are eps-aligned, in units of the input; nil as ``alignedStudent``.
  public var alignment: Double?
  /// Its partner in the one-to-one matching.
  public var matchedStudent: Int?
  public var verdict: Verdict
}

/// A student node that observes a teacher node.
public struct Observer: Sendable, Equatable {
  public var student: Int
  /// The share of the samples in the band at which it is active, above 0.
  public var kappa: Double
  /// |alpha_kj| ||w*_j||, above 0; in deeper networks the smallest over the regions met.
  public var alpha: Double
}

/// What a student node is to the teacher, and whether it is needed.
public struct StudentNodeAudit: Sendable {
  /// The teacher node nearest to alignment; nil if the student node, or every teacher node, is without a boundary.
  public var nearestTeacher: Int?
  public var relation: BoundaryRelation?
  /// The smallest eps for which they are eps-aligned, in units of the input; nil as ``nearestTeacher``.
  public var alignment: Double?
  /// Whether they are aligned for the widest band's eps.
  public var isAligned: Bool
  /// The activation does not vary over the inputs.
  public var isDead: Bool
  /// sqrt(E[beta_kk]), in two layers ||v_k||.
  public var fanOutNorm: Double
  /// The same times ||w_k||.
  public var strength: Double
  /// The norm of the kink that is left at its boundary; see ``KinkBalance``.
  public var kinkBalance: Double
  /// Its boundary group, from 0; nil for a node without a boundary.
  public var group: Int?
  /// Rank of the fan-out weights of the student nodes that observe its boundary: what the kink there must be orthogonal to
  /// where their gradients vanish; nil if the audit left it out.
  public var observerRank: Int?
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
  /// ||w*_j||, `[teacher node]`, and ||w_k||, `[student node]`.
  public var teacherNorms: [Double]
  public var studentNorms: [Double]
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
  public var layers: [LayerRecovery]?
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
/// - Source: Tian 2020, arXiv:1909.13458, student specialization with finite samples and small gradients; read backwards,
///   see the derivation of the finite-data statement.
public func audit(
  of student: Student, learning teacher: Teacher, over inputs: Matrix, options: AuditOptions = AuditOptions(),
  progress: (String) -> Void = { _ in }
) throws(ShapeError) -> Audit {
  try checkPair(teacher, student)
  try checkInputs(inputs, fit: teacher.network)
  for (network, owner) in [(teacher.network, "teacher"), (student.network, "student")] where !network.isFinite {
    throw ShapeError(
      "a weight of the \(owner) is not finite: its training diverged; give a network with finite weights")
  }
  guard student.network.activation.negativeSlope < 1, teacher.network.activation.negativeSlope < 1 else {
    throw ShapeError("a linear network has no boundaries to audit; give networks of ReLU or leaky ReLU nodes")
  }
  let diagnosis = try diagnosis(of: inputs)
  let widths = Set(options.bands.map { $0.length(spread: diagnosis.spread) }).sorted()
  let targets = try teacher.network.outputs(for: inputs)
  guard targets.isFinite, try student.network.outputs(for: inputs).isFinite else {
    throw ShapeError("outputs overflow: weights or inputs are too large; rescale them to ordinary sizes")
  }
  let density = try densityBounds(
    over: inputs, diagnosis: diagnosis, teacher: teacher, student: student, bandWidths: widths)
  let cost = AuditCost(
    teacher: teacher.network, student: student.network, sampleCount: inputs.rowCount, bandCount: widths.count)
  let plan = AuditPlan(options.effort, cost)
  func gradients(_ scheme: Augmentation.Scheme, step: Double) throws(ShapeError) -> SampleGradients {
    guard plan.includes(scheme == .teacherAgnostic ? .agnosticGradients : .awareGradients) else {
      return .unmeasured(sampleCount: inputs.rowCount, nodeCount: student.network.hiddenCounts[0])
    }
    return try sampleGradients(
      of: student, learning: teacher, over: inputs, augmentedBy: Augmentation(scheme: scheme, step: step)
    ) {
      progress(
        "gradients, \(scheme == .teacherAgnostic ? "teacher-agnostic" : "teacher-aware") copies, band \(step): \(Int(100 * $0)) %"
      )
    }
  }
  var bands: [BandAudit] = []
  for (width, density) in zip(widths, density) {
    let agnostic = try gradients(.teacherAgnostic, step: width)
    let aware = try gradients(.teacherAware, step: width)
    progress("observers and witnesses, band \(width)")
    bands.append(
      BandAudit(
        width: width,
        observation: try observation(
          of: Boundaries(of: teacher.network.layers[0]), by: student, over: inputs, bandWidth: width),
        agnosticGradients: agnostic, awareGradients: aware,
        witnesses: aware.isMeasured
          ? try kinkWitnesses(of: teacher, in: student, over: inputs, step: width, nodeMaxima: aware.nodeMaxima) : nil,
        density: density))
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
    hasFanOut: student.network.layers[student.network.layers.count - 1].weights.values.contains { $0 != 0 },
    teacherNorms: Boundaries(of: teacher.network.layers[0]).norms,
    studentNorms: Boundaries(of: student.network.layers[0]).norms, bands: bands, teacherNodes: [],
    studentNodes: [])
  guard audit.isFinite else {
    throw ShapeError(
      "gradients or strengths overflow: weights or inputs are too large; rescale them to ordinary sizes")
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

/// The strength of each node of a teacher's lowest layer: its coupling with itself gives E[beta_jj].
private func strengths(of teacher: Teacher, over inputs: Matrix) throws(ShapeError) -> [Double] {
  let fanOuts = try coupling(of: teacher, with: Student(teacher.network), over: inputs).fanOutNorms
  return zip(Boundaries(of: teacher.network.layers[0]).norms, fanOuts).map(*)
}

extension Audit {
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
  /// - Throws: ``ShapeError`` if the networks and inputs do not fit.
  public mutating func setMerged(
    _ merged: MergedStudent, of student: Student, learning teacher: Teacher, over inputs: Matrix
  ) throws(ShapeError) {
    self.merged = merged
    weightError = UnderstudyTheory.weightError(of: merged.student.network, against: teacher.network)
    layers =
      student.network.layers.count == 2
      ? nil : try layerRecoveries(of: merged, from: student, against: teacher, over: inputs)
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

  /// The verdicts, from what was measured; a function of its own so that a test can corrupt a measurement.
  func judgeTeacherNodes() -> [TeacherNodeAudit] {
    let matching = alignment.oneToOneMatching
    // The statement is for nodes of unit weights: the scales of w*_j and w_k belong to their fan-out weights, so to alpha.
    var alpha = coupling.smallestAlpha
    for j in 0..<alpha.columnCount {
      for k in 0..<alpha.rowCount { alpha[k, j] *= teacherNorms[j] * studentNorms[k] }
    }
    func reported(_ k: Int, _ j: Int) -> Double { coupling.smallestAlpha[k, j] * teacherNorms[j] }
    let nodes = teacher.nodes.indices
    let observers = bands.map { band in
      nodes.map { j in band.observation.observers(of: j).filter { alpha[$0, j] > 0 } }
    }
    let strongest = observers.map { byNode in
      nodes.reduce(0) { sum, j in byNode[j].reduce(sum) { max($0, alpha[$1, j]) } }
    }
    var ranks = FanOutRanks(coupling)
    return nodes.map { j in
      let best = alignment.bestStudent(of: j)
      let evidence = NodeEvidence(
        isDead: teacher.nodes[j].isDead, isVisible: teacher.nodes[j].isVisible, dimension: inputs.dimension,
        bands: bands.indices.map { b in
          let strongestOfNode = observers[b][j].reduce(0) { max($0, alpha[$1, j]) }
          return NodeEvidence.Band(
            width: bands[b].width, rank: inputs.rank(above: bands[b].width),
            neighbour: nodes.first { $0 != j && teacherDistances[j, $0] <= bands[b].width },
            sampleCount: bands[b].observation.bandCounts[j],
            observerCount: observers[b][j].count, bestAlpha: strongestOfNode, strongestAlpha: strongest[b],
            predicted: strongestOfNode > 0
              ? min(epsilonAgnostic(b, alpha: strongestOfNode), epsilonAware(b, alpha: strongestOfNode)) : nil,
            witnessCount: bands[b].witnesses?.explainedCounts[j],
            unexplainedCount: bands[b].witnesses?.unexplainedCounts[j] ?? 0, proof: proof(of: j, band: b))
        }, measured: best.map { alignment.epsilon(ofTeacherNode: j, studentNode: $0) } ?? .infinity)
      let widest = observers[bands.count - 1][j]
      let bestObserver = widest.max { alpha[$0, j] < alpha[$1, j] }
      func smallest(_ predicted: (Int, Double) -> Double) -> Double? {
        bands.indices.compactMap { b in
          let alpha = evidence.bands[b].bestAlpha
          return alpha > 0 ? predicted(b, alpha) : nil
        }.min()
      }
      return TeacherNodeAudit(
        observers: bands.indices.map { b in
          observers[b][j].map {
            Observer(student: $0, kappa: bands[b].observation.kappa[j, $0], alpha: reported($0, j))
          }
        },
        bestObserver: bestObserver, bestAlpha: bestObserver.map { reported($0, j) } ?? 0,
        observerRank: ranks.rank(of: widest), gradientAgnostic: smallest(epsilonAgnostic),
        gradientAware: smallest(epsilonAware), predicted: evidence.predicted,
        proven: evidence.proven, alignedStudent: best, relation: best.flatMap { alignment[j, $0] },
        alignment: best.map { alignment.epsilon(ofTeacherNode: j, studentNode: $0) }, matchedStudent: matching[j],
        verdict: evidence.verdict)
    }
  }

  /// What witnesses prove of a teacher node and the student node that explains them, held against their boundaries.
  private func proof(of j: Int, band: Int) -> NodeEvidence.Proof? {
    guard let proof = bands[band].witnesses?.proofs[j] else { return nil }
    return NodeEvidence.Proof(
      eps: proof.epsilon(spread: inputs.spread),
      isBroken: !(alignment[j, proof.student].map { proof.holds(for: $0) } ?? false))
  }

  /// - Returns: also what the whole audit leaves out.
  fileprivate func describeStudentNodes(
    of student: Student, learning teacher: Teacher, over samples: Matrix, within plan: AuditPlan
  ) throws(ShapeError) -> (nodes: [StudentNodeAudit], omitted: [OmittedPart]) {
    let width = bands[bands.count - 1].width
    let boundaries = Boundaries(of: student.network.layers[0])
    // Above two layers the balance is a mean over the inputs; as many as the coupling takes are enough.
    let groups = try BoundaryGroups(
      teacher: teacher, student: student, tolerance: width / inputs.spread, spread: inputs.spread)
    let balance = try KinkBalance(
      of: student, against: teacher, groups: groups, over: samples.prefix(rows: coupling.sampleCount))
    let dead = Set(correlation.deadStudentNodes)
    let fanOuts = coupling.fanOutNorms
    var plan = plan
    let ranks = try observerRanks(of: boundaries, by: student, over: samples, width: width, within: &plan)
    let nodes = (0..<boundaries.count).map { k in
      let nearest = alignment.bestTeacher(of: k)
      let eps = nearest.map { alignment.epsilon(ofTeacherNode: $0, studentNode: k) }
      return StudentNodeAudit(
        nearestTeacher: nearest, relation: nearest.flatMap { alignment[$0, k] }, alignment: eps,
        isAligned: eps.map { $0 <= width } ?? false, isDead: dead.contains(k), fanOutNorm: fanOuts[k],
        strength: fanOuts[k] * boundaries.norms[k], kinkBalance: balance.studentNodeNorms[k],
        group: groups.group(ofStudentNode: k),
        observerRank: ranks?[k])
    }
    return (nodes, plan.omitted)
  }

  /// The rank of the fan-out weights of each student node's observers; nil if it would take too long.
  private func observerRanks(
    of boundaries: Boundaries, by student: Student, over inputs: Matrix, width: Double, within plan: inout AuditPlan
  ) throws(ShapeError) -> [Int]? {
    let cost = AuditCost.observers(nodeCount: boundaries.count, sampleCount: inputs.rowCount)
    guard plan.take(.observerRanks, cost: cost, bytes: AuditCost.observerBytes(nodeCount: boundaries.count)) else {
      return nil
    }
    let seen = try observation(of: boundaries, by: student, over: inputs, bandWidth: width)
    let observers = (0..<boundaries.count).map(seen.observers)
    var ranks = FanOutRanks(coupling)
    guard plan.take(.observerRanks, cost: Set(observers).reduce(0) { $0 + ranks.cost(of: $1) }, bytes: 0) else {
      return nil
    }
    return observers.map { ranks.rank(of: $0) }
  }

  /// `eps = 5 K^(3/2) sqrt(d) max |g_1| / |alpha|`, the statement for teacher-agnostic augmentation read backwards, of nodes
  /// with unit weights: for others, g_k and alpha_kj times ||w_k||, and alpha_kj times ||w*_j||. So it does not depend on the
  /// scale of a node.
  private func epsilonAgnostic(_ band: Int, alpha: Double) -> Double {
    predictionFactor * Double(inputs.dimension).squareRoot() * largest(bands[band].agnosticGradients) / alpha
  }

  /// The same for teacher-aware augmentation, without the root of d.
  private func epsilonAware(_ band: Int, alpha: Double) -> Double {
    predictionFactor * largest(bands[band].awareGradients) / alpha
  }

  /// max |g_k| ||w_k||.
  private func largest(_ gradients: SampleGradients) -> Double {
    zip(gradients.nodeMaxima, studentNorms).reduce(0) { $1.1 > 0 ? max($0, $1.0 * $1.1) : $0 }
  }

  private var predictionFactor: Double { 5 * power(Double(coupling.hyperplaneCount), 1.5) }
}

/// J = 1/2 mean ||target - output||^2.
func halfMeanSquare(of network: Network, over inputs: Matrix, targets: Matrix) throws(ShapeError) -> Double {
  let outputs = try network.outputs(for: inputs)
  let sum = zip(outputs.values, targets.values).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  return sum / (2 * Double(inputs.rowCount))
}
