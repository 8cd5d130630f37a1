import Foundation
import Testing
import UnderstudyRecords
import UnderstudySchema

@testable import UnderstudyFigures

@Suite struct TheoryRenderTests {
  private static func declared(_ kinds: [FigureDeclaration.Kind]) -> [FigureDeclaration] {
    kinds.map { FigureDeclaration(name: $0.rawValue, kind: $0, caption: "A caption.") }
  }

  /// Draws into `UNDERSTUDY_PICTURES`, if set, to be looked at; else into a temporary folder.
  @Test(.enabled(if: canDraw, "needs vl-convert-python"))
  func drawsEveryKindOfTheTheory() throws {
    let seedCount = keptPictures == nil ? 3 : 16
    let results = [
      SyntheticTheory.multiples(
        seedCount: seedCount,
        figures: Self.declared([.alignmentBound, .unalignedStudents, .observers, .alignmentTime, .coverAndLoss])
          + [
            FigureDeclaration(name: "verdictShares", kind: .verdictShares),
            FigureDeclaration(name: "verdictEpochs", kind: .verdictShares, epochs: [0, 10, 100]),
          ]),
      SyntheticTheory.multiples(
        [2], decays: [1], seedCount: seedCount,
        figures: Self.declared([
          .alignmentBound, .unalignedStudents, .observers, .alignmentTime, .coverAndLoss, .verdictShares,
        ])),
      SyntheticTheory.samples(seedCount: seedCount, figures: Self.declared([.alignedShare, .sampleExponent])),
      SyntheticTheory.noisy(seedCount: seedCount, figures: Self.declared([.alignmentTime])),
      SyntheticTheory.connections(seedCount: seedCount, figures: Self.declared([.connectionLoss])),
    ]
    _ = try drawReport(results, named: "theory", figureCount: 17)
  }

  @Test(.enabled(if: canDraw, "needs vl-convert-python"))
  func writesTheAuditsPageAndSingleFigures() throws {
    let root = pictureFolder()
    defer { discard(root) }
    let renderer = FigureRenderer(python: python)
    let (figures, _) = try writeAuditReport(
      [
        ReportedAudit("Student A", SyntheticTheory.audit()),
        ReportedAudit("Student B", SyntheticTheory.audit(teacherNodes: 3, studentNodes: 3)),
      ], to: root.appending(path: "audit.html"), renderer: renderer)
    #expect(
      figures.map(\.lastPathComponent) == [
        "audit-1-teacher.json", "audit-1-student.json", "audit-2-teacher.json", "audit-2-student.json",
      ])
    let page = try String(contentsOf: root.appending(path: "audit.html"), encoding: .utf8)
    #expect(
      page.contains("gradient too large by a factor 120") && page.contains("href=\"figures/audit-1-teacher.svg\""))
    var overImages = ChannelAuditRecord()
    overImages.layers = (1...2).map { layer in
      let nodes = (1...6).map { node in
        ChannelAuditRecord.Node(
          node: node, state: node > 3 ? .learned : .unlearned, correlation: Double(node) / 6, partner: 7 - node,
          strength: 1,
          effect: 1, share: 1.0 / 6, relativeEffect: 1 / Double(node))
      }
      return ChannelAuditRecord.Layer(
        layer: layer, learnedCount: 3, unlearnedCount: 3, unlearnedShare: 0.5, alignedCount: 3, silentCount: 0,
        deadCount: 0,
        teacherNodes: nodes, studentNodes: nodes)
    }
    let (drawn, _) = try writeAuditReport(
      [ReportedAudit("C", overImages)], to: root.appending(path: "images.html"), renderer: renderer)
    #expect(drawn.map(\.lastPathComponent) == ["audit-1-images.json"])
    let line = (0..<50).map { Double($0) * 1e-3 }
    let connection = connectionFigure(straight: line, matched: line.reversed(), constructed: [line, line])
    for (ending, start) in [("svg", "<svg"), ("png", "\u{89}PNG"), ("pdf", "%PDF"), ("json", "{")] {
      let file = root.appending(path: "connection.\(ending)")
      try writeFigure(connection, to: file, renderer: renderer)
      let begin = start.unicodeScalars.map { UInt8($0.value) }
      #expect(try Data(contentsOf: file).starts(with: begin), "\(ending)")
    }
    #expect(throws: FigureError.self) {
      try writeFigure(connection, to: root.appending(path: "connection.gif"), renderer: renderer)
    }
  }
}
