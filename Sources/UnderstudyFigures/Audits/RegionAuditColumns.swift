import UnderstudySchema

extension RegionAuditRecord {
  /// The tables of teacher nodes and of student nodes.
  public var tables: [AuditTable] {
    [
      AuditTable("Teacher nodes", teacherNodes, teacherEntries),
      AuditTable("Student nodes", studentNodes, studentEntries(isExact: isExact)),
    ]
  }

  /// The region in words.
  public var region: String {
    if let radius { return "all inputs of the ball ||x|| <= \(radius.brief)" }
    return
      "all inputs of the box from \((lowest ?? 0).brief) to \((highest ?? 0).brief) in each of \(inputDimension) features"
  }

  /// What the two statements come to.
  public var summary: String {
    let visible = teacherNodes.filter(\.isVisible)
    let vanishing = studentNodes.count { $0.vanishes == true }
    let (unknown, silent) = (studentNodes.count { $0.vanishes == nil }, studentNodes.count(where: \.isPredictedSilent))
    return
      "\(visible.count { !$0.observers.isEmpty }) of \(visible.count) visible teacher nodes are observed, "
      + "\(visible.count { !$0.witnesses.isEmpty }) are predicted to be learned; the gradient of \(vanishing) of "
      + "\(studentNodes.count) student nodes vanishes at all inputs"
      + (unknown > 0 ? ", and of \(unknown) more it is not known" : "")
      + "; \(silent) of their boundaries must carry nothing"
  }
}

/// Which nodes, a few by number and more by how many they are.
private func listed(_ nodes: [Int]) -> AuditCell {
  if nodes.isEmpty { return .absent }
  return .text(
    nodes.count > 6 ? "\(nodes.count) nodes" : nodes.map(String.init).joined(separator: " "))
}

private let teacherEntries: [AuditEntry<RegionAuditRecord.TeacherNode>] = [
  AuditEntry("teacher node", "node", unit: "from 1", "which node") { .count($0.node) },
  AuditEntry("strength", "strength", unit: "output / input", "‖v*_j‖ ‖w*_j‖") { .number($0.strength) },
  AuditEntry("observers", "observers", unit: "from 1", "student nodes that are active on its boundary, α_kj not 0") {
    $0.isVisible ? listed($0.observers) : .text("invisible")
  },
  AuditEntry(
    "witnesses", "witnesses", unit: "from 1",
    "the observers whose kink bound is within the tolerance and would exceed it without a student node on the boundary"
  ) {
    listed($0.witnesses)
  },
  AuditEntry(
    "kink bound", "smallestBound", unit: "output² / activation",
    "the smallest bound of an observer's gradient that takes each kink by itself"
  ) {
    .number($0.smallestBound)
  },
  AuditEntry("student node", "alignedStudent", unit: "from 1", "the nearest to alignment") {
    .count($0.alignedStudent)
  },
  AuditEntry("eps", "alignment", unit: "input", "the smallest ε for which it is aligned") { .number($0.alignment) },
  AuditEntry("verdict", "verdict", "what is predicted, and what is there") { .verdict($0.verdict) },
  AuditEntry(
    "reason", "reason", "the verdict as a sentence; below the table, of nodes that are not predicted and found",
    .remark
  ) {
    $0.verdict == .predictedAndFound ? .absent : .text($0.reason)
  },
]

private func studentEntries(isExact: Bool) -> [AuditEntry<RegionAuditRecord.StudentNode>] {
  [
    AuditEntry("student node", "node", unit: "from 1", "which node") { .count($0.node) },
    AuditEntry("strength", "strength", unit: "output / input", "‖v_k‖ ‖w_k‖") { .number($0.strength) },
    AuditEntry("active", "activeShare", unit: "0...1", "the share of the region in which it is active") {
      .share($0.activeShare)
    },
    AuditEntry(
      "largest gradient", "largestGradient", unit: "output² / activation",
      isExact ? "of all inputs" : "the largest at inputs that fill the region"
    ) { .number($0.largestGradient) },
    AuditEntry("bound", "gradientBound", unit: "output² / activation", "no input has a larger one") {
      .number($0.gradientBound)
    },
    AuditEntry("vanishes", "vanishes", "whether the gradient is within the tolerance at all inputs") {
      .text($0.vanishes.map { $0 ? "yes" : "no" } ?? "unknown")
    },
    AuditEntry(
      "where active", "vanishingShare", unit: "0...1",
      "the share of the part of the region in which the node is active where its gradient is within the tolerance"
    ) {
      $0.activeShare > 0 ? .share($0.vanishingShare) : .absent
    },
    AuditEntry("teacher node", "onBoundary", unit: "from 1", "on the same boundary, up to rounding") {
      listed($0.onBoundary)
    },
    AuditEntry(
      "kink left", "kinkLeft", unit: "output / input",
      "the difference between the teacher's kink at its boundary and the student's"
    ) {
      .number($0.kinkLeft)
    },
    AuditEntry(
      "span", "observerSpan",
      "of a boundary of its own: the smallest singular value of the unit fan-outs of observers whose gradient vanishes"
    ) { .number($0.observerSpan) },
    AuditEntry("must be 0", "isPredictedSilent", "whether those span the outputs: then its boundary carries nothing") {
      $0.observerSpan == nil ? .absent : .text($0.isPredictedSilent ? "yes" : "no")
    },
  ]
}
