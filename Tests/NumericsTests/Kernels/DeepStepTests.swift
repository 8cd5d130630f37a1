import Testing

@testable import UnderstudyNumerics

/// The sizes and options of one comparison.
private struct DeepStepCase: CustomTestStringConvertible {
  /// Inputs, hidden layers from the lowest, outputs.
  var widths: [Int]
  var batch = 4
  var hasBiases = true
  var slope = 0.0

  var testDescription: String { "\(widths), batch \(batch), biases \(hasBiases), slope \(slope)" }

  /// Every size of each dimension up to 33, one at a time, and all of them at once; depths from 1 to 4.
  static func all(size: Int) -> [DeepStepCase] {
    let (hasBiases, slope) = (size % 2 == 0, [0, 0.25, 1][size % 3])
    return [
      DeepStepCase(widths: [size, 6, 5, 3], hasBiases: hasBiases, slope: slope),
      DeepStepCase(widths: [5, size, 7, 3], hasBiases: !hasBiases, slope: slope),
      DeepStepCase(widths: [5, 6, size, 5, 3], hasBiases: hasBiases),
      DeepStepCase(widths: [5, 7, 3, size], hasBiases: hasBiases, slope: slope),
      DeepStepCase(widths: [5, 6, 7, 3], batch: size, hasBiases: !hasBiases, slope: slope),
      DeepStepCase(widths: [4, 5, 3, 6, 5, 2], batch: size, hasBiases: hasBiases, slope: slope),
      DeepStepCase(widths: [size, size, size], batch: size, hasBiases: hasBiases),
    ]
  }

  var shape: NetworkShape { NetworkShape(widths: widths, hasBiases: hasBiases, negativeSlope: slope) }

  /// Roundings from an input to a weight: forward and backward a sum in every layer with a slope each, then the sum over the
  /// batch; residual, scale, decay, the rate, momentum's product and sums. In epsilons, of which each is two roundings: the
  /// kernel's and the twin's.
  var roundings: Double { Double(2 * widths.reduce(0) { $0 + $1 + 2 } + batch + 10) }
}

/// A network with samples, all numbers of which single precision holds exactly.
private struct DeepStepProblem {
  let naive: NaiveDeep
  let inputs: Matrix
  let targets: Matrix

  init(_ test: DeepStepCase, sampleCount: Int, index: Int) {
    var key = 1000 * index
    func draw(_ rows: Int, _ columns: Int, _ deviation: Double) -> Matrix {
      key += 1
      return Matrix(
        rowCount: rows, columnCount: columns, values: exactNormals(rows * columns, key: key, deviation: deviation))
    }
    inputs = draw(sampleCount, test.widths[0], 1)
    targets = draw(sampleCount, test.widths[test.widths.count - 1], 1)
    let layers = zip(test.widths, test.widths.dropFirst()).map { inputs, nodes in
      LayerWeights(
        weights: draw(nodes, inputs, 1 / Double(inputs).squareRoot()),
        biases: test.hasBiases ? draw(1, nodes, 0.5).values : nil)
    }
    naive = NaiveDeep(layers: layers, slope: test.slope)
  }

  var rows: (inputs: [[Double]], targets: [[Double]]) {
    ((0..<inputs.rowCount).map { Array(inputs.row($0)) }, (0..<targets.rowCount).map { Array(targets.row($0)) })
  }

  /// The first draw in which rounding decides no gate: every pre-activation is farther from 0 than its error may be.
  static func generic(_ test: DeepStepCase, sampleCount: Int, epsilon: Double) throws -> DeepStepProblem {
    for index in 1..<200 {
      let problem = DeepStepProblem(test, sampleCount: sampleCount, index: index)
      let isFarFromKinks = problem.rows.inputs.allSatisfy { x in
        problem.naive.forward(x).preactivations.dropLast().joined().allSatisfy {
          abs($0.value) > test.roundings * epsilon * $0.size
        }
      }
      if test.slope == 1 || isFarFromKinks { return problem }
    }
    throw NoGenericDraw(test: test.testDescription)
  }

  struct NoGenericDraw: Error { let test: String }
}

/// Whole steps of ``DeepKernel`` against its naive twin, for both precisions and every instruction set of this machine.
@Suite("Steps of any depth") struct DeepStepTests {
  private static let rules = [
    UpdateRule(learningRate: 0.1),
    UpdateRule(learningRate: 0.1, weightDecay: 0.5),
    UpdateRule(learningRate: 0.1, updatesFirstLayer: false),
    UpdateRule(learningRate: 0.1, updatesLastLayer: false),
    // The first step of momentum is a plain one.
    UpdateRule(optimizer: .gradient(momentum: 0.9), learningRate: 0.1, weightDecay: 0.5),
  ]

