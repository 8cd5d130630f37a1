import Foundation
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

@Suite struct StoreTests {
  @Test func whatIsRecordedIsReadBack() throws {
    let folder = try TemporaryFolder()
    let results = folder.url.appendingPathComponent("deep/results")
    let study = try smallStudy()
    let runs = study.runs
    do {
      let store = try ResultsStore.openForWriting(results, study: study)
      try store.record(record(of: runs[3], study: study, outcome: .diverged(epoch: 7)), student: Data("w3".utf8))
      try store.record(record(of: runs[0], study: study), student: Data("w0".utf8))
      #expect(try store.finishedHashes() == [runs[0].hash, runs[3].hash])
    }
    let store = try ResultsStore.openForReading(results)
    #expect(store.study == study)
    let all = try store.results(measures: Set(Measure.allCases))
    #expect(all.study == study)
    #expect(all.runs.map(\.run) == [runs[0], runs[3]])
    #expect(all.runs.map(\.outcome) == [.completed, .diverged(epoch: 7)])
    let expected = record(of: runs[0], study: study)
    let found = try #require(all.runs.first)
    #expect(Set(found.measurements) == Set(expected.measurements))
    #expect(found.finishedAt == expected.finishedAt)
    #expect(found.machine == expected.machine && found.version == expected.version)
    #expect(found.studyHash == study.hash && found.stepCount == 100_000)
    #expect(found.wallSeconds == 1.5 && found.cpuSeconds == 1.25)
    let some = try store.results(measures: [.fanOutNorms])
    #expect(some.runs[0].measurements == [MeasuredValue(.fanOutNorms, epoch: 100, shape: [2], values: [1.25, 0])])
    #expect(try store.runs().allSatisfy(\.measurements.isEmpty))
    #expect(try Data(contentsOf: store.weightsURL(of: runs[3].hash)) == Data("w3".utf8))
    #expect(try Study.load(path: results.appendingPathComponent("study.yaml").path) == study)
  }

  @Test func aFolderIsSelfContainedAndReadableWithoutWriting() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    let results = folder.url.appendingPathComponent("results")
    do {
      let store = try ResultsStore.openForWriting(results, study: study)
      try store.record(record(of: study.runs[0], study: study), student: Data())
      let names = try FileManager.default.contentsOfDirectory(atPath: results.path).sorted()
      let files = [".understudy.lock", "figures", "results.sqlite", "study.yaml", "weights"]
      #expect(names.filter { !["results.sqlite-shm", "results.sqlite-wal"].contains($0) } == files)
      #expect(try ResultsStore.openForReading(results).finishedHashes().count == 1)
    }
    // Once it is closed, one file holds everything.
    #expect(
      try !FileManager.default.contentsOfDirectory(atPath: results.path).contains { $0.hasPrefix("results.sqlite-") })
    let copy = folder.url.appendingPathComponent("copy")
    try FileManager.default.copyItem(at: results, to: copy)
    try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: copy.path)
    #expect(try ResultsStore.openForReading(copy).finishedHashes() == [study.runs[0].hash])
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: copy.path)
  }

  @Test func nothingIsRecordedTwice() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    let run = study.runs[0]
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    try store.record(record(of: run, study: study), student: Data("first".utf8))
    let error = thrown(StoreError.self) {
      try store.record(record(of: run, study: study), student: Data("second".utf8))
    }
    #expect(error == .alreadyRecorded(run: run.hash))
    #expect(try Data(contentsOf: store.weightsURL(of: run.hash)) == Data("first".utf8))
    #expect(
      thrown(StoreError.self) {
        try store.saveCheckpoint(
          Checkpoint(
            runHash: run.hash, epoch: 1, student: Data(), measurements: [], wallSeconds: 0, cpuSeconds: 0))
      } == .alreadyRecorded(run: run.hash))
  }

  @Test func badRecordsAreRefused() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    var bad = record(of: study.runs[0], study: study)
    bad.measurements.append(MeasuredValue(.trainingLoss, epoch: 3, values: [.nan]))
    #expect(
      thrown(StoreError.self) { try store.record(bad, student: Data()) }
        == .notFinite(run: study.runs[0].hash, measure: .trainingLoss, epoch: 3))
    bad.measurements[bad.measurements.count - 1] = bad.measurements[0]
    #expect(
      thrown(StoreError.self) { try store.record(bad, student: Data()) }
        == .duplicateMeasurement(run: study.runs[0].hash, measure: .evaluationLoss, epoch: 0))
    let stranger = try parse("name: stranger").runs[0]
    #expect(
      thrown(StoreError.self) { try store.record(record(of: stranger, study: study), student: Data()) }
        == .unknownRun(run: stranger.hash, study: "small"))
    #expect(try store.finishedHashes().isEmpty)
    let reader = try ResultsStore.openForReading(folder.url)
    #expect(
      thrown(StoreError.self) { try reader.record(record(of: study.runs[0], study: study), student: Data()) }
        == .readOnly(folder: reader.folder.path))
  }

  @Test func manyThreadsRecord() async throws {
    let folder = try TemporaryFolder()
    var study = try smallStudy()
    study.seeds = Array(1...20)
    let runs = study.runs
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    try await withThrowingTaskGroup(of: Void.self) { [study] group in
      for run in runs {
        group.addTask { try store.record(record(of: run, study: study), student: Data(run.hash.utf8)) }
      }
      try await group.waitForAll()
    }
    let results = try store.results(measures: [.evaluationCorrelation])
    #expect(results.runs.map(\.run) == Array(runs))
    #expect(results.runs.allSatisfy { $0.measurements.count == 1 })
    for run in runs { #expect(try Data(contentsOf: store.weightsURL(of: run.hash)) == Data(run.hash.utf8)) }
  }

  @Test func aGridThatGrewIsContinued() throws {
    let folder = try TemporaryFolder()
    let small = try smallStudy()
    do {
      let store = try ResultsStore.openForWriting(folder.url, study: small)
      for run in small.runs { try store.record(record(of: run, study: small), student: Data()) }
    }
    let grown = try parse(
      "name: small\nteacher: {hiddenNodes: [2, 3], strengthDecay: [0, 0.5, 1]}\nseeds: 3\nclaim: New.")
    let store = try ResultsStore.openForWriting(folder.url, study: grown)
    #expect(try store.finishedHashes() == Set(small.runs.map(\.hash)))
    let read = try ResultsStore.openForReading(folder.url)
    #expect(read.study == grown)
    #expect(try read.runs().map(\.run.settingIndex) == [3, 3, 5, 5])
    #expect(try Study.load(path: folder.url.appendingPathComponent("study.yaml").path) == grown)
  }
}
