import Foundation
import UnderstudySchema

/// A value of an audit's tables.
public enum AuditCell: Hashable, Sendable {
  case number(Double)
  case count(Int)
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
    case .text(let value): value
    case .verdict(let value): value.words
    case .absent: "-"
    case .notMeasured: "not measured"
    }
  }
}

extension Double {
  /// Three significant digits, as short as they come: `0`, `12.3`, `0.0123`, `1.5e-11`.
  public var brief: String { String(format: "%.3g", self) }
}

/// A column of an audit's tables: the one list that terminals, pages and documents have theirs from.
public struct AuditColumn: Hashable, Sendable {
  /// Where the values stand.
  public enum Place: Hashable, Sendable {
    case column
    /// On pages in smaller letters in the column before; a column of its own in plain text.
    case below
    /// In smaller letters in the column before; in plain text in a line after the table.
    case remark
  }
  public var title: String
  /// In the audit's JSON.
  public var key: String
  public var meaning: String
  public var unit: String
  public var place: Place
}

/// A table of an audit.
public struct AuditTable: Hashable, Sendable {
  public var title: String
  public var columns: [AuditColumn]
  public var rows: [[AuditCell]]
  /// What is to be said below.
  public var notes: [String] = []
}

/// A column and what it has of a row.
private struct Entry<Row>: Sendable {
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
  fileprivate init<Row>(_ title: String, _ rows: [Row], _ entries: [Entry<Row>]) {
    self.init(
      title: title, columns: entries.map(\.column), rows: rows.map { row in entries.map { $0.value(row) } })
  }
}

extension AuditRecord {
  /// The tables of teacher nodes, their bands, student nodes, and in deeper networks hidden layers.
  public var tables: [AuditTable] {
    var teachers = AuditTable("Teacher nodes", teacherNodes, teacherEntries)
    let starred = teacherNodes.filter { $0.alignedStudent > 0 && $0.matchedStudent != $0.alignedStudent }
    let matching = starred.compactMap { node in node.matchedStudent.map { "\(node.node) with \($0)" } }
    if !matching.isEmpty { teachers.notes = ["* one-to-one, \(matching.joined(separator: ", "))"] }
    let bands = teacherNodes.flatMap { node in node.bands.map { (node: node.node, band: $0) } }
    let nodes = [
      teachers, AuditTable("Bands", bands, bandEntries), AuditTable("Student nodes", studentNodes, studentEntries),
    ]
    return nodes + (layers.map { [AuditTable("Hidden layers after merging", $0, layerEntries)] } ?? [])
  }

  /// What carries the teacher, and what can go.
  public var summary: String {
    guard let carrying = student.carryingCount, let mergeable = student.mergeableCount,
      let removable = student.removableCount, let left = student.mergedNodeCount,
      let change = student.largestOutputChange
    else {
      return
        "student: \(student.nodeCount) units in the lowest layer; which of them can be merged or removed was not measured"
    }
    let heldOut = student.heldOutOutputChange.map { ", on \(student.heldOutCount ?? 0) held out \($0.brief)" } ?? ""
    let error = student.weightError.map { "; largest weight error against the teacher \($0.brief)" } ?? ""
    let ofTeacher = student.carryingTeacherCount ?? carrying
    let others = carrying > ofTeacher ? "\(carrying - ofTeacher) carry other boundaries, " : ""
    return
      "student\(layers == nil ? "" : ", lowest layer"): \(student.nodeCount) units, of which \(ofTeacher) carry the teacher, "
      + "\(others)\(mergeable) can be merged and \(removable) removed: \(left) are left; largest output change on the "
      + "inputs \(change.brief)\(heldOut) (outputs are of size \(student.outputScale.brief))\(error)"
  }
}

/// Whether two boundaries have one orientation; nothing where there are not two.
private func way(_ alignment: Double?, _ isOpposite: Bool) -> AuditCell {
  alignment == nil ? .absent : .text(isOpposite ? "opposite" : "same")
}

