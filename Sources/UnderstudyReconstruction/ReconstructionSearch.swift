import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTheory
import UnderstudyTraining

/// The samples of a reconstruction: those that are fitted, and those that are held out.
struct ReconstructionSamples {
  let inputs: Matrix
  let targets: Matrix
  let heldOutInputs: Matrix
  let heldOutTargets: Matrix
  /// The root mean square of all targets, in units of which errors are judged.
  let outputSize: Double

  init(inputs: Matrix, targets: Matrix, split: SampleSplit) {
    (self.inputs, self.targets) = (inputs.rows(split.fitted), targets.rows(split.fitted))
    (heldOutInputs, heldOutTargets) = (inputs.rows(split.heldOut), targets.rows(split.heldOut))
    outputSize = SampleUnits(inputs: inputs, targets: targets).outputSize
  }

  var hasHeldOut: Bool { heldOutInputs.rowCount > 0 }

  /// A student as the critical-point search sees it, without a step.
  func report(of student: Student) throws(ShapeError) -> CriticalPointReport {
    try criticalPoint(from: student, along: CriticalPointPlan(iterationLimit: 0), on: inputs, targets: targets, key: 0)
      .report
  }

  /// Half the mean squared error over the samples that are fitted, over those that are held out, and over all, in units of
  /// ``outputSize`` squared.
  func losses(of student: Student) throws(ShapeError) -> (fitted: Double, heldOut: Double, all: Double) {
    let fitted = squaredDistance(try student.network.outputs(for: inputs), targets, unit: outputSize) / 2
    let heldOut = squaredDistance(try student.network.outputs(for: heldOutInputs), heldOutTargets, unit: outputSize) / 2
    let (count, heldOutCount) = (Double(inputs.rowCount), Double(heldOutInputs.rowCount))
    return (fitted / count, heldOut / max(1, heldOutCount), (fitted + heldOut) / (count + heldOutCount))
  }

  /// Whether a student is constant over the inputs where the targets are not.
  func isConstant(_ student: Student) throws(ShapeError) -> Bool {
    func isConstant(_ values: Matrix) -> Bool {
      (0..<values.columnCount).allSatisfy { c in
        let column = values.column(c)
        return (column.max() ?? 0) - (column.min() ?? 0) <= 1e-12 * outputSize
      }
    }
    return isConstant(try student.network.outputs(for: inputs)) && !isConstant(targets)
  }
}

/// A reconstruction under way.
struct ReconstructionSearch {
  let plan: CriticalPointPlan
  let samples: ReconstructionSamples
  let key: UInt64
  let mergingCostLimit: Double
  var result: TeacherReconstruction
  private let given: Student
  /// What the critical-point search made of the given student.
  private let first: (student: Student, report: CriticalPointReport)
  private var stopwatch = Stopwatch()

  /// Searches for a critical point from the given student.
  init(
    from given: Student, along plan: CriticalPointPlan, on samples: ReconstructionSamples, key: UInt64,
    mergingCostLimit: Double,
    isCancelled: () -> Bool
  ) throws(ShapeError) {
    (self.plan, self.samples, self.key, self.given) = (plan, samples, key, given)
    self.mergingCostLimit = mergingCostLimit
    first = try criticalPoint(
      from: given, along: plan, on: samples.inputs, targets: samples.targets, key: key, isCancelled: isCancelled)
    result = TeacherReconstruction(
      searched: first.student, report: first.report, searchSeconds: stopwatch.cpuSeconds,
      determination: WeightDetermination(
        equationCount: samples.targets.values.count, weightCount: given.network.weightCount,
        freeScaleCount: given.network.hiddenCounts.reduce(0, +)))
    _ = lap()
  }

  private mutating func lap() -> Double {
    defer { stopwatch = Stopwatch() }
    return stopwatch.cpuSeconds
  }

  private mutating func searched(
    _ student: Student, along plan: CriticalPointPlan, isCancelled: () -> Bool
  ) throws(ShapeError) -> (student: Student, report: CriticalPointReport) {
    let (found, report) = try criticalPoint(
      from: student, along: plan, on: samples.inputs, targets: samples.targets, key: key, isCancelled: isCancelled)
    result.searchSeconds += lap()
    return (found, report)
  }

  private mutating func setMerged(_ student: Student) throws(ShapeError) {
    let merged = try mergedAndRetrained(
      student, over: samples.inputs, targets: samples.targets, costLimit: mergingCostLimit)
    result.merged = merged
    result.mergingSeconds += lap()
    guard samples.hasHeldOut else { return }
    let change = largestDifference(
      try student.network.outputs(for: samples.heldOutInputs),
      try merged.student.network.outputs(for: samples.heldOutInputs))
    result.heldOut = TeacherReconstruction.HeldOut(sampleCount: samples.heldOutInputs.rowCount, largestChange: change)
  }

