import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTheory
import UnderstudyTraining

/// A student with one hidden node fewer that meets the same targets, if one is found.
///
/// Several nodes may share what one node could do, each right for the samples between the others, and too far apart to be
/// merged. Without one of them the finishing stage leads to the others doing its part. The nodes that are tried are those
/// whose removal costs least once the output layer is fitted anew.
///
/// - Parameters:
///   - plan: what is to be reached; there are no restarts, and few steps, for where nodes can go they soon have.
///   - costLimit: nothing is tried where a step would take more operations than this, samples times the square of the
///     unknowns.
/// - Returns: nil if none of the nodes that were tried can go.
/// - Throws: ``ShapeError`` as finishing does.
/// - Complexity: of at most three finishing stages of 100 steps.
func thinned(
  _ student: Student, along plan: FinishingPlan, on inputs: Matrix, targets: Matrix, key: UInt64,
  costLimit: Double = 2e10, isCancelled: () -> Bool = { false }
) throws(ShapeError) -> (student: Student, report: FinishingReport)? {
  let network = student.network
  let unknowns = Double(network.weightCount)
  guard Double(inputs.rowCount) * unknowns * unknowns <= costLimit else { return nil }
  var candidates: [(network: Network, error: Double)] = []
  for (layer, count) in network.hiddenCounts.enumerated() where count > 1 {
    let means = try network.meanActivations(layer: layer, over: inputs)
    for node in 0..<count {
      let candidate = try network.removing(node, of: layer, mean: means[node])
        .refittingOutputs(to: targets, over: inputs)
      let outputs = try candidate.outputs(for: inputs)
      candidates.append((candidate, largestDifference(outputs, targets)))
    }
  }
  candidates.sort { $0.error < $1.error }
  var short = plan
  (short.iterationLimit, short.restartLimit) = (min(plan.iterationLimit, thinningSteps), 0)
  for candidate in candidates.prefix(thinningTrials) {
    let result = try finish(
      Student(candidate.network), along: short, on: inputs, targets: targets, key: key, isCancelled: isCancelled)
    if result.report.wasCancelled { return nil }
    if result.report.reachedTarget { return result }
  }
  return nil
}

/// Nodes whose removal is tried before a student counts as one that needs them all, and steps that each may take.
private let (thinningTrials, thinningSteps) = (3, 100)

extension Network {
  /// Weights and biases of all layers.
  var weightCount: Int {
    layers.reduce(0) { $0 + $1.weights.values.count + ($1.biases?.count ?? 0) }
  }

  fileprivate func meanActivations(layer: Int, over inputs: Matrix) throws(ShapeError) -> [Double] {
    var sums = [Double](repeating: 0, count: hiddenCounts[layer])
    for first in stride(from: 0, to: inputs.rowCount, by: sampleBlockWidth) {
      let z = preactivations(of: inputs.transposedBlock(first: first, count: sampleBlockWidth))[layer]
      for i in 0..<min(sampleBlockWidth, inputs.rowCount - first) {
        for k in sums.indices { sums[k] += activation(z[k, i]) }
      }
    }
    return sums.map { $0 / Double(inputs.rowCount) }
  }

  /// The same without a hidden node, its mean given to the biases above, if there are any.
  fileprivate func removing(_ node: Int, of layer: Int, mean: Double) -> Network {
    var result = self
    let (own, above) = (layers[layer], layers[layer + 1])
    let kept = (0..<own.nodeCount).filter { $0 != node }
    result.layers[layer].weights = Matrix(kept.map { Array(own.weights.row($0)) })
    result.layers[layer].biases = own.biases.map { biases in kept.map { biases[$0] } }
    result.layers[layer + 1].weights = Matrix(
      (0..<above.nodeCount).map { row in kept.map { above.weights[row, $0] } })
    result.layers[layer + 1].biases = above.biases?.enumerated().map { $1 + mean * above.weights[$0, node] }
    return result
  }
}
