import Foundation
import UnderstudySchema

/// Share of seeds in which each teacher node is recovered (max_k rho_jk > 0.95 on evaluation inputs).
///
/// Fields of the data: `p` strength decay, `o` over-realization, `t` epoch, `j` teacher node (1 is the strongest), `y` the
/// share, `c` of `n` runs, `a`...`b` Wilson's 95 % interval.
func recoveryRateFigure(
  _ declaration: FigureDeclaration, selection: SettingSelection, study: Study
) throws(FigureError) -> FigureSpecification {
  let counts = try recoveryCounts(declaration, selection: selection)
  let decays = Set(counts.keys.map(\.decay)).sorted()
  let multiples = Set(counts.keys.map(\.multiple)).sorted()
  let epochs = Set(counts.keys.map(\.epoch)).sorted()
  let teacherCount = counts.values.map(\.recovered.count).max() ?? 1
  var rows: [JSONValue] = []
  for key in counts.keys.sorted() {
    guard let group = counts[key] else { continue }
    for (teacher, count) in group.recovered.enumerated() {
      let total = group.runs[teacher]
      let interval = wilsonInterval(count, of: total)
      rows.append([
        "p": .number(key.decay), "o": .number(key.multiple), "t": .integer(key.epoch), "j": .integer(teacher + 1),
        "y": .display(Double(count) / Double(total)), "c": .integer(count), "n": .integer(total),
        "a": .display(interval.lowerBound), "b": .display(interval.upperBound),
      ])
    }
  }
  let columns = FigureStyle.columns(decays.count)
  let text =
    "Line charts, one for each strength decay p (\(decays.map(\.short).joined(separator: ", "))): share of seeds that "
    + "recovered each teacher node, from the strongest to the weakest, a line for each over-realization and epoch. "
    + declaration.caption
  let notes =
    ["Recovered: a student node correlates with the teacher node above 0.95 on evaluation inputs."]
    + (epochs.count > 1 ? [] : ["After epoch \(epochs.map(String.init).joined())."])
    + (multiples.count > 1 ? [] : ["Over-realization \(multiples.map(\.short).joined())x."])
    + ["Hover a dot for the 95 % interval (Wilson)."]
    + selection.notes(shownKeys: ["teacher.strengthDecay", "student.overRealization"], study: study)
  let shared: [String: JSONValue] = [
    "x": nodeAxis(teacherCount),
    "y": [
      "field": "y", "type": "quantitative", "title": "seeds recovering node j",
      "scale": ["domain": [0, 1]], "axis": ["values": [0, 0.25, 0.5, 0.75, 1], "format": ".0%"],
    ],
    // Where lines coincide, at 100 % above all, the thinner ones lie on the thicker ones and all can be seen.
    "strokeWidth": multipleChannel(lineWidths(multiples.count), count: multiples.count),
    "color": multipleChannel(FigureStyle.colorRange(multiples.count), count: multiples.count),
  ]
  return FigureSpecification(
    name: declaration.name, caption: declaration.caption, notes: notes, alternativeText: text,
    document: FigureStyle.panelsByDecay(
      description: text, rows: rows, columns: columns, encoding: shared,
      layers: .array(recoveryLayers(epochs: epochs))))
}

/// The first epoch is dotted and the last is solid, whatever lies between is dashed. Dots carry the hover labels.
private func recoveryLayers(epochs: [Int]) -> [JSONValue] {
  let dashes: [JSONValue] = epochs.indices.map { index in
    if index == epochs.count - 1 { return [1, 0] }
    return index == 0 ? [2, 2.5] : [.integer(3 + 2 * index), 4]
  }
  let dash: JSONValue = [
    "field": "t", "type": "ordinal", "title": "after epoch", "scale": ["range": .array(dashes)],
    "legend": epochs.count > 1
      ? ["symbolStrokeColor": "#222222", "symbolType": "stroke", "symbolSize": 300] : nil,
  ]
  let hovers: JSONValue = [
    FigureStyle.hover("j", "teacher node", "ordinal"), FigureStyle.hover("o", "over-realization", "ordinal"),
    FigureStyle.hover("t", "epoch", "ordinal"), FigureStyle.hover("y", "share recovered", format: ".1%"),
    FigureStyle.hover("c", "seeds that recovered it", "ordinal"), FigureStyle.hover("n", "of runs", "ordinal"),
    FigureStyle.hover("a", "95 % interval from", format: ".1%"), FigureStyle.hover("b", "to", format: ".1%"),
  ]
  return [
    ["mark": ["type": "line"], "encoding": ["strokeDash": dash]],
    [
      "mark": ["type": "point", "filled": true, "size": 9, "opacity": 1, "strokeOpacity": 0],
      "encoding": ["tooltip": hovers, "detail": ["field": "t", "type": "ordinal"]],
    ],
  ]
}

