import Foundation
import Testing
import UnderstudyRecords
import UnderstudySchema

@testable import UnderstudyFigures

/// The numbers inside the figures, from results that can be read at a glance.
@Suite struct FigureDataTests {
  static func results(_ runs: [RunRecord], seeds: [Int]? = nil, varied: [String] = []) -> StudyResults {
    var settings: [Setting] = []
    for run in runs where run.run.settingIndex == settings.count { settings.append(run.run.setting) }
    return StudyResults(
      study: Study(
        name: "s", settings: settings, variedKeys: varied, seeds: seeds ?? Set(runs.map(\.run.seed)).sorted()),
      runs: runs)
  }

  static func rowsAndFigure(
    _ kind: FigureDeclaration.Kind, _ runs: [RunRecord], varied: [String] = [], epochs: [Int] = []
  ) throws -> (rows: [JSONValue], figure: FigureSpecification) {
    let (rows, figures) = try rows(
      kind, results(runs, varied: varied), epochs: epochs)
    return (rows, figures[0])
  }

  static func rows(
    _ kind: FigureDeclaration.Kind, _ results: StudyResults, epochs: [Int] = []
  ) throws -> (rows: [JSONValue], figures: [FigureSpecification]) {
    var declaration = FigureDeclaration.sample(kind, named: "f")
    (declaration.caption, declaration.epochs) = ("c", epochs)
    let figures = try figureSpecifications(of: declaration, from: results)
    return (figures[0].document["data"]?["values"]?.elements ?? [], figures)
  }

  @Test func lShapeHasADotForEachStudentNode() throws {
    let (rows, figures) = try Self.rows(.lShape, Self.results(FindingTests.runs))
    #expect(figures.count == 1 && figures[0].document["params"] == nil, "no boundary strengths, no choice")
    #expect(rows.count == 6)
    #expect(rows[0] == ["p": "1.5x", "e": 0, "k": 1, "j": 1, "r": 0.99, "v": 4])
    #expect(rows[2] == ["p": "1.5x", "e": 0, "k": 3, "r": 0, "v": 9, "d": 1], "a dead node has no teacher node")
    #expect(rows[3] == ["p": "1.5x", "e": 1, "k": 1, "j": 2, "r": 0.97, "v": 6])
    #expect(figures[0].notes.contains { $0.contains("1 dead student node") })
    #expect(figures[0].document.encoded().contains("dead student node (no correlation"))
  }

