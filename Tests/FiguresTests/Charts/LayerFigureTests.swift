import Foundation
import Testing
import UnderstudyRecords
import UnderstudySchema

@testable import UnderstudyFigures

/// The numbers inside the figures of hidden layers, from small results.
@Suite struct LayerFigureTests {
  private static func student(multiple: Double = 1, index: Int = 0, seed: Int = 1, epochs: [Int] = [0, 3, 9, 10])
    -> RunRecord
  {
    let setting = SyntheticLayers.setting([2, 1], multiple: multiple)
    let count = setting.studentWidths.reduce(0, +)
    var measurements = [SyntheticLayers.widths([2, 1], setting.studentWidths)]
    let rho = (0..<count).map { $0 == 1 ? 0 : 0.9 + 0.01 * Double($0) }
    let dead: [Double] = (0..<count).map { $0 == 1 ? 1 : 0 }
    let strengths = (1...count).map(Double.init)
    for epoch in epochs {
      measurements.append(SyntheticLayers.vector(.layerStudentCorrelations, epoch, rho))
      measurements.append(SyntheticLayers.vector(.layerDeadNodes, epoch, dead))
      measurements.append(SyntheticLayers.vector(.layerStrengths, epoch, strengths))
    }
    return Synthetic.run(setting, index: index, seed: seed, measurements)
  }

  /// Vega-Lite draws the panels of a row one after the other, so that one without data would shift those behind it.
  @Test func panelsWithoutDataKeepTheirPlace() {
    let rows: [JSONValue] = [
      ["p": "1x", "q": "5", "y": 1, "o": "a"], ["p": "2x", "q": "5", "y": 2], ["p": "2x", "q": "7", "y": 3],
    ]
    let grid = PanelGrid(row: "q", column: "p")
    let names: JSONValue = ["encoding": ["color": ["field": "o", "type": "nominal"], "y": ["field": "y"]]]
    #expect(grid.gaps(in: rows, drawnBy: [names]) == [["q": "7", "p": "1x", "o": "a"]])
    #expect(grid.gaps(in: Array(rows.prefix(2)), drawnBy: [names]).isEmpty)
  }

  @Test func lShapesSayWhatNodesAre() throws {
    var run = Self.student(epochs: [10])
    let rho = [0.96, 0.2, 0.3]
    run.measurements.removeAll { [.layerStudentCorrelations, .layerDeadNodes].contains($0.measure) }
    run.measurements.append(SyntheticLayers.vector(.layerStudentCorrelations, 10, rho))
    run.measurements.append(SyntheticLayers.vector(.layerDeadNodes, 10, [0, 0, 0]))
    #expect(try FigureDataTests.rowsAndFigure(.layerLShape, [run]).rows[0]["g"] == nil)
    run.measurements.append(SyntheticLayers.vector(.layerMirroredCorrelations, 10, [0.1, 0.97, 0.5]))
    run.measurements.append(SyntheticLayers.vector(.layerBelowCorrelations, 10, [0, 0, 0.9]))
    run.measurements.append(SyntheticLayers.vector(.layerActiveShares, 10, [0.5, 1, 0.995]))
    let (rows, figure) = try FigureDataTests.rowsAndFigure(.layerLShape, [run])
    #expect(rows[0]["g"] == ["follows a teacher node", "follows one turned round"])
    #expect(rows[1]["g"] == ["active at all inputs"])
    #expect(figure.notes.contains { $0.hasPrefix("Follows: ρ > 0.95") })
  }