/// Over-realization as a colour or a width; one legend for both, none if there is nothing to tell apart.
private func multipleChannel(_ range: JSONValue, count: Int) -> JSONValue {
  [
    "field": "o", "type": "ordinal", "title": "over-realization", "scale": ["range": range],
    "legend": count > 1
      ? ["labelExpr": .text(FigureStyle.multipleLabel), "symbolType": "stroke", "symbolSize": 300] : nil,
  ]
}

/// From thick to thin, evenly.
private func lineWidths(_ count: Int) -> JSONValue {
  guard count > 1 else { return [1.6] }
  return .array((0..<count).map { .display(2.8 - 1.6 * Double($0) / Double(count - 1)) })
}

/// Teacher nodes in the field `j`.
func nodeAxis(_ teacherCount: Int) -> JSONValue {
  [
    "field": "j", "type": "quantitative", "title": "teacher node j (1 = strongest)",
    "scale": ["domain": [0.5, .number(Double(teacherCount) + 0.5)], "nice": false],
    "axis": ["values": nodeTicks(teacherCount), "format": "d", "grid": false],
  ]
}

/// 1 and multiples of a round step, at most about seven of them.
private func nodeTicks(_ count: Int) -> JSONValue {
  let step = [1, 2, 5, 10, 20, 50, 100].first { count / $0 <= 6 } ?? max(1, count / 6)
  let ticks = step == 1 ? Array(1...max(1, count)) : [1] + Array(stride(from: step, through: count, by: step))
  return .array(ticks.map(JSONValue.integer))
}

private struct RecoveryKey: Hashable, Comparable {
  var decay: Double
  var multiple: Double
  var epoch: Int

  static func < (left: Self, right: Self) -> Bool {
    (left.decay, left.multiple, left.epoch) < (right.decay, right.multiple, right.epoch)
  }
}

private struct RecoveryCount {
  /// By teacher node.
  var recovered: [Int] = []
  var runs: [Int] = []
}

private func recoveryCounts(
  _ declaration: FigureDeclaration, selection: SettingSelection
) throws(FigureError) -> [RecoveryKey: RecoveryCount] {
  var counts: [RecoveryKey: RecoveryCount] = [:]
  let runs = selection.runs.filter { $0.divergedEpoch == nil }
  guard !runs.isEmpty else { throw .allDiverged(figure: declaration.name, runCount: selection.runs.count) }
  for record in runs {
    for epoch in declaration.epochs.isEmpty ? [record.lastEpoch] : declaration.epochs {
      let measurement = try record.required(.evaluationCorrelation, epoch: epoch, figure: declaration.name)
      let table = try CorrelationTable(measurement, figure: declaration.name)
      let setting = record.run.setting
      let key = RecoveryKey(
        decay: setting.teacher.strengthDecay, multiple: setting.student.overRealization, epoch: epoch)
      var group = counts[key, default: RecoveryCount()]
      for teacher in 0..<table.teacherCount {
        if teacher == group.runs.count {
          group.runs.append(0)
          group.recovered.append(0)
        }
        group.runs[teacher] += 1
        if table.isRecovered(teacher: teacher) { group.recovered[teacher] += 1 }
      }
      counts[key] = group
    }
  }
  return counts
}
