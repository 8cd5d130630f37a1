import Foundation
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

@Suite struct ExporterTests {
  private func store(_ folder: TemporaryFolder) throws -> ResultsStore {
    let study = try smallStudy()
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    try store.record(record(of: study.runs[0], study: study), student: Data())
    try store.record(record(of: study.runs[3], study: study, outcome: .diverged(epoch: 7)), student: Data())
    return store
  }

  @Test func csvHasARowForEachNumber() throws {
    let folder = try TemporaryFolder()
    let store = try store(folder)
    var text = ""
    try Exporter(store, measures: [.evaluationLoss, .evaluationCorrelation], onlyVaried: true).write(.csv) {
      text += $0
    }
    let lines = text.split(separator: "\n").map(String.init)
    let runs = store.study.runs
    #expect(lines.count == 1 + 2 * (2 + 6))
    #expect(lines[0] == "run,teacher.strengthDecay,seed,outcome,epoch,measure,i,j,value")
    #expect(lines[1] == "\(runs[0].hash),0.0,1,completed,0,evaluationLoss,,,0.30000000000000004")
    #expect(lines[2] == "\(runs[0].hash),0.0,1,completed,100,evaluationLoss,,,1e-20")
    #expect(lines[4] == "\(runs[0].hash),0.0,1,completed,100,evaluationCorrelation,0,1,-0.5")
    #expect(lines[7] == "\(runs[0].hash),0.0,1,completed,100,evaluationCorrelation,2,0,5e-324")
    #expect(lines[16] == "\(runs[3].hash),1.0,2,diverged,100,evaluationCorrelation,2,1,0.95")
  }

  @Test func jsonHoldsTheSame() throws {
    let folder = try TemporaryFolder()
    let store = try store(folder)
    let file = folder.url.appendingPathComponent("out.json")
    #expect(FileManager.default.createFile(atPath: file.path, contents: nil))
    let handle = try FileHandle(forWritingTo: file)
    try Exporter(store).write(.json, to: handle)
    try handle.close()
    let rows = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [[String: Any]])
    #expect(rows.count == 2 * (2 + 6 + 2))
    let row = try #require(rows.first { $0["measure"] as? String == "fanOutNorms" })
    #expect(row["value"] as? Double == 1.25)
    #expect(row["i"] as? Int == 0 && row["j"] is NSNull)
    #expect(row["teacher.hiddenNodes"] as? Int == 3)
    #expect(row["teacher.file"] is NSNull && row["network.biases"] as? Bool == true)
    #expect(row["network.leakySlope"] is NSNull, "a key without effect has no value")
    #expect(row["seed"] as? Int == 1 && row["run"] as? String == store.study.runs[0].hash)
    #expect(Set(row.keys).isSuperset(of: StudyKey.all.map(\.path)))
  }

  @Test func nothingRecordedIsAnEmptyTable() throws {
    let folder = try TemporaryFolder()
    let store = try ResultsStore.openForWriting(folder.url, study: smallStudy())
    var text = ""
    try Exporter(store).write(.json) { text += $0 }
    #expect(try JSONDecoder().decode([Int].self, from: Data(text.utf8)).isEmpty)
  }
}
