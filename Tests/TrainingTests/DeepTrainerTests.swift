import Testing
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema
import UnderstudyTheory

@testable import UnderstudyTraining

/// A random student of any depth with a few samples.
private struct DeepCase: CustomStringConvertible {
  var network: Network
  var inputs: Matrix
  var targets: Matrix
  var loss: TrainingLoss
  let description: String

  /// - Parameter index: chooses depth, widths, batch, slope, biases, normalisation and loss.
  init(_ index: Int) throws {
    var stream = RandomStream(key: UInt64(index), purpose: .test)
    let depth = 1 + index % 4
    let widths = (0..<depth + 2).map { _ in 2 + Int(stream.integers(1, below: 6)[0]) }
    let (hasBiases, isScaled) = (index % 3 != 0, index % 2 == 0)
    let placement: BatchNormalization.Placement? = [nil, .beforeActivation, .afterActivation][index / 4 % 3]
    var layers: [NetworkLayer] = []
    for layer in 0...depth {
      let nodes = widths[layer + 1]
      var normalization: BatchNormalization?
      if layer < depth, let placement {
        normalization = BatchNormalization(
          placement: placement, means: [Double](repeating: 0, count: nodes),
          variances: [Double](repeating: 1, count: nodes),
          scales: isScaled ? stream.normals(nodes, standardDeviation: 1) : nil,
          shifts: isScaled ? stream.normals(nodes, standardDeviation: 1) : nil)
      }
      layers.append(
        NetworkLayer(
          weights: stream.normalMatrix(rowCount: nodes, columnCount: widths[layer], standardDeviation: 1),
          biases: hasBiases ? stream.normals(nodes, standardDeviation: 1) : nil, normalization: normalization))
    }
    let count = 5 + index % 9
    network = try Network(layers: layers, activation: Activation(negativeSlope: [0, 0.1][index % 2]))
    inputs = stream.normalMatrix(rowCount: count, columnCount: widths[0], standardDeviation: 1)
    targets = stream.normalMatrix(rowCount: count, columnCount: widths[depth + 1], standardDeviation: 1)
    loss = index % 5 < 3 ? .squaredError : .crossEntropy
    description = "case \(index): \(widths), \(count) samples, \(String(describing: placement)), \(loss)"
  }

  func plan(
    rate: Double, rule: Optimizer = .gradient(momentum: 0), epochs: Int = 1, decay: Double = 0
  ) -> TrainingPlan {
    TrainingPlan(
      method: .stochastic(batchSize: inputs.rowCount), learningRate: rate, epochCount: epochs, stepsPerEpoch: 1,
      optimizer: rule, loss: loss, weightDecay: decay)
  }

  /// Every sample once, in every step.
  func order(epochs: Int) -> BatchOrder {
    .given(indices: (0..<epochs).flatMap { _ in (0..<inputs.rowCount).map(UInt32.init) })
  }
}

/// The loss over a batch by plain loops, batch normalisation with the batch's own statistics.
private func plainBatchLoss(of network: Network, _ one: DeepCase) -> Double {
  var values = (0..<one.inputs.rowCount).map { Array(one.inputs.row($0)) }
  func normalize(_ normalization: BatchNormalization) {
    for node in values[0].indices {
      let column = values.map { $0[node] }
      let mean = column.reduce(0, +) / Double(column.count)
      let variance = column.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(column.count)
      for i in values.indices {
        let normalized = (values[i][node] - mean) / (variance + normalizationEpsilon).squareRoot()
        values[i][node] = normalized * (normalization.scales?[node] ?? 1) + (normalization.shifts?[node] ?? 0)
      }
    }
  }
  for (index, layer) in network.layers.enumerated() {
    values = values.map { row in
      (0..<layer.nodeCount).map { node in
        zip(layer.weights.row(node), row).reduce(layer.biases?[node] ?? 0) { $0 + $1.0 * $1.1 }
      }
    }
    guard index < network.layers.count - 1 else { break }
    if let normalization = layer.normalization, normalization.placement == .beforeActivation {
      normalize(normalization)
    }
    values = values.map { $0.map { network.activation($0) } }
    if let normalization = layer.normalization, normalization.placement == .afterActivation { normalize(normalization) }
  }
  var total = 0.0
  for (i, row) in values.enumerated() {
    let target = Array(one.targets.row(i))
    switch one.loss {
    case .squaredError: total += zip(target, row).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / 2
    case .crossEntropy:
      let label = target.indices.max { target[$0] < target[$1] } ?? 0
      total += logarithm(row.reduce(0) { $0 + exponential($1) }) - row[label]
    case .distillation: preconditionFailure("dense engines object to distillation")
    }
  }
  return total / Double(one.inputs.rowCount)
}

