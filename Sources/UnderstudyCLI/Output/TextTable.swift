/// A table for a terminal: some columns to the left, by default the first, the others to the right, two spaces between.
struct TextTable {
  private var rows: [[String]]
  private let leftColumns: Set<Int>

  init(_ header: [String], leftColumns: Set<Int> = [0], _ rows: [[String]] = []) {
    (self.rows, self.leftColumns) = ([header] + rows, leftColumns)
  }

  mutating func add(_ row: [String]) { rows.append(row) }

  var text: String {
    let widths = rows[0].indices.map { column in rows.reduce(0) { max($0, $1[column].count) } }
    return rows.map { row in
      zip(row, widths).enumerated().map { column, cell in
        let fill = String(repeating: " ", count: cell.1 - cell.0.count)
        return leftColumns.contains(column) ? cell.0 + fill : fill + cell.0
      }.joined(separator: "  ").droppingLastSpaces
    }.joined(separator: "\n")
  }
}

extension String {
  fileprivate var droppingLastSpaces: String {
    String(self[..<(lastIndex { $0 != " " }.map(index(after:)) ?? startIndex)])
  }
}
