import Foundation
import Testing
import UnderstudyRecords
import UnderstudySchema

@testable import UnderstudyFigures

/// Values of hidden layers that can be checked by hand.
@Suite struct LayerFindingTests {
  private static func finding(
    _ statistic: FindingDeclaration.Statistic, _ runs: [RunRecord], layer: Int? = nil, epoch: Int? = nil
  ) -> Finding {
    let declaration = FindingDeclaration(
      statement: "a statement", statistic: statistic, epoch: epoch, layer: layer, atLeast: 0)
    var results = FigureDataTests.results(runs)
    results.study.findings = [declaration]
    return findings(of: results)[0]
  }

  private static func reason(_ finding: Finding) -> String {
    finding.value == nil ? finding.reason ?? "" : ""
  }

  /// Two seeds of a teacher 2-1 at epochs 0 and 10: the lowest layer has rho 0.96 and 0.9 in the first, 1 and 0.5 in the
  /// second.
  static let two = [(0.96, 0.9, 0.8), (1, 0.5, 0.4)].enumerated().map { seed, rho in
    Synthetic.run(
      SyntheticLayers.setting([2, 1]), seed: seed + 1,
      [
        SyntheticLayers.widths([2, 1], [2, 1], epoch: 10),
        SyntheticLayers.vector(.layerCorrelations, 0, [0.1, 0.3, 0.2]),
        SyntheticLayers.vector(.layerCorrelations, 10, [rho.0, rho.1, rho.2]),
      ])
  }

  @Test func averagesOverRunsAndNodesOfTheLayer() throws {
    let lowest = try #require(Self.finding(.layerCorrelation, Self.two, layer: 1).value)
    // (0.96 + 0.9 + 1 + 0.5) / 4; additions of numbers below 4 round by less than 1e-15 in all.
    #expect(abs(lowest - 0.84) < 1e-14)
    let highest = try #require(Self.finding(.layerCorrelation, Self.two, layer: 2).value)
    #expect(abs(highest - 0.6) < 1e-14)
    let first = try #require(Self.finding(.layerCorrelation, Self.two, layer: 1, epoch: 0).value)
    #expect(abs(first - 0.2) < 1e-14, "widths of another epoch will do")
    // Above 0.9: one of two in both runs; 0.9 itself is not.
    #expect(Self.finding(.layerMatchedShare, Self.two, layer: 1).value == 0.5)
    #expect(Self.finding(.layerMatchedShare, Self.two, layer: 2).value == 0)
  }

  @Test func epochsAreTheFirstRecordedOnesAndNeverRanksLast() throws {
    let runs = [
      SyntheticLayers.run([2, 3], [0: [0.1, 0.1], 2: [0.95, 0.5], 10: [0.5, 0.96]], seed: 1),
      SyntheticLayers.run([2, 3], [0: [0.1, 0.1], 4: [0.99, 0.5], 10: [1, 0.9]], seed: 2),
    ]
    // 0.95 itself counts, and a layer that forgets again keeps its first time: (2 + 4) / 2.
    #expect(Self.finding(.epochsToSpecialize, runs, layer: 1).value == 3)
    #expect(Self.reason(Self.finding(.epochsToSpecialize, runs, layer: 2)).contains("half of the runs or more"))
    #expect(Self.finding(.epochsToSpecialize, [runs[0]], layer: 2).value == 10)
    #expect(Self.finding(.layerOrder, runs).value == 1, "medians 3 and never")
  }

  @Test func ordersAreOfEachSettingAndThenAveraged() throws {
    // Depth 3 with times 1, 5, 3: ranks 1, 3, 2 against 1, 2, 3 give 1 - 6 * 2 / 24 = 0.5. Depth 2 with times 5, 1: -1.
    let three = SyntheticLayers.run(
      [2, 2, 2], [1: [1, 0.1, 0.1], 3: [1, 0.1, 1], 5: [1, 1, 1]], index: 0)
    let two = SyntheticLayers.run([4, 5], [1: [0.5, 0.95], 5: [0.95, 1]], index: 1)
    let single = SyntheticLayers.run([4], [1: [0.5], 5: [0.95]], index: 2)
    #expect(Self.finding(.layerOrder, [three]).value == 0.5)
    #expect(Self.finding(.layerOrder, [three, two]).value == -0.25)
    #expect(Self.finding(.layerOrder, [three, two, single]).value == -0.25, "one layer has no order")
    #expect(Self.reason(Self.finding(.layerOrder, [Self.two[0]])).contains("at the same recorded epoch"))
  }

