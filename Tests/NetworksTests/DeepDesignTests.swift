import Testing
import UnderstudyNetworks
import UnderstudyNumerics

private func design(
  _ widths: [Int] = [9, 7, 8], d: Int = 12, c: Int = 5, weights: TeacherDesign.Weights = .gaussian(scale: 1),
  bias: Double? = 0.1, decay: Double = 0
) -> TeacherDesign {
  TeacherDesign(
    inputCount: d, hiddenCounts: widths, outputCount: c, weights: weights, bias: bias, strengthDecay: decay,
    activation: .relu)
}

private func sample(_ count: Int = 400, d: Int = 12) -> Matrix {
  var stream = RandomStream(key: 11, purpose: .test)
  return stream.normalMatrix(rowCount: count, columnCount: d, standardDeviation: 1)
}

private func product(_ a: some Sequence<Double>, _ b: some Sequence<Double>) -> Double {
  zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
}

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
    let network = try design([9, 30, 8], weights: weights, decay: 1.5).draw(key: 3).network
    #expect(network.hiddenCounts == [9, 30, 8])
    for layer in network.layers.dropLast() {
      // 30 terms of rounding 1e-16 each, halved by the root.
      for j in 0..<layer.nodeCount { #expect(abs(euclideanNorm(layer.weights.row(j)) - 1) < 4e-15) }
    }
  }

  @Test("column j of the layers above the lowest is divided by j^p, before hidden rows are normed")
  func decay() throws {
    let (plain, decayed) = (try design().draw(key: 3).network, try design(decay: 2).draw(key: 3).network)
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
      let network = try design([2, 2, 8], d: 2, weights: .discrete).draw(key: key).network
      var moved = design([2, 2, 8], d: 2, weights: .discrete)
      moved.medianBiases = true
      let lines = try moved.draw(key: key, calibration: sample(d: 2)).network
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
    let network = try design([9], c: 20, weights: .orthogonal).draw(key: 3).network
    let (rows, columns) = (network.layers[0].weights, network.layers[1].weights.transposed)
    for matrix in [rows, columns] {
      for j in 0..<9 {
        for k in 0..<9 { #expect(abs(product(matrix.row(j), matrix.row(k)) - (j == k ? 1 : 0)) < 1e-14) }
      }
    }
    // More nodes than inputs: hidden rows are brought to unit norm.
    let tall = try design([20], weights: .orthogonal).draw(key: 3).network.layers[0].weights
    for j in 0..<20 { #expect(abs(euclideanNorm(tall.row(j)) - 1) < 4e-15) }
  }

  @Test("layers are drawn from streams of their own")
  func streams() throws {
    let (deep, shallow) = (try design([9, 9], d: 9).draw(key: 3).network, try design([9], d: 9).draw(key: 3).network)
    #expect(deep.layers[0] == shallow.layers[0])
    #expect(deep.layers[2] == shallow.layers[1])
    #expect(deep.layers[1].weights != deep.layers[0].weights)
    #expect(try design().draw(key: 4) != design().draw(key: 3))
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
    var design = design()
    design.medianBiases = true
    design.normalization = placement
    let inputs = sample(count)
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
    var design = design()
    design.normalizedOutput = true
    design.normalization = placement
    let outputs = try design.draw(key: 3, calibration: sample()).network.outputs(for: sample())
    for c in 0..<5 {
      let values = outputs.column(c)
      let mean = values.reduce(0, +) / 400
      // 400 terms of size 1 and rounding of some 1e-15 each.
      #expect(abs(mean) < 1e-12)
      #expect(abs(product(values, values) / 399 - mean * mean - 1) < 1e-12)
    }
    design.normalization = nil
    design.bias = -1e3  // all hidden nodes off
    let dead = try design.draw(key: 3, calibration: sample()).network
    var plain = design
    plain.normalizedOutput = false
    #expect(dead.layers[3].weights == (try plain.draw(key: 3).network.layers[3].weights))
    #expect(try dead.outputs(for: sample()).values.allSatisfy { $0 == 0 })
  }

  @Test(
    "running statistics are those of the calibration sample in every layer",
    arguments: BatchNormalization.Placement.allCases)
  func statistics(placement: BatchNormalization.Placement) throws {
    var design = design()
    design.normalization = placement
    let network = try design.draw(key: 3, calibration: sample()).network
    let z = network.preactivations(of: sample().transposed)
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
    var normalized = design(bias: nil)
    normalized.normalization = .beforeActivation
    check(normalized, nil, "give one of at least 2 inputs")
    check(normalized, sample(d: 3), "3 features, but the teacher expects 12")
    check(normalized, sample(1), "give at least 2")
    #expect(throws: Never.self) { try normalized.draw(key: 1, calibration: sample(2)) }
    var moved = design(bias: nil)
    moved.medianBiases = true
    check(moved, sample(), "give it biases")
    moved.medianBiases = false
    moved.normalizedOutput = true
    check(moved, sample(), "give it biases")
    check(design([9, 1, 9], weights: .discrete), nil, "hidden layer 3 needs 9 distinct rows")
    check(design([]), nil, "a network needs a hidden layer")
    check(design([4, 0]), nil, "layer 1 is empty")
  }
}

@Suite("Deep students") struct DeepStudentTests {
  private func student(
    _ initialization: StudentDesign.Initialization, of teacher: Teacher, _ widths: [Int] = [12, 14, 10],
    key: UInt64 = 5, change: (inout StudentDesign) -> Void = { _ in }
  ) throws -> Network {
    var design = StudentDesign(hiddenCounts: widths, scale: 0.1, initialization: initialization)
    change(&design)
    return try design.draw(for: teacher, key: key).network
  }

  @Test("plain and He weights have their spread in every layer, and biases are 0")
  func spread() throws {
    let teacher = try design([50, 50], d: 100, c: 40).draw(key: 1)
    for (initialization, variance) in [(StudentDesign.Initialization.plain, nil), (.he, 2.0)] {
      for layer in try student(initialization, of: teacher, [100, 100]).layers {
        let values = layer.weights.values
        let wanted = variance.map { $0 / 100 } ?? 0.01
        // The mean square of at least 4000 normal values, of relative standard deviation sqrt(2 / 4000) = 0.022; six.
        #expect(abs(product(values, values) / Double(values.count) / wanted - 1) < 0.134)
        #expect(layer.biases?.allSatisfy { $0 == 0 } == true)
      }
    }
  }

  @Test("uniform weights and biases fill +-1/sqrt(inputs)")
  func uniform() throws {
    let network = try student(.uniform, of: try design([50, 50], d: 100, c: 40).draw(key: 1), [100, 100])
    for layer in network.layers {
      for (values, count) in [(layer.weights.values, 4000.0), (layer.biases ?? [], 40)] {
        #expect(!values.isEmpty && values.allSatisfy { abs($0) < 0.1 })
        // Squares of uniform values of (-1, 1) have mean 1/3 and variance 4/45; six standard deviations.
        let mean = product(values, values) / Double(values.count) / 0.01
        #expect(abs(mean - 1 / 3.0) < 6 * (4 / 45.0 / count).squareRoot())
      }
    }
  }

  @Test(
    "teacher-like students take the block of the teacher's nodes and leave the rest of the uniform draw",
    arguments: [.perturbedTeacher, .teacherDirections, .teacherSigns] as [StudentDesign.Initialization])
  func blocks(initialization: StudentDesign.Initialization) throws {
    let teacher = try design().draw(key: 1)
    let base = try student(.uniform, of: teacher)
    let like = try student(initialization, of: teacher)
    for l in 0..<4 {
      let (t, u, s) = (teacher.network.layers[l], base.layers[l], like.layers[l])
      for k in 0..<u.nodeCount {
        for i in 0..<u.inputCount where k >= t.nodeCount || i >= t.inputCount {
          #expect(s.weights[k, i] == u.weights[k, i])
        }
        guard k < t.nodeCount else {
          #expect(s.biases?[k] == u.biases?[k])
          continue
        }
        let (row, part) = (t.weights.row(k), Array(s.weights.row(k).prefix(t.inputCount)))
        let drawn = Array(u.weights.row(k).prefix(t.inputCount))
        switch initialization {
        case .teacherDirections:
          #expect(abs(euclideanNorm(part) - euclideanNorm(drawn)) < 1e-14)
          #expect(abs(product(part, row) / (euclideanNorm(part) * euclideanNorm(row)) - 1) < 1e-14)
          #expect(s.biases?[k] == u.biases?[k])
        case .teacherSigns:
          #expect(part.map { abs($0) } == drawn.map { abs($0) })
          #expect(zip(part, row).allSatisfy { $0 * $1 > 0 })
          #expect((s.biases?[k] ?? 0) == abs(u.biases?[k] ?? 0))  // the teacher's are 0.1
        default:
          #expect(zip(part, row).allSatisfy { $0 != $1 } && s.biases?[k] != t.biases?[k])
        }
      }
      guard initialization == .perturbedTeacher else { continue }
      // Noise of a tenth of the root mean square; squares of n normal values vary by sqrt(2 / n) relatively, six of it.
      let count = Double(t.nodeCount * t.inputCount)
      let size = product(t.weights.values, t.weights.values) / count
      var noise = 0.0
      for k in 0..<t.nodeCount {
        for i in 0..<t.inputCount { noise += (s.weights[k, i] - t.weights[k, i]) * (s.weights[k, i] - t.weights[k, i]) }
      }
      #expect(abs(noise / count / (0.01 * size) - 1) < 6 * (2 / count).squareRoot())
    }
  }

  @Test("without noise, a student as wide as its normalised teacher is the folded teacher")
  func unperturbed() throws {
    var design = design()
    design.normalization = .afterActivation
    let teacher = try design.draw(key: 1, calibration: sample())
    let network = try student(.perturbedTeacher, of: teacher, [9, 7, 8]) { $0.perturbation = 0 }
    #expect(network == teacher.network.folded)
    let scaled = try student(.perturbedTeacher, of: teacher, [9, 7, 8]) {
      $0.perturbation = 0
      $0.weightFactor = 2
    }
    for (layer, single) in zip(scaled.layers, network.layers) {
      #expect(layer.weights.values == single.weights.values.map { 2 * $0 })
      #expect(layer.biases == single.biases?.map { 2 * $0 })
    }
  }

  @Test(
    "the weight factor is on all weights and biases but those of `scale`",
    arguments: [.uniform, .he, .teacherDirections, .teacherSigns, .perturbedTeacher, .plain]
      as [StudentDesign.Initialization])
  func weightFactor(initialization: StudentDesign.Initialization) throws {
    let teacher = try design().draw(key: 1)
    let factor = initialization == .plain ? 1.0 : 4  // a power of two: exact
    let once = try student(initialization, of: teacher)
    let more = try student(initialization, of: teacher) { $0.weightFactor = 4 }
    for (a, b) in zip(once.layers, more.layers) {
      for (x, y) in zip(a.weights.values + (a.biases ?? []), b.weights.values + (b.biases ?? [])) {
        #expect(abs(y - factor * x) <= 1e-15 * abs(y))
      }
    }
  }

  @Test("normalisations start at means 0, variances 1, scales 1 and shifts 0, or without the last two")
  func normalization() throws {
    let teacher = try design().draw(key: 1)
    for learnt in [true, false] {
      let network = try student(.he, of: teacher) {
        $0.normalization = .afterActivation
        $0.learntScale = learnt
      }
      #expect(network.layers[3].normalization == nil)
      for layer in network.layers.dropLast() {
        let (zeros, ones) = (
          [Double](repeating: 0, count: layer.nodeCount), [Double](repeating: 1, count: layer.nodeCount)
        )
        #expect(
          layer.normalization
            == BatchNormalization(
              placement: .afterActivation, means: zeros, variances: ones, scales: learnt ? ones : nil,
              shifts: learnt ? zeros : nil))
      }
    }
  }

  @Test("biases are as the teacher's or as asked for; deep draws are repeatable and layers have their own streams")
  func biasesAndKeys() throws {
    let (with, without) = (try design().draw(key: 1), try design(bias: nil).draw(key: 1))
    #expect(try student(.uniform, of: with).hasBiases)
    #expect(try !student(.uniform, of: without).hasBiases)
    #expect(try student(.perturbedTeacher, of: without) { $0.hasBiases = true }.hasBiases)
    #expect(try student(.uniform, of: with) { $0.hasBiases = false }.layers.allSatisfy { $0.biases == nil })
    #expect(try student(.he, of: with) == student(.he, of: with))
    #expect(try student(.he, of: with) != student(.he, of: with, key: 6))
    let (narrow, wide) = (try student(.uniform, of: with), try student(.uniform, of: with, [12, 20, 10]))
    #expect(narrow.layers[0] == wide.layers[0] && narrow.layers[3] == wide.layers[3])
  }

  @Test("another depth and too narrow a layer are errors")
  func misfits() throws {
    let teacher = try design().draw(key: 1)
    let depth = #expect(throws: ShapeError.self) { try student(.teacherSigns, of: teacher, [20, 20]) }
    #expect(depth?.description.contains("the same depth") == true)
    let width = #expect(throws: ShapeError.self) { try student(.teacherSigns, of: teacher, [20, 6, 20]) }
    #expect(width?.description.contains("hidden layer 2: 6 student nodes") == true)
  }
}

