import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema
import UnderstudyTheory

@testable import UnderstudyExperiments
@testable import UnderstudyReconstruction

/// What runs do after their last epoch, and data sets that are augmented or of low rank.
@Suite("Stages of a run") struct StageTests {
  private func criticalPointStudy(_ more: String...) throws -> Study {
    try tinyStudy(
      [
        "criticalPoint.method=levenbergMarquardt", "training.epochs=10", "training.stepsPerEpoch=100",
        "training.learningRate=0.05", "student.scale=0.1", "inputs.training.count=300",
        "record=[{measures: [alignment, trainingLoss, evaluationLoss], every: 5}, {measures: [criticalPoint, mergedNodeCount, "
          + "mergedWeightError, straightPath, matchedPath, constructedPath], last: true}]",
      ] + more)
  }

  @Test("the critical-point search is one more epoch, and what is stored is the finished student")
  func search() throws {
    let run = try execute(try criticalPointStudy())
    #expect(run.record.run.setting.lastEpoch == 11)
    let report = try #require(run.values(.criticalPoint, epoch: 11))
    #expect(report[2] == 1 && report[4] <= 1e-9)
    let loss = try #require(run.values(.trainingLoss, epoch: 11)?.first)
    #expect(loss < 1e-18 && loss < (run.values(.trainingLoss, epoch: 10)?.first ?? 0))
    let prepared = try PreparedRun(run.record.run)
    let training = try prepared.trainingSet(index: 0)
    let gradient = try gradients(of: run.student, over: training.inputs, targets: training.targets)
    // Outputs are of size 1: what is within their rounding is no difference.
    #expect(gradient.nodeMaxima.allSatisfy { $0 <= 1.001 * report[4] + 1e-14 })
    #expect(run.record.stepCount == 1000)
  }

  @Test("the replica has the teacher and the data of its run, and other weights; paths end at both")
  func replica() throws {
    let run = try execute(try criticalPointStudy())
    let (own, replica) = (try PreparedRun(run.record.run), try PreparedRun(run.record.run, isReplica: true))
    #expect(own.teacher == replica.teacher)
    #expect(try own.trainingSet(index: 0).inputs == replica.trainingSet(index: 0).inputs)
    #expect(own.initialStudent != replica.initialStudent)
    let straight = try #require(run.values(.straightPath, epoch: 11))
    let matched = try #require(run.values(.matchedPath, epoch: 11))
    #expect(straight.count == 200 && matched.count == 200)
    #expect(straight[0] == matched[0] && straight[0] < 1e-18)
    #expect((straight.max() ?? 0) > 1e-3)
  }

  /// A run whose critical-point search never reaches its target: all its steps are taken, restarts among them.
  private func longStudy(_ more: [String] = []) throws -> Study {
    try tinyStudy(
      [
        "criticalPoint.method=levenbergMarquardt", "criticalPoint.gradientTarget=1e-300", "criticalPoint.iterations=60",
        "criticalPoint.restarts=1000", "training.epochs=4", "student.scale=0.1", "training.outputNoise=0.1",
        "record=[{measures: [trainingLoss, evaluationLoss], every: 2}, {measures: [criticalPoint, straightPath], last: true}]",
      ] + more)
  }

  private func state(_ checkpoint: Checkpoint, of study: Study) throws -> TrainingState {
    try TrainingState(checkpoint, name: "checkpoint", like: try PreparedRun(study.runs[0]).initialStudent.network)
  }

  private func stages(_ checkpoint: Checkpoint, of study: Study) throws -> PostTrainingProgress {
    try state(checkpoint, of: study).postTraining
  }

  @Test(
    "a run that goes on from the middle of an epoch gives the same record",
    arguments: [
      [], ["training.precision=float32"], ["training.method=gd", "training.batchSize=null"], ["training.method=adam"],
      ["training.momentum=0.9"], ["training.batchOrder=reshuffled"], ["inputs.regenerateEachEpoch=true"],
      ["training.unitNormFirstLayer=true", "training.learningRateHalvingInterval=2"],
      ["teacher.hiddenNodes=null", "teacher.widths=4-3", "training.weightDecay=0.01"],
      ["student.normalization=beforeActivation"],
      // These diverge in the middle of an epoch.
      ["training.learningRate=0.255", "training.momentum=0.5"],
      ["training.learningRate=0.28", "training.momentum=0.4", "training.precision=float32"],
    ])
  func middleOfEpochs(more: [String]) throws {
    let study = try tinyStudy(
      [
        "training.epochs=3", "training.stepsPerEpoch=150",
        "record=[{measures: [trainingLoss, weightChanges, evaluationCorrelation], every: 1}]",
      ] + more)
    let whole = try execute(study)
    var places: Set<Int> = []
    for checkpoint in whole.checkpoints {
      let unfinished = try state(checkpoint, of: study).training.unfinishedEpoch
      if let unfinished { places.insert(150 * checkpoint.epoch + unfinished.progress.stepCount) }
      let resumed = try execute(study, from: checkpoint)
      #expect(resumed.data == whole.data)
      #expect(resumed.record.measurements == whole.record.measurements)
      #expect(resumed.record.outcome == whole.record.outcome && resumed.record.divergence == whole.record.divergence)
      #expect(resumed.record.stepCount == whole.record.stepCount)
      #expect(resumed.record.optimizerState == whole.record.optimizerState)
    }
    // Of a run that diverges, those before it does.
    let end = whole.record.divergence?.step ?? 450
    #expect(places.contains { $0 < 150 } && places.allSatisfy { $0 < end }, "\(places.sorted()), \(end)")
    if more.first?.contains("learningRate=0.2") == true {
      #expect(whole.record.divergence != nil)
    } else {
      #expect(places.count > 5)
    }
  }

