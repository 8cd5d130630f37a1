import Foundation
import UnderstudyRecords

/// Replaces `file` in one step, and makes the folders above it.
func writeFile(_ data: Data, to file: URL) throws(FigureError) {
  do {
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
  } catch {
    throw .fileFailed(path: file.path(percentEncoded: false), detail: "cannot be written: \(error.reason)")
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
    throw .fileFailed(path: file.path(percentEncoded: false), detail: "cannot be read: \(error.reason)")
  }
}

/// Runs `body` with a new folder that is removed afterwards.
func inTemporaryFolder<Result>(
  _ body: (URL) throws(FigureError) -> Result
) throws(FigureError) -> Result {
  let folder = FileManager.default.temporaryDirectory.appending(path: "understudy-\(UUID().uuidString)")
  do {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  } catch {
    throw .fileFailed(path: folder.path(percentEncoded: false), detail: "cannot be made: \(error.reason)")
  }
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}

extension Error {
  /// The system's reason, such as "No space left on device", where Foundation hides it in an underlying error.
  fileprivate var reason: String {
    let error = self as NSError
    let underlying = error.userInfo[NSUnderlyingErrorKey] as? NSError
    return (underlying ?? error).localizedDescription
  }
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
