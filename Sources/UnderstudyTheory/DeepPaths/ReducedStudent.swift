import UnderstudyNetworks

/// A student's way to a network on few of its nodes, and where it ends.
struct ReducedStudent {
  private(set) var network: Network
  /// Nodes that outputs depend on, of each hidden layer, ascending; the columns of all others are 0 in the rows above that outputs
  /// depend on.
  var carriers: [[Int]]
  private(set) var steps: [ReductionPath.Step] = []

  /// Goes straight on to a network, unless it is where the way stands.
  mutating func move(to next: Network, _ what: String, backwards: String) {
    guard next != network else { return }
    steps.append(
      ReductionPath.Step(
        segment: PathSegment(from: network, to: next, what: what),
        backwards: PathSegment(from: next, to: network, what: backwards)))
    network = next
  }
}
