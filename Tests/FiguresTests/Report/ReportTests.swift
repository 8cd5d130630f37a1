import Foundation
import Testing
import UnderstudyRecords
import UnderstudySchema

@testable import UnderstudyFigures

@Suite struct ReportTests {
  static let hostile = "</script><script>alert('x')</script> & \"quotes\" <!--"

  static func section(_ folder: URL) throws -> ReportSection {
    var results = Synthetic.sweep(
      decays: [0], multiples: [1, 2], seedCount: 2,
      figures: [FigureDeclaration(name: "loss", kind: .evaluationLoss, caption: hostile)],
      findings: [
        FindingDeclaration(statement: hostile, statistic: .recoveredShare, atLeast: 0.1),
        FindingDeclaration(statement: "Too much", statistic: .recoveredShare, atLeast: 2),
      ])
    results.study.claim = hostile
    results.runs[0].outcome = .diverged(epoch: 9)
    let specification = try figureSpecifications(of: results.study.figures[0], from: results)[0]
    let file = folder.appending(path: "figures/loss.json")
    return ReportSection(
      study: ReportStudy(title: hostile, results: results, folder: folder),
      figures: [WrittenFigure(specification: specification, declaredName: "loss", file: file)],
      problems: [.noRuns(figure: "later")], findings: findings(of: results))
  }

