import ArgumentParser
import Foundation
import Understudy

struct ZoomCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "zoom", abstract: "Measure stored runs by steps, between their epochs.",
    discussion: """
        understudy zoom RESULTS --run 3f2a90cd                                  the epoch in which a run diverged
        understudy zoom RESULTS --seed 1 --where teacher.hiddenNodes=5 --from 5200 --to 5300 --every 5

      Steps count over all epochs: with 1000 steps an epoch, epoch 3 is --from 2000 --to 3000. The chosen runs are trained again \
      up to the last of these steps, with the same draws and the same bits, and are measured at each of the steps. The folder of \
      results is one like any other: status, report, export, audit and the Python package read it, and its study.yaml can be run. \
      There, an epoch is a step.

      A run begins at its stored student if that stands before the first step: the last finite one of a run that diverged, or the \
      checkpoint of an unfinished one. Otherwise its training up to there is repeated, without measuring. After that it costs what \
      its measures cost, once for each measurement. Gradient flow takes no steps, so there is no zoom into it.
      """)

  @Argument(help: "Results folder.")
  var results: String

  @OptionGroup var choice: RunChoice

  @Option(
    help:
      "First step to measure after; 0 is before the first (default: where the epoch begins in which the run diverged).")
  var from: Int?

  @Option(help: "Last step (default: where the run diverged, or else the end of the epoch).")
  var to: Int?

  @Option(help: "Steps from one measurement to the next (default: such that there are at most 100).")
  var every: Int?

  @Option(
    name: .customLong("measure"),
    help: "What to measure; may be given several times (default: what the study records).",
    transform: { try named($0, called: "measure") })
  var measures: [Measure] = []

  @Option(help: "Results folder of the zoom (default: RESULTS-zoom).")
  var into: String?

  @OptionGroup var options: MachineOptions

  func validate() throws {
    for (name, value, least) in [("from", from, 0), ("to", to, 1), ("every", every, 1)] {
      if let value, value < least { throw ValidationError("--\(name) \(value): give \(least) or more") }
    }
    if let from, let to, from >= to { throw ValidationError("--from \(from) --to \(to): give a later --to") }
  }

  func run() async throws {
    try await reportingErrors {
      let source = try openResults(results)
      let zoomed = try ZoomedRuns(
        of: source, where: try choice.filter(of: source.study), ZoomedRuns.Window(from: from, to: to, every: every),
        measures: measures)
      let folder = URL(fileURLWithPath: into ?? "\(source.folder.path)-zoom")
      let zoom = zoomed.zoom
      let begin =
        switch zoomed.beginningCount {
        case 0: "no stored student stands before step \(zoom.from), so training begins anew"
        case zoomed.runCount: "training goes on from stored students, of epoch \(zoomed.firstEpoch ?? 0) or later"
        default: "of \(zoomed.runCount) runs \(zoomed.beginningCount) go on from stored students, the others begin anew"
        }
      writeError("\(zoomed.study.name): steps \(zoom.from) to \(zoom.to), every \(zoom.every); \(begin)")
      try await execute(
        zoomed.study, from: nil, in: folder, options: options, preparing: { try zoomed.begin(from: source, in: $0) })
      guard !options.noReport else { return }
      guard !zoomed.study.figures.isEmpty else {
        return writeError(
          "\(zoomed.study.name): no report, because none of its measures is drawn by itself; export has them all")
      }
      try drawReport(of: [folder], to: folder.appendingPathComponent("report.html"), python: options.python)
    }
  }
}
