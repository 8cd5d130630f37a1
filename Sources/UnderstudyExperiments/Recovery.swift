import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTheory
import UnderstudyTraining

/// What a student's targets say of the network that made them: the student finished, and the smallest network that does the
/// same on the inputs. With enough inputs that is the teacher, up to order and scale; see ``weightErrors(of:against:)``.
public struct Recovery: Sendable {
  /// The student as the finishing stage left it.
  public var finished: Student
  /// What is left of it; after refinements, fates and the largest change are those of the student that was merged last.
  /// nil if the search was cancelled before there was one.
  public var merged: MergedStudent?
  /// Of the stage that the result comes from: the student's own, or that of the merged student. After a cancellation it says
  /// so, whichever stage was cancelled.
  public var report: FinishingReport
  /// How often the merged student was finished in turn.
  public var refinementCount: Int
  /// Nodes that merging had left and that the finishing stage could do without.
  public var thinnedCount = 0
  /// Processor time of this thread in the finishing stages, and in merging.
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
/// - Parameter key: of the random numbers of the finishing stage.
/// - Throws: ``ShapeError`` as finishing and merging do.
/// - Complexity: of finishing and merging, at most five times.
public func recover(
  _ student: Student, along plan: FinishingPlan, on inputs: Matrix, targets: Matrix, key: UInt64,
  isCancelled: () -> Bool = { false }
) throws(ShapeError) -> Recovery {
  var stopwatch = Stopwatch(wallSeconds: 0, cpuSeconds: 0)
  let (finished, report) = try finish(
    student, along: plan, on: inputs, targets: targets, key: key, isCancelled: isCancelled)
  var result = Recovery(
    finished: finished, merged: nil, report: report, refinementCount: 0, finishingSeconds: stopwatch.cpuSeconds,
    mergingSeconds: 0)
  guard !report.wasCancelled else { return result }
  stopwatch = Stopwatch(wallSeconds: 0, cpuSeconds: 0)
  result.merged = try compacted(finished, over: inputs, targets: targets)
  result.mergingSeconds = stopwatch.cpuSeconds
  while !result.report.reachedTarget, result.refinementCount < 4 {
    stopwatch = Stopwatch(wallSeconds: 0, cpuSeconds: 0)
    let (refined, report) = try finish(
      result.student, along: plan, on: inputs, targets: targets, key: key, isCancelled: isCancelled)
    result.finishingSeconds += stopwatch.cpuSeconds
    result.report.wasCancelled = report.wasCancelled
    guard report.loss < result.report.loss, !report.wasCancelled else { break }
    result.refinementCount += 1
    result.report = report
    stopwatch = Stopwatch(wallSeconds: 0, cpuSeconds: 0)
    result.merged = try compacted(refined, over: inputs, targets: targets)
    result.mergingSeconds += stopwatch.cpuSeconds
  }
  stopwatch = Stopwatch(wallSeconds: 0, cpuSeconds: 0)
  while result.report.reachedTarget,
    let (smaller, report) = try thinned(
      result.student, along: plan, on: inputs, targets: targets, key: key, isCancelled: isCancelled)
  {
    result.thinnedCount += 1
    result.report = report
    result.merged = try compacted(smaller, over: inputs, targets: targets)
  }
  result.finishingSeconds += stopwatch.cpuSeconds
  if isCancelled() { result.report.wasCancelled = true }
  return result
}
