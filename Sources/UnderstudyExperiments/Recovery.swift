import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTheory
import UnderstudyTraining

/// What a student's targets say of the network that made them: the student finished, and the smallest network that does the
/// same on the inputs. With enough inputs that is the teacher, up to order and scale; see ``weightErrors(of:against:)``.
public struct Recovery: Sendable {
  /// The student as the finishing stage left it; the merged student's, if one of its stages was cancelled at a lower loss.
  public var finished: Student
  /// What is left of it; after refinements, fates and the largest change are those of the student that was merged last.
  /// nil if what a cancelled stage had come to is the result.
  public var merged: MergedStudent?
  /// Of the stage that the result comes from: the student's own, or that of the merged student. After a cancellation it says
  /// so, whichever stage was cancelled.
  public var report: FinishingReport
  /// How often the merged student was finished in turn.
  public var refinementCount: Int
  /// Nodes that merging had left and that the finishing stage could do without.
  public var prunedCount = 0
  /// Processor time of this thread in the finishing stages (and the search for nodes that are not needed), and in merging.
  public var finishingSeconds: Double
  public var mergingSeconds: Double

  /// The smallest student that was found.
  public var student: Student { merged?.student ?? finished }
}

/// Finishes a student, merges it, and where the finishing stage had stalled, finishes what is left and merges again, as long
/// as that lowers the loss; then takes away nodes, one by one, as long as the targets are met without them.
///
/// Where a search stalls, it is mostly because several nodes share a boundary and each waits for the others at some sample.
/// Merged into one, they have no such choice, and what was learned stays. The teacher is not looked at, only `targets`.
///
/// - Shape: `inputs` is `[sample, feature]`, `targets` `[sample, output]`.
/// - Parameters:
///   - key: of the random numbers of the finishing stage.
///   - mergingCostLimit: see `costLimit` of ``compacted(_:over:targets:allowedChange:costLimit:)``.
///   - isCancelled: asked before each step; merging is not interrupted.
/// - Throws: ``ShapeError`` as finishing and merging do.
/// - Complexity: of finishing and merging at most five times, then of ``pruned(_:along:on:targets:key:costLimit:isCancelled:)``
///   and merging for each node that goes, and once more.
public func recover(
  _ student: Student, along plan: FinishingPlan, on inputs: Matrix, targets: Matrix, key: UInt64,
  mergingCostLimit: Double = 2e10, isCancelled: () -> Bool = { false }
) throws(ShapeError) -> Recovery {
  var stopwatch = Stopwatch(wallSeconds: 0, cpuSeconds: 0)
  func lap() -> Double {
    defer { stopwatch = Stopwatch(wallSeconds: 0, cpuSeconds: 0) }
    return stopwatch.cpuSeconds
  }
  let (finished, report) = try finish(
    student, along: plan, on: inputs, targets: targets, key: key, isCancelled: isCancelled)
  var result = Recovery(
    finished: finished, merged: nil, report: report, refinementCount: 0, finishingSeconds: lap(), mergingSeconds: 0)
  func setMerged(_ student: Student) throws(ShapeError) {
    result.merged = try compacted(student, over: inputs, targets: targets, costLimit: mergingCostLimit)
    result.mergingSeconds += lap()
  }
  guard !report.wasCancelled else { return result }
  try setMerged(finished)
  while !result.report.reachedTarget, result.refinementCount < 4 {
    let (refined, report) = try finish(
      result.student, along: plan, on: inputs, targets: targets, key: key, isCancelled: isCancelled)
    result.finishingSeconds += lap()
    let isBetter = report.loss < result.report.loss
    if report.wasCancelled {
      if isBetter { (result.finished, result.merged, result.report) = (refined, nil, report) }
      result.report.wasCancelled = true
      return result
    }
    guard isBetter else { break }
    result.refinementCount += 1
    result.report = report
    try setMerged(refined)
  }
  while result.report.reachedTarget {
    let pruning = try pruned(
      result.student, along: plan, on: inputs, targets: targets, key: key, isCancelled: isCancelled)
    result.finishingSeconds += lap()
    guard case .smaller(let smaller, let report) = pruning else {
      if case .cancelled = pruning { result.report.wasCancelled = true }
      break
    }
    result.prunedCount += 1
    result.report = report
    try setMerged(smaller)
  }
  return result
}
