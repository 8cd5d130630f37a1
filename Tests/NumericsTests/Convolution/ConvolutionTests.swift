import Testing

@testable import UnderstudyNumerics

/// ``ConvolutionalKernel`` against its naive twin, at odd sizes of everything.
///
/// Tolerances are measured, not chosen: the twin runs in single precision, too, and how far that is from double, relative to the
/// largest number of each array, says what rounding does to this network. Sums in another order err as much; the kernel may err
/// 16 times as much. Winograd's algorithm errs up to 63 times as much as plain sums: of F(4, 3) with oneDNN's points 0, +-5/8, +-3/2
/// and infinity the sum of |A^T| |G| |B^T| is at most 23.7 an output, where the direct sum has 3 terms; in two dimensions that is
/// (23.7 / 3)^2.
@Suite("Networks over images") struct ConvolutionTests {
  static let losses: [TrainingLoss] = [
    .squaredError, .crossEntropy, .distillation(temperature: 3, labelWeight: 0.25),
  ]

  @Test("steps", arguments: ConvolutionCase.all, ConvolutionAlgorithm.allCases)
  func steps(test: ConvolutionCase, algorithm: ConvolutionAlgorithm) throws {
    for (index, loss) in Self.losses.enumerated() {
      let problem = try test.generic(loss: loss)
      let (exact, rounded) = (problem.step(Double.self), problem.step(Float.self))
      let kernel = try kernel(problem, algorithm)
      // The first step of momentum has the negative gradient as its velocity.
      let rule = UpdateRule(optimizer: .gradient(momentum: 0.9), learningRate: 0.5)
      let before = kernel.layers
      expectEqual(before, problem.layers)
      let value = kernel.step(images: problem.pixels, targets: problem.targets, count: test.batch, rule: rule)

      let state = try #require(kernel.optimizerState)
      let error = relativeError(rounded.gradients, exact.gradients)
      let tolerance = error * (kernel.usesWinograd ? 64 : 16)
      #expect(abs(value - exact.loss) <= tolerance * max(1, exact.loss), "loss \(index)")
      compare(
        state.moments.map { $0.map { -$0 } }, exact.gradients, tolerance, "\(test.name), loss \(index): gradients")
      let after = kernel.layers
      compare(after.map { $0.means ?? [] }, exact.means, tolerance, "\(test.name): running means")
      compare(after.map { $0.variances ?? [] }, exact.variances, tolerance, "\(test.name): running variances")
      // Two roundings of the new weight and one of the product.
      let moved = zip(arrays(of: before), state.moments).map { zip($0, $1).map { $0 + 0.5 * $1 } }
      compare(arrays(of: after), moved, 4 * Double(Float.ulpOfOne), "\(test.name): weights")
    }
  }

  @Test("evaluation and its layers", arguments: ConvolutionCase.all, ConvolutionAlgorithm.allCases)
  func evaluation(test: ConvolutionCase, algorithm: ConvolutionAlgorithm) throws {
    let problem = try test.generic(loss: .squaredError)
    let kernel = try kernel(problem, algorithm)
    func twin<Scalar: BinaryFloatingPoint>(_: Scalar.Type, _ images: [[Double]]) -> NaiveImages<Scalar>.Trace {
      var twin = NaiveImages<Scalar>(shape: test.shape, layers: problem.layers)
      return twin.forward(images.map { $0.map { Scalar($0) } }, isTraining: false)
    }
    // More than two batches, and one that is not full.
    let images = test.images(2 * test.batch + 1, key: 5)
    let (exact, rounded) = (twin(Double.self, images), twin(Float.self, images))
    let tolerance = relativeError(rounded.outputs, exact.outputs) * (kernel.usesWinograd ? 64 : 16)
    let outputs = kernel.outputs(of: images.joined().map(Float.init), count: images.count)
    compare([outputs.map(Double.init)], [exact.outputs.flatMap { $0 }], tolerance, "\(test.name): outputs")

    for count in Set([1, test.batch]) {
      var visited: [Int] = []
      let some = images.prefix(count).joined().map(Float.init)
      let again = kernel.outputs(of: some, count: count) { layer, values in
        visited.append(layer)
        let isBefore = test.shape.layers[layer].normalization == .beforeActivation
        let maps = (isBefore ? exact.second[layer] : exact.first[layer]).prefix(count).flatMap { $0 }
        compare([values.map(Double.init)], [maps], tolerance, "\(test.name): layer \(layer)")
      }
      expectEqual(visited, Array(test.shape.layers.indices.dropLast()))
      // Each image is computed on its own: how many there are changes no bit.
      #expect(again == Array(outputs.prefix(again.count)))
      #expect(again.count == count * test.outputCount)
    }
    expectEqual(kernel.layers, problem.layers)
  }

