import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTheory
import UnderstudyTraining

/// The smallest student that does the same on some inputs: merged, and where that leaves more units than are needed,
/// merged more coarsely and trained back to the same outputs.
///
/// On finitely many samples a student at a critical point may hold several nodes near one boundary that share its kink among them,
/// each right for the samples between the others: no two can be merged without a trace, though one node would do. Merged
/// all the same, the critical-point search finds that node, with the student's own outputs as its targets. In deep networks the
/// merged student and one with its output layer fitted anew are tried first.
///
/// - Parameter costLimit: training back is left out where one of its systems would take more operations than this, samples
///   times the square of the unknowns: seconds.
/// - Parameter targets: what the outputs should be, for the change that is allowed; see
///   ``merge(_:over:targets:allowedChange:)``.
/// - Throws: ``ShapeError`` as merging does.
/// - Complexity: that of merging, and at most four critical-point searches of a smaller student.
package func mergedAndRetrained(
  _ student: Student, over inputs: Matrix, targets: Matrix, allowedChange: Double? = nil,
  costLimit: Double = 2e10
) throws(ShapeError) -> MergedStudent {
  var best = try merge(student, over: inputs, targets: targets, allowedChange: allowedChange)
  let outputs = try student.network.outputs(for: inputs)
  let scale = outputs.rootMeanSquare
  let isDeep = !student.network.isTwoLayer
  // In deep networks what one layer loses another may give back, so that coarser steps may be exact.
  for share in [1e-4, 1e-3, 0.01, 0.03] + (isDeep ? [0.1, 0.3] : []) where share * scale > best.allowedChange {
    let coarse = try merge(student, over: inputs, allowedChange: share * scale)
    guard coarse.totalUnitCount < best.totalUnitCount else { continue }
    var candidates: [Network] = []
    if isDeep {
      candidates = [coarse.student.network, try coarse.student.network.refittingOutputs(to: outputs, over: inputs)]
    }
    let unknowns = Double(isDeep ? coarse.student.network.weightCount : coarse.unitCount * (inputs.columnCount + 1))
    var changes = try candidates.map { (network) throws(ShapeError) in
      largestDifference(try network.outputs(for: inputs), outputs)
    }
    let start = candidates.last ?? coarse.student.network
    if !changes.contains(where: { $0 <= best.allowedChange }),
      Double(inputs.rowCount) * unknowns * unknowns <= costLimit, !isDeep || start.hasUniformBiases
    {
      let refined = try criticalPoint(from: Student(start), along: shortPlan, on: inputs, targets: outputs, key: 0)
        .student.network
      candidates.append(refined)
      changes.append(largestDifference(try refined.outputs(for: inputs), outputs))
    }
    guard let (change, network) = zip(changes, candidates).min(by: { $0.0 < $1.0 }), change <= best.allowedChange else {
      continue
    }
    best = coarse.replacing(Student(network), largestChange: change, allowedChange: best.allowedChange)
  }
  return best
}

/// A student after a few steps towards a critical point of its loss, to be used where many small ones are needed: at most 30, without
/// restarts.
///
/// It is returned as it is where one of its systems would take more than 2e10 operations, samples times the square of the weights;
/// and where some of its layers have biases and others none.
///
/// - Shape: `inputs` is `[sample, feature]`, `targets` `[sample, output]`.
/// - Throws: ``ShapeError`` if the samples do not fit it.
/// - Complexity: of at most 30 steps of a critical-point search.
func retrained(_ student: Student, over inputs: Matrix, targets: Matrix) throws(ShapeError) -> Student {
  let weightCount = Double(student.network.weightCount)
  guard Double(inputs.rowCount) * weightCount * weightCount <= 2e10, student.network.hasUniformBiases else {
    return student
  }
  var search = try CriticalPointSearch(student, along: shortPlan, on: inputs, targets: targets, key: 0)
  while !search.isOver { search.step() }
  // As if it were cancelled: eigenvalues are not needed.
  return try search.result(wasCancelled: true).student
}

/// No restarts: if the search from a merged student does not lead back to the outputs, too much was merged.
private let shortPlan = CriticalPointPlan(iterationLimit: 30, gradientTarget: 1e-13, restartLimit: 0)

extension Network {
  /// Whether the critical-point search takes it: biases in all layers, or in none.
  fileprivate var hasUniformBiases: Bool { (try? architecture.checkHasUniformBiases()) != nil }
}

extension SolutionPaths {
  /// The paths between two students, over small networks that are merged and retrained on the way.
  ///
  /// - Shape: `inputs` is `[sample, feature]`, `targets` `[sample, output]`.
  /// - Parameter progress: told, in words, which of these is at work.
  /// - Throws: ``ShapeError`` as the paths do by themselves.
  /// - Complexity: that of the paths, with `mergedAndRetrained` and `retrained` for each small network.
  package init(
    retrainingFrom a: Student, to b: Student, learning teacher: Teacher, over inputs: Matrix, targets: Matrix,
    pointCount: Int, progress: @escaping (String) -> Void = { _ in }
  ) throws(ShapeError) {
    func words(_ student: Student) -> String { student.network.hiddenCounts.map(String.init).joined(separator: "-") }
    var retrainedCount = 0
    try self.init(
      from: a, to: b, learning: teacher, over: inputs, targets: targets, pointCount: pointCount,
      reducing: { (student, inputs, targets) throws(ShapeError) in
        progress("merging a student of \(words(student)) nodes")
        return try mergedAndRetrained(student, over: inputs, targets: targets)
      },
      retraining: { (student, inputs, targets) throws(ShapeError) in
        retrainedCount += 1
        progress("small network number \(retrainedCount), of \(words(student)) nodes, is trained")
        return try retrained(student, over: inputs, targets: targets)
      })
  }
}

extension MergedStudent {
  /// Units of all hidden layers.
  fileprivate var totalUnitCount: Int { layers.reduce(0) { $0 + $1.unitCount } }
}
