import Foundation
import UnderstudySchema

/// Draws a comparison's figures and writes one page about it that needs no network: figures, a table of differences, the settings.
///
/// - Parameters:
///   - differences: those of the comparison.
///   - file: the page; the figures go to `figures/` in a folder beside it that has the page's name without its ending.
/// - Returns: as of ``writeReport(studies:to:renderer:)``.
/// - Throws: ``FigureError`` as that one.
/// - Complexity: about a second for each figure.
public func writeComparison(
  _ comparison: StudyComparison, _ differences: [StudyDifference], to file: URL, renderer: FigureRenderer
) throws(FigureError) -> ReportSummary {
  var results = comparison.results
  (results.study.figures, results.study.findings) = (comparison.figures, [])
  results.study = results.study.styled(comparison.style)
  results.study.claim = comparison.introduction
  var study = ReportStudy(
    title: "\(results.study.name) by \(comparison.key)", results: results,
    folder: file.deletingPathExtension())
  study.tables = differencesContent(differences)
  return try writeReport(studies: [study], to: file, renderer: renderer)
}

extension StudyComparison {
  /// What the studies differ in, beside the keys that vary within them.
  fileprivate var introduction: String {
    let study = results.study
    let going = study.companions(of: Study.originKey)
    guard !study.origins.isEmpty else { return "" }
    let shared = sharedRuns.map { "\n" + $0.sentence }.joined()
    let seeds = counted(study.seeds.count, "common seed")
    guard !going.isEmpty else { return "The studies have \(seeds) and do not differ in any key as a whole." + shared }
    let firsts = study.settings.indices.filter { $0 == 0 || study.origins[$0] != study.origins[$0 - 1] }
    let list = study.variedKeys.filter(going.contains).map { key in
      "\(key): " + firsts.map { study.value(of: key, at: $0)?.shown ?? "none" }.joined(separator: ", ")
    }
    return "The studies have \(seeds). They differ as wholes in:\n" + list.joined(separator: "\n") + shared
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
