import UnderstudySchema

extension ChannelAuditRecord {
  /// The tables of hidden layers, of teacher nodes that were not learned, and of student nodes that can go, the strongest first.
  public var tables: [AuditTable] {
    let unlearned = AuditTable(
      "Not learned: teacher nodes whose best rho is below \(learnedAt.brief)", nodes(\.teacherNodes, [.unlearned]),
      unlearnedEntries,
      otherwise: "All teacher nodes have a student node with a rho of \(learnedAt.brief) or more.")
    let idle = AuditTable(
      "Can go: student nodes that are dead, or unaligned and nearly silent", nodes(\.studentNodes, [.silent, .dead]),
      idleEntries, otherwise: "No student node is dead, or unaligned and nearly silent.")
    return [channelLayerTable([(nil, self)]), unlearned, idle]
  }

  /// How many nodes were learned, and how many can go.
  public var summary: String {
    func sum(_ count: KeyPath<Layer, Int>) -> Int { layers.reduce(0) { $0 + $1[keyPath: count] } }
    let (idle, nodes) = (sum(\.silentCount) + sum(\.deadCount), layers.reduce(0) { $0 + $1.studentNodes.count })
    return
      "\(sum(\.learnedCount)) of \(layers.reduce(0) { $0 + $1.teacherNodes.count }) teacher nodes have a student node with a "
      + "rho of \(learnedAt.brief) or more; \(idle) of \(nodes) student nodes are dead, or unaligned and nearly silent"
  }

  private func nodes(
    _ nodes: KeyPath<Layer, [Node]>, _ states: Set<Node.State>
  ) -> [(layer: Int, node: Node)] {
    layers.flatMap { layer in
      layer[keyPath: nodes].filter { states.contains($0.state) }
        .sorted { ($0.effect, $1.node) > ($1.effect, $0.node) }.map { (layer.layer, $0) }
    }
  }
}

/// A line for each hidden layer of each audit; the titles are those of several.
public func channelLayerTable(_ audits: [(title: String?, record: ChannelAuditRecord)]) -> AuditTable {
  let rows = audits.flatMap { audit in audit.record.layers.map { (title: audit.title, layer: $0) } }
  let runs = AuditEntry<(title: String?, layer: ChannelAuditRecord.Layer)>("run", "", "which run") {
    .text($0.title ?? "")
  }
  return AuditTable("Hidden layers", rows, (audits.contains { $0.title != nil } ? [runs] : []) + layerEntries)
}

extension AuditTable {
  /// - Parameter sentence: what is said if there are no rows.
  fileprivate init<Row>(_ title: String, _ rows: [Row], _ entries: [AuditEntry<Row>], otherwise sentence: String) {
    self.init(title, rows, entries)
    if rows.isEmpty { notes = [sentence] }
  }
}

private let layerEntries: [AuditEntry<(title: String?, layer: ChannelAuditRecord.Layer)>] = [
  AuditEntry("layer", "layer", unit: "from 1", "the lowest is 1") { .text(layerLabel($0.layer.layer)) },
  AuditEntry("teacher nodes", "teacherNodes", unit: "nodes", "in JSON a list with each") {
    .count($0.layer.teacherNodes.count)
  },
  AuditEntry("learned", "learnedCount", unit: "nodes", "teacher nodes with such a rho") {
    .count($0.layer.learnedCount)
  },
  AuditEntry("not learned", "unlearnedCount", unit: "nodes", "teacher nodes that vary and have none") {
    .count($0.layer.unlearnedCount)
  },
  AuditEntry(
    "their share", "unlearnedShare", unit: "0...1", "what those have of the summed effects of the layer's teacher nodes"
  ) { .share($0.layer.unlearnedShare) },
  AuditEntry("student nodes", "studentNodes", unit: "nodes", "in JSON a list with each") {
    .count($0.layer.studentNodes.count)
  },
  AuditEntry("aligned", "alignedCount", unit: "nodes", "student nodes with such a rho") {
    .count($0.layer.alignedCount)
  },
  AuditEntry("silent", "silentCount", unit: "nodes", "student nodes that are silent") { .count($0.layer.silentCount) },
  AuditEntry("dead", "deadCount", unit: "nodes", "student nodes that are dead") { .count($0.layer.deadCount) },
]

private typealias NodeEntry = AuditEntry<(layer: Int, node: ChannelAuditRecord.Node)>

private let unlearnedEntries: [NodeEntry] =
  nodeEntries("teacher node", partner: "student node") + [
    NodeEntry("share", "share", unit: "0...1", "its effect as a share of the sum of the layer's teacher nodes") {
      .share($0.node.share)
    }
  ]

private let idleEntries: [NodeEntry] =
  nodeEntries("student node", partner: "teacher node") + [
    NodeEntry(
      "of the largest", "relativeEffect", unit: "0...1", "its effect as a share of the largest of the layer's nodes"
    ) {
      .share($0.node.relativeEffect)
    }
  ]

private func nodeEntries(_ title: String, partner: String) -> [NodeEntry] {
  [
    NodeEntry("layer", "layer", unit: "from 1", "which layer") { .text(layerLabel($0.layer)) },
    NodeEntry(title, "node", unit: "from 1", "which node of the layer") { .count($0.node.node) },
    NodeEntry("best rho", "correlation", unit: "-1...1", "the largest with a \(partner) of its layer") {
      $0.node.partner == nil ? .absent : .number($0.node.correlation)
    },
    NodeEntry(partner, "partner", unit: "from 1", "which has it; `dead` (`state`) for a dead node") {
      $0.node.state == .dead ? .text("dead") : .count($0.node.partner)
    },
    NodeEntry("strength", "strength", unit: "output / activation", "√E[β_kk]") { .number($0.node.strength) },
  ]
}