  @Test func lShapeHasTheLiveNodesOfEachLayer() throws {
    let (rows, figure) = try FigureDataTests.rowsAndFigure(.layerLShape, [Self.student()])
    // Epochs 0, 3 and 10: 3 is the middle of 0 and 10 on the axis of log(1 + epoch), where it is 1.39 of 2.40.
    #expect(rows.count == 6)
    #expect(rows[0] == ["l": 1, "t": 0, "o": "1x", "e": 1, "k": [1], "r": [0.9], "y": [1]], "node 2 is dead")
    #expect(rows[1] == ["l": 2, "t": 0, "o": "1x", "e": 1, "k": [1], "r": [0.92], "y": [3]])
    #expect(rows.compactMap { $0["t"]?.number } == [0, 0, 3, 3, 10, 10])
    #expect(figure.notes.contains { $0.hasPrefix("3 dead student nodes are left out") })
    let panels = try #require(figure.document["vconcat"]?.elements)
    #expect(panels.map { $0["transform"]?[0]?["filter"] } == ["datum.l == 2", "datum.l == 1"], "the lowest is below")
    let domains = panels.compactMap {
      $0["spec"]?["layer"]?.elements?.last?["encoding"]?["y"]?["scale"]?["domain"]?[1]?.number
    }
    #expect(domains == [3.15, 1.05], "5 % above the largest of each layer")
    let declared = try FigureDataTests.rowsAndFigure(.layerLShape, [Self.student()], epochs: [9]).rows
    #expect(declared.map { $0["t"] } == [9, 9])
    #expect(throws: FigureError.self) {
      _ = try FigureDataTests.rowsAndFigure(.layerLShape, [Self.student()], epochs: [4])
    }
  }

  @Test func lShapeDrawsNarrowStudentsOverWideOnes() throws {
    let runs = [Self.student(), Self.student(multiple: 2, index: 1)]
    let (rows, figure) = try FigureDataTests.rowsAndFigure(
      .layerLShape, runs, varied: ["student.overRealization"], epochs: [10])
    #expect(rows.map { $0["o"] } == ["2x", "2x", "1x", "1x"])
    #expect(rows[0]["k"] == [1, 3, 4] && rows[1]["k"] == [1, 2])
    #expect(!figure.notes.contains { $0.contains("Pools") })
  }

  /// Of runs that were not recorded at the same epochs, those that they share; of many nodes, the first seeds.
  @Test func lShapeTakesSharedEpochsAndFewEnoughSeeds() throws {
    let shared = [Self.student(), Self.student(seed: 2, epochs: [0, 10])]
    #expect(try FigureDataTests.rowsAndFigure(.layerLShape, shared).rows.compactMap { $0["t"]?.number }.max() == 10)
    #expect(try FigureDataTests.rowsAndFigure(.layerLShape, shared).rows.count == 8)
    let disjoint = [Self.student(epochs: [0]), Self.student(seed: 2, epochs: [10])]
    #expect(throws: FigureError.self) { _ = try FigureDataTests.rowsAndFigure(.layerLShape, disjoint) }
    // 3 x 2500 dots a seed and epoch: a second seed would make 15000.
    let wide = (1...2).map { Self.student(multiple: 2500, seed: $0) }
    let (rows, figure) = try FigureDataTests.rowsAndFigure(.layerLShape, wide, epochs: [10])
    #expect(rows.count == 2 && rows[0]["k"]?.elements?.count == 4999)
    #expect(figure.notes.contains("Drawn: 1 of 2 seeds (1)."))
  }

  @Test func specializationIsAMeanWithItsRange() throws {
    let runs = [
      SyntheticLayers.run([2, 3], [0: [0.2, 0.1], 10: [1, 0.5]], seed: 1),
      SyntheticLayers.run([2, 3], [0: [0.4, 0.1], 10: [1, 0.75]], seed: 2),
    ]
    let (rows, figure) = try FigureDataTests.rowsAndFigure(.layerSpecialization, runs)
    #expect(rows.count == 4)
    #expect(rows[0] == ["p": "1x", "l": "2", "t": 0, "y": 0.1, "a": 0.1, "b": 0.1, "n": 2], "the lowest layer on top")
    #expect(rows[1] == ["p": "1x", "l": "2", "t": 10, "y": 0.625, "a": 0.5, "b": 0.75, "n": 2])
    #expect(rows[2] == ["p": "1x", "l": "1 (lowest)", "t": 0, "y": 0.3, "a": 0.2, "b": 0.4, "n": 2])
    #expect(figure.document["spec"]?["layer"]?.elements?.count == 4)
    let (alone, _) = try FigureDataTests.rowsAndFigure(.layerSpecialization, [runs[0]])
    #expect(alone.count == 4)
    #expect(try FigureDataTests.rowsAndFigure(.layerSpecialization, runs, epochs: [10]).rows.count == 2)
    #expect(throws: FigureError.self) { _ = try FigureDataTests.rowsAndFigure(.layerSpecialization, runs, epochs: [3]) }
  }

  @Test func panelsAreByOverRealizationAndWidths() throws {
    let all = [([2, 3], 1.0), ([2, 3], 5), ([4], 1), ([4], 5)].enumerated().map { index, run in
      SyntheticLayers.run(run.0, [10: run.0.map { _ in 1 }], index: index, multiple: run.1)
    }
    let varied = ["teacher.widths", "student.overRealization"]
    let (rows, figure) = try FigureDataTests.rowsAndFigure(.layerSpecialization, all, varied: varied)
    #expect(rows.count == 6)
    #expect(rows[0] == ["p": "1x", "q": "2-3", "l": "2", "t": 10, "y": 1, "a": 1, "b": 1, "n": 1])
    #expect(figure.document["facet"]?["row"]?["sort"] == ["2-3", "4"])
    #expect(figure.document["facet"]?["column"]?["sort"] == ["1x", "5x"])
    let widths = [[2, 3], [4]].enumerated().map { index, widths in
      SyntheticLayers.run(widths, [10: widths.map { _ in 1 }], index: index)
    }
    let alone = try FigureDataTests.rowsAndFigure(.layerSpecialization, widths, varied: ["teacher.widths"])
    #expect(Set(alone.rows.compactMap { $0["q"]?.text }) == ["2-3", "4"])
    #expect(alone.figure.document["facet"]?["header"]?["labelExpr"] == "'teacher ' + (datum.label)")
  }

  @Test func timesAreMediansAndHollowAboveTheEnd() throws {
    let runs = [
      SyntheticLayers.run([2, 3], [0: [0.1, 0.1], 2: [0.95, 0.5], 10: [1, 1]], seed: 1),
      SyntheticLayers.run([2, 3], [0: [0.1, 0.1], 4: [0.99, 0.5], 10: [1, 0.9]], seed: 2),
    ]
    let (rows, figure) = try FigureDataTests.rowsAndFigure(.specializationTime, runs)
    #expect(rows.count == 2)
    // Quartiles of 2 and 4: 2.5 and 3.5.
    #expect(
      rows[0] == [
        "p": "2-3", "o": "1x", "l": 1, "x": 1, "y": 3, "a": 2.5, "b": 3.5, "n": 2, "f": 0, "h": 0,
      ])
    #expect(rows[1]["h"] == 1 && rows[1]["f"] == 1)
    #expect(try #require(rows[1]["y"]?.number) > 10, "above the last epoch")
    #expect(figure.notes.contains { $0.contains("1 layers that never get there in half of the runs or more") })
  }

  @Test func lossHasPanelsByWidthsWhereTheyVary() throws {
    let runs = [[2, 3], [4]].enumerated().map { index, widths in
      Synthetic.run(
        SyntheticLayers.setting(widths), index: index, seed: 1, [.init(.evaluationLoss, epoch: 1, values: [0.1])])
    }
    let (rows, figure) = try FigureDataTests.rowsAndFigure(.evaluationLoss, runs, varied: ["teacher.widths"])
    #expect(rows.map { $0["p"] } == ["2-3", "4"])
    #expect(figure.document["facet"]?["sort"] == ["2-3", "4"])
    #expect(!figure.notes.contains { $0.contains("Pools") })
  }

  @Test(
    arguments: [(0.0, [0.0]), (15, [0.0, 1, 2, 5, 10, 15]), (100, [0.0, 1, 2, 5, 10, 30, 100])] as [(Double, [Double])])
  func earlyEpochsHaveTicks(top: Double, ticks: [Double]) {
    let axis = EpochAxis(.logarithmOfOnePlus, top: top)
    #expect(
      axis.encoding("t", title: "epoch", hasRoom: false)["axis"]?["values"] == .array(ticks.map(JSONValue.number)))
    #expect(axis.ceiling() > max(top, 1) && axis.ceiling(lane: 1) > axis.ceiling())
  }
}
