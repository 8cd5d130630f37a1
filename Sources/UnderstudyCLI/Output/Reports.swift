import ArgumentParser
import Foundation
import Understudy

/// Draws with a Python; Ctrl-C ends it, and what it has not drawn yet stays as it was.
///
/// - Throws: `ExitCode(130)` after an interruption, or what `body` throws.
func drawing<Result>(_ python: String?, _ body: (FigureRenderer) throws -> Result) throws -> Result {
  let stop = StopRequest()
  let interruption = Interruption("stopping: what is not drawn yet stays as it was") { stop.request() }
  defer { interruption.cancel() }
  do {
    let progress = FigureProgress()
    defer { progress.end() }
    return try body(
      FigureRenderer(python: pythonPath(python), isStopped: { stop.isRequested }, report: progress.show))
  } catch let error as FigureError where error == .stopped {
    writeError("interrupted: \(error)")
    throw ExitCode(130)
  }
}

/// Draws the figures and the report of result folders and says what was found.
///
/// - Parameter study: what is drawn of a folder: its study, maybe with other figures.
func drawReport(
  of folders: [URL], to file: URL, python: String?, study: (ResultsStore) throws -> Study = \.study
) throws {
  let studies = try folders.map { folder in
    let store = try ResultsStore.openForReading(folder)
    let study = try study(store)
    var results = try store.results(measures: study.shownMeasures)
    results.study = study
    return ReportStudy(title: study.name, results: results, folder: folder)
  }
  let summary = try drawing(python) { try writeReport(studies: studies, to: file, renderer: $0) }
  sayProblems(of: summary)
  for study in studies where study.results.study.figures.isEmpty && study.results.study.findings.isEmpty {
    writeError("\(study.title): it declares no figures and no findings; the report has its settings only")
  }
  for (study, findings) in zip(studies, summary.findings) where !findings.isEmpty {
    let borneOut = findings.count { $0.verdict == .borneOut }
    writeError("\(study.title): \(borneOut) of \(findings.count) findings borne out")
    for finding in findings {
      switch finding.verdict {
      case .borneOut: break
      case .notBorneOut: writeError("  not borne out: \(finding.declaration.statement)\(measured(finding))")
      case .undecided:
        writeError("  undecided, more seeds are needed: \(finding.declaration.statement)\(measured(finding))")
      case .notMeasurable(let reason): writeError("  not measured: \(finding.declaration.statement) (\(reason))")
      }
    }
  }
  try sayWhere(summary)
}

/// What was measured, behind a statement; empty if nothing was.
private func measured(_ finding: Finding) -> String {
  guard let value = finding.value else { return "" }
  let ends = finding.interval.map { ", 95 %: \($0.lowerBound.brief) to \($0.upperBound.brief)" } ?? ""
  return " (\(value.brief)\(ends))"
}

/// - Parameter command: what draws the figures that are left out.
private func sayProblems(of summary: ReportSummary, again command: String = "`understudy report`") {
  for problem in summary.problems { writeError("figure left out: \(problem)") }
  if let missing = summary.missingTool {
    writeError(
      "figures left out: \(missing); then \(command) draws them"
        + (summary.keptPage ? "; \(summary.file.path) has figures and stays as it was" : ""))
  }
}

/// - Throws: `ExitCode(1)` if there was a page with figures, which was not replaced.
private func sayWhere(_ summary: ReportSummary) throws {
  if summary.keptPage { throw ExitCode(1) }
  writeError("report: \(summary.file.path)")
}

/// Draws a comparison of result folders by a key and prints the differences.
///
/// - Parameters:
///   - statistics: what is compared; empty: what the studies' findings look at.
///   - style: of the figures.
///   - study: what is compared of a folder: its study, maybe with other findings.
func drawComparison(
  of folders: [URL], by key: String, _ statistics: [ComparedStatistic], to file: URL, python: String?,
  style: StyleDeclaration, study: (ResultsStore) throws -> Study
) throws {
  let places = folders.map { $0.resolvingSymlinksInPath().standardizedFileURL.path }
  if let twice = places.first(where: { place in places.count { $0 == place } > 1 }) {
    throw ExperimentError.input("\(twice) is given twice; name each folder once")
  }
  let studies = try folders.map { folder in
    let store = try ResultsStore.openForReading(folder)
    let study = try study(store)
    var results = try store.results(measures: StudyComparison.measures(of: study, statistics))
    results.study = study
    return (name: study.name, results: results)
  }
  let names = Set(studies.map(\.name)).count < studies.count ? distinctNames(of: folders) : studies.map(\.name)
  let results: StudyResults
  do {
    results = try StudyResults(sideBySide: zip(names, studies).map { (name: $0, results: $1.results) })
  } catch {
    throw ExperimentError.input(
      error == .noCommonSeed
        ? "the studies have no seed in common, so no two runs share teacher and data; run both with some of the same seeds"
        : "a study was run by version 0.1, whose runs of one seed have other teachers in each study; run it again")
  }
  var comparison = try StudyComparison(
    results, by: StudyKey.named(key)?.path ?? key, statistics: statistics)
  comparison.style = style
  let differences = comparison.differences()
  try printLine(TextTable(StudyDifference.head, differences.map(\.cells)).text)
  for reason in differences.compactMap(\.reason).distinct { try printLine("-: \(reason)") }
  for shared in comparison.sharedRuns { try printLine(shared.sentence) }
  let summary = try drawing(python) { try writeComparison(comparison, differences, to: file, renderer: $0) }
  sayProblems(of: summary, again: "the same command")
  try sayWhere(summary)
}

/// The folders' own names, or their paths if two have the same.
private func distinctNames(of folders: [URL]) -> [String] {
  let names = folders.map(\.lastPathComponent)
  return Set(names).count == names.count ? names : folders.map(\.path)
}
