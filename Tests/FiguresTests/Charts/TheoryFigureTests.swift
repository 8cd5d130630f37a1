import Foundation
import Testing
import UnderstudyRecords
import UnderstudySchema

@testable import UnderstudyFigures

/// The numbers inside the theory's figures, from the same small results as its findings.
@Suite struct TheoryFigureTests {
  @Test func boundHasADotForEachPrediction() throws {
    let (rows, figure) = try FigureDataTests.rowsAndFigure(.alignmentBound, [TheoryFindingTests.bound])
    #expect(rows.count == 5)
    #expect(rows[0] == ["x": 0.01, "y": 1e-4, "c": "1x", "e": 0, "t": 0, "j": 1])
    #expect(rows[1]["j"] == 3 && rows[1]["x"] == 1e-13)
    #expect(rows[4]["x"] == 1e-16 && rows[4]["y"] == 1e-16, "zeros are floored")
    #expect(figure.notes[0].contains("5, of which 1 above the diagonal"))
    #expect(figure.document.encoded().contains("\"the bound\""))
    // A power of ten is as long on both axes.
    func decades(_ channel: String) throws -> Double {
      let ends = figure.document["layer"]?[2]?["encoding"]?[channel]?["scale"]?["domain"]
      return log10(try #require(ends?[1]?.number) / (try #require(ends?[0]?.number)))
    }
    let (width, height) = (figure.document["width"]?.number ?? 0, figure.document["height"]?.number ?? 0)
    #expect(abs(try width / decades("x") - height / decades("y")) < 0.1)
    #expect(
      try FigureDataTests.rowsAndFigure(.alignmentBound, [TheoryFindingTests.bound], epochs: [10]).rows.count == 3)
  }

  @Test func unalignedStudentsTakeMedians() throws {
    let (rows, _) = try FigureDataTests.rowsAndFigure(.unalignedStudents, [TheoryFindingTests.falling])
    #expect(rows.count == 2)
    // Alignment 0.3 itself is not above the threshold: two nodes of strength 0.1.
    #expect(rows[0] == ["x": 0.01, "y": 0.1, "z": 1e-4, "u": 2, "c": "1x", "e": 0, "t": 0])
    #expect(rows[1]["y"] == 0.001 && rows[1]["z"] == 1e-12)
  }

  @Test func observersAreAveragedAndBinned() throws {
    let (rows, figure) = try FigureDataTests.rowsAndFigure(.observers, TheoryFindingTests.observed)
    #expect(figure.notes[0].contains("lowest to the highest seed where there are fewer than 4"))
    // Means 3 and 1.5 of the two runs: too few for an interval.
    #expect(rows[0]["y"] == 2.25 && rows[0]["a"] == 1.5 && rows[0]["b"] == 3 && rows[0]["n"] == 2)
    #expect(rows.dropFirst().allSatisfy { $0["a"] == nil }, "nor have shares of one teacher node")
    #expect(rows[0]["o"] == "1x" && rows[0]["s"] == "count")
    let shares = rows.dropFirst().map { [$0["l"]?.text ?? "", "\($0["c"]?.number ?? -1)", "\($0["n"]?.number ?? -1)"] }
    #expect(shares == [["0", "1.0", "1.0"], ["1", "0.0", "1.0"], ["3–4", "0.0", "1.0"], ["5–8", "1.0", "1.0"]])
  }

  @Test func observersOfEachOverRealizationStandByThemselves() throws {
    let (rows, figure) = try FigureDataTests.rowsAndFigure(
      .observers, TheoryFindingTests.confounded, varied: ["student.overRealization"])
    let shares = rows.filter { $0["s"] == "share" }.map { [$0["o"], $0["l"], $0["y"], $0["n"]] }
    #expect(shares == [["1x", "1", 0.5, 2], ["1x", "2", 0, 2], ["5x", "9–16", 1, 3], ["5x", "17–32", 0, 1]])
    #expect(figure.alternativeText.contains("(1x, 5x)"))
  }

  @Test func timesAreCensoredAboveTheLastEpoch() throws {
    let (rows, figure) = try FigureDataTests.rowsAndFigure(.alignmentTime, TheoryFindingTests.aligned)
    #expect(rows.count == 2)
    #expect(rows[0]["y"] == 1 && rows[0]["h"] == 0 && rows[0]["f"] == 0 && rows[0]["j"] == 1)
    #expect(rows[1]["h"] == 1 && rows[1]["f"] == 1 && rows[1]["n"] == 2)
    #expect(try #require(rows[1]["y"]?.number) > 10)
    #expect(figure.notes.contains { $0.contains("1 nodes that half of the seeds or more never align") })
  }

