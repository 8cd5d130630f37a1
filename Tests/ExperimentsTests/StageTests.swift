import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyRecords
import UnderstudyTheory

@testable import UnderstudyExperiments

/// What runs do after their last epoch, and data sets that are augmented or of low rank.
@Suite("Stages of a run") struct StageTests {
  private func finishingStudy(_ more: String...) throws -> Study {
    try tinyStudy(
      [
        "finishing.method=levenbergMarquardt", "training.epochs=10", "training.stepsPerEpoch=100",
        "training.learningRate=0.05", "student.scale=0.1", "inputs.training.count=300",
        "record=[{measures: [alignment, trainingLoss, evaluationLoss], every: 5}, {measures: [finishing, mergedNodeCount, "
          + "mergedWeightError, straightPath, matchedPath, constructedPath], last: true}]",
      ] + more)
  }

  @Test("the finishing stage is one more epoch, and what is stored is the finished student")
  func finishing() throws {
    let run = try execute(try finishingStudy())
    #expect(run.record.run.setting.lastEpoch == 11)
    let report = try #require(run.values(.finishing, epoch: 11))
    #expect(report[2] == 1 && report[4] <= 1e-10)
    let loss = try #require(run.values(.trainingLoss, epoch: 11)?.first)
    #expect(loss < 1e-18 && loss < (run.values(.trainingLoss, epoch: 10)?.first ?? 0))
    let material = try RunMaterial(run.record.run)
    let training = try material.trainingSet(index: 0)
    let gradient = try gradients(of: run.student, over: training.inputs, targets: training.targets)
    #expect(gradient.nodeMaxima.allSatisfy { $0 <= 1e-10 })
    #expect(run.record.stepCount == 1000)
  }

  @Test("the twin has the teacher and the data of its run, and other weights; paths end at both")
  func twin() throws {
    let run = try execute(try finishingStudy())
    let (own, twin) = (try RunMaterial(run.record.run), try RunMaterial(run.record.run, isTwin: true))
    #expect(own.teacher == twin.teacher)
    #expect(try own.trainingSet(index: 0).inputs == twin.trainingSet(index: 0).inputs)
    #expect(own.initialStudent != twin.initialStudent)
    let straight = try #require(run.values(.straightPath, epoch: 11))
    let matched = try #require(run.values(.matchedPath, epoch: 11))
    #expect(straight.count == 200 && matched.count == 200)
    #expect(straight[0] == matched[0] && straight[0] < 1e-18)
    #expect((straight.max() ?? 0) > 1e-3)
  }

  @Test("stopped in the finishing stage, a run goes on from the end of its epochs and has the same bits")
  func interruption() throws {
    let study = try finishingStudy()
    let whole = try execute(study)
    var epochs = 0
    // After the last epoch the finishing stage is the first to ask.
    let executor = executor(
      study.runs[0], of: study, isCancelled: { epochs == 10 }, didTakeSteps: { _ in epochs += 1 })
    guard case .interrupted(let checkpoint) = try executor.execute(from: nil) else {
      Issue.record("not interrupted")
      return
    }
    #expect(checkpoint.epoch == 10)
    let resumed = try execute(study, from: checkpoint)
    #expect(resumed.data == whole.data)
    #expect(resumed.record.measurements == whole.record.measurements)
  }

  @Test("an augmented training set has as many samples as are asked for, and fewer are drawn")
  func augmentation() throws {
    let study = try tinyStudy([
      "inputs.training.count=90", "inputs.augmentation=teacherAgnostic", "inputs.augmentationStep=0.2",
    ])
    let material = try RunMaterial(study.runs[0])
    let (set, drawn) = (try material.trainingSet(index: 0), material.drawnInputs(index: 0))
    // d = 8: 17 samples of each that is drawn, and 5 of the last.
    #expect(set.inputs.rowCount == 90 && set.targets.rowCount == 90 && drawn.rowCount == 6)
    for i in 0..<6 { #expect(Array(set.inputs.row(17 * i)) == Array(drawn.row(i))) }
    let few = try RunMaterial(try tinyStudy(["inputs.training.count=3", "inputs.augmentation=teacherAware"]).runs[0])
    #expect(try few.trainingSet(index: 0).inputs.rowCount == 3)
    let rank = try tinyStudy(["inputs.rank=99"])
    #expect { try RunMaterial(rank.runs[0]) } throws: { "\($0)".contains("inputs.rank is 99") }
  }

  @Test("keys that came later do not change what older runs are")
  func hashes() throws {
    let before = try tinyStudy()
    let defaults = try tinyStudy(["inputs.augmentation=none", "finishing.method=none", "inputs.rank=0"])
    #expect(before.runs.map(\.hash) == defaults.runs.map(\.hash))
    let other = try tinyStudy(["finishing.method=levenbergMarquardt"])
    #expect(Set(other.runs.map(\.hash)).isDisjoint(with: before.runs.map(\.hash)))
  }
}
