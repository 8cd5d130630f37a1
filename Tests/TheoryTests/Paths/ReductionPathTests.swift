import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite("Paths by way of smaller students") struct ReductionPathTests {
  /// Without samples between but those that are put there.
  private static let gap = 0.02
  private static let m = 3

  /// Nodes near each boundary of the teacher, none on it, with the samples between them.
  struct Straddling: Sendable, CustomTestStringConvertible {
    var offsetsOfA: [Double]
    var offsetsOfB: [Double]
    var samples: [Double] = []
    var testDescription: String {
      "\(offsetsOfA.count) and \(offsetsOfB.count) nodes, \(samples.count) samples between"
    }
    var largestCount: Int { max(offsetsOfA.count, offsetsOfB.count) }

    static let pair = Straddling(offsetsOfA: [-0.015, 0.015], offsetsOfB: [-0.008, 0.008])
    /// The first is active where the boundary is.
    static let triple = Straddling(
      offsetsOfA: [-0.015, 0.007, 0.018], offsetsOfB: [-0.01, 0.009, 0.016], samples: [0.005])
    static let mixed = Straddling(
      offsetsOfA: [-0.004, 0.004], offsetsOfB: [-0.015, 0.007, 0.018], samples: [0.005])
    /// None is.
    static let quadruple = Straddling(
      offsetsOfA: [-0.018, -0.012, 0.01, 0.018], offsetsOfB: [-0.017, -0.011, 0.011, 0.017], samples: [-0.006, 0.005])

    /// How a kink at 0 is shared among kinks at the offsets: `sum share phi(a - offset) = phi(a)` on the samples between
    /// and on all above.
    func shares(_ offsets: [Double]) throws -> [Double] {
      let rows = [offsets.map { _ in 1 }, offsets] + samples.map { s in offsets.map { max(0, s - $0) } }
      let sides = [[1], [0]] + samples.map { [max(0, $0)] }
      return try #require(LinearAlgebra.leastSquares(Matrix(rows), Matrix(sides))).solution.values
    }

    func student(_ teacher: Network, offsets: [Double], nodeCount n: Int, isReversed: Bool, key: UInt64) throws
      -> Student
    {
      let (count, outputs) = (offsets.count, teacher.outputCount)
      var stream = RandomStream(key: key, purpose: .test)
      var first = stream.normalMatrix(rowCount: n, columnCount: teacher.inputCount, standardDeviation: 1)
      var biases = stream.normals(n, standardDeviation: 0.3)
      var last = Matrix(rowCount: outputs, columnCount: n)
      let shares = try shares(offsets)
      for place in 0..<count * teacher.layers[0].nodeCount {
        let (j, part, node) = (place / count, place % count, isReversed ? n - 1 - place : place)
        let scale = 0.5 + Double(place) / 4
        let norm = euclideanNorm(teacher.layers[0].weights.row(j))
        for f in 0..<teacher.inputCount { first[node, f] = scale * teacher.layers[0].weights[j, f] }
        biases[node] = scale * (teacher.layers[0].biasesOrZeros[j] - offsets[part] * norm)
        for c in 0..<outputs { last[c, node] = shares[part] * teacher.layers[1].weights[c, j] / scale }
      }
      return Student(
        try Network(
          layers: [
            NetworkLayer(weights: first, biases: biases), NetworkLayer(weights: last, biases: teacher.layers[1].biases),
          ], activation: .relu))
    }

    /// Inputs, of which none is near the teacher's boundaries but one for each boundary and each of the samples.
    func inputs(_ teacher: Network, count: Int) -> Matrix {
      let boundaries = Boundaries(of: teacher.layers[0])
      func distance(_ x: [Double], _ j: Int) -> Double {
        dotProduct(boundaries.directions.row(j), x) + boundaries.offsets[j]
      }
      func isFar(_ x: [Double], but own: Int? = nil) -> Bool {
        (0..<boundaries.count).allSatisfy { $0 == own || abs(distance(x, $0)) > gap }
      }
      let drawn = Draw.inputs(3 * count, teacher.inputCount)
      let rows = (0..<drawn.rowCount).map { Array(drawn.row($0)) }
      let near = (0..<boundaries.count).flatMap { j in
        samples.enumerated().compactMap { index, sample in
          rows.dropFirst(10 * index).lazy.map { x in
            let step = sample - distance(x, j)
            return zip(x, boundaries.directions.row(j)).map { $0 + step * $1 }
          }.first { isFar($0, but: j) }
        }
      }
      return Matrix(near + rows.filter { isFar($0) }.prefix(count))
    }
  }

  @Test(
    "a path is exact though no node that is there can carry a boundary alone; mostly with no spare node, too",
    arguments: [Straddling.pair, .triple, .mixed], [0, 1, 2, 5])
  func straddlingStudents(_ size: Straddling, spareCount: Int) throws {
    let teacher = try Draw.network([4, Self.m, 6], key: 201)
    let x = size.inputs(teacher, count: 400)
    let targets = try teacher.outputs(for: x)
    let n = Self.m * size.largestCount + spareCount
    let a = try size.student(teacher, offsets: size.offsetsOfA, nodeCount: n, isReversed: false, key: 1)
    let b = try size.student(teacher, offsets: size.offsetsOfB, nodeCount: n, isReversed: true, key: 2)
    for student in [a, b] { #expect(try halfMeanSquare(of: student.network, over: x, targets: targets) < 1e-24) }

    // Nodes of A go to nodes of B one by one where there are as many, or room for those that A lacks, but not where a
    // boundary must be gathered.
    if spareCount == 0, size.offsetsOfA.count != size.offsetsOfB.count {
      let gathered = try gatheredPath(
        from: try TwoLayerView(a.network), to: try TwoLayerView(b.network), over: x, targets: targets)
      let loss = try largestEndLoss(of: gathered, over: x, targets: targets)
      #expect(gathered.obstacle != nil || loss > 1e-10)
    }

    let path = try constructedPath(from: a, to: b, over: x, targets: targets)
    #expect(path.segments.first?.from == a.network && path.segments.last?.to == b.network)
    for (segment, next) in zip(path.segments, path.segments.dropFirst()) { #expect(segment.to == next.from) }
    #expect(path.segments.count <= 25)
    for segment in path.segments {
      let losses = try losses(along: segment, pointCount: 21, over: x, targets: targets)
      #expect(losses.allSatisfy { $0 < 1e-20 }, "\(segment.what)")
      let (from, to) = (segment.from, segment.to)
      guard from.layers[0] != to.layers[0] else { continue }
      #expect(from.layers[1] == to.layers[1], "\(segment.what)")
      let moved = movedNodes(from, to).filter { k in from.layers[1].weights.column(k).contains { $0 != 0 } }
      // A spare node is enough for segments of the first two kinds.
      if spareCount > 0 { #expect(moved.isEmpty, "\(segment.what)") }
      let z = (from.layers[0].preactivations(of: x.transposed), to.layers[0].preactivations(of: x.transposed))
      for k in moved { #expect((0..<x.rowCount).allSatisfy { z.0[k, $0] * z.1[k, $0] >= 0 }, "\(segment.what)") }
    }
  }

  private func movedNodes(_ from: Network, _ to: Network) -> [Int] {
    (0..<from.hiddenCounts[0]).filter { k in
      from.layers[0].weights.row(k) != to.layers[0].weights.row(k)
        || from.layers[0].biases?[k] != to.layers[0].biases?[k]
    }
  }

  @Test(
    "where no node has the boundary's samples above it, the path costs what freeing the first node costs, and no more")
  func withoutSpareNode() throws {
    let (teacher, size) = (try Draw.network([4, Self.m, 6], key: 202), Straddling.quadruple)
    let x = size.inputs(teacher, count: 400)
    let targets = try teacher.outputs(for: x)
    let a = try size.student(teacher, offsets: size.offsetsOfA, nodeCount: 4 * Self.m, isReversed: false, key: 1)
    let canonical = try merge(a, over: x, targets: targets)
    #expect(canonical.unitCount == Self.m)
    let approach = try #require(try ReductionPath(of: try TwoLayerView(a.network), to: canonical, over: x))
    let ends = try approach.steps.map { try halfMeanSquare(of: $0.segment.to, over: x, targets: targets) }
    let expected = try costsByTrying(try TwoLayerView(a.network), over: x).min() ?? 0
    #expect(expected > 1e-14)
    // Both are the same least squares, solved for other columns.
    #expect(abs(ends[0] / expected - 1) < 1e-4)
    // The first unit comes in at that price; from then on there is room, and nothing costs more.
    #expect(ends.allSatisfy { $0 < 1.1 * ends[0] })
    // It ends with the smaller student's units, and with its outputs.
    #expect((ends.last ?? 1) < 1e-22)
    let carrying = approach.network.nodeCount - approach.network.idleNodes.count
    #expect(carrying == Self.m)
  }

  /// What the loss against a network's own outputs becomes without each node, all others refitted.
  private func costsByTrying(_ network: TwoLayerView, over x: Matrix) throws -> [Double] {
    let outputs = try network.outputs(for: x)
    let count = network.nodeCount
    return try (0..<count).map { k in
      var without = network
      without.clearFanOut(of: [k])
      let fitted = refitted(without, on: (0..<count).filter { $0 != k }, over: x, outputs: outputs)
      return try halfMeanSquare(of: fitted.network, over: x, targets: outputs)
    }
  }

  @Test("what a removal costs is what refitting all others leaves", arguments: [true, false], [0, 0.2])
  func removalCosts(hasBiases: Bool, slope: Double) throws {
    let network = try TwoLayerView(Draw.network([5, 9, 4], key: 203, slope: slope, hasBiases: hasBiases))
    let x = Draw.inputs(300, 5)
    let removal = OptimalBrainSurgeon(network, over: x)
    let (costs, expected) = (try #require(removal.costs), try costsByTrying(network, over: x))
    for (cost, wanted) in zip(costs, expected) { #expect(abs(cost / (2 * 300) / wanted - 1) < 1e-8) }
    // One after the other: the second is the cheapest of those that are left without the first.
    let order = removal.order(among: Array(0..<9), count: 3)
    #expect(Set(order).count == 3 && order[0] == costs.indices.min { costs[$0] < costs[$1] })
    let left = (0..<9).filter { $0 != order[0] }
    let seconds = try left.map { k in
      var without = network
      without.clearFanOut(of: [k, order[0]])
      let outputs = try network.outputs(for: x)
      let fitted = refitted(without, on: left.filter { $0 != k }, over: x, outputs: outputs)
      return try halfMeanSquare(of: fitted.network, over: x, targets: outputs)
    }
    #expect(order[1] == left[seconds.indices.min { seconds[$0] < seconds[$1] } ?? 0])
  }

  @Test("nodes that the others can do without cost nothing, and with few samples all do")
  func redundantNodes() throws {
    let teacher = try plantedTeacher(d: 4, m: 4, c: 3, key: 5)
    var planted = PlantedStudent(teacher, key: 5)
    planted.split(0)
    planted.addZeroSum()
    let network = try TwoLayerView(planted.student().network)
    let x = Draw.inputs(200, 4)
    let costs = try #require(OptimalBrainSurgeon(network, over: x).costs)
    for k in costs.indices {
      if [1, 2, 3].contains(k) { #expect(costs[k] > 1e-3) } else { #expect(costs[k] < 1e-20) }
    }
    let few = try #require(OptimalBrainSurgeon(network, over: Draw.inputs(3, 4)).costs)
    #expect(few.allSatisfy { $0 < 1e-20 })
  }
}
