import Testing
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTheory
import UnderstudyTraining

@testable import UnderstudyExperiments
@testable import UnderstudyReconstruction

private let everything =
  "record=[{measures: [\(Measure.allCases.map(\.rawValue).joined(separator: ", "))], every: 1}]"

@Suite("Runs") struct ExecutorTests {
  @Test("what is recorded is what the theory measures on the stored weights", arguments: [0.0, 0.1])
  func measurements(noise: Double) throws {
    let run = try execute(tinyStudy(everything, "training.outputNoise=\(noise)"))
    let (teacher, student) = (run.prepared.teacher, run.student)
    let (training, evaluation) = (try run.prepared.trainingSet(index: 0), run.prepared.evaluation)
    let onTraining = try correlation(of: teacher, with: student, over: training.inputs)
    let onEvaluation = try correlation(of: teacher, with: student, over: evaluation.inputs)
    let gradient = try gradients(of: student, over: training.inputs, targets: training.targets)
    let before = try NetworkFile.decode(
      try #require(run.checkpoints.first { $0.epoch == 4 }).student, name: "checkpoint", activation: .relu)
    let indicator = { (nodes: [Int]) in (0..<6).map { nodes.contains($0) ? 1.0 : 0 } }
    let boundaries = { (layer: NetworkLayer) -> [Double] in
      (0..<layer.nodeCount).flatMap { node -> [Double] in Array(layer.weights.row(node)) + [layer.biases?[node] ?? 0] }
    }
    let found = try audit(
      of: student, learning: teacher, over: training.inputs, options: AuditOptions(bands: [0.1]))
    let radius = (0..<150).map { euclideanNorm(training.inputs.row($0)) }.max() ?? 0
    let ball = try RegionGradient(
      of: student, learning: teacher, within: .ball(radius: radius), residualTolerance: 0)
    let merged = try mergedAndRetrained(student, over: training.inputs, targets: training.targets)
    let theory: [(Measure, [Double])] = [
      (.alignment, found.alignment.epsilonOfTeacherNodes.map { $0 / found.inputs.spread }),
      (.studentAlignment, found.alignment.epsilonOfStudentNodes.map { $0 / found.inputs.spread }),
      (.predictedAlignment, found.teacherNodes.map { $0.predicted.map { $0 / found.inputs.spread } ?? -1 }),
      (.largestGradient, [gradient.nodeMaxima.max() ?? 0]),
      (.observerCounts, found.teacherNodes.map { Double($0.observers[0].count) }),
      (
        .observation,
        found.teacherNodes.enumerated().map { j, node in
          let best = found.teacherNodes.indices.map { found.alignment.bestStudent(of: $0) }
          let others = Set(best.enumerated().filter { $0.offset != j && $0.element != best[j] }.compactMap(\.element))
          let kappa = others.sorted().map { k in node.observers[0].first { $0.student == k }?.kappa ?? 0 }
          return kappa.isEmpty ? 0 : kappa.reduce(0, +) / Double(kappa.count)
        }
      ),
      (.ballGradients, ball.studentNodes.map(\.gradientBound)),
      (.ballObservers, ball.teacherNodes.map { Double($0.observers.count) }),
      (.witnessCounts, try #require(found.bands[0].witnesses).counts.map(Double.init)),
      (.kinkBalances, found.studentNodes.map(\.kinkBalance)),
      (.verdicts, found.teacherNodes.map { Double(AuditVerdict($0.verdict).code) }),
      (.mergedNodeCount, [Double(merged.student.network.hiddenCounts[0])]),
      (.mergedWeightError, [weightError(of: merged.student.network, against: teacher.network) ?? -1]),
    ]
    for (measure, values) in theory { #expect(run.values(measure, epoch: 5) == values, "\(measure)") }
    let expected: [(Measure, [Double])] = [
      (.trainingCorrelation, onTraining.values.values), (.evaluationCorrelation, onEvaluation.values.values),
      (.trainingDeadNodes, indicator(onTraining.deadStudentNodes)),
      (.evaluationDeadNodes, indicator(onEvaluation.deadStudentNodes)),
      (
        .trainingObservationCounts,
        try observationCounts(of: teacher, by: student, over: training.inputs).values
      ),
      (
        .evaluationObservationCounts,
        try observationCounts(of: teacher, by: student, over: evaluation.inputs).values
      ),
      (.fanOutNorms, fanOutNorms(of: student.network)),
      (.growthRates, try earlyGrowthRates(of: teacher, inputDeviation: 1.5)),
      (.expectedLoss, [try expectedLoss(of: student, learning: teacher, inputDeviation: 1.5)]),
      (.boundaryStrengths, try boundaryStrengths(of: student.network)),
      (.nodeGradients, gradient.nodeMeanSquares), (.nodeMaximumGradients, gradient.nodeMaxima),
      (.gradientNorms, gradient.layerNorms), (.weightChanges, try weightChanges(from: before, to: student.network)),
      (.teacherBoundaries, boundaries(teacher.network.layers[0])),
      (.studentBoundaries, boundaries(student.network.layers[0])),
      (.teacherFanOutNorms, fanOutNorms(of: teacher.network)), (.inputSample, training.inputs.values),
    ]
    for (measure, values) in expected { #expect(run.values(measure, epoch: 5) == values, "\(measure)") }
    // The lowest layer's correlations are those of every layer: with two layers there is no other.
    #expect(
      run.values(.layerWidths, epoch: 5) == [
        Double(teacher.network.hiddenCounts[0]), Double(student.network.hiddenCounts[0]),
      ])
    #expect(
      run.values(.layerCorrelations, epoch: 5)
        == (try correlation(of: teacher, with: student, over: evaluation.inputs)).bestOfTeacherNodes)
    for (strength, norm) in zip(try #require(run.values(.layerStrengths, epoch: 5)), fanOutNorms(of: student.network)) {
      // One sum of a few squares, in another order.
      #expect(abs(strength - norm) <= 1e-14 * norm)
    }
    #expect(run.values(.layerRegionCounts, epoch: 5) == [1])
    let ofLayers = Measure.allCases.count { $0.rawValue.hasPrefix("layer") || $0 == .evaluationAgreement }
    // The losses are below, paths are recorded once and tested apart, and there is no critical-point search here.
    let perEpoch = expected.count + theory.count + 2 + ofLayers
    #expect(perEpoch + Measure.paths.count + Measure.ofLabels.count + 1 == Measure.allCases.count)

    for (measure, set) in [(Measure.trainingLoss, training), (.evaluationLoss, evaluation)] {
      let loss = PlainLoss(of: student.network, inputs: set.inputs, targets: set.targets).value
      let recorded = try #require(run.values(measure, epoch: 5)?.first)
      // Sums of at most 150 x 4 terms of one sign, each after sums of some 20: far below 1e-11 of the loss, which is far
      // above rounding here.
      #expect(loss > 1e-6)
      #expect(abs(recorded - loss) < 1e-11 * loss, "\(measure)")
    }
    #expect(run.record.measurements.count == 6 * perEpoch + Measure.paths.count)
    #expect(run.record.stepCount == 100)
    #expect(run.record.outcome == .completed)
    #expect(run.values(.weightChanges, epoch: 0) == [0, 0])
  }

  @Test("the plain loss is that of the network's outputs", arguments: [0, 0.2, 0.5])
  func plain(slope: Double) throws {
    let study = try tinyStudy("network.activation=leakyRelu", "network.leakySlope=\(slope)")
    let prepared = try PreparedRun(study.runs[0])
    let network = prepared.initialStudent.network
    let outputs = try network.outputs(for: prepared.evaluation.inputs)
    let residuals = zip(outputs.values, prepared.evaluation.targets.values).map { $1 - $0 }
    let loss = PlainLoss(
      of: network, inputs: prepared.evaluation.inputs, targets: prepared.evaluation.targets
    ).value
    #expect(abs(loss - product(residuals, residuals) / 140) < 1e-13 * loss)
  }

  @Test(
    "a run that goes on from any epoch gives the same record",
    arguments: [
      [], ["training.precision=float32"], ["inputs.regenerateEachEpoch=true"],
      ["training.unitNormFirstLayer=true", "training.learningRateHalvingInterval=2"],
      ["training.method=gd", "training.batchSize=null"],
      ["training.method=flow", "training.batchSize=null", "training.weightDecay=0.01"],
      // 150 samples in epochs of 160; the other takes the steps of deep students, with moments of their own.
      ["training.batchOrder=reshuffled"], ["training.batchOrder=reshuffled", "training.method=adam"],
    ])
  func checkpoints(overrides: [String]) throws {
    let study = try tinyStudy([everything] + overrides)
    let whole = try execute(study)
    #expect(Set(whole.checkpoints.map(\.epoch)).isSuperset(of: 1...5))
    for checkpoint in whole.checkpoints {
      let resumed = try execute(study, from: checkpoint)
      #expect(resumed.data == whole.data, "from epoch \(checkpoint.epoch)")
      #expect(resumed.record.measurements == whole.record.measurements, "from epoch \(checkpoint.epoch)")
      #expect(resumed.record.stepCount == whole.record.stepCount)
      #expect(resumed.record.wallSeconds > checkpoint.wallSeconds)
    }
  }

  @Test("a run that is asked to stop says where it stands, and goes on from there")
  func cancelling() throws {
    let study = try tinyStudy()
    var epochs = 0.0
    let executor = executor(
      study.runs[0], of: study, isCancelled: { epochs > 1.999 }, didTakeSteps: { epochs += $1 })
    guard case .interrupted(let checkpoint?) = try executor.execute(from: nil) else {
      Issue.record("it went on")
      return
    }
    #expect(checkpoint.epoch == 2)
    #expect(try execute(study, from: checkpoint).data == execute(study).data)
  }

  @Test(
    "what is told of a run on its way adds up to its steps and epochs",
    arguments: [[], ["training.method=flow", "training.batchSize=null"]])
  func progress(overrides: [String]) throws {
    let study = try tinyStudy(["training.stepsPerEpoch=100", "training.epochs=3"] + overrides)
    var told: [(steps: Int, share: Double)] = []
    let executor = executor(study.runs[0], of: study, didTakeSteps: { told.append(($0, $1)) })
    _ = try executor.execute(from: nil)
    #expect(told.count > 6, "it is told within epochs")
    #expect(told.map(\.steps).reduce(0, +) == 300)
    #expect(abs(told.map(\.share).reduce(0, +) - 3) < 1e-12)
    #expect(told.allSatisfy { $0.steps >= 0 && $0.share > 0 })
  }

  @Test("a flow that cannot be followed says so")
  func overflowingFlow() throws {
    let run = try execute(
      tinyStudy("training.method=flow", "training.batchSize=null", "training.learningRate=1e300"))
    #expect(run.record.outcome == .diverged(epoch: 1))
    #expect(try #require(run.record.divergence).reason.contains("flow cannot be followed"))
    #expect(run.student.network.isFinite)
  }

  @Test(
    "stopped in the middle of an epoch, a run goes on from there, to the same bits",
    arguments: [[], ["training.method=adam"], ["training.momentum=0.9", "training.batchOrder=reshuffled"]])
  func stoppedWithinAnEpoch(overrides: [String]) throws {
    let study = try tinyStudy(["training.stepsPerEpoch=100", "training.epochs=4"] + overrides)
    let whole = try execute(study)
    var middleCount = 0
    for lastPoll in 5..<20 {
      guard let checkpoint = try stop(study, atPoll: lastPoll) else {
        Issue.record("it was not stopped")
        return
      }
      let network = try PreparedRun(study.runs[0]).initialStudent.network
      let state = try TrainingState(checkpoint, name: "checkpoint", like: network)
      if state.training.unfinishedEpoch != nil { middleCount += 1 }
      #expect(try execute(study, from: checkpoint).data == whole.data)
    }
    #expect(middleCount > 5)
  }

  @Test("a run that diverges is a result, with what was measured before")
  func divergence() throws {
    let run = try execute(tinyStudy("training.learningRate=100", "training.epochs=50"))
    guard case .diverged(let epoch) = run.record.outcome else {
      Issue.record("it ended with \(run.record.outcome)")
      return
    }
    #expect((1...50).contains(epoch))
    let losses = run.record.measurements.filter { $0.measure == .evaluationLoss }
    #expect(losses.map(\.epoch) == Array(0..<epoch))
    #expect(run.record.measurements.allSatisfy { $0.values.allSatisfy(\.isFinite) })
    #expect(run.student.network.isFinite)
  }

  @Test("where what Adam remembers overflows and the weights do not, the run has diverged")
  func overflowingMoments() throws {
    // Gradients of 1e25 have squares beyond single precision: every step is 0 from then on.
    let run = try execute(
      try tinyStudy([
        "training.method=adam", "training.precision=float32", "training.loss=crossEntropy",
        "inputs.standardDeviation=1e25",
      ]))
    #expect(run.record.outcome == .diverged(epoch: 1))
    #expect(run.checkpoints.isEmpty)
  }

  @Test("weights that do not reproduce the reported loss are not recorded")
  func verification() throws {
    let study = try tinyStudy()
    let prepared = try PreparedRun(study.runs[0])
    let trainer = try Trainer<Double>(
      student: prepared.initialStudent, plan: prepared.plan, batches: prepared.batches)
    let executor = executor(study.runs[0], of: study)
    var network = prepared.initialStudent.network
    #expect(try executor.confirms(NetworkFile.encode(network), prepared: prepared, trainer: trainer))
    network[layer: 1].weights[2, 1] += 1e-6
    let error = #expect(throws: ExperimentError.self) {
      _ = try executor.confirms(NetworkFile.encode(network), prepared: prepared, trainer: trainer)
    }
    #expect(error?.description.contains("nothing was recorded") == true)
    var cut = NetworkFile.encode(network)
    cut.removeLast(8)
    #expect(throws: ExperimentError.self) {
      _ = try executor.confirms(cut, prepared: prepared, trainer: trainer)
    }
  }
}
