import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

extension Network {
  /// The same function, a ReLU node's weights and bias times `factor`, its fan-out divided by it.
  fileprivate func rescalingNode(_ node: Int, in layer: Int, by factor: Double) -> Network {
    var result = self
    result.rescale(node, of: layer, by: factor)
    return result
  }

  /// Every hidden node by a power of ten of its own.
  fileprivate func rescalingNodes(from lowest: Double, to highest: Double, _ stream: inout RandomStream) -> Network {
    var result = self
    for (layer, count) in hiddenCounts.enumerated() {
      for (node, share) in stream.uniforms(count).enumerated() {
        result = result.rescalingNode(node, in: layer, by: power(10, lowest + (highest - lowest) * share))
      }
    }
    return result
  }

  /// A node twice, the copy with a share of its fan-out.
  fileprivate func splittingNode(_ node: Int, in layer: Int, share: Double) -> Network {
    let count = layers[layer].nodeCount
    var result = keeping(Array(0..<count) + [node], of: layer)
    for u in 0..<layers[layer + 1].nodeCount {
      result[layer: layer + 1].weights[u, count] *= share
      result[layer: layer + 1].weights[u, node] *= 1 - share
    }
    return result
  }
}

/// Multiplying inputs, a node's weights or outputs by a constant changes no correlation and no decision.
@Suite("Units do not matter") struct UnitTests {
  static let shapes: [[Int]] = [[5, 7, 3], [4, 6, 5, 3], [3, 5, 4, 4, 2]]

  /// A student that holds a teacher's nodes, some of them twice, and some of its own that are faint.
  private func student(_ widths: [Int], key: UInt64) throws -> Network {
    var result = try Draw.network(widths, key: key)
    for layer in 0..<widths.count - 2 {
      result = result.splittingNode(1, in: layer, share: 0.3).splittingNode(0, in: layer, share: 0.6)
    }
    return result
  }

  /// Units at random: what the student, the inputs become in them.
  private func inOtherUnits(_ network: Network, _ x: Matrix, key: UInt64) -> (network: Network, inputs: Matrix) {
    var stream = RandomStream(key: key, purpose: .test, index: 9)
    let exponents = stream.uniforms(2).map { 16 * $0 - 8 }
    let rescaled = network.rescalingNodes(from: -8, to: 8, &stream)
    let input = power(10, exponents[0])
    return (rescaled.scaled(inputs: 1 / input, outputs: power(10, exponents[1])), x.scaled(by: input))
  }

  @Test("correlations, with nodes from 1e-150 to 1e150", arguments: shapes, [1, 2, 3] as [UInt64])
  func correlations(widths: [Int], key: UInt64) throws {
    let teacher = try Draw.network(widths, key: 200 + key)
    let student = try student(widths, key: 200 + key)
    let x = Draw.inputs(150, widths[0], key: key)
    let plain = try layerCorrelations(of: Teacher(teacher), with: Student(student), over: x)
    var stream = RandomStream(key: key, purpose: .test, index: 5)
    for (lowest, highest) in [(-150.0, 150.0), (-8, 8), (-140, -130), (120, 150)] {
      let scaled = try layerCorrelations(
        of: Teacher(teacher.rescalingNodes(from: lowest, to: highest, &stream)),
        with: Student(student.rescalingNodes(from: lowest, to: highest, &stream)), over: x)
      for (a, b) in zip(plain, scaled) {
        #expect(a.deadStudentNodes == b.deadStudentNodes && a.deadTeacherNodes == b.deadTeacherNodes)
        // Each weight is rounded once or twice more: some 1e-16 of a pre-activation's terms, a thousandfold margin.
        #expect(largestDifference(a.values, b.values) < 1e-11)
        // The student holds each node.
        let dead = Set(b.deadTeacherNodes)
        #expect(b.bestOfTeacherNodes.enumerated().allSatisfy { dead.contains($0.offset) || $0.element > 1 - 1e-11 })
      }
    }
  }

