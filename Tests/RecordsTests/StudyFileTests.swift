import Foundation
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

@Suite struct StudyFileTests {
  @Test func nestedAndDottedSpellingsAreTheSame() throws {
    let nested = try parse("inputs: {training: {count: 500}}\ntraining: {learningRate: 1e-3}")
    let dotted = try parse("inputs.training.count: 500\ntraining.learningRate: 0.001")
    let mixed = try parse("inputs: {training.count: 500}\ntraining: {learningRate: .001}")
    #expect(nested == dotted)
    #expect(nested == mixed)
    #expect(nested.settings[0].inputs.training.count == 500)
    #expect(nested.settings[0].training.learningRate == 0.001)
  }

  @Test func defaultsAreThePapers() throws {
    let study = try parse("claim: none")
    #expect(study.settings == [Setting()])
    #expect(study.name == "s")
    #expect(study.seeds == [1])
    #expect(study.record == Study.defaultRecord)
    #expect(study.variedKeys.isEmpty)
  }

  @Test func lastListedKeyVariesFastestInTheOrderOfSetting() throws {
    let study = try parse("student.overRealization: [1, 2]\nteacher: {hiddenNodes: [5, 10]}")
    #expect(study.variedKeys == ["teacher.hiddenNodes", "student.overRealization"])
    let points = study.settings.map { [Double($0.teacher.hiddenNodes), $0.student.overRealization.last] }
    #expect(points == [[5, 1], [5, 2], [10, 1], [10, 2]])
    #expect(study.label(of: study.settings[3]) == "teacher.hiddenNodes = 10, student.overRealization = 2")
  }

  @Test func overridesWinOverTheScaleWhichWinsOverTheFile() throws {
    let text = """
      training: {epochs: 1, stepsPerEpoch: 2, batchSize: 3}
      seeds: 2
      scales:
        quick: {training.epochs: 10, training: {stepsPerEpoch: 20}, seeds: [7, 9]}
        full: {}
      """
    let study = try parse(text, scale: "quick", overrides: ["training.epochs=100", "teacher.hiddenNodes=[5, 6]"])
    #expect(study.settings[0].training.epochs == 100)
    #expect(study.settings[0].training.stepsPerEpoch == 20)
    #expect(study.settings[0].training.batchSize == 3)
    #expect(study.seeds == [7, 9])
    #expect(study.settings.count == 2)
    #expect(try parse(text, scale: "full").seeds == [1, 2])
    #expect(try parse(text, overrides: ["training={epochs: 4}"]).settings[0].training.epochs == 4)
  }

  @Test func nullTakesAKeyAway() throws {
    let text = "teacher: {hiddenNodes: 7}\nscales: {plain: {teacher.hiddenNodes: null}}"
    #expect(try parse(text, scale: "plain").settings[0].teacher.hiddenNodes == 10)
  }

  /// It takes away all keys of a group, from the command line too; what is given after it stays.
  @Test func nullTakesAGroupAway() throws {
    let text = "teacher: {hiddenNodes: 7, strengthDecay: 2}\nscales: {plain: {teacher: null, teacher.strengthDecay: 1}}"
    let plain = try parse(text, scale: "plain").settings[0]
    #expect(plain.teacher.hiddenNodes == Setting().teacher.hiddenNodes && plain.teacher.strengthDecay == 1)
    let bare = try parse(text, overrides: ["teacher=null"]).settings[0]
    #expect(bare == Setting())
  }

  @Test func scalarsAreReadAsTheyLook() throws {
    let study = try parse(
      "name: 1e-3\nclaim: 'true'\nteacher: {bias: -0.1, strengthDecay: 2}\ntraining: {epochs: 1e2, frozenLayer: none}")
    #expect(study.name == "1e-3")
    #expect(study.claim == "true")
    #expect(study.settings[0].teacher.bias == -0.1)
    #expect(study.settings[0].teacher.strengthDecay == 2)
    #expect(study.settings[0].training.epochs == 100)
    #expect(try parse("name: no\ninputs.training.count: 10_000").name == "no")
  }

  @Test func filesAreResolvedAndHashed() throws {
    let folder = try TemporaryFolder()
    try folder.write("teacher", "t.safetensors")
    try folder.write("batches", "b.npy")
    let path = try folder.write(
      "teacher: {file: t.safetensors}\ntraining: {batches: {file: ./b.npy}}", "replay.yaml")
    let study = try Study.load(path: path)
    let setting = try #require(study.settings.first)
    #expect(study.name == "replay")
    #expect(setting.teacher.file?.path == folder.url.appendingPathComponent("t.safetensors").path)
    #expect(setting.teacher.file?.digest == contentHash("teacher"))
    // Not given beside a batches file: as the file has it.
    #expect(setting.training.batchSize == 0)
    #expect(setting.training.stepsPerEpoch == 0)
    let given = try Study.load(path: path, overrides: ["training.batchSize=16", "training.stepsPerEpoch=5"])
    #expect(given.settings[0].training.batchSize == 16)
    #expect(given.settings[0].training.stepsPerEpoch == 5)
  }

