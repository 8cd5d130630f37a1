import Testing

@testable import UnderstudyNumerics

/// The training kernels against their naive twin, for every instruction set of this machine.
@Suite struct DifferentialTests {
  @Test func stepsInDoublePrecision() throws { for test in TwoLayerCase.all { try compareStep(test, Double.self) } }

  @Test func stepsInSinglePrecision() throws { for test in TwoLayerCase.all { try compareStep(test, Float.self) } }

  /// One SGD step from the same weights, on a batch out of order and with repetition.
  private func compareStep<Scalar: KernelScalar>(_ test: TwoLayerCase, _: Scalar.Type) throws {
    let epsilon = Double(Scalar.ulpOfOne)
    let sampleCount = test.batch + 2
    let problem = try TwoLayerProblem.generic(test, sampleCount: sampleCount, epsilon: epsilon)
    let indices = (0..<test.batch).map { UInt32(($0 * 7 + 1) % sampleCount) }
    let inputs = NaiveTwoLayer<Scalar>.rows(of: problem.inputs)
    let targets = NaiveTwoLayer<Scalar>.rows(of: problem.targets)
    func step(_ indices: some Sequence<UInt32>) -> NaiveTwoLayer<Scalar> {
      var naive = NaiveTwoLayer<Scalar>(problem.weights, slope: test.slope)
      naive.step(inputs: indices.map { inputs[Int($0)] }, targets: indices.map { targets[Int($0)] }, rule: test.rule)
      return naive
    }
    let expected = step(indices).weights
    let tolerance = TwoLayerTolerance(test, problem, sampleCount: test.batch, epsilon: epsilon).weights
    try checkRowsStayLong(test, problem, inputs: inputs, targets: targets)
    let samples = PackedSamples<Scalar>(inputs: problem.inputs, targets: problem.targets)
    for set in supportedSets {
      let kernel = TwoLayerKernel<Scalar>(shape: test.shape, instructions: set)
      kernel.layers = problem.weights
      kernel.train(on: samples, batches: indices, batchSize: test.batch, rule: test.rule)
      let difference = largestDifference(kernel.layers, expected)
      #expect(difference <= tolerance, "\(Scalar.self), \(set): \(test)")
      #expect(kernel.isFinite)
      let (before, after) = (problem.weights, kernel.layers)
      if test.frozen == .first {
        #expect(after[0].weights == before[0].weights && after[0].biases == before[0].biases, "\(test)")
      }
      if test.frozen == .last {
        #expect(after[1].weights == before[1].weights && after[1].biases == before[1].biases, "\(test)")
      }
    }
  }

  /// What the tolerance of normalized rows assumes.
  private func checkRowsStayLong<Scalar: KernelScalar>(
    _ test: TwoLayerCase, _ problem: TwoLayerProblem, inputs: [[Scalar]], targets: [[Scalar]]
  ) throws {
    guard test.unitNorm else { return }
    var free = test.rule
    free.unitNormFirstLayer = false
    var naive = NaiveTwoLayer<Scalar>(problem.weights, slope: test.slope)
    naive.step(inputs: inputs, targets: targets, rule: free)
    for row in naive.first { #expect(euclideanNorm(row.map { Double($0) }) > 0.01, "\(test)") }
  }

  /// The tolerance is worth something: a step that forgets its last sample is far outside of it.
  @Test(arguments: TwoLayerCase.all.filter { $0.batch > 1 && $0.frozen == .none && !$0.unitNorm })
  func toleranceSeesOneSample(test: TwoLayerCase) throws {
    let problem = try TwoLayerProblem.generic(test, sampleCount: test.batch, epsilon: Double.ulpOfOne)
    let inputs = NaiveTwoLayer<Double>.rows(of: problem.inputs)
    let targets = NaiveTwoLayer<Double>.rows(of: problem.targets)
    var whole = NaiveTwoLayer<Double>(problem.weights, slope: test.slope)
    // A sample at which every ReLU node is inactive moves nothing but output biases.
    let isSeen = whole.preactivations(inputs[test.batch - 1]).contains { $0 > 0 }
    guard isSeen || test.biases || test.slope > 0 else { return }
    var part = whole
    whole.step(inputs: inputs, targets: targets, rule: test.rule)
    var rule = test.rule
    rule.learningRate *= Double(test.batch - 1) / Double(test.batch)
    part.step(inputs: inputs.dropLast(), targets: targets.dropLast(), rule: rule)
    let tolerance = TwoLayerTolerance(test, problem, sampleCount: test.batch, epsilon: Double.ulpOfOne).weights
    #expect(largestDifference(whole.weights, part.weights) > 1000 * tolerance)
  }

  /// The derivative of the activation at exactly 0 is the slope below it: the gate is z > 0.
  @Test(arguments: [0, 0.01, 1])
  func gateAtTheKink(slope: Double) throws {
    let test = TwoLayerCase(n: 7, biases: false, slope: slope)
    let problem = try TwoLayerProblem.generic(test, sampleCount: 4, epsilon: Double.ulpOfOne)
    var weights = problem.weights
    for f in 0..<test.d { weights[0].weights[2, f] = 0 }
    var naive = NaiveTwoLayer<Double>(weights, slope: slope)
    naive.step(
      inputs: NaiveTwoLayer<Double>.rows(of: problem.inputs), targets: NaiveTwoLayer<Double>.rows(of: problem.targets),
      rule: test.rule)
    let tolerance = TwoLayerTolerance(test, problem, sampleCount: 4, epsilon: Double.ulpOfOne).weights
    let samples = PackedSamples<Double>(inputs: problem.inputs, targets: problem.targets)
    for set in supportedSets {
      let kernel = TwoLayerKernel<Double>(shape: test.shape, instructions: set)
      kernel.layers = weights
      kernel.train(on: samples, batches: [0, 1, 2, 3], batchSize: 4, rule: test.rule)
      #expect(largestDifference(kernel.layers, naive.weights) <= tolerance, "\(set)")
      #expect(kernel.layers[0].weights.row(2).allSatisfy { $0 == 0 } == (slope == 0), "\(set)")
    }
  }

  /// Full-batch descent is summed over blocks of 32 samples; every tail of a block, and of the last of several.
  @Test(arguments: Array(1...33) + [63, 64, 65, 100])
  func descentAndLoss(sampleCount: Int) throws {
    for (biases, slope) in [(false, 0), (true, 0), (true, 0.01), (false, 1.0)] {
      for frozen in TwoLayerCase.Frozen.allCases {
        for unitNorm in [false, true] {
          let test = TwoLayerCase(
            d: 9, n: 13, c: 7, batch: sampleCount, biases: biases, slope: slope, frozen: frozen, unitNorm: unitNorm)
          try compareDescent(test, Double.self)
          try compareDescent(test, Float.self)
        }
      }
    }
  }

  @Test func lossOfEveryShape() throws {
    for test in TwoLayerCase.all where test.frozen == .none {
      try compareDescent(test, Double.self)
      try compareDescent(test, Float.self)
    }
  }

  private func compareDescent<Scalar: KernelScalar>(_ test: TwoLayerCase, _: Scalar.Type) throws {
    let epsilon = Double(Scalar.ulpOfOne)
    let problem = try TwoLayerProblem.generic(test, sampleCount: test.batch, epsilon: epsilon)
    let inputs = NaiveTwoLayer<Scalar>.rows(of: problem.inputs)
    let targets = NaiveTwoLayer<Scalar>.rows(of: problem.targets)
    var naive = NaiveTwoLayer<Scalar>(problem.weights, slope: test.slope)
    let loss = naive.loss(inputs: inputs, targets: targets)
    naive.step(inputs: inputs, targets: targets, rule: test.rule)
    let expected = naive.weights
    let tolerance = TwoLayerTolerance(test, problem, sampleCount: test.batch, epsilon: epsilon)
    try checkRowsStayLong(test, problem, inputs: inputs, targets: targets)
    let packed = PackedSamples<Scalar>(inputs: problem.inputs, targets: problem.targets)
    for set in supportedSets {
      let kernel = TwoLayerKernel<Scalar>(shape: test.shape, instructions: set)
      kernel.layers = problem.weights
      #expect(abs(kernel.loss(over: packed) - loss) <= tolerance.loss, "\(Scalar.self), \(set): \(test)")
      // Twice, from the same weights: the sum of the gradient must begin at 0 each time.
      for _ in 0..<2 {
        kernel.layers = problem.weights
        kernel.descend(on: packed, rule: test.rule)
        #expect(
          largestDifference(kernel.layers, expected) <= tolerance.weights, "\(Scalar.self), \(set): \(test)")
      }
    }
  }

