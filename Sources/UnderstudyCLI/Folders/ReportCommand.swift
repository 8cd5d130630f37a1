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

      --compare puts settings that differ in a key beside each other. They may be in one folder or in several, and the folders may \
      differ in other keys. Its page has statistics against the key, a colour for each study, and differences between studies and \
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
  var output: String?

  @Option(help: "Python that has vl-convert-python (default: of the .venv beside the program, or python3).")
  var python: String?

  func validate() throws {
    if study != nil, results.count > 1 { throw ValidationError("--study is for one results folder") }
    if layer.contains(0) { throw ValidationError("--layer: layers are numbered from 1, the lowest") }
    if compare != nil, let output, URL(fileURLWithPath: output).pathExtension.isEmpty {
      throw ValidationError(
        "--output \(output): give a page, e.g. \(output).html; its figures go to the folder \(output)")
    }
    if compare == nil, !statistic.isEmpty { throw ValidationError("--statistic goes with --compare KEY") }
    let looksAtLayers = statistic.contains(where: \.needsLayer)
    if looksAtLayers, layer.isEmpty {
      throw ValidationError("a statistic looks at a hidden layer; give --layer, 1 for the lowest")
    }
    if !looksAtLayers, !layer.isEmpty {
      throw ValidationError("no --statistic looks at a hidden layer; leave --layer out")
    }
  }

  func run() async throws {
    try await reportingErrors {
      let folders = results.map { URL(fileURLWithPath: $0) }
      try checkOutput(output, reads: [study])
      let file =
        output.map { URL(fileURLWithPath: $0) }
        ?? folders[0].appendingPathComponent(compare == nil ? "report.html" : "comparison.html")
      if compare != nil, file.lastPathComponent == "report.html",
        ResultsStore.isResults(file.resolvingSymlinksInPath().deletingLastPathComponent())
      {
        throw ExperimentError.input(
          "\(file.path): is the page of that folder's study; give the comparison another name")
      }
      let style = StyleDeclaration(slides: slides ? true : nil)
      if let compare {
        try drawComparison(
          of: folders, by: compare, compared, to: file, python: python, style: style, study: declared)
      } else {
        try drawReport(of: folders, to: file, python: python) { try declared($0).styled(style) }
      }
    }
  }

  private var compared: [ComparedStatistic] {
    statistic.flatMap { statistic in
      statistic.needsLayer ? layer.map { ComparedStatistic(statistic, layer: $0) } : [ComparedStatistic(statistic)]
    }
  }

  /// The folder's study, with what its file says now.
  private func declared(_ store: ResultsStore) throws -> Study {
    let stored = try store.origin()
    guard let path = study ?? stored?.path else {
      // A bundled study may be another one in this version.
      guard let stored, let name = stored.bundledName,
        let bundled = try? BundledStudies.load(
          name, scale: stored.scale, overrides: stored.overrides, kept: { _, path in store.keptSource(at: path) })
      else { return store.study }
      return store.presented(as: bundled) ?? store.study
    }
    guard study != nil || FileManager.default.fileExists(atPath: path) else {
      writeError("\(path) is gone; figures and findings are those of the last run (--study names another file)")
      return store.study
    }
    // A folder's own study.yaml, or a copy of it, is of one scale and has no others.
    let scale = stored?.scale.flatMap { study == nil || Study.scaleNames(path: path).contains($0) ? $0 : nil }
    let loaded: Study
    do {
      loaded = try Study.load(
        path: path, scale: scale, overrides: stored?.overrides ?? [],
        kept: { _, path in store.keptSource(at: path) ?? store.imageSet(at: path) })
    } catch {
      guard study == nil else { throw error }
      writeError("\(error); figures and findings are those of the last run")
      return store.study
    }
    if let presented = store.presented(as: loaded) { return presented }
    let what = "\(path) declares other runs than \(store.folder.path) holds"
    guard study == nil else {
      throw ExperimentError.input("\(what); only claim, figures and findings may differ, or run it in another folder")
    }
    writeError("\(what); figures and findings are those of the last run (`understudy run` computes what is missing)")
    return store.study
  }
}
