import Understudy

/// Audits over images as tables for a terminal.
enum ChannelAuditTables {
  /// All of one audit, with the theory's behind it.
  static func text(_ record: ChannelAuditRecord) -> String {
    let head = [
      "teacher  \(record.teacherName)", "student  \(record.studentName)",
      "images   \(record.imagesName): \(record.imageCount), of which \(record.strengthImageCount) for strengths",
    ].joined(separator: "\n")
    let tables = record.tables.enumerated().map { index, table in
      table.rows.isEmpty
        ? table.notes.joined(separator: "\n") : (index == 0 ? "" : table.title + "\n") + AuditTables.text(table)
    }
    let theory = record.theory.map { ["What the theory says", AuditTables($0).text] } ?? []
    return ([head] + tables + theory).joined(separator: "\n\n")
  }

  /// A line for each layer of each audit, and what the theory says of those that it was asked of.
  static func summary(_ entries: [ChannelAudits.Entry]) -> String {
    let theory = entries.compactMap { entry in entry.record.theory.map { (title: entry.title, record: $0) } }
    return
      ([AuditTables.text(channelLayerTable(entries.map { ($0.title, $0.record) }))]
      + (theory.isEmpty ? [] : ["What the theory says", AuditTables.summary(theory)])).joined(separator: "\n\n")
  }
}
