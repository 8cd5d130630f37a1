import Foundation
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

@Suite struct ExporterTests {
  private func store(_ folder: TemporaryFolder) throws -> ResultsStore {
    let study = try smallStudy("record: [{measures: [trainingLoss], last: true}]\n")
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    try store.record(record(of: study.runs[0], study: study), student: Data())
    try store.record(record(of: study.runs[3], study: study, outcome: .diverged(epoch: 7)), student: Data())
    return store
  }

  private func text(
    _ store: ResultsStore, _ format: Exporter.Format, _ choice: Exporter.Choice = Exporter.Choice()
  ) throws -> String {
    var text = ""
    try Exporter(store, choice).write(format) { text += $0 }
    return text
  }

  private func lines(
    _ store: ResultsStore, _ format: Exporter.Format, _ choice: Exporter.Choice = Exporter.Choice()
  ) throws -> [String] {
    try text(store, format, choice).split(separator: "\n").map(String.init)
  }

  @Test func csvHasARowForEachNumber() throws {
    let folder = try TemporaryFolder()
    let store = try store(folder)
    let lines = try lines(store, .csv, Exporter.Choice(measures: [.evaluationLoss, .evaluationCorrelation]))
    let runs = store.study.runs
    #expect(lines.count == 1 + 2 * (2 + 6))
    #expect(lines[0] == "run,teacher.strengthDecay,seed,outcome,epoch,measure,i,j,value")
    #expect(lines[1] == "\(runs[0].hash),0.0,1,completed,0,evaluationLoss,,,0.30000000000000004")
    #expect(lines[2] == "\(runs[0].hash),0.0,1,completed,100,evaluationLoss,,,1e-20")
    #expect(lines[4] == "\(runs[0].hash),0.0,1,completed,100,evaluationCorrelation,0,1,-0.5")
    #expect(lines[7] == "\(runs[0].hash),0.0,1,completed,100,evaluationCorrelation,2,0,5e-324")
    #expect(lines[16] == "\(runs[3].hash),1.0,2,diverged,100,evaluationCorrelation,2,1,0.95")
  }

