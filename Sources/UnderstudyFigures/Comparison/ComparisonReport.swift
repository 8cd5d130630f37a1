import Foundation
import UnderstudySchema

/// Draws a comparison's figures and writes one page about it that needs no network: figures, a table of differences, the settings.
///
/// - Parameters:
///   - file: the page; the figures go to `figures/` in a folder beside it that has the page's name without its ending.
/// - Returns: as of ``writeReport(studies:to:renderer:)``, and the differences.
/// - Throws: ``FigureError`` as that one.
/// - Complexity: that of the differences, and about a second for each figure.
public func writeComparison(
  _ comparison: StudyComparison, to file: URL, renderer: FigureRenderer
) throws(FigureError) -> (summary: ReportSummary, differences: [StudyDifference]) {
  let differences = comparison.differences()
  var results = comparison.results
  (results.study.figures, results.study.findings) = (comparison.figures, [])
  results.study = results.study.styled(comparison.style)
  results.study.claim = comparison.introduction
  var study = ReportStudy(
    title: "\(results.study.name) by \(comparison.key)", results: results,
    folder: file.deletingPathExtension())
  study.tables = differencesContent(differences)
  return (try writeReport(studies: [study], to: file, renderer: renderer), differences)
}

extension StudyComparison {
  /// What the studies differ in, beside the keys that vary within them.
  fileprivate var introduction: String {
    let study = results.study
    let going = study.companions(of: Study.originKey)
    guard !study.origins.isEmpty else { return "" }
    let seeds = "\(study.seeds.count) common seed\(study.seeds.count == 1 ? "" : "s")"
    guard !going.isEmpty else { return "The studies have \(seeds) and do not differ in any key as a whole." }
    let list = study.variedKeys.filter(going.contains).map { key in
      let values = study.settings.indices.reduce(into: [String]()) { list, index in
        let value = study.value(of: key, at: index)?.shown ?? "none"
        if study.origins.firstIndex(of: study.origins[index]) == index { list.append(value) }
      }
      return "\(key): \(values.joined(separator: ", "))"
    }
    return "The studies have \(seeds). They differ as wholes in:\n" + list.joined(separator: "\n")
  }
}

private func differencesContent(_ differences: [StudyDifference]) -> String {
  guard !differences.isEmpty else { return "" }
  let table = htmlTable(
    caption: "Differences: second minus first, over pairs of runs that share the seed and all other keys",
    head: StudyDifference.head,
    rows: differences.map { row in
      var cells = row.cells.enumerated().map { column, text in
        (column < 3 ? text : text.replacing("-", with: "−")).escapedForHTML
      }
      if let reason = row.reason { cells[5] += "<span class=\"note\">\(reason.escapedForHTML)</span>" }
      return cells
    }, numeric: [3, 4, 5])
  return table
    + "<p class=\"note\">Pairs of one seed are averaged first; the interval is Student's, over seeds. One that does not reach 0 tells "
    + "a difference from chance.</p>"
}
