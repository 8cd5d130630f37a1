import UnderstudyNetworks
import UnderstudyNumerics

/// Builds the path between two students that are gathered on nodes of their own.
struct PathBuilder {
  private(set) var segments: [PathSegment] = []
  private(set) var current: TwoLayerView
  let target: TwoLayerView
  let first: ConsolidatedStudent
  let second: ConsolidatedStudent
  let inputs: Matrix
  /// Of the first student, gathered: what the path keeps.
  let outputs: Matrix

  init(
    _ start: TwoLayerView, target: TwoLayerView, _ first: ConsolidatedStudent, _ second: ConsolidatedStudent,
    over inputs: Matrix
  ) throws(ShapeError) {
    current = start
    self.target = target
    self.first = first
    self.second = second
    self.inputs = inputs
    outputs = try first.network.outputs(for: inputs)
  }

  var nodeCount: Int { target.nodeCount }

  /// Adds a segment, unless nothing moves along it.
  ///
  /// - Parameter purpose: a sentence; which nodes it is that change is added.
  mutating func move(to network: TwoLayerView, _ purpose: String) {
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
    for node in 0..<nodeCount where !carriers.contains(node) { network.setRow(node, to: target.row(node)) }
    for (node, refuge) in refuges { network.setRow(refuge, to: current.row(node)) }
    move(
      to: network,
      "Nodes without fan-out get the weights that they have in student B"
        + (shared.isEmpty
          ? "."
          : "; \(nodeWords(refuges.values.sorted())) become copies of \(nodeWords(shared)), which carry in both students.")
    )
    if !shared.isEmpty {
      for (node, refuge) in refuges { network.setFanOut(refuge, to: current.fanOut(node)) }
      network.clearFanOut(of: refuges.keys)
      move(to: network, "Nodes that carry in both students give their fan-out to their copies.")
      for node in shared { network.setRow(node, to: target.row(node)) }
      move(to: network, "The nodes that this frees get the weights that they have in student B.")
    }
    network = current
    network.output = second.network.output
    move(
      to: network,
      "All fan-out moves from the nodes that carry student A's function to those that carry student B's.")
    network.hidden = target.hidden
    move(to: network, "The nodes that carried student A's function get the weights that they have in student B.")
  }

  // MARK: Boundary by boundary

  /// Moves what each node of the pairs carries to its goal.
  ///
  /// - Returns: the obstacle, or nil when all have moved.
  private mutating func moveOneByOne(_ pairs: [SharedBoundaries.Pair]) -> String? {
    var pending = pairs.filter { $0.holder != $0.goal || current.row($0.holder) != target.row($0.goal) }
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
        network.setRow(step.to, to: goals.contains(step.to) ? target.row(step.to) : current.row(step.holder))
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
          fromRow: current.row(step.holder), toRow: current.row(step.to), activation: current.activation)
        network.setFanOut(step.to, to: current.fanOut(step.holder).map { $0 * (factor ?? 1) })
        network.clearFanOut(of: [step.holder])
        holders.remove(step.holder)
        holders.insert(step.to)
        guard let index = pending.firstIndex(where: { $0.holder == step.holder }) else { continue }
        if pending[index].goal == step.to { pending.remove(at: index) } else { pending[index].holder = step.to }
      }
      if pending.isEmpty {
        network.output = second.network.output
      } else {
        network = refitted(network, on: holders.sorted(), over: inputs, outputs: outputs)
      }
      move(to: network, "Fan-out moves to \(nodeWords(moves.map(\.to))) from the nodes that held it.")
    }
    var network = current
    network.hidden = target.hidden
    move(to: network, "Nodes without fan-out get the weights that they have in student B.")
    return nil
  }

  // MARK: Words

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
}
