import Testing

@testable import UnderstudyNumerics

/// A step is minus the learning rate times the derivative of the loss, by central differences.
@Suite struct DerivativeTests {
  /// Which weight is moved: a layer, and a row and column of it (column -1 is the bias).
  private struct Place {
    let isFirst: Bool
    let row: Int
    let column: Int
  }

  private func places(_ test: TwoLayerCase) -> [Place] {
    let from = test.biases ? -1 : 0
    return (0..<test.n).flatMap { k in (from..<test.d).map { Place(isFirst: true, row: k, column: $0) } }
      + (0..<test.c).flatMap { o in (from..<test.n).map { Place(isFirst: false, row: o, column: $0) } }
  }

  private func value(_ w: [LayerWeights], _ place: Place) -> Double {
    switch (place.isFirst, place.column) {
    case (true, -1): w[0].biases?[place.row] ?? .nan
    case (true, _): w[0].weights[place.row, place.column]
    case (false, -1): w[1].biases?[place.row] ?? .nan
    case (false, _): w[1].weights[place.row, place.column]
    }
  }

  private func moved(_ w: [LayerWeights], _ place: Place, by step: Double) -> [LayerWeights] {
    var w = w
    switch (place.isFirst, place.column) {
    case (true, -1): w[0].biases?[place.row] += step
    case (true, _): w[0].weights[place.row, place.column] += step
    case (false, -1): w[1].biases?[place.row] += step
    case (false, _): w[1].weights[place.row, place.column] += step
    }
    return w
  }

  /// Between kinks the loss is a quadratic function of any one weight, so a central difference is exact and only
  /// rounding remains: that of two losses over the step, and that of the update over the learning rate.
  @Test(arguments: [false, true], [0, 0.01, 1])
  func updatesAreDerivativesOfTheLoss(biases: Bool, slope: Double) throws {
    let step = 1e-4
    for (d, n, c, batch) in [(5, 6, 3, 4), (1, 1, 1, 1), (7, 9, 11, 13), (3, 13, 2, 33)] {
      let test = TwoLayerCase(d: d, n: n, c: c, batch: batch, biases: biases, slope: slope)
      // No pre-activation changes its sign while a weight moves: no input is larger than 5 here.
      let problem = try TwoLayerProblem.generic(test, sampleCount: batch, epsilon: Double.ulpOfOne, distance: 5 * step)
      try #require(problem.inputs.values.allSatisfy { abs($0) < 5 })
      let packed = PackedSamples<Double>(inputs: problem.inputs, targets: problem.targets)
      let bound = TwoLayerTolerance(test, problem, sampleCount: batch, epsilon: Double.ulpOfOne)
      let rate = test.rule.learningRate
      for set in supportedSets {
        let (stochastic, full, probe) = (
          TwoLayerKernel<Double>(shape: test.shape, instructions: set),
          TwoLayerKernel<Double>(shape: test.shape, instructions: set),
          TwoLayerKernel<Double>(shape: test.shape, instructions: set)
        )
        stochastic.layers = problem.weights
        stochastic.train(on: packed, batches: (0..<UInt32(batch)).map { $0 }, batchSize: batch, rule: test.rule)
        full.layers = problem.weights
        full.descend(on: packed, rule: test.rule)
        let (afterStochastic, afterFull) = (stochastic.layers, full.layers)
        for place in places(test) {
          probe.layers = moved(problem.weights, place, by: step)
          let above = probe.loss(over: packed)
          probe.layers = moved(problem.weights, place, by: -step)
          let derivative = (above - probe.loss(over: packed)) / (2 * step)
          let tolerance = bound.loss / step + bound.weights / rate
          let before = value(problem.weights, place)
          #expect(abs((value(afterStochastic, place) - before) / rate + derivative) <= tolerance, "\(set): \(test)")
          #expect(abs((value(afterFull, place) - before) / rate + derivative) <= tolerance, "\(set): \(test)")
          #expect(tolerance < 1e-5, "too wide to say anything")
        }
      }
    }
  }
}