  /// Rows become `w / |w|` to the last bits (two roundings of Double, one of the precision), biases stay, zeros stay.
  @Test(arguments: 1...33)
  func unitRows(d: Int) throws {
    try compareUnitRows(d: d, Double.self)
    try compareUnitRows(d: d, Float.self)
  }

  private func compareUnitRows<Scalar: KernelScalar>(d: Int, _: Scalar.Type) throws {
    let test = TwoLayerCase(d: d)
    var weights = try TwoLayerProblem.generic(test, sampleCount: 1, epsilon: 0).weights
    for f in 0..<d { weights[0].weights[2, f] = 0 }
    var naive = NaiveTwoLayer<Scalar>(weights, slope: 0)
    naive.normalizeFirstLayer()
    for set in supportedSets {
      let kernel = TwoLayerKernel<Scalar>(shape: test.shape, instructions: set)
      kernel.layers = weights
      kernel.normalizeFirstLayer()
      // The twin's sum of d squares errs by d / 2 epsilon after the root; all elements are at most 1.
      let tolerance = Double(d + 6) * Double(Scalar.ulpOfOne)
      #expect(largestDifference(kernel.layers, naive.weights) <= tolerance, "\(Scalar.self), \(set)")
      #expect(kernel.layers[0].biases == weights[0].biases)
      #expect(kernel.layers[0].weights.row(2).allSatisfy { $0 == 0 })
    }
  }

  /// Squares of these overflow or vanish, the rows' directions do not. Rows that are not finite stay so: a divergence
  /// must not pass for a dead node.
  @Test(arguments: supportedSets)
  func unitRowsOfExtremeSize(set: InstructionSet) {
    let shape = NetworkShape(widths: [2, 5, 1], hasBiases: false, negativeSlope: 0)
    let kernel = TwoLayerKernel<Double>(shape: shape, instructions: set)
    let first = Matrix([
      [3e200, -4e200], [3e-200, -4e-200], [0, .leastNonzeroMagnitude], [.infinity, 1], [.nan, 1],
    ])
    kernel.layers = [first, Matrix(rowCount: 1, columnCount: 5)].map { LayerWeights(weights: $0, biases: nil) }
    kernel.normalizeFirstLayer()
    let rows = kernel.layers[0].weights
    for k in 0...1 {
      // A few roundings of numbers below 1.
      #expect(abs(rows[k, 0] - 0.6) <= 4 * Double.ulpOfOne && abs(rows[k, 1] + 0.8) <= 4 * Double.ulpOfOne)
    }
    #expect(rows[2, 0] == 0 && rows[2, 1] == 1)
    #expect(!rows[3, 0].isFinite && !rows[4, 0].isFinite)
  }
}
