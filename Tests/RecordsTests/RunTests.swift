import Foundation
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

@Suite struct RunTests {
  /// Test vectors of the hash's authors (draft-eastlake-fnv, FNV-1a 128 bits).
  @Test func contentHashIsFNV1a() {
    #expect(contentHash("") == "6c62272e07bb014262b821756295c58d")
    #expect(contentHash("a") == "d228cb696f1a8caf78912b704e4a8964")
    #expect(contentHash("foobar") == "343e1662793c64bf6f0d3597ba446f18")
    #expect(contentHash(Data("foobar".utf8)) == contentHash("foobar"))
  }

  /// If this fails, every run of every results folder has a new name: then the first line's version must change too.
  @Test func canonicalTextOfARunIsFixed() throws {
    let study = try parse("name: golden\nrecord: [{measures: [trainingLoss, evaluationLoss], every: 2}]\nseeds: [7]")
    let setting = """
      {"inputs.boundaryOffsetMaximum":2.0,"inputs.boundaryOffsetMinimum":1.0,"inputs.distribution":"gaussian",\
      "inputs.evaluation.count":10000,"inputs.evaluation.file":null,"inputs.regenerateEachEpoch":false,\
      "inputs.standardDeviation":1.5,"inputs.training.count":10000,"inputs.training.file":null,\
      "network.activation":"relu","network.biases":true,"network.inputDimension":100,"network.leakySlope":0.01,\
      "network.outputDimension":50,"student.file":null,"student.initialization":"plain",\
      "student.overRealization":1.0,"student.scale":0.005,"teacher.bias":-0.1,"teacher.file":null,\
      "teacher.hiddenNodes":10,"teacher.scale":1.0,"teacher.strengthDecay":0.0,"teacher.weights":"discrete",\
      "training.batchSize":16,"training.batches.file":null,"training.epochs":100,"training.frozenLayer":"none",\
      "training.learningRate":0.01,"training.learningRateHalvingInterval":0,"training.method":"sgd",\
      "training.outputNoise":0.0,"training.precision":"float64","training.stepsPerEpoch":1000,\
      "training.unitNormFirstLayer":false}
      """
    #expect(study.settings[0].canonicalText == setting)
    let text = """
      understudy run 2
      seed 7
      setting \(setting)
      record [{"measures":["evaluationLoss","trainingLoss"],"every":2}]

      """
    #expect(study.runs.map(\.hash) == [contentHash(text)])
    #expect(study.runs[0].hash == "aa9fb4e8aa84da5a1f118949e89bdacd")
    #expect(study.runs[0].randomKey == 15_245_236_556_676_770_186)
    var former = study
    former.randomNumbers = .bySetting
    #expect(former.runs[0].hash == "e99942681c347ec56ff8f74e96ee59ca")
    #expect(former.runs[0].randomKey == 132_896_854_646_473_521)
  }

  /// Folders of version 0.1 hold settings without the keys that came later.
  @Test func settingsOfEarlierVersionsAreRead() throws {
    let study = try smallStudy()
    let encoded = try JSONSerialization.jsonObject(with: JSONEncoder().encode(study))
    var stored = try #require(encoded as? [String: Any])
    stored["randomNumbers"] = nil
    let later = StudyKey.all.filter(\.isLater).map { $0.storedPath.split(separator: ".").map(String.init) }
    var grid = try #require(stored["grid"] as? [String: Any])
    let setting = try #require(grid["base"] as? [String: Any])
    grid["base"] = later.reduce(setting) { Self.removing($1[...], from: $0) }
    stored["grid"] = grid
    let data = try JSONSerialization.data(withJSONObject: stored)
    let text = String(decoding: data, as: UTF8.self)
    for name in ["finishing", "augmentation", "medianBiases", "momentum", "oracle", "layers", "\"loss"] {
      #expect(!text.contains(name), "\(name) in \(text)")
    }
    let former = try JSONDecoder().decode(Study.self, from: data)
    #expect(former == study.drawing(as: former) && former.randomNumbers == .bySetting)
  }

  /// Nested objects without the value of a path, and without groups that lose all they had.
  private static func removing(_ path: ArraySlice<String>, from object: [String: Any]) -> [String: Any] {
    guard let name = path.first else { return object }
    var object = object
    if path.count == 1 {
      object[name] = nil
    } else if let group = object[name] as? [String: Any] {
      let left = removing(path.dropFirst(), from: group)
      object[name] = left.isEmpty ? nil : left
    }
    return object
  }

