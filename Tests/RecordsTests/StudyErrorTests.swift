import Foundation
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

/// A bad study, what kind of error it is, and what the message must contain.
struct BadStudy: Sendable, CustomTestStringConvertible {
  var text: String
  var kind: StudyError.Kind
  var parts: [String]
  var testDescription: String { text }

  init(_ text: String, _ kind: StudyError.Kind, _ parts: String...) {
    self.text = text
    self.kind = kind
    self.parts = parts
  }

  /// Expects the error, where it is and with a remedy.
  func expectRefusal() throws {
    let error = try #require(thrown(StudyError.self) { _ = try parse(text) })
    #expect(error.kind == kind, "\(error)")
    for part in parts { #expect(error.description.contains(part), "\(error)") }
    #expect(error.description.hasPrefix("s.yaml"), "\(error)")
    #expect(!error.remedy.isEmpty)
  }
}

@Suite struct StudyErrorTests {
  @Test(arguments: [
    BadStudy("training: {\n  epochs: 1", .syntax, "s.yaml:", "not YAML", "brackets"),
    BadStudy("a: b: c", .syntax, "s.yaml:1"),
    BadStudy("seeds: 2\n\ttraining: 1", .syntax, "s.yaml:2"),
    BadStudy("- 1", .wrongType, "the study", "expected keys, found a list"),
    BadStudy("", .wrongType, "found nothing"),
    BadStudy("seeds: 1\nseeds: 2", .duplicateKey, "seeds"),
    BadStudy("teacher: {hiddenNodes: 1}\nteacher.hiddenNodes: 2", .duplicateKey, "s.yaml:2", "given twice"),

    BadStudy("training: {learningrate: 1}", .unknownKey, "training.learningrate", "training.learningRate"),
    BadStudy("training: {learning_rate: 1}", .unknownKey, "nearest known one is training.learningRate"),
    BadStudy("learningRate: 1", .unknownKey, "nearest known one is training.learningRate"),
    BadStudy("seed: 1", .unknownKey, "here it is called seeds"),
    BadStudy(
      "student: {hiddenNodes: 3}", .unknownKey, "student.hiddenNodes", "here it is called student.widths"),
    BadStudy("scales: {quick: {teacher: {hiddenNode: 1}}}", .unknownKey, "nearest known one is teacher.hiddenNodes"),
    BadStudy("scales: {quick: {name: x}}", .unknownKey, "name"),

    BadStudy(
      "training: {learningRate: fast}", .wrongType, "s.yaml:1", "expected a number, found \"fast\"", "e.g. 0.01"),
    BadStudy("training: {learningRate: '0.1'}", .wrongType, "expected a number, found \"0.1\""),
    BadStudy("training: {epochs: 1.5}", .wrongType, "training.epochs", "expected an integer, found 1.5"),
    BadStudy("training: {epochs: [[1]]}", .wrongType, "found a list"),
    BadStudy("network: {biases: 1}", .wrongType, "expected true or false, found 1"),
    BadStudy("network: {biases: yes}", .wrongType, "expected true or false, found \"yes\""),
    BadStudy("teacher: t.safetensors", .wrongType, "expected keys", "teacher: {"),
    BadStudy("claim: [a]", .wrongType, "expected a text, found a list"),
    BadStudy("name: ../../escaped", .outOfRange, "s.yaml:1", "no name of a folder", "without slashes"),
    BadStudy("name: .hidden", .outOfRange, "no name of a folder"),
    BadStudy("name: \"a\\e[31mb\"", .outOfRange, "control characters"),
    BadStudy("name: \(String(repeating: "n", count: 300))", .outOfRange, "at most 100 bytes"),

    BadStudy("teacher: {hiddenNodes: 0}", .outOfRange, "0 is out of range", "an integer of at least 1"),
    BadStudy("teacher: {hiddenNodes: -3}", .outOfRange, "-3"),
    BadStudy("network: {inputDimension: 1e12}", .outOfRange, "1e12", "an integer from 1 to 1000000000"),
    BadStudy(
      "network: {inputDimension: 99999999999999999999}", .outOfRange, "network.inputDimension", "from 1 to 1000000000"),
    BadStudy("record: [{measures: [trainingLoss], every: 3e9}]", .outOfRange, "an integer from 1 to 1000000000"),
    BadStudy("inputs: {training: {count: 0}}", .outOfRange, "inputs.training.count"),
    BadStudy("student: {overRealization: 0.5}", .outOfRange, "narrower than its teacher", "from 1"),
    BadStudy("training: {learningRate: 0}", .outOfRange, "greater than 0"),
    BadStudy("training: {learningRate: -0.1}", .outOfRange, "greater than 0"),
    BadStudy("inputs: {channelNormalization: 0.5}", .wrongType, "raw, or means/deviations"),
    BadStudy("inputs: {channelNormalization: 0.5-0.4/0.2}", .outOfRange, "2 means and 1 deviation"),
    BadStudy("inputs: {channelNormalization: 0.5/0}", .outOfRange, "a deviation is 0"),
    BadStudy("training: {learningRate: .nan}", .outOfRange, ".nan is not finite", "greater than 0"),
    BadStudy("teacher: {bias: .inf}", .outOfRange, ".inf is not finite", "finite number"),
    BadStudy("teacher: {bias: 1e999}", .outOfRange, "1e999"),
    BadStudy("network: {activation: leakyRelu, leakySlope: 1}", .outOfRange, "from 0 to below 1"),
    BadStudy("training: {learningRateHalvingInterval: -1}", .outOfRange, "at least 0"),
    BadStudy("training: {frozenLayer: lst}", .unknownName, "\"lst\"", "nearest known one is last"),
    BadStudy("network: {activation: ReLU}", .unknownName, "nearest known one is relu"),
    BadStudy("training: {precision: float16}", .unknownName, "float"),
    BadStudy(
      "inputs: {distribution: teacherBoundaries, boundaryOffsetMinimum: 3}", .contradiction, "boundaryOffsetMinimum"),

    BadStudy("teacher: {hiddenNodes: []}", .emptyList, "teacher.hiddenNodes", "empty list"),
    BadStudy("teacher: {hiddenNodes: [5, 10, 5]}", .duplicateValue, "5 is listed twice"),
    BadStudy("teacher: {bias: [1, 1.0]}", .duplicateValue, "listed twice"),
    BadStudy("seeds: []", .emptyList, "seeds"),
    BadStudy("seeds: [1, 2, 1]", .duplicateValue, "seed 1 is listed twice"),
    BadStudy("seeds: 0", .outOfRange, "seeds"),
    BadStudy("seeds: [-1]", .outOfRange, "seeds", "at least 0"),
    BadStudy("seeds: [9223372036854775808]", .outOfRange, "seeds", "an integer from 0 to 9223372036854775807"),
    BadStudy("seeds: [1.0e30]", .outOfRange, "from 0 to 9223372036854775807"),
    BadStudy("seeds: 2000000", .outOfRange, "an integer from 1 to 1000000"),
    BadStudy("seeds: many", .wrongType, "expected an integer, found \"many\""),

    BadStudy("network: {leakySlope: 0.1}", .unusedKey, "network.leakySlope", "not leakyRelu"),
    BadStudy("teacher: {scale: 2}", .unusedKey, "teacher.weights is not gaussian"),
    BadStudy("network: {biases: false}\nteacher: {bias: 1}", .unusedKey, "s.yaml:2: teacher.bias", "biases is false"),
    BadStudy("training: {method: gd, batchSize: 4}", .unusedKey, "training.batchSize", "gd"),
    BadStudy("training: {method: flow, batchSize: 4}", .unusedKey, "training.batchSize", "takes no samples"),
    BadStudy("training: {method: flow, momentum: 0.9}", .contradiction, "training.momentum", "1/(1 - mu)"),
    BadStudy("training: {method: [sgd, flow], precision: float32}", .contradiction, "float32", "give float64"),
    BadStudy("training: {method: flow, outputNoise: 0.1}", .contradiction, "outputNoise", "no noisy outputs"),
    BadStudy("training: {method: flow, loss: crossEntropy}", .contradiction, "give squaredError"),
    BadStudy("training: {method: flow}\ninputs: {distribution: uniform}", .contradiction, "give gaussian"),
    BadStudy("training: {method: flow}\ninputs: {rank: 3}", .contradiction, "inputs.rank"),
    BadStudy("training: {method: flow}\nteacher: {widths: 3-3}", .contradiction, "teacher.widths"),
    BadStudy("training: {method: flow, unitNormFirstLayer: true}", .contradiction, "unitNormFirstLayer"),
    BadStudy("training: {method: flow}\nstudent: {normalization: beforeActivation}", .contradiction, "give none"),
    BadStudy("inputs: {boundaryOffsetMinimum: 0.5}", .unusedKey, "not teacherBoundaries"),

    BadStudy("record: []", .emptyList, "record"),
    BadStudy("record: [{measures: [evalLoss], every: 1}]", .unknownName, "here it is called evaluationLoss"),
    BadStudy("record: [{measures: [trainingLoss]}]", .missingKey, "does not say when"),
    BadStudy("record: [{measures: [trainingLoss], every: 1, last: true}]", .missingKey, "both every and last"),
    BadStudy("record: [{measures: [trainingLoss], every: 0}]", .outOfRange, "record.every"),
    BadStudy("record: [{measures: [trainingLoss], last: false}]", .wrongType, "expected true, found false"),
    BadStudy("record: [{measures: [], every: 1}]", .missingKey, "without measures"),
    BadStudy("record: [{measure: [trainingLoss], every: 1}]", .unknownKey, "nearest known one is measures"),
    BadStudy("record: [{measures: [trainingLoss], epochs: [1, 1]}]", .duplicateValue, "epoch 1"),

    BadStudy("figures: [{name: a, kind: lshap}]", .unknownName, "nearest known one is lShape"),
    BadStudy("figures: [{name: a/b, kind: lShape}]", .outOfRange, "cannot be a file's name"),
    BadStudy("figures: [{name: a}]", .missingKey, "without kind"),
    BadStudy("figures: [{name: a, kind: lShape}, {name: a, kind: boundaries}]", .duplicateValue, "two figures"),
    BadStudy("figures: [{name: a, kind: lShape, where: {teacher.hiddenNodes: 9}}]", .emptySelection, "no setting"),
    BadStudy("figures: [{name: a, kind: lShape, where: {teacher.hiddenNods: 9}}]", .unknownKey, "hiddenNodes"),
    BadStudy("{teacher.widths: 4-5, student.widths: 8}", .contradiction, "another number of hidden layers"),
    BadStudy("{teacher.hiddenNodes: 10, student.widths: [12, 8]}", .contradiction, "narrower than its teacher"),
    BadStudy("{student.overRealization: 2, student.widths: 30}", .unusedKey, "student.widths gives the nodes"),
    BadStudy("student.nodes: 30", .unknownKey, "student.widths"),
    BadStudy("zip: [training.batchSize]", .wrongType, "two keys or more"),
    BadStudy("zip: [[training.batchSize, training.learningRate]]", .missingKey, "training.batchSize is zipped"),
    BadStudy("zip: [[training.batchSiz, training.learningRate]]", .unknownKey, "training.batchSize"),
    BadStudy(
      "training: {batchSize: [4, 8], learningRate: [0.1, 0.2, 0.3]}\nzip: [[training.batchSize, training.learningRate]]",
      .contradiction, "3 values"),
    BadStudy(
      "training: {batchSize: [4, 4], learningRate: [0.1, 0.1]}\nzip: [[training.batchSize, training.learningRate]]",
      .duplicateValue, "the same values twice"),
    BadStudy("figures: [{name: a, kind: lShape, y: alignment}]", .unusedKey, "have no y"),
    BadStudy("figures: [{name: a, kind: lShape, color: training.batchSize}]", .unusedKey, "it has row, column, scale"),
    BadStudy("figures: [{name: a, kind: lShape, row: epoch}]", .contradiction, "make the kind plot"),
    BadStudy("figures: [{name: a, kind: lShape, row: seed, column: seed}]", .unknownKey, "figures.row"),
    BadStudy(
      "figures: [{name: a, kind: lShape, row: training.method, column: training.method}]", .duplicateValue, "two ways"),
    BadStudy("figures: [{name: a, kind: lShape, scale: log}]", .unknownName, "logarithmic"),
    BadStudy("figures: [{name: a, kind: lShape, height: tall}]", .unknownName, "height"),
    BadStudy("figures: [{name: a, kind: sampleExponent, against: width}]", .outOfRange, "no axis", "nodes (K = m + n)"),
    BadStudy("figures: [{name: a, kind: accuracy, against: nodes}]", .unusedKey, "against"),
    BadStudy(
      "findings: [{statement: s, statistic: recoveredShare, against: nodes, atLeast: 1}]", .unusedKey,
      "findings.against"),
    BadStudy("figures: [{name: a, kind: accuracy, height: norm}]", .unusedKey, "have no height"),
    BadStudy("figures: [{name: a, kind: lShape, style: {width: 2}}]", .outOfRange, "give 5 to 60 centimetres"),
    BadStudy("figures: [{name: a, kind: lShape, style: {fontSize: 90}}]", .outOfRange, "give 5 to 40 points"),
    BadStudy("figures: [{name: a, kind: lShape, style: {font: 'a, b'}}]", .outOfRange, "no family of letters"),
    BadStudy("figures: [{name: a, kind: lShape, style: {slide: true}}]", .unknownKey, "slides"),
    BadStudy("style: {slides: 1}", .wrongType, "true or false"),
    BadStudy("style: large", .wrongType, "style: {slides: true}"),
    BadStudy("figures: [{name: a, kind: plot}]", .missingKey, "does not say what it shows"),
    BadStudy("figures: [{name: a, kind: heatMap, y: epoch}]", .missingKey, "color: recoveredShare"),
    BadStudy("figures: [{name: a, kind: plot, y: recoveredShar}]", .unknownName, "nearest known one is recoveredShare"),
    BadStudy("figures: [{name: a, kind: plot, y: alignment, x: batchSize}]", .unknownKey, "training.batchSize"),
    BadStudy("figures: [{name: a, kind: plot, y: alignment, reduce: lots}]", .unknownName, "share above 0.95"),
    BadStudy("figures: [{name: a, kind: plot, y: recoveredShare, reduce: mean}]", .unusedKey, "one number already"),
    BadStudy("figures: [{name: a, kind: plot, y: alignment, x: epoch, row: epoch}]", .duplicateValue, "two ways"),
    BadStudy("figures: [{name: a, kind: plot, y: recoveredShare, x: node}]", .contradiction, "has no node"),
    BadStudy(
      "figures: [{name: a, kind: plot, y: layerCorrelations, layer: 1, x: layer}]", .contradiction, "one of the"),
    BadStudy("figures: [{name: a, kind: heatMap, color: alignment, band: seeds}]", .unusedKey, "has no band"),
    BadStudy(
      "findings: [{statement: a, statistic: recoveredShare, as: ratio, atLeast: 1}]", .unusedKey, "nothing is compared"),
    BadStudy(
      "findings: [{statement: a, statistic: recoveredShare, compare: {student.overRealization: 1}, atLeast: 1}]",
      .outOfRange, "two values of one key"),
    BadStudy(
      "student.overRealization: [1, 2]\nfindings: [{statement: a, statistic: recoveredShare, where: "
        + "{student.overRealization: 1}, compare: {student.overRealization: [2, 1]}, atLeast: 1}]", .contradiction,
      "selected by where as well"),
    BadStudy("figures: [{name: a, kind: plot, y: alignment, scale: log}]", .unknownName, "it is called logarithmic"),
    BadStudy(
      "student.overRealization: [1, 2]\nfindings: [{statement: a, statistic: recoveredShare, "
        + "compare: {student.overRealization: [2, 5]}, atLeast: 1}]", .emptySelection, "student.overRealization 5"),
    BadStudy("conditions: [{set: {training.epochs: 3}}]", .missingKey, "without where"),
    BadStudy(
      "conditions: [{where: {student.overRealization: 2}, set: {training.epochs: 3}}]", .missingKey,
      "gives no student.overRealization"),
    BadStudy(
      "student.overRealization: [1, 2]\nconditions: [{where: {student.overRealization: 5}, set: {training.epochs: 3}}]",
      .emptySelection, "select values of the grid"),
    BadStudy(
      "training.epochs: [1, 2]\nconditions: [{where: {training.epochs: 2}, set: {training.epochs: 3}}]", .contradiction,
      "change its list"),
    BadStudy(
      "findings: [{statement: a, statistic: recoveredShare, figure: f, atLeast: 1}]", .outOfRange, "findings.figure",
      "declares no figure 'f'", "declare it under figures"),
    BadStudy(
      "figures: [{name: loss, kind: evaluationLoss}]\n"
        + "findings: [{statement: a, statistic: recoveredShare, figure: los, atLeast: 1}]", .outOfRange,
      "name one of loss"),
    BadStudy("findings: [{statement: a, statistic: recoverd, atLeast: 1}]", .unknownName, "nearest known one is rec"),
    BadStudy("findings: [{statement: a, statistic: armRatio}]", .missingKey, "without bounds"),
    BadStudy("findings: [{statement: a, statistic: armRatio, atLeast: 2, atMost: 1}]", .contradiction, "above"),
    BadStudy(
      "findings: [{statement: a, statistic: layerCorrelation, atLeast: 1}]", .missingKey, "findings.layer",
      "layerCorrelation is of one hidden layer", "layer: 1 for the lowest"),
    BadStudy(
      "findings: [{statement: a, statistic: layerOrder, layer: 1, atLeast: 1}]", .unusedKey, "findings.layer",
      "leave layer out"),
    BadStudy(
      "findings: [{statement: a, statistic: layerArmRatio, layer: 0, atLeast: 1}]", .outOfRange, "findings.layer",
      "0 is out of range", "from 1 to 64"),
    BadStudy(
      "teacher.widths: [2-3, 4-5-6]\nfindings: [{statement: a, statistic: layerMatchedShare, layer: 3, atLeast: 1}]",
      .outOfRange, "s.yaml:2", "no layer 3 in a selected teacher of 2-3 nodes", "from 1 (lowest) to 2"),
    BadStudy(
      "findings: [{statement: a, statistic: epochsToSpecialize, layer: 2, atLeast: 1}]", .outOfRange,
      "a selected teacher of 10 nodes"),

    BadStudy("teacher: {file: missing.safetensors}", .missingFile, "/nowhere/missing.safetensors", "relative to"),
    BadStudy("teacher: {file: /tmp}", .missingFile, "is a folder"),
    BadStudy("teacher: {file: 3.5}", .missingFile, "3.5"),
  ])
  func badStudiesAreRefused(bad: BadStudy) throws { try bad.expectRefusal() }

