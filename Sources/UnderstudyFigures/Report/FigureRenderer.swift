import Foundation

/// Draws Vega-Lite specifications with the Python wheel `vl-convert-python`, which needs no browser and no network.
///
/// Python is started once for all figures; it reads and writes files only.
public struct FigureRenderer: Sendable {
  /// The release of the wheel that Understudy is tested with.
  public static let wheelVersion = "1.9.0.post1"

  /// The interpreter: a path, or a name to be found on `PATH`.
  public var python: String
  /// Asked from time to time while figures are drawn: whether to stop, which ends Python and throws `FigureError.stopped`.
  public var isStopped: @Sendable () -> Bool
  /// Told from time to time how many of how many figures are drawn.
  public var report: @Sendable (_ drawn: Int, _ count: Int) -> Void

  public init(
    python: String, isStopped: @escaping @Sendable () -> Bool = { false },
    report: @escaping @Sendable (_ drawn: Int, _ count: Int) -> Void = { _, _ in }
  ) {
    (self.python, self.isStopped, self.report) = (python, isStopped, report)
  }

  /// - Throws: `FigureError.stopped` if it is to stop.
  func checkIsStopped() throws(FigureError) {
    if isStopped() { throw .stopped }
  }

  /// Checks that the interpreter starts and has the wheel, without drawing anything.
  ///
  /// - Throws: `FigureError.pythonMissing` or `.wheelMissing`.
  public func check() throws(FigureError) {
    try draw([], pageFolder: nil)
  }

  /// Draws each `NAME.json` beside itself as `NAME.svg`, `NAME.png` (288 dots an inch) and `NAME.pdf` (true to size:
  /// at most 17 cm wide).
  ///
  /// Each file is replaced in one step, so that a reader never sees half of one.
  ///
  /// - Throws: ``FigureError`` if Python or its wheel is missing, a file cannot be written, or the renderer is stopped.
  public func draw(_ specifications: [URL]) throws(FigureError) {
    try draw(specifications, pageFolder: nil)
  }

  /// What a page needs to show the figures without network.
  struct PageParts {
    /// JavaScript that sets `window.vegaEmbed`.
    var bundle: String
    /// A small PNG of each figure, twice as large as it is shown.
    var previews: [Data]
  }

  /// As `draw`, and gives back the parts of a page.
  func drawForPage(_ specifications: [URL]) throws(FigureError) -> PageParts {
    try inTemporaryFolder { folder throws(FigureError) in
      try draw(specifications, pageFolder: folder)
      return PageParts(
        bundle: String(decoding: try readFile(folder.appending(path: "bundle.js")), as: UTF8.self),
        previews: try specifications.indices.map { index throws(FigureError) in
          try readFile(folder.appending(path: "\(index).png"))
        })
    }
  }

  /// As `drawForPage`, but if Python or its wheel is missing, gives back the error instead of throwing it: a page is worth
  /// writing without figures.
  func drawForPageIfPossible(_ specifications: [URL]) throws(FigureError) -> (parts: PageParts?, missing: FigureError?)
  {
    guard !specifications.isEmpty else { return (nil, nil) }
    do throws(FigureError) {
      return (try drawForPage(specifications), nil)
    } catch {
      guard error.isMissingTool else { throw error }
      return (nil, error)
    }
  }

  private func draw(_ specifications: [URL], pageFolder: URL?) throws(FigureError) {
    let jobs: [JSONValue] = specifications.map { .text($0.deletingPathExtension().path(percentEncoded: false)) }
    try inTemporaryFolder { folder throws(FigureError) in
      let progress = folder.appending(path: "progress").path(percentEncoded: false)
      let manifest: JSONValue = [
        "figures": .array(jobs), "pageFolder": pageFolder.map { .text($0.path(percentEncoded: false)) } ?? nil,
        "progress": .text(progress),
      ]
      let file = folder.appending(path: "manifest.json")
      try writeFile(Data(manifest.encoded().utf8), to: file)
      let (status, output) = try runPython(
        ["-c", Resource.renderScript, file.path(percentEncoded: false)], log: folder.appending(path: "log.txt")
      ) {
        let size = try? FileManager.default.attributesOfItem(atPath: progress)[.size] as? Int
        report(size ?? 0, specifications.count)
      }
      switch status {
      case 0: return
      case 3: throw .wheelMissing(python: python, detail: output)
      case 126, 127: throw .pythonMissing(python: python)
      default: throw .renderingFailed(detail: output.isEmpty ? "Python ended with status \(status)" : output)
      }
    }
  }

  /// Runs the interpreter and gives back its status and the end of what it wrote. Its output goes to a file, which cannot
  /// fill up and block as a pipe can.
  ///
  /// - Parameter poll: called from time to time while it runs.
  private func runPython(
    _ arguments: [String], log: URL, poll: () -> Void
  ) throws(FigureError) -> (status: Int32, output: String) {
    try writeFile(Data(), to: log)
    let process = Process()
    if python.contains("/") {
      process.executableURL = URL(filePath: python)
      process.arguments = arguments
    } else {
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = [python] + arguments
    }
    process.standardInput = FileHandle.nullDevice
    do {
      let handle = try FileHandle(forWritingTo: log)
      process.standardOutput = handle
      process.standardError = handle
      defer { try? handle.close() }
      try process.run()
    } catch {
      throw .pythonMissing(python: python)
    }
    while process.isRunning, !isStopped() {
      Thread.sleep(forTimeInterval: 0.02)
      poll()
    }
    // Not SIGTERM: a process that is started from one of Dispatch's threads has it blocked.
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    try checkIsStopped()
    let text = String(decoding: try readFile(log), as: UTF8.self)
    let lines = text.split(separator: "\n").suffix(3).joined(separator: " | ")
    return (process.terminationStatus, lines)
  }
}
