import UnderstudyNetworks
import UnderstudyNumerics

/// What trains a small student of one hidden layer or more on inputs towards targets, as far as it gets.
public typealias StudentRetraining = (Student, Matrix, Matrix) throws(ShapeError) -> Student

/// The way from a student of any depth to a network on at most half of its nodes in every hidden layer, the highest first, at whatever
/// loss that has.
///
/// There are two kinds of segments. Weights of nodes on which no output depends move: no output changes. The output layer moves:
/// outputs are linear along it, and J is convex. So no loss on the way is larger than at its corners, exactly and at any depth.
/// Layers below the one that is being reduced stay, so what enters it stays, and everything above is a small network that stands on few nodes.
///
/// A layer is reduced in these steps. The layer and the small network above it are made smaller and retrained: these are the *units*
/// that will take its place. Then nodes of the layer are freed, the cheapest first: another small network that does without them is
/// retrained and built on nodes above that carry nothing, and the output layer moves over to it. Units take the free nodes. Where as
/// many as are needed cannot be freed at once within the allowed loss, fewer are, and the units that take their places help to free the next.
///
/// - Source: nodes that can be left out, and segments along which only the output layer moves, are those of Kuditipudi et al. 2019,
///   "Explaining landscape connectivity of low-cost solutions for multilayer nets", arXiv:1906.06247, theorem 1, where half of the nodes are
///   kept and scaled. Fits, retraining, and freeing in several rounds are added here.
struct HalfWidthReduction {
  private(set) var reduced: ReducedStudent

  private let inputs: Matrix
  private let targets: Matrix
  private let retraining: StudentRetraining?
  /// A loss up to which as many nodes as possible go at once.
  private var allowed: Double

  /// - Returns: nil if a hidden layer has one node only.
  /// - Throws: ``ShapeError`` if the data do not fit.
  /// - Complexity: for each layer a few times retraining, at most as often as it has nodes, and O(samples x nodes^2) each time.
  init?(
    of start: Network, over inputs: Matrix, targets: Matrix, retraining: StudentRetraining?
  ) throws(ShapeError) {
    guard start.hiddenCounts.allSatisfy({ $0 > 1 }) else { return nil }
    (self.inputs, self.targets) = (inputs, targets)
    self.retraining = retraining
    reduced = ReducedStudent(network: start, carriers: start.hiddenCounts.map { Array(0..<$0) })
    let ofZero = squaredDistance(targets, Matrix(rowCount: targets.rowCount, columnCount: targets.columnCount))
    allowed = max(
      try halfMeanSquare(of: start, over: inputs, targets: targets), 1e-20 * ofZero / Double(max(1, targets.rowCount)))
    var above = [start.layers[start.layers.count - 1]]
    for layer in start.hiddenCounts.indices.reversed() { above = try reduce(layer, above) }
  }

  /// - Parameter above: a small network that takes this layer's activations.
  /// - Returns: one that takes those of the layer below.
  private mutating func reduce(_ layer: Int, _ above: [NetworkLayer]) throws(ShapeError) -> [NetworkLayer] {
    let start = reduced.network
    let below = layer == 0 ? inputs : start.activations(over: inputs, layer: layer - 1)
    let whole = try Network(layers: [start.layers[layer]] + above, activation: start.activation)
    let units = try halved(whole, over: below)
    let round = try NodeExchange(
      nodes: start.layers[layer], units: units, over: below, targets: above.count == 1 ? targets : nil)
    try exchange(round, in: layer)
    return units.layers
  }

  // MARK: The units

  /// The network with half of the nodes of its lowest hidden layer: as many go at a time as leave the loss within what is allowed once it
  /// is retrained, at least one.
  private func halved(_ whole: Network, over below: Matrix) throws(ShapeError) -> Network {
    let goal = whole.hiddenCounts[0] / 2
    var (network, limit) = (whole, allowed)
    var count = network.hiddenCounts[0] - goal
    while network.hiddenCounts[0] > goal {
      count = min(count, network.hiddenCounts[0] - goal)
      let order = try eliminationOrder(network, over: below, count: max(count, eliminationTrials))
      var found = (network: network, loss: Double.infinity)
      // One node alone: some others are tried as well.
      for removed in count > 1 ? [Array(order.prefix(count))] : order.prefix(eliminationTrials).map({ [$0] }) {
        let candidate = try retrained(without(removed, network, over: below), over: below)
        let loss = try halfMeanSquare(of: candidate, over: below, targets: targets)
        if !(loss >= found.loss) || found.network == network { found = (candidate, loss) }
        if loss <= limit { break }
      }
      if found.loss <= limit || count == 1 {
        (network, limit) = (found.network, max(limit, found.loss))
        count *= 2
      } else {
        count /= 2
      }
    }
    return network
  }

  /// Nodes of the lowest hidden layer, those that can be done without most easily first.
  private func eliminationOrder(_ network: Network, over below: Matrix, count: Int) throws(ShapeError) -> [Int] {
    let pair = try lowestPair(of: network)
    return OptimalBrainSurgeon(pair, over: below).orderOrFirst(among: Array(0..<pair.nodeCount), count: count)
  }

  /// The network without some nodes of its lowest hidden layer, the weights above fitted to what they gave, or to the targets.
  private func without(_ nodes: [Int], _ network: Network, over below: Matrix) throws(ShapeError) -> Network {
    let pair = try lowestPair(of: network)
    let wanted = network.isTwoLayer ? targets : try pair.outputs(for: below)
    let kept = (0..<pair.nodeCount).filter { !nodes.contains($0) }
    var cleared = pair
    cleared.clearFanOut(of: nodes)
    let fitted = refitted(cleared, on: kept, over: below, outputs: wanted)
    return network.replacing(hiddenLayer: 0, by: fitted.hidden, above: fitted.output).keeping(kept, of: 0)
  }

