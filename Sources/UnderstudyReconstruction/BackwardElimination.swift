import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTheory
import UnderstudyTraining

/// What came of a step of backward elimination: the search for a hidden unit that is not needed.
enum BackwardElimination {
  /// A student with one hidden node fewer, and the report of its critical-point search.
  case smaller(Student, CriticalPointReport)
  /// None of the nodes that were tried can go.
  case none
  case cancelled
}

/// Looks for a student with one hidden node fewer that meets the same targets.
///
/// Several nodes may share what one node could do, each right for the samples between the others, and too far apart to be
/// merged. Without one of them the critical-point search leads to the others doing its part. The nodes that are tried are those
/// whose removal costs least once the output layer is fitted anew. The smaller student is taken if its gradients are within
/// the plan's target and its largest error of an output is no larger than before, or below 1e-9 of the targets' size: where
/// nodes are inactive, gradients are 0 whatever the error.
///
/// - Parameters:
///   - plan: what is to be reached; there are no restarts, and few steps, for where nodes can go they soon have.
///   - costLimit: nothing is tried where a step would take more operations than this, samples times the square of the
///     unknowns.
/// - Throws: ``ShapeError`` as the critical-point search does.
/// - Complexity: a least-squares fit of the output layer, O(samples x width^2), for each hidden node, and at most three
///   critical-point searches of 100 steps.
func eliminatingOneUnit(
  of student: Student, along plan: CriticalPointPlan, on inputs: Matrix, targets: Matrix, key: UInt64,
  costLimit: Double = 2e10, isCancelled: () -> Bool = { false }
) throws(ShapeError) -> BackwardElimination {
  let network = student.network
  let unknowns = Double(network.weightCount)
  guard Double(inputs.rowCount) * unknowns * unknowns <= costLimit else { return .none }
  var candidates: [(network: Network, error: Double)] = []
  var activations = inputs
  for (layer, count) in network.hiddenCounts.enumerated() {
    activations = network.activations(over: activations, entering: layer, layer: layer)
    guard count > 1 else { continue }
    for node in 0..<count {
      if isCancelled() { return .cancelled }
      let mean = activations.column(node).reduce(0, +) / Double(inputs.rowCount)
      let candidate = try network.removing(node, of: layer, mean: mean).refittingOutputs(to: targets, over: inputs)
      candidates.append((candidate, largestDifference(try candidate.outputs(for: inputs), targets)))
    }
  }
  candidates.sort { $0.error < $1.error }
  let allowed = max(largestDifference(try network.outputs(for: inputs), targets), 1e-9 * targets.rootMeanSquare)
  var short = plan
  (short.iterationLimit, short.restartLimit) = (min(plan.iterationLimit, eliminationSteps), 0)
  for candidate in candidates.prefix(eliminationTrials) {
    let (smaller, report) = try criticalPoint(
      from: Student(candidate.network), along: short, on: inputs, targets: targets, key: key, isCancelled: isCancelled)
    if report.wasCancelled { return .cancelled }
    let error = largestDifference(try smaller.network.outputs(for: inputs), targets)
    if report.reachedTarget, error <= allowed { return .smaller(smaller, report) }
  }
  return .none
}

/// Nodes whose removal is tried before a student counts as one that needs them all, and steps that each may take.
private let (eliminationTrials, eliminationSteps) = (3, 100)