  /// Keys beside files that take their place. `f` exists.
  @Test(arguments: [
    ("teacher: {file: f, strengthDecay: 1}", "teacher.strengthDecay", "teacher.file"),
    ("teacher: {file: f, hiddenNodes: 5}", "teacher.hiddenNodes", "teacher.file"),
    ("teacher: {file: f}\nnetwork: {inputDimension: 5}", "network.inputDimension", "teacher.file"),
    ("teacher: {file: f}\nnetwork: {outputDimension: 5}", "network.outputDimension", "teacher.file"),
    ("teacher: {file: f}\nnetwork: {biases: true}", "network.biases", "teacher.file"),
    ("student: {file: f, scale: 1}", "student.scale", "student.file"),
    ("student: {file: f, overRealization: 2}", "student.overRealization", "student.file"),
    ("inputs: {training: {file: f, count: 5}}", "inputs.training.count", "inputs.training.file"),
    ("inputs: {evaluation: {file: f, count: 5}}", "inputs.evaluation.count", "inputs.evaluation.file"),
    ("inputs: {training: {file: f}, distribution: teacherBoundaries}", "inputs.training.file", "teacherBoundaries"),
    ("inputs: {training: {file: f}, distribution: [gaussian, teacherBoundaries]}", "inputs.training.file", "draws"),
    ("inputs: {training: {file: f}, distribution: gaussian}", "inputs.distribution", "inputs.training.file"),
    ("inputs: {training: {file: f}, regenerateEachEpoch: true}", "inputs.training.file", "inputs.regenerateEachEpoch"),
    ("inputs: {training: {file: f}, evaluation: {file: f}, standardDeviation: 2}", "inputs.standardDeviation", "files"),
    ("training: {batches: {file: f}, method: gd}", "training.batches.file", "gd"),
    ("training: {batches: {file: f}, batchOrder: reshuffled}", "training.batchOrder", "training.batches.file"),
  ])
  func keysBesideFilesAreUnused(text: String, key: String, reason: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("x", "f")
    let path = try folder.write(text, "s.yaml")
    let error = try #require(thrown(StudyError.self) { _ = try Study.load(path: path) })
    #expect(error.kind == .unusedKey, "\(error)")
    #expect(error.key?.hasPrefix(key) == true, "\(error)")
    #expect(error.description.contains(reason), "\(error)")
  }