  @Test("Winograd's algorithm is taken where it is faster, and never if direct is asked for")
  func winograd() throws {
    func kernel(_ algorithm: ConvolutionAlgorithm) throws -> ConvolutionalKernel {
      let layers = [3, 33, 17, 16].map {
        ConvolutionalShape.Layer(.convolution(Window(size: 3, padding: 1)), nodeCount: $0, pooling: nil)
      }
      let shape = ConvolutionalShape(
        input: MapSize(channels: 3, rows: 8, columns: 8), layers: layers + [.init(.dense, nodeCount: 2)],
        negativeSlope: 0)
      return try ConvolutionalKernel(shape: shape, loss: .squaredError, batchSize: 2, algorithm: algorithm)
    }
    #expect(try !kernel(.direct).usesWinograd)
    let used = try kernel(.automatic).algorithms.map { $0.forward.contains("wino") && $0.weights.contains("wino") }
    // 33 channels in and 17 out; the other layers have 16 or fewer on one side.
    #expect(used == [false, false, InstructionSet.best == .avx512, false, false])
  }

  @Test("frozen layers stay, the others move as always", arguments: ConvolutionCase.all)
  func frozenLayers(test: ConvolutionCase) throws {
    let problem = try test.generic(loss: .squaredError)
    func moved(_ rule: UpdateRule) throws -> [LayerWeights] {
      let kernel = try kernel(problem, .automatic)
      _ = kernel.step(images: problem.pixels, targets: problem.targets, count: test.batch, rule: rule)
      return kernel.layers.map {
        LayerWeights(weights: $0.weights, biases: $0.biases, scales: $0.scales, shifts: $0.shifts)
      }
    }
    let old = problem.layers.map {
      LayerWeights(weights: $0.weights, biases: $0.biases, scales: $0.scales, shifts: $0.shifts)
    }
    let all = try moved(UpdateRule(learningRate: 0.5))
    let withoutFirst = try moved(UpdateRule(learningRate: 0.5, updatesFirstLayer: false))
    expectEqual(withoutFirst, [old[0]] + all.dropFirst())
    guard test.shape.layers.count > 1 else { return }
    let withoutLast = try moved(UpdateRule(learningRate: 0.5, updatesLastLayer: false))
    expectEqual(withoutLast, all.dropLast() + [old[old.count - 1]])
    #expect(all[0] != old[0])
  }

  @Test("the naive twin's gradients are central differences", arguments: ConvolutionCase.all)
  func centralDifferences(test: ConvolutionCase) throws {
    for loss in Self.losses {
      let problem = try test.generic(loss: loss)
      let exact = problem.step(Double.self).gradients
      func value(_ layers: [LayerWeights]) -> Double {
        var twin = NaiveImages<Double>(shape: test.shape, layers: layers)
        return naiveLoss(
          loss, outputs: twin.forward(problem.images, isTraining: true).outputs, targets: problem.targets
        ).value
      }
      var stream = RandomStream(key: 3, purpose: .test, index: 5)
      for (array, gradient) in exact.enumerated() {
        // A few of each array: a difference takes two passes.
        for index in stream.integers(4, below: gradient.count).map(Int.init) {
          // Below the gap to the next kink; h^2 is 1e-12, rounding 1e-16 / h is 1e-10, of losses and slopes of up to 100.
          let h = 1e-6
          let (up, down) = (nudged(problem, array, index, h), nudged(problem, array, index, -h))
          let difference = (value(up) - value(down)) / (2 * h)
          let size = gradient.map { abs($0) }.max() ?? 0
          #expect(abs(difference - gradient[index]) <= 1e-7 + 1e-5 * size, "\(test.name), array \(array), \(index)")
        }
      }
    }
  }