/// Every number that training moves, with a way to set it.
private func parameters(of network: Network) -> [WritableKeyPath<Network, Double>] {
  var paths: [WritableKeyPath<Network, Double>] = []
  for (index, layer) in network.layers.enumerated() {
    for i in layer.weights.values.indices { paths.append(\Network[layer: index].weights.values[i]) }
    for i in (layer.biases ?? []).indices { paths.append(\Network[layer: index].biases![i]) }
    for i in (layer.normalization?.scales ?? []).indices {
      paths.append(\Network[layer: index].normalization!.scales![i])
      paths.append(\Network[layer: index].normalization!.shifts![i])
    }
  }
  return paths
}

@Suite("Trainer of any depth")
struct DeepTrainerTests {
  @Test("a step is the rate times the gradient, by central differences", arguments: 0..<48)
  func gradient(index: Int) throws {
    let one = try DeepCase(index)
    let rate = 1e-3
    let trainer = try Trainer<Double>(
      student: Student(one.network), plan: one.plan(rate: rate), batches: one.order(epochs: 1))
    trainer.train(epoch: 1, on: PackedSamples(inputs: one.inputs, targets: one.targets))
    let moved = try trainer.student.network
    // Differences over 2e-5 err by its square times the third derivative, some 1e-8 for these sizes, and by rounding,
    // 1e-16 / 1e-5; a kink within reach would show as an error of order 1.
    let h = 1e-5
    for path in parameters(of: one.network) {
      var (above, below) = (one.network, one.network)
      above[keyPath: path] += h
      below[keyPath: path] -= h
      let slope = (plainBatchLoss(of: above, one) - plainBatchLoss(of: below, one)) / (2 * h)
      let step = (one.network[keyPath: path] - moved[keyPath: path]) / rate
      #expect(abs(slope - step) <= 1e-5 * (1 + abs(slope)), "\(one): \(slope), step \(step)")
    }
  }

  @Test("momentum, weight decay and Adam are their formulas", arguments: [0, 5, 9, 14])
  func rules(index: Int) throws {
    let one = try DeepCase(index)
    let (rate, decay) = (0.01, 0.1)
    func gradient(at network: Network) throws -> [Double] {
      let trainer = try Trainer<Double>(
        student: Student(network), plan: one.plan(rate: 1), batches: one.order(epochs: 1))
      trainer.train(epoch: 1, on: PackedSamples(inputs: one.inputs, targets: one.targets))
      let moved = try trainer.student.network
      return parameters(of: network).map { network[keyPath: $0] - moved[keyPath: $0] }
    }
    // Plain steps go straight into the weights, decay and all; the gradient has to be that of the weights before.
    for rule in [Optimizer.gradient(momentum: 0), .gradient(momentum: 0.9), .adam] {
      let trainer = try Trainer<Double>(
        student: Student(one.network), plan: one.plan(rate: rate, rule: rule, epochs: 3, decay: decay),
        batches: one.order(epochs: 3))
      let samples = PackedSamples<Double>(inputs: one.inputs, targets: one.targets)
      var network = one.network
      let paths = parameters(of: network)
      var (first, second) = ([Double](repeating: 0, count: paths.count), [Double](repeating: 0, count: paths.count))
      for epoch in 1...3 {
        let slopes = try gradient(at: network)
        for (i, path) in paths.enumerated() {
          let slope = slopes[i] + decay * network[keyPath: path]
          switch rule {
          case .adam:
            first[i] = 0.9 * first[i] + 0.1 * slope
            second[i] = 0.999 * second[i] + 0.001 * slope * slope
            let root = (second[i] / (1 - power(0.999, Double(epoch)))).squareRoot()
            network[keyPath: path] -= rate * first[i] / (1 - power(0.9, Double(epoch))) / (root + 1e-8)
          case .gradient(let mu):
            first[i] = mu * first[i] + slope
            network[keyPath: path] -= rate * first[i]
          }
        }
        trainer.train(epoch: epoch, on: samples)
      }
      let trained = try trainer.student.network
      // The gradient is a difference of weights of order 1: 1e-16 of it is lost, and Adam divides by as small a root.
      for path in paths {
        #expect(abs(network[keyPath: path] - trained[keyPath: path]) <= 1e-8, "\(one), \(rule)")
      }
    }
  }

