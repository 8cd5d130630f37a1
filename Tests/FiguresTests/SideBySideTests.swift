import Foundation
import Testing
import UnderstudySchema

@testable import UnderstudyFigures

/// Studies side by side: what they differ in, their figures, and their differences over common seeds.
@Suite struct SideBySideTests {
  /// A study of some batch sizes whose runs have given accuracies, by batch size and seed.
  private func study(
    _ name: String, rate: Double, _ accuracies: [Int: [Int: Double]], findings: [FindingDeclaration] = []
  ) -> (name: String, results: StudyResults) {
    let sizes = accuracies.keys.sorted()
    let settings = sizes.map { size in
      var setting = Synthetic.setting(epochs: 1)
      (setting.training.batchSize, setting.training.learningRate) = (size, rate)
      return setting
    }
    let runs = sizes.enumerated().flatMap { index, size in
      accuracies[size, default: [:]].sorted { $0.key < $1.key }.map { seed, accuracy in
        Synthetic.run(
          settings[index], index: index, seed: seed,
          [MeasuredValue(.evaluationAccuracy, epoch: 1, values: [accuracy])])
      }
    }
    let seeds = Set(accuracies.values.flatMap(\.keys)).sorted()
    let study = Study(
      name: name, settings: settings, variedKeys: sizes.count > 1 ? ["training.batchSize"] : [], seeds: seeds,
      findings: findings)
    return (name, StudyResults(study: study, runs: runs))
  }

  private var two: [(name: String, results: StudyResults)] {
    [
      study("a", rate: 0.1, [4: [1: 0.5, 2: 0.7, 3: 0.1], 8: [1: 0.6, 2: 0.9, 3: 0.1]]),
      study("b", rate: 0.2, [4: [1: 0.4, 2: 0.4], 16: [1: 0.3, 2: 0.3]]),
    ]
  }

