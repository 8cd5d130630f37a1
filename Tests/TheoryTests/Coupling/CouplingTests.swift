import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite("Coupling and gradients over augmented data") struct CouplingTests {
  /// The recursive gradient rule: `g_1 = D_1 [A_1 f*_1 - B_1 f_1]`, biases by a constant 1 in every layer. Checked against
  /// back-propagation for random depths, widths and slopes; both are sums of a few dozen products of size about 1.
  @Test("g_1 is D (A f* - B f) at every depth", arguments: [2, 3, 4, 5], [0, 0.1, 0.5])
  func gradientRule(depth: Int, slope: Double) throws {
    var stream = RandomStream(key: UInt64(depth), purpose: .test, index: 5)
    let widths = stream.integers(2 * depth, below: 5).map { Int($0) + 2 }
    let teacher = try Draw.network([4] + widths[..<(depth - 1)] + [3], key: 31, slope: slope)
    let student = try Draw.network(
      [4] + zip(widths, widths[depth...]).prefix(depth - 1).map { $0 + $1 } + [3], key: 32, slope: slope)
    let x = Draw.inputs(20, 4)
    for i in 0..<20 {
      let z = JointPreactivations(of: [x.row(i)], teacher: teacher, student: student)
      let g = hiddenGradients(
        of: student, learning: teacher, at: Matrix([Array(x.row(i))]).transposed.padded(columns: 8))[0]
      let expected = rule(teacher: teacher, student: student, z: z)
      for k in 0..<student.hiddenCounts[0] { #expect(abs(g[k, 0] - expected[k]) < 1e-12 * max(1, abs(expected[k]))) }
    }
  }

  /// The rule by dense augmented matrices: W becomes [[W, b], [0, 1]], D a trailing 1, V a trailing column.
  private func rule(teacher: Network, student: Network, z: JointPreactivations) -> [Double] {
    func carried(_ network: Network, _ z: [Matrix]) -> (v: [[Double]], f: [Double]) {
      let top = network.layers[network.layers.count - 1]
      var v = (0..<top.nodeCount).map { Array(top.weights.row($0)) + [top.biasesOrZeros[$0]] }
      for layer in (1..<network.layers.count - 1).reversed() {
        let weights = network.layers[layer]
        v = v.map { row in
          let gated = (0..<weights.nodeCount).map {
            row[$0] * (z[layer][$0, 0] > 0 ? 1 : network.activation.negativeSlope)
          }
          let lower = (0..<weights.inputCount).map { f in
            (0..<weights.nodeCount).reduce(0) { $0 + gated[$1] * weights.weights[$1, f] }
          }
          return lower + [
            row[weights.nodeCount] + (0..<weights.nodeCount).reduce(0) { $0 + gated[$1] * weights.biasesOrZeros[$1] }
          ]
        }
      }
      return (v, (0..<network.hiddenCounts[0]).map { network.activation(z[0][$0, 0]) } + [1])
    }
    let (vStar, fStar) = carried(teacher, z.teacher)
    let (v, f) = carried(student, z.student)
    let outputs = v.indices
    return (0..<student.hiddenCounts[0]).map { k in
      func couple(_ other: [[Double]], _ column: Int) -> Double {
        outputs.reduce(0) { $0 + v[$1][k] * other[$1][column] }
      }
      let pull = fStar.indices.reduce(0) { $0 + couple(vStar, $1) * fStar[$1] }
      let push = f.indices.reduce(0) { $0 + couple(v, $1) * f[$1] }
      return (z.student[0][k, 0] > 0 ? 1 : student.activation.negativeSlope) * (pull - push)
    }
  }

  @Test("two layers: products of fan-out weights, one region, K hyperplanes")
  func twoLayers() throws {
    let (teacher, student) = (try Draw.network([3, 2, 4], key: 1), try Draw.network([3, 5, 4], key: 2))
    let found = try coupling(of: Teacher(teacher), with: Student(student), over: Draw.inputs(50, 3))
    for k in 0..<5 {
      for j in 0..<2 {
        let alpha = dotProduct(student.fanOutWeights.row(k), teacher.fanOutWeights.row(j))
        #expect(abs(found.meanAlpha[k, j] - alpha) < 1e-14)
        #expect(abs(found.smallestAlpha[k, j] - abs(alpha)) < 1e-14)
      }
      for other in 0..<5 {
        let beta = dotProduct(student.fanOutWeights.row(k), student.fanOutWeights.row(other))
        #expect(abs(found.meanBeta(k, other) - beta) < 1e-14)
      }
    }
    #expect(found.regionCount == 1 && found.hyperplaneCount == 7 && found.sampleCount == 1)
  }

  @Test(
    "E[beta] of few samples, whose fan-outs stand side by side, and of many, which become a table",
    arguments: [1, 2, 3, 40])
  func meanBeta(sampleCount: Int) throws {
    // Two outputs and five nodes: a table from three samples on.
    let (teacher, student) = (try Draw.network([3, 4, 3, 2], key: 3), try Draw.network([3, 5, 6, 2], key: 4))
    let x = Draw.inputs(sampleCount, 3)
    let found = try coupling(of: Teacher(teacher), with: Student(student), over: x)
    let z = student.preactivations(of: x.transposed.padded(columns: 40))
    for k in 0..<5 {
      for other in 0..<5 {
        let mean = (0..<sampleCount).reduce(0) { sum, i in
          let v = Self.lowestFanOut(of: student, z: z, column: i)
          return sum + dotProduct(v.column(k), v.column(other)) / Double(sampleCount)
        }
        #expect(abs(found.meanBeta(k, other) - mean) < 1e-12)
      }
      #expect(abs(found.fanOutNorms[k] - max(0, found.meanBeta(k, k)).squareRoot()) < 1e-12)
    }
  }

  /// V_1(x) of a network with three layers, `[output, node]`, by plain loops.
  private static func lowestFanOut(of network: Network, z: [Matrix], column: Int) -> Matrix {
    let (middle, top) = (network.layers[1].weights, network.layers[2].weights)
    var v = Matrix(rowCount: top.rowCount, columnCount: middle.columnCount)
    for c in 0..<v.rowCount {
      for k in 0..<v.columnCount {
        for u in 0..<middle.rowCount {
          let gate = z[1][u, column] > 0 ? 1 : network.activation.negativeSlope
          v[c, k] += top[c, u] * gate * middle[u, k]
        }
      }
    }
    return v
  }

  @Test("deeper: V_1(x) carries the lowest activations to the output, and regions are counted")
  func deep() throws {
    let (teacher, student) = (try Draw.network([3, 4, 3, 2], key: 3), try Draw.network([3, 5, 6, 2], key: 4))
    let x = Draw.inputs(60, 3)
    let found = try coupling(of: Teacher(teacher), with: Student(student), over: x)
    var patterns: Set<[Bool]> = []
    var (lowerTeacher, lowerStudent) = (Set<[Bool]>(), Set<[Bool]>())
    var smallest = Matrix(rowCount: 5, columnCount: 4, repeating: .infinity)
    for i in 0..<60 {
      func columns(_ network: Network) -> (lower: [Bool], upper: [Bool], v: Matrix) {
        let z = network.preactivations(of: Matrix([Array(x.row(i))]).transposed.padded(columns: 8))
        let (lower, upper) = (z[0].column(0).map { $0 > 0 }, z[1].column(0).map { $0 > 0 })
        var v = Matrix(rowCount: 2, columnCount: network.hiddenCounts[0])
        for c in 0..<2 {
          for k in 0..<network.hiddenCounts[0] {
            v[c, k] = upper.indices.reduce(0) {
              $0 + (upper[$1] ? network.layers[2].weights[c, $1] * network.layers[1].weights[$1, k] : 0)
            }
          }
        }
        return (lower, upper, v)
      }
      let (t, s) = (columns(teacher), columns(student))
      patterns.insert(t.upper + s.upper)
      lowerTeacher.insert(t.lower)
      lowerStudent.insert(s.lower)
      for k in 0..<5 {
        for j in 0..<4 { smallest[k, j] = min(smallest[k, j], abs(dotProduct(s.v.column(k), t.v.column(j)))) }
      }
    }
    #expect(found.regionCount == patterns.count)
    #expect(found.hyperplaneCount == 9 + 3 * lowerTeacher.count + 6 * lowerStudent.count)
    #expect(zip(found.smallestAlpha.values, smallest.values).allSatisfy { abs($0 - $1) < 1e-12 })
  }

  @Test(
    "the kernel over D' agrees with passing every augmented sample through the networks",
    arguments: [Augmentation.Scheme.teacherAgnostic, .teacherAware], [1, 63, 65])
  func augmented(scheme: Augmentation.Scheme, count: Int) throws {
    let teacher = Teacher(try Draw.network([4, 3, 5], key: 11, slope: 0.1))
    let student = Student(try Draw.network([4, 6, 5], key: 12, slope: 0.1))
    let x = Draw.inputs(count, 4)
    let augmentation = Augmentation(scheme: scheme, step: 0.2)
    let fast = try sampleGradients(of: student, learning: teacher, over: x, augmentedBy: augmentation)
    let slow = deepGradients(
      of: student, learning: teacher, over: x, along: augmentation.directions(for: teacher), step: 0.2)
    #expect(fast.sampleMaxima.count == count)
    #expect(zip(fast.sampleMaxima, slow.sampleMaxima).allSatisfy { abs($0 - $1) < 1e-12 })
    #expect(zip(fast.nodeMaxima, slow.nodeMaxima).allSatisfy { abs($0 - $1) < 1e-12 })
    // And with measuring over the array that training on D' would use.
    let array = augmentation.apply(to: x, for: teacher)
    let plain = try gradients(of: student, over: array, targets: try teacher.network.outputs(for: array))
    #expect(zip(fast.nodeMaxima, plain.nodeMaxima).allSatisfy { abs($0 - $1) < 1e-12 })
  }

  @Test("rank of fan-out weights", arguments: [1, 2, 3, 4])
  func rank(count: Int) throws {
    var network = try Draw.network([3, 6, 3], key: 4)
    // Node 3 carries the sum of nodes 0 and 1.
    for c in 0..<3 {
      network[layer: 1].weights[c, 3] = network.layers[1].weights[c, 0] + network.layers[1].weights[c, 1]
    }
    let found = try coupling(of: Teacher(network), with: Student(network), over: Draw.inputs(5, 3))
    var ranks = FanOutRanks(found)
    #expect(ranks.rank(of: Array([0, 1, 3, 2].prefix(count))) == [1, 2, 2, 3][count - 1])
    #expect(ranks.rank(of: []) == 0)
  }
}
