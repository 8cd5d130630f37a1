import Testing
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema
import UnderstudyTheory

@testable import UnderstudyTraining

private struct Problem {
  let teacher: Teacher
  let student: Student
  let inputs: Matrix
  let targets: Matrix

  init(d: Int = 9, m: Int = 3, n: Int = 5, c: Int = 4, samples: Int = 70, bias: Double? = -0.1) throws {
    teacher = try TeacherDesign(
      inputCount: d, hiddenCount: m, outputCount: c, weights: .discrete, bias: bias, strengthDecay: 0.5,
      activation: .relu
    ).draw(key: 4)
    student = try StudentDesign(hiddenCount: n, scale: 0.3).draw(for: teacher, key: 4)
    inputs = InputDesign(count: samples, standardDeviation: 1.5, distribution: .gaussian)
      .draw(for: teacher, key: 4, purpose: .trainingInputs)
    targets = try teacher.network.outputs(for: inputs)
  }

  func trained<Scalar: KernelScalar>(
    _: Scalar.Type, _ plan: TrainingPlan, instructions: InstructionSet = .best,
    batches: BatchOrder = .drawn(key: 4)
  ) throws -> Student {
    let trainer = try Trainer<Scalar>(
      student: student, plan: plan, batches: batches, instructions: instructions)
    let samples = PackedSamples<Scalar>(inputs: inputs, targets: targets)
    for epoch in 1...plan.epochCount { trainer.train(epoch: epoch, on: samples) }
    return try trainer.student
  }
}

private func plan(
  _ method: TrainingPlan.Method = .stochastic(batchSize: 13), rate: Double = 0.05, halving: Int = 0, epochs: Int = 4,
  steps: Int = 6, frozen: TrainingPlan.FrozenLayer = .none, unitNorm: Bool = false
) -> TrainingPlan {
  TrainingPlan(
    method: method, learningRate: rate, learningRateHalvingInterval: halving, epochCount: epochs, stepsPerEpoch: steps,
    frozenLayer: frozen, unitNormFirstLayer: unitNorm)
}