  private func lowestPair(of network: Network) throws(ShapeError) -> TwoLayerView {
    try TwoLayerView(Network(layers: Array(network.layers[0...1]), activation: network.activation))
  }

  private func retrained(_ network: Network, over below: Matrix) throws(ShapeError) -> Network {
    guard let retraining else { return network }
    let trained = try retraining(Student(network), below, targets).network
    let losses = (
      try halfMeanSquare(of: network, over: below, targets: targets),
      try halfMeanSquare(of: trained, over: below, targets: targets)
    )
    return losses.1 <= losses.0 ? trained : network
  }

  // MARK: Freeing nodes for them

  private mutating func exchange(_ exchange: NodeExchange, in layer: Int) throws(ShapeError) {
    var exchange = exchange
    let unitCount = exchange.units.hiddenCounts[0]
    while exchange.placed.count < unitCount {
      var count = unitCount - exchange.placed.count
      let fewest = max(1, unitCount / 8)
      var (next, above) = try freeing(count, exchange)
      while count > fewest, try loss(above, next) > allowed {
        count = max(fewest, count / 2)
        (next, above) = try freeing(count, exchange)
      }
      allowed = max(allowed, try loss(above, next))
      takeOver(
        above, on: next.carrying, of: layer, placing: exchange.rowsOfUnits,
        "\(words(layer)): the output layer moves to a network that needs \(next.carrying.count) of the nodes.",
        backwards:
          "\(words(layer)): the output layer moves to a network that needs \(exchange.carrying.count) of the nodes.")
      exchange = next
      exchange.place(count)
    }
    takeOver(
      Array(exchange.units.layers.dropFirst()), on: exchange.placesOfUnits, of: layer, placing: exchange.rowsOfUnits,
      "\(words(layer)): the output layer moves to a network that needs \(unitCount) nodes of its own.",
      backwards:
        "\(words(layer)): the output layer moves to a network that needs \(exchange.carrying.count) of the nodes.")
  }

  /// Without some more of the layer's own nodes, and a small network that does without them.
  private func freeing(_ count: Int, _ exchange: NodeExchange) throws(ShapeError) -> (NodeExchange, [NetworkLayer]) {
    var next = exchange
    let fitted = try next.free(count)
    guard exchange.units.layers.count > 2 else { return (next, [fitted]) }
    let head = try Network(
      layers: [fitted] + exchange.units.layers.dropFirst(2), activation: exchange.units.activation)
    return (next, try retrained(head, over: next.activations).layers)
  }

  private func loss(_ above: [NetworkLayer], _ exchange: NodeExchange) throws(ShapeError) -> Double {
    guard above.count > 1 else {
      let outputs = above[0].preactivations(over: exchange.activations)
      return squaredDistance(outputs, targets) / (2 * Double(targets.rowCount))
    }
    let network = try Network(layers: above, activation: exchange.units.activation)
    return try halfMeanSquare(of: network, over: exchange.activations, targets: targets)
  }

  private func words(_ layer: Int) -> String { "Hidden layer \(layerLabel(ofIndex: layer))" }

  /// Builds a small network on nodes that carry nothing, and moves the output layer to it.
  ///
  /// - Parameters:
  ///   - above: takes the activations of `nodes`, in their order.
  ///   - rows: weights and bias of nodes of the layer that carry nothing yet.
  private mutating func takeOver(
    _ above: [NetworkLayer], on nodes: [Int], of layer: Int, placing rows: [(node: Int, row: [Double])], _ what: String,
    backwards: String
  ) {
    var built = reduced.network
    for (node, row) in rows { built[layer: layer].setRow(node, to: row) }
    var columns = nodes.enumerated().map { (from: $0, to: $1) }
    var carriers = reduced.carriers
    carriers[layer] = nodes.sorted()
    for (index, own) in above.dropLast().enumerated() {
      let target = layer + 1 + index
      let taken = Set(reduced.carriers[target])
      let places = Array((0..<built.hiddenCounts[target]).filter { !taken.contains($0) }.prefix(own.nodeCount))
      for (k, place) in places.enumerated() { built[layer: target].setRow(place, to: own, k, columns: columns) }
      carriers[target] = places
      columns = places.enumerated().map { (from: $0, to: $1) }
    }
    reduced.move(
      to: built, "\(words(layer)): nodes on which no output depends take on new weights, and so do nodes above.",
      backwards:
        "\(words(layer)): nodes on which no output depends take on the weights that they have in student B, and so do "
        + "nodes above.")
    var moved = built
    let last = built.layers.count - 1
    for c in 0..<built.outputCount { moved[layer: last].setRow(c, to: above[above.count - 1], c, columns: columns) }
    reduced.move(to: moved, what, backwards: backwards)
    reduced.carriers = carriers
  }
}

/// Nodes whose removal is tried where one alone goes.
private let eliminationTrials = 3

extension NetworkLayer {
  /// A row of another layer, some inputs of which are some of this one's; weights of all others become 0.
  mutating func setRow(_ node: Int, to other: NetworkLayer, _ k: Int, columns: [(from: Int, to: Int)]) {
    for f in 0..<inputCount { weights[node, f] = 0 }
    for (from, to) in columns { weights[node, to] = other.weights[k, from] }
    biases?[node] = other.biases?[k] ?? 0
  }
}