  @Test("steps, descents and losses at every size", arguments: 1...33)
  func everySize(size: Int) throws {
    for test in DeepStepCase.all(size: size) {
      try compareStep(test, Double.self)
      try compareStep(test, Float.self)
    }
  }

  /// Descent and losses take 64 samples at a time.
  @Test("several blocks of samples", arguments: [63, 64, 65, 100, 129])
  func blocks(batch: Int) throws {
    let test = DeepStepCase(widths: [5, 9, 7, 3], batch: batch, slope: 0.25)
    try compareStep(test, Double.self)
    try compareStep(test, Float.self)
  }

  private func compareStep<Scalar: KernelScalar>(_ test: DeepStepCase, _: Scalar.Type) throws {
    let epsilon = Double(Scalar.ulpOfOne)
    let problem = try DeepStepProblem.generic(test, sampleCount: test.batch + 2, epsilon: epsilon)
    let (inputs, targets) = problem.rows
    let samples = PackedSamples<Scalar>(inputs: problem.inputs, targets: problem.targets)
    // Out of order and with repetitions.
    let indices = (0..<test.batch).map { UInt32(($0 * 7 + 1) % inputs.count) }
    for rule in Self.rules {
      let step = problem.naive.stepped(
        inputs: indices.map { inputs[Int($0)] }, targets: indices.map { targets[Int($0)] }, rule: rule)
      let descent = problem.naive.stepped(inputs: inputs, targets: targets, rule: rule)
      for set in supportedSets {
        let kernel = DeepKernel<Scalar>(shape: test.shape, instructions: set)
        kernel.layers = problem.naive.layers
        kernel.train(on: samples, batches: indices, batchSize: test.batch, rule: rule)
        check(kernel, step, problem, rule, test.roundings * epsilon, "\(Scalar.self), \(set), \(test.testDescription)")
        let other = DeepKernel<Scalar>(shape: test.shape, instructions: set)
        other.layers = problem.naive.layers
        other.descend(on: samples, rule: rule)
        check(
          other, descent, problem, rule, (test.roundings + 2) * epsilon,
          "descent, \(Scalar.self), \(set), \(test.testDescription)")
      }
    }
    for loss in [TrainingLoss.squaredError, .crossEntropy] {
      let expected = problem.naive.loss(inputs: inputs, targets: targets, loss)
      for set in supportedSets {
        let kernel = DeepKernel<Scalar>(shape: test.shape, loss: loss, instructions: set)
        kernel.layers = problem.naive.layers
        let found = kernel.loss(over: samples)
        #expect(
          abs(found - expected.value) <= test.roundings * epsilon * expected.size,
          "\(loss), \(Scalar.self), \(set), \(test.testDescription)")
      }
    }
  }

  private func check<Scalar: KernelScalar>(
    _ kernel: DeepKernel<Scalar>, _ expected: [(values: [NaiveDeep.Sized], biases: [NaiveDeep.Sized])],
    _ problem: DeepStepProblem, _ rule: UpdateRule, _ relative: Double, _ note: String
  ) {
    #expect(kernel.isFinite, "\(note)")
    for (index, layer) in kernel.layers.enumerated() {
      let isFrozen =
        index == 0 && !rule.updatesFirstLayer || index == expected.count - 1 && !rule.updatesLastLayer
      guard !isFrozen else {
        #expect(layer == problem.naive.layers[index], "\(note): a frozen layer moved")
        continue
      }
      let found = layer.weights.values + (layer.biases ?? [])
      let wanted = expected[index].values + expected[index].biases
      let wrong = zip(found, wanted).enumerated().first { !(abs($1.0 - $1.1.value) <= relative * $1.1.size) }
      #expect(wrong == nil, "\(note), \(rule): layer \(index), element \(wrong?.offset ?? 0)")
    }
  }

  /// The tolerance is worth something: a step that forgets its last sample is far outside of it.
  @Test("the tolerance sees one sample")
  func toleranceSeesOneSample() throws {
    let test = DeepStepCase(widths: [5, 9, 7, 3], batch: 8, slope: 0.25)
    let problem = try DeepStepProblem.generic(test, sampleCount: 8, epsilon: Double.ulpOfOne)
    let (inputs, targets) = problem.rows
    var rule = UpdateRule(learningRate: 0.1)
    let whole = problem.naive.stepped(inputs: inputs, targets: targets, rule: rule)
    rule.learningRate *= 7.0 / 8
    let part = problem.naive.stepped(inputs: inputs.dropLast(), targets: targets.dropLast(), rule: rule)
    for (a, b) in zip(whole, part) {
      let far = zip(a.values, b.values).count {
        abs($0.value - $1.value) > 1000 * test.roundings * Double.ulpOfOne * $0.size
      }
      #expect(far == a.values.count)
    }
  }
}
