import ArgumentParser
import Foundation
import Understudy

struct ConnectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "connect", abstract: "Measure the loss along three paths from one student to another.",
    discussion: """
      Two students of one teacher that have learned it are joined by a path of straight segments without loss, although \
      the straight line between them has loss. The command shows the straight line; the straight line after the second student's \
      nodes are put into the order and scale that fit the first's best; and the constructed path, with what each of its segments \
      changes and the largest loss along it.

        understudy connect A B --teacher T --inputs X

      or for two runs of a results folder, over the training inputs of the first:

        understudy connect RESULTS --run 3f2a --run 90cd

      If there is no path, the command names the obstacle, and says how many more nodes are enough. With --path the \
      networks at the path's corners are written to files: between two of them every weight moves along a straight line, so \
      that anyone can check the path.
      """)

  @Argument(help: "The first student, a network file (safetensors); or a results folder.")
  var studentA: String

  @Argument(help: "The second student, of the same depth; not with a results folder.")
  var studentB: String?

  @Option(help: "Their teacher, a network file (safetensors).")
  var teacher: String?

  @Option(help: "Inputs [sample, feature], an array file (.npy).")
  var inputs: String?

  @OptionGroup var activation: ActivationOptions

  @OptionGroup var choice: RunChoice

  @Option(help: "Points of a line, and of each segment of the path.")
  var points = 200

  @Flag(help: "JSON instead of tables: every loss, and the matching with its costs.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Write the networks at the constructed path's corners to this folder, a new or empty one; corner-000 is A.",
      valueName: "folder"))
  var path: String?

  @Option(help: "Draw the losses along the three ways: a file ending in .svg, .png, .pdf or .json.")
  var figure: String?

  @Option(
    help: "Python that has vl-convert-python, for --figure (default: of the .venv beside the program, or python3).")
  var python: String?

  func validate() throws {
    let isFolder = studentB == nil && teacher == nil && inputs == nil
    try choice.check(
      folder: isFolder ? studentA : nil, files: [isFolder ? nil : studentA, studentB, teacher, inputs],
      called: "two students, --teacher and --inputs", activation)
    let endings = ["svg", "png", "pdf", "json"]
    if let figure, !endings.contains(URL(fileURLWithPath: figure).pathExtension.lowercased()) {
      throw ValidationError("--figure \(figure): give a file ending in .svg, .png, .pdf or .json")
    }
    guard (2...100_000).contains(points) else { throw ValidationError("--points \(points): give 2 to 100000") }
  }

  func run() async throws {
    try await reportingErrors {
      if let path { try checkEmptyFolder(path) }
      try checkOutput(figure, reads: [studentA, studentB, teacher, inputs])
      var analysis = try analysis()
      if let path { try writeCorners(of: &analysis, into: path) }
      try printLine(json ? jsonText(analysis) : text(of: analysis))
      guard let figure else { return }
      try drawing(python) { try writeFigure(analysis.figure, to: URL(fileURLWithPath: figure), renderer: $0) }
      writeError("figure: \(figure)")
    }
  }

  private func analysis() throws -> ConnectionAnalysis {
    let progress = ProgressLine(title: "connect")
    defer { progress.end() }
    if let studentB, let teacher, let inputs {
      return try ConnectionAnalysis(
        studentA: studentA, studentB: studentB, teacher: teacher, inputs: inputs, activation: activation.value,
        pointCount: points, progress: progress.show)
    }
    let store = try openResults(studentA)
    let runs = try choice.finishedRuns(of: store)
    guard runs.count == 2 else {
      throw ExperimentError.input(
        "\(studentA): \(runs.count) finished \(runs.count == 1 ? "run is" : "runs are") chosen, and a path goes between two"
          + differences(of: runs, in: store.study))
    }
    return try ConnectionAnalysis(runs[0], runs[1], in: store, pointCount: points, progress: progress.show)
  }

  /// Writes the path's corners, if there is a path, and says so.
  private func writeCorners(of analysis: inout ConnectionAnalysis, into folder: String) throws {
    guard !analysis.cornerNetworks.isEmpty else {
      return writeError("path: there is none, and nothing was written to \(folder)")
    }
    try makeFolder(folder)
    var files: [String] = []
    for (index, network) in analysis.cornerNetworks.enumerated() {
      let number = "\(index)"
      let name = "corner-\(String(repeating: "0", count: max(0, 3 - number.count)))\(number).safetensors"
      files.append(URL(fileURLWithPath: folder).appendingPathComponent(name).relativePath)
      var metadata = ["pathFrom": analysis.studentA, "pathTo": analysis.studentB]
      if index > 0 { metadata["segment"] = analysis.segments[index - 1].what }
      try write(network, to: files[index], metadata: metadata)
    }
    analysis.corners = files
    writeError("path: \(files.count) networks in \(folder)")
  }

  private func text(of analysis: ConnectionAnalysis) -> String {
    let rows = analysis.curves.map { curve in
      [
        title(of: curve), short(curve.lossAtStart), short(curve.lossAtEnd), short(curve.largestLoss),
        "\(short(100 * curve.largestLossAt)) %",
      ]
    }
    let curves = TextTable(["way", "loss at A", "loss at B", "largest loss", "at"], rows)
    var parts = [
      "A        \(analysis.studentA)\nB        \(analysis.studentB)\n"
        + "loss     1/2 mean ||f* - f||^2 on \(analysis.inputs); of outputs 0 it is \(short(analysis.lossOfZero))",
      curves.text,
    ]
    if let obstacle = analysis.obstacle {
      parts.append("no constructed path: \(obstacle)")
    } else {
      let lines = analysis.segments.enumerated().map { index, segment in
        "  \(index + 1). \(segment.what)\n     largest loss \(short(segment.largestLoss))"
      }
      parts.append((["constructed path, from A to B"] + lines).joined(separator: "\n"))
      if let shortage = analysis.shortage {
        parts.append("for a path that keeps the outputs there are too few nodes: \(shortage)")
      }
    }
    return parts.joined(separator: "\n\n")
  }

  private func title(of curve: ConnectionAnalysis.Curve) -> String {
    switch curve.name {
    case "straight": "straight line"
    case "matched": "straight line after matching"
    default: "constructed path"
    }
  }
}

extension ConnectionAnalysis {
  fileprivate var figure: FigureSpecification {
    func losses(_ name: String) -> [Double] { curves.first { $0.name == name }?.losses ?? [] }
    return connectionFigure(
      straight: losses("straight"), matched: losses("matched"),
      constructed: segments.map(\.losses),
      caption: "The loss along three ways from \(studentA) to \(studentB).")
  }
}
