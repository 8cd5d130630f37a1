import Testing

@testable import UnderstudyNumerics

/// Several steps: optimizers, checkpoints, threads, layouts of oneDNN.
@Suite("Training of networks over images") struct ConvolutionTrainingTests {
  private static let rules = [
    UpdateRule(learningRate: 0.002), UpdateRule(learningRate: 0.002, weightDecay: 0.5),
    UpdateRule(optimizer: .gradient(momentum: 0.9), learningRate: 0.002, weightDecay: 0.1),
    UpdateRule(optimizer: .adam, learningRate: 0.01, weightDecay: 0.1),
  ]

  /// Gradients are held against the twin elsewhere: here they come from a kernel that takes the first step of momentum, and what
  /// rules make of them is repeated in double precision.
  @Test("two steps of each rule", arguments: ConvolutionCase.all)
  func rules(test: ConvolutionCase) throws {
    for rule in Self.rules {
      let kernel = try kernel(test)
      let count = arrays(of: kernel.layers).map(\.count)
      var weights = arrays(of: kernel.layers)
      var (first, second) = (
        count.map { [Double](repeating: 0, count: $0) }, count.map { [Double](repeating: 0, count: $0) }
      )
      for step in 1...2 {
        let negative = try negativeGradients(test, at: kernel.layers, step: step)
        take(step, kernel, test, rule)
        for array in count.indices {
          for i in 0..<count[array] {
            let g = negative[array][i] - rule.weightDecay * weights[array][i]
            switch rule.optimizer {
            case .gradient(let momentum):
              first[array][i] = momentum * first[array][i] + g
              weights[array][i] += rule.learningRate * first[array][i]
            case .adam:
              first[array][i] = 0.9 * first[array][i] + 0.1 * g
              second[array][i] = 0.999 * second[array][i] + 0.001 * g * g
              let root = (second[array][i] / (1 - power(0.999, Double(step)))).squareRoot() + 1e-8
              weights[array][i] += rule.learningRate * first[array][i] / (1 - power(0.9, Double(step))) / root
            }
          }
        }
        // About ten roundings of numbers of the size of a weight or of its change.
        let found = arrays(of: kernel.layers)
        compare(found, weights, 32 * Double(Float.ulpOfOne), "\(test.name), \(rule.optimizer), step \(step)")
        weights = found
        if rule.isPlain {
          #expect(kernel.optimizerState == nil)
        } else {
          let state = try #require(kernel.optimizerState)
          #expect(state.stepCount == step)
          compare(
            Array(state.moments.prefix(count.count)), first, 32 * Double(Float.ulpOfOne), "\(test.name), first moments")
          first = Array(state.moments.prefix(count.count))
          if rule.optimizer == .adam {
            compare(
              Array(state.moments.dropFirst(count.count)), second, 32 * Double(Float.ulpOfOne), "\(test.name), second")
            second = Array(state.moments.dropFirst(count.count))
          }
        }
      }
    }
  }

