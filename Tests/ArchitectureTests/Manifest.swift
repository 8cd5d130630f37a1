/// What Package.swift declares, read as text: the targets and their dependencies.
struct Manifest {
  /// Names of dependencies by target; test targets are left out.
  let dependencies: [String: Set<String>]

  init(_ text: String) {
    let heading = /\.(target|executableTarget|testTarget|systemLibrary)\(\s*name:\s*"(\w+)"/
    let matches = text.matches(of: heading)
    var dependencies: [String: Set<String>] = [:]
    for (index, match) in matches.enumerated() where match.1 != "testTarget" {
      let end = index + 1 < matches.count ? matches[index + 1].range.lowerBound : text.endIndex
      let list = text[match.range.upperBound..<end].firstMatch(of: /dependencies:\s*\[([^\]]*)\]/)?.1 ?? ""
      // `.product(name: "GRDB", package: "GRDB.swift")` is the dependency GRDB.
      let names = list.replacing(/,\s*package:\s*"[^"]*"/, with: "").matches(of: /"(\w+)"/).map { String($0.1) }
      dependencies[String(match.2)] = Set(names)
    }
    self.dependencies = dependencies
  }

  /// What a target can import: its dependencies, theirs, and so on.
  func reachable(from target: String) -> Set<String> {
    var reached: Set<String> = []
    var open = dependencies[target] ?? []
    while let next = open.popFirst() {
      if reached.insert(next).inserted { open.formUnion(dependencies[next] ?? []) }
    }
    return reached
  }
}

extension ImportTable {
  /// The rows of the table in a Markdown document whose heading ends in "may import".
  ///
  /// Names stand in backquotes; "every target above" means the Swift targets of the rows before.
  static func parsed(fromMarkdown text: String) -> [Row] {
    var rows: [Row] = []
    var isInside = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      guard line.hasPrefix("|") else {
        isInside = false
        continue
      }
      let cells = line.split(separator: "|").map { $0.trimmingPrefix(/\s+/) }
      guard cells.count >= 3, let name = cells[0].firstMatch(of: /`(\w+)`/)?.1 else {
        isInside = isInside || cells.last?.hasPrefix("may import") == true
        continue
      }
      guard isInside else { continue }
      var modules = Set(cells[2].matches(of: /`(\w+)`/).map { String($0.1) })
      if cells[2].contains("every target above") {
        modules.formUnion(rows.map(\.target).filter { !cTargets.contains($0) })
      }
      rows.append(Row(String(name), modules))
    }
    return rows
  }
}
