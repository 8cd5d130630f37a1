import UnderstudyNetworks
import UnderstudyNumerics

/// Removes units without which no output changes by more than is allowed, though pre-activations above may: mostly units
/// that, wherever they are active, feed nodes that are not.
///
/// A layer's own merging cannot see them, for there the pre-activations above are what has to stay. Students that fit all
/// samples often have some: what a pre-activation is where its node is inactive, no sample asks.
struct InactiveUnitPruning {
  let network: Network
  let layer: MergedStudent.Layer

  /// The order in which units are tried is that of how far each moves the outputs at most, to first order: its activation's
  /// size times the sum over paths above it. That does not depend on how nodes are scaled.
  ///
  /// - Parameters:
  ///   - importances: how far each node above can move an output, `[node above]`.
  ///   - below: what enters the layer, `[sample, node below]`.
  ///   - outputs: from which no output may differ by more than `limit`.
  /// - Returns: nil if every unit is needed.
  /// - Complexity: O(nodes x samples x weights from the layer upwards) at most; a unit that is needed is mostly seen to be
  ///   on the first few samples.
  init?(from network: Network, layer: Int, importances: [Double], below: Matrix, outputs: Matrix, limit: Double) {
    let count = network.layers[layer].nodeCount
    let activations = network.activations(over: below, entering: layer, layer: layer)
    let strengths = (0..<count).map { node in
      euclideanNorm(activations.column(node))
        * zip(network.layers[layer + 1].weights.column(node), importances).reduce(0) { $0 + abs($1.0) * $1.1 }
    }
    var (reduced, kept) = (network, Array(0..<count))
    for node in kept.sorted(by: { (strengths[$0], $0) < (strengths[$1], $1) }) where kept.count > 1 {
      let rest = kept.filter { $0 != node }
      let candidate = network.keeping(rest, of: layer)
      guard candidate.keeps(outputs, within: limit, layer: layer, below: below) else { continue }
      (reduced, kept) = (candidate, rest)
    }
    guard kept.count < count else { return nil }
    self.network = reduced
    let units = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
    self.layer = MergedStudent.Layer(
      unitCount: kept.count, fates: (0..<count).map { node in units[node].map { .carries(unit: $0) } ?? .removed },
      tolerance: 0)
  }
}

extension Network {
  /// Whether no output for what enters `layer` is further than `limit` from what it should be.
  fileprivate func keeps(_ outputs: Matrix, within limit: Double, layer: Int, below: Matrix) -> Bool {
    for (rows, range) in GrowingBlocks(below) {
      let last = layers.count - 1
      let values = preactivations(over: rows, entering: layer, layers: last..<last + 1)[0]
      let offset = range.lowerBound * outputCount
      for i in values.values.indices where !(abs(values.values[i] - outputs.values[offset + i]) <= limit) {
        return false
      }
    }
    return true
  }
}
