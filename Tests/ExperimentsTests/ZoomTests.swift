import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema

@testable import UnderstudyExperiments
@testable import UnderstudyTraining

/// Runs that are measured by steps, and students that are trained on from where they were stored.
@Suite("Zooms") struct ZoomTests {
  private static let record =
    "record=[{measures: [trainingLoss, evaluationLoss, weightChanges, evaluationCorrelation], every: 1}]"
  private static let methods = [
    [], ["training.precision=float32"], ["training.method=gd", "training.batchSize=null"], ["training.method=adam"],
    ["training.momentum=0.9"], ["training.batchOrder=reshuffled"], ["inputs.regenerateEachEpoch=true"],
    ["training.learningRateHalvingInterval=2", "training.unitNormFirstLayer=true"],
    ["teacher.hiddenNodes=null", "teacher.widths=4-3", "training.weightDecay=0.01"],
    ["student.normalization=beforeActivation"],
  ]

  private func zoom(_ from: Int, _ to: Int, _ every: Int) -> [String] {
    ["zoom.from=\(from)", "zoom.to=\(to)", "zoom.every=\(every)"]
  }

  private func sorted(_ record: RunRecord) -> [MeasuredValue] {
    record.measurements.sorted { ($0.measure.rawValue, $0.epoch) < ($1.measure.rawValue, $1.epoch) }
  }

  /// A folder with the runs of a study.
  private func folder(_ study: Study) async throws -> (URL, ResultsStore) {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("understudy-\(UUID().uuidString)")
    let store = try ResultsStore.openForWriting(url, study: study)
    _ = try await StudyRunner(study, into: store).run { _ in }
    return (url, store)
  }