  // MARK: Support

  private func kernel(_ problem: ConvolutionProblem, _ algorithm: ConvolutionAlgorithm) throws -> ConvolutionalKernel {
    let kernel = try ConvolutionalKernel(
      shape: problem.test.shape, loss: problem.loss, batchSize: problem.test.batch, algorithm: algorithm)
    kernel.layers = problem.layers
    return kernel
  }

  private func nudged(_ problem: ConvolutionProblem, _ array: Int, _ index: Int, _ change: Double) -> [LayerWeights] {
    var arrays = arrays(of: problem.layers)
    arrays[array][index] += change
    return layers(problem.layers, with: arrays)
  }
}

/// The arrays that a step moves, in the order of an `OptimizerState`.
func arrays(of layers: [LayerWeights]) -> [[Double]] {
  layers.map { layer in
    (0..<layer.weights.rowCount).flatMap { node in layer.weights.row(node) + (layer.biases.map { [$0[node]] } ?? []) }
  } + layers.compactMap(\.scales) + layers.compactMap(\.shifts)
}

/// Layers with other numbers in these arrays.
func layers(_ layers: [LayerWeights], with arrays: [[Double]]) -> [LayerWeights] {
  var (result, rest) = (layers, arrays[...])
  for (index, layer) in layers.enumerated() {
    let array = rest.removeFirst()
    let width = layer.weights.columnCount
    let stride = array.count / layer.weights.rowCount
    for node in 0..<layer.weights.rowCount {
      for input in 0..<width { result[index].weights[node, input] = array[node * stride + input] }
      if layer.biases != nil { result[index].biases?[node] = array[node * stride + width] }
    }
  }
  for index in layers.indices where layers[index].scales != nil { result[index].scales = rest.removeFirst() }
  for index in layers.indices where layers[index].shifts != nil { result[index].shifts = rest.removeFirst() }
  return result
}

/// The largest error of any array relative to its largest number; never below what a rounding or two does.
func relativeError(_ rounded: [[Float]], _ exact: [[Double]]) -> Double {
  zip(rounded, exact).reduce(2 * Double(Float.ulpOfOne)) { worst, pair in
    let size = pair.1.map { abs($0) }.max() ?? 0
    let error = zip(pair.0, pair.1).map { abs(Double($0) - $1) }.max() ?? 0
    return size > 0 ? max(worst, error / size) : worst
  }
}

/// Holds arrays against each other, each relative to its largest number.
func compare(
  _ found: [[Double]], _ expected: [[Double]], _ tolerance: Double, _ note: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found.map(\.count) == expected.map(\.count), "\(note)", sourceLocation: sourceLocation)
  for (array, (found, expected)) in zip(found, expected).enumerated() {
    let size = max(1e-3, expected.map { abs($0) }.max() ?? 0)
    let wrong = zip(found, expected).enumerated().first { !(abs($1.0 - $1.1) <= tolerance * size) }
    #expect(
      wrong == nil, "\(note), array \(array) of size \(size), tolerance \(tolerance)", sourceLocation: sourceLocation)
  }
}

extension ConvolutionalKernel {
  var usesWinograd: Bool {
    algorithms.contains { [$0.forward, $0.data ?? "", $0.weights].contains { $0.contains("wino") } }
  }
}

/// Without printing thousands of numbers where they differ.
func expectEqual<Value: Equatable>(_ a: Value, _ b: Value, sourceLocation: SourceLocation = #_sourceLocation) {
  let areEqual = a == b
  #expect(areEqual, sourceLocation: sourceLocation)
}
