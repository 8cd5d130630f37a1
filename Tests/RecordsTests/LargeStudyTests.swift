import Foundation
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

@Suite struct LargeStudyTests {
  private func large(seeds: Int = 50) throws -> Study {
    func list(_ range: ClosedRange<Int>) -> String { "[\(range.map { "\(Double($0) / 64)" }.joined(separator: ", "))]" }
    return try parse(
      "name: large\nstudent.overRealization: \(list(64...163))\ntraining.learningRate: \(list(1...200))\nseeds: \(seeds)"
    )
  }

  @Test("runs are counted by arithmetic, and made one at a time") func lazyRuns() throws {
    let study = try large(seeds: 1_000_000)
    #expect(study.settings.count == 20_000 && study.runs.count == 20_000_000_000)
    let run = study.runs[19_999_999_999]
    #expect(run.settingIndex == 19_999 && run.seed == 1_000_000 && run.setting == study.settings[19_999])
    #expect(study.runs.first?.seed == 1 && study.runs.dropFirst(1_000_000).first?.settingIndex == 1)
  }

  @Test("a walk gives what subscripts give") func walk() throws {
    let study = try parse("teacher: {bias: [0, 1, 2]}\nstudent: {scale: [0.1, 0.2]}\nseeds: [5, 3]")
    #expect(Array(study.runs) == study.runs.indices.map { study.runs[$0] })
    #expect(study.runs.map(\.seed) == [5, 3, 5, 3, 5, 3, 5, 3, 5, 3, 5, 3])
    #expect(Set(study.runs.map(\.hash)).count == 12)
  }

  @Test("a grid is kept as its lists, and settings that are none as they are") func definition() throws {
    let study = try large()
    let data = try JSONEncoder().encode(study)
    #expect(data.count < 40_000, "\(data.count) bytes for 20000 settings")
    #expect(try JSONDecoder().decode(Study.self, from: data) == study)
    var holes = try parse(
      "teacher: {widths: 4-5, bias: [0, 1]}\ntraining.learningRates: [\"0: 0.2\", \"0: 0.1\"]")
    #expect(try JSONDecoder().decode(Study.self, from: JSONEncoder().encode(holes)) == holes)
    holes.settings.remove(at: 2)
    #expect(try JSONDecoder().decode(Study.self, from: JSONEncoder().encode(holes)) == holes)
    // Lists that no memory holds, of a folder that was made by somebody else.
    let values = (0..<2000).map { "{\"value\":{\"integer\":{\"_0\":\($0)}}}" }.joined(separator: ",")
    let axis = "{\"key\":\"training.epochs\",\"values\":[\(values)]}"
    let text = String(decoding: data, as: UTF8.self)
    let axes = try #require(text.range(of: "\"axes\":["))
    let hostile = text.replacingCharacters(in: axes, with: "\"axes\":[\(axis),\(axis),\(axis),")
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(Study.self, from: Data(hostile.utf8)) }
  }

  @Test("two names of one content in one list are one value twice") func equalFiles() throws {
    let folder = try TemporaryFolder()
    try folder.write("same", "a")
    try folder.write("same", "b")
    let error = thrown(StudyError.self) {
      _ = try Study.parse("teacher: {file: [a, b]}", origin: "s.yaml", folder: folder.url, baseName: "s")
    }
    #expect(error?.kind == .duplicateValue)
  }

  @Test("tallies count what is recorded") func tallies() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    for run in study.runs.prefix(3) {
      try store.submit(
        record(of: run, study: study, outcome: run.seed == 2 ? .diverged(epoch: 4) : .completed), student: Data())
    }
    try store.flush()
    #expect(store.submittedCount == 3)
    let tallies = try store.tallies()
    #expect(tallies[0]?.recordedCount == 2 && tallies[0]?.divergedCount == 1 && tallies[0]?.wallSeconds == 3)
    #expect(tallies[1]?.recordedCount == 1 && tallies[1]?.cpuSeconds == 1.25)
    let diverged = try store.divergedRuns(atMost: 5)
    #expect(diverged.count == 1 && diverged[0] == (0, 2, 4))
    #expect(try store.recordedSeeds() == [0: [1, 2], 1: [1]])
  }

  @Test("weights that were not touched are not read, and those that were are read once") func scrutiny() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    for run in study.runs { try store.record(record(of: run, study: study), student: Data(run.hash.utf8)) }
    func read() throws -> (faults: [Int], count: Int) {
      var count = 0
      let faults = try store.weightsFaults(.changes) { _, all in
        count = all
        return true
      }
      return (faults.map(\.run.seed), count)
    }
    #expect(try read() == ([], 0))
    // Another time, same bytes: read, and not again.
    let first = store.weightsURL(of: study.runs[0].hash)
    try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 5)], ofItemAtPath: first.path)
    #expect(try read() == ([], 1))
    #expect(try read() == ([], 0))
    // A bit turned: the size stays, the time does not.
    var bytes = try Data(contentsOf: store.weightsURL(of: study.runs[1].hash))
    bytes[3] ^= 1
    try bytes.write(to: store.weightsURL(of: study.runs[1].hash))
    #expect(try read() == ([2], 1))
    // With its time put back it is found by who reads it.
    let status = try #require(FileStatus(first.path))
    bytes = try Data(contentsOf: first)
    bytes[3] ^= 1
    try bytes.write(to: first)
    try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSince1970: 5)], ofItemAtPath: first.path)
    #expect(FileStatus(first.path) == status)
    #expect(try store.weightsFaults(.content).map(\.run.hash) == [study.runs[0].hash, study.runs[1].hash])
    #expect(thrown(StoreError.self) { _ = try store.weights(of: study.runs[0].hash) } != nil)
    try FileManager.default.removeItem(at: first)
    #expect(try store.weightsFaults(.presence).map(\.kind) == [.missing])
  }
}