  @Test func asksForNothingOutside() throws {
    let folder = URL(filePath: "/tmp/results")
    let page = reportPage([try Self.section(folder)], bundle: "window.vegaEmbed = 1", folder: folder)
    for asking in ["src=\"http", "href=\"http", "src=\"//", "href=\"//", "@import", "url(", "<link", "<iframe"] {
      #expect(!page.contains(asking), "\(asking)")
    }
    #expect(page.contains("default-src 'none'"), "the browser refuses what the page does not hold")
    let addresses = page.matches(of: /https?:\/\/[^"' )]+/).map { String($0.output) }
    #expect(Set(addresses) == ["https://vega.github.io/schema/vega-lite/v6.json"], "names the grammar, is not loaded")
  }

  @Test func escapesTextsAndScripts() throws {
    let folder = URL(filePath: "/tmp/results")
    let bundle = "const a = '</script>', b = '</SCRIPT>', c = '<!--'"
    let page = reportPage([try Self.section(folder)], bundle: bundle, folder: folder)
    #expect(!page.contains("<script>alert"))
    #expect(page.contains("const a = '<\\/script>', b = '<\\/script>', c = '<\\!--'"))
    // One element for the figure's data, one for the bundle, one for the embedding.
    #expect(page.components(separatedBy: "<script").count == 4)
    #expect(page.components(separatedBy: "</script>").count == 4)
    let data = try #require(page.firstMatch(of: /id="figure0-0-json">([^<]*)<\/script>/))
    let document = try JSONDecoder().decode(JSONValue.self, from: Data(data.1.utf8))
    #expect(document["description"]?.text?.contains(Self.hostile) == true, "reads back unchanged")
  }

  @Test func saysVerdictsInWords() throws {
    let folder = URL(filePath: "/tmp/results")
    let page = reportPage([try Self.section(folder)], bundle: "", folder: folder)
    for words in [
      "borne out", "not borne out", "1 of 2 borne out", "seed 0 (epoch 9)", "5f0e2c", "Synthetic processor, avx2",
      "Not drawn:", "later", "lang=\"en\"", "href=\"figures/loss.pdf\"", "<img", "alt=\"",
      "4 of 4 runs finished, 1 diverged",
    ] {
      #expect(page.contains(words), "\(words)")
    }
  }

  @Test func findingsStandUnderTheFiguresThatTheySpeakOf() throws {
    var named = FindingDeclaration(statement: "named", statistic: .recoveredShare, atLeast: 0.1)
    named.figure = "loss"
    let results = Synthetic.sweep(
      decays: [0, 1], multiples: [1], seedCount: 2,
      figures: [
        FigureDeclaration(name: "loss", kind: .evaluationLoss),
        FigureDeclaration(name: "cover", kind: .coverAndLoss),
        FigureDeclaration(name: "rate", kind: .recoveryRate, selection: ["teacher.strengthDecay": [.integer(0)]]),
      ],
      findings: [
        FindingDeclaration(statement: "small", statistic: .logEvaluationLoss, atMost: 0), named,
        FindingDeclaration(statement: "first", statistic: .recoveredShare, atLeast: 0.1),
        FindingDeclaration(
          statement: "weak", statistic: .recoveredShare, selection: ["teacher.strengthDecay": [.number(1)]],
          atLeast: 0.1),
        FindingDeclaration(statement: "none diverged", statistic: .divergedShare, atMost: 0),
      ])
    let placed = PlacedFindings(findings(of: results), figures: results.study.figures)
    let statements = placed.byFigure.mapValues { $0.map(\.declaration.statement) }
    #expect(statements == ["loss": ["small", "named"], "rate": ["first"], "cover": ["weak"]])
    #expect(placed.others.map(\.declaration.statement) == ["none diverged"])
    let undrawn = PlacedFindings(findings(of: results), figures: [])
    #expect(undrawn.byFigure.isEmpty && undrawn.others.count == 5)
  }

  @Test func figuresAreNumberedThroughThePage() throws {
    let folder = URL(filePath: "/tmp/results")
    let page = reportPage([try Self.section(folder), try Self.section(folder)], bundle: "", folder: folder)
    #expect(page.contains("<strong>Figure 1.</strong>") && page.contains("<strong>Figure 2.</strong>"))
    #expect(page.contains("<a href=\"#figure1-0\">2. loss</a>"))
    #expect(page.contains("<span class=\"note\">1 of 2 borne out, 1 not</span>"))
    let order = ["<strong>Figure 1.", "Findings: 1 of 2 borne out", "<details><summary>Settings, runs"].map {
      page.range(of: $0)?.lowerBound
    }
    #expect(order.compactMap { $0 }.count == 3 && order[0]! < order[1]! && order[1]! < order[2]!)
  }

  @Test func aReasonOfSeveralNodesIsSaidOnce() {
    var table = AuditTable(
      "Teacher nodes", Array(1...5),
      [
        AuditEntry("node", "node", "") { .count($0) },
        AuditEntry("reason", "reason", "", .remark) { $0 == 3 ? .absent : .text($0 == 5 ? "no boundary" : "not seen") },
        AuditEntry("factor", "factor", "", .remark) {
          $0 > 3 ? .absent : .text("too large by a factor \($0 == 3 ? "1.5e+03" : "\($0)")")
        },
      ])
    table.notes = ["a note"]
    #expect(
      table.notesAndRemarks == [
        "a note", "nodes 1, 2, 4: not seen", "nodes 1, 2, 3: too large by a factor 1, 2, 1.5e+03",
        "node 5: no boundary",
      ])
    #expect(auditTable(table).components(separatedBy: "not seen").count == 2)
  }

  @Test func whatIsWrongWithAReportIsSaidBeforeTraining() {
    func plot(_ name: String, _ quantity: PlotDeclaration.Quantity, kind: FigureDeclaration.Kind = .plot)
      -> FigureDeclaration
    {
      var plot = PlotDeclaration(quantity)
      (plot.x, plot.color, plot.row, plot.column) = (.key("student.overRealization"), .nothing, .nothing, .nothing)
      if kind == .heatMap { plot.color = nil }
      return FigureDeclaration(name: name, kind: kind, plot: plot)
    }
    var study = Synthetic.sweep(decays: [0, 1], multiples: [1, 2], seedCount: 2).study
    study.record = [RecordRule(measures: [.evaluationCorrelation], moments: .last)]
    study.figures = [
      plot("share", .statistic(.recoveredShare)), plot("../out", .statistic(.recoveredShare)),
      plot("Share", .measure(.evaluationLoss)), plot("rho", .measure(.evaluationCorrelation)),
      FigureDeclaration(name: "l", kind: .lShape),
    ]
    var compared = FindingDeclaration(statement: "order", statistic: .strongFirst, atLeast: 0)
    compared.comparison = .init(key: "student.overRealization", first: .integer(1), second: .integer(2))
    study.findings = [
      FindingDeclaration(statement: "fine", statistic: .recoveredShare, atLeast: 0),
      FindingDeclaration(statement: "early", statistic: .recoveredShare, epoch: 5, atLeast: 0),
      FindingDeclaration(statement: "loss", statistic: .logEvaluationLoss, atMost: 0), compared,
    ]
    let pools = "Pools teacher.strengthDecay 0, 1. Select one of them by where, or show it as color, row or column."
    #expect(
      study.reportWarnings == [
        "figure share: \(pools)",
        "figure ../out: the name cannot be a file's; use letters, digits, '-', '_' and '.', not first a '.'",
        "figure Share: evaluationLoss is recorded by no rule; add it to record", "figure Share: \(pools)",
        "figure Share: another one has this name, and both would be written to one file",
        "figure rho: evaluationCorrelation is an array [teacher node, student node], and one number is wanted; give reduce, e.g. reduce: [best, mean], or x: node",
        "figure rho: \(pools)", "figure l: fanOutNorms is recorded by no rule; add it to record",
        "figure l: trainingCorrelation is recorded by no rule; add it to record",
        "'early': no rule records evaluationCorrelation at epoch 5; add it to record",
        "'loss': no rule records evaluationLoss at the end; add it to record",
        "'order': strongFirst is of all runs together, and no two runs can be compared by it",
      ])
  }

