import UnderstudyNetworks
import UnderstudyNumerics

/// The way from a student to its canonical form: the units of a smaller student with the same outputs, on nodes of its
/// own, with every other node free.
///
/// On finitely many samples a solution may hold several nodes near one boundary, each right for the samples between the
/// others, so that no one of them can carry all. A unit that can is known (the smaller student's), and one free node
/// is enough to bring it in: set the free node to the unit, move the fan-out of the boundary's nodes over to it, and
/// those are free for the next. What it costs is what freeing the first node costs. Where no node can be freed without
/// a loss, a node whose boundary has the same samples above it as the unit's becomes the unit where it stands.
struct ReductionPath {
  /// A segment, and the same gone the other way.
  struct Step {
    var segment: PathSegment
    var backwards: PathSegment
  }

  private(set) var steps: [Step] = []
  /// Where the way ends.
  private(set) var network: TwoLayerView

  private let canonical: MergedStudent
  /// The smaller student.
  private let units: TwoLayerView
  private let inputs: Matrix
  private let outputs: Matrix
  /// A change of the outputs, as a norm over all of them, that is no more than rounding makes.
  private let rounding: Double
  /// Which node is to carry a unit, and by what its weights are larger than the unit's. `[unit]`
  private var places: [(node: Int, scale: Double)?]

  /// - Returns: nil if the smaller student is not smaller, or no node can be freed for it.
  init?(of start: TwoLayerView, to canonical: MergedStudent, over inputs: Matrix) throws(ShapeError) {
    network = start
    self.canonical = canonical
    units = try TwoLayerView(canonical.student.network)
    self.inputs = inputs
    outputs = try start.outputs(for: inputs)
    rounding = 1e-11 * euclideanNorm(outputs.values)
    places = Array(repeating: nil, count: canonical.unitCount)
    guard canonical.unitCount > 0, canonical.unitCount < start.nodeCount else { return nil }
    freeNodes()
    let price = distance(of: network)
    if price > rounding {
      let priced = (network, steps)
      (network, steps) = (start, [])
      if turnNodesIntoUnits(price: price) { freeNodes() } else { (network, steps) = priced }
    }
    guard placeUnits() else { return nil }
  }

  /// - Parameters:
  ///   - purpose: a sentence; which nodes it is that change is added.
  ///   - backwards: the same for the way back.
  private mutating func move(to next: TwoLayerView, _ purpose: String, backwards: String) {
    guard next != network else { return }
    steps.append(
      Step(
        segment: PathSegment(from: network, to: next, purpose: purpose),
        backwards: PathSegment(from: next, to: network, purpose: backwards)))
    network = next
  }

  /// Nodes without fan-out.
  private var free: [Int] { network.idleNodes }

  // MARK: Freeing the first nodes

  /// Frees nodes that the others can do without: as many as the units need if that leaves the outputs as they are, else
  /// as few as possible, at least one.
  private mutating func freeNodes() {
    let idle = free
    let missing = canonical.unitCount - idle.count
    guard missing > 0 else { return }
    let carrying = (0..<network.nodeCount).filter { !idle.contains($0) }
    let order = OptimalBrainSurgeon(network, over: inputs).order(among: carrying, count: missing)
    guard !order.isEmpty else { return }
    var count = order.count
    var freed = withoutFanOut(order)
    while count > 1, distance(of: freed) > rounding {
      count /= 2
      freed = withoutFanOut(Array(order.prefix(count)))
    }
    if !idle.isEmpty, distance(of: freed) > rounding { return }
    move(
      to: freed, "Nodes that the others can do without give up their fan-out.",
      backwards: "Nodes that the others could do without get the fan-out that they have in student B.")
  }

  private func withoutFanOut(_ nodes: [Int]) -> TwoLayerView {
    var result = network
    result.clearFanOut(of: nodes)
    let idle = Set(nodes).union(free)
    return refitted(
      result, on: (0..<result.nodeCount).filter { !idle.contains($0) }, over: inputs, outputs: outputs)
  }

  private func distance(of network: TwoLayerView) -> Double {
    guard let found = try? network.outputs(for: inputs) else { return .infinity }
    return euclideanNorm(zip(found.values, outputs.values).map { $0 - $1 })
  }

  // MARK: Nodes that become units where they stand

  /// A node that can become its unit where it stands, while the weights of the other nodes of its boundary shrink to 0.
  private struct Turn {
    var unit: Int
    var node: Int
    /// By what its weights are to be larger than the unit's.
    var scale: Double
    var others: [Int]
    /// Change of the outputs, a norm over all of them: at most this.
    var error: Double
  }

  /// Lets one node of a boundary become its unit, and the others' weights shrink to 0, where no sample changes sides.
  ///
  /// With the fan-outs as they are and every sample on its side of every boundary, outputs are linear in the lowest
  /// layer's weights. So they stay along the line if they are the same at its end: where the fan-outs of a boundary's
  /// nodes are parallel, the one node with the unit's samples above it, times the right scale, does what all did. They
  /// are parallel where there are samples enough to tell: the sum of `v_k (w_k, b_k)^T` must be the unit's, which has
  /// rank one.
  ///
  /// - Parameter price: what can be had otherwise; turns that are not exact must be well below it.
  /// - Returns: whether a node was freed.
  private mutating func turnNodesIntoUnits(price: Double) -> Bool {
    let possible = possibleTurns().sorted { ($0.error, $0.unit) < ($1.error, $1.unit) }
    var turns = possible.filter { $0.error <= rounding }
    if turns.isEmpty { turns = possible.prefix(1).filter { $0.error < price / 3 } }
    guard !turns.isEmpty else { return false }
    var (parallel, shrunk) = (network, [Int]())
    for turn in turns {
      let direction = units.fanOut(turn.unit)
      for node in turn.others + [turn.node] {
        let factor = dotProduct(network.fanOut(node), direction) / dotProduct(direction, direction)
        parallel.setFanOut(node, to: direction.map { factor * $0 })
      }
      shrunk += turn.others
    }
    move(
      to: parallel, "The fan-outs of nodes that share a boundary become parallel.",
      backwards: "The fan-outs of nodes that share a boundary become student B's.")
    var turned = network
    for turn in turns {
      turned.setRow(turn.node, to: units.row(turn.unit).map { turn.scale * $0 })
      places[turn.unit] = (turn.node, turn.scale)
    }
    for node in shrunk { turned.clearRow(node) }
    move(
      to: turned,
      "Boundaries move to where one node carries each alone, with no sample between.",
      backwards: "Boundaries move to where they are in student B, with no sample between.")
    turned.clearFanOut(of: shrunk)
    move(
      to: turned, "Nodes without weights give up their fan-out.",
      backwards: "Nodes without weights get the fan-out that they have in student B.")
    return true
  }

