import UnderstudyNetworks
import UnderstudyNumerics

/// A hidden layer of a deep network, posed as the hidden layer of a two-layer network: its inputs are the activations below
/// in coordinates of their own, its outputs the pre-activations above, each counted by how far it can move an output.
///
/// **Coordinates.** What a node does on the samples is not its row of weights: where activations below are linearly dependent,
/// as those of nodes on one boundary are, many rows give the same pre-activations, and where they nearly are, rows far apart
/// are nearly the same node. In the principal coordinates of the activations, centred and scaled to unit variance, the
/// distance of two rows is that of their pre-activations on the samples. Dependent directions drop out.
///
/// **Weights of the outputs.** A change of node u's pre-activation above by t moves no output by more than t times the sum over
/// paths from u to the output of the products of absolute weights, to first order. Paths through nodes that no sample
/// activates do not count. So nodes that only feed what is not used carry nothing.
struct LayerProblem {
  private let network: Network
  private let layer: Int
  private let coordinates: PrincipalCoordinates?
  /// By which the pre-activations above are multiplied: powers of two, which leave the bits of weights alone.
  private let factors: [Double]
  private let material: BoundaryClustering

  /// - Parameter below: what enters the layer, `[sample, node below]`.
  /// - Complexity: O(samples x nodes below x (nodes below + nodes)) and O(nodes^2 x nodes below).
  init(of network: Network, layer: Int, below: Matrix, importances: [Double]) throws(ShapeError) {
    let (lower, upper) = (network.layers[layer], network.layers[layer + 1])
    coordinates = layer == 0 ? nil : PrincipalCoordinates(of: below, isCentred: lower.biases != nil)
    factors = importances.map { $0 > 0 ? Double(sign: .plus, exponent: $0.exponent, significand: 1) : 0 }
    let problem = try Network(
      layers: [coordinates?.layer(of: lower) ?? lower, upper.scaled(by: factors)], activation: network.activation)
    material = try BoundaryClustering(try TwoLayerView(problem), over: coordinates?.values ?? below)
    (self.network, self.layer) = (network, layer)
  }

  /// The network with the layer reduced, and what has become of the layer; nil if it does not get smaller.
  func reduction(unitCount: Int, budget: Double) -> (network: Network, layer: MergedStudent.Layer)? {
    let (lower, upper) = (network.layers[layer], network.layers[layer + 1])
    let plan = UnitAssignment(material, budget: budget)
    guard let reduced = plan.network, reduced.nodeCount < lower.nodeCount || plan.units.count < unitCount else {
      return nil
    }
    var rows = coordinates?.original(of: reduced.hidden) ?? reduced.hidden
    for (index, unit) in plan.units.enumerated() where unit.members.count == 1 && unit.others.isEmpty {
      // A node that is as it was keeps its weights: they may lie along directions that the samples do not show.
      let node = unit.members[0]
      let size = unit.row.reduce(0) { max($0, abs($1)) }
      guard zip(unit.row, material.rows.row(node)).allSatisfy({ abs($0 - $1) <= 1e-14 * size }) else { continue }
      rows.setRow(index, to: lower.row(node))
    }
    var fanOut = reduced.output.scaled(by: factors.map { $0 > 0 ? 1 / $0 : 0 })
    for (u, factor) in factors.enumerated() where factor == 0 {
      if let bias = upper.biases?[u] { fanOut.biases?[u] = bias }
    }
    let result = network.replacing(hiddenLayer: layer, by: rows, above: fanOut)
    return (result, .init(unitCount: plan.units.count, fates: plan.fates, tolerance: plan.tolerance))
  }
}

extension NetworkLayer {
  fileprivate func scaled(by factors: [Double]) -> NetworkLayer {
    var result = self
    for (node, factor) in factors.enumerated() { result.multiplyRow(node, by: factor) }
    return result
  }
}

/// The principal coordinates of some samples: uncorrelated, of unit variance, without directions along which they do not vary.
///
/// Each feature is divided by its own size first, so that rescaling a node below changes neither which directions count as
/// none nor which of the layers of equal pre-activations is the one of least norm.
struct PrincipalCoordinates {
  /// Directions of less than this share of the largest standard deviation count as none: pre-activations lose no more of
  /// their digits than rounding takes.
  static let cutoff = 1e-12