  @Test func aKeyThatIsUsedInOneSettingIsUsed() throws {
    #expect(try parse("network: {activation: [relu, leakyRelu], leakySlope: 0.1}").settings.count == 2)
  }

  @Test func unknownScalesNameTheKnown() throws {
    let error = try #require(
      thrown(StudyError.self) { _ = try parse("scales: {quick: {}, full: {}}", scale: "fast") })
    #expect(error.description.contains("no scale \"fast\"; the known ones are quick, full"), "\(error)")
    let other = try #require(thrown(StudyError.self) { _ = try parse("seeds: 1", scale: "fast") })
    #expect(other.description.contains("has no scales"))
  }

  @Test(arguments: [
    ("training.epoch=3", StudyError.Kind.unknownKey, "training.epochs"),
    ("training.epochs=three", .wrongType, "--set training.epochs=three"),
    ("training.epochs", .syntax, "expected key=value"),
    ("training.epochs=[1", .syntax, "not YAML"),
    ("name=other", .unknownKey, "name"),
  ])
  func badOverridesNameThemselves(override: String, kind: StudyError.Kind, part: String) throws {
    let error = try #require(thrown(StudyError.self) { _ = try parse("seeds: 1", overrides: [override]) })
    #expect(error.kind == kind)
    #expect(error.description.contains(part) && error.origin.contains(override), "\(error)")
  }

  @Test func missingAndUnreadableStudies() throws {
    let missing = try #require(thrown(StudyError.self) { _ = try Study.load(path: "/nowhere/s.yaml") })
    #expect(missing.description.contains("/nowhere/s.yaml: no such file"))
    let folder = try TemporaryFolder()
    let file = folder.url.appendingPathComponent("s.yaml")
    try Data([0xff, 0xfe, 0x00]).write(to: file)
    let binary = try #require(thrown(StudyError.self) { _ = try Study.load(path: file.path) })
    #expect(binary.kind == .unreadableFile)
  }

  @Test func hugeGridsAndDeepNestingAreRefused() throws {
    let list = "[\((1...1100).map(String.init).joined(separator: ","))]"
    let grid = try #require(
      thrown(StudyError.self) {
        _ = try parse("teacher.hiddenNodes: \(list)\ntraining: {epochs: \(list)}")
      })
    #expect(grid.description.contains("more than 1000000 settings"))
    let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    #expect(thrown(StudyError.self) { _ = try parse("seeds: \(deep)") } != nil)
  }
}
