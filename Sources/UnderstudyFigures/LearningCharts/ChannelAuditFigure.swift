import UnderstudySchema

/// The nodes of both networks of an audit over images, layer by layer: how well each follows a node of the other network, and how
/// much it matters.
///
/// Fields of the data: `l` layer, the lowest at the bottom, `p` whose node, `k` its number, `j` its partner's, `r` best rho, `y`
/// effect as a share of the largest of the layer and network, `s` state.
///
/// - Parameter name: the figure's file name.
public func channelAuditFigure(of record: ChannelAuditRecord, name: String) -> FigureSpecification {
  typealias State = ChannelAuditRecord.Node.State
  let (rows, deadCount, lowest) = nodeRows(of: record)
  let states: [State] = [.learned, .aligned, .unlearned, .unaligned, .silent]
  let names = states.map(\.words).filter { words in rows.contains { $0["s"]?.text == words } }
  let depth = record.layers.count
  let style = FigureStyle()
  let width = style.panelWidth(columns: 2)
  let caption =
    "Nodes of teacher and student over the images: best rho with a node of the other network, and effect on the outputs."
  var notes = ["Each dot is a node. An effect is a share of the largest of its layer and network."]
  if deadCount > 0 { notes.append("\(deadCount) nodes that are dead, or have only dead partners, are left out.") }
  let spec: [String: JSONValue] = [
    "width": .number(width), "height": .number(depth > 3 ? 84 : 110),
    "mark": Layers.dot(rows.count > 400 * max(1, depth) ? 10 : 22, fillOpacity: 0.6),
    "encoding": [
      "x": FigureStyle.correlation("r", title: "best correlation ρ", lowest: lowest),
      "y": FigureStyle.quantity(
        "y", "effect", scale: ["domain": [0, 1.05], "nice": false], axis: ["values": [0, 0.5, 1], "format": ".0%"]),
      "color": style.color("s", title: "", names: names, symbol: "circle"),
      "tooltip": [
        FigureStyle.hover("k", "node", "ordinal"), FigureStyle.hover("j", "best partner", "ordinal"),
        FigureStyle.hover("r", "ρ", format: ".4f"), FigureStyle.hover("y", "effect", format: ".2%"),
        FigureStyle.hover("s", "state", "nominal"),
      ],
    ],
  ]
  let panel = PanelGrid.completed(spec, rows: rows, row: "l", column: "p")
  return FigureSpecification(
    name: name, caption: caption, notes: notes,
    text: "Scatter plots, columns for teacher nodes and student nodes, rows for \(depth) hidden layers. " + caption,
    [
      "data": ["values": .array(panel.rows)],
      "facet": [
        "row": FigureStyle.facet(
          "l", label: "'layer ' + (datum.label)", ["labelOrient": "right", "labelAngle": 90],
          order: record.layers.reversed().map { layerLabel($0.layer) }),
        "column": FigureStyle.facet("p", label: "(datum.label)", order: ["teacher nodes", "student nodes"]),
      ],
      "spacing": .number(FigureStyle.gap),
      "spec": .object(panel.spec),
    ])
}

/// The data, how many nodes have no correlation, and the lowest one, at most 0.
private func nodeRows(of record: ChannelAuditRecord) -> (rows: [JSONValue], deadCount: Int, lowest: Double) {
  var rows: [JSONValue] = []
  var (deadCount, lowest) = (0, 0.0)
  for layer in record.layers {
    for (owner, nodes) in [("teacher nodes", layer.teacherNodes), ("student nodes", layer.studentNodes)] {
      for node in nodes {
        guard node.state != .dead, let partner = node.partner else {
          deadCount += 1
          continue
        }
        lowest = min(lowest, node.correlation)
        rows.append([
          "l": .text(layerLabel(layer.layer)), "p": .text(owner), "k": .integer(node.node), "j": .integer(partner),
          "r": .number(node.correlation.rounded(toDigits: 4)), "y": .number(node.relativeEffect.rounded(toDigits: 3)),
          "s": .text(node.state.words),
        ])
      }
    }
  }
  return (rows, deadCount, lowest)
}

extension ChannelAuditRecord.Node.State {
  fileprivate var words: String {
    switch self {
    case .learned: "learned"
    case .aligned: "aligned"
    case .unlearned: "not learned"
    case .unaligned: "unaligned"
    case .silent: "silent"
    case .dead: "dead"
    }
  }
}
