import Testing

@testable import UnderstudyNumerics

private let hasBothSets = InstructionSet.avx2.isSupported && InstructionSet.avx512.isSupported

/// Same seed, same bits: on AVX2 and AVX-512, in one call or many, whatever ran before on the same memory.
@Suite struct SameBitsTests {
  /// The bits of weights after three steps of SGD and two of descent, and of the losses.
  private func trace<Scalar: KernelScalar>(_ test: TwoLayerCase, _ set: InstructionSet, _: Scalar.Type) throws
    -> [UInt64]
  {
    let problem = try TwoLayerProblem.generic(test, sampleCount: test.batch + 2, epsilon: 0)
    let packed = PackedSamples<Scalar>(inputs: problem.inputs, targets: problem.targets)
    let kernel = TwoLayerKernel<Scalar>(shape: test.shape, instructions: set)
    kernel.layers = problem.weights
    var stream = RandomStream(key: 22, purpose: .test)
    let batches = stream.integers(3 * test.batch, below: packed.count)
    var result = [kernel.loss(over: packed).bitPattern]
    kernel.train(on: packed, batches: batches, batchSize: test.batch, rule: test.rule)
    result += bits(kernel.layers)
    for _ in 0..<2 { kernel.descend(on: packed, rule: test.rule) }
    return result + bits(kernel.layers) + [kernel.loss(over: packed).bitPattern]
  }

  @Test(.enabled(if: hasBothSets, "this processor has not both AVX2 and AVX-512"))
  func trainingOnBothInstructionSets() throws {
    for test in TwoLayerCase.all {
      #expect(try trace(test, .avx2, Double.self) == trace(test, .avx512, Double.self), "Double: \(test)")
      #expect(try trace(test, .avx2, Float.self) == trace(test, .avx512, Float.self), "Float: \(test)")
    }
  }

  @Test(.enabled(if: hasBothSets, "this processor has not both AVX2 and AVX-512"), arguments: 1...33)
  func productsOnBothInstructionSets(size: Int) {
    for (rows, depth, columns) in [(size, 7, 5), (6, size, 13), (13, 3, size)] {
      for transposing in [false, true] {
        let product = { (set: InstructionSet) in
          var stream = RandomStream(key: 23, purpose: .test, index: size)
          let a = stream.normalMatrix(
            rowCount: transposing ? depth : rows, columnCount: transposing ? rows : depth, standardDeviation: 1)
          let b = stream.normalMatrix(rowCount: depth, columnCount: columns, standardDeviation: 1)
          var c = stream.normalMatrix(rowCount: rows, columnCount: columns, standardDeviation: 1)
          multiply(a, b, into: &c, adding: true, transposingFirst: transposing, instructions: set)
          return c.values.map(\.bitPattern)
        }
        #expect(product(.avx2) == product(.avx512), "\(rows) x \(depth) x \(columns), transposing \(transposing)")
      }
    }
  }

  @Test func severalStepsInOneCallAreThoseOfManyCalls() throws {
    for set in supportedSets {
      for test in TwoLayerCase.all.filter({ $0.batch > 1 }) {
        let problem = try TwoLayerProblem.generic(test, sampleCount: 40, epsilon: 0)
        let samples = PackedSamples<Double>(inputs: problem.inputs, targets: problem.targets)
        var stream = RandomStream(key: 24, purpose: .test)
        let batches = stream.integers(5 * test.batch, below: 40)
        let (whole, parts) = (
          TwoLayerKernel<Double>(shape: test.shape, instructions: set),
          TwoLayerKernel<Double>(shape: test.shape, instructions: set)
        )
        whole.layers = problem.weights
        parts.layers = problem.weights
        whole.train(on: samples, batches: batches, batchSize: test.batch, rule: test.rule)
        for step in 0..<5 {
          let batch = Array(batches[(step * test.batch)..<((step + 1) * test.batch)])
          parts.train(on: samples, batches: batch, batchSize: test.batch, rule: test.rule)
        }
        #expect(bits(whole.layers) == bits(parts.layers), "\(set): \(test)")
      }
    }
  }

  /// The workspace is shared by everything a kernel does, and grows; nothing may be left over in it.
  @Test(arguments: supportedSets, [false, true])
  func memoryOfEarlierWorkDoesNotMatter(set: InstructionSet, biases: Bool) throws {
    try checkMemory(set, biases, Double.self)
    try checkMemory(set, biases, Float.self)
  }

  private func checkMemory<Scalar: KernelScalar>(_ set: InstructionSet, _ biases: Bool, _: Scalar.Type) throws {
    let test = TwoLayerCase(d: 11, n: 7, c: 5, biases: biases)
    let problem = try TwoLayerProblem.generic(test, sampleCount: 90, epsilon: 0)
    let packed = PackedSamples<Scalar>(inputs: problem.inputs, targets: problem.targets)
    let used = TwoLayerKernel<Scalar>(shape: test.shape, instructions: set)
    // Small batches, larger ones than any before, small again; between them, losses and descents.
    for batch in [1, 4, 16, 17, 33, 64, 90, 5, 1] {
      let fresh = TwoLayerKernel<Scalar>(shape: test.shape, instructions: set)
      let batches = (0..<(2 * batch)).map { UInt32($0 * 13 % 90) }
      for kernel in [used, fresh] {
        kernel.layers = problem.weights
        kernel.train(on: packed, batches: batches, batchSize: batch, rule: test.rule)
      }
      #expect(bits(used.layers) == bits(fresh.layers), "\(Scalar.self), batch \(batch)")
      #expect(used.loss(over: packed) == fresh.loss(over: packed))
      for kernel in [used, fresh] { kernel.descend(on: packed, rule: test.rule) }
      #expect(bits(used.layers) == bits(fresh.layers), "\(Scalar.self), descent after batch \(batch)")
    }
  }

  @Test func weightsSurviveTheRoundTrip() throws {
    for test in TwoLayerCase.all {
      let weights = try TwoLayerProblem.generic(test, sampleCount: 1, epsilon: 0).weights
      let (double, single) = (TwoLayerKernel<Double>(shape: test.shape), TwoLayerKernel<Float>(shape: test.shape))
      double.layers = weights
      single.layers = weights
      #expect(double.layers == weights && single.layers == weights, "\(test)")
    }
  }

  /// Every weight counts: one NaN anywhere, biases included, is noticed.
  @Test func divergenceIsNoticed() throws {
    let test = TwoLayerCase(d: 3, n: 2, c: 2)
    let weights = try TwoLayerProblem.generic(test, sampleCount: 1, epsilon: 0).weights
    let kernel = TwoLayerKernel<Double>(shape: test.shape)
    for place in 0..<4 {
      for value in [Double.nan, .infinity] {
        var broken = weights
        switch place {
        case 0: broken[0].weights[1, 2] = value
        case 1: broken[0].biases?[1] = value
        case 2: broken[1].weights[1, 1] = value
        default: broken[1].biases?[1] = value
        }
        kernel.layers = broken
        #expect(!kernel.isFinite, "place \(place)")
      }
    }
    kernel.layers = weights
    #expect(kernel.isFinite)
  }
}