  @Test func sharesAndExponents() throws {
    let runs = TheoryFindingTests.sampleRuns()
    let varied = ["network.inputDimension", "inputs.training.count"]
    let shares = try FigureDataTests.rowsAndFigure(.alignedShare, runs, varied: varied).rows
    #expect(shares.count == 8)
    #expect(shares[0] == ["d": 5, "s": "none", "x": 100, "w": 100, "y": 0.5, "a": 0.5, "b": 0.5, "n": 2])
    #expect(shares[1]["y"] == 1)
    let (rows, figure) = try FigureDataTests.rowsAndFigure(.sampleExponent, runs, varied: varied)
    let points = rows.filter { $0["k"] == "point" }
    #expect(points.map { $0["h"]?.number } == [0, 0, 0, 1])
    #expect(points[0]["y"] == .display(pow(10, 2.8)) && points[1]["y"] == .display(4 * pow(10, 2.8)))
    #expect(points[3]["y"] == 200 && points[3]["m"] == "more than the largest number tried")
    // Equal seeds: every draw gives the same exponent.
    #expect(points[0]["s"] == "none: exponent 2.00 (2.00 to 2.00)")
    #expect(rows.count { $0["k"] == "line" } == 2 && rows.count { $0["k"] == "reference" } == 4)
    #expect(figure.notes.contains { $0.hasPrefix("1 hollow marks") })
    // A line goes through any two points.
    let few = runs.filter { [5, 10].contains($0.run.setting.network.inputDimension) }
    let refused = try FigureDataTests.rowsAndFigure(.sampleExponent, few, varied: varied)
    #expect(!refused.rows.contains { $0["k"] == "line" } && refused.rows.contains { $0["s"] == "none: no exponent" })
    #expect(refused.figure.notes.contains { $0.contains("at 2 places of the axis, and a fit needs 3") })
  }

  @Test func verdictsAreSharesOfTheTeacherNodes() throws {
    let runs = [
      TheoryFindingTests.run(multiple: 1, index: 0, [TheoryFindingTests.vector(.verdicts, 10, [0, 0, 4, 9])]),
      TheoryFindingTests.run(multiple: 2, index: 1, [TheoryFindingTests.vector(.verdicts, 10, [0, 1, 1, 1])]),
    ]
    let (rows, figure) = try FigureDataTests.rowsAndFigure(.verdictShares, runs, varied: ["student.overRealization"])
    #expect(rows.count == 5)
    #expect(rows[0] == ["x": "1x", "t": 10, "v": "predicted and found", "i": 0, "y": 0.5, "c": 2, "n": 4])
    #expect(rows[2]["v"] == "VIOLATION" && rows[2]["y"] == 0.25)
    #expect(rows[4] == ["x": "2x", "t": 10, "v": "found though not predicted", "i": 1, "y": 0.75, "c": 3, "n": 4])
    #expect(figure.notes[0].contains("1 VIOLATIONS"))
  }

  @Test func pathsAreMediansOverSeeds() throws {
    let (rows, figure) = try FigureDataTests.rowsAndFigure(.connectionLoss, TheoryFindingTests.connected)
    // Three points of either line, four of the one constructed path.
    #expect(rows.count == 10)
    #expect(rows[1] == ["p": "1x", "c": "straight line", "x": 0.5, "y": 0.505, "a": 0.2575, "b": 0.7525, "n": 2])
    #expect(rows[0]["y"] == .number(lossFloor))
    #expect(rows[7]["c"] == "constructed path" && rows[7]["y"] == 1e-20 && rows[7]["n"] == 1)
    #expect(figure.notes.contains("1 of 2 runs have no constructed path."))
    let single = connectionFigure(straight: [0, 1], matched: [0, 0.5], constructed: [])
    #expect(single.document["data"]?["values"]?.elements?.count == 4)
    #expect(single.notes.contains("There is no constructed path."))
  }

