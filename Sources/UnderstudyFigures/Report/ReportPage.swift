import Foundation
import UnderstudySchema

/// The page about studies.
///
/// - Parameter folder: where the page will lie; links are relative to it.
func reportPage(_ sections: [ReportSection], bundle: String?, folder: URL) -> String {
  var figureCount = 0
  let chapters = sections.enumerated().map { index, section in
    studyChapter(section, index: index, figureCount: &figureCount, folder: folder)
  }
  return pageFrame(
    title: sections.count == 1 ? sections[0].study.title : "Understudy report",
    introduction:
      "Student-teacher learning in ReLU networks, measured by Understudy. All numbers come from the stored\nresults.",
    chapters: chapters, bundle: bundle)
}

/// A part of a page, and what the list of contents says of it.
struct PageChapter {
  /// A figure or a table of the chapter.
  struct Entry {
    var identifier: String
    var title: String
    /// Of the findings beneath it, one by one.
    var signs = ""
  }
  var identifier: String
  var title: String
  var note = ""
  var entries: [Entry] = []
  /// HTML.
  var content: String

  fileprivate var links: String {
    let entries = entries.map {
      "<li><a href=\"#\($0.identifier)\">\($0.title.escapedForHTML)</a>"
        + ($0.signs.isEmpty ? "" : " <span class=\"note\">\($0.signs)</span>") + "</li>"
    }
    return "<li><a href=\"#\(identifier)\">\(title.escapedForHTML)</a>"
      + (note.isEmpty ? "" : " <span class=\"note\">\(note.escapedForHTML)</span>")
      + (entries.isEmpty ? "" : "<ul>\(entries.joined())</ul>") + "</li>"
  }
}

/// A page: everything it shows is inside, and its content policy forbids it to ask for anything else.
///
/// - Parameters:
///   - preface: HTML before the chapters.
///   - bundle: JavaScript that sets `window.vegaEmbed`; nil for a page without figures.
func pageFrame(
  title: String, introduction: String, preface: String = "", chapters: [PageChapter], bundle: String?
) -> String {
  let scripts = bundle.map {
    "<script type=\"module\">\n\($0.escapedForScript)\n</script>\n<script type=\"module\">\n\(Resource.embedScript)\n</script>"
  }
  return """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; \
    style-src 'unsafe-inline'; img-src data: blob:">
    <title>\(title.escapedForHTML)</title>
    <style>
    \(Resource.style)
    </style>
    </head>
    <body>
    <nav aria-label="Contents"><ul>\(chapters.map(\.links).joined())</ul></nav>
    <main>
    <header><h1>\(title.escapedForHTML)</h1>
    <p class="note">\(introduction.escapedForHTML)</p></header>
    \(preface)
    \(chapters.map(\.content).joined(separator: "\n"))
    </main>
    \(scripts ?? withoutFigures)
    </body>
    </html>

    """
}

/// Marks a page that was written without figures.
private let withoutFigures = "<!-- without figures -->"

/// Whether there is a file that a page without figures must not replace.
func isPageWithFigures(_ file: URL) -> Bool {
  guard let page = try? Data(contentsOf: file) else {
    return FileManager.default.fileExists(atPath: file.path(percentEncoded: false))
  }
  return page.range(of: Data(withoutFigures.utf8)) == nil
}

