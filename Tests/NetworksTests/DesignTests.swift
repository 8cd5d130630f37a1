import Testing
import UnderstudyNetworks
import UnderstudyNumerics

private func teacher(
  d: Int = 12, m: Int = 6, c: Int = 5, weights: TeacherDesign.Weights = .discrete, bias: Double? = -0.1,
  decay: Double = 0, key: UInt64 = 1
) throws -> Teacher {
  try TeacherDesign(
    inputCount: d, hiddenCount: m, outputCount: c, weights: weights, bias: bias, strengthDecay: decay,
    activation: .relu
  ).draw(key: key)
}

@Suite("Teachers") struct TeacherDesignTests {
  @Test("first-layer rows have unit norm and none is parallel to another", arguments: 1...20 as ClosedRange<UInt64>)
  func firstLayer(key: UInt64) throws {
    // Two inputs have 80 non-zero rows on 32 rays; eight of them often meet.
    let weights = try teacher(d: 2, m: 8, key: key).network.layers[0].weights
    for j in 0..<8 {
      #expect(abs(euclideanNorm(weights.row(j)) - 1) < 1e-15 * 4)
      for other in 0..<j {
        // Different rays of choices are at least some 3 degrees apart.
        #expect(product(weights.row(j), weights.row(other)) < 1 - 1e-4, "rows \(j) and \(other)")
      }
    }
  }