  @Test func dividesTheArmsOfOneLayer() {
    // Students of 3 and 4 nodes. Layer 2: aligned 6 and 4; 0.9 is in neither arm; a dead node; unaligned 0.5 in both runs.
    let runs = [[0.96, 0.9, 0, 0.7], [0.99, 0.95, 0, 0.1]].enumerated().map { seed, rho in
      Synthetic.run(
        SyntheticLayers.setting([3, 4]), seed: seed,
        [
          SyntheticLayers.widths([3, 4], [3, 4]),
          SyntheticLayers.vector(.layerStudentCorrelations, 10, [0.99, 0.99, 0.1] + rho),
          SyntheticLayers.vector(.layerDeadNodes, 10, [0, 0, 0, 0, 0, 1, 0]),
          SyntheticLayers.vector(.layerStrengths, 10, [1, 1, 1, seed == 0 ? 6 : 4, 9, 7, 0.5]),
        ])
    }
    #expect(Self.finding(.layerArmRatio, runs, layer: 2).value == 10)
    #expect(Self.finding(.layerArmRatio, runs, layer: 1).value == 1)
    // Without the measure a node with rho 0 is dead.
    let bare = runs.map { run in
      var run = run
      run.measurements.removeAll { $0.measure == .layerDeadNodes }
      return run
    }
    #expect(Self.finding(.layerArmRatio, bare, layer: 2).value == 10)
  }

  @Test func saysWhyThereIsNoValue() {
    for statistic in [
      FindingDeclaration.Statistic.layerCorrelation, .layerMatchedShare, .epochsToSpecialize, .layerArmRatio,
    ] {
      #expect(statistic.needsLayer)
      #expect(Self.reason(Self.finding(statistic, Self.two)).contains("add layer: 1 for the lowest"), "\(statistic)")
      for layer in [0, 3] {
        let words = "has 2 hidden layers and no layer \(layer)"
        #expect(Self.reason(Self.finding(statistic, Self.two, layer: layer)).contains(words), "\(statistic)")
      }
    }
    #expect(!FindingDeclaration.Statistic.layerOrder.needsLayer && !FindingDeclaration.Statistic.armRatio.needsLayer)
    let strengths = Self.reason(Self.finding(.layerArmRatio, Self.two, layer: 1))
    #expect(strengths.contains("layerStudentCorrelations is not recorded at epoch 10"))
    let absent = Self.reason(Self.finding(.layerCorrelation, Self.two, layer: 1, epoch: 5))
    #expect(absent.contains("layerCorrelations is not recorded at epoch 5"))
    let bare = [TheoryFindingTests.run([])]
    #expect(Self.reason(Self.finding(.layerOrder, bare)).contains("layerWidths is not recorded"))
  }

  @Test(
    arguments: [
      ([2, 2], [2, 0, 4, 4], [6], "[2, hidden layer]"), ([2, 2], [2, 1.5, 4, 4], [6], "whole numbers"),
      ([1, 2], [2, 2], [4], "[2, hidden layer]"),
      ([2, 2], [2, 3, 4, 6], [6], "layerCorrelations has shape [6], expected [5]"),
    ] as [([Int], [Double], [Int], String)])
  func shapesThatDoNotFitAreRefused(shape: [Int], widths: [Double], rho: [Int], words: String) {
    let run = Synthetic.run(
      SyntheticLayers.setting([2, 3]),
      [
        .init(.layerWidths, epoch: 0, shape: shape, values: widths),
        .init(.layerCorrelations, epoch: 10, shape: rho, values: Array(repeating: 1, count: rho[0])),
      ])
    #expect(Self.reason(Self.finding(.layerCorrelation, [run], layer: 1)).contains(words))
  }

  @Test func findingsSelectByWidths() {
    let runs = [
      SyntheticLayers.run([2, 3], [10: [1, 1]], index: 0), SyntheticLayers.run([4], [10: [0.5]], index: 1),
    ]
    var results = FigureDataTests.results(runs, varied: ["teacher.widths"])
    results.study.findings = [
      FindingDeclaration(
        statement: "a", statistic: .layerCorrelation, layer: 2, selection: ["teacher.widths": [.text("2-3")]],
        atLeast: 1)
    ]
    #expect(findings(of: results)[0].verdict == .borneOut)
    #expect(runs[0].label(study: results.study) == "teacher.widths 2-3, seed 1")
  }
}
