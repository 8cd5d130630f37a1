import UnderstudySchema

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
    let matching = student.carryingMatchCount ?? 0
    let matches = matching > 0 ? "\(matching) have a teacher node's function on the inputs, " : ""
    let rest = carrying - ofTeacher - matching
    let others = matches + (rest > 0 ? "\(rest) carry other boundaries, " : "")
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

private let teacherEntries: [AuditEntry<TeacherNodeRecord>] = [
  AuditEntry("teacher node", "node", unit: "from 1", "j") { .count($0.node) },
  AuditEntry("strength", "strength", unit: "output / input", "‖v*_j‖ ‖w*_j‖") { .number($0.strength) },
  AuditEntry(
    "observers", "observerCount", unit: "nodes",
    "student nodes that observe it in the widest band; in JSON `observers` has each with its `node`, `kappa` and `alpha`"
  ) { .count($0.observerCount) },
  AuditEntry(
    "kappa", "bestObserverKappa", unit: "0...1",
    "of the observer with the largest |alpha_kj| ‖w_k‖ (`bestObserver`): share of the band's inputs at which it is active",
    .below
  ) { $0.bestObserver == nil ? .absent : .number($0.bestObserverKappa) },
  AuditEntry("alpha", "bestAlpha", unit: "output^2 / (activation input)", "that observer's |alpha_kj| ‖w*_j‖", .below) {
    .number($0.bestAlpha)
  },
  AuditEntry(
    "rank", "observerFanOutRank", "rank of the observers' fan-out weights, each divided by its length; at most C",
    .below
  ) { .count($0.observerFanOutRank) },
  AuditEntry(
    "eps agnostic", "gradientAlignmentAgnostic", unit: "input",
    "the eps that the gradients over the teacher-agnostic copies alone would allow, over the bands the smallest; absent "
      + "without an observer", .below
  ) { .number($0.gradientAlignmentAgnostic) },
  AuditEntry("eps aware", "gradientAlignmentAware", unit: "input", "the same over the teacher-aware copies", .below) {
    .number($0.gradientAlignmentAware)
  },
  AuditEntry(
    "predicted", "predictedAlignment", unit: "input",
    "the smallest eps that the statement predicts: the smaller of the two, but not below the width of a band that holds "
      + "d + 1 inputs; absent where another condition fails"
  ) { .number($0.predictedAlignment) },
  AuditEntry(
    "proven", "provenAlignment", unit: "input",
    "the smallest eps that witnesses of one student node prove; absent where they prove none", .below
  ) { .number($0.provenAlignment) },
  AuditEntry(
    "student", "alignedStudent", unit: "from 1",
    "the student node nearest to alignment; a star where the one-to-one matching (`matchedStudent`) gives another; absent "
      + "(0) if no student node has a boundary"
  ) {
    $0.alignedStudent == 0
      ? .absent
      : $0.matchedStudent == $0.alignedStudent ? .count($0.alignedStudent) : .text("\($0.alignedStudent)*")
  },
  AuditEntry(
    "eps", "alignment", unit: "input", "its alignment, max(spread x sine, offset); absent without a candidate"
  ) { .number($0.alignment) },
  AuditEntry("sine", "sine", unit: "0...1", "of the angle between the two boundaries", .below) { .number($0.sine) },
  AuditEntry(
    "seen", "seenSine", unit: "0...1",
    "the same sine as the inputs see it, between the two pre-activations; much smaller where the weights differ along "
      + "directions in which the inputs hardly vary", .below
  ) { .number($0.seenSine) },
  AuditEntry("offset", "offsetDifference", unit: "input", "difference of their offsets", .below) {
    .number($0.offsetDifference)
  },
  AuditEntry("way", "isOpposite", "whether they are oriented the same way", .below) {
    way($0.alignment, $0.isOpposite)
  },
  AuditEntry(
    "rho", "correlation", unit: "-1...1",
    "largest correlation of activations with a student node (`correlatedStudent`)"
  ) { .number($0.correlation) },
  AuditEntry(
    "mismatch", "mismatch", unit: "input",
    "spread x √(1 - rho²), what that student node leaves of the teacher node's activation; absent if no rho is positive",
    .below
  ) { .number($0.mismatch) },
  AuditEntry("verdict", "verdict", "see above") { .verdict($0.verdict) },
  AuditEntry("reason", "reason", "why; of nodes that are not found, below the table", .remark) {
    $0.verdict.isFound || $0.reason.isEmpty ? .absent : .text($0.reason)
  },
]

private let bandEntries: [AuditEntry<(node: Int, band: TeacherBandRecord)>] = [
  AuditEntry("band around", "teacherNodes", "which boundary; in JSON each teacher node has its `bands`") {
    .text("teacher node \($0.node)")
  },
  AuditEntry("eps", "band", unit: "input", "half width") { .number($0.band.band) },
  AuditEntry("samples", "sampleCount", unit: "inputs", "inputs within eps of the boundary") {
    .count($0.band.sampleCount)
  },
  AuditEntry("tau", "tau", unit: "1 / input", "the same over eps N", .below) { .number($0.band.tau) },
  AuditEntry(
    "observers", "observerCount", unit: "nodes", "student nodes with kappa > 0 in this band, or leaky, and alpha not 0"
  ) { .count($0.band.observerCount) },
  AuditEntry(
    "witnesses", "witnessCount", unit: "triples",
    "kink witnesses; absent where the gradients that bear witness were left out"
  ) { $0.band.witnessCount.map(AuditCell.count) ?? .notMeasured },
  AuditEntry("of one", "witnessStudentCount", unit: "triples", "how many of them one student node explains", .below) {
    .count($0.band.witnessStudentCount)
  },
  AuditEntry("student", "witnessStudent", unit: "from 1", "which one", .below) { .count($0.band.witnessStudent) },
  AuditEntry(
    "proven", "provenAlignment", unit: "input", "the eps that these prove; in JSON `provenSine` is the sine in it"
  ) { .number($0.band.provenAlignment) },
]

