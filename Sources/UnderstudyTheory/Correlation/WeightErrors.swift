import UnderstudyNetworks
import UnderstudyNumerics

/// The largest absolute error of a network's weights against its teacher's, up to the order of the nodes and the positive
/// scale of each: the largest of ``weightErrors(of:against:)``.
///
/// - Returns: nil if the networks differ in shape.
public func weightError(of merged: Network, against teacher: Network) -> Double? {
  weightErrors(of: merged, against: teacher)?.reduce(0, max)
}

/// The largest absolute error of the weights and biases of each layer against the teacher's, up to the order of the nodes and
/// the positive scale of each.
///
/// Layers are matched from the lowest to the highest. Each node is rescaled so that its `||w||` is that of the teacher node it
/// is compared with; the pairs are those of least total squared error in their own weights, and in the highest hidden layer
/// in their fan-out weights as well. Order and scale are then carried into the next layer. Orientation counts: a node turned
/// round is another function.
///
/// - Shape: `[layer]`, the output layer last.
/// - Returns: nil if the networks differ in shape, or if either is not finite.
/// - Complexity: O(nodes^2 (nodes below + nodes above) + nodes^3) for each layer.
public func weightErrors(of merged: Network, against teacher: Network) -> [Double]? {
  guard merged.architecture.widths == teacher.architecture.widths, merged.activation == teacher.activation,
    merged.isFinite, teacher.isFinite
  else { return nil }
  var matched = merged
  var result: [Double] = []
  let last = teacher.layers.count - 1
  for layer in 0..<last {
    guard let errors = matched.match(layer, to: teacher, includingFanOut: layer == last - 1) else { return nil }
    result.append(errors)
  }
  let pairs = zip(matched.layers[last].weights.values, teacher.layers[last].weights.values)
  let weights = pairs.reduce(0) { max($0, abs($1.0 - $1.1)) }
  let biases = zip(matched.layers[last].biasesOrZeros, teacher.layers[last].biasesOrZeros)
  return result + [biases.reduce(weights) { max($0, abs($1.0 - $1.1)) }]
}

extension Network {
  /// Puts the nodes of a layer into the order and scale of the teacher's.
  ///
  /// - Returns: the largest error of their own weights; nil if it overflows.
  fileprivate mutating func match(_ layer: Int, to teacher: Network, includingFanOut: Bool) -> Double? {
    let count = layers[layer].nodeCount
    let (own, wanted) = ((0..<count).map(layers[layer].row), (0..<count).map(teacher.layers[layer].row))
    let norms = (own: own.map { euclideanNorm($0.dropLast()) }, wanted: wanted.map { euclideanNorm($0.dropLast()) })
    func ratio(_ j: Int, _ k: Int) -> Double {
      norms.own[k] > 0 && norms.wanted[j] > 0 ? norms.wanted[j] / norms.own[k] : 1
    }
    func squaredError(_ a: [Double], _ b: [Double]) -> Double {
      zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    var costs = Matrix(rowCount: count, columnCount: count)
    for j in 0..<count {
      for k in 0..<count {
        let ratio = ratio(j, k)
        costs[j, k] = squaredError(wanted[j], own[k].map { $0 * ratio })
        if includingFanOut {
          costs[j, k] += squaredError(
            teacher.layers[layer + 1].weights.column(j), layers[layer + 1].weights.column(k).map { $0 / ratio })
        }
      }
    }
    guard costs.isFinite else { return nil }
    let nodes = minimumCostAssignment(costs).compactMap { $0 }
    guard nodes.count == count else { return nil }
    let ratios = nodes.enumerated().map { ratio($0, $1) }
    self = keeping(nodes, of: layer, scaledBy: ratios)
    return nodes.enumerated().reduce(0) { largest, pair in
      zip(wanted[pair.offset], own[pair.element]).reduce(largest) {
        max($0, abs($1.0 - $1.1 * ratios[pair.offset]))
      }
    }
  }
}
