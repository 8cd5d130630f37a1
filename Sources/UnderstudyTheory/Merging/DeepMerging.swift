import UnderstudyNetworks
import UnderstudyNumerics

/// Merges the layers of a student from the lowest to the highest, again and again until none gets smaller.
///
/// Every reduction may use half of the change that is left, as it is measured at the outputs.
func mergeLayers(
  of student: Student, over inputs: Matrix, targets: Matrix?, allowedChange: Double?
) throws(ShapeError) -> MergedStudent {
  var network = student.network
  try checkMergeable(network, over: inputs)
  let outputs = try network.outputs(for: inputs)
  let standard = try defaultAllowedChange(outputs: outputs, targets: targets)
  let allowed = allowedChange ?? standard
  var layers = network.hiddenCounts.map(MergedStudent.Layer.unchanged)
  var change = 0.0
  var isSmaller = true
  while isSmaller {
    isSmaller = false
    var below = inputs
    for layer in layers.indices {
      let problem = try LayerProblem(
        of: network, layer: layer, below: below, importances: network.importances(above: layer, below: below))
      let limit = change + (allowed - change) / 2
      // What counts is measured at the outputs, and may be far less than what the sums of a plan allow for: path sums are
      // bounds, and a coarse plan may find the unit that nodes share among them. So budgets start large.
      let smallest = (allowed - change) * power(8, -7)
      var budget = max(
        8 * (allowed - change), 0.3 * outputs.rootMeanSquare)
      while budget >= smallest, budget > 0 {
        defer { budget /= 8 }
        guard let reduction = problem.reduction(unitCount: layers[layer].unitCount, budget: budget) else { break }
        let reached = largestDifference(try reduction.network.outputs(for: inputs), outputs)
        guard reached <= limit else { continue }
        isSmaller = isSmaller || reduction.network.hiddenCounts[layer] < network.hiddenCounts[layer]
        network = reduction.network
        layers[layer] = layers[layer].followed(by: reduction.layer)
        change = reached
        break
      }
      if let removal = InactiveUnitPruning(
        from: network, layer: layer, importances: network.importances(above: layer, below: below), below: below,
        outputs: outputs, limit: change + (allowed - change) / 2)
      {
        isSmaller = true
        network = removal.network
        layers[layer] = layers[layer].followed(by: removal.layer)
        change = largestDifference(try network.outputs(for: inputs), outputs)
      }
      below = network.activations(over: below, entering: layer, layer: layer)
    }
  }
  return MergedStudent(student: Student(network), layers: layers, largestChange: change, allowedChange: allowed)
}

/// - Throws: ``ShapeError`` if there is nothing that could be merged: linear or not finite, or inputs that do not fit.
func checkMergeable(_ network: Network, over inputs: Matrix) throws(ShapeError) {
  guard network.activation.negativeSlope < 1 else {
    throw ShapeError(
      "the student's activation is linear, so there are no boundaries to merge; give relu or leakyRelu")
  }
  guard network.isFinite else { throw ShapeError("the student's weights are not finite; it has diverged") }
  try checkInputs(inputs, fit: network)
}

extension Network {
  /// How far a change of 1 in a pre-activation of the layer above `layer` can move an output, to first order: the largest
  /// sum over paths of the products of absolute weights. `[node above]`, 1 for outputs.
  ///
  /// - Parameter below: what enters `layer`, `[sample, node]`.
  fileprivate func importances(above layer: Int, below: Matrix) -> [Double] {
    let gates = preactivations(over: below, entering: layer, layers: layer..<layers.count - 1).map { z in
      (0..<z.columnCount).map { k in z.column(k).contains { $0 > 0 } ? 1 : activation.negativeSlope }
    }
    // From the outputs down to the layer above.
    var paths = Matrix(rowCount: outputCount, columnCount: outputCount)
    for c in 0..<outputCount { paths[c, c] = 1 }
    for index in stride(from: layers.count - 1, to: layer + 1, by: -1) {
      var next = Matrix(rowCount: outputCount, columnCount: layers[index].inputCount)
      var sizes = layers[index].weights
      for i in sizes.values.indices { sizes.values[i] = abs(sizes.values[i]) }
      LinearAlgebra.multiply(paths, sizes, into: &next)
      for (u, gate) in gates[index - 1 - layer].enumerated() {
        for c in 0..<outputCount { next[c, u] *= gate }
      }
      paths = next
    }
    return (0..<paths.columnCount).map { paths.column($0).reduce(0, max) }
  }
}

extension MergedStudent.Layer {
  /// What has become of the nodes after a second reduction, that of this one's units.
  fileprivate func followed(by next: Self) -> Self {
    Self(
      unitCount: next.unitCount,
      fates: fates.map { fate in
        switch fate {
        case .removed: .removed
        case .carries(let unit): unit < next.fates.count ? next.fates[unit] : .removed
        case .merged(let unit):
          switch unit < next.fates.count ? next.fates[unit] : .removed {
          case .carries(let last), .merged(let last): .merged(into: last)
          case .removed: .removed
          }
        }
      }, tolerance: max(tolerance, next.tolerance))
  }
}