  @Test("a checkpoint half-way gives the same bits", arguments: ConvolutionCase.all)
  func checkpoint(test: ConvolutionCase) throws {
    for rule in Self.rules {
      let (whole, half) = (try kernel(test), try kernel(test))
      for step in 1...4 { take(step, whole, test, rule) }
      for step in 1...2 { take(step, half, test, rule) }
      let resumed = try kernel(test)
      resumed.layers = half.layers
      if let state = half.optimizerState { #expect(resumed.restore(state)) }
      for step in 3...4 { take(step, resumed, test, rule) }
      expectEqual(resumed.layers, whole.layers)
      expectEqual(resumed.optimizerState, whole.optimizerState)
      #expect(whole.isFinite)
    }
  }

  @Test func momentsOfAnotherNetworkAreRefused() throws {
    let kernels = try ConvolutionCase.all.prefix(2).map { try kernel($0) }
    take(1, kernels[1], ConvolutionCase.all[1], UpdateRule(optimizer: .adam, learningRate: 0.1))
    let state = try #require(kernels[1].optimizerState)
    #expect(!kernels[0].restore(state))
    #expect(kernels[0].optimizerState == nil)
  }

  @Test("more threads change nothing that is stored, and rounding alone", arguments: ConvolutionCase.all)
  func threads(test: ConvolutionCase) throws {
    let rule = UpdateRule(optimizer: .adam, learningRate: 0.01)
    let one = try kernel(test)
    take(1, one, test, rule)
    func continued() throws -> ConvolutionalKernel {
      let kernel = try kernel(test, threads: 2)
      kernel.layers = one.layers
      #expect(kernel.restore(try #require(one.optimizerState)))
      return kernel
    }
    let two = try continued()
    expectEqual(two.layers, one.layers)
    expectEqual(two.optimizerState, one.optimizerState)
    let pixels = test.images(test.batch, key: 1).joined().map(Float.init)
    let (few, many) = (one.outputs(of: pixels, count: test.batch), two.outputs(of: pixels, count: test.batch))
    compare([many.map(Double.init)], [few.map(Double.init)], 1e-4, test.name)
    take(2, two, test, rule)
    let again = try continued()
    take(2, again, test, rule)
    expectEqual(again.layers, two.layers)
  }

  @Test("a kernel that takes no steps is smaller, and answers the same", arguments: ConvolutionCase.all)
  func evaluationOnly(test: ConvolutionCase) throws {
    let trained = try kernel(test)
    let small = try ConvolutionalKernel(
      shape: test.shape, loss: .squaredError, batchSize: test.batch, isTrained: false)
    small.layers = trained.layers
    let pixels = test.images(test.batch, key: 1).joined().map(Float.init)
    #expect(small.outputs(of: pixels, count: test.batch) == trained.outputs(of: pixels, count: test.batch))
    func bytes(isTrained: Bool, momentCount: Int = 0, hasGradients: Bool = false) throws -> Int {
      try ConvolutionalKernel.byteCount(
        shape: test.shape, batchSize: test.batch, isTrained: isTrained, momentCount: momentCount,
        hasGradients: hasGradients)
    }
    let (evaluating, training) = (try bytes(isTrained: false), try bytes(isTrained: true))
    #expect(evaluating == small.passes.builder.byteCount && training == trained.passes.builder.byteCount)
    // All that steps need: inputs, maps, weights with their gradients, all in single precision.
    let weights = trained.layers.reduce(0) { $0 + $1.weights.values.count }
    let maps = test.shape.activationSizes.reduce(test.shape.input.count) { $0 + $1.count }
    #expect(training >= 4 * (test.batch * maps + 2 * weights) && evaluating >= 4 * (test.batch * maps + weights))
    #expect(evaluating + 4 * weights <= training)
    #expect(try bytes(isTrained: true, momentCount: 2) >= training + 8 * weights)
    // The way back is built when it is asked for.
    func gradients(_ kernel: ConvolutionalKernel) -> [[Float]] {
      var result: [[Float]] = []
      kernel.outputGradients(of: pixels, count: test.batch) { _, _, values in result.append(values) }
      return result
    }
    #expect(gradients(small) == gradients(trained))
    #expect(try bytes(isTrained: false, hasGradients: true) == small.passes.builder.byteCount)
    #expect(small.outputs(of: pixels, count: test.batch) == trained.outputs(of: pixels, count: test.batch))
  }

  @Test func divergenceIsSeen() throws {
    let test = ConvolutionCase.all[3]
    let kernel = try kernel(test)
    var losses: [Double] = []
    for step in 1...30 { losses.append(take(step, kernel, test, UpdateRule(learningRate: 1e6))) }
    #expect(!kernel.isFinite)
    #expect(losses.last?.isFinite == false)
  }

  /// The labels are one-hot outputs where there are none.
  @Test func crossEntropyTakesTheLargestOutput() throws {
    let test = ConvolutionCase.all[0]
    let (a, b) = (try kernel(test, .crossEntropy), try kernel(test, .crossEntropy))
    let labels: [UInt8] = [2, 0, 1]
    let outputs: [Float] = [0, 1, 2, 5, -1, 1, 0, 0.5, 0.25]
    let pixels = test.images(test.batch, key: 1).joined().map(Float.init)
    let rule = UpdateRule(learningRate: 0.1)
    let values = [
      a.step(images: pixels, targets: ImageTargets(labels: labels), count: 3, rule: rule),
      b.step(images: pixels, targets: ImageTargets(outputs: outputs), count: 3, rule: rule),
    ]
    #expect(values[0] == values[1])
    expectEqual(a.layers, b.layers)
  }

  // MARK: Support

  private func kernel(
    _ test: ConvolutionCase, _ loss: TrainingLoss = .squaredError, threads: Int = 1
  ) throws -> ConvolutionalKernel {
    let kernel = try ConvolutionalKernel(shape: test.shape, loss: loss, batchSize: test.batch, threads: threads)
    kernel.layers = test.layers(key: 1)
    return kernel
  }

  @discardableResult
  private func take(_ step: Int, _ kernel: ConvolutionalKernel, _ test: ConvolutionCase, _ rule: UpdateRule) -> Double {
    kernel.step(
      images: test.images(test.batch, key: step).joined().map(Float.init), targets: test.targets(key: step),
      count: test.batch, rule: rule)
  }

  private func negativeGradients(
    _ test: ConvolutionCase, at layers: [LayerWeights], step: Int
  ) throws -> [[Double]] {
    let fresh = try kernel(test)
    fresh.layers = layers
    take(step, fresh, test, UpdateRule(optimizer: .gradient(momentum: 0), learningRate: 0, weightDecay: 1e-300))
    return try #require(fresh.optimizerState).moments
  }
}
