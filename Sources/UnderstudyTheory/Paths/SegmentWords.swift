import UnderstudyNetworks

extension PathSegment {
  /// A segment between two-layer networks, described by why it is there and by what its ends say of the nodes that change.
  ///
  /// - Parameter purpose: a sentence.
  init(from: TwoLayerView, to: TwoLayerView, purpose: String) {
    self.init(from: from.network, to: to.network, what: "\(purpose) \(Self.changes(from: from, to: to))")
  }

  /// Which nodes change in what, as a sentence; nodes are numbered from 1.
  private static func changes(from: TwoLayerView, to: TwoLayerView) -> String {
    let nodes = Array(0..<from.nodeCount)
    func isZero(_ values: [Double]) -> Bool { values.allSatisfy { $0 == 0 } }
    let moving = nodes.filter { from.row($0) != to.row($0) }
    let idle = moving.filter { isZero(from.fanOut($0)) && isZero(to.fanOut($0)) }
    let active = moving.filter { !idle.contains($0) }
    let growing = active.filter { isZero(from.row($0)) }
    let shrinking = active.filter { isZero(to.row($0)) }
    let others = active.filter { !growing.contains($0) && !shrinking.contains($0) }
    let changing = nodes.filter { from.fanOut($0) != to.fanOut($0) }
    let losing = changing.filter { isZero(to.fanOut($0)) }
    let gaining = changing.filter { isZero(from.fanOut($0)) }
    let adjusted = changing.filter { !losing.contains($0) && !gaining.contains($0) }
    func part(_ nodes: [Int], _ words: (String) -> String) -> String? {
      nodes.isEmpty ? nil : words(nodeWords(nodes))
    }
    let parts = [
      part(idle) { "the weights of \($0), which \(idle.count == 1 ? "has" : "have") no fan-out, change" },
      part(others) { "the weights of \($0) change" },
      part(growing) { "the weights of \($0) grow from 0" },
      part(shrinking) { "the weights of \($0) shrink to 0" },
      part(losing) { "the fan-out of \($0) shrinks to 0" },
      part(gaining) { "the fan-out of \($0) grows from 0" },
      part(adjusted) { "the fan-out of \($0) changes" },
      from.output.biases == to.output.biases ? nil : "the output biases change",
    ].compactMap { $0 }
    let sentence = parts.joined(separator: "; ")
    return sentence.prefix(1).uppercased() + sentence.dropFirst() + "."
  }
}

/// `node 3`, `nodes 1 to 4, 6 and 9`: numbered from 1, in ascending order; of many pieces the first twelve.
func nodeWords(_ nodes: [Int]) -> String {
  var runs: [ClosedRange<Int>] = []
  for node in nodes.sorted() {
    if let last = runs.last, last.upperBound + 1 == node {
      runs[runs.count - 1] = last.lowerBound...node
    } else {
      runs.append(node...node)
    }
  }
  var pieces = runs.flatMap { run in
    run.count > 2 ? ["\(run.lowerBound + 1) to \(run.upperBound + 1)"] : run.map { "\($0 + 1)" }
  }
  if pieces.count > 13 {
    let shown = runs.flatMap { run in run.count > 2 ? [run.count] : run.map { _ in 1 } }.prefix(12).reduce(0, +)
    pieces = pieces.prefix(12) + ["\(nodes.count - shown) more"]
  }
  let list =
    pieces.count > 1 ? pieces.dropLast().joined(separator: ", ") + " and " + pieces[pieces.count - 1] : pieces.joined()
  return (nodes.count == 1 ? "node " : "nodes ") + list
}
