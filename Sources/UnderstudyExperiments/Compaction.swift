import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTheory
import UnderstudyTraining

/// The smallest student that does the same on some inputs: merged, and where that leaves more units than are needed,
/// merged more coarsely and trained back to the same outputs.
///
/// On finitely many samples a finished student may hold several nodes near one boundary that share its kink among them,
/// each right for the samples between the others: no two can be merged without a trace, though one node would do. Merged
/// all the same, the finishing stage finds that node, with the student's own outputs as its targets.
///
/// - Parameter costLimit: training back is left out where one of its systems would take more operations than this, samples
///   times the square of the unknowns: seconds.
/// - Parameter targets: what the outputs should be, for the change that is allowed; see
///   ``merge(_:over:targets:allowedChange:)``.
/// - Throws: ``ShapeError`` as merging does.
/// - Complexity: that of merging, and at most four finishing stages of a smaller student.
func compacted(
  _ student: Student, over inputs: Matrix, targets: Matrix, allowedChange: Double? = nil, costLimit: Double = 2e10
) throws(ShapeError) -> MergedStudent {
  var best = try merge(student, over: inputs, targets: targets, allowedChange: allowedChange)
  let outputs = try student.network.outputs(for: inputs)
  let scale = euclideanNorm(outputs.values) / Double(max(1, outputs.values.count)).squareRoot()
  // No restarts: where a descent from the merged student does not lead back to the outputs, too much was merged.
  let plan = FinishingPlan(iterationLimit: 30, gradientTarget: 1e-13 * scale, restartLimit: 0)
  for share in [1e-4, 1e-3, 0.01, 0.03] where share * scale > best.allowedChange {
    let coarse = try merge(student, over: inputs, allowedChange: share * scale)
    let unknowns = Double(coarse.unitCount * (inputs.columnCount + 1))
    guard coarse.unitCount < best.unitCount, Double(inputs.rowCount) * unknowns * unknowns <= costLimit else {
      continue
    }
    let refined = try finish(coarse.student, along: plan, on: inputs, targets: outputs, key: 0).student
    let change = largestDifference(try refined.network.outputs(for: inputs), outputs)
    if change <= best.allowedChange {
      best = coarse.replacing(refined, largestChange: change, allowedChange: best.allowedChange)
    }
  }
  return best
}
