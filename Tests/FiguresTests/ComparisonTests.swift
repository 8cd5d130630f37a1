import Foundation
import Testing
import UnderstudySchema

@testable import UnderstudyFigures

/// Findings that compare two values of a key over paired runs.
@Suite struct ComparisonTests {
  /// Runs of two batch sizes and two decays with given losses; by seed.
  private func results(_ losses: [(batch: Int, decay: Double, seed: Int, loss: Double)]) -> StudyResults {
    let settings = [0.0, 1].flatMap { decay in
      [4, 8].map { batch in
        var setting = Synthetic.setting(decay: decay, epochs: 1)
        setting.training.batchSize = batch
        return setting
      }
    }
    let runs = losses.map { one in
      let index = (one.decay == 0 ? 0 : 2) + (one.batch == 4 ? 0 : 1)
      return Synthetic.run(
        settings[index], index: index, seed: one.seed,
        [MeasuredValue(.evaluationAccuracy, epoch: 1, values: [one.loss])])
    }
    return StudyResults(
      study: Study(
        name: "s", settings: settings, variedKeys: ["teacher.strengthDecay", "training.batchSize"],
        seeds: [1, 2]), runs: runs)
  }

  private func finding(
    _ kind: FindingDeclaration.Comparison.Kind = .difference, atLeast: Double? = nil, atMost: Double? = nil,
    selection: [String: [KeyValue]] = [:], in results: StudyResults
  ) -> Finding {
    var declaration = FindingDeclaration(
      statement: "f", statistic: .evaluationAccuracy, selection: selection, atLeast: atLeast, atMost: atMost)
    declaration.comparison = .init(key: "training.batchSize", first: .integer(8), second: .integer(4), kind: kind)
    return evaluate(declaration, in: results)
  }

  private var paired: StudyResults {
    // Seeds and decays differ by far more than batch sizes: only pairs show the difference of 0.1, 0.2, 0.1 and 0.2.
    results([
      (4, 0, 1, 0.1), (8, 0, 1, 0.2), (4, 0, 2, 0.5), (8, 0, 2, 0.7), (4, 1, 1, 0.3), (8, 1, 1, 0.4), (4, 1, 2, 0.7),
      (8, 1, 2, 0.9),
    ])
  }

  @Test("the mean difference over pairs, with Student's interval over seeds")
  func difference() throws {
    let found = finding(atLeast: 0, in: paired)
    // Seed 1: 0.1 and 0.1, seed 2: 0.2 and 0.2. Mean 0.15, deviation 0.1 / sqrt(2), over sqrt(2): 0.05; times 12.7062.
    #expect(abs((found.value ?? 0) - 0.15) < 1e-12)
    let interval = try #require(found.interval)
    #expect(abs(interval.lowerBound - (0.15 - 0.63531)) < 1e-9 && abs(interval.upperBound - (0.15 + 0.63531)) < 1e-9)
    #expect(found.runCount == 8 && found.pairs == .init(count: 4, seedCount: 2))
  }

  @Test("settings of one seed are not independent: they have no interval")
  func oneSeed() {
    let found = finding(atLeast: 0, in: results([(4, 0, 1, 0.1), (8, 0, 1, 0.2), (4, 1, 1, 0.1), (8, 1, 1, 0.3)]))
    #expect(found.pairs == .init(count: 2, seedCount: 1) && found.interval == nil)
    #expect(found.reason != nil, "\(found.verdict)")
  }

  @Test("the whole interval decides")
  func verdicts() {
    #expect(finding(atLeast: -0.4, in: paired).verdict == .undecided)
    #expect(finding(atLeast: 0.8, in: paired).verdict == .notBorneOut)
    #expect(finding(atLeast: -0.5, atMost: 0.8, in: paired).verdict == .borneOut)
    #expect(finding(atMost: -0.5, in: paired).verdict == .notBorneOut)
  }

  @Test("ratios by their logarithms")
  func ratio() throws {
    let found = finding(
      .ratio, atLeast: 1, in: results([(4, 0, 1, 0.1), (8, 0, 1, 0.2), (4, 0, 2, 0.1), (8, 0, 2, 0.8)]))
    #expect(abs((found.value ?? 0) - 4) < 1e-12)
    let half = 12.7062 * (log(8.0) - log(2.0)) / 2
    #expect(abs(log(try #require(found.interval).lowerBound) - (log(4.0) - half)) < 1e-9)
    #expect(found.verdict == .undecided)
  }

  @Test("runs without a partner are left out; one pair decides nothing, none is an error")
  func partners() {
    let one = finding(atLeast: 0, in: results([(4, 0, 1, 0.1), (8, 0, 1, 0.2), (8, 0, 2, 0.9), (4, 1, 1, 0.3)]))
    #expect(one.runCount == 2 && one.interval == nil)
    #expect(one.reason?.contains("run more seeds") == true, "\(one.verdict)")
    let none = finding(atLeast: 0, in: results([(4, 0, 1, 0.1), (8, 0, 2, 0.9)]))
    #expect(none.reason?.contains("has a partner") == true, "\(none.verdict)")
  }

  @Test("a zipped key with several values beside one that is compared is matched, and a figure pools it")
  func repeatedPartners() throws {
    var results = results([
      (4, 0, 1, 0.1), (8, 0, 1, 0.2), (4, 1, 1, 0.9), (4, 0, 2, 0.1), (8, 0, 2, 0.3), (4, 1, 2, 0.9),
    ])
    results.study.zippedKeys = [["training.batchSize", "teacher.strengthDecay"]]
    let found = finding(atLeast: 0, in: results)
    #expect(found.pairs == .init(count: 2, seedCount: 2) && abs((found.value ?? 0) - 0.15) < 1e-12)
    let means = try #require(found.means)
    #expect(abs(means.first - 0.25) < 1e-12 && abs(means.second - 0.1) < 1e-12, "of the runs that make pairs")
    let selection = try SettingSelection([:], of: results, subject: "f")
    #expect(
      selection.unshownKeys(beside: ["training.batchSize"], study: results.study)
        == .init(pooled: ["Pools teacher.strengthDecay 0, 1."]))
  }

  @Test("a layer that no network has is refused")
  func layers() throws {
    var results = paired
    for run in results.runs.indices {
      results.runs[run].measurements.append(SyntheticLayers.widths([2, 1], [2, 1]))
    }
    func compare(_ layer: Int) throws -> StudyComparison {
      try StudyComparison(
        results, by: "training.batchSize", statistics: [ComparedStatistic(.layerCorrelation, layer: layer)])
    }
    #expect(try compare(2).statistics.count == 1)
    let error = #expect(throws: FigureError.self) { try compare(3) }
    #expect(error?.reason.contains("the deepest networks have 2 hidden layers") == true)
  }

  @Test("statistics of all runs together are not compared")
  func together() {
    var declaration = FindingDeclaration(statement: "f", statistic: .divergedShare, atLeast: 0)
    declaration.comparison = .init(key: "training.batchSize", first: .integer(8), second: .integer(4))
    #expect(evaluate(declaration, in: paired).reason?.contains("all runs together") == true)
  }

  @Test("a mean over runs has an interval over seeds")
  func intervals() throws {
    let found = evaluate(FindingDeclaration(statement: "f", statistic: .evaluationAccuracy, atLeast: 0), in: paired)
    // Seed 1: 0.25, seed 2: 0.7.
    let wanted = try #require(MeanInterval([0.25, 0.7]))
    let interval = try #require(found.interval)
    #expect(abs(interval.lowerBound - wanted.low) < 1e-12 && abs(interval.upperBound - wanted.high) < 1e-12)
  }
}
