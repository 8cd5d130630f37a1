import UnderstudyNetworks
import UnderstudyNumerics

/// A path of straight segments between two students, along which the loss is 0 if it is 0 at both.
public struct ConstructedPath: Sendable, Equatable {
  /// Each begins where the one before ends; the first begins at A, the last ends at B. Empty if there is no
  /// path, or none is needed because A is B.
  public let segments: [PathSegment]
  /// Why there is none; nil if there is one.
  public let obstacle: String?
}

/// Builds the path between two students of one teacher.
///
/// A segment moves fan-out weights (and output biases) alone, where outputs are linear in t, or `(w, b)` of nodes without
/// fan-out, where they do not change; where it cannot be avoided, `(w, b)` of other nodes such that no sample changes
/// sides of a boundary, and outputs are linear in t again. So the loss along it is at most that of its worse end, and it
/// is 0 if A and B have loss 0 and share their boundaries. For students of small loss the ends of segments are fitted to
/// the students' outputs, and the path's loss stays small without a promise how small: measure it with
/// ``losses(along:pointCount:over:targets:)``.
///
/// 1. Each boundary's fan-out moves to one node; what carries nothing gives its fan-out up.
/// 2. Nodes without fan-out move to where B needs them.
/// 3. Fan-outs move over. With nodes for both functions this is one step; with fewer, boundary by boundary, by way of
///    spare nodes where nodes trade places or change their scale.
/// 4. The first two, backwards, for B.
///
/// If no node that is there can carry its boundary alone, so that gathering costs more loss than the students have, the
/// path goes by way of smaller students that do the same as A and B: the way of the smaller loss is taken, and if
/// neither has any, the shorter one.
///
/// - Parameter canonical: smaller students with the outputs of A and of B; by default those that merging finds.
/// - Throws: ``ShapeError`` if the students differ in shape, are linear or not finite, or the data do not fit.
/// - Complexity: that of merging both, and O(samples x nodes^2) for a segment.
/// - Source: the statement is Tian's, in the talk that goes with arXiv:1909.13458; the construction is derived.
public func constructedPath(
  from a: Student, to b: Student, over inputs: Matrix, targets: Matrix,
  canonical: (a: MergedStudent, b: MergedStudent)? = nil
) throws(ShapeError) -> ConstructedPath {
  try checkSameShape(a.network, b.network)
  if a == b { return ConstructedPath(segments: [], obstacle: nil) }
  func loss(_ path: ConstructedPath) throws(ShapeError) -> Double {
    try path.obstacle == nil ? largestEndLoss(of: path, over: inputs, targets: targets) : .infinity
  }
  // What has no more loss than its ends, or than rounding makes, is as good as any.
  let ends = (
    try halfMeanSquare(of: a.network, over: inputs, targets: targets),
    try halfMeanSquare(of: b.network, over: inputs, targets: targets)
  )
  let ofZero = targets.values.reduce(0) { $0 + $1 * $1 } / (2 * Double(max(1, inputs.rowCount)))
  let negligible = max(4 * max(ends.0, ends.1), 1e-22 * ofZero)

  let gathered = try gatheredPath(from: a, to: b, over: inputs, targets: targets, steps: 0...0)
  let ofGathered = try loss(gathered)
  // With nodes for both functions no way is shorter.
  if ofGathered <= negligible, gathered.segments.count <= 7 { return gathered }
  if let path = try pathThroughUnits(from: a, to: b, over: inputs, targets: targets, canonical: canonical) {
    let ofPath = try loss(path)
    if ofPath <= negligible, ofGathered <= negligible {
      return path.segments.count < gathered.segments.count ? path : gathered
    }
    if min(ofPath, ofGathered) <= negligible || gathered.obstacle == nil {
      return ofPath < ofGathered ? path : gathered
    }
    let coarse = try gatheredPath(from: a, to: b, over: inputs, targets: targets, steps: 1...10)
    return try ofPath < loss(coarse) ? path : coarse
  }
  guard gathered.obstacle != nil else { return gathered }
  let coarse = try gatheredPath(from: a, to: b, over: inputs, targets: targets, steps: 1...10)
  return coarse.obstacle == nil ? coarse : gathered
}