  @Test func hashesTellContentsApart() throws {
    let base = try smallStudy()
    #expect(base.runs.count == 4)
    #expect(base.runs.map(\.settingIndex) == [0, 0, 1, 1])
    #expect(base.runs.map(\.seed) == [1, 2, 1, 2])
    #expect(Set(base.runs.map(\.hash)).count == 4)
    #expect(base.runs[0].randomKey == base.runs[2].randomKey && base.runs[1].randomKey == base.runs[3].randomKey)
    #expect(Set(base.runs.flatMap { [$0.randomKey, $0.replicaKey] }).count == 4)
    let recordsMore = try smallStudy("record: [{measures: [fanOutNorms], every: 1}]")
    #expect(Set(recordsMore.runs.map(\.hash)).isDisjoint(with: base.runs.map(\.hash)))
    #expect(recordsMore.runs.map(\.randomKey) == base.runs.map(\.randomKey))
    #expect(recordsMore.hash != base.hash)
    var renamed = base
    renamed.name = "other"
    #expect(renamed.runs.elementsEqual(base.runs))
    var reworded = base
    reworded.claim = "Something else."
    #expect(reworded.hash == base.hash && reworded.runs.elementsEqual(base.runs))
  }

  @Test func aMovedFileIsTheSameRunAndAChangedOneIsNot() throws {
    func hash(_ content: String) throws -> String {
      let folder = try TemporaryFolder()
      try folder.write(content, "t")
      return try Study.load(path: folder.write("teacher: {file: t}", "s.yaml")).runs[0].hash
    }
    #expect(try hash("one") == hash("one"))
    #expect(try hash("one") != hash("two"))
  }