  @Test func coverStandsBesideSmallLosses() throws {
    let runs = [TheoryFindingTests.covering(seed: 0), TheoryFindingTests.covering(seed: 1, covers: false)]
    let (rows, _) = try FigureDataTests.rowsAndFigure(.coverAndLoss, runs)
    #expect(rows.count == 4)
    #expect(rows[0]["c"] == "all teacher nodes recovered" && rows[0]["h"] == 1 && rows[0]["f"] == 1)
    // 1e-3 is below a hundredth of 2, 1e-6 below a ten-thousandth and a millionth.
    #expect(rows.dropFirst().map { $0["y"]?.number } == [2, 20, 20])
  }

  /// The part of a page that an audit takes, without figures.
  private static func section(_ audit: ReportedAudit) -> String {
    var figureCount = 0
    return auditChapter(audit, figures: [], index: 0, figureCount: &figureCount, folder: URL(filePath: "/tmp")).content
  }

  @Test func auditsNameWhatHappened() throws {
    let record = SyntheticTheory.audit()
    let figures = auditFigures(of: record, name: "a")
    #expect(figures.map(\.name) == ["a-teacher", "a-student"])
    #expect(figures[0].document["data"]?["values"]?.elements?.count == 11, "one has no observer, so no prediction")
    #expect(figures[1].document["data"]?["values"]?.elements?.count == 40)
    let section = Self.section(ReportedAudit("A & B", record))
    for words in [
      "A &amp; B", "6 of 12 teacher nodes are learned", "≈ matched on the inputs", "✗ VIOLATION",
      "s&lt;1&gt;.safetensors",
      "largest weight error against the teacher 4.4e-11", "merged into 2", "Diagnoses:", "η ≥, band 0.1",
    ] {
      #expect(section.contains(words), "\(words)")
    }
    #expect(!section.contains("nan"))
    #expect(auditFigures(of: AuditRecord(), name: "empty").isEmpty)
  }

  /// Two layers: one node learned and one not, one silent and one dead.
  private static func channels() -> ChannelAuditRecord {
    typealias Node = ChannelAuditRecord.Node
    func node(_ number: Int, _ state: Node.State, _ rho: Double, _ effect: Double) -> Node {
      Node(
        node: number, state: state, correlation: rho, partner: state == .dead ? nil : 1, strength: 2 * effect,
        effect: effect, share: effect / 4, relativeEffect: effect / 3)
    }
    var record = ChannelAuditRecord()
    (record.teacherName, record.studentName, record.imagesName) = ("t", "s<1>", "images")
    (record.imageCount, record.learnedAt, record.silentBelow) = (2000, 0.8, 0.01)
    record.layers = (1...2).map { layer in
      ChannelAuditRecord.Layer(
        layer: layer, learnedCount: 1, unlearnedCount: 2, unlearnedShare: 0.5, alignedCount: 1, silentCount: 1,
        deadCount: 1,
        teacherNodes: [node(1, .learned, 0.97, 2), node(2, .unlearned, 0.5, 0.5), node(3, .unlearned, -0.3, 1.5)],
        studentNodes: [node(1, .aligned, 0.97, 3), node(2, .silent, 0.1, 0.001), node(3, .dead, 0, 0)])
    }
    return record
  }

