import UnderstudyNetworks
import UnderstudyNumerics

extension PathBuilder {
  enum Turned {
    /// Where A now holds the boundaries that it did not hold in B's orientation.
    case held([SharedBoundaries.Pair])
    case obstacle(String)
  }

  /// Brings what A carries to the boundaries and orientations of B: at once if there are spare nodes for all that A does
  /// not hold yet, else one by one.
  mutating func turnBoundaries(_ shared: SharedBoundaries) throws(ShapeError) -> Turned {
    let goals = (shared.opposite.map(\.goal) + shared.onlySecond).sorted()
    guard !goals.isEmpty || !shared.onlyFirst.isEmpty else { return .held([]) }
    let spareCount = nodeCount - first.representatives.count
    let scale = TurningScale(of: shared.opposite, in: first.network, over: inputs)
    let plan =
      shared.isComplete ? TurningPlan(shared.opposite.map { scale.part(of: $0.holder, in: first.network) }) : nil
    let wanted =
      plan?.spareCount(hiddenBiases: target.hidden.biases != nil, outputBiases: target.output.biases != nil)
      ?? goals.count
    guard spareCount >= wanted else { return .obstacle(obstacle(shared, wanted: wanted, isTurning: plan != nil)) }
    var waiting = goals
    var held = shared.same
    if let plan, spareCount < goals.count {
      var turning = Turning(scale: scale)
      for (place, index) in plan.order.enumerated() where idle(besides: turning.constantNode).count < waiting.count {
        let pair = shared.opposite[index]
        waiting.removeAll { $0 == pair.goal }
        held.append(turn(pair, to: plan.ranks[place], &turning))
      }
    }
    let placed = exchange(waiting, keeping: held)
    // Students of small loss share boundaries that are not quite the same, and may be too far apart for this way.
    let apart = euclideanNorm(difference(outputs, try second.network.outputs(for: inputs)))
    guard
      euclideanNorm(difference(outputs, try current.outputs(for: inputs)))
        <= 10 * apart + 1e-9 * euclideanNorm(outputs.values)
    else {
      let both = first.representatives.count + second.representatives.count
      return .obstacle(obstacle(shared, wanted: both - first.representatives.count, isTurning: false))
    }
    return .held(held.dropFirst(shared.same.count) + placed)
  }

  private func difference(_ a: Matrix, _ b: Matrix) -> [Double] { zip(a.values, b.values).map { $0 - $1 } }

  private func obstacle(_ shared: SharedBoundaries, wanted: Int, isTurning: Bool) -> String {
    let (carrying, turnedCount) = (first.representatives.count, shared.opposite.count)
    let missing = carrying + wanted - nodeCount
    // What suffices: that fewer do not is not known as a rule.
    let remedy = "\(nodes(missing)) more in both \(missing == 1 ? "is" : "are") enough"
    guard !isTurning else {
      return
        "\(turnedCount) of the \(carrying) boundaries that the students share are in opposite orientation; "
        + "\(wanted) spare \(wanted == 1 ? "node is" : "nodes are") enough to turn them, and of \(nodes(nodeCount)) \(nodeCount - carrying) can be spared; "
        + remedy
    }
    let sharedCount = shared.same.count + turnedCount
    return
      "student A carries its function on \(nodes(carrying)) and student B on \(second.representatives.count), and they "
      + (shared.isComplete ? "do not do quite the same: they share " : "do not share all boundaries: they share ")
      + "\(sharedCount)\(turnedCount > 0 ? ", \(turnedCount) of them in opposite orientation" : "")"
      + "; \(nodes(carrying + wanted)) hold both, and they have \(nodeCount); train them further, or widen them: \(remedy)"
  }

  /// Nodes without fan-out, but for one that waits to carry a constant.
  private func idle(besides constantNode: Int?) -> [Int] {
    current.idleNodes.filter { $0 != constantNode }
  }

  // MARK: All at once

