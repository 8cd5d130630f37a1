import Foundation

/// The files of this repository, read as text.
enum Repository {
  /// Tests/ArchitectureTests/Repository.swift is two folders below it.
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  struct File {
    /// From the root, e.g. "Sources/UnderstudyNumerics/Matrix.swift".
    let path: String
    let text: String

    var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }
    var isSwift: Bool { path.hasSuffix(".swift") }
  }

  static func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  /// Names of the folders directly inside a folder.
  static func folders(in path: String) throws -> Set<String> {
    let keys: [URLResourceKey] = [.isDirectoryKey]
    let entries = try FileManager.default.contentsOfDirectory(
      at: root.appending(path: path), includingPropertiesForKeys: keys, options: .skipsHiddenFiles)
    return Set(
      try entries.filter { try $0.resourceValues(forKeys: Set(keys)).isDirectory == true }.map(\.lastPathComponent))
  }

  /// Source files anywhere below a folder, in the languages of this repository.
  static func sources(below path: String) throws -> [File] {
    let endings: Set = ["swift", "c", "h", "inc", "py", "sh"]
    let folder = root.appending(path: path)
    guard let names = FileManager.default.enumerator(atPath: folder.path(percentEncoded: false)) else { return [] }
    return try names.compactMap { $0 as? String }.sorted()
      .filter { endings.contains(URL(filePath: $0).pathExtension) }
      .map { File(path: "\(path)/\($0)", text: try text("\(path)/\($0)")) }
  }
}

extension Repository.File {
  /// The modules that a Swift file imports, in whichever form: plain, `@_exported`, `internal`, `import struct X.Y`.
  var imports: [String] {
    lines.flatMap { $0.split(separator: ";") }.compactMap { moduleImported(by: $0) }
  }

  /// Lines that handle unsafe pointers, comments left out; numbers from 1.
  var unsafeLines: [Int] {
    lines.indices.filter { index in
      let code = lines[index].prefix(upTo: lines[index].firstRange(of: "//")?.lowerBound ?? lines[index].endIndex)
      return code.contains("Unsafe")
    }.map { $0 + 1 }
  }
}

/// The module of an import declaration; nil if the line is none.
func moduleImported(by line: Substring) -> String? {
  let declaration =
    /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|typealias|func|let|var)\s+)?(\w+)/
  return line.firstMatch(of: declaration).map { String($0.1) }
}