  /// Merges, refines and eliminates units, or comes to where it is cancelled.
  mutating func run(isCancelled: () -> Bool) throws(ShapeError) {
    guard !result.report.wasCancelled else { return }
    try setMerged(result.searched)
    while !result.report.reachedTarget, result.refinementCount < 4 {
      let (refined, report) = try searched(result.student, along: plan, isCancelled: isCancelled)
      let isBetter = report.loss < result.report.loss
      if report.wasCancelled {
        if isBetter { (result.searched, result.merged, result.report) = (refined, nil, report) }
        result.report.wasCancelled = true
        return
      }
      guard isBetter else { break }
      result.refinementCount += 1
      result.report = report
      try setMerged(refined)
    }
    while result.report.reachedTarget {
      let elimination = try eliminatingOneUnit(
        of: result.student, along: plan, on: samples.inputs, targets: samples.targets, key: key,
        isCancelled: isCancelled)
      result.searchSeconds += lap()
      guard case .smaller(let smaller, let report) = elimination else {
        if case .cancelled = elimination { result.report.wasCancelled = true }
        break
      }
      result.eliminatedCount += 1
      result.report = report
      try setMerged(smaller)
    }
  }

  /// Chooses the result, so that it is no worse than the given student, and says what it is.
  mutating func judge() throws(ShapeError) {
    let before = try samples.losses(of: given)
    // Errors of 1e-12 of the targets' size: what roundings come to.
    let negligible = 0.5 * Double(samples.targets.columnCount) * 1e-24
    func isNoWorse(_ student: Student) throws(ShapeError) -> Bool {
      try samples.losses(of: student).all <= max(before.all, negligible)
    }
    let wasCancelled = result.report.wasCancelled
    if try !isNoWorse(result.student) { try polish() }
    if try !isNoWorse(result.student) {
      (result.searched, result.report, result.merged) = (first.student, first.report, nil)
    }
    let error = largestDifference(try result.student.network.outputs(for: samples.inputs), samples.targets)
    // Gradients of 1e-10 are errors of 1e-9 or so, unless nodes are inactive where the errors are.
    let isMet = result.report.reachedTarget && error <= max(1e-6, 1e4 * plan.gradientTarget) * samples.outputSize
    let isSmaller = result.student.network.weightCount < given.network.weightCount
    let isLower = try samples.losses(of: result.student).all < before.all
    if try samples.isConstant(result.student) {
      result.outcome = .nothing
    } else if try !isNoWorse(result.student) || !(isMet || isSmaller || isLower) {
      result.outcome = .notBetter
    } else {
      result.outcome = isMet ? .recovered : .unfinished
    }
    if result.outcome == .nothing || result.outcome == .notBetter {
      (result.searched, result.merged, result.report) = (given, nil, try samples.report(of: given))
    }
    result.report.reachedTarget = isMet && result.outcome == .recovered
    result.report.wasCancelled = wasCancelled
    try describe(before: before)
  }

  /// A last few steps of the merged student towards no loss at all: merging may change outputs by more than they were off.
  private mutating func polish() throws(ShapeError) {
    guard let merged = result.merged, result.report.reachedTarget else { return }
    let plan = CriticalPointPlan(iterationLimit: 20, gradientTarget: 0, restartLimit: 0)
    let (polished, report) = try searched(merged.student, along: plan, isCancelled: { false })
    guard report.loss < result.report.loss || report.gradientShare <= self.plan.gradientTarget else { return }
    result.merged = merged.replacing(
      polished, largestChange: merged.largestChange, allowedChange: merged.allowedChange)
    result.report = report
    result.report.reachedTarget = report.gradientShare <= self.plan.gradientTarget
  }

  private mutating func describe(before: (fitted: Double, heldOut: Double, all: Double)) throws(ShapeError) {
    let after = try samples.losses(of: result.student)
    let square = samples.outputSize * samples.outputSize
    (result.lossBefore, result.loss) = (before.fitted * square, after.fitted * square)
    result.largestError = largestDifference(
      try result.student.network.outputs(for: samples.inputs), samples.targets)
    result.determination = try weightDetermination(of: result.student.network, over: samples.inputs)
    guard samples.hasHeldOut else { return }
    let error = largestDifference(
      try result.student.network.outputs(for: samples.heldOutInputs), samples.heldOutTargets)
    result.heldOut = TeacherReconstruction.HeldOut(
      sampleCount: samples.heldOutInputs.rowCount, lossBefore: before.heldOut * square, loss: after.heldOut * square,
      largestError: error, largestChange: result.merged == nil ? nil : result.heldOut?.largestChange)
  }
}
