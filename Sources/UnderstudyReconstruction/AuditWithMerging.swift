import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTheory

/// An audit whose merged student is the smallest that training back from coarser merging finds (see
/// `mergedAndRetrained`), judged
/// by samples that merging did not see.
///
/// - Returns: also how many samples were held out, and the largest change of an output on them; nil if none were, or nothing
///   was merged.
/// - Throws: ``ShapeError`` as audits and merging do.
package func auditWithMerging(
  of student: Student, learning teacher: Teacher, over inputs: Matrix, options: AuditOptions = AuditOptions(),
  progress: (String) -> Void = { _ in }
) throws(ShapeError) -> (audit: Audit, heldOut: (count: Int, change: Double)?) {
  var audit = try audit(of: student, learning: teacher, over: inputs, options: options, progress: progress)
  guard audit.merged != nil else { return (audit, nil) }
  progress("coarser merging")
  let split = SampleSplit(of: inputs.rowCount)
  let (fitted, heldOut) = (inputs.rows(split.fitted), inputs.rows(split.heldOut))
  let merged = try mergedAndRetrained(
    student, over: fitted, targets: try teacher.network.outputs(for: fitted), allowedChange: options.allowedChange)
  try audit.setMerged(merged, of: student, learning: teacher, over: inputs)
  guard heldOut.rowCount > 0 else { return (audit, nil) }
  let change = largestDifference(
    try merged.student.network.outputs(for: heldOut), try student.network.outputs(for: heldOut))
  return (audit, (heldOut.rowCount, change))
}
