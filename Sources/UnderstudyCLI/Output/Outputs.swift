import Foundation
import Understudy

/// Writes a file in one step, so that what was there stays if it cannot be written.
func write(_ data: Data, to path: String) throws { try writeOutput(to: path) { sink in try sink(data) } }

/// Writes what `body` hands to its sink, in pieces, to a file that the user named.
///
/// - Throws: `ExperimentError.input` if it cannot be written there, `StoreError.diskFull`, or what `body` throws.
func writeOutput(to path: String, _ body: ((Data) throws -> Void) throws -> Void) throws {
  do {
    try OutputFile.write(to: path, body)
  } catch StoreError.file(_, _, let reason) {
    throw ExperimentError.input("\(path): cannot be written (\(reason)); check the folder and its permissions")
  }
}

/// Refuses, before any work, an output that would harm something: what the command itself reads, by the file's identity and so
/// through links, and what belongs to a results folder; only pages and figures are written into one.
///
/// - Parameters:
///   - output: nil if none was asked for.
///   - reads: the files that the command reads.
func checkOutput(_ output: String?, reads: [String?]) throws {
  guard let output else { return }
  try checkWritable(output)
  if let own = FileIdentity(output), let read = reads.compactMap({ $0 }).first(where: { FileIdentity($0) == own }) {
    let sameAs = read == output ? "" : "the same file as \(read), "
    throw ExperimentError.input("\(output): is \(sameAs)what this command reads; write to another file")
  }
  let file = URL(fileURLWithPath: output).resolvingSymlinksInPath()
  guard let folder = ResultsStore.resultsFolder(around: file) else { return }
  let inside = file.pathComponents.dropFirst(folder.pathComponents.count)
  guard inside.first == "figures" || (inside.count == 1 && file.pathExtension.lowercased() == "html") else {
    throw ExperimentError.input(
      "\(output): is inside the results folder \(folder.path), where only pages (.html) and figures/ are written; "
        + "name a file elsewhere")
  }
}

/// Says so before long work if a folder for new files is not empty, is no folder, is inside a results folder, or cannot be made.
func checkEmptyFolder(_ path: String) throws {
  if let outer = ResultsStore.resultsFolder(around: URL(fileURLWithPath: path)) {
    throw StoreError.insideResults(folder: path, results: outer.path)
  }
  var isFolder: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return try checkWritable(path) }
  guard isFolder.boolValue else { throw ExperimentError.input("\(path): is a file; name a new folder") }
  guard FileManager.default.isWritableFile(atPath: path),
    let content = try? FileManager.default.contentsOfDirectory(atPath: path)
  else { throw notWritable(path) }
  guard content.isEmpty else {
    throw ExperimentError.input("\(path): the folder is not empty; name a new one, or an empty one")
  }
}

/// Makes a folder unless it is there.
func makeFolder(_ path: String) throws {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw notWritable(path)
  }
}

/// Says so before long work, not after it, if a file's folder is missing or closed, or if the file is a folder.
func checkWritable(_ path: String) throws {
  let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
  var isFolder: ObjCBool = false
  let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
  guard !path.isEmpty, FileManager.default.isWritableFile(atPath: folder), !(exists && isFolder.boolValue) else {
    throw notWritable(path)
  }
}

private func notWritable(_ path: String) -> ExperimentError {
  .input("\(path): cannot be written; check the folder and its permissions")
}