  @Test func whatStudiesDifferInGoesWithTheirNames() throws {
    let merged = try StudyResults(sideBySide: two)
    #expect(merged.study.seeds == [1, 2] && merged.runs.count == 8, "the third seed is in one of them only")
    #expect(
      merged.study.variedKeys == ["study", "training.batchSize", "training.learningRate"]
        || merged.study.variedKeys == ["study", "training.learningRate", "training.batchSize"])
    #expect(merged.study.companions(of: "study") == ["training.learningRate"])
    #expect(merged.study.value(of: "study", at: 2) == .text("b") && merged.runs[5].run.settingIndex == 2)
    #expect(try StudyResults(sideBySide: [two[0]]).study.origins.isEmpty)
    #expect(throws: StudyResults.SideBySideError.noCommonSeed) {
      _ = try StudyResults(sideBySide: [two[0], study("c", rate: 0.1, [4: [9: 0.5]])])
    }
  }

  @Test func differencesAreOverPairsOfCommonSeeds() throws {
    let comparison = try StudyComparison(try StudyResults(sideBySide: two), by: "training.batchSize")
    #expect(comparison.statistics == [ComparedStatistic(.evaluationAccuracy)])
    let rows = comparison.differences()
    #expect(rows.map(\.place) == ["training.batchSize 4", "a", "b"])
    #expect(rows.map { "\($0.second) - \($0.first)" } == ["b - a", "8 - 4", "16 - 4"])
    // b - a at 4: -0.1 and -0.3; 8 - 4 in a: 0.1 and 0.2; 16 - 4 in b: -0.1 twice.
    for (row, expected) in zip(rows, [-0.2, 0.15, -0.1]) { #expect(abs((row.difference ?? 9) - expected) < 1e-12) }
    #expect(rows[0].pairs == .init(count: 2, seedCount: 2) && abs((rows[0].firstValue ?? 0) - 0.6) < 1e-12)
    let interval = try #require(rows[0].interval)
    // Deviation 0.1 sqrt(2), over sqrt(2): 0.1; times 12.7062.
    #expect(abs(interval.lowerBound + 0.2 + 1.27062) < 1e-5)
  }

  @Test func runsThatTwoStudiesShareAreNamed() throws {
    #expect(try StudyComparison(try StudyResults(sideBySide: two), by: "training.batchSize").sharedRuns.isEmpty)
    let other = study("c", rate: 0.1, [4: [1: 0.5, 2: 0.7], 16: [1: 0.3, 2: 0.3]])
    let comparison = try StudyComparison(try StudyResults(sideBySide: [two[0], other]), by: "training.batchSize")
    let shared = try #require(comparison.sharedRuns.first)
    #expect(comparison.sharedRuns.count == 1 && shared.count == 2)
    // Of the seeds that both have: two of two settings each.
    #expect(shared.firstCount == 4 && shared.secondCount == 4)
    #expect(
      shared.sentence.hasPrefix("a (4 runs) and c (4) share 2 runs, e.g. training.batchSize 4, seed 1: these are"))
    // What is compared of them is equal, exactly.
    #expect(comparison.differences()[0].difference == 0)
  }

  @Test func aKeyThatTellsTheStudiesApartIsComparedBetweenThem() throws {
    let comparison = try StudyComparison(try StudyResults(sideBySide: two), by: "training.learningRate")
    let rows = comparison.differences()
    #expect(rows.count == 1 && rows[0].cells[2] == "b - a" && abs((rows[0].difference ?? 9) + 0.2) < 1e-12)
    #expect(rows[0].pairs?.count == 2, "the batch size that both have")
  }

  @Test func threeStudiesOfWhichTwoShareAValueAreCompared() throws {
    let third = study("c", rate: 0.2, [4: [1: 0.9, 2: 0.9], 8: [1: 0.5, 2: 0.5]])
    for key in ["training.learningRate", Study.originKey] {
      let rows = try StudyComparison(try StudyResults(sideBySide: two + [third]), by: key).differences()
      #expect(rows.map { "\($0.second) - \($0.first)" } == ["b - a", "c - a"], "\(key)")
      #expect(rows.map { $0.pairs?.count } == [2, 4], "\(key)")
    }
  }

  @Test func theZipOfOneStudyIsNotThatOfAnother() throws {
    var (zipped, crossed) = (two[0], study("z", rate: 0.1, [4: [1: 0.2, 2: 0.4], 8: [1: 0.3, 2: 0.6]]))
    for index in zipped.results.study.settings.indices {
      zipped.results.study.settings[index].training.momentum = index == 0 ? 0 : 0.5
    }
    zipped.results.study.variedKeys = ["training.batchSize", "training.momentum"]
    zipped.results.study.zippedKeys = [["training.batchSize", "training.momentum"]]
    var other = crossed.results.study.settings[1]
    other.training.momentum = 0.5
    crossed.results.study.settings.append(other)
    crossed.results.study.variedKeys = ["training.batchSize", "training.momentum"]
    let rows = try StudyComparison(
      try StudyResults(sideBySide: [zipped, crossed]), by: "training.batchSize"
    ).differences()
    let within = rows.filter { $0.second == "8" }
    #expect(within.map(\.place) == ["a", "z"])
    for (row, expected) in zip(within, [0.15, 0.15]) { #expect(abs((row.difference ?? 9) - expected) < 1e-12) }
  }

  @Test func figuresHaveAColourForEachStudy() throws {
    let comparison = try StudyComparison(try StudyResults(sideBySide: two), by: "training.batchSize")
    let drawn = try figureSpecifications(of: comparison.figures[0], from: comparison.results)[0]
    let values = try #require(drawn.document["data"]?["values"]?.elements).filter { $0["k"] == "middle" }
    #expect(Set(values.compactMap { $0["o"]?.text }) == ["a", "b"] && values.count == 4)
    #expect(drawn.notes.contains("With study goes training.learningRate: 0.1, 0.2."))
    #expect(!drawn.notes.contains { $0.hasPrefix("Pools") || $0.hasPrefix("Incomplete") })
  }

  @Test func whatCannotBeComparedIsRefused() throws {
    let merged = try StudyResults(sideBySide: two)
    #expect(throws: FigureError.self) { _ = try StudyComparison(merged, by: "training.momentum") }
    #expect(throws: FigureError.self) {
      _ = try StudyComparison(merged, by: "training.batchSize", statistics: [ComparedStatistic(.strongFirst)])
    }
  }
}
