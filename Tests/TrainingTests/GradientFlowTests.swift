import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTraining

@Suite struct GradientFlowTests {
  private struct Case {
    let teacher: Teacher
    let student: Student

    init(bias: Double? = -0.1, slope: Double = 0, scale: Double = 0.3) throws {
      teacher = try TeacherDesign(
        inputCount: 6, hiddenCount: 3, outputCount: 4, weights: .discrete, bias: bias, strengthDecay: 0.5,
        activation: Activation(negativeSlope: slope)
      ).draw(key: 4)
      student = try StudentDesign(hiddenCount: 5, scale: scale).draw(for: teacher, key: 4)
    }

    var objective: GaussianObjective {
      get throws { try GaussianObjective(of: teacher, inputDeviation: 1.5, for: student) }
    }

    func plan(
      frozen: TrainingPlan.FrozenLayer = .none, epochs: Int = 3, weightDecay: Double = 0, momentum: Double = 0
    ) throws -> TrainingPlan {
      TrainingPlan(
        method: .expectedFlow(try objective), learningRate: 0.01, epochCount: epochs, stepsPerEpoch: 50,
        frozenLayer: frozen, optimizer: .gradient(momentum: momentum), weightDecay: weightDecay)
    }

    /// No samples are looked at.
    var samples: PackedSamples<Double> {
      PackedSamples(inputs: Matrix(rowCount: 1, columnCount: 6), targets: Matrix(rowCount: 1, columnCount: 4))
    }

    func followed(_ plan: TrainingPlan) throws -> Student {
      let trainer = try Trainer<Double>(student: student, plan: plan, batches: .drawn(key: 4))
      for epoch in 1...plan.epochCount { trainer.train(epoch: epoch, on: samples) }
      return try trainer.student
    }
  }

