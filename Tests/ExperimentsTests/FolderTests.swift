import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudySchema

@testable import UnderstudyExperiments

/// What a divergence keeps, and stored runs as files.
@Suite("Stored runs") struct FolderTests {
  @Test(
    "a divergence knows its step and what came before, and keeps the student of the epoch before it",
    arguments: [
      [], ["training.precision=float32"], ["training.method=gd", "training.batchSize=null"],
      ["training.method=adam", "training.learningRate=1e200"], ["training.momentum=0.5"],
    ])
  func divergence(more: [String]) throws {
    let options =
      [
        "training.learningRate=40", "training.stepsPerEpoch=4", "training.epochs=50",
        "record=[{measures: [evaluationLoss], every: 1}]",
      ] + more
    let run = try execute(try tinyStudy(options))
    guard case .diverged(let epoch) = run.record.outcome else {
      Issue.record("it ended with \(run.record.outcome)")
      return
    }
    let divergence = try #require(run.record.divergence)
    let step = try #require(divergence.step)
    // A loss that is not finite is seen before the step that follows.
    #expect((4 * epoch - 3...4 * epoch).contains(step))
    let kept = divergence.lastSteps.map(\.step)
    // The step itself is among them if only what is measured after it is not finite.
    let end = divergence.reason == "evaluationLoss is not finite" ? step + 1 : step
    #expect(kept == Array(4 * epoch - 3..<end))
    #expect(divergence.lastSteps.allSatisfy { $0.loss.isFinite && ($0.length ?? .nan).isFinite })
    #expect(run.student.network.isFinite)
    // The same student as of a run that ends there.
    if epoch > 1 {
      let before = try execute(try tinyStudy(options + ["training.epochs=\(epoch - 1)"]))
      #expect(before.student == run.student)
    }
  }

  @Test("what is not finite between epochs is named, with the losses of the epoch's last steps")
  func overflowOfAMeasure() throws {
    // Weights of 1e160 are finite, and squared errors are not.
    let study = try tinyStudy(
      "student.scale=1e80", "training.epochs=2", "training.learningRate=1e-300",
      "record=[{measures: [evaluationLoss], every: 1}]")
    let run = try execute(study)
    #expect(run.record.outcome == .diverged(epoch: 0))
    #expect(run.record.divergence == Divergence(reason: "evaluationLoss is not finite"))
  }

  @Test("a student that follows the flow has no batches, and a script of its own")
  func extractedFlow() throws {
    let study = try tinyStudy("training.method=flow", "training.batchSize=null", "training.epochs=2")
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("understudy-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let executed = try execute(study)
    let store = try ResultsStore.openForWriting(folder, study: study)
    try store.record(executed.record, student: executed.data)
    let files = try ExtractedRun(executed.record, in: store).files
    #expect(files.contains { $0.name == "teacher.safetensors" } && !files.contains { $0.name == "batches.npy" })
    let script = try #require(files.first { $0.name == "retrain.py" })
    #expect(script.what.contains("SciPy"))
    #expect(String(decoding: try script.content(), as: UTF8.self).contains("solve_ivp"))
  }

  @Test("the files of a run are what it was computed from")
  func extracted() throws {
    let study = try tinyStudy("inputs.regenerateEachEpoch=true", "training.epochs=3", "training.outputNoise=0.1")
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("understudy-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let executed = try execute(study)
    let store = try ResultsStore.openForWriting(folder, study: study)
    try store.record(executed.record, student: executed.data)
    let files = try ExtractedRun(executed.record, in: store).files
    func content(_ name: String) throws -> Data {
      try #require(files.first { $0.name == name }, "no \(name)").content()
    }
    let prepared = executed.prepared
    #expect(try content("student.safetensors") == executed.data)
    let teacher = try NetworkFile.decode(try content("teacher.safetensors"), name: "t", activation: .relu)
    #expect(teacher == prepared.teacher.network)
    let initial = try NetworkFile.decode(try content("student-initial.safetensors"), name: "s", activation: .relu)
    #expect(initial == prepared.initialStudent.network)
    let inputs = try ArrayFile.decodeMatrix(try content("training-inputs.npy"), name: "x")
    let targets = try ArrayFile.decodeMatrix(try content("training-targets.npy"), name: "y")
    let batches = try ArrayFile.decodeBatches(try content("batches.npy"), name: "b", sampleCount: inputs.rowCount)
    #expect(inputs.rowCount == 450 && targets.rowCount == 450 && batches.stepCount == 60 && batches.batchSize == 8)
    for epoch in 1...3 {
      let set = try prepared.trainingSet(index: epoch - 1)
      let rows = 150 * (epoch - 1)..<150 * epoch
      #expect(inputs.rows(rows) == set.inputs && targets.rows(rows) == set.targets)
      let indices = prepared.batches.indices(epoch: epoch, stepCount: 20, batchSize: 8, sampleCount: 150)
      #expect(batches.indices[160 * (epoch - 1)..<160 * epoch].map { $0 - UInt32(150 * (epoch - 1)) } == indices)
    }
    let guide = String(decoding: try content("README.md"), as: UTF8.self)
    for file in files where file.name != "README.md" { #expect(guide.contains("| `\(file.name)` | \(file.what) |")) }
  }
}