  @Test("wide: a row for each epoch and element, a column for each measure, in the order of the choice")
  func wideTables() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    var record = record(of: study.runs[0], study: study)
    record.measurements += [
      MeasuredValue(.trainingLoss, epoch: 100, values: [2]),
      MeasuredValue(.boundaryStrengths, epoch: 100, shape: [2], values: [3, 4]),
    ]
    try store.record(record, student: Data())
    let hash = study.runs[0].hash
    // Without a choice: what is a single number.
    #expect(
      try lines(store, .wide) == [
        "run,teacher.strengthDecay,seed,outcome,epoch,trainingLoss,evaluationLoss",
        "\(hash),0.0,1,completed,0,,0.30000000000000004", "\(hash),0.0,1,completed,100,2.0,1e-20",
      ])
    #expect(
      try lines(store, .wide, Exporter.Choice(measures: [.fanOutNorms, .boundaryStrengths, .fanOutNorms])) == [
        "run,teacher.strengthDecay,seed,outcome,epoch,i,j,fanOutNorms,boundaryStrengths",
        "\(hash),0.0,1,completed,100,0,,1.25,3.0", "\(hash),0.0,1,completed,100,1,,0.0,4.0",
      ])
    let choice = Exporter.Choice(measures: [.fanOutNorms, .evaluationCorrelation])
    let error = thrown(ExportError.self) { _ = try text(store, .wide, choice) }
    #expect(
      error == .otherShape(measure: .evaluationCorrelation, shape: [3, 2], than: .fanOutNorms, of: [2])
        || error == .otherShape(measure: .fanOutNorms, shape: [2], than: .evaluationCorrelation, of: [3, 2]))
    #expect("\(try #require(error))".contains("--format csv"))
  }

  @Test("JSON has of each run its keys and arrays, and once what all runs share")
  func jsonHoldsTheSame() throws {
    let folder = try TemporaryFolder()
    let store = try store(folder)
    let file = folder.url.appendingPathComponent("out.json")
    #expect(FileManager.default.createFile(atPath: file.path, contents: nil))
    let handle = try FileHandle(forWritingTo: file)
    try Exporter(store).write(.json, to: handle)
    try handle.close()
    let content = try String(contentsOf: file, encoding: .utf8)
    // Foundation's parser is not exact in the last bit, so numbers are compared as text.
    #expect(content.contains(#""evaluationLoss":{"epochs":[0,100],"values":[0.30000000000000004,1e-20]}"#))
    #expect(content.contains(#""fanOutNorms":{"epochs":[100],"values":[[1.25,0.0]]}"#))
    let rho = "[[1.0,-0.5],[0.3333333333333333,0.0],[5e-324,0.95]]"
    #expect(content.contains(#""evaluationCorrelation":{"epochs":[100],"values":[\#(rho)]}"#))
    let document = try #require(
      JSONSerialization.jsonObject(with: Data(content.utf8)) as? [String: Any])
    #expect(document["study"] as? String == "small")
    let setting = try #require(document["setting"] as? [String: Any])
    #expect(setting["teacher.hiddenNodes"] as? Int == 3 && setting["network.biases"] as? Bool == true)
    #expect(setting["teacher.file"] is NSNull)
    #expect(setting["network.leakySlope"] is NSNull, "a key without effect has no value")
    #expect(Set(setting.keys) == Set(StudyKey.all.map(\.path)).subtracting(["teacher.strengthDecay"]))
    let runs = try #require(document["runs"] as? [[String: Any]])
    #expect(runs.map { $0["run"] as? String } == [store.study.runs[0].hash, store.study.runs[3].hash])
    #expect(runs.map { $0["teacher.strengthDecay"] as? Double } == [0, 1] && runs[0].count == 5)
    #expect(runs.map { $0["outcome"] as? String } == ["completed", "diverged"])
    #expect(runs[0]["seed"] as? Int == 1)
    let measures = try #require(runs[1]["measures"] as? [String: Any])
    #expect(Set(measures.keys) == ["evaluationLoss", "fanOutNorms", "evaluationCorrelation"])
  }

  @Test("every key of a setting is written with each run on request")
  func allKeys() throws {
    let folder = try TemporaryFolder()
    let store = try store(folder)
    let choice = Exporter.Choice(measures: [.evaluationLoss], hasAllKeys: true)
    let header = try #require(try lines(store, .csv, choice).first).split(separator: ",").map(String.init)
    #expect(header == ["run"] + StudyKey.all.map(\.path) + ["seed", "outcome", "epoch", "measure", "i", "j", "value"])
    #expect(try text(store, .json, choice).contains("\"setting\":{},"))
  }

  @Test("settings and seeds choose among the runs")
  func choices() throws {
    let folder = try TemporaryFolder()
    let store = try store(folder)
    let selection = try store.study.selection(["teacher.strengthDecay=1"])
    let some = try lines(store, .csv, Exporter.Choice(measures: [.fanOutNorms], selection: selection))
    #expect(some.dropFirst().map { $0.prefix(36) } == Array(repeating: "\(store.study.runs[3].hash),1.0", count: 2))
    let seed = try lines(store, .csv, Exporter.Choice(measures: [.fanOutNorms], seeds: [1]))
    #expect(seed.dropFirst().map { $0.prefix(36) } == Array(repeating: "\(store.study.runs[0].hash),0.0", count: 2))
    #expect(try lines(store, .csv, Exporter.Choice(selection: selection, seeds: [1])).count == 1)
  }

  @Test("a measure that is not recorded is refused, with those that are; one that is only declared is not")
  func unrecordedMeasures() throws {
    let folder = try TemporaryFolder()
    let store = try store(folder)
    let choice = Exporter.Choice(measures: [.evaluationLoss, .alignment])
    let error = try #require(thrown(ExportError.self) { _ = try text(store, .csv, choice) })
    #expect(
      error
        == .notRecorded(
          folder: folder.url.path, measure: .alignment,
          recorded: [.trainingLoss, .evaluationLoss, .evaluationCorrelation, .fanOutNorms]))
    #expect("\(error)".hasSuffix("trainingLoss, evaluationLoss, evaluationCorrelation, fanOutNorms"))
    #expect(try lines(store, .csv, Exporter.Choice(measures: [.trainingLoss])).count == 1)
  }

  @Test func nothingRecordedIsAnEmptyTable() throws {
    let folder = try TemporaryFolder()
    let store = try ResultsStore.openForWriting(folder.url, study: smallStudy())
    let document = try JSONSerialization.jsonObject(with: Data(text(store, .json).utf8)) as? [String: Any]
    #expect((document?["runs"] as? [Any])?.isEmpty == true)
    #expect(try lines(store, .csv).count == 1)
  }
}