  @Test("steps between epochs have the bits of the run", arguments: methods)
  func bits(more: [String]) throws {
    let whole = try execute(try tinyStudy([Self.record] + more))
    // Of 5 epochs of 20 steps: across an end of an epoch, to the end of one, to the very end.
    for (from, to, every) in [(30, 60, 10), (0, 40, 8), (95, 100, 1)] {
      let zoomed = try execute(try tinyStudy([Self.record] + more + zoom(from, to, every)))
      let times = Set(zoomed.record.measurements.map(\.epoch)).sorted()
      #expect(times == Array(stride(from: from, through: to, by: every)))
      for time in times where time.isMultiple(of: 20) {
        for measure in [Measure.trainingLoss, .evaluationLoss, .evaluationCorrelation] {
          #expect(
            zoomed.values(measure, epoch: time) == whole.values(measure, epoch: time / 20), "\(measure) at \(time)")
        }
      }
      #expect(zoomed.record.stepCount == to)
      // The student at the end is that of a run that ends there.
      let ends = try execute(try tinyStudy([Self.record] + more + ["training.epochs=\(to / 20)"]))
      #expect(zoomed.student == ends.student)
    }
  }

  @Test("the grid of steps changes no bit, and a naive walk over the steps sees the same")
  func grids() throws {
    let coarse = try execute(try tinyStudy([Self.record] + zoom(20, 100, 20)))
    let fine = try execute(try tinyStudy([Self.record] + zoom(20, 100, 1)))
    let middle = try execute(try tinyStudy([Self.record] + zoom(37, 93, 7)))
    #expect(coarse.student == fine.student)
    for time in [40, 60, 80, 100] {
      #expect(coarse.values(.evaluationLoss, epoch: time) == fine.values(.evaluationLoss, epoch: time))
    }
    for time in stride(from: 37, through: 93, by: 7) {
      #expect(middle.values(.evaluationLoss, epoch: time) == fine.values(.evaluationLoss, epoch: time))
      #expect(middle.values(.trainingLoss, epoch: time) != nil)
    }
    #expect(middle.values(.weightChanges, epoch: 37) == [0, 0])
    let (prepared, plan) = (fine.prepared, fine.prepared.plan)
    let trainer = try Trainer<Double>(student: prepared.initialStudent, plan: plan, batches: prepared.batches)
    let samples = try prepared.trainingSet(index: 0)
    trainer.train(epoch: 1, on: samples.packed())
    let indices = prepared.batches.indices(epoch: 2, stepCount: 20, batchSize: 8, sampleCount: 150)
    for step in 0..<5 {
      let batch = Array(indices[8 * step..<8 * (step + 1)])
      trainer.engine.train(on: samples.packed(), batches: batch, batchSize: 8, rule: plan.rule(epoch: 2))
    }
    #expect(fine.values(.evaluationLoss, epoch: 25) == [trainer.loss(over: prepared.evaluation.packed())])
  }

  @Test("a run that is stopped within a zoom goes on to the same numbers")
  func interruptions() throws {
    let study = try tinyStudy([Self.record, "training.momentum=0.5"] + zoom(15, 90, 3))
    let whole = try execute(study)
    for polls in [1, 5, 9, 14, 20, 27] {
      var (count, kept): (Int, Checkpoint?) = (0, nil)
      let stopped = executor(
        study.runs[0], of: study,
        isCancelled: {
          count += 1
          return count > polls
        }, saveCheckpoint: { kept = $0 })
      switch try stopped.execute(from: nil) {
      case .finished: Issue.record("it was not stopped at \(polls)")
      case .interrupted(let checkpoint): kept = checkpoint ?? kept
      }
      let resumed = try execute(study, from: kept)
      #expect(resumed.student == whole.student)
      #expect(resumed.record.measurements == whole.record.measurements, "stopped at poll \(polls)")
    }
    for checkpoint in whole.checkpoints {
      let resumed = try execute(study, from: checkpoint)
      #expect(resumed.student == whole.student)
      #expect(resumed.record.measurements == whole.record.measurements)
    }
  }

  @Test("a zoom begins where a run was stopped in the middle of an epoch, also with a look at that very step")
  func beginningWithinAnEpoch() throws {
    let options = [Self.record, "training.method=adam", "training.stepsPerEpoch=100"]
    for checkpoint in try execute(try tinyStudy(options)).checkpoints.prefix(8) {
      let network = try PreparedRun(try tinyStudy(options).runs[0]).initialStudent.network
      let state = try TrainingState(checkpoint, name: "checkpoint", like: network)
      let step = 100 * checkpoint.epoch + (state.training.unfinishedEpoch?.progress.stepCount ?? 0)
      for from in [step, step + 7] {
        let study = try tinyStudy(options + zoom(from, step + 30, 5))
        var start = checkpoint
        (start.runHash, start.measurements) = (study.runs[0].hash, [])
        let (begun, whole) = (try execute(study, from: start), try execute(study))
        #expect(begun.student == whole.student)
        #expect(begun.record.measurements == whole.record.measurements, "at step \(step), from \(from)")
      }
    }
  }

  @Test("a divergence is seen at its step")
  func divergence() throws {
    let options = [Self.record, "training.learningRate=40", "training.stepsPerEpoch=4", "training.epochs=50"]
    let whole = try execute(try tinyStudy(options))
    let step = try #require(whole.record.divergence?.step)
    let zoomed = try execute(try tinyStudy(options + zoom(max(0, step - 6), step + 1, 1)))
    #expect(zoomed.record.outcome == .diverged(epoch: step) || zoomed.record.outcome == .diverged(epoch: step - 1))
    #expect(zoomed.student.network.isFinite)
    #expect(zoomed.record.measurements.allSatisfy { $0.epoch <= step && $0.values.allSatisfy(\.isFinite) })
  }

  @Test("a stored run is zoomed into from its last finite student", arguments: [[], ["training.momentum=0.5"]])
  func stored(more: [String]) async throws {
    // It diverges after some epochs.
    let options = [Self.record, "training.learningRate=3", "training.stepsPerEpoch=4", "training.epochs=60"] + more
    let (url, store) = try await folder(try tinyStudy(options + ["seeds=2"]))
    defer { try? FileManager.default.removeItem(at: url) }
    let record = try #require(try store.runs().first)
    guard case .diverged(let epoch) = record.outcome, let step = record.divergence?.step, epoch > 1 else {
      Issue.record("it ended with \(record.outcome); the test needs one that diverges later")
      return
    }
    let zoomed = try ZoomedRuns(of: store, where: { $0.hash == record.run.hash }, ZoomedRuns.Window(), measures: [])
    #expect(zoomed.zoom.from == 4 * (epoch - 1) && zoomed.zoom.to == step)
    #expect(zoomed.beginningCount == 1 && zoomed.firstEpoch == epoch - 1)
    let into = URL(fileURLWithPath: "\(url.path)-zoom")
    defer { try? FileManager.default.removeItem(at: into) }
    let target = try ResultsStore.openForWriting(into, study: zoomed.study)
    try zoomed.begin(from: store, in: target)
    _ = try await StudyRunner(zoomed.study, into: target).run { _ in }
    let found = try target.results(measures: Set(Measure.allCases)).runs
    // The same as without the stored student.
    let alone = try execute(zoomed.study)
    #expect(sorted(found[0]) == sorted(alone.record) && found[0].outcome == alone.record.outcome)
    #expect(found[0].divergence == alone.record.divergence)
    let stored = try store.results(measures: [.evaluationLoss]).runs[0].measurements.last
    #expect(found[0].measurements.first { $0.measure == .evaluationLoss }?.values == stored?.values)
  }

  @Test("what a zoom cannot do is refused")
  func refusals() async throws {
    for (options, word) in [
      (zoom(30, 20, 1), "zoom.from"), (zoom(1, 101, 1), "last step"),
      (zoom(1, 9, 1) + ["training.method=flow", "training.batchSize=null"], "flow"),
      (zoom(1, 9, 1) + ["criticalPoint.method=levenbergMarquardt"], "critical"),
    ] {
      let error = #expect(throws: StudyError.self) { _ = try tinyStudy(options) }
      #expect("\(String(describing: error))".contains(word))
    }
    #expect(throws: ExperimentError.self) {
      try StudyRunner.check(try tinyStudy(zoom(1, 9, 1) + ["record=[{measures: [straightPath], last: true}]"]))
    }
    let (url, store) = try await folder(try tinyStudy([Self.record, "training.learningRate=[0.05, 0.1]", "seeds=2"]))
    defer { try? FileManager.default.removeItem(at: url) }
    let hash = try store.runs()[0].run.hash
    for (window, word) in [
      (ZoomedRuns.Window(), "--from"), (ZoomedRuns.Window(from: 100), "smaller --from"),
      (ZoomedRuns.Window(from: 30, to: 20), "later --to"), (ZoomedRuns.Window(from: 30, to: 200), "100 steps"),
    ] {
      let error = #expect(throws: ExperimentError.self) {
        _ = try ZoomedRuns(of: store, where: { $0.hash == hash }, window, measures: [])
      }
      #expect("\(try #require(error))".contains(word))
    }
    // Three of four runs.
    #expect(throws: ExperimentError.self) {
      _ = try ZoomedRuns(of: store, where: { $0.hash != hash }, ZoomedRuns.Window(from: 1), measures: [])
    }
    let both = try ZoomedRuns(
      of: store, where: { $0.seed == 2 }, ZoomedRuns.Window(from: 41), measures: [.evaluationLoss])
    #expect(both.zoom == ZoomSetting(from: 41, to: 60, every: 1) && both.beginningCount == 0)
    #expect(both.study.variedKeys == ["training.learningRate"] && both.study.seeds == [2])
    #expect(both.study.figures.map(\.name) == ["evaluationLoss"])
    let all = try ZoomedRuns(of: store, where: { _ in true }, ZoomedRuns.Window(from: 41), measures: [])
    #expect(all.study.figures.map(\.name) == ["trainingLoss", "evaluationLoss", "evaluationCorrelation"])
    // Random numbers are those of the whole runs.
    #expect(both.study.runs[0].randomKey == store.study.runs[1].randomKey)
  }

  @Test("a zoom into stored runs is refused where a study of it would be")
  func refusalsOfStoredRuns() async throws {
    for (options, measures, word) in [
      (["training.method=flow", "training.batchSize=null"], [], "flow takes no steps"),
      (["teacher.hiddenNodes=null", "teacher.widths=4-3"], [Measure.ballGradients], "one hidden layer"),
      ([], [.straightPath], "straightPath is measured after the last epoch"),
    ] as [([String], [Measure], String)] {
      let (url, store) = try await folder(try tinyStudy([Self.record, "training.epochs=2"] + options))
      defer { try? FileManager.default.removeItem(at: url) }
      let error = #expect(throws: ExperimentError.self) {
        _ = try ZoomedRuns(of: store, where: { _ in true }, ZoomedRuns.Window(from: 1), measures: measures)
      }
      #expect("\(try #require(error))".contains(word), "\(options)")
    }
  }

  /// A store whose folder another one had, once that one's lock is gone: a task that has ended may hold it for a moment more.
  private func reopened(_ url: URL, _ study: Study) async throws -> ResultsStore {
    for _ in 0..<200 {
      if let store = try? ResultsStore.openForWriting(url, study: study) { return store }
      try await Task.sleep(for: .milliseconds(50))
    }
    return try ResultsStore.openForWriting(url, study: study)
  }

  @Test("recorded runs are trained longer to the bits of runs that were planned so", arguments: methods)
  func longer(more: [String]) async throws {
    let options = [Self.record] + more
    let url = try await folder(try tinyStudy(options + ["training.epochs=2"])).0
    defer { try? FileManager.default.removeItem(at: url) }
    let study = try tinyStudy(options)
    let longer = try await reopened(url, study)
    let checkpoint = try #require(try longer.checkpoint(of: study.runs[0]))
    #expect(checkpoint.epoch == 2)
    _ = try await StudyRunner(study, into: longer).run { _ in }
    let planned = try execute(study)
    #expect(try longer.weights(of: study.runs[0].hash) == planned.data)
    #expect(sorted(try longer.results(measures: Set(Measure.allCases)).runs[0]) == sorted(planned.record))
    try longer.forget([study.runs[0]])
    #expect(try longer.standing(of: study.runs[0], nil) == nil)
  }
}