  /// Moves fan-outs to nodes on those boundaries of B that are not held yet, and off all that B does not have.
  private mutating func exchange(_ goals: [Int], keeping held: [SharedBoundaries.Pair]) -> [SharedBoundaries.Pair] {
    let holders = Set(held.map(\.holder))
    let spare = idle(besides: nil).filter { !holders.contains($0) }
    let wanted = Set(goals + held.map(\.goal))
    // At home where that is free, else where nothing wants to go.
    var refuges = spare.filter { wanted.contains($0) && !goals.contains($0) } + spare.filter { !wanted.contains($0) }
    let placed = goals.compactMap { goal -> SharedBoundaries.Pair? in
      spare.contains(goal)
        ? SharedBoundaries.Pair(holder: goal, goal: goal)
        : refuges.popLast().map { SharedBoundaries.Pair(holder: $0, goal: goal) }
    }
    var network = current
    for pair in placed { network.setRow(pair.holder, to: target.row(pair.goal)) }
    let isAtHome = placed.allSatisfy { $0.holder == $0.goal }
    move(
      to: network,
      isAtHome
        ? "Nodes without fan-out get the weights that they have in student B."
        : "Nodes without fan-out get the weights that \(nodeWords(placed.map(\.goal))) have in student B.")
    network.clearFanOut(of: 0..<nodeCount)
    for pair in held + placed {
      let factor = carryingFactor(
        fromRow: target.row(pair.goal), toRow: network.row(pair.holder), activation: network.activation)
      network.setFanOut(pair.holder, to: second.network.fanOut(pair.goal).map { $0 * (factor ?? 1) })
    }
    network.output.biases = second.network.output.biases
    network = refitted(network, on: (held + placed).map(\.holder).sorted(), over: inputs, outputs: outputs)
    move(
      to: network,
      placed.isEmpty
        ? "Boundaries that student B does not have give up their fan-out."
        : "Fan-out moves to \(nodeWords(placed.map(\.holder))), all at once.")
    return placed
  }

  // MARK: One by one

  /// Turns one boundary; what is left over of all turned ones goes to the carriers, which are then `rank`.
  private mutating func turn(
    _ pair: SharedBoundaries.Pair, to rank: Int, _ turning: inout Turning
  ) -> SharedBoundaries.Pair {
    let hasHiddenBiases = current.hidden.biases != nil
    if hasHiddenBiases, current.output.biases == nil, turning.constantNode == nil { claimConstantNode(&turning) }
    var spare = idle(besides: turning.constantNode)
    let node = spare.contains(pair.goal) ? pair.goal : spare.last ?? 0
    spare.removeAll { $0 == node }
    let part = turning.scale.part(of: pair.holder, in: current)
    // A pair of opposite nodes of weights w carries (1 + c) v w^T.
    let factor = hasHiddenBiases ? 1 + current.activation.negativeSlope : 1
    var weights = current
    weights.setRow(node, to: target.row(pair.goal))
    let gettingReady =
      "Node \(node + 1) takes the boundary of node \(pair.holder + 1) in the other orientation, which node \(pair.goal + 1) "
      + "has in student B"

    func movingFanOut(from network: TwoLayerView) -> TwoLayerView {
      var result = network
      let scale = carryingFactor(
        fromRow: current.row(pair.holder), toRow: target.row(pair.goal), activation: current.activation)
      result.setFanOut(node, to: current.fanOut(pair.holder).map { $0 * (scale ?? 1) })
      return result
    }

    if rank > turning.carriers.count {
      let places = Array(spare.suffix(hasHiddenBiases ? 1 : 2))
      turning.carriers.append(
        Turning.Carrier(nodes: places, fanOut: part.fanOut.map { factor * $0 }, weights: part.weights))
      turning.writeWeights(to: &weights, over: inputs, of: [turning.carriers.count - 1])
      move(
        to: weights,
        "\(gettingReady), and \(nodeWords(places)) get ready to carry what is left over.")
      moveFanOut(from: pair.holder, movingFanOut(from: current), turning)
    } else if let shares = turning.sharesOfWeights(part) {
      for (place, share) in shares.enumerated() { turning.carriers[place].add(fanOut: part.fanOut, factor * share) }
      move(to: weights, "\(gettingReady).")
      moveFanOut(from: pair.holder, movingFanOut(from: current), turning)
    } else {
      let shares = turning.sharesOfFanOut(part)
      for (place, share) in shares.enumerated() { turning.carriers[place].add(weights: part.weights, factor * share) }
      var network = current
      network.clearRow(node)
      move(to: network, "Node \(node + 1) is made ready for the boundary of node \(pair.holder + 1).")
      move(to: movingFanOut(from: network), "Without weights it adds nothing, whatever its fan-out.")
      network = current
      network.setRow(node, to: target.row(pair.goal))
      network.clearRow(pair.holder)
      turning.writeWeights(to: &network, over: inputs)
      absorbConstant(in: &network, turning)
      move(
        to: network,
        "\(gettingReady), node \(pair.holder + 1) gives it up, and \(nodeWords(turning.carriers.flatMap(\.nodes))) carry "
          + "what is left over.")
      network.clearFanOut(of: [pair.holder])
      move(to: network, "The node without weights gives up its fan-out.")
    }
    while turning.carriers.count > rank { dropCarrier(&turning) }
    return SharedBoundaries.Pair(holder: node, goal: pair.goal)
  }

