import Foundation
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

/// The keys of deep networks: widths, schedules, and what cannot be had together.
@Suite struct DeepKeyTests {
  @Test func widthsAreReadAndWritten() throws {
    let study = try parse("teacher: {widths: [50-75-100-125, 8]}\nstudent: {overRealization: 1.5}")
    #expect(study.settings.map(\.teacher.hiddenWidths) == [[50, 75, 100, 125], [8]])
    #expect(study.settings.map(\.studentWidths) == [[75, 113, 150, 188], [12]])
    #expect(study.settings[0].value(of: "teacher.widths") == .text("50-75-100-125"))
    #expect(try parse("teacher: {widths: 08-9}").runs[0].hash == parse("teacher: {widths: 8-9}").runs[0].hash)
    #expect(try parse(study.yaml()).settings == study.settings)
    #expect(Setting().studentWidths == [10])
  }

  /// One factor for all layers, as before there were others, or one for each; fractions are rounded up layer by layer.
  @Test func overRealizationHasAFactorPerLayer() throws {
    let study = try parse("teacher: {widths: 4-5-6}\nstudent: {overRealization: [1, 2-1-1, 1-1.5-1.01, 2-2-2]}")
    #expect(study.settings.map(\.studentWidths) == [[4, 5, 6], [8, 5, 6], [4, 8, 7], [8, 10, 12]])
    #expect(
      study.settings.map { $0.value(of: "student.overRealization") }
        == [.number(1), .text("2-1-1"), .text("1-1.5-1.01"), .number(2)])
    #expect(study.variedKeys == ["student.overRealization"])
    #expect(Set(study.runs.map(\.hash)).count == 4)
    #expect(try parse(study.yaml()) == study)
    #expect(try JSONDecoder().decode(Study.self, from: JSONEncoder().encode(study)) == study)
    // Runs of one meaning have one hash, that of the number.
    let base = "teacher: {widths: 4-5-6}\n"
    #expect(
      try parse(base + "student: {overRealization: 2.0-2-2}").runs[0].hash
        == parse(base + "student: {overRealization: 2}").runs[0].hash)
    // A plain number is stored as it was.
    let text = String(decoding: try JSONEncoder().encode(parse(base).settings[0]), as: UTF8.self)
    #expect(text.contains("\"overRealization\":1") && !text.contains("\"overRealization\":\""), "\(text)")
    // Overrides, selections and conditions.
    #expect(
      try parse(base, overrides: ["student.overRealization=3-1-1"]).settings[0].studentWidths == [12, 5, 6])
    let selection = try study.selection(["student.overRealization=2-1-1"])
    #expect(study.settings.map { $0.matches(selection) } == [false, true, false, false])
    let conditional = try parse(
      base + "student: {overRealization: [1, 2-1-1]}\n"
        + "conditions: [{where: {student.overRealization: 2-1-1}, set: {training.epochs: 7}}]")
    #expect(conditional.settings.map(\.training.epochs) == [100, 7])
  }

  @Test func schedulesGiveTheRateOfAnEpoch() throws {
    let study = try parse("training: {learningRates: '0: 0.20, 20:1e-1,21: 1', epochs: 30}")
    let schedule = try #require(study.settings[0].training.learningRates)
    #expect([1, 20, 21, 22, 30].map(schedule.rate(epoch:)) == [0.2, 0.2, 0.1, 1, 1])
    #expect(schedule.description == "0: 0.2, 20: 0.1, 21: 1")
    #expect(try parse(study.yaml()).settings == study.settings)
    #expect(try JSONDecoder().decode(Study.self, from: JSONEncoder().encode(study)) == study)
  }

  /// A finding's layer is one of the selected teachers, does not enter what a study computes, and is absent where not given.
  @Test func findingsNameALayer() throws {
    let base = "teacher: {widths: [2-3, 4-5-6]}\n"
    let study = try parse(
      base
        + "findings: [{statement: a, statistic: layerCorrelation, layer: 3, where: {teacher.widths: 4-5-6}, atLeast: 1}]"
    )
    #expect(study.findings[0].layer == 3)
    #expect(try study.hash == parse(base).hash)
    let plain = FindingDeclaration(statement: "a", statistic: .armRatio, atLeast: 1)
    let text = String(decoding: try JSONEncoder().encode(plain), as: UTF8.self)
    #expect(!text.contains("layer"), "as it was before there was a layer: \(text)")
    #expect(try JSONDecoder().decode(FindingDeclaration.self, from: Data(text.utf8)) == plain)
  }

  /// A key that came later makes no new run at its default, and a new one elsewhere.
  @Test func laterKeysKeepOldHashes() throws {
    let base = try parse("seeds: 1").runs[0]
    for text in [
      "teacher: {medianBiases: false, normalizedOutput: false, normalization: none}",
      "student: {normalization: none}", "training: {momentum: 0, weightDecay: 0, loss: squaredError}",
      "training: {batchOrder: withReplacement}",
    ] { #expect(try parse(text).runs[0].hash == base.hash, "\(text)") }
    for text in [
      "teacher: {medianBiases: true}", "teacher: {normalizedOutput: true}", "teacher: {widths: 10}",
      "student: {normalization: afterActivation}", "student: {initialization: he}", "training: {momentum: 0.9}",
      "training: {weightDecay: 1e-4}", "training: {loss: crossEntropy}", "training: {learningRates: '0: 0.01'}",
      "training: {batchOrder: reshuffled}",
    ] { #expect(try parse(text).runs[0].hash != base.hash, "\(text)") }
  }

  @Test func deepStudiesRecordTheirLayersAndNothingThatNeedsTwo() throws {
    let measures = Set(try parse("teacher: {widths: 4-5}").record.flatMap(\.measures))
    #expect(measures.isSuperset(of: [.layerCorrelations, .layerStrengths, .evaluationLoss]))
    #expect(measures.isDisjoint(with: Measure.ofTwoLayers))
    #expect(try parse("teacher: {widths: 4}").record == Study.defaultRecord)
  }

  @Test(arguments: [
    BadStudy("teacher: {widths: 50-x}", .wrongType, "s.yaml:1: teacher.widths", "found \"50-x\"", "e.g. 50-75-100"),
    BadStudy("teacher: {widths: 50--75}", .wrongType, "joined by hyphens"),
    BadStudy("teacher: {widths: -5}", .wrongType, "teacher.widths"),
    BadStudy("teacher: {widths: 50-0-100}", .outOfRange, "hidden layer 2 has 0 nodes"),
    BadStudy(
      "teacher: {widths: \(Array(repeating: "2", count: 65).joined(separator: "-"))}", .outOfRange, "65", "64"),
    BadStudy("teacher: {widths: [8-9, 08-9]}", .duplicateValue, "8-9 is listed twice"),
    BadStudy("teacher: {widths: 8-9, hiddenNodes: 8}", .unusedKey, "teacher.hiddenNodes", "teacher.widths"),
    BadStudy("student: {overRealization: 0.9}\nteacher: {widths: 8-9}", .outOfRange, "narrower than its teacher"),

    BadStudy(
      "student: {overRealization: 2-1}\nteacher: {widths: 8-9-4}", .contradiction, "student.overRealization 2-1 has 2",
      "the teacher has 3 hidden layers", "e.g. 2-1-1"),
    BadStudy(
      "student: {overRealization: [1, 2-2]}\nteacher: {widths: [8-9-4]}", .contradiction, "2-2 has 2 factors",
      "3 hidden layers"),
    BadStudy("student: {overRealization: 2-1}", .contradiction, "the teacher has 1 hidden layer", "one factor for all"),
    BadStudy(
      "student: {overRealization: 2-0.5}\nteacher: {widths: 8-9}", .outOfRange, "hidden layer 2 would be narrower",
      "2-1-1"),
    BadStudy("student: {overRealization: 2-x}", .wrongType, "found \"2-x\"", "a number or factors", "2-1-1"),
    BadStudy("student: {overRealization: 2--1}", .wrongType, "found \"2--1\""),
    BadStudy("student: {overRealization: 2000001-1}\nteacher: {widths: 8-9}", .outOfRange, "out of range"),
    BadStudy("student: {overRealization: [2, 2-2]}\nteacher: {widths: 8-9}", .duplicateValue, "2 is listed twice"),

    BadStudy("training: {learningRates: 0.1}", .wrongType, "training.learningRates", "\"0: 0.2, 20: 0.1\""),
    BadStudy("training: {learningRates: '5: 0.1'}", .outOfRange, "begins at epoch 5, not at epoch 0"),
    BadStudy("training: {learningRates: '0: 0.1, 9: 1, 9: 2'}", .outOfRange, "epoch 9 comes after epoch 9"),
    BadStudy("training: {learningRates: '0: 0.1, 9: 0'}", .outOfRange, "from epoch 9 on is not greater than 0"),
    BadStudy("training: {learningRates: '0: nan'}", .outOfRange, "not greater than 0"),
    BadStudy(
      "training: {learningRates: '0: 0.2, 20: 0.1', epochs: 20}", .contradiction, "from epoch 20 on has no effect",
      "training.epochs is 20"),
    BadStudy("training: {learningRates: '0: 0.2', learningRate: 1}", .unusedKey, "training.learningRate:"),
    BadStudy("training: {learningRates: '0: 1', learningRateHalvingInterval: 2}", .unusedKey, "Interval", "Rates"),

    BadStudy("training: {method: adam, momentum: 0.9}", .unusedKey, "training.momentum", "adam"),
    BadStudy(
      "training: {method: gd, batchSize: null, batchOrder: reshuffled}", .unusedKey, "training.batchOrder", "gd"),
    BadStudy("training: {momentum: 1}", .outOfRange, "from 0 to below 1"),
    BadStudy("student: {initialization: he, scale: 1}", .unusedKey, "student.scale", "student.weightFactor"),
    BadStudy("student: {weightFactor: 2}", .unusedKey, "student.weightFactor", "student.scale"),
    BadStudy("student: {perturbation: 1}", .unusedKey, "not perturbedTeacher"),
    BadStudy("student: {teacherLayers: 2}", .contradiction, "student.teacherLayers 2", "hidden layers, 1", "at most 1"),
    BadStudy(
      "student: {teacherLayers: 1, normalization: beforeActivation}", .contradiction, "student.normalization",
      "student.teacherLayers"),
    BadStudy("student: {learntScale: true}", .unusedKey, "student.normalization is none"),
    BadStudy(
      "teacher: {medianBiases: true, normalizedOutput: true, bias: 1}", .unusedKey, "teacher.bias", "all biases"),

    BadStudy(
      "training: {batchSize: 1}\nstudent: {normalization: beforeActivation}", .contradiction,
      "s.yaml:1: training.batchSize", "student.normalization", "2 samples"),
    BadStudy(
      "criticalPoint: {method: levenbergMarquardt}\nstudent: {normalization: afterActivation}", .contradiction,
      "criticalPoint.method", "student.normalization"),
    BadStudy(
      "criticalPoint: {method: levenbergMarquardt}\ntraining: {loss: crossEntropy}", .contradiction,
      "criticalPoint.method", "training.loss crossEntropy"),
    BadStudy(
      "network: {biases: false}\nteacher: {medianBiases: true}", .contradiction, "teacher.medianBiases",
      "network.biases"),
    BadStudy(
      "network: {biases: false}\nteacher: {normalizedOutput: true}", .contradiction, "teacher.normalizedOutput",
      "network.biases"),
    BadStudy(
      "network: {outputDimension: 1}\ntraining: {loss: crossEntropy}", .contradiction, "network.outputDimension"),
    BadStudy(
      "teacher: {widths: [5, 5-6]}\nrecord: [{measures: [kinkBalances], last: true}]", .contradiction,
      "record.measures", "kinkBalances is for networks of one hidden layer", "5-6 has 2"),
  ])
  func badDeepStudiesAreRefused(bad: BadStudy) throws { try bad.expectRefusal() }
}
