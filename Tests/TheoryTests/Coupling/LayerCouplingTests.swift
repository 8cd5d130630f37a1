import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

/// Coupling by plain loops, each sample from scratch: V_l(x) by back-propagating every output by itself.
private struct BruteForce {
  /// `[hidden layer]`
  var meanAlpha: [Matrix] = []
  var meanBeta: [Matrix] = []
  /// The same of absolute values, which bound what rounding can do.
  var alphaMagnitude: [Matrix] = []
  var betaMagnitude: [Matrix] = []
  var smallest: [[Double]] = []
  var absolute: [[Double]] = []
  var regionCounts: [Int] = []

  /// z of every layer, by plain loops.
  static func preactivations(_ network: Network, _ x: [Double]) -> [[Double]] {
    var (input, result) = (x, [[Double]]())
    for layer in network.layers {
      let z = (0..<layer.nodeCount).map { node in
        layer.weights.row(node).enumerated().reduce(layer.biases?[node] ?? 0) { $0 + $1.1 * input[$1.0] }
      }
      result.append(z)
      input = z.map { network.activation($0) }
    }
    return result
  }

  /// V_l(x), `[hidden layer][output][node]`: the derivative of each output towards each activation.
  static func fanOut(_ network: Network, _ z: [[Double]], absolute: Bool = false) -> [[[Double]]] {
    var result = network.hiddenCounts.map { _ in [[Double]]() }
    for output in 0..<network.outputCount {
      var v = Array(network.layers[network.layers.count - 1].weights.row(output))
      if absolute { v = v.map { abs($0) } }
      for layer in (0..<network.hiddenCounts.count).reversed() {
        result[layer].append(v)
        guard layer > 0 else { break }
        let weights = network.layers[layer].weights
        v = (0..<weights.columnCount).map { below in
          (0..<weights.rowCount).reduce(0) { sum, node in
            let gate = z[layer][node] > 0 ? 1 : network.activation.negativeSlope
            return sum + v[node] * gate * (absolute ? abs(weights[node, below]) : weights[node, below])
          }
        }
      }
    }
    return result
  }

  init(_ teacher: Network, _ student: Network, _ x: Matrix, matches: [[Int?]]) {
    let (m, n) = (teacher.hiddenCounts, student.hiddenCounts)
    meanAlpha = zip(n, m).map { Matrix(rowCount: $0, columnCount: $1) }
    alphaMagnitude = meanAlpha
    meanBeta = n.map { Matrix(rowCount: $0, columnCount: $0) }
    betaMagnitude = meanBeta
    smallest = m.map { [Double](repeating: .infinity, count: $0) }
    absolute = m.map { [Double](repeating: 0, count: $0) }
    var patterns = m.map { _ in Set<[Bool]>() }
    let count = Double(x.rowCount)
    for i in 0..<x.rowCount {
      let (zT, zS) = (
        Self.preactivations(teacher, Array(x.row(i))), Self.preactivations(student, Array(x.row(i)))
      )
      let (vT, vS) = (Self.fanOut(teacher, zT), Self.fanOut(student, zS))
      let (sizeT, sizeS) = (Self.fanOut(teacher, zT, absolute: true), Self.fanOut(student, zS, absolute: true))
      for layer in m.indices {
        patterns[layer].insert((layer + 1..<m.count).flatMap { (zT[$0] + zS[$0]).map { $0 > 0 } })
        func product(_ a: [[Double]], _ k: Int, _ b: [[Double]], _ j: Int) -> Double {
          a.indices.reduce(0) { $0 + a[$1][k] * b[$1][j] }
        }
        for k in 0..<n[layer] {
          for j in 0..<m[layer] {
            let alpha = product(vS[layer], k, vT[layer], j)
            meanAlpha[layer][k, j] += alpha / count
            alphaMagnitude[layer][k, j] += product(sizeS[layer], k, sizeT[layer], j) / count
            guard matches[layer][j] == k else { continue }
            smallest[layer][j] = min(smallest[layer][j], abs(alpha))
            absolute[layer][j] += abs(alpha) / count
          }
          for h in 0..<n[layer] {
            meanBeta[layer][k, h] += product(vS[layer], k, vS[layer], h) / count
            betaMagnitude[layer][k, h] += product(sizeS[layer], k, sizeS[layer], h) / count
          }
        }
      }
    }
    regionCounts = patterns.map(\.count)
  }
}