  @Test func relativePathsOfStudiesWork() throws {
    let folder = try TemporaryFolder()
    try folder.write("teacher", "t.safetensors")
    let path = try folder.write("teacher: {file: t.safetensors}", "replay.yaml")
    let depth = FileManager.default.currentDirectoryPath.split(separator: "/").count
    let relative = String(repeating: "../", count: depth) + path.dropFirst()
    #expect(try Study.load(path: relative) == Study.load(path: path))
  }

  @Test func recordRulesSayWhen() throws {
    let study = try parse(
      """
      record:
        - {measures: [trainingLoss], every: 3}
        - {measures: evaluationLoss, epochs: [5, 0, 100]}
        - {measures: [fanOutNorms], last: true}
      """)
    #expect(study.record[1] == RecordRule(measures: [.evaluationLoss], moments: .epochs([0, 5, 100])))
    #expect(study.measures(at: 0, of: 10) == [.trainingLoss, .evaluationLoss])
    #expect(study.measures(at: 3, of: 10) == [.trainingLoss])
    #expect(study.measures(at: 4, of: 10) == [])
    #expect(study.measures(at: 10, of: 10) == [.trainingLoss, .fanOutNorms])
  }

  @Test func selectionsMatchIntegersAndNumbersAlike() throws {
    let study = try parse(
      """
      teacher.strengthDecay: [0, 0.5]
      figures: [{name: f, kind: lShape, where: {teacher: {strengthDecay: [0, 3]}}}]
      """)
    #expect(study.figures[0].selection == ["teacher.strengthDecay": [.number(0), .number(3)]])
    #expect(study.settings.filter { $0.matches(study.figures[0].selection) } == [study.settings[0]])
    #expect(study.settings[0].matches(["teacher.strengthDecay": [.integer(0)]]))
  }

  @Test func everyKeyChangesTheSettingItNames() throws {
    for key in StudyKey.all {
      let other: KeyValue =
        switch (key.form, key.defaultValue) {
        case (.boolean, .boolean(let value)): .boolean(!value)
        case (.choice(let names), _): .text(names[names.count - 1])
        case (.integer, _): .integer(77)
        case (.number(.slope), _): .number(0.77)
        case (.number, _): .number(77)
        case (.widths, _): .text("7-8")
        case (.schedule, _): .text("0: 0.7, 5: 0.07")
        case (.layers, _): .text("conv 7 max 2, dense 8")
        case (.shares, _): .text("0.7-0.5")
        case (.factors, _): .text("2-1")
        case (.normalization, _): .text("0.5-0.25/0.125-2")
        default: .text("/f")
        }
      var setting = Setting()
      key.write(&setting, other, SourceFile(path: "/f", digest: "0"))
      #expect(setting != Setting(), "\(key.path)")
      #expect(setting.value(of: key.path) == other, "\(key.path)")
      #expect(setting.canonicalText != Setting().canonicalText, "\(key.path) is not hashed")
      // The path by which the table stores it is the path of the property, as its encoding shows.
      let encoded = try JSONSerialization.jsonObject(with: JSONEncoder().encode(setting))
      var value: Any? = encoded
      for part in key.storedPath.split(separator: ".") { value = (value as? [String: Any])?[String(part)] }
      #expect(value != nil, "\(key.path)")
    }
  }

  @Test(arguments: ["two-layer", "two-dimensional"])
  func bundledStudiesLoad(name: String) throws {
    let path = repository.appendingPathComponent("Studies/two-layer/\(name).yaml").path
    let study = try Study.load(path: path)
    #expect(study.name == name)
    #expect(!study.claim.isEmpty && !study.figures.isEmpty && !study.findings.isEmpty)
    for scale in Study.scaleNames(path: path) { _ = try Study.load(path: path, scale: scale) }
    #expect(try Study.parse(study.yaml(), origin: "", folder: repository, baseName: "") == study)
  }

  @Test func theSweepIsThePapers() throws {
    let path = repository.appendingPathComponent("Studies/two-layer/two-layer.yaml").path
    let full = try Study.load(path: path, scale: "full")
    #expect(full.settings.count == 72)
    #expect(full.runs.count == 2304)
    #expect(Set(full.runs.map(\.hash)).count == 2304)
    #expect(Set(full.runs.map(\.randomKey)).count == 32, "a key a seed")
    #expect(full.settings.allSatisfy { $0.training.epochs * $0.training.stepsPerEpoch == 100_000 })
    let quick = try Study.load(path: path, scale: "quick")
    #expect(quick.runs.count == 48)
    #expect(quick.findings == full.findings)
    #expect(quick.variedKeys == ["teacher.strengthDecay", "student.overRealization"])
    // The quick runs are among the full ones: their results are the same.
    #expect(Set(quick.runs.map(\.hash)).isSubset(of: full.runs.map(\.hash)))
    #expect(Study.scaleNames(path: path) == ["quick", "full"])
  }
}

/// The package's folder.
let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()
