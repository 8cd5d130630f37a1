import Foundation
import Testing
import UnderstudyRecords
import UnderstudySchema

@testable import UnderstudyFigures

/// The Python to draw with: `UNDERSTUDY_PYTHON`, the project's own environment, or the system's.
let python: String = {
  if let named = ProcessInfo.processInfo.environment["UNDERSTUDY_PYTHON"], !named.isEmpty { return named }
  let own = ".venv/bin/python3"
  return FileManager.default.isExecutableFile(atPath: own) ? own : "python3"
}()

let canDraw: Bool = {
  do {
    try FigureRenderer(python: python).check()
    return true
  } catch {
    return false
  }
}()

/// Where pictures of tests are kept to be looked at; nil: they are thrown away.
let keptPictures = ProcessInfo.processInfo.environment["UNDERSTUDY_PICTURES"]

/// ``keptPictures``, or a temporary folder; to be handed to ``discard(_:)``.
func pictureFolder() -> URL {
  keptPictures.map { URL(filePath: $0) } ?? FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
}

func discard(_ folder: URL) { if keptPictures == nil { try? FileManager.default.removeItem(at: folder) } }

/// Draws a report into ``keptPictures`` or a temporary folder, and checks that every picture has marks and numbers only.
///
/// - Parameter look: is given the names of pictures and their SVG.
/// - Returns: the page.
@discardableResult
func drawReport(
  _ results: [StudyResults], named name: String, figureCount: Int, look: (String, String) throws -> Void = { _, _ in }
) throws -> String {
  let root = pictureFolder()
  defer { discard(root) }
  let page = root.appending(path: "\(name).html")
  let summary = try writeReport(
    studies: results.enumerated().map {
      ReportStudy(title: "Study \($0)", results: $1, folder: root.appending(path: "\(name)\($0)"))
    }, to: page, renderer: FigureRenderer(python: python))
  #expect(summary.problems == [])
  #expect(summary.figures.count == figureCount)
  for file in summary.figures {
    let svg = try String(contentsOf: file.deletingPathExtension().appendingPathExtension("svg"), encoding: .utf8)
    #expect(svg.contains("<path"), "\(file.lastPathComponent) has marks")
    #expect(!svg.contains("NaN") && !svg.contains("undefined"), "\(file.lastPathComponent) has numbers only")
    try look(file.deletingPathExtension().lastPathComponent, svg)
  }
  return try String(contentsOf: page, encoding: .utf8)
}

@Suite struct RenderTests {
  static let figures = [
    FigureDeclaration(name: "l-shape", kind: .lShape, caption: "Fan-out norm against best correlation."),
    FigureDeclaration(name: "recovery", kind: .recoveryRate, caption: "Share of seeds.", epochs: [5, 100]),
    FigureDeclaration(name: "loss", kind: .evaluationLoss, caption: "Evaluation loss."),
  ]

