import Testing

/// The sources keep to the table of who may import whom.
@Suite struct ImportTests {
  @Test("imports are in the table", arguments: ImportTable.rows)
  func importsAreInTheTable(row: ImportTable.Row) throws {
    for file in try Repository.sources(below: "Sources/\(row.target)") where file.isSwift {
      for module in file.imports where !ImportTable.system.contains(module) {
        #expect(row.mayImport.contains(module), "\(file.path) imports \(module), which ARCHITECTURE.md does not allow")
      }
    }
  }

  @Test("imports are declared in Package.swift", arguments: ImportTable.rows)
  func importsAreDeclared(row: ImportTable.Row) throws {
    let reachable = Manifest(try Repository.text("Package.swift")).reachable(from: row.target)
    for file in try Repository.sources(below: "Sources/\(row.target)") where file.isSwift {
      for module in file.imports where !ImportTable.system.contains(module) {
        #expect(reachable.contains(module), "\(file.path) imports \(module), which no dependency of its target brings")
      }
    }
  }

  @Test func packageDeclaresTheSameTargets() throws {
    let declared = Manifest(try Repository.text("Package.swift")).dependencies
    #expect(Set(declared.keys) == Set(ImportTable.rows.map(\.target)))
    for row in ImportTable.rows {
      let extra = (declared[row.target] ?? []).subtracting(row.mayImport)
      #expect(extra.isEmpty, "Package.swift lets \(row.target) depend on \(extra.sorted()), the table does not")
    }
  }

  @Test func everyFolderIsATarget() throws {
    #expect(try Repository.folders(in: "Sources") == Set(ImportTable.rows.map(\.target)))
  }

  @Test func architectureGuideHasTheSameTable() throws {
    #expect(ImportTable.parsed(fromMarkdown: try Repository.text("ARCHITECTURE.md")) == ImportTable.rows)
  }

  @Test func siblingsDoNotSeeEachOther() {
    // What the table is for, said apart from it: measuring cannot touch training state, figures come from disk alone.
    let rows = Dictionary(uniqueKeysWithValues: ImportTable.rows.map { ($0.target, $0.mayImport) })
    #expect(rows["UnderstudyTheory"]?.contains("UnderstudyTraining") == false)
    #expect(rows["UnderstudyTraining"]?.contains("UnderstudyTheory") == false)
    #expect(rows["UnderstudyFigures"] == ["UnderstudySchema", "UnderstudyRecords"])
  }
}

/// C and unsafe pointers stay in one target; files stay readable.
@Suite struct SourceTests {
  @Test func onlyNumericsCallsCAndHandlesUnsafePointers() throws {
    for file in try Repository.sources(below: "Sources") where file.isSwift {
      if file.path.hasPrefix("Sources/\(ImportTable.unsafeTarget)/") { continue }
      #expect(ImportTable.cTargets.isDisjoint(with: file.imports), "\(file.path) imports a C target")
      #expect(file.unsafeLines.isEmpty, "\(file.path) handles unsafe pointers in lines \(file.unsafeLines)")
    }
  }

  @Test("no file is longer than 450 lines", arguments: ["Sources", "Tests"])
  func filesAreShort(folder: String) throws {
    let files = try Repository.sources(below: folder)
    #expect(!files.isEmpty)
    for file in files {
      #expect(file.lines.count <= 451, "\(file.path) has \(file.lines.count - 1) lines; split it")
    }
  }
}

/// A reader sees a target's parts in its folders.
@Suite struct RoomTests {
  @Test(arguments: ["Sources", "Tests"]) func noFolderHoldsMoreFilesThanAGlanceTakes(top: String) throws {
    let folders = Dictionary(grouping: try Repository.sources(below: top)) {
      $0.path.split(separator: "/").dropLast().joined(separator: "/")
    }
    #expect(folders.count > 20)
    for (folder, files) in folders { #expect(files.count <= 17, "\(folder) has \(files.count) files; give it rooms") }
  }

  @Test("every target with rooms has them in the guide", arguments: ImportTable.rows)
  func architectureGuideNamesTheRooms(row: ImportTable.Row) throws {
    let rooms = Set(
      try Repository.folders(in: "Sources/\(row.target)").filter { room in
        try Repository.sources(below: "Sources/\(row.target)/\(room)").contains(where: \.isSwift)
      })
    guard !rooms.isEmpty else { return }
    let line = try Repository.text("ARCHITECTURE.md").split(separator: "\n").first {
      $0.hasPrefix("| `\(row.target)` | `") && $0.filter { $0 == "|" }.count == 3
    }
    let named = Set((line ?? "").matches(of: /`(\w+)`/).map { String($0.1) }).subtracting([row.target])
    #expect(named == rooms)
  }
}

/// The readers above read what they should.
@Suite struct ReaderTests {
  @Test(
    "forms of import",
    arguments: [
      ("import GRDB", "GRDB"), ("  import Yams // for files", "Yams"),
      ("@_exported import UnderstudyTheory", "UnderstudyTheory"),
      ("@testable import UnderstudyRecords", "UnderstudyRecords"), ("internal import Foundation", "Foundation"),
      ("import struct Foundation.URL", "Foundation"), ("@preconcurrency public import Yams", "Yams"),
      ("@_spi(Testing) import GRDB", "GRDB"), ("// import GRDB", nil), ("let important = 1", nil), ("importGRDB", nil),
    ] as [(String, String?)])
  func formsOfImport(line: String, module: String?) {
    #expect(moduleImported(by: line[...]) == module)
  }

  @Test func manifest() {
    let manifest = Manifest(
      """
      .target(name: "A", exclude: ["x.inc"]),
      .target(
        name: "B", dependencies: ["A", .product(name: "G", package: "G.swift")]),
      .executableTarget(name: "C", dependencies: ["B"]),
      .testTarget(name: "T", dependencies: ["A"]),
      """)
    #expect(manifest.dependencies == ["A": [], "B": ["A", "G"], "C": ["B"]])
    #expect(manifest.reachable(from: "C") == ["A", "B", "G"])
  }

  @Test func markdownTable() {
    let rows = ImportTable.parsed(
      fromMarkdown: """
        | file | what |
        |---|---|
        | `x` | y |

        | target | its one job | may import |
        |---|---|---|
        | `A` | counts | - |
        | `B` (product `b`) | prints `1` | `A`, `G` |
        | `C` | all | every target above, `P` |
        """)
    #expect(rows == [.init("A", []), .init("B", ["A", "G"]), .init("C", ["A", "B", "P"])])
  }

  @Test func otherLanguagesInStringsAreNoImports() {
    let quotes = String(repeating: "\"", count: 3)
    let file = Repository.File(
      path: "x.swift", text: "import A\nlet p = \(quotes)\nimport json\n\(quotes)\nimport B; import C")
    #expect(file.imports == ["A", "B", "C"])
  }

  @Test func unsafeLines() {
    let file = Repository.File(
      path: "x.swift", text: "a.withUnsafeBytes {}\n// Unsafe\nlet isUnsafe = 1 // Unsafe\nUnsafePointer(b)")
    #expect(file.unsafeLines == [1, 4])
  }
}
