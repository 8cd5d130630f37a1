import ArgumentParser
import Foundation
import Understudy

struct ReportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Draw figures and report again, from stored results alone.",
    discussion: """
      The claim, the figures with their captions, and the findings are those that the study's file declares now, if it is still \
      there and declares the same runs; otherwise those of the last run. Files of figures that an earlier report drew and that the \
      study has no more are removed.

        understudy report RESULTS
        understudy report RESULTS --study changed.yaml

      --compare puts settings beside each other that differ in a key, of one folder or of several, whatever else differs \
      between these. Its page has statistics against the key, a colour for each study, and differences between studies and \
      between values of the key with intervals over seeds:

        understudy report plain noisy --compare student.overRealization
        understudy report deep --compare student.overRealization --statistic layerCorrelation --layer 1,2
      """)

  @Argument(help: "Results folders; several make one report.")
  var results: [String]

  @Option(help: "The study's file, if it is not the one that was run; with one results folder.")
  var study: String?

  @Option(help: "Compare settings, and studies if there are several folders, by this key.")
  var compare: String?

  @Option(
    help:
      "With --compare, a statistic of findings, instead of those that the study's findings look at; may be repeated.",
    transform: { try named($0, called: "statistic") })
  var statistic: [FindingDeclaration.Statistic] = []

  @Option(help: "With --statistic, hidden layers for those that look at one, separated by commas.", transform: numbers)
  var layer: [Int] = []

  @Flag(
    help: "Letters that can be read when a figure takes half the width of a slide, as style: {slides: true} has them.")
  var slides = false

  @Option(help: "The page (default: report.html, or comparison.html, in the first folder).")
  @Flag(
    help: "Letters that can be read when a figure takes half the width of a slide, as style: {slides: true} has them.")
  var slides = false

  @Option(help: "The report (default: report.html in the first folder).")
      let file =
        output.map { URL(fileURLWithPath: $0) }
        ?? folders[0].appendingPathComponent(compare == nil ? "report.html" : "comparison.html")
      let style = StyleDeclaration(slides: slides)
      if let compare {
        try drawComparison(
          of: folders, by: compare, compared, to: file, python: python, style: style, study: declared)
      } else {
        try drawReport(of: folders, to: file, python: python) { try declared($0).styled(style) }
      }
      let file =
        output.map { URL(fileURLWithPath: $0) }
        ?? folders[0].appendingPathComponent(compare == nil ? "report.html" : "comparison.html")
      if let compare {
        return try drawComparison(of: folders, by: compare, compared, to: file, python: python, study: declared)
      }
      try drawReport(of: folders, to: file, python: python, study: declared)
