import Foundation
import Understudy

/// An audit as tables for a terminal.
struct AuditTables {
  private let record: AuditRecord

  init(_ record: AuditRecord) { self.record = record }

  var text: String {
    ([head] + record.tables.map(Self.text) + [record.summary]).joined(separator: "\n\n")
  }

  private var head: String {
    var lines = [
      "teacher  \(record.teacherName)", "student  \(record.studentName)",
      "inputs   \(record.inputsName): \(record.sampleCount) samples of \(record.inputDimension) features, rank "
        + "\(record.inputRank), spread \(record.inputSpread.map(short) ?? "-")",
      "loss     \(short(record.loss))    largest gradient of a sample: \(short(record.largestGradient)) on the inputs, "
        + "\(record.largestGradientAgnostic.map(short) ?? notMeasured) and "
        + "\(record.largestGradientAware.map(short) ?? notMeasured) on copies moved by "
        + "\(short(record.augmentationStep)) (teacher-agnostic, -aware)",
    ]
    for density in record.etaHat {
      lines.append(
        "density  eta >= \(short(density.value)) in bands of \(short(density.band)): \(density.family), \(density.description)"
      )
    }
    return (lines + record.notes.map { "note     \($0)" }).joined(separator: "\n")
  }

  /// Every column that is no remark; below, the notes and the remarks.
  static func text(_ table: AuditTable) -> String {
    let shown = table.columns.indices.filter { table.columns[$0].place != .remark }
    let rows = table.rows.map { row in shown.map { row[$0].plain } }
    let text = TextTable(shown.map { table.columns[$0].title }, rows)
    return ([text.text] + table.notesAndRemarks.map { "  " + $0 }).joined(separator: "\n")
  }

  /// A line for each of several audits: how many teacher nodes have which verdict.
  static func summary(_ entries: [(title: String, record: AuditRecord)]) -> String {
    let verdicts = AuditVerdict.allCases.filter { verdict in
      entries.contains { $0.record.teacherNodes.contains { $0.verdict == verdict } }
    }
    let rows = entries.map { title, record in
      [title] + verdicts.map { verdict in "\(record.teacherNodes.count { $0.verdict == verdict })" } + [
        short(record.largestGradient), "\(record.student.nodeCount)",
        record.student.mergedNodeCount.map { "\($0)" } ?? notMeasured, record.student.weightError.map(short) ?? "-",
      ]
    }
    let head = ["run"] + verdicts.map(\.words) + ["largest gradient", "units", "left", "weight error"]
    return TextTable(head, rows).text
  }
}

/// Where a part of an audit was left out.
private let notMeasured = AuditCell.notMeasured.plain

/// As the tables have their numbers.
func short(_ value: Double) -> String { value.brief }