  @Test("resumed, on more threads, or on another instruction set, the bits are the same", arguments: [0, 4, 9, 13, 22])
  func sameBits(index: Int) throws {
    let one = try DeepCase(index)
    for rule in [Optimizer.gradient(momentum: 0), .gradient(momentum: 0.9), .adam] {
      let (plan, order) = (one.plan(rate: 0.01, rule: rule, epochs: 6, decay: 0.01), one.order(epochs: 6))
      func train(
        _ student: Student, epochs: ClosedRange<Int>, state: OptimizerState? = nil, threads: Int = 1,
        instructions: InstructionSet = .best
      ) throws -> Trainer<Float> {
        let trainer = try Trainer<Float>(
          student: student, plan: plan, batches: order, optimizerState: state, isResuming: epochs.lowerBound > 1,
          instructions: instructions)
        trainer.useThreads(threads)
        let samples = PackedSamples<Float>(inputs: one.inputs, targets: one.targets)
        for epoch in epochs { trainer.train(epoch: epoch, on: samples) }
        return trainer
      }
      let whole = try train(Student(one.network), epochs: 1...6).student
      let half = try train(Student(one.network), epochs: 1...3)
      #expect(try train(half.student, epochs: 4...6, state: half.optimizerState).student == whole, "\(one), \(rule)")
      #expect(try train(Student(one.network), epochs: 1...6, threads: 3).student == whole, "\(one), \(rule)")
      for instructions in [InstructionSet.avx2, .avx512] where instructions.isSupported {
        #expect(
          try train(Student(one.network), epochs: 1...6, instructions: instructions).student == whole, "\(one), \(rule)"
        )
      }
    }
  }

  @Test("what the optimizer remembers has to be of the student's shape")
  func foreignOptimizerState() throws {
    let one = try DeepCase(9)
    let (plan, order) = (one.plan(rate: 0.01, rule: .adam, epochs: 2, decay: 0), one.order(epochs: 2))
    func trainer(_ state: OptimizerState?) throws -> Trainer<Float> {
      try Trainer(student: Student(one.network), plan: plan, batches: order, optimizerState: state)
    }
    let first = try trainer(nil)
    first.train(epoch: 1, on: PackedSamples(inputs: one.inputs, targets: one.targets))
    let state = try #require(first.optimizerState)
    let counts = one.network.layers.map { $0.weights.values.count + ($0.biases?.count ?? 0) }
    #expect(state.moments.prefix(counts.count).map(\.count) == counts, "padding is not stored")
    _ = try trainer(state)
    var longer = state
    longer.moments[0].append(0)
    #expect(throws: ShapeError.self) { try trainer(longer) }
    var fewer = state
    fewer.moments.removeLast()
    #expect(throws: ShapeError.self) { try trainer(fewer) }
  }

  @Test(
    "wide layers on several threads give the bits of one",
    arguments: [Optimizer.gradient(momentum: 0), .gradient(momentum: 0.9), .adam])
  func threads(rule: Optimizer) throws {
    var stream = RandomStream(key: 1, purpose: .test)
    // 403 x 350 for 48 lanes is 6.8 million multiply-adds: enough for six threads.
    let widths = [20, 403, 350, 33]
    let network = try Network(
      layers: zip(widths, widths.dropFirst()).map { inputs, nodes in
        NetworkLayer(
          weights: stream.normalMatrix(rowCount: nodes, columnCount: inputs, standardDeviation: 0.1),
          biases: stream.normals(nodes, standardDeviation: 0.1))
      }, activation: .relu)
    let inputs = stream.normalMatrix(rowCount: 100, columnCount: 20, standardDeviation: 1)
    let targets = stream.normalMatrix(rowCount: 100, columnCount: 33, standardDeviation: 1)
    func trained(threads: [Int]) throws -> Student {
      let plan = TrainingPlan(
        method: .stochastic(batchSize: 37), learningRate: 0.01, epochCount: threads.count, stepsPerEpoch: 3,
        optimizer: rule, weightDecay: 0.01)
      let trainer = try Trainer<Float>(
        student: Student(network), plan: plan, batches: .drawn(key: 3))
      let samples = PackedSamples<Float>(inputs: inputs, targets: targets)
      for (index, count) in threads.enumerated() {
        trainer.useThreads(count)
        trainer.train(epoch: index + 1, on: samples)
      }
      #expect(trainer.helperSeconds >= 0 && (threads.max() ?? 1 > 1 || trainer.helperSeconds == 0))
      return try trainer.student
    }
    let one = try trained(threads: [1, 1])
    #expect(try trained(threads: [2, 2]) == one)
    #expect(try trained(threads: [4, 1]) == one)
    #expect(try trained(threads: [1, 3]) == one)
    #expect(one.network != network)
  }

  @Test("batches of one sample and full-batch steps are refused with batch normalisation")
  func refusals() throws {
    let one = try DeepCase(4)
    #expect(!one.network.isPlain)
    for method in [TrainingPlan.Method.stochastic(batchSize: 1), .fullBatch] {
      let plan = TrainingPlan(method: method, learningRate: 0.1, epochCount: 1, stepsPerEpoch: 1)
      #expect(throws: ShapeError.self) {
        try Trainer<Double>(student: Student(one.network), plan: plan, batches: one.order(epochs: 1))
      }
    }
  }

  @Test("what reads weights as they stand refuses batch normalisation, and takes the folded student")
  func folding() throws {
    let one = try DeepCase(4)
    let student = Student(one.network)
    let plan = CriticalPointPlan(iterationLimit: 1)
    #expect(throws: ShapeError.self) {
      try criticalPoint(from: student, along: plan, on: one.inputs, targets: one.targets, key: 1)
    }
    #expect(throws: ShapeError.self) { try merge(student, over: one.inputs) }
    #expect(throws: ShapeError.self) {
      try layerCorrelations(of: Teacher(one.network), with: student, over: one.inputs)
    }
    let folded = Student(one.network.folded)
    let correlations = try layerCorrelations(of: Teacher(folded.network), with: folded, over: one.inputs)
    #expect(correlations.count == one.network.layers.count - 1)
  }

  /// Cases of 1, 3 and 4 hidden layers with a learnt scale, normalised before and after the activation, and one without.
  @Test(
    "a frozen first layer keeps its normalisation's scale and shift, too, and nothing else changes",
    arguments: [0, 4, 6, 8, 10], [Optimizer.gradient(momentum: 0), .gradient(momentum: 0.9), .adam])
  func frozen(index: Int, rule: Optimizer) throws {
    let one = try DeepCase(index)
    func trained(frozen: TrainingPlan.FrozenLayer, epochs: Int, decay: Double) throws -> Network {
      var plan = one.plan(rate: 0.01, rule: rule, epochs: epochs, decay: decay)
      plan.frozenLayer = frozen
      let trainer = try Trainer<Double>(
        student: Student(one.network), plan: plan, batches: one.order(epochs: epochs))
      for epoch in 1...epochs {
        trainer.train(epoch: epoch, on: PackedSamples(inputs: one.inputs, targets: one.targets))
      }
      return try trainer.student.network
    }
    for decay in [0, 0.1] {
      let (start, end) = (one.network.layers[0], try trained(frozen: .first, epochs: 5, decay: decay).layers[0])
      #expect(end.weights == start.weights && end.biases == start.biases, "\(one)")
      #expect(end.normalization?.scales == start.normalization?.scales, "\(one)")
      #expect(end.normalization?.shifts == start.normalization?.shifts, "\(one)")
      // Running statistics are measured, not learnt.
      if let normalization = end.normalization { #expect(normalization.means != start.normalization?.means, "\(one)") }
      // The first step of all other layers is that of a student that learns everything.
      let (frozen, free) = (
        try trained(frozen: .first, epochs: 1, decay: decay), try trained(frozen: .none, epochs: 1, decay: decay)
      )
      #expect(Array(frozen.layers.dropFirst()) == Array(free.layers.dropFirst()), "\(one)")
      #expect(
        free.layers[0].normalization?.scales != start.normalization?.scales || start.normalization == nil, "\(one)")
    }
  }

  @Test("a schedule holds from after each of its epochs on")
  func schedule() throws {
    let plan = TrainingPlan(
      method: .fullBatch, learningRate: 9, epochCount: 9, stepsPerEpoch: 1,
      schedule: try LearningRateSchedule("0: 0.2, 3: 0.1"))
    #expect((1...5).map { plan.learningRate(epoch: $0) } == [0.2, 0.2, 0.2, 0.1, 0.1])
  }
}
