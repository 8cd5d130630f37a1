import ArgumentParser
import Foundation
import Understudy

struct RecoverCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recover",
    abstract: "Reconstruct a network's weights from input-output pairs and a student that was trained on them.",
    discussion: """
      The command takes the student to a critical point (full batches, curvature, until the gradient is small at every sample). It \
      merges nodes that share a boundary, and removes nodes that carry nothing. If the search stalled, it searches and merges \
      again. Last, it removes nodes that are not needed to meet the targets. If the samples determine the weights, the result is \
      mostly the network that computed the targets: the weights of every layer, up to the order and the positive scale of its nodes.

        understudy recover --student S --inputs X --targets Y --into SMALL
        understudy recover --student S --inputs X --teacher T

      or the teachers of the runs that a results folder holds, each from its student over its training inputs:

        understudy recover RESULTS --seed 1

      A teacher is used to compute the targets, and is compared with the result. Train the student before: to a loss of a \
      hundredth of the targets' or less. A tenth of the samples is held out if the rest is enough, and the error on them is \
      printed. The result is never worse than the student. The exit code is 2 if it is constant, so that nothing was recovered. After Ctrl-C \
      the best student so far is written to --into; give it as --student to go on. Docs/Reconstruction.md explains every column \
      and key.
      """)

  @Argument(help: "A results folder, instead of files.")
  var results: String?

  @Option(help: "The student: a network file (safetensors), wider than the network to be found.")
  var student: String?

  @Option(help: "The inputs: an array file (.npy, [sample, feature]).")
  var inputs: String?

  @Option(help: "The network's outputs for them: an array file (.npy, [sample, output]).")
  var targets: String?

  @Option(help: "Instead of --targets: the network itself, at most as wide as the student.")
  var teacher: String?

  @OptionGroup var activation: ActivationOptions

  @OptionGroup var choice: RunChoice

  @Option(help: "Steps that each critical-point search may try.")
  var iterations = CriticalPointPlan().iterationLimit

  @Option(
    help:
      "Each stage is over once no sample's gradient at the lowest layer is larger, in units of the samples and the node: inputs, outputs and the node's weights divided by their size."
  )
  var gradient = CriticalPointPlan().gradientTarget

  @Option(help: "Write the recovered network to this file.")
  var into: String?

  @Flag(help: "JSON instead of tables.")
  var json = false

  func validate() throws {
    try choice.check(
      folder: results, files: [student, inputs, targets ?? teacher],
      called: "--student, --inputs and --targets or --teacher", activation)
    if targets != nil, teacher != nil { throw ValidationError("give either --targets or --teacher") }
    if results != nil, into != nil { throw ValidationError("--into is for one student, given by --student") }
    guard (1...1_000_000).contains(iterations) else {
      throw ValidationError("--iterations \(iterations): give 1 to 1000000")
    }
    guard gradient >= 0, gradient.isFinite else { throw ValidationError("--gradient \(gradient): give 0 or more") }
  }

  func run() async throws {
    try await reportingErrors {
      let stop = StopRequest()
      let interruption = Interruption("stopping after the current step or merge") { stop.request() }
      defer { interruption.cancel() }
      if let results {
        try recoverRuns(of: results, stop)
      } else if let student, let inputs,
        let source = targets.map(ReconstructionReport.Targets.outputs) ?? teacher.map({ .teacher($0) })
      {
        try recoverFile(student, inputs, source, stop)
      }
    }
  }

  private var plan: CriticalPointPlan {
    var plan = CriticalPointPlan()
    (plan.iterationLimit, plan.gradientTarget) = (iterations, gradient)
    return plan
  }

  private func recoverFile(
    _ student: String, _ inputs: String, _ source: ReconstructionReport.Targets, _ stop: StopRequest
  )
    throws
  {
    try checkOutput(into, reads: [student, inputs, targets, teacher])
    let progress = ProgressLine(title: "recover")
    let reconstruction = try ReconstructionReport(
      studentPath: student, inputsPath: inputs, targets: source, activation: activation.value, plan: plan
    ) {
      progress.advance()
      return stop.isRequested
    }
    progress.end()
    // Written before it is told: a reader that is gone must not cost the result.
    let isNothing = reconstruction.record.outcome == .nothing && !reconstruction.record.wasInterrupted
    if let into, !isNothing { try write(reconstruction.network, to: into, maker: "recoveredFrom", of: student) }
    try printLine(json ? jsonText(reconstruction.record) : text(of: reconstruction.record))
    if isNothing {
      throw ExperimentError.input(
        "\(student): nothing was recovered: all that was found is constant over the inputs; give a student that has "
          + "nodes which are active, and trained")
    }
    if reconstruction.record.wasInterrupted {
      writeError("interrupted; " + (into.map { "go on with --student \($0)" } ?? "nothing was written"))
      throw ExitCode(130)
    }
  }

  private func recoverRuns(of folder: String, _ stop: StopRequest) throws {
    let store = try openResults(folder)
    let runs = try choice.finishedRuns(of: store)
    var table = TextTable([
      "setting", "seed", "loss before", "loss now", "held out", "gradient", "left", "teacher", "weight error", "time",
    ])
    var records: [ReconstructionReport.Record] = []
    var failure: (any Error)?
    for (index, run) in runs.enumerated() {
      let progress = ProgressLine(title: "recover, run \(index + 1) of \(runs.count)")
      defer { progress.end() }
      do {
        let record = try ReconstructionReport(run, in: store, plan: plan) {
          progress.advance()
          return stop.isRequested
        }.record
        if record.wasInterrupted { break }
        records.append(record)
        table.add([
          store.study.label(of: run.setting), "\(run.seed)", short(record.lossBefore), short(record.loss),
          record.heldOutLoss.map(short) ?? "-", short(record.largestGradient),
          record.layers.isEmpty ? record.outcome.words : LayerWidths(record.layers.map(\.unitCount)).description,
          LayerWidths(record.layers.compactMap(\.teacherNodeCount)).description, record.weightError.map(short) ?? "-",
          duration(record.searchSeconds + record.mergingSeconds),
        ])
      } catch {
        // What was found before is printed all the same.
        failure = error
        break
      }
    }
    if json {
      try printLine(jsonText(records))
    } else if !records.isEmpty {
      try printLine(summary(records, table))
    }
    if let failure { throw failure }
    if records.count < runs.count {
      writeError("interrupted; runs that are left: \(runs.count - records.count). Choose them by --seed and --where")
      throw ExitCode(130)
    }
  }

  private func summary(_ records: [ReconstructionReport.Record], _ table: TextTable) -> String {
    let sized = records.filter { $0.weightError != nil }
    let worst = sized.compactMap(\.weightError).max().map { "; largest weight error among them \(short($0))" } ?? ""
    return table.text + "\n\nleft with their teacher's size: \(sized.count) of \(records.count)\(worst)"
  }

  private func text(of record: ReconstructionReport.Record) -> String {
    let limit = record.largestGradient <= gradient ? "" : ", not within the target of \(short(gradient))"
    let reached =
      record.largestGradient.isFinite
      ? "at most \(short(record.largestGradient)) at every sample\(limit)"
      : "not to be computed: weights, inputs or targets are too large or too small; rescale them to ordinary sizes"
    let heldOut = record.heldOutCount > 0 ? ", of which \(record.heldOutCount) are held out" : ", none held out"
    var lines = [
      "student   \(record.student)",
      "targets   \(record.targets) on \(record.inputs): \(record.sampleCount) samples of size "
        + "\(short(record.targetSize))\(heldOut)",
      "result    \(record.outcome.words)",
      "loss      \(short(record.lossBefore)) before, \(short(record.loss)) now (1/2 mean ||f* - f||^2)",
    ]
    if let before = record.heldOutLossBefore, let after = record.heldOutLoss {
      lines.append("held out  \(short(before)) before, \(short(after)) now")
    }
    lines += [
      "gradient  \(reached)",
      "weights   \(determination(record))",
      "rounds    searches after merging: \(record.refinementCount); nodes that were not needed: "
        + "\(record.eliminatedCount)",
      "time      \(duration(record.searchSeconds)) searching, \(duration(record.mergingSeconds)) merging",
    ]
    var parts = [lines.joined(separator: "\n")]
    if !record.layers.isEmpty { parts.append(layerTable(record)) }
    func errors(_ change: Double?, _ error: Double, _ place: String) -> String {
      let change = change.map { "largest output change of merging \(short($0)), " } ?? ""
      return "\(place): \(change)largest error of an output now \(short(error))"
    }
    var ends = [errors(record.largestChange, record.largestError, "fitted samples")]
    if let error = record.heldOutLargestError {
      ends.append(errors(record.heldOutLargestChange, error, "held-out samples"))
    }
    parts.append(ends.joined(separator: "\n"))
    return parts.joined(separator: "\n\n")
  }

  /// How many equations the samples are for the weights, and whether they determine them.
  private func determination(_ record: ReconstructionReport.Record) -> String {
    let counts =
      "\(record.weightCount), of which \(record.freeScaleCount) scales are free (the student's: "
      + "\(record.studentWeightCount)); \(record.equationCount) equations"
    let singular = record.identifiability.map { "; smallest singular value \(short($0)) of the largest" } ?? ""
    let advice = "other networks answer alike on these samples, and differently on others; give more inputs"
    return switch record.isDetermined {
    case true?: "\(counts): determined\(singular)"
    case false? where record.equationCount <= record.weightCount - record.freeScaleCount:
      "\(counts): NOT DETERMINED, too few equations: \(advice)"
    case false?: "\(counts), rank \(record.rank ?? 0): NOT DETERMINED\(singular): \(advice)"
    case nil: "\(counts); too many for their rank to be computed"
    }
  }

  private func layerTable(_ record: ReconstructionReport.Record) -> String {
    var table = TextTable(
      ["layer", "nodes", "left", "identifiability"] + (teacher == nil ? [] : ["teacher", "weight error"]))
    func add(_ cells: [String], _ teacherNodeCount: Int?, _ error: Double?) {
      let compared = [teacherNodeCount.map(String.init) ?? "-", error.map(short) ?? "-"]
      table.add(cells + (teacher == nil ? [] : compared))
    }
    for layer in record.layers {
      add(
        [
          layerLabel(layer.layer), "\(layer.nodeCount)", "\(layer.unitCount)",
          layer.identifiability.map(short) ?? "-",
        ], layer.teacherNodeCount, layer.weightError)
    }
    if teacher != nil { add(["output", "-", "-", "-"], nil, record.outputWeightError) }
    return table.text
  }
}

extension TeacherReconstruction.Outcome {
  fileprivate var words: String {
    switch self {
    case .recovered: "within the target: the outputs are met"
    case .unfinished: "better than the student, but not within the target"
    case .notBetter: "nothing better was found: the student as it was given"
    case .nothing: "nothing was recovered: all that was found is constant over the inputs"
    }
  }
}