  @Test func linksAreRelativeToThePage() {
    let folder = URL(filePath: "/r/all")
    #expect(relativeLink(to: URL(filePath: "/r/all/two layer/f.svg"), from: folder) == "two%20layer/f.svg")
    #expect(relativeLink(to: URL(filePath: "/r/other/f.svg"), from: folder) == "../other/f.svg")
  }

  @Test func withoutPythonTheSpecificationsAreWrittenAndTheOldPageStays() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let page = folder.appending(path: "report.html")
    try Data("old".utf8).write(to: page)
    let results = Synthetic.sweep(
      decays: [0], multiples: [1], seedCount: 1, figures: [FigureDeclaration(name: "loss", kind: .evaluationLoss)])
    let study = ReportStudy(title: "t", results: results, folder: folder)
    for python in ["/nowhere/python3", "no-such-python"] {
      let summary = try writeReport(studies: [study], to: page, renderer: FigureRenderer(python: python))
      #expect(summary.missingTool == .pythonMissing(python: python) && summary.keptPage)
    }
    // An interpreter that ends as the script does when its import fails.
    let stub = folder.appending(path: "python-without-wheel")
    try Data("#!/bin/sh\necho \"No module named 'vl_convert'\"\nexit 3\n".utf8).write(to: stub)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: stub.path)
    let kept = try writeReport(studies: [study], to: page, renderer: FigureRenderer(python: stub.path))
    #expect(kept.missingTool?.description.contains("pip install vl-convert-python==1.9.0.post1") == true)
    #expect(kept.keptPage && kept.findings.count == 1, "what was found is said without Python")
    #expect(try String(contentsOf: page, encoding: .utf8) == "old")
    // A first page is written without figures, says why, and may be replaced by another one.
    try FileManager.default.removeItem(at: page)
    for python in ["/nowhere/python3", stub.path] {
      let summary = try writeReport(studies: [study], to: page, renderer: FigureRenderer(python: python))
      #expect(summary.missingTool?.isMissingTool == true && summary.figures.count == 1)
      let text = try String(contentsOf: page, encoding: .utf8)
      #expect(text.contains("Not drawn") && text.contains("vl-convert-python"))
      #expect(!text.contains("<img") && !text.contains("<script") && text.contains("<h2 id=\"title0\">t</h2>"))
    }
    let audits = folder.appending(path: "audits/page.html")
    let (files, missing) = try writeAuditReport(
      [ReportedAudit("Student A", SyntheticTheory.audit())], to: audits,
      renderer: FigureRenderer(python: "/nowhere/python3"))
    #expect(files.count == 2 && missing == .pythonMissing(python: "/nowhere/python3"))
    let text = try String(contentsOf: audits, encoding: .utf8)
    #expect(text.contains("Not drawn") && text.contains("cannot start") && !text.contains("<img"))
    let json = try Data(contentsOf: folder.appending(path: "figures/loss.json"))
    #expect(try JSONDecoder().decode(JSONValue.self, from: json)["data"] != nil)
  }
}
