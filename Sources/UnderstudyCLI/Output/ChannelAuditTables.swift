import Foundation
import Understudy

/// Audits over images as tables for a terminal.
enum ChannelAuditTables {
  /// All of one audit.
  static func text(_ record: ChannelAuditRecord) -> String {
    let head = [
      "teacher  \(record.teacherName)", "student  \(record.studentName)",
      "images   \(record.imagesName): \(record.imageCount), of which \(record.strengthImageCount) for strengths",
    ].joined(separator: "\n")
    let unlearned = table(
      of: record, ["teacher node", "best rho", "student node", "strength", "share"], \.teacherNodes, [.unlearned]
    ) { [$0.partner.map { "\($0)" } ?? "-", short($0.strength), percent($0.share)] }
    let silent = table(
      of: record, ["student node", "best rho", "teacher node", "strength", "of the largest"], \.studentNodes,
      [.silent, .dead]
    ) {
      [$0.state == .dead ? "dead" : $0.partner.map { "\($0)" } ?? "-", short($0.strength), percent($0.relativeEffect)]
    }
    let layers = summary([(nil, record)])
    let bound = short(record.learnedAt)
    return [
      head, layers,
      unlearned.map { "Not learned: teacher nodes whose best rho is below \(bound)\n\($0)" }
        ?? "All teacher nodes have a student node with a rho of \(bound) or more.",
      silent.map { "Can go: student nodes that are dead, or unaligned and nearly silent\n\($0)" }
        ?? "No student node is dead, or unaligned and nearly silent.",
    ].joined(separator: "\n\n")
  }

  /// A line for each layer of each audit.
  static func summary(_ entries: [(title: String?, record: ChannelAuditRecord)]) -> String {
    let hasTitles = entries.contains { $0.title != nil }
    var table = TextTable(
      (hasTitles ? ["run"] : []) + [
        "layer", "teacher nodes", "learned", "not learned", "their share", "student nodes", "aligned", "silent", "dead",
      ])
    for (title, record) in entries {
      for layer in record.layers {
        table.add(
          (hasTitles ? [title ?? ""] : []) + [
            layerLabel(layer.layer), "\(layer.teacherNodes.count)", "\(layer.learnedCount)", "\(layer.unlearnedCount)",
            percent(layer.unlearnedShare), "\(layer.studentNodes.count)", "\(layer.alignedCount)",
            "\(layer.silentCount)", "\(layer.deadCount)",
          ])
      }
    }
    return table.text
  }

  /// The nodes of some states; nil if there are none.
  private static func table(
    of record: ChannelAuditRecord, _ columns: [String],
    _ nodes: KeyPath<ChannelAuditRecord.Layer, [ChannelAuditRecord.Node]>,
    _ states: Set<ChannelAuditRecord.Node.State>, _ cells: (ChannelAuditRecord.Node) -> [String]
  ) -> String? {
    var table = TextTable(["layer"] + columns)
    var isEmpty = true
    for layer in record.layers {
      // The strongest first.
      let chosen = layer[keyPath: nodes].filter { states.contains($0.state) }.sorted {
        ($0.effect, $1.node) > ($1.effect, $0.node)
      }
      for node in chosen {
        isEmpty = false
        table.add([layerLabel(layer.layer), "\(node.node)", String(format: "%.3f", node.correlation)] + cells(node))
      }
    }
    return isEmpty ? nil : table.text
  }

  private static func label(_ layer: Int) -> String { layer == 1 ? "1 (lowest)" : "\(layer)" }
  private static func percent(_ share: Double) -> String { String(format: "%.3g %%", 100 * share) }
}
