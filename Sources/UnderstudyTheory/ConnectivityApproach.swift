import UnderstudyNetworks
import UnderstudyNumerics

/// The way from a student to its canonical form: the units of a smaller student with the same outputs, on nodes of its own,
/// with every other node free.
///
/// On finitely many samples a solution may hold several nodes near one boundary, each right for the samples between the
/// others, so that no one of them can carry all. A unit that can is known (the smaller student's), and one free node is
/// enough to bring it in: set the free node to the unit, move the fan-out of the boundary's nodes over to it, and those are
/// free for the next. What it costs is what freeing the first node costs.
struct CanonicalApproach {
  /// A segment, and what it does when it is gone the other way.
  struct Step {
    var segment: PathSegment
    var backwards: String
  }

  private(set) var steps: [Step] = []
  /// Where the way ends.
  private(set) var network: Network

  private let start: Network
  private let canonical: MergedStudent
  private let inputs: Matrix
  private let outputs: Matrix

  /// - Returns: nil if the smaller student is not smaller, or no node can be freed for it.
  init?(of student: Student, to canonical: MergedStudent, over inputs: Matrix) throws(ShapeError) {
    start = student.network
    network = start
    self.canonical = canonical
    self.inputs = inputs
    outputs = try start.outputs(for: inputs)
    guard canonical.unitCount > 0, canonical.unitCount < start.hiddenCounts[0] else { return nil }
    freeNodes()
    guard placeUnits() else { return nil }
  }

  private mutating func move(to next: Network, _ what: String, backwards: String) {
    guard next != network else { return }
    steps.append(Step(segment: PathSegment(from: network, to: next, what: what), backwards: backwards))
    network = next
  }

  /// Nodes without fan-out.
  private var free: [Int] {
    (0..<network.hiddenCounts[0]).filter { node in
      (0..<network.outputCount).allSatisfy { network.layers[1].weights[$0, node] == 0 }
    }
  }

  // MARK: Freeing the first nodes

  /// Frees nodes that the others can do without: as many as the units need if that leaves the outputs as they are, else as
  /// few as possible, at least one.
  private mutating func freeNodes() {
    let missing = canonical.unitCount - free.count
    guard missing > 0 else { return }
    let order = cheapestNodes(missing)
    guard !order.isEmpty else { return }
    // Rounding of the outputs' size: what is below costs nothing.
    let size = euclideanNorm(outputs.values)
    var count = order.count
    var freed = withoutFanOut(Array(order.prefix(count)))
    while count > 1, distance(of: freed) > 1e-11 * size {
      count /= 2
      freed = withoutFanOut(Array(order.prefix(count)))
    }
    if count == 1, !free.isEmpty, distance(of: freed) > 1e-11 * size { return }
    move(
      to: freed, "shrink the fan-out of \(words(count)) that the others can do without, and adjust theirs",
      backwards: "let the fan-out of \(words(count)) grow that the others could do without")
  }

  /// Nodes in the order of what their removal costs when the others' fan-outs are refitted.
  ///
  /// With G the Gram matrix of the activations, removing node k raises the squared error by `||v_k||^2 / [G^-1]_kk`; then G^-1
  /// and the fan-outs are those without k (the optimal brain surgeon, Hassibi and Stork 1993, which is exact for a linear
  /// layer).
  private func cheapestNodes(_ count: Int) -> [Int] {
    let n = network.hiddenCounts[0]
    var features = Matrix(rowCount: inputs.rowCount, columnCount: n + 1, repeating: 1)
    for block in SampleBlockSequence(inputs) {
      let hidden = activations(of: network, layer: 0, block: block)
      for i in 0..<block.validCount {
        for k in 0..<n { features[block.first + i, k] = hidden[k, i] }
      }
    }
    var gram = Matrix(rowCount: n + 1, columnCount: n + 1)
    LinearAlgebra.multiply(features, transposingFirst: true, features, into: &gram)
    // Nodes of one scale, and a trace of it on the diagonal: redundant nodes leave G without an inverse.
    let scales = (0...n).map { gram[$0, $0] > 0 ? gram[$0, $0].squareRoot() : 1 }
    for row in 0...n {
      for column in 0...n { gram[row, column] /= scales[row] * scales[column] }
      gram[row, row] += 1e-12
    }
    guard LinearAlgebra.factorCholesky(&gram) else { return [] }
    var inverse = Matrix(rowCount: n + 1, columnCount: n + 1)
    for row in 0...n { inverse[row, row] = 1 }
    LinearAlgebra.solveCholesky(gram, rightSides: &inverse)
    var fanOut = network.fanOutWeights
    for k in 0..<n {
      for c in 0..<fanOut.columnCount { fanOut[k, c] *= scales[k] }
    }
    var left = Set(0..<n).subtracting(free)
    var order: [Int] = []
    while order.count < count, left.count > 1 {
      func cost(_ k: Int) -> Double { product(fanOut.row(k), fanOut.row(k)) / inverse[k, k] }
      guard let k = left.min(by: { (cost($0), $0) < (cost($1), $1) }) else { break }
      left.remove(k)
      order.append(k)
      let (pivot, column, weights) = (inverse[k, k], inverse.column(k), Array(fanOut.row(k)))
      for other in left {
        for c in weights.indices { fanOut[other, c] -= column[other] / pivot * weights[c] }
      }
      for row in 0...n {
        for other in 0...n { inverse[row, other] -= column[row] * column[other] / pivot }
      }
    }
    return order
  }

