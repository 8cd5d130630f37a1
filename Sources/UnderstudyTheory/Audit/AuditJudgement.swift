import UnderstudyNetworks
import UnderstudyNumerics

extension Audit {
  /// The verdicts, from what was measured; a function of its own so that a test can corrupt a measurement.
  func judgeTeacherNodes() -> [TeacherNodeAudit] {
    let matching = alignment.oneToOneMatching
    // The statement is for nodes of unit weights: the scales of w*_j and w_k belong to their fan-out weights, so to alpha.
    var alpha = coupling.smallestAlpha
    for j in 0..<alpha.columnCount {
      for k in 0..<alpha.rowCount { alpha[k, j] *= teacherNorms[j] * studentNorms[k] }
    }
    // A leaky node that is inactive near a boundary has its kink in its gradient c times.
    func seen(_ k: Int, _ j: Int, _ b: Int) -> Double {
      alpha[k, j] * bands[b].observation.gate(ofStudent: k, atBoundary: j)
    }
    func reported(_ k: Int, _ j: Int, _ b: Int) -> Double {
      coupling.smallestAlpha[k, j] * teacherNorms[j] * bands[b].observation.gate(ofStudent: k, atBoundary: j)
    }
    let nodes = teacher.nodes.indices
    let observers = bands.map { band in
      nodes.map { j in band.observation.observers(of: j).filter { alpha[$0, j] > 0 } }
    }
    let strongest = bands.indices.map { b in
      nodes.reduce(0) { sum, j in observers[b][j].reduce(sum) { max($0, seen($1, j, b)) } }
    }
    var ranks = FanOutRanks(coupling)
    let followers = correlation.matches
    return nodes.map { j in
      let best = alignment.bestStudent(of: j)
      let mismatch = followers[j].flatMap { self.mismatch(ofCorrelation: correlation.values[j, $0]) }
      let evidence = NodeEvidence(
        isDead: teacher.nodes[j].isDead, isVisible: teacher.nodes[j].isVisible, dimension: inputs.dimension,
        bands: bands.indices.map { b in
          let strongestOfNode = observers[b][j].reduce(0) { max($0, seen($1, j, b)) }
          return NodeEvidence.Band(
            width: bands[b].width, rank: inputs.rank(above: bands[b].width),
            neighbour: nodes.first { $0 != j && teacherDistances[j, $0] <= bands[b].width },
            sampleCount: bands[b].observation.bandCounts[j],
            observerCount: observers[b][j].count, bestAlpha: strongestOfNode, strongestAlpha: strongest[b],
            predicted: strongestOfNode > 0
              ? min(epsilonAgnostic(b, alpha: strongestOfNode), epsilonAware(b, alpha: strongestOfNode)) : nil,
            witnessCount: bands[b].witnesses?.explainedCounts[j],
            unexplainedCount: bands[b].witnesses?.unexplainedCounts[j] ?? 0, proof: proof(of: j, band: b))
        }, measured: best.map { alignment.epsilon(ofTeacherNode: j, studentNode: $0) } ?? .infinity,
        mismatch: mismatch ?? .infinity)
      let widest = observers[bands.count - 1][j]
      let bestObserver = widest.max { seen($0, j, bands.count - 1) < seen($1, j, bands.count - 1) }
      func smallest(_ predicted: (Int, Double) -> Double) -> Double? {
        bands.indices.compactMap { b in
          let alpha = evidence.bands[b].bestAlpha
          return alpha > 0 ? predicted(b, alpha) : nil
        }.min()
      }
      return TeacherNodeAudit(
        observers: bands.indices.map { b in
          observers[b][j].map {
            Observer(student: $0, kappa: bands[b].observation.kappa[j, $0], alpha: reported($0, j, b))
          }
        },
        bestObserver: bestObserver, bestAlpha: bestObserver.map { reported($0, j, bands.count - 1) } ?? 0,
        observerRank: ranks.rank(of: widest), gradientAgnostic: smallest(epsilonAgnostic),
        gradientAware: smallest(epsilonAware), predicted: evidence.predicted,
        proven: evidence.proven, alignedStudent: best, relation: best.flatMap { alignment[j, $0] },
        alignment: best.map { alignment.epsilon(ofTeacherNode: j, studentNode: $0) },
        seenSine: best.flatMap {
          inputs.seenSine(teacherBoundaries.directions.row(j), studentBoundaries.directions.row($0))
        }, correlatedStudent: followers[j], mismatch: mismatch, matchedStudent: matching[j],
        verdict: evidence.verdict)
    }
  }