/// Figures first, each with what is found in it; settings and provenance, folded, last.
private func studyChapter(
  _ section: ReportSection, index: Int, figureCount: inout Int, folder: URL
) -> PageChapter {
  let results = section.study.results
  let names = Set(section.figures.map(\.declaredName))
  let findings = PlacedFindings(section.findings, figures: results.study.figures.filter { names.contains($0.name) })
  let title = section.study.title
  var chapter = PageChapter(identifier: "study\(index)", title: title, content: "")
  if !section.findings.isEmpty { chapter.note = verdictCounts(section.findings) }
  var content: [String] = []
  for (position, figure) in section.figures.enumerated() {
    figureCount += 1
    let identifier = "figure\(index)-\(position)"
    content.append(
      figureContent(
        figure, previous: position > 0 ? section.figures[position - 1] : nil, identifier: identifier,
        number: figureCount, folder: folder))
    var entry = PageChapter.Entry(identifier: identifier, title: "\(figureCount). \(figure.specification.name)")
    // Of several pictures of one declaration the last has the findings.
    let isLast =
      position + 1 == section.figures.count || section.figures[position + 1].declaredName != figure.declaredName
    if isLast, let found = findings.byFigure[figure.declaredName] {
      entry.signs = found.map(\.verdict.sign).joined()
      content.append(
        findingsContent(found, caption: "What figure \(figureCount) is about: \(verdictCounts(found))"))
    }
    chapter.entries.append(entry)
  }
  content.append(section.study.tables)
  if !findings.others.isEmpty {
    let caption = findings.byFigure.isEmpty ? "Findings" : "Findings that no figure shows"
    content.append(
      "<div id=\"findings\(index)\">\(findingsContent(findings.others, caption: "\(caption): \(verdictCounts(findings.others))"))</div>"
    )
    chapter.entries.append(
      PageChapter.Entry(
        identifier: "findings\(index)", title: caption, signs: findings.others.map(\.verdict.sign).joined()))
  }
  let claim = results.study.claim.isEmpty ? "" : "<p class=\"claim\">\(results.study.claim.escapedForHTML)</p>"
  let verdicts = section.findings.isEmpty ? "" : "<p><strong>Findings:</strong> \(verdictCounts(section.findings)).</p>"
  chapter.content = """
    <section id="study\(index)" aria-labelledby="title\(index)">
    <h2 id="title\(index)">\(title.escapedForHTML)</h2>
    \(claim)
    \(verdicts)
    \(incompleteContent(results))
    \(content.joined(separator: "\n"))
    \(notDrawnContent(section.problems))
    <details><summary>Settings, runs and provenance</summary>
    \(settingsContent(results))
    \(provenanceContent(results))
    </details>
    </section>
    """
  return chapter
}

/// Why figures are not there; empty without problems.
func notDrawnContent(_ problems: [FigureError]) -> String {
  htmlWarning("Not drawn", problems.map(\.description))
}

private func incompleteContent(_ results: StudyResults) -> String {
  let expected = results.study.settings.count * results.study.seeds.count
  guard results.runs.count < expected else { return "" }
  return """
    <div class="warning"><p><strong>Incomplete:</strong> \(results.runs.count) of \(expected) runs have finished; figures
    and findings may still change.</p></div>
    """
}

/// - Parameter previous: the figure before; if its data are the same, the page holds them once.
func figureContent(
  _ figure: WrittenFigure, previous: WrittenFigure?, identifier: String, number: Int, folder: URL
) -> String {
  let specification = figure.specification
  let stem = figure.file.deletingPathExtension()
  var document = specification.document
  var sharing = ""
  if case .object(var members) = document, let data = members["data"], data == previous?.specification.document["data"]
  {
    members["data"] = nil
    document = .object(members)
    sharing = " data-as-before=\"yes\""
  }
  let links = ["svg", "png", "pdf", "json"].map { ending in
    let link = relativeLink(to: stem.appendingPathExtension(ending), from: folder)
    return "<a href=\"\(link.escapedForHTML)\">\(ending.uppercased())</a>"
  }
  return """
    <figure id="\(identifier)">
    <div class="view"\(shownSize(of: figure.preview)) data-specification="\(identifier)-json" \
    data-name="\(specification.name.escapedForHTML)"\(sharing)>\
    <img alt="\(specification.alternativeText.escapedForHTML)" \
    src="data:image/png;base64,\(figure.preview.base64EncodedString())"></div>
    <figcaption><strong>Figure \(number).</strong> \(specification.caption.escapedForHTML)
    <span class="note">\(specification.notes.joined(separator: " ").escapedForHTML)</span>
    <span class="links">\(specification.name.escapedForHTML): \(links.joined(separator: " "))</span></figcaption>
    <script type="application/json" id="\(identifier)-json">\(document.encoded().escapedForJSONScript)</script>
    </figure>
    """
}

/// The width in which a page shows a figure: 1.7 times that on paper, less if it would not fit on a screen.
///
/// - Parameter preview: twice as large as on paper; its header has two numbers, big-endian.
private func shownSize(of preview: Data) -> String {
  guard preview.count > 24 else { return "" }
  func number(at place: Int) -> Double {
    Double(preview[preview.startIndex + place..<preview.startIndex + place + 4].reduce(0) { $0 * 256 + Int($1) }) / 2
  }
  let (width, height) = (number(at: 16), number(at: 20))
  let scale = min(1.7, max(1, 800 / height))
  return " style=\"--paper: \(Int(width))px; --shown: \(Int(width * scale))px\""
}

/// What pages and drawing carry that is not Swift: files of Resources/, without their last line feed.
enum Resource {
  static let style = text(PackageResources.report_css)
  static let embedScript = text(PackageResources.embed_js)
  static let renderScript = text(PackageResources.render_py)

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes.dropLast(), as: UTF8.self) }
}