  @Test("gradient flow goes on from anywhere in an epoch, and when it was stopped there")
  func middleOfFlow() throws {
    let study = try tinyStudy([
      "training.method=flow", "training.batchSize=null", "training.epochs=3", "training.stepsPerEpoch=40",
      "training.learningRateHalvingInterval=2",
      "record=[{measures: [evaluationLoss, weightChanges, evaluationCorrelation], every: 1}]",
    ])
    let whole = try execute(study)
    var places: [IntegrationPlace] = []
    func expectTheSame(from checkpoint: Checkpoint) throws {
      if let place = try state(checkpoint, of: study).training.unfinishedEpoch?.flowPlace { places.append(place) }
      var shares = 0.0
      let executor = executor(study.runs[0], of: study, didTakeSteps: { shares += $1 })
      guard case .finished(let record, let data) = try executor.execute(from: checkpoint) else {
        Issue.record("not finished")
        return
      }
      #expect(data == whole.data && record.measurements == whole.record.measurements)
      #expect(record.stepCount == whole.record.stepCount && shares <= 3 - Double(checkpoint.epoch) + 1e-9)
    }
    let middles = try whole.checkpoints.filter {
      try state($0, of: study).training.unfinishedEpoch?.flowPlace != nil
    }
    #expect(middles.count > 20)
    for part in 0..<8 { try expectTheSame(from: middles[part * middles.count / 8]) }
    #expect(places.count == 8 && Set(places).count == 8)
    places = []
    for lastPoll in stride(from: 4, to: 30, by: 5) {
      if let checkpoint = try stop(study, atPoll: lastPoll) { try expectTheSame(from: checkpoint) }
    }
    #expect(places.count > 3)
    var damaged = middles[0]
    var file = try SafetensorsFile.decode(damaged.student, name: "checkpoint")
    for time in ["-1", "nan", "inf", "x", nil] {
      file.metadata["understudy.flowTime"] = time
      damaged.student = file.encoded(precision: .float64)
      let error = #expect(throws: ExperimentError.self, "\(time ?? "none")") { _ = try execute(study, from: damaged) }
      #expect(error?.description.contains("checkpoint of run") == true)
    }
  }

  @Test(
    "a run that goes on from anywhere in the critical-point search or its replica gives the same record",
    arguments: [
      [], ["training.precision=float32"], ["training.method=adam", "training.learningRate=0.01"],
      [
        "teacher.widths=3-3", "teacher.hiddenNodes=null", "criticalPoint.iterations=40",
        "record=[{measures: [criticalPoint], last: true}]",
      ],
      ["network.activation=leakyRelu"],
    ])
  func goingOn(more: [String]) throws {
    let study = try longStudy(more)
    let whole = try execute(study)
    let counts = try whole.checkpoints.map { checkpoint in
      let stages = try stages(checkpoint, of: study)
      return (
        stages.search.current?.iterationCount ?? -1, stages.replica?.training.epoch ?? -1,
        stages.replica?.search.current?.iterationCount ?? -1
      )
    }
    let iterations = study.runs[0].setting.criticalPoint.iterations
    // Every step of either search but the last, which ends it, and every epoch of the replica.
    #expect(counts.map(\.0).filter { $0 > 0 } == Array(1..<iterations))
    if whole.values(.straightPath, epoch: 5) != nil {
      #expect(Set(counts.map(\.1).filter { $0 > 0 }) == Set(1...4))
      #expect(counts.map(\.2).filter { $0 > 0 } == Array(1..<iterations))
    }
    #expect(try #require(whole.values(.criticalPoint, epoch: 5))[1] > 1, "restarts are among them")
    for (index, checkpoint) in whole.checkpoints.enumerated() where checkpoint.epoch == 4 && index % 11 == 0 {
      let resumed = try execute(study, from: checkpoint)
      #expect(resumed.data == whole.data)
      #expect(resumed.record.measurements == whole.record.measurements)
      #expect(resumed.record.stepCount == whole.record.stepCount)
    }
  }

