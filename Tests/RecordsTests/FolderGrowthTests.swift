import Foundation
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

/// Studies that are parts of what a folder holds, or train its runs longer.
@Suite struct FolderGrowthTests {
  private func study(_ epochs: String, _ more: String = "") throws -> Study {
    try parse("name: s\nteacher: {hiddenNodes: 3}\nseeds: 2\ntraining: {epochs: \(epochs)}\n\(more)")
  }

  private func fill(_ folder: URL, with study: Study) throws {
    let store = try ResultsStore.openForWriting(folder, study: study)
    for run in study.runs {
      var record = record(of: run, study: study)
      record.measurements = [
        MeasuredValue(.trainingLoss, epoch: 0, values: [1]),
        MeasuredValue(.fanOutNorms, epoch: run.setting.lastEpoch, shape: [1], values: [Double(run.seed)]),
      ]
      try store.record(record, student: Data("student \(run.seed)".utf8))
    }
  }

  @Test func runsThatAreTrainedLongerBecomeCheckpoints() throws {
    let folder = try TemporaryFolder()
    try fill(folder.url, with: study("10"))
    let longer = try study("[20, 30]")
    let store = try ResultsStore.openForWriting(folder.url, study: longer)
    #expect(try store.states { _ in true }.map(\.kind) == [.begun, .begun, .missing, .missing])
    for run in longer.runs.prefix(2) {
      let checkpoint = try #require(try store.checkpoint(of: run))
      #expect(checkpoint.epoch == 10 && checkpoint.student == Data("student \(run.seed)".utf8))
      #expect(checkpoint.measurements.map(\.epoch) == [0, 10] && checkpoint.wallSeconds == 1.5)
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: store.weightsFolder.path).isEmpty)
    #expect(try store.runs().isEmpty)
  }

  @Test("runs that were to be trained longer, and have not been yet, keep what they have if it is to be longer still")
  func unfinishedRunsGoOn() throws {
    let folder = try TemporaryFolder()
    try fill(folder.url, with: study("10"))
    do {
      // Of two runs that go on one is carried out.
      let store = try ResultsStore.openForWriting(folder.url, study: study("20"))
      let run = store.study.runs[0]
      try store.record(record(of: run, study: store.study), student: Data("longer".utf8))
    }
    let store = try ResultsStore.openForWriting(folder.url, study: try study("30"))
    let found = try store.study.runs.map { try store.checkpoint(of: $0) }
    #expect(found.map { $0?.epoch } == [20, 10])
    #expect(found.map { $0?.student } == [Data("longer".utf8), Data("student 2".utf8)])
    #expect(found[1]?.measurements.map(\.values) == [[1], [2]])
    #expect(try store.states { _ in true }.map(\.kind) == [.begun, .begun])
  }

  @Test("an unfinished run does not become one that is recorded")
  func recordedRunsStay() throws {
    let folder = try TemporaryFolder()
    do {
      let store = try ResultsStore.openForWriting(folder.url, study: study("[10, 20]"))
      let runs = store.study.runs
      try store.saveCheckpoint(
        Checkpoint(
          runHash: runs[0].hash, epoch: 5, student: Data("five".utf8), measurements: [], wallSeconds: 1, cpuSeconds: 1))
      try store.record(record(of: runs[2], study: store.study), student: Data("twenty".utf8))
    }
    let store = try ResultsStore.openForWriting(folder.url, study: try study("[20, 30]"))
    let runs = store.study.runs
    #expect(try runs.map { try store.checkpoint(of: $0) } == [nil, nil, nil, nil])
    #expect(try store.states { _ in true }.map(\.kind) == [.completed, .missing, .missing, .missing])
  }

  @Test("a run whose weights are damaged begins anew")
  func damagedWeights() throws {
    let folder = try TemporaryFolder()
    let short = try study("10")
    try fill(folder.url, with: short)
    try Data("other".utf8).write(to: folder.url.appendingPathComponent("weights/\(short.runs[0].hash).safetensors"))
    let store = try ResultsStore.openForWriting(folder.url, study: try study("20"))
    #expect(try store.states { _ in true }.map(\.kind) == [.missing, .begun])
  }

  @Test("two runs do not become one; nothing is changed")
  func collisions() throws {
    for (before, after) in [("[10, 15]", "20"), ("[10, 20]", "[20, 30]")] {
      let folder = try TemporaryFolder()
      try fill(folder.url, with: study(before))
      // Of the second pair 10 epochs would become 20, which are there.
      let wanted = try study(after)
      let error = thrown(StoreError.self) { _ = try ResultsStore.openForWriting(folder.url, study: wanted) }
      guard case .otherRuns = error else {
        Issue.record("\(before) to \(after): \(String(describing: error))")
        continue
      }
      #expect(try ResultsStore.openForReading(folder.url).runs().count == 4)
    }
  }

  @Test(
    "runs that cannot go on are refused, and stay",
    arguments: [
      "training.momentum: 0.9", "training.method: adam", "criticalPoint.method: levenbergMarquardt",
    ])
  func obstacles(line: String) throws {
    let folder = try TemporaryFolder()
    try fill(folder.url, with: study("10", line))
    let longer = try study("20", line)
    let error = thrown(StoreError.self) { _ = try ResultsStore.openForWriting(folder.url, study: longer) }
    guard case .cannotGoOn(_, _, let reason) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(reason.contains(line.prefix { $0 != ":" }))
    #expect(try ResultsStore.openForReading(folder.url).runs().count == 2)
  }

  @Test func aPartKeepsTheWholeAndHasItsFigures() throws {
    let folder = try TemporaryFolder()
    let whole = try smallStudy()
    try fill(folder.url, with: whole)
    let part = try parse(
      "name: small\nclaim: Less.\nteacher: {hiddenNodes: 3, strengthDecay: 1}\nseeds: [2]\n")
    let store = try ResultsStore.openForWriting(folder.url, study: part)
    #expect(store.study.settings == whole.settings && store.study.seeds == [1, 2] && store.study.claim == "Less.")
    #expect(try store.runs().count == 4)
    #expect(try Study.load(path: folder.url.appendingPathComponent("study.yaml").path).settings.count == 2)
  }

  @Test func anOriginIsKept() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    #expect(try store.origin() == nil)
    for origin in [
      StudyOrigin(path: "/a/b.yaml", scale: nil, overrides: ["seeds=2"]),
      StudyOrigin(bundledName: "two-layer", scale: "quick", overrides: []),
    ] {
      try store.keepOrigin(origin)
      #expect(try store.origin() == origin)
    }
    var other = study
    other.claim = "Another claim."
    #expect(store.presented(as: other)?.claim == "Another claim.")
    other.seeds = [7]
    #expect(store.presented(as: other) == nil)
  }
}
