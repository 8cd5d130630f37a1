import UnderstudyNetworks
import UnderstudyNumerics

/// Steps of gradient descent that are infinitely short, over infinitely many samples: the weights follow
/// dW/dt = -dJ/dW of the expected loss over Gaussian inputs.
///
/// One unit of time is as long as 1/rate steps of that learning rate; an epoch takes rate x steps.
struct GradientFlow {
  let objective: GaussianObjective
  let rule: UpdateRule

  /// Errors of a step, as a share of each weight; and for weights that are nearly 0.
  static let tolerance = IntegrationTolerance(absolute: 1e-10, relative: 1e-8)

  /// Why the flow cannot be followed so; nil if it can.
  static func objection(to plan: TrainingPlan, on shape: NetworkShape, isDouble: Bool) -> String? {
    guard case .expectedFlow(let objective) = plan.method else { return nil }
    if shape.layerCount != 2 || shape.normalization != .none {
      return "the expected gradient flow is that of students of one hidden layer without normalisation"
    }
    let teacher = objective.teacher
    guard
      teacher[0].weights.columnCount == shape.inputCount, teacher[1].weights.rowCount == shape.outputCount,
      objective.negativeSlope == shape.negativeSlope
    else { return "the flow's teacher has other inputs, outputs or slopes than the student" }
    if plan.optimizer != .gradient(momentum: 0) || plan.loss != .squaredError || plan.unitNormFirstLayer || !isDouble {
      return "the expected gradient flow is that of plain steps along the squared error's gradient, in double precision"
    }
    return nil
  }

  /// Follows it from some layers, in place.
  ///
  /// - Parameters:
  ///   - place: within an epoch; nil at its beginning, and once it is over.
  ///   - duration: learning rate times steps.
  ///   - isCancelled: asked before each step of the integration, with the time.
  func follow(
    _ layers: inout [LayerWeights], from place: inout IntegrationPlace?, for duration: Double,
    isCancelled: (Double) -> Bool
  ) -> IntegrationEnd {
    let form = layers
    var values = layers.flatMap { $0.weights.values + ($0.biases ?? []) }
    let end = integrate(
      &values, from: &place, over: duration, tolerance: Self.tolerance, isCancelled: isCancelled,
      derivative: { velocity(of: $0, form: form) })
    layers = form.refilled(with: values)
    if end != .stopped || place?.time == 0 { place = nil }
    return end
  }

  private func velocity(of values: [Double], form: [LayerWeights]) -> [Double] {
    let gradients = objective.evaluate(form.refilled(with: values)).gradients
    var velocity: [Double] = []
    velocity.reserveCapacity(values.count)
    for (gradient, moves) in zip(gradients, [rule.updatesFirstLayer, rule.updatesLastLayer]) {
      for slope in gradient.weights.values + (gradient.biases ?? []) {
        velocity.append(moves ? -slope - rule.weightDecay * values[velocity.count] : 0)
      }
    }
    return velocity
  }
}

extension [LayerWeights] {
  /// Layers of these shapes with other numbers: of each layer its weights, then its biases.
  fileprivate func refilled(with values: [Double]) -> [LayerWeights] {
    var start = 0
    func next(_ count: Int) -> [Double] {
      defer { start += count }
      return [Double](values[start..<start + count])
    }
    return map { layer in
      let (rows, columns) = (layer.weights.rowCount, layer.weights.columnCount)
      let weights = Matrix(rowCount: rows, columnCount: columns, values: next(rows * columns))
      return LayerWeights(weights: weights, biases: layer.biases.map { next($0.count) })
    }
  }
}

extension Trainer {
  /// What is left of an epoch of the flow.
  ///
  /// - Returns: false if it was cancelled; the student is then at that place.
  func follow(
    _ objective: GaussianObjective, rule: UpdateRule, from place: inout IntegrationPlace?, isCancelled: () -> Bool
  ) -> Bool {
    var layers = engine.layers
    let duration = rule.learningRate * Double(plan.stepsPerEpoch)
    let end = GradientFlow(objective: objective, rule: rule).follow(&layers, from: &place, for: duration) { time in
      epochShare = time / duration
      return isCancelled()
    }
    switch end {
    case .reached, .stopped: engine.layers = layers
    case .failed:
      // Not finite, so that the run is recorded as diverged.
      for index in layers.indices { layers[index].weights = layers[index].weights.scaled(by: .nan) }
      engine.layers = layers
    }
    return end != .stopped
  }
}