private let pairs = [
  DeepPair(teacher: [3, 2, 4], student: [3, 5, 4]),
  DeepPair(teacher: [4, 3, 2, 5], student: [4, 5, 4, 5], slope: 0.2),
  DeepPair(teacher: [3, 4, 2, 3, 2], student: [3, 9, 17, 6, 2], hasBiases: false),
  DeepPair(teacher: [5, 3, 4, 3, 5, 7], student: [5, 6, 4, 9, 10, 7], slope: 0.5),
  DeepPair(teacher: [2, 3, 3, 3, 3, 17], student: [2, 33, 8, 16, 7, 17]),
  DeepPair(teacher: [3, 2, 3, 2], student: [3, 4, 5, 2], slope: 1),
]

extension DeepPair {
  fileprivate func networks() throws -> (teacher: Network, student: Network) { try networks(keys: (51, 52)) }

  /// Some student node for each teacher node, and none for the first.
  fileprivate var matches: [[Int?]] {
    zip(teacher, student).dropFirst().dropLast().map { m, n in (0..<m).map { $0 == 0 ? nil : (3 * $0 + 1) % n } }
  }
}

@Suite("Coupling of every hidden layer") struct LayerCouplingTests {
  /// Everything against plain loops. An element of V is a sum of products along paths: rounding the weights, the slope and
  /// the sums costs at most (depth of each product + 3) epsilons a layer of the sum of absolute values; A and B take two V
  /// and sums over outputs and samples.
  private func compare<Scalar: KernelScalar>(
    _ teacher: Network, _ student: Network, _ x: Matrix, matches: [[Int?]], _: Scalar.Type, _ note: String
  ) throws {
    let found = try layerCoupling(
      of: Teacher(teacher), with: Student(student), over: x, matches: matches, parts: [.meanAlpha, .meanBeta],
      precision: Scalar.self)
    let expected = BruteForce(teacher, student, x, matches: matches)
    let terms = (teacher.hiddenCounts + student.hiddenCounts).reduce(0) { $0 + $1 + 3 }
    let unit = Double(2 * terms + student.outputCount * min(64, x.rowCount) + x.rowCount / 64 + 4)
    // The brute force rounds in double precision itself.
    let tolerance = unit * (Double(Scalar.ulpOfOne) + Double.ulpOfOne)
    #expect(found.count == student.hiddenCounts.count)
    for (layer, coupling) in found.enumerated() {
      let (alpha, beta) = (try #require(coupling.meanAlpha), try #require(coupling.meanBeta))
      for i in alpha.values.indices {
        let bound = tolerance * expected.alphaMagnitude[layer].values[i]
        #expect(abs(alpha.values[i] - expected.meanAlpha[layer].values[i]) <= bound, "\(note): A, layer \(layer)")
      }
      for i in beta.values.indices {
        let bound = tolerance * expected.betaMagnitude[layer].values[i]
        #expect(abs(beta.values[i] - expected.meanBeta[layer].values[i]) <= bound, "\(note): B, layer \(layer)")
      }
      for k in 0..<beta.rowCount {
        let bound = tolerance * expected.betaMagnitude[layer][k, k]
        #expect(abs(coupling.meanBetaDiagonal[k] - expected.meanBeta[layer][k, k]) <= bound, "\(note): diagonal")
        #expect(coupling.strengths[k] == coupling.meanBetaDiagonal[k].squareRoot())
      }
      for (j, k) in matches[layer].enumerated() {
        guard let k else {
          #expect(coupling.smallestAlphas[j] == 0 && coupling.meanAbsoluteAlphas[j] == 0)
          continue
        }
        // One sample's magnitude is at most the sum of all.
        let bound = tolerance * expected.alphaMagnitude[layer][k, j] * Double(x.rowCount)
        #expect(abs(coupling.smallestAlphas[j] - expected.smallest[layer][j]) <= bound, "\(note): smallest")
        #expect(abs(coupling.meanAbsoluteAlphas[j] - expected.absolute[layer][j]) <= bound, "\(note): mean")
      }
      #expect(coupling.regionCount == expected.regionCounts[layer], "\(note): regions of layer \(layer)")
      #expect(coupling.sampleCount == x.rowCount)
    }
  }

  /// The peer coupled a copy of the initial weights with the live gates. A student whose weights have moved must have the
  /// coupling that is computed from where they are now, and no other.
  @Test("agrees with plain loops before and after the weights move", arguments: pairs)
  private func plainLoops(test: DeepPair) throws {
    var (teacher, student) = try test.networks()
    let x = Draw.inputs(70, test.teacher[0])
    try compare(teacher, student, x, matches: test.matches, Double.self, "before")
    try compare(teacher, student, x, matches: test.matches, Float.self, "before, single")
    let before = try layerCoupling(of: Teacher(teacher), with: Student(student), over: x)
    var stream = RandomStream(key: 53, purpose: .test)
    for layer in student.layers.indices {
      for i in student.layers[layer].weights.values.indices {
        student[layer: layer].weights.values[i] += stream.normals(1, standardDeviation: 0.3)[0]
      }
    }
    try compare(teacher, student, x, matches: test.matches, Double.self, "after")
    try compare(teacher, student, x, matches: test.matches, Float.self, "after, single")
    let after = try layerCoupling(of: Teacher(teacher), with: Student(student), over: x)
    for (old, new) in zip(before, after) {
      // A change of 0.3 in every weight is no rounding error: stale weights would be seen.
      #expect(zip(old.meanBetaDiagonal, new.meanBetaDiagonal).contains { abs($0 - $1) > 1e-3 * abs($0) })
    }
    swap(&teacher, &student)  // The narrower one cannot be the student.
    #expect(throws: ShapeError.self) { try layerCoupling(of: Teacher(teacher), with: Student(student), over: x) }
  }

  @Test("at the lowest layer it is what coupling(of:with:over:) says", arguments: pairs)
  private func lowest(test: DeepPair) throws {
    let (teacher, student) = try test.networks()
    let x = Draw.inputs(150, test.teacher[0])
    let old = try coupling(of: Teacher(teacher), with: Student(student), over: x)
    let new = try layerCoupling(
      of: Teacher(teacher), with: Student(student), over: x, matches: test.matches, parts: [.meanAlpha, .meanBeta])[0]
    // Both sum the same terms in other orders, at most 200 roundings of numbers of size at most a few hundred.
    #expect(largestDifference(try #require(new.meanAlpha), old.meanAlpha) < 1e-11)
    let n = old.fanOut.rowCount
    let beta = Matrix((0..<n).map { k in (0..<n).map { old.meanBeta(k, $0) } })
    #expect(largestDifference(try #require(new.meanBeta), beta) < 1e-11)
    for (j, k) in test.matches[0].enumerated() {
      guard let k else { continue }
      #expect(abs(new.smallestAlphas[j] - old.smallestAlpha[k, j]) < 1e-11)
      #expect(abs(new.meanAbsoluteAlphas[j] - old.meanAbsoluteAlpha[k, j]) < 1e-11)
    }
    #expect(new.regionCount == old.regionCount)
  }

  /// f is linear in the activations of a layer as long as no gate above flips, so a step of 1e-6 is exact but for the
  /// rounding of f, about 1e-15 / 1e-6; beta_kk is the squared norm of the derivative.
  @Test("a column of V is the derivative of the outputs towards an activation", arguments: pairs)
  private func differences(test: DeepPair) throws {
    let (teacher, student) = try test.networks()
    let x = Draw.inputs(1, test.teacher[0])
    let found = try layerCoupling(of: Teacher(teacher), with: Student(student), over: x)
    let z = BruteForce.preactivations(student, Array(x.row(0)))
    for layer in student.hiddenCounts.indices {
      func outputs(moving node: Int, by step: Double) -> [Double] {
        var f = z[layer].map { student.activation($0) }
        f[node] += step
        for upper in layer + 1..<student.layers.count {
          let dense = student.layers[upper]
          f = (0..<dense.nodeCount).map { k in
            let sum = dense.weights.row(k).enumerated().reduce(dense.biases?[k] ?? 0) { $0 + $1.1 * f[$1.0] }
            return upper == student.layers.count - 1 ? sum : student.activation(sum)
          }
        }
        return f
      }
      for k in 0..<student.hiddenCounts[layer] {
        let (up, down) = (outputs(moving: k, by: 1e-6), outputs(moving: k, by: -1e-6))
        let square = zip(up, down).reduce(0) { $0 + (($1.0 - $1.1) / 2e-6) * (($1.0 - $1.1) / 2e-6) }
        #expect(abs(found[layer].meanBetaDiagonal[k] - square) < 1e-7 * max(1, square), "layer \(layer), node \(k)")
      }
    }
  }

  /// Nodes of a hidden layer in another order, each scaled by s > 0 below and 1/s above: the same function, beta in the same
  /// order divided by s^2, and a node more without fan-out has none.
  @Test("permuting and rescaling nodes permutes and rescales the coupling", arguments: [0, 0.2])
  func invariance(slope: Double) throws {
    let teacher = try Draw.network([3, 4, 3, 4, 2], key: 61, slope: slope)
    let student = try Draw.network([3, 6, 5, 7, 2], key: 62, slope: slope)
    let x = Draw.inputs(100, 3)
    let before = try layerCoupling(of: Teacher(teacher), with: Student(student), over: x, parts: .meanAlpha)
    for layer in 0..<3 {
      let n = student.hiddenCounts[layer]
      let order = (0..<n).map { ($0 * 3 + 1) % n }
      #expect(Set(order).count == (n % 3 == 0 ? n / 3 : n))
      let places = n % 3 == 0 ? Array((0..<n).reversed()) : order
      let scales = (0..<n).map { 0.5 + Double($0) / 3 }
      var (lower, upper) = (student.layers[layer], student.layers[layer + 1])
      for (place, k) in places.enumerated() {
        for f in 0..<lower.inputCount {
          lower.weights[place, f] = scales[place] * student.layers[layer].weights[k, f]
        }
        lower.biases?[place] = scales[place] * (student.layers[layer].biases?[k] ?? 0)
        for h in 0..<upper.nodeCount {
          upper.weights[h, place] = student.layers[layer + 1].weights[h, k] / scales[place]
        }
      }
      var moved = student
      moved[layer: layer] = lower
      moved[layer: layer + 1] = upper
      let after = try layerCoupling(of: Teacher(teacher), with: Student(moved), over: x, parts: .meanAlpha)
      let (old, new) = (try #require(before[layer].meanAlpha), try #require(after[layer].meanAlpha))
      for (place, k) in places.enumerated() {
        let expected = before[layer].meanBetaDiagonal[k] / (scales[place] * scales[place])
        #expect(abs(after[layer].meanBetaDiagonal[place] - expected) < 1e-12 * max(1, expected))
        for j in 0..<4 where j < old.columnCount {
          #expect(abs(new[place, j] - old[k, j] / scales[place]) < 1e-12)
        }
      }
      for other in 0..<3 where other != layer {
        #expect(
          zip(after[other].meanBetaDiagonal, before[other].meanBetaDiagonal).allSatisfy { abs($0 - $1) < 1e-12 })
        #expect(after[other].regionCount == before[other].regionCount)
      }
    }
  }

  @Test("a dead layer cuts off what is below, and nodes without fan-out have no coupling")
  func dead() throws {
    let teacher = try Draw.network([3, 2, 2, 2], key: 63)
    var student = try Draw.network([3, 4, 3, 2], key: 64)
    for c in 0..<2 { student[layer: 2].weights[c, 1] = 0 }
    let x = Draw.inputs(30, 3)
    let matches = [[0, 1], [1, 0]]
    var found = try layerCoupling(of: Teacher(teacher), with: Student(student), over: x, matches: matches)
    #expect(found[1].meanBetaDiagonal[1] == 0 && found[1].smallestAlphas[0] == 0)
    #expect(found[1].smallestAlphas[1] > 0 && found[1].meanAlpha == nil && found[1].meanBeta == nil)
    student[layer: 1].biases = [-1e6, -1e6, -1e6]
    found = try layerCoupling(of: Teacher(teacher), with: Student(student), over: x, matches: matches)
    #expect(found[0].meanBetaDiagonal == [0, 0, 0, 0] && found[0].meanAbsoluteAlphas == [0, 0])
    #expect(found[1].meanBetaDiagonal[0] > 0)
  }

  @Test("takes samples evenly spread, and names bad matches")
  func samplesAndErrors() throws {
    let (teacher, student) = (
      Teacher(try Draw.network([3, 2, 3, 2], key: 65)), Student(try Draw.network([3, 20, 17, 2], key: 66))
    )
    let x = Draw.inputs(100, 3)
    let few = try layerCoupling(of: teacher, with: student, over: x, parts: [.meanAlpha, .meanBeta], sampleLimit: 7)
    let chosen = Matrix((0..<7).map { Array(x.row($0 * 100 / 7)) })
    #expect(few == (try layerCoupling(of: teacher, with: student, over: chosen, parts: [.meanAlpha, .meanBeta])))
    let message =
      "hidden layer 2: teacher node 2 is matched with student node 17, but nodes are counted from 0 and there are 17"
    #expect(throws: ShapeError(message)) {
      try layerCoupling(of: teacher, with: student, over: x, matches: [[3, nil], [0, 1, 17]])
    }
    #expect(throws: ShapeError.self) { try layerCoupling(of: teacher, with: student, over: x, matches: [[3, nil]]) }
    #expect(throws: ShapeError.self) { try layerCoupling(of: teacher, with: student, over: Draw.inputs(5, 4)) }
  }

