import Foundation
import Testing

@testable import UnderstudyRecords
@testable import UnderstudySchema

@Suite struct DocumentationTests {
  private func guide(_ name: String) throws -> String {
    try String(contentsOf: repository.appendingPathComponent("Docs/\(name).md"), encoding: .utf8)
  }

  @Test func theGuideHasEveryKeyMeasureFigureAndStatistic() throws {
    let guide = try guide("Studies")
    #expect(guide.contains(StudyKey.markdownTable), "replace the table of keys by:\n\(StudyKey.markdownTable)")
    let names =
      Measure.allCases.map(\.rawValue) + FigureDeclaration.Kind.allCases.map(\.rawValue)
      + FindingDeclaration.Statistic.allCases.map(\.rawValue)
    for name in names { #expect(guide.contains("\n| `\(name)` |"), "\(name) is not in the guide") }
  }

  /// What Docs/Troubleshooting.md says that the program prints is in its sources: no message of the page is invented or outdated.
  @Test func theProgramSaysWhatTroubleshootingQuotes() throws {
    var sources = ""
    for folder in ["Sources", "Scripts"] {
      let files = FileManager.default.enumerator(atPath: repository.appendingPathComponent(folder).path)
      for case let path as String in try #require(files) where path.hasSuffix(".swift") || path.hasSuffix(".sh") {
        sources += try String(contentsOf: repository.appendingPathComponent("\(folder)/\(path)"), encoding: .utf8)
      }
    }
    var quotes: [String] = []
    for row in try guide("Troubleshooting").split(separator: "\n") where row.hasPrefix("| ") {
      let symptom = row.dropFirst(2).split(separator: " | ")[0]
      quotes += symptom.split(separator: "`", omittingEmptySubsequences: false).enumerated()
        .filter { $0.offset % 2 == 1 && $0.element.contains(" ") }.map { String($0.element) }
    }
    #expect(quotes.count > 25)
    for quote in quotes where quote != "understudy: command not found" {
      #expect(sources.contains(quote), "nothing prints \"\(quote)\"")
    }
  }

  @Test func theGuidesStudyLoads() throws {
    let study = try parse(try block("yaml", of: guide("Studies")))
    #expect(study.runs.count == 24)
  }

  @Test func theGuidesPythonRuns() throws {
    let folder = try TemporaryFolder()
    let study = try smallStudy()
    let store = try ResultsStore.openForWriting(folder.url, study: study)
    for run in study.runs { try store.record(record(of: run, study: study), student: Data()) }
    let code = """
      folder = \(jsonText(folder.url.path))
      \(try block("python", of: guide("Results")))
      assert losses == [(p, s, e, v) for p in (0, 1) for s in (1, 2) for e, v in ((0, 0.1 + 0.2), (100, 1e-20))], losses
      assert len(correlations) == 4
      assert all(rho.tolist() == [[1, -0.5], [1 / 3, 0], [5e-324, 0.95]] for rho in correlations.values())
      assert list(recovered.values()) == [1] * 4
      print("fine")
      """
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", code]
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    // Python is no requirement of the package; where it or numpy is missing, there is nothing to test.
    if text.contains("No module named 'numpy'") || process.terminationStatus == 127 { return }
    #expect(process.terminationStatus == 0 && text == "fine\n", "\(text)")
  }

  private func block(_ language: String, of guide: String) throws -> String {
    let start = try #require(guide.range(of: "```\(language)\n"))
    let end = try #require(guide.range(of: "\n```", range: start.upperBound..<guide.endIndex))
    return String(guide[start.upperBound..<end.lowerBound])
  }
}