private let studentEntries: [AuditEntry<StudentNodeRecord>] = [
  AuditEntry("student node", "node", unit: "from 1", "k") { .count($0.node) },
  AuditEntry(
    "teacher", "alignedTeacher", unit: "from 1",
    "the teacher node it is aligned with for the widest band; after a ~ the one whose function it has on inputs of low rank "
      + "(`matchedTeacher`); `dead` (`isDead`) or nothing"
  ) { node in
    node.alignedTeacher.map(AuditCell.count) ?? node.matchedTeacher.map { .text("~\($0)") }
      ?? (node.isDead ? .text("dead") : .absent)
  },
  AuditEntry("eps", "alignment", unit: "input", "of the nearest teacher node: max(spread x sine, offset)") {
    .number($0.alignment)
  },
  AuditEntry("sine", "sine", unit: "0...1", "of the angle between the two boundaries", .below) { .number($0.sine) },
  AuditEntry("offset", "offsetDifference", unit: "input", "difference of their offsets", .below) {
    .number($0.offsetDifference)
  },
  AuditEntry("way", "isOpposite", "whether they are oriented the same way", .below) {
    way($0.alignment, $0.isOpposite)
  },
  AuditEntry("fan-out", "fanOutNorm", unit: "output / activation", "‖v_k‖ (deeper: root mean square over inputs)") {
    .number($0.fanOutNorm)
  },
  AuditEntry("strength", "strength", unit: "output / input", "‖v_k‖ ‖w_k‖") { .number($0.strength) },
  AuditEntry(
    "balance", "kinkBalance", unit: "output / input",
    "kink of f* - f that is left at its boundary, without the factor 1 - c"
  ) { .number($0.kinkBalance) },
  AuditEntry(
    "carried", "carriedShare", "the same as a share of the strength of the strongest teacher node", .below
  ) { .number($0.carriedShare) },
  AuditEntry("group", "group", unit: "from 1", "which boundary; 0 for a node without one") { .count($0.group) },
  AuditEntry(
    "rank", "observerFanOutRank",
    "rank of the fan-out weights of the student nodes on other boundaries that observe its boundary (`observerCount`), each "
      + "divided by its length, of the rank that spans the outputs (`neededFanOutRank`); absent where it was left out or no input "
      + "is in the band"
  ) { node in
    guard let rank = node.observerFanOutRank else { return .absent }
    return node.neededFanOutRank.map { .text("\(rank) of \($0)") } ?? .count(rank)
  },
  AuditEntry(
    "least singular", "smallestSingularValue",
    "least singular value of those fan-out weights, over the directions of all outputs; 0 where they do not span them"
  ) { .number($0.smallestSingularValue) },
  AuditEntry("largest singular", "largestSingularValue", "the largest", .below) { .number($0.largestSingularValue) },
  AuditEntry(
    "unaligned", "unaligned",
    "of nodes that are aligned with no teacher node: whether the statement on them holds, see [unaligned "
      + "nodes](#unaligned-student-nodes); below the table", .remark
  ) { node in
    node.unaligned.map { .text("aligned with no teacher node: \($0.words)") } ?? .absent
  },
  AuditEntry(
    "fate", "fate", "`carries`, `merged` into another node (`mergedInto`), `removed`; absent where merging was left out"
  ) { node in
    node.fate.map { fate in
      .text(fate == .merged ? node.mergedInto.map { "merged into \($0)" } ?? fate.rawValue : fate.rawValue)
    } ?? .notMeasured
  },
]

private let layerEntries: [AuditEntry<MergedLayerRecord>] = [
  AuditEntry("layer", "layer", unit: "from 1", "the lowest is 1") { .text(layerLabel($0.layer)) },
  AuditEntry("units", "nodeCount", unit: "nodes", "the student's nodes") { .count($0.nodeCount) },
  AuditEntry("carry", "carryingCount", unit: "nodes", "of them, those that carry a boundary") {
    .count($0.carryingCount)
  },
  AuditEntry("merged", "mergeableCount", unit: "nodes", "those merged into another") { .count($0.mergeableCount) },
  AuditEntry("removed", "removableCount", unit: "nodes", "those removed") { .count($0.removableCount) },
  AuditEntry("left", "unitCount", unit: "nodes", "units after merging") { .count($0.unitCount) },
  AuditEntry(
    "joined over", "joinedOver", unit: "spread",
    "largest distance over which boundaries were joined, in units of the spread of what enters the layer"
  ) { .number($0.joinedOver) },
  AuditEntry(
    "rank below", "inputRank", unit: "directions",
    "of the `inputCount` entries of what enters the student's layer: directions along which it varies by more than 1e-8 of "
      + "the widest, each entry in units of its own deviation; where these are fewer, only sums of the layer's weights are "
      + "determined"
  ) { .text("\($0.inputRank) of \($0.inputCount)") },
  AuditEntry(
    "identifiability", "identifiability", unit: "0...1",
    "of the merged student, the smallest ratio of singular values through which the inputs determine a unit's weights, 0 "
      + "(not) to 1; absent where it would take long"
  ) { .number($0.identifiability) },
  AuditEntry(
    "weight error", "weightError",
    "largest difference from the teacher's layer, up to order and positive scale; absent if the sizes differ"
  ) { .number($0.weightError) },
]
