import ArgumentParser
import Foundation
import Understudy

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Train what is missing of a study, store it and write its report.",
    discussion: """
      Runs every setting with every seed, on all processors. After Ctrl-C or a failure of the machine, the same command \
      continues where this one stopped, and runs only what is missing. `understudy keys` lists the keys of a study file.
      """)

  @Argument(help: "A study file (YAML), or the name of a bundled study.")
  var study: String

  @Option(help: "Results folder (default: results/NAME of the study).")
  var results: String?

  @Option(help: "One of the study's scales, for example quick or full.")
  var scale: String?

  @OptionGroup var options: ExecutionOptions

  func run() async throws {
    try await reportingErrors {
      let (study, origin) = try namedStudy()
      let folder = folder(of: study.name)
      try await options.execute(study, from: origin, in: folder)
      guard !options.machine.noReport else { return }
      guard !study.figures.isEmpty || !study.findings.isEmpty else {
        return writeError("\(study.name): no report, because the study declares no figures and no findings")
      }
      try drawReport(of: [folder], to: folder.appendingPathComponent("report.html"), python: options.machine.python)
    }
  }

  /// The study of that file, or else the bundled one of that name. A folder, such as one of results, is no such file.
  private func namedStudy() throws -> (Study, StudyOrigin) {
    var isFolder: ObjCBool = false
    if !FileManager.default.fileExists(atPath: study, isDirectory: &isFolder) || isFolder.boolValue {
      let bundled = try BundledStudies.load(
        study, scale: scale, overrides: options.overrides, kept: { keptSource(in: folder(of: $0), at: $1) },
        notice: { writeError($0) })
      if let bundled {
        return (bundled, StudyOrigin(bundledName: study, scale: scale, overrides: options.overrides))
      }
      let name = URL(fileURLWithPath: study).deletingPathExtension().lastPathComponent
      if BundledStudies.reproductions.contains(where: { $0.name == name }) {
        throw ExperimentError.input("\(study): several studies together; give `understudy reproduce \(name)`")
      }
      if !isFolder.boolValue, let likely = likelyName(for: name, among: BundledStudies.names) {
        throw ExperimentError.input("\(study): no such file or bundled study; did you mean the bundled '\(likely)'?")
      }
    }
    let loaded = try Study.load(
      path: study, scale: scale, overrides: options.overrides, kept: { keptSource(in: folder(of: $0), at: $1) },
      notice: { writeError($0) })
    return (loaded, StudyOrigin(path: study, scale: scale, overrides: options.overrides))
  }

  private func folder(of name: String) -> URL { URL(fileURLWithPath: results ?? "results/\(name)") }
}

struct ReproduceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reproduce", abstract: "Reproduce an experiment of the paper and write one report.",
    discussion: BundledStudies.reproductions.map { "\($0.name): \($0.summary)" }.joined(separator: "\n"))

  @Argument(help: "Which experiment: \(BundledStudies.reproductions.map(\.name).joined(separator: ", ")).")
  var experiment: String

  @Option(help: "quick takes a minute or a few on two cores, full is the paper's whole size.")
  var scale: Scale = .quick

  @Option(help: "Results folder (default: results/EXPERIMENT-SCALE).")
  var results: String?

  @OptionGroup var options: ExecutionOptions

  enum Scale: String, ExpressibleByArgument, CaseIterable { case quick, full }

  func run() async throws {
    guard let reproduction = BundledStudies.reproductions.first(where: { $0.name == experiment }) else {
      throw unknownExperiment
    }
    try await reportingErrors {
      let folder = URL(fileURLWithPath: results ?? "results/\(experiment)-\(scale.rawValue)")
      let studies = try reproduction.studies.compactMap { name in
        try BundledStudies.load(
          name, scale: scale.rawValue, overrides: options.overrides,
          kept: { keptSource(in: folder.appendingPathComponent($0), at: $1) },
          notice: { if name == reproduction.studies[0] { writeError($0) } })
      }
      let folders = studies.map { folder.appendingPathComponent($0.name) }
      for (study, folder) in zip(studies, folders) {
        let origin = StudyOrigin(bundledName: study.name, scale: scale.rawValue, overrides: options.overrides)
        try await options.execute(study, from: origin, in: folder)
      }
      guard !options.machine.noReport else { return }
      try drawReport(of: folders, to: folder.appendingPathComponent("report.html"), python: options.machine.python)
    }
  }
  /// What is said of a name that is no experiment: the one that is likely meant, or all with what they show.
  private var unknownExperiment: ValidationError {
    let known = BundledStudies.reproductions
    let remedy: String
    if let study = likelyName(for: experiment, among: BundledStudies.names),
      !known.contains(where: { $0.name == study })
    {
      remedy = "did you mean the study '\(study)'? `understudy run \(study)` runs it alone"
    } else if let likely = likelyName(for: experiment, among: known.map(\.name)) {
      remedy = "did you mean '\(likely)'?"
    } else {
      remedy = "there are:" + known.map { "\n  \($0.name): \($0.summary)" }.joined()
    }
    return ValidationError("no experiment is named '\(experiment)'; \(remedy)")
  }
}