/// The path by way of smaller students; nil if they leave no room for it.
private func pathThroughUnits(
  from a: Student, to b: Student, over inputs: Matrix, targets: Matrix, canonical: (a: MergedStudent, b: MergedStudent)?
) throws(ShapeError) -> ConstructedPath? {
  let units =
    if let canonical { canonical } else {
      (a: try merge(a, over: inputs, targets: targets), b: try merge(b, over: inputs, targets: targets))
    }
  guard let first = try CanonicalApproach(of: a, to: units.a, over: inputs),
    let last = try CanonicalApproach(of: b, to: units.b, over: inputs)
  else { return nil }
  let middle = try gatheredPath(
    from: Student(first.network), to: Student(last.network), over: inputs, targets: targets)
  guard middle.obstacle == nil else { return nil }
  return ConstructedPath(
    segments: first.steps.map(\.segment) + middle.segments
      + last.steps.reversed().map { step in
        PathSegment(from: step.segment.to, to: step.segment.from, what: step.backwards)
      }, obstacle: nil)
}

/// The largest loss at an end of a segment. Along a segment the loss is convex or does not change, so that no loss on
/// the path is larger.
func largestEndLoss(
  of path: ConstructedPath, over inputs: Matrix, targets: Matrix
) throws(ShapeError) -> Double {
  var largest = 0.0
  for segment in path.segments {
    largest = max(largest, try halfMeanSquare(of: segment.to, over: inputs, targets: targets))
  }
  return largest
}

/// The path by way of nodes that are there.
///
/// - Parameter steps: how coarsely to gather, the finest first, each ten times as coarsely as the one before.
func gatheredPath(
  from a: Student, to b: Student, over inputs: Matrix, targets: Matrix, steps: ClosedRange<Int> = 0...10
) throws(ShapeError) -> ConstructedPath {
  if a == b { return ConstructedPath(segments: [], obstacle: nil) }
  // On finitely many samples a solution may need several nodes near one boundary, each for the samples between them.
  // Gathering more coarsely finds the room, at the price of a loss that is small instead of 0.
  var obstacle: String?
  for coarseness in steps.map({ power(10, Double($0)) }) {
    let first = try GatheredStudent(a, over: inputs, targets: targets, coarseness: coarseness, avoiding: [])
    let second = try GatheredStudent(
      b, over: inputs, targets: targets, coarseness: coarseness, avoiding: Set(first.representatives))
    var builder = PathBuilder(a.network, target: b.network, first, second)
    if let found = try builder.build(over: inputs) {
      obstacle = obstacle ?? found
    } else {
      return ConstructedPath(segments: builder.segments, obstacle: nil)
    }
  }
  return ConstructedPath(segments: [], obstacle: obstacle)
}

private struct PathBuilder {
  private(set) var segments: [PathSegment] = []
  private var current: Network
  private let target: Network
  private let first: GatheredStudent
  private let second: GatheredStudent

  init(_ start: Network, target: Network, _ first: GatheredStudent, _ second: GatheredStudent) {
    current = start
    self.target = target
    self.first = first
    self.second = second
  }

  private var nodeCount: Int { target.hiddenCounts[0] }

  /// Adds a segment, unless nothing moves along it.
  private mutating func move(to network: Network, _ what: String) {
    guard network != current else { return }
    segments.append(PathSegment(from: current, to: network, what: what))
    current = network
  }

