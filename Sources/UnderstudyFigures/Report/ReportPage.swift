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
    "<script type=\"module\">\n\($0.escapedForScript)\n</script>\n<script type=\"module\">\n\(embedScript)\n</script>"
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
    \(reportStyle)
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

/// Replaces each static picture by its interactive twin. A picture whose script fails stays.
private let embedScript = """
  const options = { actions: { export: true, source: false, compiled: false, editor: false }, renderer: "canvas" };
  let data;
  for (const view of document.querySelectorAll("[data-specification]")) {
    const holder = document.createElement("div");
    try {
      const specification = JSON.parse(document.getElementById(view.dataset.specification).textContent);
      if (view.dataset.asBefore) specification.data = data;
      data = structuredClone(specification.data);
      await window.vegaEmbed(holder, specification, { ...options, downloadFileName: view.dataset.name });
      view.querySelector("img").replaceWith(holder);
      holder.setAttribute("role", "img");
      holder.setAttribute("aria-label", specification.description);
    } catch (error) {
      console.error(error);
    }
  }
  """

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

let reportStyle = """
  :root { color-scheme: light dark; --ink: #1b1b1b; --paper: #ffffff; --soft: #5a5a5a; --line: #d5d5d5; --tint: #f4f6f8;
    --good: #00664a; --bad: #a33a00; --link: #005a9c; }
  @media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #16181b; --soft: #a9adb3; --line: #3b4047;
    --tint: #20242a; --good: #4fd0a5; --bad: #ff9d5c; --link: #7cc0ff; } }
  * { box-sizing: border-box; }
  body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.55;
    font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
  main { max-width: 54rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
  h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; }
  h2 { font-size: 1.4rem; margin: 3rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
  h3 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
  a { color: var(--link); }
  .claim { font-size: 1.08rem; max-width: 44rem; white-space: pre-line; }
  .note, .links { color: var(--soft); font-size: .88rem; }
  .note { display: block; } .links { display: block; margin-top: .2rem; }
  nav ul { padding-left: 1.2rem; }
  .scroll { overflow-x: auto; margin: 1rem 0; }
  table { border-collapse: collapse; font-size: .92rem; width: 100%; }
  caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
  th, td { text-align: left; padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
  th { color: var(--soft); font-weight: 600; white-space: nowrap; }
  .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
  td:first-child { min-width: 11rem; } td:nth-child(2) { white-space: nowrap; }
  .wide { font-size: .85rem; } .wide td:first-child, .wide td:nth-child(2) { min-width: 0; white-space: normal; }
  .wide th { white-space: normal; vertical-align: bottom; } .wide .verdict { white-space: normal;
    display: inline-block; min-width: 9.5rem; }
  .verdict { font-weight: 600; white-space: nowrap; }
  .borne { color: var(--good); } .failed { color: var(--bad); }
  figure { margin: 2.2rem 0; }
  .view { background: #ffffff; color: #1b1b1b; border: 1px solid var(--line); border-radius: 6px; padding: .6rem;
    overflow-x: auto; color-scheme: light; }
  .view img { display: block; max-width: 100%; height: auto; margin: 0 auto; }
  .view > div { display: block; width: max-content; margin: 0 auto; padding-right: 34px; }
  figcaption { margin-top: .6rem; max-width: 46rem; }
  .warning { border-left: 4px solid var(--bad); background: var(--tint); padding: .2rem 1rem; margin: 1rem 0; }
  details { margin: 1rem 0; } summary { cursor: pointer; font-weight: 600; }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; font-size: .92rem; }
  dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
  @media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; } }
  @media print { .scroll, .view { overflow: visible; } figure, tr { break-inside: avoid; } }
  """