  @Test("without biases no row is the opposite of another either: they would share a boundary")
  func firstLayerWithoutBiases() throws {
    for key in 1...20 as ClosedRange<UInt64> {
      let weights = try teacher(d: 2, m: 8, bias: nil, key: key).network.layers[0].weights
      for j in 0..<8 {
        for other in 0..<j { #expect(abs(product(weights.row(j), weights.row(other))) < 1 - 1e-4, "key \(key)") }
      }
    }
  }

  @Test("output rows are distinct, not zero, and of the nine values", arguments: 1...20 as ClosedRange<UInt64>)
  func outputLayer(key: UInt64) throws {
    let weights = try teacher(m: 1, c: 8, key: key).network.layers[1].weights
    #expect(weights.values.sorted() == [-1, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1])
  }

  @Test("fan-out weights of node j are divided by j^p", arguments: [0.5, 1, 2, 2.5])
  func decay(p: Double) throws {
    let (plain, decayed) = (try teacher().network, try teacher(decay: p).network)
    #expect(plain.layers[0] == decayed.layers[0])
    for j in 0..<6 {
      for c in 0..<5 {
        #expect(decayed.layers[1].weights[c, j] == plain.layers[1].weights[c, j] / power(Double(j + 1), p))
      }
    }
  }

  @Test("biases are all the same, or missing")
  func biases() throws {
    let layers = try teacher(bias: -0.1).network.layers
    #expect(layers.map(\.biases) == [[Double](repeating: -0.1, count: 6), [Double](repeating: -0.1, count: 5)])
    #expect(try teacher(bias: nil).network.layers.allSatisfy { $0.biases == nil })
  }

  @Test("gaussian teachers have unit rows below and the stated spread above")
  func gaussian() throws {
    let layers = try teacher(d: 30, m: 40, c: 100, weights: .gaussian(scale: 2)).network.layers
    for j in 0..<40 { #expect(abs(euclideanNorm(layers[0].weights.row(j)) - 1) < 1e-14) }
    // The mean square of 4000 normal values is 4 with a standard deviation of 4 sqrt(2 / 4000) = 0.09; six of those.
    let values = layers[1].weights.values
    #expect(abs(product(values, values) / 4000 - 4) < 0.54)
  }

  @Test("too few distinct rows are an error that says so")
  func tooFewRows() throws {
    #expect(throws: ShapeError.self) { try teacher(d: 1, m: 3) }
    let error = #expect(throws: ShapeError.self) { try teacher(m: 1, c: 9) }
    #expect(error?.description.contains("output layer needs 9 distinct rows") == true)
    #expect(error?.description.contains("use fewer nodes") == true)
  }

  @Test("the same key draws the same teacher, another key another")
  func keys() throws {
    #expect(try teacher(key: 3) == teacher(key: 3))
    #expect(try teacher(key: 3) != teacher(key: 4))
  }
}

@Suite("Students") struct StudentDesignTests {
  private func student(_ initialization: StudentDesign.Initialization, of teacher: Teacher, n: Int = 40) throws
    -> Student
  {
    try StudentDesign(hiddenCount: n, scale: 0.1, initialization: initialization).draw(for: teacher, key: 2)
  }

  @Test("adversarial and helpful flip whole rows to one side of the last teacher node, and nothing else")
  func flips() throws {
    let teacher = try teacher()
    let weakest = teacher.network.layers[0].weights.row(5)
    let (plain, adversarial, helpful) = (
      try student(.plain, of: teacher).network, try student(.adversarial, of: teacher).network,
      try student(.helpful, of: teacher).network
    )
    var signs: Set<Bool> = []
    for k in 0..<40 {
      let row = Array(plain.layers[0].weights.row(k))
      signs.insert(product(row, weakest) > 0)
      for (network, sign) in [(adversarial, -1.0), (helpful, 1.0)] {
        let flipped = Array(network.layers[0].weights.row(k))
        #expect(product(flipped, weakest) * sign > 0)
        #expect(flipped == row || flipped == row.map { -$0 })
      }
    }
    #expect(signs.count == 2, "a plain student has nodes on both sides")
    #expect(plain.layers[1] == adversarial.layers[1] && plain.layers[1] == helpful.layers[1])
  }

  @Test("weights have the stated spread, biases are 0 where the teacher has some")
  func spread() throws {
    let network = try student(.plain, of: try teacher(d: 100), n: 50).network
    let values = network.layers[0].weights.values
    // The mean square of 5000 normal values: 0.01 with a standard deviation of 0.01 sqrt(2 / 5000) = 2e-4; six of those.
    #expect(abs(product(values, values) / 5000 - 0.01) < 1.2e-3)
    #expect(network.layers.allSatisfy { $0.biases?.allSatisfy { $0 == 0 } == true })
    #expect(try student(.plain, of: try teacher(bias: nil)).network.layers.allSatisfy { $0.biases == nil })
  }

  @Test("a student narrower than its teacher is an error that names both widths")
  func narrow() throws {
    let error = #expect(throws: ShapeError.self) { try student(.plain, of: try teacher(), n: 5) }
    #expect(error?.description.contains("5 student nodes cannot cover 6 teacher nodes") == true)
  }
}

@Suite("Inputs") struct InputDesignTests {
  @Test(
    "a third lies on the teacher's boundaries, the others beside them at the stated distance", arguments: [-0.7, 0, 2])
  func teacherBoundaries(bias: Double) throws {
    let teacher = try teacher(bias: bias)
    let layer = teacher.network.layers[0]
    let inputs = InputDesign(count: 180, standardDeviation: 1.5, distribution: .teacherBoundaries(offsets: 1...2))
      .draw(for: teacher, key: 5, purpose: .trainingInputs)
    var onBoundary = [Int](repeating: 0, count: 6)
    var (above, below) = (onBoundary, onBoundary)
    for i in 0..<180 {
      let j = i % 6
      let distance = product(inputs.row(i), layer.weights.row(j)) + bias  // the row has unit norm
      if abs(distance) < 1e-12 {
        onBoundary[j] += 1
      } else {
        #expect((1 - 1e-12...2 + 1e-12).contains(abs(distance)), "sample \(i) is \(distance) from boundary \(j)")
        if distance > 0 { above[j] += 1 } else { below[j] += 1 }
      }
    }
    #expect(onBoundary == [Int](repeating: 10, count: 6))
    #expect(above == onBoundary && below == onBoundary)
  }

  @Test("Gaussian inputs have the stated spread; sets of another number or purpose are others")
  func gaussian() throws {
    let teacher = try teacher()
    func draw(_ purpose: RandomPurpose, _ index: Int) -> Matrix {
      InputDesign(count: 500, standardDeviation: 1.5, distribution: .gaussian)
        .draw(for: teacher, key: 5, purpose: purpose, index: index)
    }
    let inputs = draw(.trainingInputs, 0)
    // 6000 values: 2.25 with a standard deviation of 2.25 sqrt(2 / 6000) = 0.041; six of those.
    #expect(abs(product(inputs.values, inputs.values) / 6000 - 2.25) < 0.25)
    #expect(inputs == draw(.trainingInputs, 0))
    #expect(inputs != draw(.trainingInputs, 1))
    #expect(inputs != draw(.evaluationInputs, 0))
  }

  @Test("output noise has the stated spread and moves nothing when it is 0")
  func outputNoise() {
    var outputs = Matrix(rowCount: 200, columnCount: 30, repeating: 1)
    addOutputNoise(to: &outputs, standardDeviation: 0, key: 5)
    #expect(outputs.values.allSatisfy { $0 == 1 })
    addOutputNoise(to: &outputs, standardDeviation: 0.5, key: 5)
    let noise = outputs.values.map { $0 - 1 }
    // 6000 values: 0.25 with a standard deviation of 0.25 sqrt(2 / 6000) = 0.0046; six of those.
    #expect(abs(product(noise, noise) / 6000 - 0.25) < 0.028)
  }
}