  private func moved(_ layers: [LayerWeights], along gradients: [LayerWeights], by factor: Double) -> [LayerWeights] {
    func sum(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 + factor * $1 } }
    return zip(layers, gradients).map { layer, gradient in
      var layer = layer
      layer.weights.values = sum(layer.weights.values, gradient.weights.values)
      if let own = layer.biases, let other = gradient.biases { layer.biases = sum(own, other) }
      return layer
    }
  }

  private func distance(_ a: [LayerWeights], _ b: [LayerWeights]) -> Double {
    zip(a, b).map {
      max(
        largestDifference($0.weights, $1.weights), zip($0.biases ?? [], $1.biases ?? []).map { abs($0 - $1) }.max() ?? 0
      )
    }
    .max() ?? 0
  }

  /// The naive twin: Heun's steps of 1/2000 unit of time, whose error is of second order.
  @Test(arguments: [nil, -0.1], [0, 0.1])
  func agreesWithShortSteps(bias: Double?, slope: Double) throws {
    let test = try Case(bias: bias, slope: slope)
    let objective = try test.objective
    var layers = test.student.network.layers.map(LayerWeights.init)
    let step = 1.5 / 3000
    for _ in 0..<3000 {
      let first = objective.evaluate(layers).gradients
      let second = objective.evaluate(moved(layers, along: first, by: -step)).gradients
      layers = moved(moved(layers, along: first, by: -step / 2), along: second, by: -step / 2)
    }
    let followed = try test.followed(try test.plan()).network.layers.map(LayerWeights.init)
    #expect(distance(layers, followed) < 2e-6)
    #expect(distance(followed, test.student.network.layers.map(LayerWeights.init)) > 0.1)
  }

  /// Of each (leaky) ReLU node ||v_k||^2 - ||w_k||^2 - b_k^2 never changes along the flow.
  @Test(arguments: [nil, -0.1], [0, 0.1])
  func balanceIsConserved(bias: Double?, slope: Double) throws {
    let test = try Case(bias: bias, slope: slope)
    func balances(_ student: Student) throws -> [Double] {
      let view = try TwoLayerView(student.network)
      return (0..<view.nodeCount).map { k in
        dotProduct(view.fanOut(k), view.fanOut(k)) - dotProduct(view.row(k), view.row(k))
      }
    }
    let followed = try test.followed(try test.plan(epochs: 40))
    for (before, after) in zip(try balances(test.student), try balances(followed)) {
      #expect(abs(before - after) < 1e-6)
    }
  }

  @Test func lossNeverRises() throws {
    let test = try Case()
    let plan = try test.plan(epochs: 60)
    let trainer = try Trainer<Double>(student: test.student, plan: plan, batches: .drawn(key: 4))
    var losses = [try test.objective.evaluate(trainer.engine.layers).loss]
    for epoch in 1...60 {
      trainer.train(epoch: epoch, on: test.samples)
      losses.append(try test.objective.evaluate(trainer.engine.layers).loss)
    }
    for (before, after) in zip(losses, losses.dropFirst()) { #expect(after < before) }
    #expect(losses[60] < losses[0] / 20)
  }

  /// Steps of gradient descent tend to the flow as they shrink and samples become more: the error of the rate is of first order, that
  /// of N samples of order 1/2.
  @Test func gradientDescentTendsToTheFlow() throws {
    let test = try Case()
    let flow = try test.followed(try test.plan()).network.layers.map(LayerWeights.init)
    func descended(_ count: Int, rate: Double) throws -> Double {
      let inputs = InputDesign(count: count, standardDeviation: 1.5, distribution: .gaussian)
        .draw(for: test.teacher, key: 4, purpose: .trainingInputs)
      let samples = PackedSamples<Double>(inputs: inputs, targets: try test.teacher.network.outputs(for: inputs))
      let plan = TrainingPlan(
        method: .fullBatch, learningRate: rate, epochCount: 1, stepsPerEpoch: Int((1.5 / rate).rounded()))
      let trainer = try Trainer<Double>(student: test.student, plan: plan, batches: .drawn(key: 4))
      trainer.train(epoch: 1, on: samples)
      return distance(trainer.engine.layers, flow)
    }
    let coarse = try descended(300, rate: 0.05)
    let fine = try descended(30_000, rate: 0.005)
    #expect(fine < coarse / 4 && fine < 0.03)
  }

  @Test func resumingGivesTheSameBits() throws {
    let test = try Case()
    let plan = try test.plan(epochs: 4)
    let whole = try test.followed(plan)
    let first = try Trainer<Double>(student: test.student, plan: plan, batches: .drawn(key: 4))
    for epoch in 1...2 { first.train(epoch: epoch, on: test.samples) }
    // Cut short before the first step of an epoch, the student is where that began.
    #expect(!first.train(epoch: 3, on: test.samples, isCancelled: { true }))
    let second = try Trainer<Double>(
      student: try first.student, plan: plan, batches: .drawn(key: 4), isResuming: true)
    for epoch in 3...4 { second.train(epoch: epoch, on: test.samples) }
    #expect(try second.student == whole)
  }

  @Test func frozenLayersStayAndDecayShrinks() throws {
    let test = try Case()
    let first = try test.followed(try test.plan(frozen: .first))
    #expect(first.network.layers[0] == test.student.network.layers[0])
    #expect(first.network.layers[1] != test.student.network.layers[1])
    let last = try test.followed(try test.plan(frozen: .last))
    #expect(last.network.layers[1] == test.student.network.layers[1])
    func size(_ student: Student) -> Double { euclideanNorm(student.network.layers[1].weights.values) }
    #expect(size(try test.followed(try test.plan(weightDecay: 0.5))) < size(try test.followed(try test.plan())))
  }

  @Test func refusals() throws {
    let test = try Case()
    func trainer<Scalar: KernelScalar>(_: Scalar.Type, _ plan: TrainingPlan) throws -> Trainer<Scalar> {
      try Trainer<Scalar>(student: test.student, plan: plan, batches: .drawn(key: 4))
    }
    #expect(throws: ShapeError.self) { try trainer(Float.self, test.plan()) }
    #expect(throws: ShapeError.self) { try trainer(Double.self, test.plan(momentum: 0.5)) }
    let other = try Case(slope: 0.1)
    #expect(throws: ShapeError.self) { try trainer(Double.self, other.plan()) }
  }

  /// Weights that overflow end the flow: they are not finite, so that the run is recorded as diverged.
  @Test func overflowIsDivergence() throws {
    let test = try Case(scale: 1e160)
    let trainer = try Trainer<Double>(student: test.student, plan: try test.plan(), batches: .drawn(key: 4))
    trainer.train(epoch: 1, on: test.samples)
    #expect(!trainer.isFinite)
  }
}
