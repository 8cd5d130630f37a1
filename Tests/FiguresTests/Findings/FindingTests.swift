import Foundation
import Testing
import UnderstudyRecords
import UnderstudySchema

@testable import UnderstudyFigures

extension Finding {
  /// Why it cannot be measured; nil if it was.
  var reason: String? {
    guard case .notMeasurable(let reason) = verdict else { return nil }
    return reason
  }
}

/// Values that can be checked by hand.
@Suite struct FindingTests {
  /// Two teacher nodes, three student nodes; the rows of `rho` are teacher nodes.
  static func run(
    seed: Int, rho: [[Double]], norms: [Double] = [1, 1, 1], loss: Double = 1e-4, outcome: Outcome = .completed
  ) -> RunRecord {
    let shape = [rho.count, rho[0].count]
    let setting = Synthetic.setting(decay: 1, multiple: 1.5, teacherNodes: 2, epochs: 10)
    return Synthetic.run(
      setting, seed: seed, outcome: outcome,
      [
        .init(.trainingCorrelation, epoch: 10, shape: shape, values: rho.flatMap { $0 }),
        .init(.evaluationCorrelation, epoch: 10, shape: shape, values: rho.flatMap { $0 }),
        .init(.fanOutNorms, epoch: 10, shape: [norms.count], values: norms),
        .init(.evaluationLoss, epoch: 10, values: [loss]),
      ])
  }

  static func value(
    _ statistic: FindingDeclaration.Statistic, _ runs: [RunRecord], atLeast: Double? = nil, atMost: Double? = nil,
    selection: [String: [KeyValue]] = [:], epoch: Int? = nil, seeds: [Int]? = nil
  ) -> Finding {
    let declaration = FindingDeclaration(
      statement: "a statement", statistic: statistic, epoch: epoch, selection: selection, atLeast: atLeast,
      atMost: atMost)
    let study = Study(
      name: "s", settings: FigureDataTests.results(runs).study.settings, seeds: seeds ?? runs.map(\.run.seed),
      findings: [declaration])
    return findings(of: StudyResults(study: study, runs: runs))[0]
  }

  /// Teacher node 1 recovered in both runs, node 2 in the second only (0.95 itself is not above 0.95).
  static let runs = [
    run(seed: 0, rho: [[0.99, 0.5, 0], [0.2, 0.95, 0]], norms: [4, 1, 9], loss: 1e-4),
    run(seed: 1, rho: [[0.1, 0.96, 0.7], [0.97, 0.3, 0.1]], norms: [6, 2, 0.5], loss: 1e-6),
  ]

  @Test func countsRecoveredNodes() {
    #expect(Self.value(.recoveredNodes, Self.runs, atLeast: 1.5).value == 1.5)
    #expect(Self.value(.recoveredShare, Self.runs, atLeast: 1).value == 0.75)
  }

  @Test func averagesLogarithmsOfTheLoss() throws {
    let finding = Self.value(.logEvaluationLoss, Self.runs, atMost: -5)
    #expect(abs(try #require(finding.value) + 5) < 1e-12)
    let zero = Self.value(.logEvaluationLoss, [Self.run(seed: 0, rho: [[1]], norms: [1], loss: 0)], atMost: -30)
    #expect(zero.value == log10(lossFloor), "a loss of exactly 0 has a floor, not -infinity")
  }

  @Test func ranksTeacherNodesByRecovery() {
    // Shares 1 and 1/2 fall with the index.
    #expect(Self.value(.strongFirst, Self.runs, atMost: -0.5).value == -1)
    let tied = Self.value(.strongFirst, [Self.runs[1]], atMost: -0.5)
    #expect(tied.value == nil)
    #expect(tied.reason?.contains("same share") == true, "shares that are all equal have no order")
  }

  @Test func dividesTheArmsOfTheL() {
    // Best rho: run 0 has 0.99, 0.95 (in neither arm) and a dead node; run 1 has 0.97, 0.96 and 0.7.
    // Aligned norms 4, 6, 2: median 4. Unaligned norm 0.5.
    #expect(Self.value(.armRatio, Self.runs, atLeast: 5).value == 8)
  }