  @Test("stopped in what follows its epochs, a run says where it stands, and goes on from there")
  func interruption() throws {
    let study = try longStudy()
    let whole = try execute(study)
    // How often it asks whether to stop, in all; then it is stopped at some of these.
    var polls = 0
    let counting = executor(
      study.runs[0], of: study,
      isCancelled: {
        polls += 1
        return false
      })
    _ = try counting.execute(from: nil)
    let total = polls
    for place in stride(from: total - 1, to: total / 4, by: -13) {
      guard let checkpoint = try stop(study, atPoll: place + 1) else {
        Issue.record("not interrupted at \(place) of \(total)")
        continue
      }
      let resumed = try execute(study, from: checkpoint)
      #expect(resumed.data == whole.data && resumed.record.measurements == whole.record.measurements)
    }
  }

  /// What a checkpoint holds is checked as what a user gives.
  @Test("a checkpoint that is damaged in what follows the epochs is refused, in words")
  func damage() throws {
    let study = try longStudy()
    let checkpoints = try execute(study).checkpoints
    let last = try #require(checkpoints.last { (try? stages($0, of: study))?.replica?.search.current != nil })
    let file = try SafetensorsFile.decode(last.student, name: "checkpoint")
    typealias Tensor = SafetensorsFile.Tensor
    func refused(_ what: String, _ change: (inout SafetensorsFile) -> Void) throws {
      var (damaged, checkpoint) = (file, last)
      change(&damaged)
      checkpoint.student = damaged.encoded(precision: .float64)
      let error = #expect(throws: ExperimentError.self, "\(what)") { _ = try execute(study, from: checkpoint) }
      #expect(error?.description.contains("checkpoint of run") == true, "\(what): \(error.map(\.description) ?? "")")
    }
    let trail = try #require(file.tensors["twin/search/trail"])
    for (name, values) in [
      ("counts", [-1, 0]), ("counts", [0.5, 0]), ("counts", [1e300, 0]), ("counts", [1]), ("damping", [0, 2]),
      ("damping", [-1, 2]), ("damping", [1, 0]), ("losses", [Double](repeating: 1, count: 100)), ("best", [1, 2]),
    ] { try refused(name) { $0.tensors["twin/search/\(name)"] = Tensor(shape: [values.count], values: values) } }
    for shape in [[0, 5], [1 << 40, 0], [1, 3], [trail.values.count]] {
      let values = Array(trail.values.prefix(shape.reduce(1, *)))
      try refused("a trail of \(shape)") { $0.tensors["twin/search/trail"] = Tensor(shape: shape, values: values) }
    }
    try refused("no trail") { $0.tensors["twin/search/trail"] = nil }
    try refused("a replica without weights") { $0.tensors["twin/layers.0.weight"] = nil }
    try refused("a student of another size") {
      $0.tensors["finished/layers.0.weight"] = Tensor(shape: [6, 1], values: [1, 2, 3, 4, 5, 6])
    }
    try refused("a smaller student") {
      $0.tensors["layers.0.weight"] = Tensor(shape: [1, 8], values: [Double](repeating: 1, count: 8))
      $0.tensors["layers.0.bias"] = Tensor(shape: [1], values: [1])
      $0.tensors["layers.1.weight"] = Tensor(shape: [4, 1], values: [1, 2, 3, 4])
    }
    try refused("an epoch past the end") { $0.metadata["understudy.twinEpoch"] = "5" }
    try refused("no epoch") { $0.metadata["understudy.twinEpoch"] = nil }
    try refused("a later format") { $0.metadata["understudy.stages"] = "4" }
  }

  @Test("an augmented training set has as many samples as are asked for, and fewer are drawn")
  func augmentation() throws {
    let study = try tinyStudy([
      "inputs.training.count=90", "inputs.augmentation=teacherAgnostic", "inputs.augmentationStep=0.2",
    ])
    let prepared = try PreparedRun(study.runs[0])
    let (set, drawn) = (try prepared.trainingSet(index: 0), prepared.drawnInputs(index: 0))
    // d = 8: 17 samples of each that is drawn, and 5 of the last.
    #expect(set.inputs.rowCount == 90 && set.targets.rowCount == 90 && drawn.rowCount == 6)
    for i in 0..<6 { #expect(Array(set.inputs.row(17 * i)) == Array(drawn.row(i))) }
    let few = try PreparedRun(try tinyStudy(["inputs.training.count=3", "inputs.augmentation=teacherAware"]).runs[0])
    #expect(try few.trainingSet(index: 0).inputs.rowCount == 3)
    let rank = try tinyStudy(["inputs.rank=99"])
    #expect { try PreparedRun(rank.runs[0]) } throws: { "\($0)".contains("inputs.rank is 99") }
  }

  @Test("keys that came later do not change what older runs are")
  func hashes() throws {
    let before = try tinyStudy()
    let defaults = try tinyStudy(["inputs.augmentation=none", "criticalPoint.method=none", "inputs.rank=0"])
    #expect(before.runs.map(\.hash) == defaults.runs.map(\.hash))
    let other = try tinyStudy(["criticalPoint.method=levenbergMarquardt"])
    #expect(Set(other.runs.map(\.hash)).isDisjoint(with: before.runs.map(\.hash)))
  }
}
