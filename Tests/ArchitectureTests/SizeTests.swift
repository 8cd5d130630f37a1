import Foundation
import Testing

/// Functions and types that are large have a reason in CONTRIBUTING.md.
@Suite struct SizeTests {
  @Test func largeDeclarationsHaveAReason() throws {
    let guide = try Repository.text("CONTRIBUTING.md")
    let declarations = try Repository.sources(below: "Sources").filter(\.isSwift).flatMap(\.declarations)
    #expect(declarations.count > 3000)
    var large: Set<String> = []
    for declaration in declarations where declaration.lineCount > 60 || declaration.propertyCount > 11 {
      large.insert(declaration.name)
      #expect(
        declaration.hasReason(in: guide),
        """
        \(declaration.path): \(declaration.name) has \(declaration.lineCount) lines of a function, or \
        \(declaration.propertyCount) stored properties; split it, or say in CONTRIBUTING.md why it is one
        """)
    }
    // As the guide has them: what is found here is not nothing.
    #expect(large.isSuperset(of: ["takeAll", "AuditRecord", "TrainingSetting", "AuditCommand", "KernelTable"]))
  }

  @Test func declarationsAreMeasured() {
    let text = """
      public struct Shape: Sendable {
        public private(set) var (rows, columns): (Int, Int)
        let name = "a"  // { let b }
        static let none = 0
        var size: Int { rows * columns }
        private let text = \"""
          let no = 1
          \"""
        var observed = 1 {
          didSet {}
        }
        init(
          _ rows: Int
        ) {
          let local = 1
        }
        func small() -> Int { 1 }
      }
      """
    let file = Repository.File(path: "a.swift", text: text.replacing("\\\"\"\"", with: "\"\"\""))
    let found = file.declarations
    #expect(found.map(\.name) == ["Shape", "init", "small"])
    #expect(found.map(\.propertyCount) == [5, 0, 0])
    #expect(found.map(\.lineCount) == [0, 5, 1])
  }
}

/// A function or type of a file.
private struct Declaration {
  var path: String
  var name: String
  /// Of a function, with its head; 0 of a type.
  var lineCount = 0
  /// Stored ones of a type, in its body.
  var propertyCount = 0

  /// What is one by its kind has a property for each number of a document, option or key.
  func hasReason(in guide: String) -> Bool {
    ["Record", "Setting", "Command"].contains { name.hasSuffix($0) } || guide.contains("`\(name)`")
  }
}

extension Repository.File {
  /// As `swift format` indents them: a declaration ends with the first brace below it that is as far to the left.
  fileprivate var declarations: [Declaration] {
    let head =
      /^( *)(?:@\w+(?:\([^)]*\))? )*(?:\w+(?:\(\w+\))? )*(func|init|struct|class|actor)(?: +([^ (<:]+)|\b)/
    let code = codeLines
    return code.indices.compactMap { start in
      let line = code[start]
      guard ["func", "init", "struct", "class", "actor"].contains(where: { line.contains($0) }),
        let match = line.firstMatch(of: head)
      else { return nil }
      let (indent, kind) = (String(match.1), match.2)
      let isWhole = line.hasSuffix("}")
      let end = isWhole ? start : code[start...].dropFirst().firstIndex { $0.hasPrefix(indent + "}") }
      var declaration = Declaration(path: path, name: match.3.map(String.init) ?? String(kind))
      guard let end else { return nil }
      if kind == "func" || kind == "init" {
        declaration.lineCount = end - start + 1
      } else if !isWhole {
        declaration.propertyCount = code[start..<end].reduce(0) { $0 + $1.storedPropertyCount(indent: indent + "  ") }
      }
      return declaration
    }
  }

  /// Every line without its comment; empty within a multi-line string.
  private var codeLines: [String] {
    var isInString = false
    return lines.map { line in
      let wasInString = isInString
      if line.components(separatedBy: "\"\"\"").count.isMultiple(of: 2) { isInString.toggle() }
      if wasInString { return "" }
      var code = String(line.prefix(upTo: line.range(of: "//")?.lowerBound ?? line.endIndex))
      while code.hasSuffix(" ") { code.removeLast() }
      return code
    }
  }
}

extension String {
  /// How many stored properties the line declares, if it is so far to the right.
  fileprivate func storedPropertyCount(indent: String) -> Int {
    guard hasPrefix(indent), !hasPrefix(indent + " "), contains("let ") || contains("var ") else { return 0 }
    let property =
      /^ *(?:@\w+(?:\([^)]*\))? )*(?:(?:public|package|fileprivate|private|nonisolated|weak|unowned|lazy)(?:\(\w+\))? )*(let|var) (.*)/
    guard let match = firstMatch(of: property) else { return 0 }
    let isComputed = match.1 == "var" && match.2.prefix { $0 != "=" }.contains("{")
    guard !isComputed else { return 0 }
    guard let names = match.2.firstMatch(of: /^\(([\w, ]+)\)/) else { return 1 }
    return names.1.split(separator: ",").count
  }
}
