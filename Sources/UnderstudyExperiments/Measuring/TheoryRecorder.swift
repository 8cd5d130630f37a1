import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyReconstruction
import UnderstudySchema
import UnderstudyTheory

/// Takes the measures of the theory laboratory: alignments, observers, kink balances, verdicts.
///
/// An audit costs more than an epoch of a small network, so it is made only if a measure needs it, and once.
struct TheoryRecorder {
  let teacher: Teacher
  let student: Student
  let training: Dataset
  /// The samples D of which an augmented training set is made; drawn only if needed. Audits augment them themselves.
  let drawn: () -> Matrix

  /// The half width of the bands around boundaries, and the step of the augmentations.
  let band: BandWidth

  private static let ofAudits: Set<Measure> = [.predictedAlignment, .witnessCounts, .verdicts]

  /// Shape and values of each of the measures that belongs here.
  func take(_ measures: Set<Measure>) throws(ShapeError) -> [Measure: (shape: [Int], values: [Double])] {
    var result: [Measure: (shape: [Int], values: [Double])] = [:]
    func add(_ measure: Measure, _ values: [Double], shape: [Int]? = nil) {
      if measures.contains(measure) { result[measure] = (shape ?? [values.count], values) }
    }
    /// Lengths as shares of the inputs' spread; -1 for what does not exist.
    func share(_ length: Double?, of spread: Double) -> Double {
      guard let length, length.isFinite else { return -1 }
      return length / spread
    }
    if !measures.isDisjoint(with: [.alignment, .studentAlignment]) {
      let spread = inputSpread(of: drawn())
      let alignment = try alignment(of: teacher, with: student, spread: spread)
      add(.alignment, alignment.epsilonOfTeacherNodes.map { share($0, of: spread) })
      add(.studentAlignment, alignment.epsilonOfStudentNodes.map { share($0, of: spread) })
    }
    if !measures.isDisjoint(with: [.observerCounts, .observation]) {
      let observers = try observers()
      add(.observerCounts, observers.map { Double($0.count) })
      if measures.contains(.observation) { add(.observation, try meanObservation(by: observers)) }
    }
    if !measures.isDisjoint(with: Self.ofAudits) {
      do {
        let audit = try audit(
          of: student, learning: teacher, over: drawn(), options: AuditOptions(bands: [band], effort: .complete))
        add(.predictedAlignment, audit.teacherNodes.map { share($0.predicted, of: audit.inputs.spread) })
        add(.witnessCounts, audit.bands[0].witnesses?.counts.map(Double.init) ?? [])
        add(.verdicts, audit.teacherNodes.map { Double(AuditVerdict($0.verdict).code) })
      } catch  where Audit.overflows.contains(error) {
        // The run has gone wild: what is not finite ends it as diverged.
        for measure in Self.ofAudits { add(measure, [.nan]) }
      }
    }
    if measures.contains(.kinkBalances) {
      let spread = inputSpread(of: drawn())
      let balance = try KinkBalance(
        of: student, against: teacher, tolerance: band.length(spread: spread) / spread, spread: spread)
      add(.kinkBalances, balance.studentNodeNorms)
    }
    if !measures.isDisjoint(with: [.ballGradients, .ballObservers]) {
      let inputs = drawn()
      let ball = try RegionGradient(
        of: student, learning: teacher, within: .ball(radius: inputs.rowNorms.max() ?? 0), residualTolerance: 0)
      add(.ballGradients, ball.studentNodes.map(\.gradientBound))
      add(.ballObservers, ball.teacherNodes.map { Double($0.observers.count) })
    }
    if !measures.isDisjoint(with: [.mergedNodeCount, .mergedWeightError]) {
      let merged = try mergedAndRetrained(student, over: training.inputs, targets: training.targets)
      add(.mergedNodeCount, [Double(merged.student.network.hiddenCounts[0])], shape: [])
      add(
        .mergedWeightError, [weightError(of: merged.student.network, against: teacher.network) ?? -1], shape: [])
    }
    return result
  }

  /// kappa_kj > 0 of each student node k that observes teacher node j, by k. `[teacher node]`.
  private func observers() throws(ShapeError) -> [[Int: Double]] {
    let inputs = drawn()
    let observed = try UnderstudyTheory.observation(
      of: Boundaries(of: teacher.network.layers[0]), by: student, over: inputs,
      bandWidth: band.length(spread: inputSpread(of: inputs)))
    let alpha = try coupling(of: teacher, with: student, over: inputs).smallestAlpha
    return observed.bandCounts.indices.map { j in
      let nodes = observed.observers(of: j).filter { alpha[$0, j] > 0 }
      return Dictionary(uniqueKeysWithValues: nodes.map { ($0, observed.kappa[j, $0]) })
    }
  }

  /// Of the nodes that stand for the other teacher nodes: the one that is aligned with j has half of its band in any case, and
  /// idle ones may lie anywhere.
  private func meanObservation(by observers: [[Int: Double]]) throws(ShapeError) -> [Double] {
    let alignment = try alignment(of: teacher, with: student, spread: inputSpread(of: drawn()))
    let best = observers.indices.map(alignment.bestStudent)
    return observers.enumerated().map { j, kappa in
      let others = Set(best.indices.filter { $0 != j }.compactMap { best[$0] }).subtracting([best[j]].compactMap { $0 })
      let shares = others.sorted().map { kappa[$0] ?? 0 }
      return shares.isEmpty ? 0 : shares.reduce(0, +) / Double(shares.count)
    }
  }
}
