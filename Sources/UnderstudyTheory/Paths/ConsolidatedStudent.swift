import UnderstudyNetworks
import UnderstudyNumerics

/// A student with its function on as few of its nodes as carry it, every `(w, b)` where it was.
struct ConsolidatedStudent {
  /// The fan-out of every node that is no representative is 0.
  var network: TwoLayerView
  /// Nodes that carry, one for each boundary (and orientation, where both are needed), ascending.
  var representatives: [Int]
  /// Nodes that gave their fan-out to a representative, and nodes that gave it up.
  var mergedCount: Int
  var removedCount: Int

  /// - Parameters:
  ///   - coarseness: what the change of an output that merging allows is multiplied by.
  ///   - avoided: nodes that should not become representatives where others can.
  init(
    _ student: TwoLayerView, over inputs: Matrix, targets: Matrix, coarseness: Double, avoiding avoided: Set<Int>
  ) throws(ShapeError) {
    let material = try BoundaryClustering(student, over: inputs)
    // A student that has learned little may be off by as much as its outputs: what carries them must not go all the same.
    let standard = try defaultAllowedChange(outputs: material.outputs, targets: targets)
    let allowed = min(standard * coarseness, 0.1 * material.scale)
    for attempt in 0..<8 {
      let plan = UnitAssignment(material, budget: allowed / Double(1 << (3 * attempt)), existingOnly: true)
      guard let gathered = ConsolidatedStudent(plan, material, avoiding: avoided) else { continue }
      guard largestDifference(try gathered.network.outputs(for: inputs), material.outputs) <= allowed else {
        continue
      }
      self = gathered
      return
    }
    network = student
    representatives = (material.liveNodes + material.constantNodes).sorted()
    (mergedCount, removedCount) = (0, 0)
  }

  /// nil if a unit of the plan has no node that could carry it.
  private init?(_ plan: UnitAssignment, _ material: BoundaryClustering, avoiding avoided: Set<Int>) {
    guard let merged = plan.network else { return nil }
    var network = material.network
    network.clearFanOut(of: 0..<network.nodeCount)
    network.output.biases = merged.output.biases
    representatives = []
    for unit in plan.units {
      func norm(_ node: Int) -> Double { euclideanNorm(material.rows.row(node).dropLast()) }
      // A node of weak weights would need fan-out weights that are too large.
      let largest = unit.members.reduce(0) { max($0, norm($1)) }
      let able = unit.members.filter { norm($0) >= 1e-3 * largest }
      guard let node = able.first(where: { !avoided.contains($0) }) ?? able.first else { return nil }
      let factor = carryingFactor(
        fromRow: unit.row, toRow: Array(material.rows.row(node)), activation: network.activation)
      guard let factor else { return nil }
      network.setFanOut(node, to: unit.fanOut.map { $0 * factor })
      representatives.append(node)
    }
    representatives.sort()
    let chosen = Set(representatives)
    let others = plan.fates.indices.filter { k in
      !chosen.contains(k) && material.fanOut.row(k).contains { $0 != 0 }
    }
    removedCount = others.count { plan.fates[$0] == .removed }
    mergedCount = others.count - removedCount
    self.network = refitted(network, on: representatives, over: material.inputs, outputs: material.outputs)
  }
}

/// What a fan-out is multiplied by when it moves between nodes on one boundary; nil if the second cannot carry it.
func carryingFactor(fromRow: [Double], toRow: [Double], activation: Activation) -> Double? {
  let norms = (euclideanNorm(fromRow.dropLast()), euclideanNorm(toRow.dropLast()))
  if norms.0 > 0, norms.1 > 0 { return norms.0 / norms.1 }
  guard norms.0 == 0, norms.1 == 0, let a = fromRow.last, let b = toRow.last, activation(b) != 0 else { return nil }
  return activation(a) / activation(b)
}

/// Corrects the fan-out weights of some nodes and the output biases, by least squares and as little as possible, so that
/// the outputs are as given.
///
/// - Complexity: O(samples x nodes^2).
func refitted(_ network: TwoLayerView, on nodes: [Int], over inputs: Matrix, outputs: Matrix) -> TwoLayerView {
  guard let current = try? network.outputs(for: inputs), !nodes.isEmpty else { return network }
  let hasBiases = network.output.biases != nil
  // Columns of one length, or weak nodes would fall below the cutoff.
  let units = UnitActivations(of: nodes, in: network, over: inputs, constant: hasBiases ? 1 : nil)
  var missing = outputs
  for i in missing.values.indices { missing.values[i] -= current.values[i] }
  guard let solution = LinearAlgebra.leastSquares(units.features, missing)?.solution, solution.isFinite else {
    return network
  }
  var result = network
  for c in 0..<network.outputCount {
    for (place, node) in nodes.enumerated() {
      result.output.weights[c, node] += solution[place, c] / units.sizes[place]
    }
    if hasBiases { result.output.biases?[c] += solution[nodes.count, c] / units.sizes[nodes.count] }
  }
  return result
}