  @Test func countsDivergedRunsAndLeavesThemOutElsewhere() {
    var runs = Self.runs
    runs.append(Self.run(seed: 2, rho: [[0, 0, 0], [0, 0, 0]], outcome: .diverged(epoch: 11)))
    runs.append(Self.run(seed: 3, rho: [[1, 0, 0], [0, 1, 0]]))
    #expect(Self.value(.divergedShare, runs, atMost: 0.25).value == 0.25)
    let recovered = Self.value(.recoveredNodes, runs, atLeast: 1)
    #expect(recovered.value == 5.0 / 3)
    #expect(recovered.runCount == 3)
    #expect(recovered.divergedCount == 1)
    #expect(!recovered.isIncomplete)
  }

  @Test(
    arguments: [
      (1.5, nil, Finding.Verdict.borneOut), (1.6, nil, .notBorneOut), (nil, 1.5, .borneOut), (nil, 1.4, .notBorneOut),
      (1, 2, .borneOut), (1.6, 2, .notBorneOut),
    ] as [(Double?, Double?, Finding.Verdict)])
  func judgesByItsBounds(low: Double?, high: Double?, verdict: Finding.Verdict) {
    #expect(Self.value(.recoveredNodes, Self.runs, atLeast: low, atMost: high).verdict == verdict)
  }

  @Test func saysWhatIsMissing() {
    let unbounded = Self.value(.recoveredNodes, Self.runs)
    #expect(unbounded.value == 1.5)
    #expect(unbounded.verdict == .notMeasurable(reason: "the study states no bound for it; give atLeast or atMost"))
    let incomplete = Self.value(.recoveredNodes, Self.runs, atLeast: 1, seeds: [0, 1, 2, 3])
    #expect(incomplete.isIncomplete && incomplete.expectedRunCount == 4 && incomplete.verdict == .borneOut)
    for (finding, words) in [
      (Self.value(.recoveredNodes, Self.runs, atLeast: 1, epoch: 5), "not recorded at epoch 5"),
      (Self.value(.recoveredNodes, Self.runs, atLeast: 1, selection: ["teacher.depth": [.integer(1)]]), "no key"),
      (
        Self.value(.recoveredNodes, Self.runs, atLeast: 1, selection: ["teacher.strengthDecay": [.integer(7)]]),
        "no setting of the study has teacher.strengthDecay in [7]"
      ),
    ] { #expect(finding.reason?.contains(words) == true, "\(finding)") }
  }
}

@Suite struct SampleStatisticsTests {
  @Test func wilsonIntervalMatchesItsFormula() {
    // 8 of 10 at z = 1.96: a published example gives 0.490 to 0.943.
    let interval = wilsonInterval(8, of: 10)
    #expect(abs(interval.lowerBound - 0.4902) < 1e-4)
    #expect(abs(interval.upperBound - 0.9433) < 1e-4)
    #expect(wilsonInterval(0, of: 4).lowerBound == 0)
    #expect(wilsonInterval(4, of: 4).upperBound == 1)
  }

  @Test func spearmanSharesRanksOfTies() throws {
    #expect(ranks([3, 1, 3, 2]) == [3.5, 1, 3.5, 2])
    #expect(spearmanCorrelation([1, 2, 3], [10, 20, 15]) == 0.5)
    // Ranks 1, 2, 3, 4 against 1.5, 1.5, 3.5, 3.5: covariance 4, variances 5 and 4.
    let tied = try #require(spearmanCorrelation([1, 2, 3, 4], [0, 0, 1, 1]))
    #expect(abs(tied - 4 / 20.0.squareRoot()) < 1e-15)
    #expect(spearmanCorrelation([1, 2], [5, 5]) == nil)
  }

  @Test func mediansAndDeviations() {
    #expect(median([3, 1, 2]) == 2)
    #expect(median([4, 1, 2, 3]) == 2.5)
    #expect(median([]) == nil)
    #expect(standardDeviation([1, 2, 3]) == 1)
    #expect(standardDeviation([7]) == 0)
  }
}
