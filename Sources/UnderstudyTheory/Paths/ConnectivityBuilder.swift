import UnderstudyNetworks
import UnderstudyNumerics

/// Builds the path between two students that are gathered on nodes of their own.
struct PathBuilder {
  private(set) var segments: [PathSegment] = []
  private(set) var current: Network
  let target: Network
  let first: ConsolidatedStudent
  let second: ConsolidatedStudent
  let inputs: Matrix
  /// Of the first student, gathered: what the path keeps.
  let outputs: Matrix

  init(
    _ start: Network, target: Network, _ first: ConsolidatedStudent, _ second: ConsolidatedStudent, over inputs: Matrix
  ) throws(ShapeError) {
    current = start
    self.target = target
    self.first = first
    self.second = second
    self.inputs = inputs
    outputs = try first.network.outputs(for: inputs)
  }

  var nodeCount: Int { target.hiddenCounts[0] }

  /// Adds a segment, unless nothing moves along it.
  ///
  /// - Parameter purpose: a sentence; which nodes it is that change is added.
  mutating func move(to network: Network, _ purpose: String) {
    guard network != current else { return }
    segments.append(PathSegment(from: current, to: network, purpose: purpose))
    current = network
  }

  /// - Parameter limit: how far apart boundaries may be that count as shared, see ``SharedBoundaries``.
  /// - Returns: what is in the way; nil when the path is complete.
  mutating func build(limit: Double) throws(ShapeError) -> String? {
    move(to: first.network, gathering(first))
    if first.representatives.count + second.representatives.count <= nodeCount {
      moveAtOnce()
    } else {
      let shared = SharedBoundaries(first, second, target: target, over: inputs, limit: limit)
      var pairs = shared.same
      switch try turnBoundaries(shared) {
      case .held(let turned): pairs += turned
      case .obstacle(let obstacle): return obstacle
      }
      if let obstacle = moveOneByOne(pairs) { return obstacle }
    }
    move(to: target, handingBack(second))
    return nil
  }

  // MARK: With nodes for both functions

  private mutating func moveAtOnce() {
    let (carriers, wanted) = (Set(first.representatives), Set(second.representatives))
    let shared = carriers.intersection(wanted).sorted()
    let spare = (0..<nodeCount).filter { !carriers.contains($0) && !wanted.contains($0) }
    let refuges = Dictionary(uniqueKeysWithValues: zip(shared, spare))

    var network = current
    for node in 0..<nodeCount where !carriers.contains(node) { place(node, of: target, at: node, in: &network) }
    for (node, refuge) in refuges { place(node, of: current, at: refuge, in: &network) }
    move(
      to: network,
      "Nodes without fan-out get the weights that they have in student B"
        + (shared.isEmpty
          ? "."
          : "; \(nodeWords(refuges.values.sorted())) become copies of \(nodeWords(shared)), which carry in both students.")
    )
    if !shared.isEmpty {
      var (weights, places) = (network, network)
      for (node, refuge) in refuges {
        for c in 0..<network.outputCount {
          weights.layers[1].weights[c, refuge] = network.layers[1].weights[c, node]
          weights.layers[1].weights[c, node] = 0
        }
      }
      move(to: weights, "Nodes that carry in both students give their fan-out to their copies.")
      places = weights
      for node in shared { place(node, of: target, at: node, in: &places) }
      move(to: places, "The nodes that this frees get the weights that they have in student B.")
    }
    network = current
    network.layers[1] = second.network.layers[1]
    move(
      to: network,
      "All fan-out moves from the nodes that carry student A's function to those that carry student B's.")
    network.layers[0] = target.layers[0]
    move(to: network, "The nodes that carried student A's function get the weights that they have in student B.")
  }

  // MARK: Boundary by boundary

