import Foundation
import UnderstudySchema

/// An audit as a page has it: over images, by the theory, or both.
public struct ReportedAudit: Sendable {
  public var title: String
  public var channels: ChannelAuditRecord?
  public var theory: AuditRecord?
  public var region: RegionAuditRecord?

  public init(_ title: String, _ record: AuditRecord) { (self.title, theory) = (title, record) }

  public init(_ title: String, _ record: ChannelAuditRecord) {
    (self.title, channels, theory) = (title, record, record.theory)
  }

  public init(_ title: String, _ record: RegionAuditRecord) { (self.title, region) = (title, record) }

  /// - Parameter name: the beginning of the figures' file names.
  func figures(named name: String) -> [FigureSpecification] {
    (channels.map { [channelAuditFigure(of: $0, name: name + "-images")] } ?? [])
      + (theory.map { auditFigures(of: $0, name: name) } ?? [])
  }
}

/// Draws the figures of audits and writes one page about them that needs no network: the frame of the studies' report, with
/// a section for each audit.
///
/// - Parameter file: the page; the figures go to `figures/` beside it, as `audit-1-images`, `audit-1-teacher`, `audit-1-student`
///   and so on.
/// Without Python or its wheel the page is written without figures, unless a page with figures is there.
///
/// - Returns: the `.json` of each figure, with `.svg`, `.png` and `.pdf` beside it; and why these are missing, if they are.
/// - Throws: ``FigureError`` if Python or its wheel is missing and a page with figures is there, which stays, or if a file
///   cannot be written; the `.json` files are written even then.
/// - Complexity: O(nodes), and about a second for each figure.
@discardableResult
public func writeAuditReport(
  _ audits: [ReportedAudit], to file: URL, renderer: FigureRenderer
) throws(FigureError) -> (figures: [URL], missingTool: FigureError?) {
  let folder = file.deletingLastPathComponent()
  var figures = try audits.indices.map { index throws(FigureError) in
    try audits[index].figures(named: "audit-\(index + 1)").map { specification throws(FigureError) in
      try WrittenFigure(writing: specification, of: specification.name, in: folder)
    }
  }
  let files = figures.joined().map(\.file)
  let (parts, missing) = try renderer.drawForPageIfPossible(files)
  if let missing, isPageWithFigures(file) { throw missing }
  var previews = (parts?.previews ?? []).makeIterator()
  var chapters: [PageChapter] = []
  var figureCount = 0
  for (index, audit) in audits.enumerated() {
    for figure in figures[index].indices { figures[index][figure].preview = previews.next() ?? Data() }
    chapters.append(
      auditChapter(
        audit, figures: missing == nil ? figures[index] : [], index: index, figureCount: &figureCount, folder: folder))
  }
  let page = pageFrame(
    title: audits.count == 1 ? audits[0].title : "Understudy audits",
    introduction: "A student beside its teacher, node by node: "
      + (audits.contains { $0.theory != nil || $0.region != nil }
        ? "what the theory asks for, what it predicts, what is there." : "what it learned, and what does nothing."),
    preface: notDrawnContent(missing.map { [$0] } ?? []), chapters: chapters, bundle: parts?.bundle)
  try writeFile(Data(page.utf8), to: file)
  return (files, missing)
}

/// Writes one figure as the ending of `file` says: `.json` as it is, `.svg`, `.png` or `.pdf` drawn.
///
/// - Throws: ``FigureError``, among others for another ending; without Python only `.json` can be written.
public func writeFigure(
  _ specification: FigureSpecification, to file: URL, renderer: FigureRenderer
) throws(FigureError) {
  let ending = file.pathExtension.lowercased()
  switch ending {
  case "json": try writeFile(specification.data, to: file)
  case "svg", "png", "pdf":
    let drawn = try inTemporaryFolder { folder throws(FigureError) in
      let source = folder.appending(path: "figure.json")
      try writeFile(specification.data, to: source)
      try renderer.draw([source])
      return try readFile(source.deletingPathExtension().appendingPathExtension(ending))
    }
    try writeFile(drawn, to: file)
  default:
    throw .fileFailed(
      path: file.path(percentEncoded: false),
      detail: "a figure cannot be written with this ending; use .svg, .png, .pdf or .json")
  }
}

/// One audit: summaries, figures, tables.
///
/// - Parameter figureCount: of the page so far.
func auditChapter(
  _ audit: ReportedAudit, figures: [WrittenFigure], index: Int, figureCount: inout Int, folder: URL
) -> PageChapter {
  var chapter = PageChapter(identifier: "audit\(index)", title: audit.title, content: "")
  var drawn: [String] = []
  for (position, figure) in figures.enumerated() {
    figureCount += 1
    let identifier = "audit\(index)-\(position)"
    drawn.append(
      figureContent(figure, previous: nil, identifier: identifier, number: figureCount, folder: folder))
    chapter.entries.append(
      PageChapter.Entry(identifier: identifier, title: "\(figureCount). \(figure.specification.name)"))
  }
  let isBoth = audit.channels != nil && audit.theory != nil
  let overImages = audit.channels == nil ? 0 : 1
  chapter.note = audit.theory.map { "\(learnedCount($0)) of \($0.teacherNodes.count) nodes learned" } ?? ""
  chapter.content = """
    <section id="audit\(index)" aria-labelledby="title\(index)">
    <h2 id="title\(index)">\(audit.title.escapedForHTML)</h2>
    \(audit.channels.map { content($0, figures: Array(drawn.prefix(overImages))) } ?? "")
    \(isBoth ? "<h3>What the theory says</h3>" : "")
    \(audit.theory.map { content($0, figures: Array(drawn.dropFirst(overImages))) } ?? "")
    \(audit.region.map(content) ?? "")
    </section>
    """
  return chapter
}

private func learnedCount(_ record: AuditRecord) -> Int { record.teacherNodes.count(where: \.verdict.isFound) }

private func content(_ record: RegionAuditRecord) -> String {
  """
  <p class="claim">\(record.summary.escapedForHTML).</p>
  \(record.tables.map(auditTable).joined(separator: "\n"))
  \(circumstances(record))
  """
}

private func content(_ record: ChannelAuditRecord, figures: [String]) -> String {
  """
  <p class="claim">\(record.summary.escapedForHTML).</p>
  \(figures.joined(separator: "\n"))
  \(record.tables.map(auditTable).joined(separator: "\n"))
  \(circumstances(record))
  """
}

private func content(_ record: AuditRecord, figures: [String]) -> String {
  let matched = record.teacherNodes.count { $0.verdict == .matchedOnInputs }
  let match = matched > 0 ? ", and \(matched) more matched on the inputs, which do not determine their weights" : ""
  let violations = record.teacherNodes.filter { $0.verdict == .violation }.map { String($0.node) }
  let warning =
    violations.isEmpty
    ? ""
    : "<div class=\"warning\"><p><strong>VIOLATION</strong> at teacher node \(violations.joined(separator: ", ")): the "
      + "theorem's conditions hold and its conclusion fails. Please report this.</p></div>"
  return """
    <p class="claim">\(learnedCount(record)) of \(record.teacherNodes.count) teacher nodes are learned\(match); \(record.summary.escapedForHTML).</p>
    \(warning)
    \(htmlWarning("Diagnoses", record.notes))
    \(figures.joined(separator: "\n"))
    \(record.tables.map(auditTable).joined(separator: "\n"))
    \(circumstances(record))
    """
}
