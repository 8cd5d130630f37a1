import UnderstudyNetworks
import UnderstudyNumerics

/// A hidden layer whose nodes are being replaced by others, its units, on what enters it.
struct NodeExchange {
  /// The layer's own nodes that carry, and where units stand that have been placed, the first of them first.
  private(set) var kept: [Int]
  private(set) var placed: [Int] = []
  /// The layer of the units and what is above it.
  let units: Network

  /// The layer's nodes and then its units, and what they are to give: the targets, or what the units give to the layer above.
  private let pair: TwoLayerView
  private let nodeCount: Int
  private let below: Matrix
  private let wanted: Matrix
  /// Of the nodes of `pair`, `[sample, node]`.
  private let all: Matrix
  /// Units in the order in which they are placed, those that give most first.
  private let order: [Int]

  /// - Parameter targets: of the layer above, if that is the output layer; else it is to be given what the units give it.
  /// - Throws: ``ShapeError`` if layers do not fit each other.
  init(nodes: NetworkLayer, units: Network, over below: Matrix, targets: Matrix?) throws(ShapeError) {
    let (own, above) = (units.layers[0], units.layers[1])
    let lower = NetworkLayer(
      weights: nodes.weights.appending(own.weights), biases: nodes.biases.map { $0 + own.biasesOrZeros })
    let fanOut = Matrix(
      (0..<above.nodeCount).map { row in
        [Double](repeating: 0, count: nodes.nodeCount) + above.weights.row(row)
      })
    pair = try TwoLayerView(
      Network(layers: [lower, NetworkLayer(weights: fanOut, biases: above.biases)], activation: units.activation))
    if let targets { wanted = targets } else { wanted = try pair.outputs(for: below) }
    all = pair.network.activations(over: below, layer: 0)
    (self.units, self.below, nodeCount) = (units, below, nodes.nodeCount)
    kept = Array(0..<nodes.nodeCount)
    let activations = all
    let strengths = (0..<own.nodeCount).map { unit in
      euclideanNorm(above.weights.column(unit)) * euclideanNorm(activations.column(nodes.nodeCount + unit))
    }
    order = strengths.indices.sorted { (-strengths[$0], $0) < (-strengths[$1], $1) }
  }

  /// Where the nodes stand that carry, in the order of ``activations``.
  var carrying: [Int] { kept + placed }

  /// `[sample, node]`
  var activations: Matrix { all.keeping(columns: indices) }

  /// The nodes that carry, in `pair`.
  private var indices: [Int] { kept + order.prefix(placed.count).map { nodeCount + $0 } }

  /// Where each unit stands, once all have been placed. `[unit]`
  var placesOfUnits: [Int] {
    zip(order, placed).sorted { $0.0 < $1.0 }.map(\.1)
  }

  /// Weights and bias of the units that have been placed.
  var rowsOfUnits: [(node: Int, row: [Double])] {
    zip(placed, order).map { place, unit in (place, units.layers[0].row(unit)) }
  }

  /// Frees nodes of the layer's own, those that are needed least once the others are fitted.
  ///
  /// - Returns: the layer above, on the nodes that carry.
  mutating func free(_ count: Int) throws(ShapeError) -> NetworkLayer {
    let carrying = indices
    var fitted = pair
    fitted.clearFanOut(of: 0..<pair.nodeCount)
    fitted = refitted(fitted, on: carrying, over: below, outputs: wanted)
    let present = try TwoLayerView(fitted.network.keeping(carrying, of: 0))
    let gone = Set(
      OptimalBrainSurgeon(present, over: below).orderOrFirst(among: Array(kept.indices), count: count).map { kept[$0] })
    kept.removeAll(where: gone.contains)
    var rest = pair
    rest.clearFanOut(of: 0..<pair.nodeCount)
    rest = refitted(rest, on: indices, over: below, outputs: wanted)
    return NetworkLayer(
      weights: rest.output.weights.keeping(columns: indices), biases: rest.output.biases)
  }

  /// Lets as many more units take nodes that have been freed.
  mutating func place(_ count: Int) {
    let taken = Set(carrying)
    let places = (0..<nodeCount).filter { !taken.contains($0) }
    placed += places.prefix(min(count, order.count - placed.count))
  }
}