  private func withoutFanOut(_ nodes: [Int]) -> Network {
    var result = network
    for node in nodes {
      for c in 0..<result.outputCount { result.layers[1].weights[c, node] = 0 }
    }
    let idle = Set(nodes).union(free)
    return refitted(
      result, on: (0..<result.hiddenCounts[0]).filter { !idle.contains($0) }, over: inputs, outputs: outputs)
  }

  private func distance(of network: Network) -> Double {
    guard let found = try? network.outputs(for: inputs) else { return .infinity }
    return euclideanNorm(zip(found.values, outputs.values).map { $0 - $1 })
  }

  // MARK: Bringing the units in

  /// - Returns: false if there is no free node left to go on with.
  private mutating func placeUnits() -> Bool {
    let units = canonical.student.network
    var places = [Int?](repeating: nil, count: canonical.unitCount)
    while places.contains(where: { $0 == nil }) {
      let taken = Set(places.compactMap { $0 })
      let open = free.filter { !taken.contains($0) }
      // The units of most nodes first: they free most.
      let waiting = places.indices.filter { places[$0] == nil }
        .sorted { (-members(of: $0).count, $0) < (-members(of: $1).count, $1) }
      guard !open.isEmpty else { return false }
      let round = Array(zip(waiting, open))
      var placed = network
      for (unit, node) in round {
        for f in 0..<placed.inputCount { placed.layers[0].weights[node, f] = units.layers[0].weights[unit, f] }
        if let biases = units.layers[0].biases { placed.layers[0].biases?[node] = biases[unit] }
        places[unit] = node
      }
      move(
        to: placed,
        "set the weights of \(words(round.count)) without fan-out to \(round.count == 1 ? "a unit" : "units") "
          + "that can carry a boundary alone",
        backwards: "set the weights of \(words(round.count)) without fan-out to those of student B")
      var moved = network
      let handed = round.flatMap { members(of: $0.0) }
      for node in handed + round.map(\.1) {
        for c in 0..<moved.outputCount { moved.layers[1].weights[c, node] = 0 }
      }
      if places.allSatisfy({ $0 != nil }) {
        moved.layers[1].weights = Matrix(rowCount: moved.outputCount, columnCount: moved.hiddenCounts[0])
        moved.layers[1].biases = units.layers[1].biases
      }
      for (unit, place) in places.enumerated() {
        guard let place else { continue }
        for c in 0..<moved.outputCount { moved.layers[1].weights[c, place] = units.layers[1].weights[c, unit] }
      }
      if places.contains(where: { $0 == nil }) {
        let idle = Set(handed).union(free).subtracting(places.compactMap { $0 })
        moved = refitted(
          moved, on: (0..<moved.hiddenCounts[0]).filter { !idle.contains($0) }, over: inputs, outputs: outputs)
      }
      move(
        to: moved, "move the fan-out of \(words(handed.count)) beside them over",
        backwards: "move the fan-out over to \(words(handed.count)) of student B that share boundaries")
    }
    return true
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

  private func words(_ count: Int) -> String { count == 1 ? "1 node" : "\(count) nodes" }
}