private let teacherEntries: [Entry<TeacherNodeRecord>] = [
  Entry("teacher node", "node", unit: "from 1", "j") { .count($0.node) },
  Entry("strength", "strength", unit: "output / input", "‖v*_j‖ ‖w*_j‖") { .number($0.strength) },
  Entry(
    "observers", "observerCount", unit: "nodes",
    "student nodes that observe it in the widest band; in JSON `observers` has each with its `node`, `kappa` and `alpha`"
  ) { .count($0.observerCount) },
  Entry(
    "kappa", "bestObserverKappa", unit: "0...1",
    "of the observer with the largest alpha (`bestObserver`): share of the band's inputs at which it is active", .below
  ) { $0.bestObserver == nil ? .absent : .number($0.bestObserverKappa) },
  Entry("alpha", "bestAlpha", unit: "output^2 / (activation input)", "that observer's |alpha_kj| ‖w*_j‖", .below) {
    .number($0.bestAlpha)
  },
  Entry(
    "rank", "observerFanOutRank", "rank of the observers' fan-out weights, each divided by its length; at most C",
    .below
  ) { .count($0.observerFanOutRank) },
  Entry(
    "eps agnostic", "gradientAlignmentAgnostic", unit: "input",
    "the eps that the gradients over the teacher-agnostic copies alone would allow, over the bands the smallest; absent "
      + "without an observer", .below
  ) { .number($0.gradientAlignmentAgnostic) },
  Entry("eps aware", "gradientAlignmentAware", unit: "input", "the same over the teacher-aware copies", .below) {
    .number($0.gradientAlignmentAware)
  },
  Entry(
    "predicted", "predictedAlignment", unit: "input",
    "the smallest eps that the statement predicts: the smaller of the two, but not below the width of a band that holds "
      + "d + 1 inputs; absent where another condition fails"
  ) { .number($0.predictedAlignment) },
  Entry(
    "proven", "provenAlignment", unit: "input",
    "the smallest eps that witnesses of one student node prove; absent where they prove none", .below
  ) { .number($0.provenAlignment) },
  Entry(
    "student", "alignedStudent", unit: "from 1",
    "the student node nearest to alignment; a star where the one-to-one matching (`matchedStudent`) gives another; absent "
      + "(0) if no student node has a boundary"
  ) {
    $0.alignedStudent == 0
      ? .absent
      : $0.matchedStudent == $0.alignedStudent ? .count($0.alignedStudent) : .text("\($0.alignedStudent)*")
  },
  Entry(
    "eps", "alignment", unit: "input", "its alignment, max(spread x sine, offset); absent without a candidate"
  ) { .number($0.alignment) },
  Entry("sine", "sine", unit: "0...1", "of the angle between the two boundaries", .below) { .number($0.sine) },
  Entry("offset", "offsetDifference", unit: "input", "difference of their offsets", .below) {
    .number($0.offsetDifference)
  },
  Entry("way", "isOpposite", "whether they are oriented the same way", .below) { way($0.alignment, $0.isOpposite) },
  Entry("rho", "correlation", unit: "-1...1", "largest correlation of activations with a student node", .below) {
    .number($0.correlation)
  },
  Entry("verdict", "verdict", "see above") { .verdict($0.verdict) },
  Entry("reason", "reason", "why; of nodes that are not found, below the table", .remark) {
    $0.verdict.isFound || $0.reason.isEmpty ? .absent : .text($0.reason)
  },
]

private let bandEntries: [Entry<(node: Int, band: TeacherBandRecord)>] = [
  Entry("band around", "teacherNodes", "which boundary; in JSON each teacher node has its `bands`") {
    .text("teacher node \($0.node)")
  },
  Entry("eps", "band", unit: "input", "half width") { .number($0.band.band) },
  Entry("samples", "sampleCount", unit: "inputs", "inputs within eps of the boundary") { .count($0.band.sampleCount) },
  Entry("tau", "tau", unit: "1 / input", "the same over eps N", .below) { .number($0.band.tau) },
  Entry(
    "observers", "observerCount", unit: "nodes", "student nodes with kappa > 0 in this band, and alpha not 0"
  ) { .count($0.band.observerCount) },
  Entry(
    "witnesses", "witnessCount", unit: "triples",
    "kink witnesses; absent where the gradients that bear witness were left out"
  ) { $0.band.witnessCount.map(AuditCell.count) ?? .notMeasured },
  Entry("of one", "witnessStudentCount", unit: "triples", "how many of them one student node explains", .below) {
    .count($0.band.witnessStudentCount)
  },
  Entry("student", "witnessStudent", unit: "from 1", "which one", .below) { .count($0.band.witnessStudent) },
  Entry(
    "proven", "provenAlignment", unit: "input", "the eps that these prove; in JSON `provenSine` is the sine in it"
  ) { .number($0.band.provenAlignment) },
]

