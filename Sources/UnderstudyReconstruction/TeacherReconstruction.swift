import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTheory
import UnderstudyTraining

/// What a student's targets say of the network that made them: the student at a critical point, and a smaller network that does the
/// same on the inputs, found by a greedy search. Where the samples determine it, that is mostly the teacher, up to order and
/// scale; see ``weightErrors(of:against:)``, ``determination`` and ``heldOut``.
public struct TeacherReconstruction: Sendable {
  /// What came of it.
  public enum Outcome: String, Sendable, Encodable {
    /// The network meets the targets at all samples that it was fitted to.
    case recovered
    /// The network is better than the given student, but does not meet the targets.
    case unfinished
    /// Nothing better was found: the network is the given student.
    case notBetter
    /// All that was found is constant over the inputs, and the targets are not: the network is the given student.
    case nothing
  }

  public var outcome = Outcome.unfinished
  /// The student as the critical-point search left it; the merged student's, if one of its stages was cancelled at a lower loss.
  public var searched: Student
  /// What is left of it; after refinements, fates and the largest change are those of the student that was merged last.
  /// nil if the result is an unmerged student: what a cancelled stage had come to, or the better one.
  public var merged: MergedStudent?
  /// Of the stage that the result comes from: the student's own, or that of the merged student. After a cancellation it says
  /// so, whichever stage was cancelled. It is of the samples that were fitted.
  public var report: CriticalPointReport
  /// How often the critical-point search went on from the merged student.
  public var refinementCount = 0
  /// Nodes that merging had left and that the critical-point search could do without.
  public var eliminatedCount = 0
  /// Processor time of this thread in the critical-point searches (and the search for nodes that are not needed), and in merging.
  public var searchSeconds: Double
  public var mergingSeconds = 0.0
  /// Half the mean squared error over the samples that were fitted, of the given student and of the result.
  public var lossBefore = 0.0
  public var loss = 0.0
  /// Of an output of the result, on the same samples.
  public var largestError = 0.0
  /// On the samples that were held out; nil if none were.
  public var heldOut: HeldOut?
  /// Whether the samples that were fitted determine the result's weights.
  public var determination: WeightDetermination

  /// What the samples that no step has seen say.
  public struct HeldOut: Sendable {
    public var sampleCount: Int
    /// Half the mean squared error, of the given student and of the result.
    public var lossBefore = 0.0
    public var loss = 0.0
    /// Of the result, of an output.
    public var largestError = 0.0
    /// The largest change of an output that the last merging caused; nil if the result is an unmerged student.
    public var largestChange: Double?
  }

  /// The smallest student that was found.
  public var student: Student { merged?.student ?? searched }
}

/// Leads a student to a critical point, merges it, and where the search had stalled, goes on from what is left and merges again, as
/// long as that lowers the loss; then takes away nodes, one by one, as long as the targets are met without them.
///
/// Where a search stalls, it is mostly because several nodes share a boundary and each waits for the others at some sample.
/// Merged into one, they have no such choice, and what was learned stays. The teacher is not looked at, only `targets`.
///
/// Errors are compared in units of the targets' root mean square, so that no decision depends on units. A tenth of
/// the samples is held out, where the others are equations enough for the student's weights. The result's loss over all
/// samples is never above the given student's, but where both are below 1e-24 of the targets' squares: else the result is
/// the student at the critical point, unmerged, if that is better, or the given one.
///
/// - Shape: `inputs` is `[sample, feature]`, `targets` `[sample, output]`.
/// - Parameters:
///   - key: of the random numbers of the critical-point search.
///   - mergingCostLimit: see `costLimit` of `mergedAndRetrained`.
///   - isCancelled: asked before each step; merging is not interrupted.
/// - Throws: ``ShapeError`` as critical-point searches and merging do.
/// - Complexity: of critical-point searches and merging at most five times, then of `eliminatingOneUnit`
///   and merging for each node that goes, and once more; and of ``weightDetermination(of:over:)``.
public func reconstructTeacher(
  from student: Student, along plan: CriticalPointPlan, on inputs: Matrix, targets: Matrix, key: UInt64,
  mergingCostLimit: Double = 2e10, isCancelled: () -> Bool = { false }
) throws(ShapeError) -> TeacherReconstruction {
  _ = try student.network.outputs(for: inputs)
  try checkTargets(targets, sampleCount: inputs.rowCount, outputCount: student.network.outputCount)
  let equationSamples = (student.network.weightCount + targets.columnCount - 1) / max(1, targets.columnCount)
  let samples = ReconstructionSamples(
    inputs: inputs, targets: targets, split: SampleSplit(of: inputs.rowCount, neededCount: equationSamples))
  var search = try ReconstructionSearch(
    from: student, along: plan, on: samples, key: key, mergingCostLimit: mergingCostLimit, isCancelled: isCancelled)
  try search.run(isCancelled: isCancelled)
  try search.judge()
  return search.result
}
