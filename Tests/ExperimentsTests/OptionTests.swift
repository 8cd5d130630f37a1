import Testing
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTraining

@testable import UnderstudyExperiments
@testable import UnderstudyReconstruction

/// Every option of a setting has the effect that its key states.
@Suite("Settings") struct OptionTests {
  private func prepared(_ overrides: String...) throws -> PreparedRun {
    try PreparedRun(tinyStudy(overrides).runs[0])
  }

  @Test("sizes")
  func sizes() throws {
    let prepared = try prepared("student.overRealization=1.5", "network.biases=false")
    #expect(prepared.teacher.network.hiddenCounts == [3])
    #expect(prepared.initialStudent.network.hiddenCounts == [5], "4.5 rounded up")
    #expect(prepared.teacher.network.inputCount == 8 && prepared.teacher.network.outputCount == 4)
    #expect(!prepared.teacher.network.hasBiases && !prepared.initialStudent.network.hasBiases)
    #expect(try prepared.trainingSet(index: 0).inputs.rowCount == 150)
    #expect(prepared.evaluation.inputs.rowCount == 70)
  }

  @Test("factors by layer, of drawn teachers and of those in files, and over the learning rate")
  func factors() throws {
    let prepared = try prepared("teacher.hiddenNodes=null", "teacher.widths=3-4-3", "student.overRealization=2-1-1.5")
    #expect(prepared.initialStudent.network.hiddenCounts == [6, 4, 5])
    var setting = Setting().student
    setting.overRealization = OverRealization([2, 1])
    #expect {
      try StudentDesign(setting, of: prepared.teacher.network)
    } throws: {
      "\($0)".contains("2 factors, but the teacher has 3 hidden layers")
    }
    setting.widths = LayerWidths([6, 4, 5])
    #expect(try StudentDesign(setting, of: prepared.teacher.network).hiddenCounts == [6, 4, 5])
  }

  @Test("adversarial and helpful students start on one side of the last teacher node")
  func initialization() throws {
    func signs(_ name: String) throws -> Set<Bool> {
      let prepared = try prepared("student.initialization=\(name)", "student.overRealization=10")
      let (rows, weakest) = (
        prepared.initialStudent.network.layers[0].weights, prepared.teacher.network.layers[0].weights.row(2)
      )
      return Set((0..<30).map { product(rows.row($0), weakest) > 0 })
    }
    #expect(try signs("plain") == [true, false])
    #expect(try signs("adversarial") == [false])
    #expect(try signs("helpful") == [true])
  }

  @Test("a frozen layer stays and the other learns", arguments: [("first", 0), ("last", 1)])
  func frozen(name: String, layer: Int) throws {
    let run = try execute(tinyStudy("training.frozenLayer=\(name)"))
    let (start, end) = (run.prepared.initialStudent.network.layers, run.student.network.layers)
    #expect(start[layer] == end[layer])
    #expect(start[1 - layer] != end[1 - layer])
  }

  @Test(
    "a frozen first layer keeps its normalisation's scale and shift",
    arguments: ["beforeActivation", "afterActivation"])
  func frozenNormalization(placement: String) throws {
    let run = try execute(tinyStudy("training.frozenLayer=first", "student.normalization=\(placement)"))
    let (start, end) = (run.prepared.initialStudent.network.layers[0], run.student.network.layers[0])
    #expect(start.weights == end.weights && start.biases == end.biases)
    #expect(end.normalization?.scales != nil && start.normalization?.scales == end.normalization?.scales)
    #expect(start.normalization?.shifts == end.normalization?.shifts)
    #expect(start.normalization?.means != end.normalization?.means, "statistics are measured, not learnt")
  }

  /// Node 0 would be a match.
  @Test("layerMatches is -1 where there is none")
  func layerMatchesOfDeadNodes() throws {
    func network(_ biases: [Double]) throws -> Network {
      try Network(
        layers: [
          NetworkLayer(weights: Matrix([[1, 0], [0, 1]]), biases: biases),
          NetworkLayer(weights: Matrix([[1, 1], [1, -1]]), biases: [0, 0]),
          NetworkLayer(weights: Matrix([[1, 1]]), biases: [0]),
        ], activation: .relu)
    }
    var stream = RandomStream(key: 5, purpose: .test)
    let inputs = stream.normalMatrix(rowCount: 40, columnCount: 2, standardDeviation: 1)
    func matches(teacher: [Double], student: [Double]) throws -> [Double]? {
      try LayerRecorder(
        teacher: Teacher(network(teacher)), student: Student(network(student)), inputs: inputs, precision: .float64,
        instructions: .best
      ).take([.layerMatches])[.layerMatches]?.values
    }
    #expect(try matches(teacher: [0, 0], student: [0, 0]) == [0, 1, 0, 1])
    #expect(try matches(teacher: [0, 0], student: [-99, -99]) == [-1, -1, -1, -1])
    #expect(try matches(teacher: [-99, 0], student: [0, 0])?.prefix(2) == [-1, 1])
  }

  @Test("unit norm holds for first-layer rows")
  func unitNorm() throws {
    let run = try execute(tinyStudy("training.unitNormFirstLayer=true"))
    for k in 0..<6 {
      #expect(abs(euclideanNorm(run.student.network.layers[0].weights.row(k)) - 1) < 1e-14)
    }
    #expect(try run.student != execute(tinyStudy()).student)
  }

  @Test("regenerateEachEpoch draws another set for each epoch, otherwise there is one")
  func regeneration() throws {
    let (one, many) = (try prepared(), try prepared("inputs.regenerateEachEpoch=true"))
    #expect((0...4).map(one.trainingSetIndex) == [0, 0, 0, 0, 0])
    #expect((0...4).map(many.trainingSetIndex) == [0, 0, 1, 2, 3])
    let sets = try (0..<3).map { try many.trainingSet(index: $0).inputs }
    #expect(sets[0] != sets[1] && sets[1] != sets[2] && sets[0] != sets[2])
    for inputs in sets { #expect(inputs != many.evaluation.inputs) }
  }

  @Test("teacherBoundaries puts a third of the training inputs on the boundaries", arguments: [-0.1, 0.6])
  func teacherBoundaries(bias: Double) throws {
    let prepared = try prepared(
      "inputs.distribution=teacherBoundaries", "inputs.boundaryOffsetMaximum=3", "teacher.bias=\(bias)")
    let layer = prepared.teacher.network.layers[0]
    func nearest(_ x: ArraySlice<Double>) -> Double {
      (0..<3).map { abs(product(layer.weights.row($0), x) + bias) }.reduce(.infinity, min)
    }
    let inputs = try prepared.trainingSet(index: 0).inputs
    #expect((0..<150).count { nearest(inputs.row($0)) < 1e-12 } >= 50 - 3)
    #expect((0..<150).count { nearest(inputs.row($0)) < 1e-12 } <= 50 + 3)
    let evaluation = prepared.evaluation.inputs
    #expect((0..<70).count { nearest(evaluation.row($0)) < 1e-12 } == 0, "evaluation inputs stay Gaussian")
  }

  @Test("output noise has the stated spread on training targets, and evaluation has none")
  func outputNoise() throws {
    let prepared = try prepared("training.outputNoise=0.5", "inputs.training.count=1500")
    let training = try prepared.trainingSet(index: 0)
    let clean = try prepared.teacher.network.outputs(for: training.inputs)
    let noise = zip(training.targets.values, clean.values).map { $0 - $1 }
    // 6000 values: 0.25 with a standard deviation of 0.25 sqrt(2 / 6000) = 0.0046; six of those.
    #expect(abs(product(noise, noise) / 6000 - 0.25) < 0.028)
    #expect(try prepared.evaluation.targets == prepared.teacher.network.outputs(for: prepared.evaluation.inputs))
    #expect(try prepared.trainingSet(index: 0).targets == training.targets, "drawn once")
  }

  @Test("activations")
  func activations() throws {
    let leaky = try prepared("network.activation=leakyRelu", "network.leakySlope=0.3")
    #expect(leaky.teacher.network.activation.negativeSlope == 0.3)
    #expect(leaky.initialStudent.network.activation.negativeSlope == 0.3)
    let run = try execute(tinyStudy("network.activation=linear", "network.biases=false"))
    #expect(run.student.network.activation == .linear)
    // A linear network of a sum of inputs is the sum of its outputs.
    let x = run.prepared.evaluation.inputs
    let sum = Matrix([(0..<8).map { x[0, $0] + x[1, $0] }])
    let outputs = try run.student.network.outputs(for: x)
    let outputOfSum = try run.student.network.outputs(for: sum)
    for c in 0..<4 { #expect(abs(outputOfSum[0, c] - outputs[0, c] - outputs[1, c]) < 1e-12) }
  }

  @Test("the plan of training is as stated")
  func plan() throws {
    let sgd = try prepared("training.learningRateHalvingInterval=2", "training.learningRate=0.5").plan
    #expect(sgd.method == .stochastic(batchSize: 8))
    #expect((1...5).map { sgd.rule(epoch: $0).learningRate } == [0.5, 0.5, 0.25, 0.25, 0.125])
    #expect(sgd.epochCount == 5 && sgd.stepsPerEpoch == 20)
    #expect(try prepared("training.method=gd", "training.batchSize=null").plan.method == .fullBatch)
    let flow = try prepared("training.method=flow", "training.batchSize=null", "inputs.standardDeviation=0.7")
    let objective = try GaussianObjective(of: flow.teacher, inputDeviation: 0.7, for: flow.initialStudent)
    #expect(flow.plan.method == .expectedFlow(objective))
  }

  /// Short steps over fresh batches of 128 samples: a noise of sqrt(0.005 / 128), 0.006, and a step's error of 0.005.
  @Test("SGD of short steps and large batches is near the flow, which needs no samples")
  func flow() throws {
    func loss(_ overrides: String...) throws -> Double {
      let run = try execute(
        try tinyStudy(
          ["training.epochs=4", "record=[{measures: [expectedLoss], every: 1}]", "inputs.training.count=2000"]
            + overrides))
      return try #require(run.values(.expectedLoss, epoch: 4)?.first)
    }
    let flow = try loss("training.method=flow", "training.batchSize=null")
    let sgd = try loss(
      "training.learningRate=0.005", "training.stepsPerEpoch=200", "training.batchSize=128",
      "inputs.regenerateEachEpoch=true")
    #expect(abs(sgd / flow - 1) < 0.05)
    let start = try loss("training.method=flow", "training.batchSize=null", "training.learningRate=1e-9")
    #expect(flow < start / 2)
  }

  @Test("what the flow and the expected loss are not for is refused before anything runs")
  func flowRefusals() throws {
    func refusal(_ overrides: String...) throws -> String {
      let study = try tinyStudy(overrides)
      do {
        try StudyRunner.check(study)
        return ""
      } catch { return "\(error)" }
    }
    let measured = "record=[{measures: [expectedLoss], last: true}]"
    #expect(try refusal(measured) == "")
    #expect(try refusal(measured, "inputs.distribution=uniform").contains("inputs.distribution gives others"))
    #expect(try refusal(measured, "inputs.distribution=teacherBoundaries") == "", "evaluation inputs are Gaussian")
  }

  @Test("reshuffled batches take every sample once a pass, with replacement they do not", arguments: [150, 90])
  func batchOrder(count: Int) throws {
    func samples(_ order: String) throws -> [UInt32] {
      let batches = try prepared("inputs.training.count=\(count)", "training.batchOrder=\(order)").batches
      return (1...2).flatMap { batches.indices(epoch: $0, stepCount: 20, batchSize: 8, sampleCount: count) }
    }
    let (drawn, reshuffled) = (try samples("withReplacement"), try samples("reshuffled"))
    #expect(Set(reshuffled[..<count]).count == count && Set(reshuffled[count..<2 * count]).count == count)
    // A share of 1/e of the samples is missing on average.
    #expect(Set(drawn[..<count]).count < count * 3 / 4)
    #expect(try execute(tinyStudy("training.batchOrder=reshuffled")).data != execute(tinyStudy()).data)
  }

  @Test("float32 trains and stores in single precision, near what float64 gives")
  func float32() throws {
    let study = try tinyStudy("training.precision=float32")
    let run = try execute(study)
    for layer in run.student.network.layers {
      #expect((layer.weights.values + (layer.biases ?? [])).allSatisfy { Double(Float($0)) == $0 })
    }
    #expect(run.data.count < (try execute(tinyStudy()).data.count))
    #expect(String(decoding: run.data.prefix(1000), as: UTF8.self).contains("\"F32\""))
    // The same run in double precision: from the same student over the same samples.
    let trainer = try Trainer<Double>(
      student: run.prepared.initialStudent, plan: run.prepared.plan, batches: run.prepared.batches)
    let set = try run.prepared.trainingSet(index: 0)
    let samples = PackedSamples<Double>(inputs: set.inputs, targets: set.targets)
    for epoch in 1...5 { trainer.train(epoch: epoch, on: samples) }
    let pairs = zip(try trainer.student.network.layers[0].weights.values, run.student.network.layers[0].weights.values)
    // 100 steps of rounding near 6e-8 on weights below 2.
    #expect(pairs.allSatisfy { abs($0 - $1) < 1e-3 })
  }

  @Test("gaussian teachers, decay and standard deviation reach the networks and inputs")
  func teacher() throws {
    let small = try prepared("teacher.weights=gaussian", "teacher.scale=0.001", "inputs.standardDeviation=0.01")
    #expect(small.teacher.network.layers[1].weights.values.allSatisfy { abs($0) < 0.01 })
    #expect(small.evaluation.inputs.values.allSatisfy { abs($0) < 0.06 })
    let decayed = try prepared("teacher.strengthDecay=20").teacher.network.layers[1].weights
    #expect((0..<4).allSatisfy { abs(decayed[$0, 2]) <= power(3, -20) })
  }
}