@Suite("Uniform inputs") struct UniformInputTests {
  @Test("coordinates are uniform, of mean 0 and the stated spread; with a rank, within the subspace")
  func uniform() throws {
    let teacher = try design().draw(key: 1)
    func draw(_ distribution: InputDesign.Distribution, rank: Int?) -> Matrix {
      InputDesign(count: 500, standardDeviation: 1.5, distribution: distribution, rank: rank)
        .draw(for: teacher, key: 5, purpose: .trainingInputs)
    }
    let inputs = draw(.uniform, rank: nil)
    let bound = 1.5 * 3.0.squareRoot()
    #expect(inputs.values.allSatisfy { abs($0) < bound })
    // 6000 values: the mean varies by 1.5 / sqrt(6000) = 0.019, the mean square by 2.25 sqrt(4/5 / 6000) = 0.026; six.
    #expect(abs(inputs.values.reduce(0, +) / 6000) < 0.12)
    #expect(abs(product(inputs.values, inputs.values) / 6000 - 2.25) < 0.16)
    // Normal values would exceed the bound, sqrt(3) deviations, in 8 of 100.
    #expect(draw(.gaussian, rank: nil).values.contains { abs($0) > bound })

    let flat = draw(.uniform, rank: 3)
    // Orthonormal rows keep norms: those of three uniform coordinates, whose mean square is 3 x 2.25.
    #expect(abs(product(flat.values, flat.values) / 1500 - 2.25) < 6 * 2.25 * (0.8 / 1500).squareRoot())
    for i in 0..<500 { #expect(euclideanNorm(flat.row(i)) < bound * 3.0.squareRoot()) }
  }
}
