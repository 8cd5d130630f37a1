import Foundation
import UnderstudySchema

/// The page about studies.
///
/// - Parameter folder: where the page will lie; links are relative to it.
func reportPage(_ sections: [ReportSection], bundle: String?, folder: URL) -> String {
  var content: [String] = []
  for (index, section) in sections.enumerated() {
    content.append(studyContent(section, index: index, folder: folder))
  }
  return pageFrame(
    title: sections.count == 1 ? sections[0].study.title : "Understudy report",
    introduction:
      "Student-teacher learning in ReLU networks, measured by Understudy. All numbers come from the stored\nresults.",
    chapters: sections.indices.map { ("study\($0)", sections[$0].study.title) }, navigation: "Studies",
    content: content, bundle: bundle)
}

/// A page: everything it shows is inside, and its content policy forbids it to ask for anything else.
///
/// - Parameters:
///   - chapters: identifier and title of each element of `content`, for the list of links.
///   - bundle: JavaScript that sets `window.vegaEmbed`; nil for a page without figures.
func pageFrame(
  title: String, introduction: String, chapters: [(identifier: String, title: String)], navigation label: String,
  content: [String], bundle: String?
) -> String {
  let scripts = bundle.map {
    "<script type=\"module\">\n\($0.escapedForScript)\n</script>\n<script type=\"module\">\n\(Resource.embedScript)\n</script>"
  }
  let navigation =
    chapters.count < 2
    ? ""
    : "<nav aria-label=\"\(label.escapedForHTML)\"><ul>"
      + chapters.map { "<li><a href=\"#\($0.identifier)\">\($0.title.escapedForHTML)</a></li>" }.joined()
      + "</ul></nav>"
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
    <main>
    <header><h1>\(title.escapedForHTML)</h1>
    <p class="note">\(introduction.escapedForHTML)</p>\(navigation)</header>
    \(content.joined(separator: "\n"))
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

private func studyContent(_ section: ReportSection, index: Int, folder: URL) -> String {
  let results = section.study.results
  let claim = results.study.claim.isEmpty ? "" : "<p class=\"claim\">\(results.study.claim.escapedForHTML)</p>"
  var figures: [String] = []
  for (number, figure) in section.figures.enumerated() {
    figures.append(
      figureContent(
        figure, previous: number > 0 ? section.figures[number - 1] : nil, identifier: "figure\(index)-\(number)",
        number: number + 1,
        folder: folder))
  }
  let problems = notDrawnContent(section.problems)
  return """
    <section id="study\(index)" aria-labelledby="title\(index)">
    <h2 id="title\(index)">\(section.study.title.escapedForHTML)</h2>
    \(claim)
    \(incompleteContent(results))
    \(findingsContent(section.findings))
    \(figures.joined(separator: "\n"))
    \(problems)
    \(settingsContent(results))
    \(provenanceContent(results))
    </section>
    """
}

/// Why figures are not there; empty without problems.
func notDrawnContent(_ problems: [FigureError]) -> String {
  guard !problems.isEmpty else { return "" }
  return "<div class=\"warning\"><p><strong>Not drawn:</strong></p><ul>"
    + problems.map { "<li>\($0.description.escapedForHTML)</li>" }.joined() + "</ul></div>"
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
  let width = pixelWidth(ofPNG: figure.preview).map { " width=\"\($0 / 2)\"" } ?? ""
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
    <div class="view" data-specification="\(identifier)-json" data-name="\(specification.name.escapedForHTML)"\(sharing)>\
    <img\(width) alt="\(specification.alternativeText.escapedForHTML)" \
    src="data:image/png;base64,\(figure.preview.base64EncodedString())"></div>
    <figcaption><strong>Figure \(number).</strong> \(specification.caption.escapedForHTML)
    <span class="note">\(specification.notes.joined(separator: " ").escapedForHTML)</span>
    <span class="links">\(specification.name.escapedForHTML): \(links.joined(separator: " "))</span></figcaption>
    <script type="application/json" id="\(identifier)-json">\(document.encoded().escapedForJSONScript)</script>
    </figure>
    """
}

/// The header's width field: bytes 16...19, big-endian.
private func pixelWidth(ofPNG data: Data) -> Int? {
  guard data.count > 24 else { return nil }
  return data[data.startIndex + 16..<data.startIndex + 20].reduce(0) { $0 * 256 + Int($1) }
}

/// What pages and drawing carry that is not Swift: files of Resources/, without their last line feed.
enum Resource {
  static let style = text(PackageResources.report_css)
  static let embedScript = text(PackageResources.embed_js)
  static let renderScript = text(PackageResources.render_py)

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes.dropLast(), as: UTF8.self) }
}
