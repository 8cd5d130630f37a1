import Foundation
import UnderstudySchema

/// A value of an audit's tables.
public enum AuditCell: Hashable, Sendable {
  case number(Double)
  case count(Int)
  /// In percent.
  case share(Double)
  case text(String)
  case verdict(AuditVerdict)
  /// There is none.
  case absent
  /// It was left out, because it would have taken long.
  case notMeasured

  static func number(_ value: Double?) -> AuditCell { value.map(number) ?? .absent }
  static func count(_ value: Int?) -> AuditCell { value.map(count) ?? .absent }

  /// In plain text: three significant digits, a hyphen for what is absent.
  public var plain: String {
    switch self {
    case .number(let value): value.brief
    case .count(let value): String(value)
    case .share(let value): "\((100 * value).brief) %"
    case .text(let value): value
    case .verdict(let value): value.words
    case .absent: "-"
    case .notMeasured: "not measured"
    }
  }
}

/// A column of an audit's tables: the one list that terminals, pages and documents have theirs from.
public struct AuditColumn: Hashable, Sendable {
  /// Where the values stand.
  public enum Place: Hashable, Sendable {
    case column
    /// On pages in smaller letters in the column before; a column of its own in plain text.
    case below
    /// Below the table, once for all rows that have it.
    case remark
  }
  public var title: String
  /// In the audit's JSON.
  public var key: String
  public var meaning: String
  public var unit: String
  public var place: Place
}

/// A table of an audit; one without rows is its notes alone.
public struct AuditTable: Hashable, Sendable {
  public var title: String
  public var columns: [AuditColumn]
  public var rows: [[AuditCell]]
  /// What is to be said below.
  public var notes: [String] = []
}

extension AuditTable {
  /// What is to be said below: the notes, then each remark once, with the nodes that it is about. Remarks that differ in the
  /// number at their end are one, with the numbers in the order of the nodes.
  public var notesAndRemarks: [String] {
    let remarks = columns.indices.filter { columns[$0].place == .remark }
    var found: [(words: String, nodes: [String], numbers: [String])] = []
    for row in rows {
      for remark in remarks where row[remark] != .absent {
        let text = row[remark].plain
        let number = text.firstMatch(of: /\ ([0-9][0-9.e+-]*)$/).map { String($0.output.1) } ?? ""
        let words = String(text.dropLast(number.count))
        let place = found.firstIndex { $0.words == words } ?? found.endIndex
        if place == found.endIndex { found.append((words, [], [])) }
        found[place].nodes.append(row[0].plain)
        if !number.isEmpty { found[place].numbers.append(number) }
      }
    }
    return notes
      + found.map { words, nodes, numbers in
        let count = nodes.count > 3 ? "\(nodes.count) nodes " : nodes.count > 1 ? "nodes " : "node "
        let values = Set(numbers).count == 1 ? numbers[0] : numbers.joined(separator: ", ")
        return "\(count)\(nodes.joined(separator: ", ")): \(words)\(values)"
      }
  }
}

/// A column and what it has of a row.
struct AuditEntry<Row>: Sendable {
  var column: AuditColumn
  var value: @Sendable (Row) -> AuditCell

  init(
    _ title: String, _ key: String, unit: String = "", _ meaning: String, _ place: AuditColumn.Place = .column,
    _ value: @escaping @Sendable (Row) -> AuditCell
  ) {
    column = AuditColumn(title: title, key: key, meaning: meaning, unit: unit, place: place)
    self.value = value
  }
}

extension AuditTable {
  init<Row>(_ title: String, _ rows: [Row], _ entries: [AuditEntry<Row>]) {
    self.init(
      title: title, columns: entries.map(\.column), rows: rows.map { row in entries.map { $0.value(row) } })
  }
}