  @Test("correlations, inputs in any unit", arguments: [1, 2, 3, 4] as [UInt64])
  func correlationInputs(key: UInt64) throws {
    let (teacher, student) = (try Draw.network([4, 5, 4, 3], key: key), try Draw.network([4, 9, 6, 3], key: 50 + key))
    let x = Draw.inputs(100, 4, key: key)
    let plain = try layerCorrelations(of: Teacher(teacher), with: Student(student), over: x)
    for exponent in [-8, -3.3, 2.7, 8] {
      let s = power(10, exponent)
      let scaled = try layerCorrelations(
        of: Teacher(teacher.scaled(inputs: 1 / s, outputs: 1)),
        with: Student(student.scaled(inputs: 1 / s, outputs: 1)),
        over: x.scaled(by: s))
      for (a, b) in zip(plain, scaled) { #expect(largestDifference(a.values, b.values) < 1e-11) }
    }
  }

  @Test("nodes that are constant but for rounding are dead, in any unit", arguments: [-150, -20, 0, 7.3, 140])
  func roundingIsNoVariation(exponent: Double) throws {
    // Node 1 of the lowest layer is three times node 0, and node 3 has a bias alone; above, node 0 takes the two so that
    // nothing is left but rounding, node 1 as well, beside a bias, node 2 the constant; node 3 is alive.
    var network = try Draw.network([4, 4, 4, 2], key: 8)
    for f in 0..<4 {
      let weight = network.layers[0].weights[0, f]
      network[layer: 0].weights[1, f] = 3 * weight
      network[layer: 0].weights[3, f] = 0
    }
    let bias = network.layers[0].biases?[0] ?? 0
    network[layer: 0].biases?[1] = 3 * bias
    network[layer: 0].biases?[3] = 0.7
    network[layer: 1].weights = Matrix([[0.3, -0.1, 0, 0], [0.9, -0.3, 0, 0.1], [0, 0, 0, 0.77], [1, 0, -1, 0]])
    network[layer: 1].biases = [0, 0.4, -0.1, 0.1]
    network = network.rescalingNode(0, in: 0, by: power(10, exponent)).rescalingNode(1, in: 1, by: power(10, -exponent))
    let found = try layerCorrelations(of: Teacher(network), with: Student(network), over: Draw.inputs(200, 4))
    #expect(found[0].deadStudentNodes == [3])
    #expect(found[1].deadStudentNodes == [0, 1, 2] && found[1].deadTeacherNodes == [0, 1, 2])
    #expect(found[1].values.row(0).allSatisfy { $0 == 0 } && found[1].values[3, 3] > 1 - 1e-12)
  }

  @Test("the peer's floor is there when asked for: faint nodes fade")
  func peerFloor() throws {
    let network = try Draw.network([4, 3, 2], key: 3)
    let x = Draw.inputs(100, 4)
    func rho(_ factor: Double) throws -> Double {
      let student = Student(network.rescalingNode(0, in: 0, by: factor))
      return try correlation(of: Teacher(network), with: student, over: x, floor: .peer).values[0, 0]
    }
    #expect(try rho(1) > 1 - 1e-10)
    #expect(try rho(1e-9) < 0.1)
    #expect(try rho(1e-200) == 0 && rho(1e150) > 1 - 1e-10)
  }

  @Test("merging: the same units and fates", arguments: shapes, [1, 2, 3, 4] as [UInt64])
  func merging(widths: [Int], key: UInt64) throws {
    let network = try student(widths, key: 300 + key)
    let x = Draw.inputs(300, widths[0], key: key)
    let plain = try merge(Student(network), over: x)
    // There is something to merge: two nodes of each layer are there twice, unless no input reaches them.
    #expect(plain.layers.reduce(0) { $0 + $1.mergedCount } >= 2)
    let other = inOtherUnits(network, x, key: key)
    let scaled = try merge(Student(other.network), over: other.inputs)
    #expect(scaled.layers.map(\.fates) == plain.layers.map(\.fates))
    #expect(scaled.layers.map(\.unitCount) == plain.layers.map(\.unitCount))
  }

  @Test("groups of boundaries and what each group's kink lacks", arguments: [1, 2, 3, 4] as [UInt64])
  func groups(key: UInt64) throws {
    let network = try student([5, 6, 3], key: 400 + key)
    let teacher = Boundaries(of: try Draw.network([5, 6, 3], key: 400 + key).layers[0])
    var stream = RandomStream(key: key, purpose: .test, index: 6)
    let rescaled = network.rescalingNodes(from: -9, to: 9, &stream)
    let groups = [network, rescaled].map {
      BoundaryGroups(teacher: teacher, student: Boundaries(of: $0.layers[0]), tolerance: 1e-6).groups
    }
    #expect(groups[0] == groups[1] && groups[0].contains { $0.studentNodes.count == 2 })
  }

  @Test("which node is removed first, and at what cost", arguments: [1, 2, 3, 4] as [UInt64])
  func removal(key: UInt64) throws {
    let network = try Draw.network([4, 8, 3], key: 500 + key)
    let x = Draw.inputs(200, 4, key: key)
    let other = inOtherUnits(network, x, key: key)
    let removals = [
      OptimalBrainSurgeon(try TwoLayerView(network), over: x),
      OptimalBrainSurgeon(try TwoLayerView(other.network), over: other.inputs),
    ]
    #expect(removals[0].order(among: Array(0..<8), count: 6) == removals[1].order(among: Array(0..<8), count: 6))
    let costs = try removals.map { try #require($0.costs) }
    let ratios = zip(costs[0], costs[1]).map { $1 / $0 }
    // The outputs' unit, squared; the condition of the activations, some 1e2, squared, times rounding.
    #expect(ratios.allSatisfy { abs($0 / ratios[0] - 1) < 1e-9 })
  }

  @Test("ranks of fan-out weights", arguments: [1, 2, 3] as [UInt64])
  func ranks(key: UInt64) throws {
    let network = try student([4, 5, 3], key: 600 + key)
    var stream = RandomStream(key: key, purpose: .test, index: 7)
    let rescaled = network.rescalingNodes(from: -9, to: 9, &stream)
    let x = Draw.inputs(5, 4)
    let teacher = Teacher(try Draw.network([4, 5, 3], key: 600 + key))
    var before = FanOutRanks(try coupling(of: teacher, with: Student(network), over: x))
    var after = FanOutRanks(try coupling(of: teacher, with: Student(rescaled), over: x))
    // Nodes 1 and 5, 0 and 6 share a fan-out's direction.
    for (nodes, rank) in [
      ([1, 5], 1), ([0, 6], 1), ([0, 1, 5, 6], 2), ([0, 1, 2, 3, 4, 5, 6], 3), ([2], 1), ([], 0),
    ] {
      #expect(before.rank(of: nodes) == rank && after.rank(of: nodes) == rank)
    }
  }
}