private let studentEntries: [Entry<StudentNodeRecord>] = [
  Entry("student node", "node", unit: "from 1", "k") { .count($0.node) },
  Entry(
    "teacher", "alignedTeacher", unit: "from 1",
    "the teacher node it is aligned with for the widest band; `dead` (`isDead`) or nothing"
  ) { $0.alignedTeacher.map(AuditCell.count) ?? ($0.isDead ? .text("dead") : .absent) },
  Entry("eps", "alignment", unit: "input", "of the nearest teacher node: max(spread x sine, offset)") {
    .number($0.alignment)
  },
  Entry("sine", "sine", unit: "0...1", "of the angle between the two boundaries", .below) { .number($0.sine) },
  Entry("offset", "offsetDifference", unit: "input", "difference of their offsets", .below) {
    .number($0.offsetDifference)
  },
  Entry("way", "isOpposite", "whether they are oriented the same way", .below) { way($0.alignment, $0.isOpposite) },
  Entry("fan-out", "fanOutNorm", unit: "output / activation", "‖v_k‖ (deeper: root mean square over inputs)") {
    .number($0.fanOutNorm)
  },
  Entry("strength", "strength", unit: "output / input", "‖v_k‖ ‖w_k‖") { .number($0.strength) },
  Entry(
    "balance", "kinkBalance", unit: "output / input",
    "kink of f* - f that is left at its boundary, without the factor 1 - c"
  ) { .number($0.kinkBalance) },
  Entry("group", "group", unit: "from 1", "which boundary; 0 for a node without one") { .count($0.group) },
  Entry(
    "rank", "observerFanOutRank",
    "rank of the fan-out weights of the student nodes that observe its boundary, each divided by its length; absent where "
      + "it was left out"
  ) { .count($0.observerFanOutRank) },
  Entry(
    "fate", "fate", "`carries`, `merged` into another node (`mergedInto`), `removed`; absent where merging was left out"
  ) { node in
    node.fate.map { fate in
      .text(fate == .merged ? node.mergedInto.map { "merged into \($0)" } ?? fate.rawValue : fate.rawValue)
    } ?? .notMeasured
  },
]

private let layerEntries: [Entry<MergedLayerRecord>] = [
  Entry("layer", "layer", unit: "from 1", "the lowest is 1") { .text(layerLabel($0.layer)) },
  Entry("units", "nodeCount", unit: "nodes", "the student's nodes") { .count($0.nodeCount) },
  Entry("carry", "carryingCount", unit: "nodes", "of them, those that carry a boundary") { .count($0.carryingCount) },
  Entry("merged", "mergeableCount", unit: "nodes", "those merged into another") { .count($0.mergeableCount) },
  Entry("removed", "removableCount", unit: "nodes", "those removed") { .count($0.removableCount) },
  Entry("left", "unitCount", unit: "nodes", "units after merging") { .count($0.unitCount) },
  Entry(
    "joined over", "joinedOver", unit: "spread",
    "largest distance over which boundaries were joined, in units of the spread of what enters the layer"
  ) { .number($0.joinedOver) },
  Entry(
    "rank below", "inputRank", unit: "directions",
    "of the `inputCount` entries of what enters the student's layer: directions along which it varies by more than 1e-8 of "
      + "the widest, each entry in units of its own deviation; where these are fewer, only sums of the layer's weights are "
      + "determined"
  ) { .text("\($0.inputRank) of \($0.inputCount)") },
  Entry(
    "identifiability", "identifiability", unit: "0...1",
    "of the merged student, the smallest ratio of singular values through which the inputs determine a unit's weights, 0 "
      + "(not) to 1; absent where it would take long"
  ) { .number($0.identifiability) },
  Entry(
    "weight error", "weightError",
    "largest difference from the teacher's layer, up to order and positive scale; absent if the sizes differ"
  ) { .number($0.weightError) },
]