  /// For each unit of several nodes the node that becomes it with the least error.
  private func possibleTurns() -> [Turn] {
    let z = (network.hidden.preactivations(over: inputs), units.hidden.preactivations(over: inputs))
    let fanOuts = network.output.weights.transposed
    return (0..<canonical.unitCount).compactMap { unit in
      let members = members(of: unit).filter { node in fanOuts.row(node).contains { $0 != 0 } }
      let direction = units.fanOut(unit)
      let square = dotProduct(direction, direction)
      guard members.count > 1, square > 0 else { return nil }
      let factors = members.map { dotProduct(fanOuts.row($0), direction) / square }
      var hidden = Matrix(rowCount: inputs.rowCount, columnCount: members.count)
      for i in 0..<hidden.rowCount {
        for (place, node) in members.enumerated() { hidden[i, place] = network.activation(z.0[i, node]) }
      }
      let sums = (0..<hidden.rowCount).map { dotProduct(hidden.row($0), factors) }
      // What making the fan-outs parallel changes.
      let across = members.enumerated().map { place, node in
        zip(fanOuts.row(node), direction).map { $0 - factors[place] * $1 }
      }
      let change = LinearAlgebra.product(hidden, Matrix(across))
      let straightening = euclideanNorm(change.values)
      return zip(members, factors).compactMap { node, factor -> Turn? in
        guard factor > 0 else { return nil }
        let errors = sums.indices.map { i -> Double in
          let (from, to) = (z.0[i, node], z.1[i, unit] / factor)
          // A sample that changes sides bends its output by less than its smaller distance.
          let bend = (from < 0) == (to < 0) ? 0 : min(abs(from), abs(to))
          return abs(sums[i] - factor * network.activation(to)) + factor * bend
        }
        return Turn(
          unit: unit, node: node, scale: 1 / factor, others: members.filter { $0 != node },
          error: straightening + euclideanNorm(errors) * square.squareRoot())
      }.min { ($0.error, $0.node) < ($1.error, $1.node) }
    }
  }

  // MARK: Bringing the units in

  /// - Returns: false if there is no free node left to go on with.
  private mutating func placeUnits() -> Bool {
    repeat {
      let taken = Set(places.compactMap { $0?.node })
      let open = free.filter { !taken.contains($0) }
      // The units of most nodes first: they free most.
      let waiting = places.indices.filter { places[$0] == nil }
        .sorted { (-members(of: $0).count, $0) < (-members(of: $1).count, $1) }
      guard waiting.isEmpty || !open.isEmpty else { return false }
      let round = Array(zip(waiting, open))
      var placed = network
      for (unit, node) in round {
        placed.setRow(node, to: units.row(unit))
        places[unit] = (node, 1)
      }
      move(
        to: placed,
        "Nodes without fan-out get weights with which they can carry a boundary alone.",
        backwards: "Nodes without fan-out get the weights that they have in student B.")
      handOver(to: round)
    } while places.contains { $0 == nil }
    return true
  }

  /// Moves the fan-outs of the boundaries of some units over to the nodes that have just become these units; when every
  /// unit has its node, all fan-outs.
  private mutating func handOver(to round: [(unit: Int, node: Int)]) {
    let handed = round.flatMap { members(of: $0.unit) }
    let isLast = places.allSatisfy { $0 != nil }
    var moved = network
    moved.clearFanOut(of: isLast ? Array(0..<moved.nodeCount) : handed + round.map(\.node))
    for (unit, place) in places.enumerated() {
      guard let (node, scale) = place else { continue }
      moved.setFanOut(node, to: units.fanOut(unit).map { $0 / scale })
    }
    if isLast {
      moved.output.biases = units.output.biases
    } else {
      let idle = Set(handed).union(free).subtracting(places.compactMap { $0?.node })
      moved = refitted(
        moved, on: (0..<moved.nodeCount).filter { !idle.contains($0) }, over: inputs, outputs: outputs)
    }
    let before = free
    let leaving = moved.idleNodes.count { !before.contains($0) }
    move(
      to: moved,
      leaving == 0 || round.isEmpty
        ? "The fan-outs are adjusted."
        : "Fan-out moves to \(nodeWords(round.map(\.node))) from the nodes beside \(round.count == 1 ? "it" : "them").",
      backwards: leaving == 0 || round.isEmpty
        ? "The fan-outs become those of student B."
        : "Fan-out moves from \(nodeWords(round.map(\.node))) to the nodes that share boundaries in student B.")
  }

  /// The nodes whose fan-out a unit takes over.
  private func members(of unit: Int) -> [Int] {
    canonical.fates.indices.filter { node in
      switch canonical.fates[node] {
      case .carries(let own), .merged(let own): own == unit
      case .removed: false
      }
    }
  }
}
