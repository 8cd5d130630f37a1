import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

/// Gradients of every hidden layer, and the recursive rule at run time, against plain loops and differences.
@Suite("Gradients of every hidden layer") struct GradientRuleTests {
  private static let pairs = [
    DeepPair(teacher: [4, 3, 2], student: [4, 5, 2]),
    DeepPair(teacher: [3, 2, 4, 3], student: [3, 5, 4, 3], slope: 0.2),
    DeepPair(teacher: [4, 3, 2, 5, 2], student: [4, 5, 4, 5, 2], hasBiases: false),
    DeepPair(teacher: [5, 3, 4, 3, 5, 7], student: [5, 6, 4, 9, 10, 7], slope: 0.1),
    DeepPair(teacher: [3, 17, 2], student: [3, 33, 2], slope: 0.3),
  ]

  /// The outputs if layer `layer`'s pre-activations were `z`, by plain loops.
  private func outputs(_ network: Network, from layer: Int, _ z: [Double]) -> [Double] {
    var values = z
    for upper in layer + 1..<network.layers.count {
      let f = values.map { network.activation($0) }
      let dense = network.layers[upper]
      values = (0..<dense.nodeCount).map { k in
        dense.weights.row(k).enumerated().reduce(dense.biases?[k] ?? 0) { $0 + $1.1 * f[$1.0] }
      }
    }
    return values
  }

  private func preactivations(_ network: Network, _ x: [Double], layer: Int) -> [Double] {
    var values = x
    for (index, dense) in network.layers.prefix(layer + 1).enumerated() {
      let f = index == 0 ? values : values.map { network.activation($0) }
      values = (0..<dense.nodeCount).map { k in
        dense.weights.row(k).enumerated().reduce(dense.biases?[k] ?? 0) { $0 + $1.1 * f[$1.0] }
      }
    }
    return values
  }

