import Testing
import UnderstudyNetworks
import UnderstudyNumerics

private func digest(_ network: Network) -> UInt64 {
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  for layer in network.layers {
    for value in layer.weights.values + (layer.biases ?? []) {
      hash = ((hash << 7 | hash >> 57) ^ value.bitPattern) &* 0x100_0000_01b3
    }
  }
  return hash
}

@Suite("Deep teachers") struct DeepTeacherTests {
  @Test(
    "hidden rows have unit norm in every layer",
    arguments: [.discrete, .gaussian(scale: 3), .orthogonal] as [TeacherDesign.Weights])
  func unitRows(weights: TeacherDesign.Weights) throws {
    let network = try deepDesign([9, 30, 8], weights: weights, decay: 1.5).draw(key: 3).network
    #expect(network.hiddenCounts == [9, 30, 8])
    for layer in network.layers.dropLast() {
      // 30 terms of rounding 1e-16 each, halved by the root.
      for j in 0..<layer.nodeCount { #expect(abs(euclideanNorm(layer.weights.row(j)) - 1) < 4e-15) }
    }
  }

  @Test("column j of the layers above the lowest is divided by j^p, before hidden rows are normed")
  func decay() throws {
    let (plain, decayed) = (try deepDesign().draw(key: 3).network, try deepDesign(decay: 2).draw(key: 3).network)
    #expect(plain.layers[0] == decayed.layers[0])
    for l in 1...3 {
      for j in 0..<plain.layers[l].nodeCount {
        let wanted = plain.layers[l].weights.row(j).enumerated().map { $1 / power(Double($0 + 1), 2) }
        let norm = l < 3 ? euclideanNorm(wanted) : 1
        for (value, other) in zip(decayed.layers[l].weights.row(j), wanted) {
          #expect(abs(value - other / norm) < 1e-14)
        }
      }
    }
  }

  @Test("discrete hidden rows share no boundary in any layer, and no line once biases are moved")
  func distinct() throws {
    for key in 1...20 as ClosedRange<UInt64> {
      // Two inputs to each layer: eight rows of 32 rays often meet.
      let network = try deepDesign([2, 2, 8], d: 2, weights: .discrete).draw(key: key).network
      var moved = deepDesign([2, 2, 8], d: 2, weights: .discrete)
      moved.medianBiases = true
      let lines = try moved.draw(key: key, calibration: normalSample(d: 2)).network
      for layer in 0..<3 {
        let (rows, others) = (network.layers[layer].weights, lines.layers[layer].weights)
        for j in 0..<rows.rowCount {
          for k in 0..<j {
            #expect(product(rows.row(j), rows.row(k)) < 1 - 1e-4)
            #expect(abs(product(others.row(j), others.row(k))) < 1 - 1e-4)
          }
        }
      }
    }
  }

  @Test("orthogonal layers have orthonormal rows or columns")
  func orthogonal() throws {
    let network = try deepDesign([9], c: 20, weights: .orthogonal).draw(key: 3).network
    let (rows, columns) = (network.layers[0].weights, network.layers[1].weights.transposed)
    for matrix in [rows, columns] {
      for j in 0..<9 {
        for k in 0..<9 { #expect(abs(product(matrix.row(j), matrix.row(k)) - (j == k ? 1 : 0)) < 1e-14) }
      }
    }
    // More nodes than inputs: hidden rows are brought to unit norm.
    let tall = try deepDesign([20], weights: .orthogonal).draw(key: 3).network.layers[0].weights
    for j in 0..<20 { #expect(abs(euclideanNorm(tall.row(j)) - 1) < 4e-15) }
  }

  @Test("layers are drawn from streams of their own")
  func streams() throws {
    let (deep, shallow) = (
      try deepDesign([9, 9], d: 9).draw(key: 3).network, try deepDesign([9], d: 9).draw(key: 3).network
    )
    #expect(deep.layers[0] == shallow.layers[0])
    #expect(deep.layers[2] == shallow.layers[1])
    #expect(deep.layers[1].weights != deep.layers[0].weights)
    #expect(try deepDesign().draw(key: 4) != deepDesign().draw(key: 3))
  }

  @Test(
    "draws of two layers keep their bits: teacher, then plain, adversarial and helpful student",
    arguments: [
      (.discrete, -0.1, [0x1e05_29f2_6ded_2cb6, 0x1a95_bc27_c218_9b92, 0x1742_33eb_5b78_e959, 0x318e_38de_b244_0af5]),
      (.discrete, nil, [0x37cc_d4b4_d727_dccd, 0xfdea_0aa9_6758_95bd, 0xd6a4_5221_fcd0_d690, 0xd37f_f8b7_f72f_df34]),
      (
        .gaussian(scale: 2), 0.3,
        [0xe033_0ba5_e90b_1bd0, 0x1a95_bc27_c218_9b92, 0xf70e_d5b1_eec7_c884, 0xccd6_0db0_d4bc_af69]
      ),
    ] as [(TeacherDesign.Weights, Double?, [UInt64])])
  func twoLayerBits(weights: TeacherDesign.Weights, bias: Double?, digests: [UInt64]) throws {
    // Digests of what was drawn before there were deep networks.
    let teacher = try TeacherDesign(
      inputCount: 12, hiddenCount: 6, outputCount: 5, weights: weights, bias: bias, strengthDecay: 1.5,
      activation: .relu
    ).draw(key: 7)
    let students = try [StudentDesign.Initialization.plain, .adversarial, .helpful].map {
      try StudentDesign(hiddenCount: 9, scale: 0.1, initialization: $0).draw(for: teacher, key: 8).network
    }
    #expect(([teacher.network] + students).map(digest) == digests)
  }

  @Test(
    "with median biases every node is active on half of the calibration sample",
    arguments: [nil, .beforeActivation, .afterActivation] as [BatchNormalization.Placement?], [400, 401])
  func medians(placement: BatchNormalization.Placement?, count: Int) throws {
    var design = deepDesign()
    design.medianBiases = true
    design.normalization = placement
    let inputs = normalSample(count)
    let network = try design.draw(key: 3, calibration: inputs).network
    #expect(network.isPlain == (placement == nil))
    for z in network.preactivations(of: inputs.transposed).dropLast() {
      for j in 0..<z.rowCount {
        // The middle value of an odd number is on the boundary, up to rounding.
        let active = z.row(j).count { $0 > 1e-12 }
        #expect(active == count / 2, "node \(j) is active on \(active)")
      }
    }
  }

  @Test(
    "normalised outputs have mean 0 and variance 1; constant ones are only shifted",
    arguments: [nil, .beforeActivation, .afterActivation] as [BatchNormalization.Placement?])
  func outputs(placement: BatchNormalization.Placement?) throws {
    var design = deepDesign()
    design.normalizedOutput = true
    design.normalization = placement
    let outputs = try design.draw(key: 3, calibration: normalSample()).network.outputs(for: normalSample())
    for c in 0..<5 {
      let values = outputs.column(c)
      let mean = values.reduce(0, +) / 400
      // 400 terms of size 1 and rounding of some 1e-15 each.
      #expect(abs(mean) < 1e-12)
      #expect(abs(product(values, values) / 399 - mean * mean - 1) < 1e-12)
    }
    design.normalization = nil
    design.bias = -1e3  // all hidden nodes off
    let dead = try design.draw(key: 3, calibration: normalSample()).network
    var plain = design
    plain.normalizedOutput = false
    #expect(dead.layers[3].weights == (try plain.draw(key: 3).network.layers[3].weights))
    #expect(try dead.outputs(for: normalSample()).values.allSatisfy { $0 == 0 })
  }

  @Test(
    "running statistics are those of the calibration sample in every layer",
    arguments: BatchNormalization.Placement.allCases)
  func statistics(placement: BatchNormalization.Placement) throws {
    var design = deepDesign()
    design.normalization = placement
    let network = try design.draw(key: 3, calibration: normalSample()).network
    let z = network.preactivations(of: normalSample().transposed)
    for (layer, normalization) in network.layers.dropLast().map(\.normalization).enumerated() {
      let normalization = try #require(normalization)
      #expect(normalization.scales == nil && normalization.placement == placement)
      for j in 0..<normalization.means.count {
        let values = placement == .beforeActivation ? Array(z[layer].row(j)) : z[layer].row(j).map { max($0, 0) }
        let mean = values.reduce(0, +) / 400
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 399
        if placement == .beforeActivation {
          // Folded pre-activations are the normalised ones: variance v / (v + epsilon).
          let old = normalization.variances[j]
          #expect(abs(mean) < 1e-12 && abs(variance - old / (old + BatchNormalization.epsilon)) < 1e-12)
        } else {
          #expect(abs(mean - normalization.means[j]) < 1e-12 && abs(variance - normalization.variances[j]) < 1e-12)
        }
      }
    }
  }

  @Test("a calibration sample that is missing or does not fit, and missing biases, are errors with a remedy")
  func errors() throws {
    func check(
      _ design: TeacherDesign, _ sample: Matrix?, _ part: String, sourceLocation: SourceLocation = #_sourceLocation
    ) {
      let error = #expect(throws: ShapeError.self, sourceLocation: sourceLocation) {
        try design.draw(key: 1, calibration: sample)
      }
      #expect(error?.description.contains(part) == true, sourceLocation: sourceLocation)
    }
    var normalized = deepDesign(bias: nil)
    normalized.normalization = .beforeActivation
    check(normalized, nil, "give one of at least 2 inputs")
    check(normalized, normalSample(d: 3), "3 features, but the teacher expects 12")
    check(normalized, normalSample(1), "give at least 2")
    #expect(throws: Never.self) { try normalized.draw(key: 1, calibration: normalSample(2)) }
    var moved = deepDesign(bias: nil)
    moved.medianBiases = true
    check(moved, normalSample(), "give it biases")
    moved.medianBiases = false
    moved.normalizedOutput = true
    check(moved, normalSample(), "give it biases")
    check(deepDesign([9, 1, 9], weights: .discrete), nil, "hidden layer 3 needs 9 distinct rows")
    check(deepDesign([]), nil, "a network needs a hidden layer")
    check(deepDesign([4, 0]), nil, "layer 2 is empty")
  }
}