  /// Draws into `UNDERSTUDY_PICTURES`, if set, to be looked at; else into a temporary folder.
  @Test(.enabled(if: canDraw, "needs vl-convert-python"))
  func drawsEveryKindAndTheReport() throws {
    let root = pictureFolder()
    defer { discard(root) }
    let isLarge = keptPictures != nil
    var sweep = Synthetic.sweep(
      decays: isLarge ? [0, 1, 2] : [0, 1], multiples: isLarge ? [1, 2, 5, 10] : [1, 2], seedCount: isLarge ? 32 : 2,
      figures: Self.figures,
      findings: [
        FindingDeclaration(
          statement: "Strong nodes are learnt first.", statistic: .strongFirst, epoch: 5,
          selection: ["teacher.strengthDecay": [.integer(1)]], atMost: -0.5),
        FindingDeclaration(statement: "All nodes are recovered.", statistic: .recoveredNodes, atLeast: 10),
        FindingDeclaration(statement: "Gradients vanish.", statistic: .logEvaluationLoss, epoch: 7000, atMost: -5),
      ])
    sweep.runs[3].outcome = .diverged(epoch: 7)
    let plane = Synthetic.plane(figures: [
      FigureDeclaration(name: "plane", kind: .boundaries, caption: "Boundaries in the plane.")
    ])
    var extra: [ReportStudy] = []
    if isLarge {
      let single = Synthetic.sweep(
        decays: [1], multiples: [1], seedCount: 4,
        figures: Self.figures + [FigureDeclaration(name: "absent", kind: .boundaries)])
      let full = Synthetic.sweep(
        decays: [0, 0.5, 1, 1.5, 2, 2.5], multiples: [1, 2, 5, 10], seedCount: 8, teacherNodes: 20,
        figures: Self.figures)
      extra = [("single", single), ("full", full)].map {
        ReportStudy(title: $0.0, results: $0.1, folder: root.appending(path: $0.0))
      }
    }
    let summary = try writeReport(
      studies: extra + [
        ReportStudy(title: "Two layers", results: sweep, folder: root.appending(path: "two layer")),
        ReportStudy(title: "In the plane", results: plane, folder: root.appending(path: "plane")),
      ], to: root.appending(path: "report.html"), renderer: FigureRenderer(python: python))
    #expect(summary.problems.count == (isLarge ? 1 : 0))
    #expect(summary.figures.count == (isLarge ? 10 : 4))
    for file in summary.figures {
      let stem = file.deletingPathExtension()
      #expect(try Data(contentsOf: stem.appendingPathExtension("png")).starts(with: [0x89, 0x50, 0x4E, 0x47]))
      #expect(try Data(contentsOf: stem.appendingPathExtension("pdf")).starts(with: Data("%PDF".utf8)))
      let svg = try String(contentsOf: stem.appendingPathExtension("svg"), encoding: .utf8)
      #expect(svg.contains("<path"), "\(file.lastPathComponent) has marks")
    }
    let page = try String(contentsOf: summary.file, encoding: .utf8)
    #expect(page.contains("href=\"two%20layer/figures/l-shape.svg\""))
    #expect(page.contains("vegaEmbed"))
  }

  private static func divided(
    _ kind: FigureDeclaration.Kind, by column: String = "student.overRealization", epochs: [Int] = []
  ) -> FigureDeclaration {
    var figure = FigureDeclaration(name: kind.rawValue, kind: kind, epochs: epochs)
    let row = column == "student.overRealization" ? "teacher.strengthDecay" : "student.overRealization"
    figure.channels = ["column": .key(column), "row": .key(row)]
    return figure
  }

  /// Of four panels, the first of the second row has no data.
  @Test("a panel without data stays empty at its place, and brings no name into a scale", .enabled(if: canDraw))
  func panelsWithoutData() throws {
    let weak = "teacher.strengthDecay"
    var map = FigureDeclaration(name: "map", kind: .heatMap)
    var plot = PlotDeclaration(.measure(.evaluationCorrelation))
    plot.reductions = [.largest]
    (plot.x, plot.y, plot.row, plot.column) = (.node, .epoch, .key(weak), .key("student.overRealization"))
    map.plot = plot
    var sweep = Synthetic.sweep(
      decays: [0, 1], multiples: [1, 2], seedCount: 2,
      figures: [
        Self.divided(.lShape), Self.divided(.recoveryRate, epochs: [5, 100]), Self.divided(.evaluationLoss), map,
      ])
    var theory = SyntheticTheory.multiples(
      [1, 2], decays: [0, 1], seedCount: 2,
      figures: [Self.divided(.verdictShares), Self.divided(.alignmentTime), Self.divided(.coverAndLoss)])
    func isLeftOut(_ record: RunRecord) -> Bool {
      record.run.setting.teacher.strengthDecay == 1 && record.run.setting.student.overRealization.last == 1
    }
    sweep.runs.removeAll(where: isLeftOut)
    theory.runs.removeAll(where: isLeftOut)
    var drawn: [String] = []
    try drawReport([sweep, theory], named: "gaps", figureCount: 7) { name, svg in
      drawn.append(name)
      guard ["lShape", "verdictShares", "map"].contains(name) else { return }
      // Panels come after their frames, in their order.
      let panels = svg.components(separatedBy: "class=\"background\" aria-hidden=\"true\" d=\"M0.5,0.5h").dropFirst()
      let marks = panels.prefix(4).map { panel in
        panel.components(separatedBy: name == "lShape" ? "<path transform=\"translate(" : "<path d=\"M").count - 1
      }
      #expect(marks.count == 4 && marks.map { $0 > 1 } == [true, true, false, true], "\(name): \(marks)")
    }
    #expect(drawn.count == 7)
  }
}