  /// J_x is quadratic in z_l as long as no gate at or above the layer flips, so that central differences are exact but for
  /// rounding, 1e-15 / 1e-6; a sample with a pre-activation closer to 0 than the steps could change it is left out.
  @Test("are the differences of the loss, at every layer", arguments: Self.pairs)
  func differences(test: DeepPair) throws {
    let (teacher, student) = try test.networks(keys: (71, 72))
    let x = Draw.inputs(9, test.teacher[0])
    let step = 1e-6
    let depth = student.hiddenCounts.count
    var (squares, maxima) = (student.hiddenCounts.map { [Double](repeating: 0, count: $0) }, [[Double]]())
    maxima = squares
    var kept: [Int] = []
    for i in 0..<x.rowCount {
      let row = Array(x.row(i))
      let nearest = (0..<depth).flatMap { preactivations(student, row, layer: $0) }.map(abs).min() ?? 1
      guard nearest > 1e-4 else { continue }
      kept.append(i)
      let target = preactivations(teacher, row, layer: depth)
      for layer in 0..<depth {
        let z = preactivations(student, row, layer: layer)
        func loss(_ z: [Double]) -> Double {
          zip(target, outputs(student, from: layer, z)).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) / 2 }
        }
        for k in z.indices {
          var (up, down) = (z, z)
          up[k] += step
          down[k] -= step
          let g = -(loss(up) - loss(down)) / (2 * step)
          squares[layer][k] += g * g
          maxima[layer][k] = max(maxima[layer][k], abs(g))
        }
      }
    }
    #expect(kept.count > 4)
    let chosen = Matrix(kept.map { Array(x.row($0)) })
    let found = try gradients(of: Student(student), over: chosen, targets: try teacher.outputs(for: chosen))
    #expect(found.layerMaxima.map(\.count) == student.hiddenCounts)
    #expect(found.nodeMaxima == found.layerMaxima[0] && found.nodeMeanSquares == found.layerMeanSquares[0])
    for layer in 0..<depth {
      for k in squares[layer].indices {
        let square = squares[layer][k] / Double(kept.count)
        #expect(abs(found.layerMaxima[layer][k] - maxima[layer][k]) < 1e-7 * max(1, maxima[layer][k]))
        #expect(abs(found.layerMeanSquares[layer][k] - square) < 1e-7 * max(1, square))
      }
    }
  }

  /// Each side of the rule by itself, node by node, against the other's formula in plain loops: V_l as the derivative of each
  /// output, constants as what the biases above send to the outputs.
  @Test("the rule's two sides are what their formulas say", arguments: Self.pairs)
  func plainTwin(test: DeepPair) throws {
    let (teacher, student) = try test.networks(keys: (71, 72))
    let x = Draw.inputs(70, test.teacher[0])
    let rule = try GradientRule(of: Student(student), learning: Teacher(teacher))
    for block in SampleBlockSequence(x) {
      let (byRule, back) = (rule.gradients(of: block), rule.backPropagated(block))
      for layer in student.hiddenCounts.indices {
        for i in 0..<block.validCount {
          let row = Array(x.row(block.first + i))
          let zS = preactivations(student, row, layer: layer)
          let zero = zS.map { _ in -0.0 }
          // f is affine in the layer's activations while the gates above are those of x: its columns by one activation each.
          let top = student.hiddenCounts.count
          let residual = zip(
            preactivations(teacher, row, layer: top), preactivations(student, row, layer: top)
          ).map { $0 - $1 }
          #expect(zero.count == student.hiddenCounts[layer])
          let columns = columns(student, row, layer: layer)
          for k in zS.indices {
            let gate = zS[k] > 0 ? 1 : student.activation.negativeSlope
            let g = gate * zip(columns[k], residual).reduce(0) { $0 + $1.0 * $1.1 }
            #expect(abs(byRule[layer].values[k, i] - g) < 1e-12 * max(1, byRule[layer].size))
            #expect(abs(back[layer][k, i] - g) < 1e-12 * max(1, byRule[layer].size))
          }
        }
        // Past the last sample there is nothing.
        for i in block.validCount..<byRule[layer].values.columnCount {
          #expect(byRule[layer].values.column(i).allSatisfy { $0 == 0 } && back[layer].column(i).allSatisfy { $0 == 0 })
        }
      }
    }
  }

  /// The derivative of the outputs by each activation of a layer, with the gates of x: products of weights and gates, from the
  /// layer up.
  private func columns(_ network: Network, _ x: [Double], layer: Int) -> [[Double]] {
    (0..<network.hiddenCounts[layer]).map { k in
      var sent = (0..<network.hiddenCounts[layer]).map { $0 == k ? 1.0 : 0 }
      for upper in layer + 1..<network.layers.count {
        let z = preactivations(network, x, layer: upper)
        sent = (0..<network.layers[upper].nodeCount).map { h in
          let sum = zip(network.layers[upper].weights.row(h), sent).reduce(0) { $0 + $1.0 * $1.1 }
          return upper == network.layers.count - 1 || z[h] > 0 ? sum : network.activation.negativeSlope * sum
        }
      }
      return sent
    }
  }

  /// Products of at most 5 layers of at most 33 terms round by less than 200 epsilons of the largest term.
  @Test("the rule holds to rounding, at every depth, with batch normalisation too", arguments: Self.pairs)
  func residuals(test: DeepPair) throws {
    let (teacher, plain) = try test.networks(keys: (71, 72))
    let x = Draw.inputs(100, test.teacher[0])
    var students = [plain]
    for placement in [BatchNormalization.Placement.beforeActivation, .afterActivation] {
      var design = StudentDesign(hiddenCounts: plain.hiddenCounts, scale: 1, initialization: .uniform)
      design.normalization = placement
      students.append(try design.draw(for: Teacher(teacher), key: 5).network)
    }
    for student in students {
      let found = try gradientRuleResiduals(of: Student(student), learning: Teacher(teacher), over: x)
      #expect(found.count == student.hiddenCounts.count)
      #expect(found.allSatisfy { $0 >= 0 && $0 < 1e-13 }, "\(found)")
    }
    #expect(
      try gradientRuleResiduals(of: Student(plain), learning: Teacher(teacher), over: x).contains { $0 > 0 },
      "two paths that round differently")
  }

  @Test("a student that is the teacher has nothing to compare, and narrow inputs are refused")
  func edges() throws {
    let network = try Draw.network([3, 4, 2], key: 3)
    let found = try gradientRuleResiduals(of: Student(network), learning: Teacher(network), over: Draw.inputs(5, 3))
    #expect(found.allSatisfy { $0 < 1e-13 })
    #expect(throws: ShapeError.self) {
      try gradientRuleResiduals(of: Student(network), learning: Teacher(network), over: Draw.inputs(5, 4))
    }
  }
}