  @Test func lShapeOffersBoundaryStrengths() throws {
    let runs = FindingTests.runs.map { run in
      var run = run
      run.measurements.append(.init(.boundaryStrengths, epoch: 10, shape: [3], values: [8, 2, 18]))
      return run
    }
    let (rows, figures) = try Self.rows(.lShape, Self.results(runs))
    #expect(figures.map(\.name) == ["f"])
    #expect(rows[0]["s"] == 8)
    #expect(figures[0].document["params"]?[0]?["bind"]?["options"] == ["fan-out norm ‖v‖", "strength ‖v‖ ‖w‖"])
    #expect(figures[0].document["params"]?[0]?["value"] == "fan-out norm ‖v‖")
    var declaration = FigureDeclaration(name: "f", kind: .lShape)
    declaration.height = .strength
    let chosen = try figureSpecifications(of: declaration, from: Self.results(runs))
    #expect(chosen[0].document["params"]?[0]?["value"] == "strength ‖v‖ ‖w‖")
    #expect(throws: FigureError.self, "not recorded") {
      _ = try figureSpecifications(of: declaration, from: Self.results(FindingTests.runs))
    }
  }

  /// Of students that have converged, rho is shown by its distance from 1.
  @Test func lShapeIsLogarithmicForConvergedStudents() throws {
    func runs(_ distance: Double) -> [RunRecord] {
      [FindingTests.run(seed: 0, rho: [[1 - distance, 0.5, -0.1], [0.2, 1 - distance / 4, -0.2]])]
    }
    let (rows, figures) = try Self.rows(.lShape, Self.results(runs(1e-4)))
    #expect(rows.map { $0["x"]?.number?.rounded(toDigits: 3) } == [1e-4, 2.5e-5, 1])
    let scale = figures[0].document["spec"]?["encoding"]?["x"]?["scale"]
    #expect(scale?["type"] == "log" && scale?["reverse"] == true)
    #expect(figures[0].notes.contains { $0.hasPrefix("1 nodes with ρ below 0") })
    #expect(try Self.rows(.lShape, Self.results(runs(0.04))).rows.allSatisfy { $0["x"] == nil })
    var declaration = FigureDeclaration(name: "f", kind: .lShape)
    declaration.scale = .linear
    let linear = try figureSpecifications(of: declaration, from: Self.results(runs(1e-4)))[0]
    #expect(linear.document["spec"]?["encoding"]?["x"]?["field"] == "r")
  }

  @Test func recoveryRateCountsSeedsPerTeacherNode() throws {
    let (rows, _) = try Self.rows(.recoveryRate, Self.results(FindingTests.runs))
    #expect(rows.count == 2)
    #expect(rows[0]["j"] == 1 && rows[0]["y"] == 1 && rows[0]["c"] == 2 && rows[0]["n"] == 2 && rows[0]["t"] == 10)
    #expect(rows[1]["j"] == 2 && rows[1]["y"] == 0.5)
    // Wilson, 1 of 2: 0.0945 to 0.9055.
    #expect(rows[1]["a"] == 0.094531 && rows[1]["b"] == 0.90547)
  }

  @Test func evaluationLossIsAMedianWithQuartilesAndFloored() throws {
    let setting = Synthetic.setting(epochs: 1)
    let runs = [(1e-2, 0.0), (1e-4, 0.0)].enumerated().map { seed, losses in
      Synthetic.run(
        setting, seed: seed,
        [.init(.evaluationLoss, epoch: 0, values: [losses.0]), .init(.evaluationLoss, epoch: 1, values: [losses.1])])
    }
    let (rows, figures) = try Self.rows(.evaluationLoss, Self.results(runs))
    #expect(rows.count == 2)
    #expect(rows[0]["y"] == 0.00505 && rows[0]["n"] == 2)
    #expect(rows[0]["a"] == 0.002575 && rows[0]["b"] == 0.007525)
    #expect(rows[1]["y"] == .number(lossFloor))
    #expect(figures[0].notes.contains { $0.hasPrefix("2 losses below 1e-34") })
  }

  @Test func divergedRunsAreNamedNotDropped() throws {
    var runs = FindingTests.runs
    runs.append(FindingTests.run(seed: 2, rho: [[0]], outcome: .diverged(epoch: 4)))
    for kind in [FigureDeclaration.Kind.lShape, .recoveryRate, .evaluationLoss] {
      let (_, figures) = try Self.rows(kind, Self.results(runs, seeds: [0, 1, 2, 3]))
      #expect(figures[0].notes.contains("1 diverged run is left out: seed 2 in epoch 4."), "\(kind)")
      #expect(figures[0].notes.contains("Incomplete: 3 of 4 runs have finished."), "\(kind)")
    }
    #expect(throws: FigureError.allDiverged(figure: "f", runCount: 1)) {
      _ = try Self.rows(.evaluationLoss, Self.results([runs[2]]))
    }
  }

  @Test func boundariesEndAtTheWindow() throws {
    let declaration = FigureDeclaration(name: "plane", kind: .boundaries)
    let figure = try #require(
      try figureSpecifications(of: declaration, from: Synthetic.plane()).first)
    let lines = try #require(figure.document["vconcat"]?.elements)
    #expect(lines.map { $0["hconcat"]?.elements?.count } == [5, 5])
    let views = lines.flatMap { $0["hconcat"]?.elements ?? [] }
    let scale = views[0]["layer"]?[0]?["encoding"]?["x"]?["scale"]?["domain"]
    let radius = try #require(scale?[1]?.number)
    for view in views {
      for line in view["layer"]?[1]?["data"]?["values"]?.elements ?? [] {
        for ends in [("x", "y"), ("x2", "y2")] {
          let x = try #require(line[ends.0]?.number)
          let y = try #require(line[ends.1]?.number)
          #expect(abs(max(abs(x), abs(y)) - radius) < 1e-3, "an end lies on the window's edge")
        }
      }
    }
    #expect(views[4]["title"]?["subtitle"] == "2 of 2 aligned")
    #expect(views.last?["title"]?["subtitle"]?.text?.contains("of 6 aligned, 1 dead") ?? false)
  }

  /// Ten epochs make two lines of five, and not a strip.
  @Test func boundariesOfManyEpochsTakeSeveralLines() throws {
    var results = Synthetic.plane()
    for index in results.runs.indices {
      let first = results.runs[index].measurements.filter {
        $0.epoch == 0 && [.studentBoundaries, .evaluationCorrelation].contains($0.measure)
      }
      for epoch in [3, 4, 6, 7, 8] {
        results.runs[index].measurements += first.map {
          .init($0.measure, epoch: epoch, shape: $0.shape, values: $0.values)
        }
      }
    }
    let (_, figures) = try Self.rows(.boundaries, results, epochs: [0, 1, 2, 3, 4, 5, 6, 7, 8, 20])
    let lines = try #require(figures[0].document["vconcat"]?.elements)
    #expect(lines.map { $0["hconcat"]?.elements?.count } == [5, 5, 5, 5])
    let widths = lines[0]["hconcat"]?.elements?.compactMap { $0["width"]?.number } ?? []
    #expect(widths.reduce(0, +) < 643)
  }

  @Test func boundariesNeedOneSettingEach() {
    var results = Synthetic.plane()
    results.study.settings[1].student.overRealization = 1
    results.runs[1] = Synthetic.run(results.study.settings[1], index: 1, seed: 0, results.runs[1].measurements)
    #expect(
      throws: FigureError.ambiguousSetting(figure: "f", key: "student.overRealization", value: "1x", settingCount: 2)
    ) {
      _ = try Self.rows(.boundaries, results)
    }
  }

  @Test func clipsLinesExactly() {
    // x = 1, horizontal through the origin, a diagonal, one outside, one without direction.
    #expect(clippedLine((2, 0), bias: -2, radius: 3) == Segment(x: 1, y: -3, x2: 1, y2: 3))
    #expect(clippedLine((0, 1), bias: 0, radius: 3) == Segment(x: 3, y: 0, x2: -3, y2: 0))
    #expect(clippedLine((1, 0), bias: 4, radius: 3) == nil)
    #expect(clippedLine((0, 0), bias: 1, radius: 3) == nil)
    func corners(_ w: (Double, Double), _ b: Double) -> [[Double]] {
      clippedHalfPlane(w, bias: b, radius: 3).map { [$0.x, $0.y] }
    }
    #expect(corners((2, 0), -2) == [[1, -3], [3, -3], [3, 3], [1, 3]])
    #expect(corners((-1, -1), -3) == [[-3, -3], [0, -3], [-3, 0]])
    #expect(corners((1, 0), 4) == [[-3, -3], [3, -3], [3, 3], [-3, 3]])
    #expect(corners((1, 0), -4).isEmpty && corners((0, 0), -1).isEmpty && corners((0, 0), 0).isEmpty)
    #expect(corners((0, 0), 1).count == 4, "a node without a boundary is active everywhere")
    var noise = Noise(state: 5)
    for _ in 0..<1000 {
      let w = (noise.normal(), noise.normal())
      let b = noise.normal()
      guard let piece = clippedLine(w, bias: b, radius: 2) else { continue }
      for (x, y) in [(piece.x, piece.y), (piece.x2, piece.y2)] {
        #expect(abs(max(abs(x), abs(y)) - 2) < 1e-9, "on the edge")
        // The line's equation, in units of its largest term.
        #expect(abs(w.0 * x + w.1 * y + b) < 1e-12 * (abs(w.0) + abs(w.1) + abs(b)) * 10, "on the line")
      }
    }
  }

  @Test func equalResultsGiveEqualBytes() throws {
    for kind in [FigureDeclaration.Kind.lShape, .recoveryRate, .evaluationLoss] {
      let results = Synthetic.sweep(decays: [0, 1], multiples: [1, 2], seedCount: 3)
      var shuffled = results
      shuffled.runs.reverse()
      let first = try Self.rows(kind, results).figures.map { $0.document.encoded() }
      let second = try Self.rows(kind, shuffled).figures.map { $0.document.encoded() }
      #expect(first == second, "\(kind)")
    }
  }

  @Test func missingMeasuresAreNamed() {
    var bare = FindingTests.runs
    for index in bare.indices { bare[index].measurements.removeAll { $0.measure == .trainingCorrelation } }
    #expect(
      throws: FigureError.missingMeasure(
        figure: "f", measure: .trainingCorrelation, epoch: 10, recordedEpochs: [], seed: 0)
    ) { _ = try Self.rows(.lShape, Self.results(bare)) }
    #expect(
      throws: FigureError.missingMeasure(
        figure: "f", measure: .evaluationCorrelation, epoch: 5, recordedEpochs: [10], seed: 0)
    ) { _ = try Self.rows(.recoveryRate, Self.results(bare), epochs: [5]) }
    #expect(throws: FigureError.self) { _ = try Self.rows(.boundaries, Self.results(bare)) }
  }

  @Test func selectionsCompareNumerically() throws {
    let results = Synthetic.sweep(decays: [0, 0.5], multiples: [1, 2], seedCount: 2)
    for (selection, count) in [
      (["teacher.strengthDecay": [KeyValue.number(0.0)]], 4), (["student.overRealization": [.integer(2)]], 4),
      (["teacher.strengthDecay": [.number(0.5)], "student.overRealization": [.number(1)]], 2),
      (["training.method": [.text("sgd")]], 8), (["network.biases": [.boolean(true)]], 8),
    ] as [([String: [KeyValue]], Int)] {
      #expect(try SettingSelection(selection, of: results, subject: "f").runs.count == count, "\(selection)")
    }
    #expect(throws: FigureError.emptySelection(figure: "f", selection: ["network.biases": [.boolean(false)]])) {
      _ = try SettingSelection(["network.biases": [.boolean(false)]], of: results, subject: "f")
    }
    #expect(throws: FigureError.self) { _ = try SettingSelection(["teacher.nodes": []], of: results, subject: "f") }
  }

  @Test func pooledKeysAreNamed() throws {
    let runs = [5, 10].enumerated().map { index, nodes in
      Synthetic.run(
        Synthetic.setting(teacherNodes: nodes, epochs: 0), index: index, seed: 0,
        [.init(.evaluationLoss, epoch: 0, values: [0.5])])
    }
    let results = Self.results(runs, varied: ["teacher.hiddenNodes"])
    var declaration = FigureDeclaration(name: "f", kind: .evaluationLoss)
    declaration.channels = ["color": .nothing, "column": .nothing, "row": .nothing]
    let figure = try figureSpecifications(of: declaration, from: results)[0]
    #expect(figure.notes.contains("Pools teacher.hiddenNodes 5, 10."))
  }

  @Test(arguments: ["", ".hidden", "../up", "a/b", "a b", "é"])
  func namesThatAreNoFileNamesAreRefused(name: String) {
    #expect(throws: FigureError.invalidName(figure: name)) {
      _ = try figureSpecifications(
        of: FigureDeclaration(name: name, kind: .evaluationLoss), from: Self.results(FindingTests.runs))
    }
  }
}