@Suite("Two-layer trainer") struct TrainerTests {
  @Test("a step of gradient descent moves along minus the gradient that the theory measures")
  func descent() throws {
    let problem = try Problem()
    let rate = 1e-3
    let after = try problem.trained(Double.self, plan(.fullBatch, rate: rate, epochs: 1, steps: 1))
    let norms = try gradients(of: problem.student, over: problem.inputs, targets: problem.targets).layerNorms
    let moved = try weightChanges(from: problem.student.network, to: after.network)
    // Both are sums of 70 products in double precision, in different orders.
    for (moved, norm) in zip(moved, norms) { #expect(abs(moved / rate - norm) < 1e-10 * norm) }
  }

  @Test("SGD over one batch that holds every sample once is a step of gradient descent")
  func wholeBatch() throws {
    let problem = try Problem()
    let descent = try problem.trained(Double.self, plan(.fullBatch, epochs: 1, steps: 1))
    let stochastic = try problem.trained(
      Double.self, plan(.stochastic(batchSize: 70), epochs: 1, steps: 1), batches: .given(indices: Array(0..<70)))
    let difference = try weightChanges(from: descent.network, to: stochastic.network)
    #expect(difference.allSatisfy { $0 < 1e-13 })
  }

  @Test("the loss falls, in both precisions and by both methods")
  func learning() throws {
    let problem = try Problem()
    func loss(_ student: Student) throws -> Double {
      try gradients(of: student, over: problem.inputs, targets: problem.targets).loss
    }
    let before = try loss(problem.student)
    for method in [TrainingPlan.Method.stochastic(batchSize: 16), .fullBatch] {
      let double = try loss(problem.trained(Double.self, plan(method, epochs: 10, steps: 40)))
      let float = try loss(problem.trained(Float.self, plan(method, epochs: 10, steps: 40)))
      #expect(double < before / 10)
      #expect(abs(float - double) < 0.01 * before)
    }
  }

  @Test("a trainer made from the student of an epoch goes on with the same bits", arguments: [false, true])
  func resuming(unitNorm: Bool) throws {
    let problem = try Problem()
    let plan = plan(halving: 2, unitNorm: unitNorm)
    let whole = try problem.trained(Double.self, plan)
    let first = try Trainer<Double>(student: problem.student, plan: plan, batches: .drawn(key: 4))
    let samples = PackedSamples<Double>(inputs: problem.inputs, targets: problem.targets)
    for epoch in 1...2 { first.train(epoch: epoch, on: samples) }
    let second = try Trainer<Double>(
      student: try first.student, plan: plan, batches: .drawn(key: 4), isResuming: true)
    for epoch in 3...4 { second.train(epoch: epoch, on: samples) }
    #expect(try second.student == whole)
  }

  @Test(
    "AVX2 and AVX-512 kernels train to the same bits",
    .enabled(if: InstructionSet.avx512.isSupported, "this processor has no AVX-512"), arguments: [true, false])
  func sameBits(double: Bool) throws {
    let problem = try Problem(d: 37, m: 5, n: 17, c: 11)
    let plan = plan(epochs: 3, steps: 20)
    if double {
      let results = try [InstructionSet.avx2, .avx512].map {
        try problem.trained(Double.self, plan, instructions: $0)
      }
      #expect(results[0] == results[1])
    } else {
      let results = try [InstructionSet.avx2, .avx512].map { try problem.trained(Float.self, plan, instructions: $0) }
      #expect(results[0] == results[1])
    }
  }

  @Test("a frozen layer keeps its bits, and the other learns")
  func frozen() throws {
    let problem = try Problem()
    let first = try problem.trained(Double.self, plan(frozen: .first))
    #expect(first.network.layers[0] == problem.student.network.layers[0])
    #expect(first.network.layers[1] != problem.student.network.layers[1])
    let last = try problem.trained(Double.self, plan(.fullBatch, frozen: .last))
    #expect(last.network.layers[1] == problem.student.network.layers[1])
    #expect(last.network.layers[0] != problem.student.network.layers[0])
  }

  @Test("unit norm holds after every kind of step, without the bias")
  func unitNorm() throws {
    let problem = try Problem()
    for method in [TrainingPlan.Method.stochastic(batchSize: 16), .fullBatch] {
      let layer = try problem.trained(Double.self, plan(method, unitNorm: true)).network.layers[0]
      for node in 0..<layer.nodeCount { #expect(abs(euclideanNorm(layer.weights.row(node)) - 1) < 1e-14) }
    }
  }

  @Test("without biases there are none after training")
  func noBiases() throws {
    let network = try Problem(bias: nil).trained(Double.self, plan()).network
    #expect(network.layers.allSatisfy { $0.biases == nil })
  }

  @Test("the learning rate halves at the start of every interval after the first")
  func halving() {
    let rates = (1...7).map { plan(rate: 0.8, halving: 3).rule(epoch: $0).learningRate }
    #expect(rates == [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2])
  }

  @Test("drawn batches are those of the epoch, whatever came before; given ones are taken in order")
  func batches() {
    let drawn = BatchOrder.drawn(key: 1)
    let third = drawn.indices(epoch: 3, stepCount: 10, batchSize: 4, sampleCount: 50)
    #expect(third == drawn.indices(epoch: 3, stepCount: 10, batchSize: 4, sampleCount: 50))
    #expect(third != drawn.indices(epoch: 2, stepCount: 10, batchSize: 4, sampleCount: 50))
    #expect(third.allSatisfy { $0 < 50 })
    let given = BatchOrder.given(indices: Array(0..<24))
    #expect(given.indices(epoch: 2, stepCount: 3, batchSize: 4, sampleCount: 50) == Array(12..<24))
  }

  /// Epochs of 40 samples: fewer than there are, as many, and several passes; none, one and many passes end within one.
  @Test("reshuffled batches hold every sample once a pass, wherever epochs end", arguments: [7, 39, 40, 41, 130])
  func reshuffled(sampleCount: Int) {
    func epoch(_ epoch: Int, key: UInt64 = 1) -> [UInt32] {
      BatchOrder.reshuffled(key: key).indices(epoch: epoch, stepCount: 10, batchSize: 4, sampleCount: sampleCount)
    }
    let sequence = (1...13).flatMap { epoch($0) }
    #expect(sequence.count == 13 * 40)
    let passes = stride(from: 0, to: sequence.count - sampleCount + 1, by: sampleCount).map {
      Array(sequence[$0..<$0 + sampleCount])
    }
    for pass in passes { #expect(pass.sorted() == Array(0..<UInt32(sampleCount))) }
    #expect(zip(passes, passes.dropFirst()).allSatisfy { $0 != $1 }, "each pass has an order of its own")
    #expect(epoch(9) == Array(sequence[320..<360]), "whatever came before")
    #expect(epoch(1) != epoch(1, key: 2))
  }

  @Test(
    "batches are the same however many are asked for at a time",
    arguments: [BatchOrder.drawn(key: 3), .reshuffled(key: 3), .given(indices: Array(0..<5000))], [1, 3, 8, 100, 977])
  func inParts(order: BatchOrder, count: Int) {
    let whole = order.indices(epoch: 4, stepCount: 143, batchSize: 7, sampleCount: 90)
    var batches = order.batches(epoch: 4, stepCount: 143, batchSize: 7, sampleCount: 90)
    var parts: [UInt32] = []
    while parts.count < whole.count { parts += batches.next(min(count, whole.count - parts.count)) }
    #expect(parts == whole)
  }

  /// Memory for its indices is on no machine, and the product of an epoch and its samples is beyond 64 bits.
  @Test("an epoch of any length takes its steps, and stops when it is asked to", arguments: [1, 1_000_000_000])
  func endlessEpoch(epoch: Int) throws {
    let problem = try Problem()
    for order in [BatchOrder.drawn(key: 1), .reshuffled(key: 1)] {
      let plan = plan(.stochastic(batchSize: 1_000), epochs: epoch, steps: 1_000_000_000_000_000)
      let trainer = try Trainer<Double>(student: problem.student, plan: plan, batches: order)
      let samples = PackedSamples<Double>(inputs: problem.inputs, targets: problem.targets)
      var polls = 0
      let isDone = trainer.train(epoch: epoch, on: samples) {
        polls += 1
        return polls > 3
      }
      #expect(!isDone && polls == 4)
      #expect(try trainer.student != problem.student, "steps were taken")
    }
  }

  /// 70 samples in epochs of 6 x 13 = 78: every epoch but the first begins within a pass.
  @Test("reshuffled batches train as the same batches do when given, also in a trainer that goes on")
  func trainingReshuffled() throws {
    let problem = try Problem()
    let (plan, order) = (plan(), BatchOrder.reshuffled(key: 4))
    let indices = (1...4).flatMap { order.indices(epoch: $0, stepCount: 6, batchSize: 13, sampleCount: 70) }
    let whole = try problem.trained(Double.self, plan, batches: order)
    #expect(try problem.trained(Double.self, plan, batches: .given(indices: indices)) == whole)
    #expect(try problem.trained(Double.self, plan, batches: order) == whole)
    #expect(try problem.trained(Double.self, plan) != whole)
    let first = try Trainer<Double>(student: problem.student, plan: plan, batches: order)
    let samples = PackedSamples<Double>(inputs: problem.inputs, targets: problem.targets)
    first.train(epoch: 1, on: samples)
    let second = try Trainer<Double>(student: try first.student, plan: plan, batches: order, isResuming: true)
    for epoch in 2...4 { second.train(epoch: epoch, on: samples) }
    #expect(try second.student == whole)
  }

  /// Bits depend on the engine: the choice must not change unseen.
  @Test("small kernels take plain steps of two layers, the others everything else")
  func engines() throws {
    let two = NetworkShape(widths: [3, 4, 2], hasBiases: true, negativeSlope: 0)
    var (deep, normalized) = (two, two)
    deep.widths = [3, 4, 4, 2]
    normalized.normalization = .beforeActivation
    func engine(_ plan: TrainingPlan, _ shape: NetworkShape) -> Int? {
      Trainer<Double>.engines.firstIndex { $0.objection(to: plan, on: shape) == nil }
    }
    func changed<Value>(_ key: WritableKeyPath<TrainingPlan, Value>, _ value: Value) -> TrainingPlan {
      var plan = plan()
      plan[keyPath: key] = value
      return plan
    }
    #expect(engine(plan(), two) == 0)
    #expect(engine(plan(.fullBatch, halving: 2, frozen: .last, unitNorm: true), two) == 0)
    #expect(engine(plan(), deep) == 1 && engine(plan(), normalized) == 1)
    #expect(engine(changed(\.optimizer, .adam), two) == 1)
    #expect(engine(changed(\.optimizer, .gradient(momentum: 0.5)), two) == 1)
    #expect(engine(changed(\.weightDecay, 0.1), two) == 1)
    #expect(engine(changed(\.loss, .crossEntropy), two) == 1)
    #expect(engine(changed(\.schedule, try LearningRateSchedule("0: 0.1")), two) == 0)
    #expect(engine(plan(.fullBatch), normalized) == nil && engine(plan(.stochastic(batchSize: 1)), normalized) == nil)
  }
}
