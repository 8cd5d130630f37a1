import ArgumentParser
import Foundation
import Understudy

struct AuditCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Say for each teacher node which of the theory's conditions hold, what they predict, and what happened.",
    discussion: """
      For network and array files from any source:

        understudy audit --teacher T --student S --inputs X

      or for the runs of a results folder, each over its training inputs:

        understudy audit RESULTS --seed 1

      Over images it says which nodes (filters) of the teacher or oracle the student did not learn, and how strong these are; and \
      which nodes of the student are unaligned and nearly silent:

        understudy audit --teacher T --student S --images fashion-mnist

      Fully connected networks over images have the theory's audit as well, over the first 2000 training images as they are; it \
      takes up to a minute. Real images nearly have low rank. Then the audit says which teacher nodes' functions are matched on \
      the images, and that the images do not determine the weights.

      A teacher node is predicted to be learned where the largest gradient of any sample, over the inputs and their \
      moved copies, is small enough beside the node's coupling with its observers, and the kink test has witnesses. It \
      is found if a student node is aligned with it: the sine of the angle times the inputs' spread, and the difference of \
      the offsets, at most the widest band. What witnesses of one student node prove is printed as proven. Student nodes are merged where they share a boundary and removed where they carry nothing; --merge-into \
      writes the smaller student, whose outputs on the inputs differ by no more than is printed.

      For networks of two layers, a region can take the place of samples. The audit then says which student nodes observe which \
      teacher nodes in the region, which gradients vanish at all of its inputs, and whether the theorem's conclusion holds. In the \
      plane this is exact; in more dimensions gradients are bounded from above in closed form, and from below at 10 000 inputs:

        understudy audit --teacher T --student S --ball 3
        understudy audit RESULTS --seed 1 --box -1,1

      Docs/Audit.md explains every column and key.
      """)

  @Argument(help: "A results folder, instead of files.")
  var results: String?

  @Option(help: "The teacher: a network file (safetensors).")
  var teacher: String?

  @Option(help: "The student: a network file of the same depth, at least as wide.")
  var student: String?

  @Option(help: "The inputs: an array file (.npy, [sample, feature]).")
  var inputs: String?

  @Option(help: "Instead of --inputs: a set of images, by its name or folder (understudy data list).")
  var images: String?

  @OptionGroup var pixels: PixelOptions

  @Option(help: "Over images: the best rho from which on a node counts as learned (default: 0.8).")
  var rho: Double?

  @Flag(
    help: "Over images: no theory's audit of fully connected networks; only correlations, strengths and what is silent."
  )
  var correlationsOnly = false

  @Option(
    help: ArgumentHelp(
      "Instead of inputs: all of a ball around 0, in units of the input; of a run also `data`, the smallest that has its "
        + "training inputs (without the copies of an augmentation).", valueName: "radius"))
  var ball: String?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Instead of inputs: all of a box, each feature between two bounds (-1,1).", valueName: "low,high"),
    transform: BoxBounds.init)
  var box: BoxBounds?

  @Option(
    help:
      "Over a region: gradients up to this times the length of the node's fan-out count as 0, in units of the output (default: what rounding leaves)."
  )
  var tolerance: Double?

  @OptionGroup var activation: ActivationOptions

  @Option(
    help: ArgumentHelp(
      "Widths of the bands around boundaries, in units of the input (0.03,0.1) or as shares of the inputs' spread (2%,10%); "
        + "also the steps of the augmentations (default: a fifteenth of the spread, and for runs of a folder what they were "
        + "measured with)."),
    transform: BandList.init)
  var bands: BandList?

  @Option(help: "Largest change of an output that merging may cause (default: what the student's own error allows).")
  var allow: Double?

  @Flag(help: "Measure also what would take much longer than a minute; otherwise it is left out, and a note says so.")
  var complete = false

  @OptionGroup var choice: RunChoice

  @Flag(help: "JSON instead of tables: an object for files, an array for a folder.")
  var json = false

  @Option(name: .customLong("merge-into"), help: "Write the smaller student to this network file.")
  var mergeInto: String?

  @Option(help: "Write a page with tables and figures; they are also at figures/ beside it.")
  var report: String?

  @Option(
    help: "Python that has vl-convert-python, for --report (default: of the .venv beside the program, or python3).")
  var python: String?

  func validate() throws {
    if inputs != nil, images != nil { throw ValidationError("give --inputs or --images, not both") }
    try checkRegion()
    try choice.check(
      folder: results, files: isOverRegion ? [teacher, student] : [teacher, student, inputs ?? images],
      called: isOverRegion
        ? "--teacher and --student" : "--teacher, --student and --inputs (or --images, --ball, --box)",
      activation)
    if results != nil, pixels.normalize != nil {
      throw ValidationError(
        "--normalize is for --images: runs say themselves how their images are normalised; leave it out")
    }
    if results != nil, mergeInto != nil { throw ValidationError("--merge-into is for one student, given by --student") }
    if let allow, !(allow >= 0 && allow.isFinite) { throw ValidationError("--allow \(allow): give 0 or more") }
    if let rho, !(rho > 0 && rho <= 1) { throw ValidationError("--rho \(rho): give a number above 0, at most 1") }
    if correlationsOnly, let option = optionsOfTheory.first {
      throw ValidationError("\(option) is for the theory's audit; leave it out, or --correlations-only")
    }
    if inputs != nil, let option = optionsOfImages.first {
      throw ValidationError("\(option) is for --images; leave it out")
    }
  }

  func run() async throws {
    try await reportingErrors {
      for output in [mergeInto, report] { try checkOutput(output, reads: [teacher, student, inputs]) }
      if let results {
        let store = try openResults(results)
        let runs = try choice.finishedRuns(of: store)
        if isOverRegion { return try auditRegions(of: runs, in: store) }
        switch Set(runs.map { $0.setting.inputs.images != nil }) {
        case [true]: try auditImageRuns(runs, in: store)
        case [false]: try auditRuns(runs, in: store)
        default:
          throw ExperimentError.input(
            "\(results): some of these runs are over images and some are not; choose either by --where")
        }
      } else if let teacher, let student, isOverRegion {
        try auditRegion(teacher, student)
      } else if let teacher, let student, let images {
        try auditImageFiles(teacher, student, images)
      } else if let teacher, let student, let inputs {
        try auditFiles(teacher, student, inputs)
      }
    }
  }

  /// The theory's audit, as the options have it.
  var theoryAudits: StudentAudits {
    StudentAudits(bands: bands?.values, allowedChange: allow, effort: complete ? .complete : .minute)
  }

  private func auditFiles(_ teacher: String, _ student: String, _ inputs: String) throws {
    let progress = ProgressLine(title: "audit")
    let entry = try theoryAudits.audit(
      teacherPath: teacher, studentPath: student, inputsPath: inputs, activation: activation.value,
      progress: progress.show)
    progress.end()
    try writeMerged(entry.merged, omitted: entry.record.omitted, of: student)
    try printLine(json ? jsonText(entry.record) : AuditTables(entry.record).text)
    try writePage([ReportedAudit(entry.title, entry.record)])
  }

  /// Where `--merge-into` asks for it.
  func writeMerged(_ merged: Network?, omitted: [String]?, of student: String) throws {
    guard let mergeInto else { return }
    guard !(omitted ?? []).contains("merging") else {
      throw ExperimentError.input(
        "--merge-into: merging was left out, because it would take long or much memory; give --complete, or fewer inputs"
      )
    }
    guard let merged else {
      throw ExperimentError.input("--merge-into: a linear network has no boundaries to merge; give relu or leakyRelu")
    }
    try write(merged, to: mergeInto, maker: "mergedFrom", of: student)
  }

  private func auditRuns(_ runs: [Run], in store: ResultsStore) throws {
    if let option = optionsOfImages.first {
      throw ExperimentError.input("\(option) is for runs over images; leave it out")
    }
    let entries = try each(of: runs) { try theoryAudits.audit($0, in: store) }
    try printLine(json ? jsonText(entries.map(\.record)) : AuditTables.summary(entries.map { ($0.title, $0.record) }))
    try writePage(entries.map { ReportedAudit($0.title, $0.record) })
  }

  /// The audits of runs, one after the other.
  func each<Entry>(of runs: [Run], _ audit: (Run) throws -> Entry) rethrows -> [Entry] {
    let progress = ProgressLine(title: "audit")
    let entries = try runs.map { run in
      defer { progress.advance(of: runs.count) }
      return try audit(run)
    }
    progress.end()
    return entries
  }

  /// Pages of hundreds of audits would not be read: the first ones, violations before all.
  func writePage(_ entries: [ReportedAudit]) throws {
    guard let report else { return }
    let greatestCount = 24
    let ordered =
      entries.filter(\.hasViolation) + entries.filter { !$0.hasViolation }
    if ordered.count > greatestCount {
      writeError("report: the first \(greatestCount) of \(ordered.count) audits; choose others by --seed and --where")
    }
    let (_, missing) = try drawing(python) {
      try writeAuditReport(Array(ordered.prefix(greatestCount)), to: URL(fileURLWithPath: report), renderer: $0)
    }
    if let missing { writeError("figures left out: \(missing); then the same command draws them") }
    writeError("report: \(report)")
  }
}

extension ReportedAudit {
  fileprivate var hasViolation: Bool { theory?.teacherNodes.contains { $0.verdict == .violation } ?? false }
}

/// `0.03,0.1` or `2%,10%`: positive lengths in units of the input, or shares of the inputs' spread.
struct BandList {
  let values: [BandWidth]

  init(_ text: String) throws {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    values = try parts.map { part in
      let isShare = part.hasSuffix("%")
      guard let number = Double(isShare ? String(part.dropLast()) : part), number > 0, number.isFinite else {
        throw ValidationError(
          "--bands \(text): give numbers greater than 0, separated by commas, in units of the inputs (0.03,0.1) or as "
            + "shares of their spread (2%,10%)")
      }
      return isShare ? .share(number / 100) : .length(number)
    }
  }
}
