import Foundation
import UnderstudyRecords
import UnderstudySchema

/// Replaces `file` in one step, and makes the folders above it.
func writeFile(_ data: Data, to file: URL) throws(FigureError) {
  do {
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
  } catch {
    throw .fileFailed(path: file.path(percentEncoded: false), detail: "cannot be written: \(reason(of: error))")
  }
  do throws(StoreError) {
    try OutputFile.write(data, to: file.path(percentEncoded: false))
  } catch {
    throw .fileFailed(path: file.path(percentEncoded: false), detail: "cannot be written: \(error)")
  }
}

func readFile(_ file: URL) throws(FigureError) -> Data {
  do {
    return try Data(contentsOf: file)
  } catch {
    throw .fileFailed(path: file.path(percentEncoded: false), detail: "cannot be read: \(reason(of: error))")
  }
}

/// Runs `body` with a new folder that is removed afterwards.
func inTemporaryFolder<Result>(
  _ body: (URL) throws(FigureError) -> Result
) throws(FigureError) -> Result {
  let folder: TemporaryFolder
  do {
    folder = try TemporaryFolder(for: "drawing")
  } catch {
    let parent = FileManager.default.temporaryDirectory.path(percentEncoded: false)
    throw .fileFailed(path: parent, detail: "takes no new folder: \(reason(of: error))")
  }
  defer { withExtendedLifetime(folder) {} }
  return try body(folder.url)
}

/// The relative link from a page in `folder` to `file`, percent-encoded.
func relativeLink(to file: URL, from folder: URL) -> String {
  let target = file.standardizedFileURL.pathComponents
  let base = folder.standardizedFileURL.pathComponents
  var shared = 0
  while shared < min(target.count - 1, base.count), target[shared] == base[shared] { shared += 1 }
  let steps = Array(repeating: "..", count: base.count - shared) + target[shared...]
  return steps.map { $0.addingPercentEncoding(withAllowedCharacters: .urlPathAllowed) ?? $0 }.joined(separator: "/")
}