  @Test func auditsOverImagesHaveAPageOfTheirOwn() throws {
    var record = Self.channels()
    let tables = record.tables
    #expect(tables[1].rows.map { $0[1].plain } == ["3", "2", "3", "2"], "the strongest of a layer first")
    #expect(tables[2].rows.map { $0[3].plain } == ["1", "dead", "1", "dead"] && tables[0].rows[1][4].plain == "50 %")
    let page = Self.section(ReportedAudit("A & B", record))
    for words in [
      "A &amp; B", "2 of 6 teacher nodes have a student node with a rho of 0.8 or more",
      "4 of 6 student nodes are dead",
      "s&lt;1&gt;", "Not learned: teacher nodes whose best rho is below 0.8", "1 (lowest)",
    ] { #expect(page.contains(words), "\(words)") }
    #expect(!page.contains("What the theory says") && !page.contains("nan"))
    let figure = channelAuditFigure(of: record, name: "f")
    #expect(figure.document["data"]?["values"]?.elements?.count == 10, "but for the dead")
    #expect(figure.notes.contains { $0.hasPrefix("2 nodes that are dead") })
    for index in record.layers.indices {
      record.layers[index].teacherNodes.removeAll { $0.state == .unlearned }
      record.layers[index].studentNodes.removeAll { $0.state != .aligned }
    }
    record.theory = SyntheticTheory.audit()
    let both = ReportedAudit("A", record)
    #expect(both.figures(named: "audit-1").map(\.name) == ["audit-1-images", "audit-1-teacher", "audit-1-student"])
    let text = Self.section(both)
    for words in [
      "All teacher nodes have a student node with a rho of 0.8 or more.", "No student node is dead",
      "<h3>What the theory says</h3>", "6 of 12 teacher nodes are learned, and 1 more matched on the inputs",
    ] { #expect(text.contains(words), "\(words)") }
  }

  @Test func partsOfAnAuditThatWereLeftOutAreSaidToBe() throws {
    var record = SyntheticTheory.audit()
    for k in record.studentNodes.indices {
      (record.studentNodes[k].fate, record.studentNodes[k].mergedInto) = (nil, nil)
    }
    for j in record.teacherNodes.indices {
      for b in record.teacherNodes[j].bands.indices { record.teacherNodes[j].bands[b].witnessCount = nil }
    }
    record.student = StudentSummaryRecord()
    record.student.nodeCount = 40
    let figure = try #require(auditFigures(of: record, name: "a").last)
    let rows = try #require(figure.document["data"]?["values"]?.elements)
    #expect(rows.count == 40 && rows.allSatisfy { $0["f"] == "not measured" })
    #expect(figure.notes.contains { $0.contains("not measured") } && !figure.caption.contains("merging"))
    let section = Self.section(ReportedAudit("A", record))
    #expect(section.contains("40 units in the lowest layer; which of them can be merged or removed was not measured."))
    #expect(
      section.components(separatedBy: ">not measured</td>").count == 1 + 24 + 40, "witnesses in two bands, fates")
    #expect(!section.contains("carries a boundary") && !section.contains("0 can be merged"))
  }

  /// Docs/Audit.md holds the columns, in their order, word by word.
  @Test func documentsHaveTheColumns() throws {
    let document = try document("Audit.md")
    var record = SyntheticTheory.audit()
    record.layers = []
    let parts = [
      ("## The tables\n", "The rest of the document", record.tables),
      ("Hidden layers, in JSON", "`--json` has", ChannelAuditRecord().tables),
      ("## Over a region\n", "`--json` has", RegionAuditRecord().tables),
    ]
    for (start, end, tables) in parts {
      let text = try #require(document.components(separatedBy: start).last)
      let lines = text.components(separatedBy: end)[0].split(separator: "\n")
        .filter { $0.hasPrefix("| ") && !$0.hasPrefix("| column") }.map(String.init)
      let expected = tables.flatMap(\.columns).map { column in
        "| \(column.title) | `\(column.key)` | \(column.meaning.replacingOccurrences(of: "|", with: "\\|")) | \(column.unit) |"
      }
      for (line, wanted) in zip(lines, expected) { #expect(line == wanted) }
      #expect(lines.count == expected.count)
    }
  }

  @Test func missingMeasuresAreNamed() {
    let bare = [TheoryFindingTests.run([])]
    for kind in FigureDeclaration.Kind.allCases {
      #expect(throws: FigureError.self, "\(kind)") { _ = try FigureDataTests.rowsAndFigure(kind, bare) }
    }
    let diverged = Synthetic.run(Synthetic.setting(), outcome: .diverged(epoch: 3))
    for kind in FigureDeclaration.Kind.allCases {
      #expect(throws: FigureError.allDiverged(figure: "f", runCount: 1), "\(kind)") {
        _ = try FigureDataTests.rowsAndFigure(kind, [diverged])
      }
    }
  }

  @Test func equalResultsGiveEqualBytes() throws {
    let figures = [FigureDeclaration.Kind.alignmentBound, .observers, .coverAndLoss, .alignmentTime, .verdictShares]
      .map { FigureDeclaration(name: $0.rawValue, kind: $0) }
    let results = SyntheticTheory.multiples([1, 2], decays: [1], seedCount: 2, figures: figures)
    var shuffled = results
    shuffled.runs.reverse()
    for figure in figures {
      let first = try figureSpecifications(of: figure, from: results).map { $0.document.encoded() }
      #expect(try figureSpecifications(of: figure, from: shuffled).map { $0.document.encoded() } == first)
    }
  }
}