  /// Takes the fan-out off a boundary's node, after another has got it, and gives the carriers theirs.
  private mutating func moveFanOut(from holder: Int, _ moved: TwoLayerView, _ turning: Turning) {
    var network = moved
    network.clearFanOut(of: [holder])
    turning.writeFanOuts(to: &network)
    absorbConstant(in: &network, turning)
    let carriers = turning.carriers.flatMap(\.nodes)
    move(
      to: network,
      "The fan-out of node \(holder + 1) moves over"
        + (carriers.isEmpty ? "." : ", and what is left over goes to \(nodeWords(carriers))."))
  }

  /// Lets the other carriers do what one of them does, where their fan-outs or their weights are dependent.
  private mutating func dropCarrier(_ turning: inout Turning) {
    let (place, isByWeights) = turning.dropDependent()
    let dropped = turning.carriers.remove(at: place)
    var network = current
    if isByWeights {
      turning.writeWeights(to: &network, over: inputs)
      for node in dropped.nodes { network.clearRow(node) }
    } else {
      turning.writeFanOuts(to: &network)
      network.clearFanOut(of: dropped.nodes)
    }
    absorbConstant(in: &network, turning)
    move(to: network, "The others carry what is left over without \(nodeWords(dropped.nodes)).")
    network.clearFanOut(of: dropped.nodes)
    move(to: network, "What carries nothing any more gives up its fan-out.")
  }

  /// A node of weights 0 and bias 1, for networks whose output layer has no biases.
  private mutating func claimConstantNode(_ turning: inout Turning) {
    guard let node = idle(besides: nil).last else { return }
    turning.constantNode = node
    var network = current
    network.setRow(node, to: [Double](repeating: 0, count: network.inputCount) + [1])
    move(to: network, "Node \(node + 1), of weights 0 and bias 1, is to carry a constant.")
  }

  /// Gives the output biases, or the constant node, what the outputs are off by: a constant.
  private func absorbConstant(in network: inout TwoLayerView, _ turning: Turning) {
    guard current.hidden.biases != nil, let found = try? network.outputs(for: inputs) else { return }
    for c in 0..<network.outputCount {
      let mean = (0..<inputs.rowCount).reduce(0) { $0 + outputs[$1, c] - found[$1, c] } / Double(inputs.rowCount)
      if let node = turning.constantNode { network.output.weights[c, node] += mean }
      network.output.biases?[c] += mean
    }
  }
}
