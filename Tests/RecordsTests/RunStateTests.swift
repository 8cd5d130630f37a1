import Foundation
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

/// What a folder says of each run, and runs that are forgotten.
@Suite struct RunStateTests {
  /// A folder whose four runs are completed, diverged, failed and begun.
  private func withStates(_ body: (ResultsStore, [Run]) throws -> Void) throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy("training: {epochs: 100}\n")
    let runs = Array(study.runs)
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    try store.record(record(of: runs[0], study: study), student: Data("w0".utf8))
    var diverged = record(of: runs[1], study: study, outcome: .diverged(epoch: 7))
    diverged.divergence = divergence
    try store.record(diverged, student: Data("w1".utf8))
    try store.recordFailure(
      RunFailure(runs[2], reason: "its teacher is gone", version: "0.2.0", failedAt: Date()), of: runs[2])
    try store.saveCheckpoint(
      Checkpoint(
        runHash: runs[3].hash, epoch: 5, student: Data("c".utf8),
        measurements: [3, 5].map { MeasuredValue(.trainingLoss, epoch: $0, values: [Double($0)]) }, wallSeconds: 0,
        cpuSeconds: 0))
    try body(store, runs)
  }

  private let divergence = Divergence(
    step: 613, reason: "the loss is not finite",
    lastSteps: [Divergence.Step(611, loss: 1e30, length: 0.5), Divergence.Step(612, loss: 1e300)])

  @Test func everyRunHasItsState() throws {
    try withStates { store, runs in
      let states = try store.states { _ in true }
      #expect(states.map(\.run) == runs)
      #expect(states.map(\.kind) == [.completed, .diverged, .failed, .begun])
      #expect(states.map(\.epoch) == [100, 7, nil, 5])
      #expect(states.map(\.loss) == [1e-20, 1e-20, nil, 5])
      #expect(states[2].failure == "its teacher is gone")
      #expect(states[1].divergence == divergence)
      #expect(try store.runs()[1].divergence == divergence)
      #expect(try store.states { $0.seed == 2 }.map(\.run) == [runs[1], runs[3]])
    }
  }

  @Test func forgottenRunsLeaveNothing() throws {
    try withStates { store, runs in
      try store.forget([runs[1], runs[2], runs[3]])
      #expect(try store.states { _ in true }.map(\.kind) == [.completed, .missing, .missing, .missing])
      let counts = try store.reading { db in
        try [
          "run_record", "scalar", "array", "weights", "divergence", "checkpoint", "checkpoint_measurement", "failure",
          "setting",
        ].map {
          try Int.fetchOne(db, sql: "SELECT count(*) FROM \($0)")
        }
      }
      #expect(counts == [1, 2, 2, 1, 0, 0, 0, 0, 1])
      #expect(!FileManager.default.fileExists(atPath: store.weightsURL(of: runs[1].hash).path))
      #expect(try store.weightsFaults(.content).isEmpty)
      try store.record(record(of: runs[1], study: store.study), student: Data("again".utf8))
      #expect(try store.weights(of: runs[1].hash) == Data("again".utf8))
    }
  }

  @Test("weights that a kill has left without a run go with the next ones that are forgotten")
  func strayWeights() throws {
    try withStates { store, runs in
      let stray = store.weightsURL(of: String(repeating: "0", count: 32))
      let other = store.weightsURL(of: "notes")
      for url in [stray, other] { try Data("x".utf8).write(to: url) }
      try store.forget([runs[1]])
      #expect(!FileManager.default.fileExists(atPath: stray.path))
      #expect(FileManager.default.fileExists(atPath: other.path))
      #expect(try store.weights(of: runs[0].hash) == Data("w0".utf8))
    }
  }

  @Test func aFolderOfBeforeDivergencesWereKeptIsReadAndContinued() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    do {
      let store = try ResultsStore.openForWriting(folder.url, study: study)
      try store.record(record(of: study.runs[0], study: study, outcome: .diverged(epoch: 3)), student: Data())
      try store.database.write { try $0.execute(sql: "DROP TABLE divergence") }
    }
    #expect(try ResultsStore.openForReading(folder.url).states { _ in true }[0].divergence == nil)
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    var next = record(of: study.runs[1], study: study, outcome: .diverged(epoch: 7))
    next.divergence = divergence
    try store.record(next, student: Data())
    #expect(try store.runs().map(\.divergence) == [nil, divergence])
  }
}
