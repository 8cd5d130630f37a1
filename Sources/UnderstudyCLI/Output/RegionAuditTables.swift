import Understudy

/// Audits over a region as tables for a terminal.
enum RegionAuditTables {
  static func text(_ record: RegionAuditRecord) -> String {
    let head = [
      "teacher  \(record.teacherName)", "student  \(record.studentName)", "inputs   \(record.region)",
      "zero     gradients up to \(short(record.tolerance)) ||v_k||; "
        + (record.isExact
          ? "the largest ones are exact"
          : "the largest ones are those found at \(record.inputCount) inputs, no input has one above the bound"),
    ].joined(separator: "\n")
    return ([head] + record.tables.map(AuditTables.text) + [record.summary]).joined(separator: "\n\n")
  }

  /// A line for each of several audits.
  static func summary(_ entries: [(title: String, record: RegionAuditRecord)]) -> String {
    let rows = entries.map { title, record in
      let visible = record.teacherNodes.filter(\.isVisible)
      return [
        title, "\(visible.count)", "\(visible.count { !$0.observers.isEmpty })",
        "\(visible.count { !$0.witnesses.isEmpty })", "\(visible.count(where: \.verdict.isFound))",
        "\(record.studentNodes.count)", "\(record.studentNodes.count { $0.vanishes == true })",
        short(record.studentNodes.map(\.largestGradient).max() ?? 0),
        "\(record.studentNodes.count(where: \.isPredictedSilent))",
      ]
    }
    let head = [
      "run", "visible", "observed", "predicted", "aligned", "student nodes", "vanishing", "largest gradient",
      "must be 0",
    ]
    return TextTable(head, rows).text
  }
}
