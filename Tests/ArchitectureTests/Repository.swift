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
    code.flatMap { $0.text.split(separator: ";") }.compactMap { moduleImported(by: $0) }
  }

  /// Lines that handle unsafe pointers; numbers from 1.
  var unsafeLines: [Int] {
    let pointers = /(?:^|\W)(?:Unsafe|withUnsafe|unsafe)\w+/
    return code.filter { $0.text.range(of: "nsafe") != nil && $0.text.contains(pointers) }.map(\.number)
  }

  /// The lines without `//` comments and without multi-line strings, which may hold another language; numbers from 1.
  private var code: [(number: Int, text: Substring)] {
    var isInString = false
    var code: [(number: Int, text: Substring)] = []
    for (index, line) in lines.enumerated() {
      let wasInString = isInString
      if line.components(separatedBy: "\"\"\"").count.isMultiple(of: 2) { isInString.toggle() }
      if wasInString { continue }
      code.append((index + 1, line.prefix(upTo: line.range(of: "//")?.lowerBound ?? line.endIndex)))
    }
    return code
  }
}

/// The module of an import declaration; nil if the line is none.
func moduleImported(by line: Substring) -> String? {
  guard line.range(of: "import") != nil else { return nil }  // the expression below is slow
  let declaration =
    /^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?import\s+(?:(?:struct|class|enum|protocol|typealias|func|let|var)\s+)?(\w+)/
  return line.firstMatch(of: declaration).map { String($0.1) }
}
