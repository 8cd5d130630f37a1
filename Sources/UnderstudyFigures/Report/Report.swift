import Foundation
import UnderstudySchema

/// One study of a report.
public struct ReportStudy: Sendable {
  public var title: String
  public var results: StudyResults
  /// The results folder: figures go to `figures/` in it.
  public var folder: URL
  /// HTML after its figures.
  var tables = ""

  public init(title: String, results: StudyResults, folder: URL) {
    self.title = title
    self.results = results
    self.folder = folder
  }
}

/// What `writeReport` wrote and found.
public struct ReportSummary: Sendable {
  public var file: URL
  /// The `.json` of each figure; `.svg`, `.png` and `.pdf` are beside it.
  public var figures: [URL]
  /// Figures that could not be drawn, with the reason; the report names them too.
  public var problems: [FigureError]
  /// Why no figure is drawn: Python or its wheel is missing.
  public var missingTool: FigureError?
  /// Whether there was a page with figures, which stays in place of one without them.
  public var keptPage = false
  /// By study, in the order of the report.
  public var findings: [[Finding]]
}

/// Draws the figures of all studies and writes one page about them that needs no network.
///
/// A figure that cannot be drawn (a measure that is not recorded yet, an empty selection) does not stop the others: it is
/// named in the page and in the summary.
///
/// Without Python or its wheel the page is written without figures, unless a page with figures is there, which stays.
///
/// - Parameter file: the page, usually `report.html` in the results folder; its links to the figures are relative.
/// - Throws: ``FigureError`` if a file cannot be written, or if the renderer is stopped; the figures' `.json` files are
///   written even then.
/// - Complexity: O(size of the results), and about a second for each figure.
public func writeReport(
  studies: [ReportStudy], to file: URL, renderer: FigureRenderer
) throws(FigureError) -> ReportSummary {
  var summary = ReportSummary(file: file, figures: [], problems: [], findings: [])
  var sections: [ReportSection] = []
  for study in studies {
    let written = try writeSpecifications(of: study.results, in: study.folder, renderer)
    summary.figures += written.figures.map(\.file)
    summary.problems += written.problems
    // One that cannot be drawn now may be drawn again.
    if written.problems.isEmpty {
      try removeStaleFigures(
        in: study.folder.appending(path: "figures"), besides: written.figures.map(\.specification.name))
    }
    let findings = findings(of: study.results)
    summary.findings.append(findings)
    sections.append(
      ReportSection(study: study, figures: written.figures, problems: written.problems, findings: findings))
  }
  let (parts, missing) = try renderer.drawForPageIfPossible(summary.figures)
  summary.missingTool = missing
  if missing != nil, isPageWithFigures(file) {
    summary.keptPage = true
    return summary
  }
  var previews = (parts?.previews ?? []).makeIterator()
  for section in sections.indices {
    if let missing, !sections[section].figures.isEmpty {
      sections[section].problems.append(missing)
      sections[section].figures = []
    }
    for figure in sections[section].figures.indices {
      sections[section].figures[figure].preview = previews.next() ?? Data()
    }
  }
  let page = reportPage(sections, bundle: parts?.bundle, folder: file.deletingLastPathComponent())
  try writeFile(Data(page.utf8), to: file)
  return summary
}

/// A specification and where its `.json` lies.
struct WrittenFigure {
  var specification: FigureSpecification
  /// Of the declaration, which may make several.
  var declaredName: String
  var file: URL
  /// A PNG for the page, twice as large as it is shown.
  var preview = Data()
}

extension WrittenFigure {
  /// Writes the `.json` into `figures/` of a folder.
  init(writing specification: FigureSpecification, of declaredName: String, in folder: URL) throws(FigureError) {
    let file = folder.appending(path: "figures").appending(path: specification.name + ".json")
    try writeFile(specification.data, to: file)
    self.init(specification: specification, declaredName: declaredName, file: file)
  }
}

extension FigureSpecification {
  /// The document as a file has it.
  var data: Data { Data(document.encoded().utf8) }
}

/// What the page says about one study.
struct ReportSection {
  var study: ReportStudy
  var figures: [WrittenFigure]
  var problems: [FigureError]
  var findings: [Finding]
}

private func writeSpecifications(
  of results: StudyResults, in folder: URL, _ renderer: FigureRenderer
) throws(FigureError) -> (figures: [WrittenFigure], problems: [FigureError]) {
  var figures: [WrittenFigure] = []
  var problems: [FigureError] = []
  var names: Set<String> = []
  for declaration in results.study.figures {
    try renderer.checkIsStopped()
    let specifications: [FigureSpecification]
    do throws(FigureError) {
      specifications = try figureSpecifications(of: declaration, from: results)
    } catch {
      problems.append(error)
      continue
    }
    for specification in specifications {
      guard names.insert(specification.name.lowercased()).inserted else {
        problems.append(.duplicateName(figure: specification.name))
        continue
      }
      figures.append(try WrittenFigure(writing: specification, of: declaration.name, in: folder))
    }
  }
  return (figures, problems)
}