  @Test(
    "the same bits on both instruction sets",
    .enabled(if: InstructionSet.avx512.isSupported, "this processor has no AVX-512"))
  func sameBits() throws {
    let (teacher, student) = (
      Teacher(try Draw.network([3, 2, 3, 2], key: 65)), Student(try Draw.network([3, 20, 17, 2], key: 66))
    )
    func bits(_ set: InstructionSet) throws -> [LayerCoupling] {
      try layerCoupling(
        of: teacher, with: student, over: Draw.inputs(100, 3), matches: [[3, nil], [0, 1, 16]],
        parts: [.meanAlpha, .meanBeta], precision: Float.self, instructions: set)
    }
    #expect(try bits(.avx2) == bits(.avx512))
  }

  /// The recursive gradient rule at every layer, g_l = D_l (A_l f*_l - B_l f_l), with A_l and B_l as measured at one sample.
  /// The constant 1 is appended to the activations: its column of V is the output without the hidden layer's share.
  @Test("g_l is D (A f* - B f) at every layer", arguments: pairs)
  private func gradientRule(test: DeepPair) throws {
    let (teacher, student) = try test.networks()
    let inputs = Draw.inputs(12, test.teacher[0])
    for i in 0..<inputs.rowCount {
      let x = Matrix([Array(inputs.row(i))])
      let found = try layerCoupling(
        of: Teacher(teacher), with: Student(student), over: x, parts: [.meanAlpha, .meanBeta])
      let (zT, zS) = (
        BruteForce.preactivations(teacher, Array(x.row(0))), BruteForce.preactivations(student, Array(x.row(0)))
      )
      let (vT, vS) = (BruteForce.fanOut(teacher, zT), BruteForce.fanOut(student, zS))
      // g by back-propagation of the residual.
      let block = x.transposed.padded(columns: 8)
      let z = student.preactivations(of: block)
      var g = teacher.preactivations(of: block)[teacher.layers.count - 1]
      for c in g.values.indices { g.values[c] -= z[z.count - 1].values[c] }
      for layer in student.hiddenCounts.indices.reversed() {
        g = propagatedBack(g, through: student.layers[layer + 1], gates: z[layer], activation: student.activation)
        let (alpha, beta) = (try #require(found[layer].meanAlpha), try #require(found[layer].meanBeta))
        let (fT, fS) = (zT[layer].map { teacher.activation($0) }, zS[layer].map { student.activation($0) })
        let (onesT, onesS) = (constant(teacher, zT, above: layer), constant(student, zS, above: layer))
        for k in fS.indices {
          func column(_ other: [Double]) -> Double {
            other.indices.reduce(0) { $0 + vS[layer][$1][k] * other[$1] }
          }
          var (sum, size) = (0.0, 0.0)
          for term in fT.indices.map({ alpha[k, $0] * fT[$0] }) + fS.indices.map({ -beta[k, $0] * fS[$0] })
            + [column(onesT), -column(onesS)]
          {
            sum += term
            size += abs(term)
          }
          let gate = zS[layer][k] > 0 ? 1 : student.activation.negativeSlope
          #expect(abs(g[k, 0] - gate * sum) <= 1e-12 * max(size, 1), "layer \(layer), node \(k)")
        }
      }
      #expect(vT.count == vS.count)
    }
  }

  /// What the biases above a layer send to the outputs: the column of V that belongs to the constant 1, carried upwards.
  private func constant(_ network: Network, _ z: [[Double]], above layer: Int) -> [Double] {
    var sent = [Double](repeating: 0, count: network.hiddenCounts[layer])
    for upper in layer + 1..<network.layers.count {
      let dense = network.layers[upper]
      sent = (0..<dense.nodeCount).map { k in
        let sum = dense.weights.row(k).enumerated().reduce(dense.biases?[k] ?? 0) { $0 + $1.1 * sent[$1.0] }
        let isOutput = upper == network.layers.count - 1
        return isOutput || z[upper][k] > 0 ? sum : network.activation.negativeSlope * sum
      }
    }
    return sent
  }
}
