import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite("Merging of deep students") struct DeepMergingTests {
  @Test(
    "reads a planted teacher back, layer by layer",
    arguments: [([4, 4], 0.0), ([5, 6], 0.2), ([6, 5, 4], 0.0), ([4, 5, 5, 4], 0.1)])
  func planted(_ widths: [Int], _ slope: Double) throws {
    for key in 1...3 as ClosedRange<UInt64> {
      let x = Draw.inputs(1500, 5, key: key)
      let teacher = try deepTeacher(widths, c: 4, slope: slope, over: x, key: key)
      var planting = DeepPlanting(teacher, key: key)
      var scaleBelow = 1.0
      for layer in widths.indices {
        let scale = planting.split(0, in: layer)
        planting.split(2, in: layer)
        if layer > 0 {
          // Like nodes above, with different rows over like nodes below.
          planting.shiftRow(0, in: layer, from: 0, to: widths[layer - 1], scale: scaleBelow, by: 0.8)
          planting.addUnused(in: layer)
          // Fed by nodes below that nothing else uses.
          planting.addJunk(in: layer - 1)
        }
        planting.addZeroSum(in: layer)
        planting.addUnused(in: layer)
        scaleBelow = scale
      }
      planting.scramble()
      let student = Student(planting.network)
      let targets = try teacher.network.outputs(for: x)
      let scale = targets.values.reduce(1) { max($0, abs($1)) }
      // The planting is right, but for rounding in sums of tens of terms of size 10 in each layer.
      #expect(largestDifference(try student.network.outputs(for: x), targets) < 1e-12 * scale)
      let merged = try merge(student, over: x, targets: targets)
      #expect(merged.student.network.hiddenCounts == widths)
      #expect(merged.layers.map(\.unitCount) == widths)
      #expect(merged.largestChange <= merged.allowedChange)
      let change = largestDifference(
        try merged.student.network.outputs(for: x), try student.network.outputs(for: x))
      #expect(merged.largestChange == change && change < 1e-11 * scale)
      // Rounding of the coordinates of a layer, 1e-16, times its condition, below 1e3 here, and the sizes of sums.
      let errors = try #require(weightErrors(of: merged.student.network, against: teacher.network))
      #expect(errors.allSatisfy { $0 < 1e-12 }, "\(errors)")
      for (layer, width) in merged.layers.enumerated() {
        #expect(width.fates.count == student.network.hiddenCounts[layer])
        let carried = Set(width.fates.compactMap { if case .carries(let unit) = $0 { unit } else { nil } })
        #expect(carried == Set(0..<widths[layer]))
        #expect(width.removedCount >= 1 && width.mergedCount >= 2)
      }
      // Nothing is left to merge, and layers are determined.
      let again = try merge(merged.student, over: x, targets: targets)
      #expect(again.student == merged.student && again.largestChange == 0)
      let recovery = try mergedLayerReports(of: merged, from: student, against: teacher, over: x)
      #expect(recovery.map(\.unitCount) == widths && recovery.allSatisfy { ($0.weightError ?? 1) < 1e-12 })
      #expect(recovery.allSatisfy { ($0.identifiability ?? 0) > 1e-3 })
      #expect(recovery[0].inputRank == 5 && recovery[0].inputCount == 5)
      // Like nodes below: sums of weights are determined, not the weights.
      #expect(recovery.dropFirst().allSatisfy { $0.inputRank < $0.inputCount })
    }
  }

  @Test("changes no output by more than is allowed, whatever is allowed")
  func allowedChange() throws {
    let x = Draw.inputs(400, 4)
    for key in 1...3 as ClosedRange<UInt64> {
      let network = try deepTeacher([8, 7, 6], c: 3, slope: 0, over: x, key: key).network
      var counts: [Int] = []
      for allowed in [0, 1e-9, 1e-3, 0.1, 1, 10, 100] {
        let merged = try merge(Student(network), over: x, allowedChange: allowed)
        let change = largestDifference(try merged.student.network.outputs(for: x), try network.outputs(for: x))
        #expect(change == merged.largestChange && change <= allowed)
        counts.append(merged.student.network.hiddenCounts.reduce(0, +))
      }
      #expect(counts[0] == 21 && counts[6] < 21, "\(counts)")
    }
  }

  @Test("a node of two orientations above the lowest layer is one unit where its remainder cancels")
  func opposite() throws {
    // phi(z + s) - phi(-z - s) = (1 + c)(z + s) and its negative on a parallel boundary leave a constant.
    let x = Draw.inputs(800, 4)
    let teacher = try deepTeacher([5, 4], c: 3, slope: 0, over: x, key: 4)
    var network = teacher.network
    let (rows, biases) = (network.layers[1].weights, network.layers[1].biases ?? [])
    let fanOut = [0.5, -1, 0.3]
    func weights(_ sign: Double) -> [Double] { rows.row(0).map { sign * $0 } }
    let above = network.layers[2]
    network = network.replacing(
      hiddenLayer: 1,
      by: NetworkLayer(
        weights: Matrix((0..<4).map { Array(rows.row($0)) } + [weights(1), weights(-1), weights(1), weights(-1)]),
        biases: biases + [biases[0] + 0.2, -biases[0] - 0.2, biases[0] - 0.1, 0.1 - biases[0]]),
      above: NetworkLayer(
        weights: Matrix(
          (0..<4).map { above.weights.column($0) } + [1.0, -1, -1, 1].map { sign in fanOut.map { sign * $0 } }
        ).transposed,
        biases: zip(above.biases ?? [], fanOut).map { $0 - 0.3 * $1 }))
    // Boundaries 0.3 apart, in units of the layer's deviations, may be near enough to be joined; they are not one.
    #expect(largestDifference(try network.outputs(for: x), try teacher.network.outputs(for: x)) < 1e-13 * 100)
    let merged = try merge(Student(network), over: x)
    #expect(merged.student.network.hiddenCounts == [5, 4])
    #expect(try #require(weightError(of: merged.student.network, against: teacher.network)) < 1e-12)
  }

  @Test("a unit that only moves a pre-activation where its node is inactive is removed, and one that opens it stays")
  func gated() throws {
    for key in 1...3 as ClosedRange<UInt64> {
      let x = Draw.inputs(800, 4, key: key)
      // The highest layer's node 0 follows the lowest layer's node 0, and is active where that is above 0.5.
      var teacher = try deepTeacher([5, 4], c: 3, slope: 0, over: x, key: key).network
      for f in 0..<5 { teacher[layer: 1].weights[0, f] = f == 0 ? 1 : 0 }
      teacher[layer: 1].biases?[0] = -0.5
      // Active where node 0 is 0, and far enough from its boundary to be no part of it.
      let lowest = teacher.layers[0]
      func student(fanOut: Double) -> Student {
        let upper = teacher.layers[1]
        return Student(
          teacher.replacing(
            hiddenLayer: 0,
            by: NetworkLayer(
              weights: Matrix((0..<5).map { Array(lowest.weights.row($0)) } + [lowest.weights.row(0).map { -$0 }]),
              biases: (lowest.biases ?? []) + [-(lowest.biases?[0] ?? 0) - 0.6]),
            above: NetworkLayer(
              weights: Matrix((0..<4).map { Array(upper.weights.row($0)) + [$0 == 0 ? fanOut : 0] }),
              biases: upper.biases)))
      }
      // Moving the pre-activation down, it cannot open the node.
      let merged = try merge(student(fanOut: -2), over: x)
      #expect(merged.student.network.hiddenCounts == [5, 4])
      #expect(merged.layers[0].fates.last == .removed && merged.largestChange < 1e-13)
      #expect(try #require(weightError(of: merged.student.network, against: teacher)) < 1e-12)
      // Moving it up, it does.
      #expect(try merge(student(fanOut: 2), over: x).student.network.hiddenCounts == [6, 4])
    }
  }

  @Test("a student that is constant keeps an idle node in each layer")
  func constant() throws {
    let x = Draw.inputs(200, 3)
    var network = try deepTeacher([4, 4], c: 2, slope: 0, over: x, key: 5).network
    network[layer: 2].weights = Matrix(rowCount: 2, columnCount: 4)
    let merged = try merge(Student(network), over: x)
    #expect(merged.student.network.hiddenCounts == [1, 1] && merged.layers.map(\.unitCount) == [0, 0])
    #expect(merged.layers.allSatisfy { $0.fates.allSatisfy { $0 == .removed } })
    #expect(merged.largestChange == 0)
  }

  @Test("refuses what it cannot merge, and says why")
  func refusals() throws {
    let x = Draw.inputs(50, 3)
    let teacher = try deepTeacher([4, 4], c: 2, slope: 0, over: x, key: 5)
    var network = teacher.network
    #expect(throws: ShapeError.self) { try merge(Student(network), over: Draw.inputs(5, 4)) }
    #expect(throws: ShapeError.self) {
      try merge(Student(network), over: x, targets: Matrix(rowCount: 50, columnCount: 3))
    }
    network[layer: 1].weights[0, 0] = .nan
    #expect { try merge(Student(network), over: x) } throws: { "\($0)".contains("not finite") }
    let linear = try Network(layers: teacher.network.layers, activation: .linear)
    #expect { try merge(Student(linear), over: x) } throws: { "\($0)".contains("linear") }
  }

  @Test("weight errors of deep networks do not see order and scale, see the rest, and say in which layer")
  func weightErrorsByLayer() throws {
    let x = Draw.inputs(300, 4)
    let teacher = try deepTeacher([5, 6, 4], c: 3, slope: 0, over: x, key: 6)
    var planting = DeepPlanting(teacher, key: 7)
    planting.scramble()
    let same = try #require(weightErrors(of: planting.network, against: teacher.network))
    // Two products and a quotient of numbers of size 1 in each layer.
    #expect(same.count == 4 && same.allSatisfy { $0 < 1e-14 })
    for layer in 0..<4 {
      var network = teacher.network
      network[layer: layer].biases?[1] += 1e-3
      let errors = try #require(weightErrors(of: network, against: teacher.network))
      #expect(abs(errors[layer] - 1e-3) < 1e-14)
      #expect(errors.enumerated().allSatisfy { $0 == layer || $1 < 1e-14 })
      #expect(weightError(of: network, against: teacher.network) == errors[layer])
    }
    let other = try deepTeacher([5, 5, 4], c: 3, slope: 0, over: x, key: 6)
    #expect(weightErrors(of: other.network, against: teacher.network) == nil)
  }
}