  /// See ``TeacherNodeAudit/mismatch``.
  private func mismatch(ofCorrelation rho: Double) -> Double? {
    rho > 0 ? inputs.spread * ((1 - rho) * (1 + rho)).squareRoot() : nil
  }

  /// The least correlation with which a student node has a teacher node's function for the widest band.
  public var leastMatchingCorrelation: Double {
    let share = min(1, (bands.last?.width ?? 0) / inputs.spread)
    return ((1 - share) * (1 + share)).squareRoot()
  }

  /// What witnesses prove of a teacher node and the student node that explains them, held against their boundaries.
  private func proof(of j: Int, band: Int) -> NodeEvidence.Proof? {
    guard let proof = bands[band].witnesses?.proofs[j] else { return nil }
    return NodeEvidence.Proof(
      eps: proof.epsilon(spread: inputs.spread),
      isBroken: !(alignment[j, proof.student].map { proof.holds(for: $0) } ?? false))
  }

  /// - Returns: also what the whole audit leaves out.
  func describeStudentNodes(
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
    let followed = correlation.studentMatches
    let isLowRank = inputs.rank(above: width) < inputs.dimension
    let fanOuts = coupling.fanOutNorms
    var plan = plan
    let spans = try observerSpans(of: student, groups: groups, over: samples, width: width, within: &plan)
    let strongest = teacherStrengths.max() ?? 0
    let nodes = (0..<boundaries.count).map { k in
      let nearest = alignment.bestTeacher(of: k)
      let eps = nearest.map { alignment.epsilon(ofTeacherNode: $0, studentNode: k) }
      let isAligned = eps.map { $0 <= width } ?? false
      let matched = followed[k].flatMap { j in
        isLowRank && !isAligned && mismatch(ofCorrelation: correlation.values[j, k]) ?? .infinity <= width ? j : nil
      }
      let carried = balance.studentNodeNorms[k]
      let share = strongest > 0 ? carried / strongest : carried > 0 ? .infinity : 0
      let span = spans?[k]
      return StudentNodeAudit(
        nearestTeacher: nearest, relation: nearest.flatMap { alignment[$0, k] }, alignment: eps,
        isAligned: isAligned, matchedTeacher: matched, isDead: dead.contains(k), fanOutNorm: fanOuts[k],
        strength: fanOuts[k] * boundaries.norms[k], kinkBalance: carried,
        group: groups.group(ofStudentNode: k), observerSpan: span, carriedShare: share,
        unaligned: isAligned ? nil : span.map { UnalignedVerdict($0, carried: share, limit: width / inputs.spread) })
    }
    return (nodes, plan.omitted)
  }

  /// How well the fan-out weights of each student node's observers span the outputs; nil if it would take too long.
  private func observerSpans(
    of student: Student, groups: BoundaryGroups, over inputs: Matrix, width: Double, within plan: inout AuditPlan
  ) throws(ShapeError) -> [FanOutSpan?]? {
    let boundaries = Boundaries(of: student.network.layers[0])
    let cost = AuditCost.observers(nodeCount: boundaries.count, sampleCount: inputs.rowCount)
    guard plan.take(.observerRanks, cost: cost, bytes: AuditCost.observerBytes(nodeCount: boundaries.count)),
      plan.take(.observerRanks, cost: AuditCost.spans(of: student.network.architecture), bytes: 0)
    else { return nil }
    let seen = try observation(of: boundaries, by: student, over: inputs, bandWidth: width)
    return try UnderstudyTheory.observerSpans(of: student, groups: groups, observed: seen, over: inputs)
  }

  /// `eps = 5 K^(3/2) sqrt(d) max |g_1| / |alpha|`, the statement for teacher-agnostic augmentation solved for eps, of nodes
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