  /// Moves what each node of the pairs carries to its goal.
  ///
  /// - Returns: the obstacle, or nil when all have moved.
  private mutating func moveOneByOne(_ pairs: [SharedBoundaries.Pair]) -> String? {
    var pending = pairs.filter { $0.holder != $0.goal || rowOf($0.holder, current) != rowOf($0.goal, target) }
    guard pending.isEmpty || pairs.count < nodeCount else {
      return
        "no spare node: all \(nodes(nodeCount)) carry a boundary, and \(pending.count) of them would have to trade "
        + "places or change their scale; 1 node more in both is enough"
    }
    var holders = Set(pairs.map(\.holder))
    while !pending.isEmpty {
      let goals = Set(pending.map(\.goal))
      var moves = pending.filter { !holders.contains($0.goal) }.map { (holder: $0.holder, to: $0.goal) }
      let moving = Set(moves.map(\.holder))
      // Nodes that no boundary is going to are refuges for those that stand where another, or the same, has to go.
      var refuges = (0..<nodeCount).filter { !holders.contains($0) && !goals.contains($0) }
      for pair in pending where goals.contains(pair.holder) && !moving.contains(pair.holder) {
        guard let refuge = refuges.popLast() else { break }
        moves.append((pair.holder, refuge))
      }
      var network = current
      for step in moves {
        place(
          goals.contains(step.to) ? step.to : step.holder, of: goals.contains(step.to) ? target : current, at: step.to,
          in: &network)
      }
      let leaving = moves.filter { !goals.contains($0.to) }
      move(
        to: network,
        [
          leaving.count < moves.count ? "Nodes without fan-out get the weights that they have in student B." : nil,
          leaving.isEmpty
            ? nil
            : "Spare nodes become copies of \(nodeWords(leaving.map(\.holder))), to take over the fan-out.",
        ].compactMap { $0 }.joined(separator: " "))
      for step in moves {
        let factor = carryingFactor(
          fromRow: rowOf(step.holder, current), toRow: rowOf(step.to, current), activation: current.activation)
        for c in 0..<network.outputCount {
          network.layers[1].weights[c, step.to] = current.layers[1].weights[c, step.holder] * (factor ?? 1)
          network.layers[1].weights[c, step.holder] = 0
        }
        holders.remove(step.holder)
        holders.insert(step.to)
        guard let index = pending.firstIndex(where: { $0.holder == step.holder }) else { continue }
        if pending[index].goal == step.to { pending.remove(at: index) } else { pending[index].holder = step.to }
      }
      if pending.isEmpty {
        network.layers[1] = second.network.layers[1]
      } else {
        network = refitted(network, on: holders.sorted(), over: inputs, outputs: outputs)
      }
      move(to: network, "Fan-out moves to \(nodeWords(moves.map(\.to))) from the nodes that held it.")
    }
    var network = current
    network.layers[0] = target.layers[0]
    move(to: network, "Nodes without fan-out get the weights that they have in student B.")
    return nil
  }

  // MARK: Words and weights

  private func gathering(_ student: ConsolidatedStudent) -> String {
    let sentences = [
      student.mergedCount > 0 ? "The fan-out of each boundary is gathered on one of its nodes." : nil,
      student.removedCount > 0 ? "Nodes whose boundaries carry nothing give up their fan-out." : nil,
    ].compactMap { $0 }
    return sentences.isEmpty ? "The fan-outs of the nodes that carry are adjusted." : sentences.joined(separator: " ")
  }

  private func handingBack(_ student: ConsolidatedStudent) -> String {
    let sentences = [
      student.mergedCount > 0 ? "The fan-out of each boundary is shared among its nodes as in student B." : nil,
      student.removedCount > 0
        ? "Nodes whose boundaries carry nothing get the fan-out that they have in student B." : nil,
    ].compactMap { $0 }
    return sentences.isEmpty ? "The fan-out becomes student B's." : sentences.joined(separator: " ")
  }

  func nodes(_ count: Int) -> String { count == 1 ? "1 node" : "\(count) nodes" }

  func rowOf(_ node: Int, _ network: Network) -> [Double] {
    Array(network.layers[0].weights.row(node)) + (network.layers[0].biases.map { [$0[node]] } ?? [0])
  }

  func place(_ node: Int, of source: Network, at goal: Int, in network: inout Network) {
    for f in 0..<network.inputCount { network.layers[0].weights[goal, f] = source.layers[0].weights[node, f] }
    if let biases = source.layers[0].biases { network.layers[0].biases?[goal] = biases[node] }
  }
}