  @Test func resolvedStudiesLoadAsTheyWere() throws {
    let folder = try TemporaryFolder()
    try folder.write("bytes", "a file: [odd], \"name\".npy")
    let texts = [
      #"""
      name: 'tricky: "name" # [x]'
      claim: "Two\nlines, a tab\t, é, \u2028, \x7f, \"quoted\" \\ 😀"
      """#,
      "name: 12\nseeds: [3, 1]\nteacher: {bias: [-0.1, 1e-300, 0], strengthDecay: [2, 0.5]}",
      "network: {activation: [relu, leakyRelu], leakySlope: [0.1, 0.2]}\ntraining: {method: [sgd, gd], batchSize: 5}",
      "inputs: {evaluation: {file: 'a file: [odd], \"name\".npy'}}\ntraining: {batches: {file: 'a file: [odd], \"name\".npy'}}",
      "training: {batches: {file: 'a file: [odd], \"name\".npy'}, batchSize: 16, stepsPerEpoch: [10, 20]}",
      """
      teacher.strengthDecay: [0, 1]
      record: [{measures: [trainingLoss, fanOutNorms], epochs: [0, 7]}, {measures: [evaluationLoss], last: true}]
      figures: [{name: f, kind: boundaries, caption: "a: b", where: {teacher: {strengthDecay: 1}}, epochs: [0, 7]}]
      findings:
        - {statement: 'It''s "so".', statistic: armRatio, epoch: 7, where: {network.biases: true}, atLeast: 1e-3}
        - {statement: x, statistic: divergedShare, figure: f, atMost: 0}
        - {statement: y, statistic: recoveredShare, compare: {teacher.strengthDecay: [1, 0]}, as: ratio, atMost: 1}
        - {statement: z, statistic: recoveredShare, compare: {teacher.strengthDecay: [0, 1]}, atLeast: -0.1, atMost: 0.1}
      """,
      """
      student.overRealization: [1, 2]
      training: {batchSize: [4, 16, 16], learningRate: [0.1, 0.1, 0.2], epochs: [2, 3]}
      zip: [[training.learningRate, training.batchSize]]
      """,
      """
      student.overRealization: [1, 2, 10]
      training: {batchSize: [4, 16], learningRate: [0.1, 0.2], epochs: [2, 3]}
      zip: [[training.batchSize, training.learningRate]]
      conditions:
        - {where: {student.overRealization: 10}, set: {training.learningRate: 0.01, training.momentum: 0.9}}
      """,
      "teacher: {widths: 4-5}\nfindings: [{statement: x, statistic: layerCorrelation, layer: 2, atLeast: 0}]",
      """
      training.batchSize: [4, 8]
      figures:
        - {name: a, kind: plot, y: recoveredShare, x: training.batchSize, color: none, band: seeds}
        - {name: b, kind: plot, y: evaluationCorrelation, reduce: [best, share above 0.95], row: epoch, epochs: [1, 2]}
        - {name: c, kind: heatMap, color: layerCorrelation, x: layer, y: training.batchSize, scale: logarithmic}
        - {name: d, kind: plot, y: layerCorrelations, reduce: smallest, layer: 1, column: training.batchSize}
        - {name: e, kind: lShape, height: strength, scale: linear, row: training.batchSize, column: none}
        - {name: g, kind: evaluationLoss, color: training.batchSize, style: {width: 8.5, font: DejaVu Sans, slides: false}}
      style: {slides: true, fontSize: 9}
      """,
    ]
    for text in texts {
      let study = try Study.parse(text, origin: "s.yaml", folder: folder.url, baseName: "s")
      let again = try Study.parse(study.yaml(), origin: "study.yaml", folder: repository, baseName: "other")
      #expect(again == study, "\(text)")
      #expect(again.runs.elementsEqual(study.runs) && again.hash == study.hash)
      #expect(try JSONDecoder().decode(Study.self, from: JSONEncoder().encode(study)) == study)
    }
  }

  @Test func settingsThatAreNoGridCannotBeWritten() throws {
    var study = try parse("teacher: {hiddenNodes: [1, 2], strengthDecay: [0, 1]}")
    study.settings.removeLast()
    #expect(thrown(StudyError.self) { _ = try study.yaml() }?.kind == .notAGrid)
  }

  @Test func nearestNames() {
    #expect(editDistance("kitten", "sitting") == 3)
    #expect(editDistance("", "abc") == 3)
    #expect(nearest(to: "epoch", among: StudyKey.all.map(\.path)) == "training.epochs")
    #expect(nearest(to: "teacher.decay", among: StudyKey.all.map(\.path))?.hasPrefix("teacher.") == true)
    #expect(nearest(to: "x", among: []) == nil)
  }
}

@Suite("Keys that had another name") struct FormerKeyTests {
  private let text = """
    network: {inputDimension: 8, outputDimension: 4}
    teacher: {hiddenNodes: 3}
    training: {epochs: 1, stepsPerEpoch: 2}
    inputs: {training: {count: 50}, evaluation: {count: 50}}
    """

  private func parse(_ more: String, overrides: [String] = []) throws -> (study: Study, notices: [String]) {
    var notices: [String] = []
    let study = try Study.parse(
      text + "\n" + more, origin: "tiny.yaml", folder: URL(fileURLWithPath: "/nowhere"), baseName: "tiny",
      overrides: overrides, notice: { notices.append($0) })
    return (study, notices)
  }

  @Test("a former name is read as the key's own, and said; runs are called what they were before")
  func reading() throws {
    let now = try parse("criticalPoint: {method: levenbergMarquardt, iterations: 7}")
    let former = try parse("finishing: {method: levenbergMarquardt}", overrides: ["finishing.iterations=7"])
    #expect(former.study == now.study && now.notices.isEmpty)
    #expect(
      former.notices == [
        "tiny.yaml: finishing.method is called criticalPoint.method now; it is read as that",
        "--set finishing.iterations=7: finishing.iterations is called criticalPoint.iterations now; it is read as that",
      ])
    // As version 0.1 named this run.
    var named = now.study
    named.randomNumbers = .bySetting
    #expect(named.runs.map(\.hash) == ["d27a03ae99365d9f69cb46816c55d287"])
    #expect(throws: StudyError.self) {
      _ = try parse("finishing: {method: none}\ncriticalPoint: {method: levenbergMarquardt}")
    }
  }

  @Test("settings are stored under the names that they had, and read from both")
  func storing() throws {
    let study = try parse("criticalPoint: {method: [none, levenbergMarquardt]}").study
    let encoded = try JSONEncoder().encode(study)
    #expect(try JSONDecoder().decode(Study.self, from: encoded) == study)
    let former = String(decoding: encoded, as: UTF8.self).replacing("criticalPoint.method", with: "finishing.method")
    #expect(former.contains("\"finishing\"") && former.contains("finishing.method"))
    #expect(try JSONDecoder().decode(Study.self, from: Data(former.utf8)) == study)
  }

  @Test("a setting without a key that was always there is refused, and so is a choice that is none")
  func damage() throws {
    let text = String(decoding: try JSONEncoder().encode(Setting()), as: UTF8.self)
    #expect(try JSONDecoder().decode(Setting.self, from: Data(text.utf8)) == Setting())
    for (part, other) in [("\"epochs\"", "\"epoch\""), ("\"sgd\"", "\"rmsprop\""), ("\"relu\"", "7")] {
      #expect(text.contains(part))
      #expect(throws: DecodingError.self) {
        _ = try JSONDecoder().decode(Setting.self, from: Data(text.replacing(part, with: other).utf8))
      }
    }
  }
}