  /// - Returns: what is in the way; nil when the path is complete.
  mutating func build(over inputs: Matrix) throws(ShapeError) -> String? {
    move(to: first.network, gathering(first))
    if first.representatives.count + second.representatives.count <= nodeCount {
      moveAtOnce()
    } else {
      let outputs = try first.network.outputs(for: inputs)
      if let obstacle = moveOneByOne(over: inputs, outputs: outputs) { return obstacle }
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
    let placed = nodeCount - carriers.count
    move(
      to: network,
      shared.isEmpty
        ? "set the weights of \(nodes(placed)) without fan-out to those of student B"
        : "set the weights of \(nodes(placed)) without fan-out: \(placed - shared.count) to those of student B, "
          + "\(shared.count) to copies of nodes that carry in both")
    if !shared.isEmpty {
      var (weights, places) = (network, network)
      for (node, refuge) in refuges {
        for c in 0..<network.outputCount {
          weights.layers[1].weights[c, refuge] = network.layers[1].weights[c, node]
          weights.layers[1].weights[c, node] = 0
        }
      }
      move(to: weights, "move the fan-out of \(nodes(shared.count)) to copies of them")
      places = weights
      for node in shared { place(node, of: target, at: node, in: &places) }
      move(to: places, "set the weights of the \(nodes(shared.count)) that are free now to those of student B")
    }
    network = current
    network.layers[1] = second.network.layers[1]
    move(
      to: network,
      "move all fan-out from the \(nodes(carriers.count)) that carry student A's function to the \(nodes(wanted.count)) "
        + "that carry student B's")
    network.layers[0] = target.layers[0]
    move(to: network, "set the weights of the \(nodes(carriers.count)) that carried to those of student B")
  }

  // MARK: Boundary by boundary

  /// - Returns: the obstacle, or nil when all have moved.
  private mutating func moveOneByOne(over inputs: Matrix, outputs: Matrix) -> String? {
    let count = first.representatives.count
    guard count == second.representatives.count, let pairs = matchedPairs(over: inputs) else {
      return
        "student A carries its function on \(nodes(count)) and student B on \(second.representatives.count), and they "
        + "do not share all boundaries; \(nodes(nodeCount)) are too few to hold both; train them further or give them "
        + "more nodes"
    }
    var pending = pairs.filter { $0.holder != $0.goal || rowOf($0.holder, current) != rowOf($0.goal, target) }
    guard pending.isEmpty || count < nodeCount else {
      return
        "no spare node: all \(nodes(nodeCount)) carry a boundary, and \(pending.count) of them would have to trade "
        + "places or change their scale; give the students at least one node more than the teacher"
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
      let directCount = moves.count { goals.contains($0.to) }
      let refugeCount = moves.count - directCount
      move(
        to: network,
        "set the weights of "
          + [
            directCount > 0 ? "\(nodes(directCount)) without fan-out to those of student B" : nil,
            refugeCount > 0 ? "\(nodes(refugeCount)) that are spare to those of nodes that have to make way" : nil,
          ].compactMap { $0 }.joined(separator: " and "))
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
      move(to: network, "move the fan-out of \(moves.count == 1 ? "one node" : "\(moves.count) nodes") to them")
    }
    var network = current
    network.layers[0] = target.layers[0]
    move(to: network, "set the weights of nodes without fan-out to those of student B")
    return nil
  }

  /// Which node of A carries what which node of B carries: the assignment of least distance between boundaries,
  /// orientation included; nil if some pair does not share a boundary.
  private func matchedPairs(over inputs: Matrix) -> [(holder: Int, goal: Int)]? {
    let square = inputs.values.reduce(0) { $0 + $1 * $1 } / Double(inputs.values.count)
    let spread = square > 0 ? square.squareRoot() : 1
    let sides = (Boundaries(of: current.layers[0]), Boundaries(of: target.layers[0]))
    var costs = Matrix(rowCount: first.representatives.count, columnCount: second.representatives.count)
    for (i, k) in first.representatives.enumerated() {
      for (j, l) in second.representatives.enumerated() {
        let angle = zip(sides.0.directions.row(k), sides.1.directions.row(l)).reduce(0) {
          $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
        }
        let shift = (sides.0.offsets[k] - sides.1.offsets[l]) / spread
        costs[i, j] = angle + shift * shift
      }
    }
    var pairs: [(holder: Int, goal: Int)] = []
    for (i, j) in minimumCostAssignment(costs).enumerated() {
      guard let j, costs[i, j] <= MergeMaterial.maximumEpsilon * MergeMaterial.maximumEpsilon else { return nil }
      pairs.append((first.representatives[i], second.representatives[j]))
    }
    return pairs
  }

  // MARK: Words and weights

  private func gathering(_ student: GatheredStudent) -> String {
    let parts = [
      student.removedCount > 0
        ? "shrink the fan-out of \(nodes(student.removedCount)) whose boundaries carry nothing" : nil,
      student.mergedCount > 0
        ? "gather the fan-out of each boundary on one node, from \(nodes(student.mergedCount)) beside it" : nil,
    ].compactMap { $0 }
    let carrying = nodes(student.representatives.count)
    return parts.isEmpty
      ? "adjust the fan-out of the \(carrying) that carry"
      : parts.joined(separator: "; ") + "; that leaves \(carrying) to carry all"
  }

  private func handingBack(_ student: GatheredStudent) -> String {
    let parts = [
      student.mergedCount > 0
        ? "share the fan-out of each boundary with \(nodes(student.mergedCount)) beside its first" : nil,
      student.removedCount > 0
        ? "let the fan-out of \(nodes(student.removedCount)) grow whose boundaries carry nothing" : nil,
    ].compactMap { $0 }
    return parts.isEmpty ? "adjust the fan-out to student B's" : parts.joined(separator: "; ") + ", as in student B"
  }

  private func nodes(_ count: Int) -> String { count == 1 ? "1 node" : "\(count) nodes" }

  private func rowOf(_ node: Int, _ network: Network) -> [Double] {
    Array(network.layers[0].weights.row(node)) + (network.layers[0].biases.map { [$0[node]] } ?? [0])
  }

  private func place(_ node: Int, of source: Network, at goal: Int, in network: inout Network) {
    for f in 0..<network.inputCount { network.layers[0].weights[goal, f] = source.layers[0].weights[node, f] }
    if let biases = source.layers[0].biases { network.layers[0].biases?[goal] = biases[node] }
  }
}
