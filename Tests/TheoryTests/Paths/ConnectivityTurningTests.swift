import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite("Paths between students of opposite orientations") struct ConnectivityTurningTests {
  /// Random boundaries of which some may be turned without a change of the function: their `v w^T` cancel in sum.
  struct Case: Sendable, CustomTestStringConvertible {
    var d: Int
    var outputs: Int
    /// Boundaries whose weights are drawn, in groups; each group is closed by as many more as its rank.
    var drawn: [Int]
    /// Boundaries that are the same in both students.
    var fixed = 1
    var slope = 0.0
    var hiddenBiases = true
    var outputBiases = true
    /// Of the turned boundaries, so many that all inputs are on one side of.
    var beyond = 0
    /// What inputs are multiplied by, and the first layer's weights divided by.
    var unit = 1.0
    /// What turning must take, where it is known.
    var wanted: Int?

    var testDescription: String {
      "d \(d), outputs \(outputs), drawn \(drawn), fixed \(fixed), slope \(slope), biases \(hiddenBiases) \(outputBiases), "
        + "unit \(unit)"
    }

    /// 300 inputs in their unit, `[sample, feature]`.
    func inputs(key: UInt64) -> Matrix {
      Matrix(rowCount: 300, columnCount: d, values: Draw.inputs(300, d, key: key).values.map { $0 * unit })
    }

    /// (fan-out, weights) of boundaries that cancel, and the count of boundaries that do not need to.
    func boundaries(key: UInt64) throws -> (turned: [(v: [Double], w: [Double])], fixed: [(v: [Double], w: [Double])]) {
      var stream = RandomStream(key: key, purpose: .test, index: 3)
      var turned: [(v: [Double], w: [Double])] = []
      func draw() -> (v: [Double], w: [Double]) {
        (stream.normals(outputs, standardDeviation: 1), stream.normals(d, standardDeviation: 1))
      }
      for count in drawn {
        let group = (0..<count).map { _ in draw() }
        var sum = Matrix(rowCount: outputs, columnCount: d)
        for (v, w) in group {
          for c in 0..<outputs {
            for f in 0..<d { sum[c, f] -= v[c] * w[f] }
          }
        }
        let svd = try #require(LinearAlgebra.singularValues(of: sum))
        let rank = min(count, outputs, d)
        // Turned by a rotation, so that the closing boundaries are not orthogonal.
        let mixing = stream.normalMatrix(rowCount: rank, columnCount: rank, standardDeviation: 1)
        let rotation = try #require(LinearAlgebra.singularValues(of: mixing)).left
        turned += group
        for i in 0..<rank {
          turned.append(
            (
              (0..<outputs).map { c in (0..<rank).reduce(0) { $0 + svd.left[c, $1] * svd.values[$1] * rotation[$1, i] }
              },
              (0..<d).map { f in (0..<rank).reduce(0) { $0 + svd.right[$1, f] * rotation[$1, i] } }
            ))
        }
      }
      return (turned, (0..<fixed).map { _ in draw() })
    }

    var turnedCount: Int { drawn.reduce(0) { $0 + $1 + min($1, outputs, d) } }

    /// Two students of one function with `spareCount` idle nodes each, in random order and scale; the second holds the
    /// turned boundaries in the other orientation.
    func students(spareCount: Int, key: UInt64) throws -> (Student, Student) {
      let (turned, fixed) = try boundaries(key: key)
      var stream = RandomStream(key: key, purpose: .test, index: 4)
      var biases = hiddenBiases ? stream.normals(turned.count + fixed.count, standardDeviation: 0.5) : nil
      for i in 0..<beyond { biases?[i] = 30 * euclideanNorm(turned[i].w) }
      if hiddenBiases, !outputBiases {
        // Nothing takes the constant, so the constants cancel as well.
        let directions = Matrix(turned.map(\.v))
        let sides = Matrix((biases ?? []).prefix(turned.count).map { [$0] })
        let fit = try #require(LinearAlgebra.leastSquares(directions, sides)).solution
        for (i, boundary) in turned.enumerated() { biases?[i] -= dotProduct(boundary.v, fit.column(0)) }
      }
      var lastBiases = outputBiases ? stream.normals(outputs, standardDeviation: 0.5) : nil
      let all = turned + fixed
      func student(turning: Bool, key: UInt64) throws -> Student {
        var own = RandomStream(key: key, purpose: .test, index: turning ? 5 : 6)
        var nodes: [(row: [Double], bias: Double, fanOut: [Double])] = []
        for (i, boundary) in all.enumerated() {
          let scale = (turning && i < turned.count ? -1.0 : 1) * (0.3 + 2 * own.uniforms(1)[0])
          nodes.append(
            (boundary.w.map { $0 * scale }, (biases?[i] ?? 0) * scale, boundary.v.map { $0 / abs(scale) }))
        }
        for _ in 0..<spareCount {
          nodes.append(
            (
              own.normals(d, standardDeviation: 1), own.normals(1, standardDeviation: 1)[0],
              [Double](repeating: 0, count: outputs)
            ))
        }
        for (i, draw) in own.uniforms(nodes.count).enumerated() {
          nodes.swapAt(i, i + Int(draw * Double(nodes.count - i)))
        }
        if turning {
          for (i, boundary) in turned.enumerated() {
            for c in 0..<outputs { lastBiases?[c] += (1 + slope) * boundary.v[c] * (biases?[i] ?? 0) }
          }
        }
        return Student(
          try Network(
            layers: [
              NetworkLayer(
                weights: Matrix(nodes.map { $0.row.map { $0 / unit } }), biases: hiddenBiases ? nodes.map(\.bias) : nil),
              NetworkLayer(weights: Matrix(nodes.map(\.fanOut)).transposed, biases: lastBiases),
            ], activation: Activation(negativeSlope: slope)))
      }
      return (try student(turning: false, key: key), try student(turning: true, key: key))
    }
  }

  @Test(
    "with as many spare nodes as the message asks for the path has no loss; with fewer it names the orientation",
    arguments: [
      // One output: one node carries all that is left over, whatever the number of boundaries.
      Case(d: 2, outputs: 1, drawn: [2], fixed: 0, wanted: 2), Case(d: 4, outputs: 1, drawn: [6], wanted: 2),
      Case(d: 3, outputs: 1, drawn: [4], fixed: 3, slope: 0.2, unit: 1e-5, wanted: 2),
      Case(d: 5, outputs: 1, drawn: [13], wanted: 2),
      // Two pairs with one direction each, or one direction after the other.
      Case(d: 3, outputs: 3, drawn: [1], fixed: 2, wanted: 2), Case(d: 4, outputs: 3, drawn: [1, 1, 1], wanted: 2),
      // Several directions at once.
      Case(d: 3, outputs: 2, drawn: [2], slope: 0.1, wanted: 3), Case(d: 5, outputs: 4, drawn: [3], unit: 1e4),
      Case(d: 4, outputs: 4, drawn: [4], slope: 0.05), Case(d: 2, outputs: 3, drawn: [5], fixed: 2, unit: 1e-3),
      Case(d: 6, outputs: 2, drawn: [3, 2], slope: 0.3), Case(d: 3, outputs: 4, drawn: [7]),
      // Without output biases a node carries the constant, without hidden ones two nodes a direction.
      Case(d: 3, outputs: 1, drawn: [4], outputBiases: false, wanted: 3),
      Case(d: 4, outputs: 2, drawn: [4], slope: 0.2, outputBiases: false),
      Case(d: 3, outputs: 1, drawn: [4], hiddenBiases: false, outputBiases: false, wanted: 3),
      Case(d: 4, outputs: 2, drawn: [5], slope: 0.1, hiddenBiases: false, outputBiases: true),
      Case(d: 5, outputs: 3, drawn: [6], fixed: 2, hiddenBiases: false, outputBiases: false),
    ])
  func turning(_ size: Case) throws {
    for key in 31...32 as ClosedRange<UInt64> {
      let x = size.inputs(key: key)
      var asked: Int?
      for spareCount in 0...size.turnedCount + 1 {
        let (a, b) = try size.students(spareCount: spareCount, key: key)
        let targets = try a.network.outputs(for: x)
        let ofZero = targets.values.reduce(0) { $0 + $1 * $1 } / 600
        #expect(try halfMeanSquare(of: b.network, over: x, targets: targets) < 1e-26 * ofZero)
        let path = try constructedPath(from: a, to: b, over: x, targets: targets)
        if let obstacle = path.obstacle {
          #expect(path.segments.isEmpty)
          #expect(
            obstacle.hasPrefix("\(size.turnedCount) of the \(size.turnedCount + size.fixed) boundaries"), "\(obstacle)")
          #expect(
            obstacle.contains("opposite orientation") && obstacle.contains(" \(spareCount) can be spared"),
            "\(obstacle)")
          let words = obstacle.split(separator: " ")
          let takes = try #require(words.firstIndex(of: "spare").flatMap { Int(words[$0 - 1]) })
          #expect(takes > spareCount && takes == asked ?? takes, "\(obstacle)")
          let missing = takes - spareCount
          #expect(
            obstacle.hasSuffix(
              missing == 1 ? "; 1 node more in both is enough" : "; \(missing) nodes more in both are enough"),
            "\(obstacle)")
          asked = takes
          continue
        }
        #expect(spareCount >= (try #require(asked)), "fewer nodes are no obstacle than more were")
        #expect(path.segments.first?.from == a.network && path.segments.last?.to == b.network)
        for (segment, next) in zip(path.segments, path.segments.dropFirst()) { #expect(segment.to == next.from) }
        for segment in path.segments {
          // At 9 points, ends among them, by evaluating the network at each.
          for point in 0..<9 {
            let network = segment.network(at: Double(point) / 8)
            let loss = try halfMeanSquare(of: network, over: x, targets: targets)
            #expect(loss < 1e-23 * ofZero, "\(spareCount) spare: \(loss / ofZero): \(segment.what)")
          }
        }
      }
      #expect(try #require(asked) <= size.turnedCount)
      if let wanted = size.wanted { #expect(asked == wanted) }
    }
  }

  /// Such a node is affine on the inputs, and so is left out by merging, whose way then has a price.
  @Test(
    "a path with a loss between students without one says what is missing, and as many nodes as it asks for are enough",
    arguments: [
      Case(d: 4, outputs: 1, drawn: [2], fixed: 2, beyond: 1), Case(d: 5, outputs: 2, drawn: [2], beyond: 1, unit: 1e3),
      Case(d: 4, outputs: 2, drawn: [3], fixed: 1, beyond: 1), Case(d: 3, outputs: 2, drawn: [3], fixed: 2, beyond: 2),
      Case(d: 5, outputs: 3, drawn: [3], slope: 0.1, beyond: 1, unit: 1e-4),
    ])
  func beyondTheInputs(_ size: Case) throws {
    for key in 51...54 as ClosedRange<UInt64> {
      let x = size.inputs(key: key)
      var enough: Int?
      for spareCount in 0...size.turnedCount + 1 {
        let (a, b) = try size.students(spareCount: spareCount, key: key)
        let targets = try a.network.outputs(for: x)
        let ofZero = targets.values.reduce(0) { $0 + $1 * $1 } / 600
        let path = try constructedPath(from: a, to: b, over: x, targets: targets)
        if let reason = path.obstacle ?? path.shortage {
          #expect(spareCount < enough ?? .max, "\(spareCount) spare of \(enough ?? 0): \(reason)")
          let words = reason.split(separator: " ")
          let missing = try #require(
            words.lastIndex { $0 == "node" || $0 == "nodes" }.flatMap { Int(words[$0 - 1]) }, "\(reason)")
          enough = min(enough ?? .max, spareCount + missing)
        } else {
          let loss = try largestEndLoss(of: path, over: x, targets: targets)
          #expect(loss < 1e-22 * ofZero, "\(spareCount) spare: \(loss / ofZero)")
        }
      }
    }
  }

  @Test("the order is the best of all")
  func order() throws {
    for key in 1...12 as ClosedRange<UInt64> {
      let size = Case(d: 3, outputs: 3, drawn: key % 2 == 0 ? [1, 2] : [2, 1])
      let parts = try size.boundaries(key: key).turned.map { TurningPlan.Part(fanOut: $0.v, weights: $0.w) }
      let plan = try #require(TurningPlan(parts))
      #expect(plan.order.sorted() == Array(parts.indices) && plan.ranks.last == 0)
      // Of two groups that cancel by themselves, the larger one has two directions on the way.
      #expect(plan.ranks.max() == 2)
      #expect(plan.spareCount(hiddenBiases: true, outputBiases: true) == 3)
      #expect(plan.spareCount(hiddenBiases: true, outputBiases: false) == 4)
      #expect(plan.spareCount(hiddenBiases: false, outputBiases: false) == 5)
      func largest(_ order: [Int]) -> Int {
        var (sum, result) = (Matrix(rowCount: 3, columnCount: 3), 0)
        for part in order.dropLast() {
          for c in 0..<3 {
            for f in 0..<3 { sum[c, f] += parts[part].fanOut[c] * parts[part].weights[f] }
          }
          result = max(result, LinearAlgebra.singularValues(of: sum)?.values.count { $0 > 1e-9 } ?? 0)
        }
        return result
      }
      func best(_ order: [Int], _ left: Set<Int>) -> Int {
        left.isEmpty ? largest(order) : left.reduce(.max) { min($0, best(order + [$1], left.subtracting([$1]))) }
      }
      #expect(best([], Set(parts.indices)) == plan.ranks.max())
    }
    #expect(TurningPlan([]) == nil)
    #expect(TurningPlan([.init(fanOut: [1], weights: [1, 2]), .init(fanOut: [-1], weights: [1, 1])]) == nil)
  }

  @Test("students whose affine remainders are held by different nodes are joined when there is room for both")
  func remaindersElsewhere() throws {
    let teacher = try plantedTeacher(d: 4, m: 5, c: 3, key: 17)
    let x = Draw.inputs(300, 4)
    let targets = try teacher.network.outputs(for: x)
    func student(_ spareCount: Int, turning: [Int], key: UInt64) throws -> Student {
      var planted = PlantedStudent(teacher, key: key)
      for k in 0..<5 { planted.rescale(k) }
      for k in turning { planted.flip(k) }
      while planted.nodes.count < 5 + spareCount { planted.addWithoutFanOut() }
      planted.shuffle()
      return try planted.student()
    }
    // B holds two boundaries turned, each with two nodes for its remainder: 5 nodes and 9, of which 3 are shared.
    for spareCount in 5...9 {
      let a = try student(spareCount, turning: [], key: 3)
      let b = try student(spareCount, turning: [1, 3], key: 4)
      for (from, to) in [(a, b), (b, a)] {
        let path = try constructedPath(from: from, to: to, over: x, targets: targets)
        guard path.obstacle == nil else {
          #expect(spareCount < 7, "\(path.obstacle ?? "")")
          continue
        }
        for segment in path.segments {
          #expect(try losses(along: segment, pointCount: 9, over: x, targets: targets).allSatisfy { $0 < 1e-20 })
        }
        #expect(path.segments.first?.from == from.network && path.segments.last?.to == to.network)
      }
    }
  }
}