  /// `[sample, coordinate]`
  let values: Matrix
  /// By coordinate, descending.
  let deviations: [Double]
  /// Of features divided by their scales, `[coordinate, feature]`.
  private let directions: Matrix
  /// Powers of two near the features' deviations: they change no digit. 1 for a feature that is constant.
  private let scales: [Double]
  private let mean: [Double]

  /// - Parameter isCentred: whether the origin is the mean: only for layers whose biases can take it up.
  /// - Complexity: O(samples x features^2).
  init?(of samples: Matrix, isCentred: Bool) {
    let (count, width) = (samples.rowCount, samples.columnCount)
    var mean = [Double](repeating: 0, count: width)
    var centred = samples
    if isCentred {
      for i in 0..<count {
        for f in 0..<width { mean[f] += samples[i, f] / Double(count) }
      }
      for i in 0..<count {
        for f in 0..<width { centred[i, f] -= mean[f] }
      }
    }
    scales = (0..<width).map { f in
      let size = euclideanNorm(centred.column(f)) / Double(count).squareRoot()
      return size > 0 && size.isFinite ? Double(sign: .plus, exponent: Int(size.exponent), significand: 1) : 1
    }
    for i in 0..<count {
      for f in 0..<width { centred[i, f] /= scales[f] }
    }
    guard let svd = LinearAlgebra.singularValues(of: centred) else { return nil }
    let largest = svd.values.first ?? 0
    // One coordinate at least, that a network may be written in them.
    let rank = max(1, svd.values.count { $0 > Self.cutoff * largest })
    let root = Double(count).squareRoot()
    deviations = svd.values.prefix(rank).map { $0 / root }
    directions = svd.right.prefix(rows: rank)
    var values = Matrix(rowCount: count, columnCount: rank)
    for i in 0..<count {
      for f in 0..<rank { values[i, f] = deviations[f] > 0 ? svd.left[i, f] * root : 0 }
    }
    self.values = values
    self.mean = mean
  }

  /// A layer with its weights in these coordinates: the same pre-activations on the samples.
  func layer(of layer: NetworkLayer) -> NetworkLayer {
    let rows = layer.weights.timesColumns(scales)
    var weights = LinearAlgebra.product(rows, directions, transposingSecond: true)
    for node in 0..<layer.nodeCount {
      // A node that is constant on the samples has no boundary, not one of rounding errors.
      let size = euclideanNorm(rows.row(node)) * (deviations.first ?? 0)
      for f in deviations.indices { weights[node, f] *= deviations[f] }
      if euclideanNorm(weights.row(node)) <= 1e-13 * size {
        for f in deviations.indices { weights[node, f] = 0 }
      }
    }
    let biases = layer.biases.map { biases in
      biases.enumerated().map { node, bias in
        dotProduct(layer.weights.row(node), mean, from: bias)
      }
    }
    return NetworkLayer(weights: weights, biases: biases)
  }

  /// The layer of least norm that has these weights in these coordinates, each weight counted times its feature's scale.
  func original(of layer: NetworkLayer) -> NetworkLayer {
    var scaled = layer.weights
    for node in 0..<layer.nodeCount {
      for f in deviations.indices { scaled[node, f] = deviations[f] > 0 ? scaled[node, f] / deviations[f] : 0 }
    }
    let weights = LinearAlgebra.product(scaled, directions).timesColumns(scales.map { 1 / $0 })
    let biases = layer.biases.map { biases in
      biases.enumerated().map { node, bias in
        zip(weights.row(node), mean).reduce(bias) { $0 - $1.0 * $1.1 }
      }
    }
    return NetworkLayer(weights: weights, biases: biases)
  }
}

extension Matrix {
  fileprivate func timesColumns(_ factors: [Double]) -> Matrix {
    var result = self
    for row in 0..<rowCount {
      for (column, factor) in factors.enumerated() { result[row, column] *= factor }
    }
    return result
  }
}
