import Understudy

/// Audits over images: which nodes were learned, and which do nothing; of fully connected networks also what the theory says.
extension AuditCommand {
  private var channelAudits: ChannelAudits {
    ChannelAudits(
      learnedAt: rho ?? ChannelAudits.standardThreshold, theory: correlationsOnly ? nil : theoryAudits,
      needsTheory: !optionsOfTheory.isEmpty)
  }

  /// Options that were given and mean something for the theory's audit only.
  var optionsOfTheory: [String] {
    [
      ("--bands", bands != nil), ("--allow", allow != nil), ("--complete", complete),
      ("--merge-into", mergeInto != nil),
    ].filter(\.1).map(\.0)
  }

  /// Those that mean something over images only.
  var optionsOfImages: [String] {
    [("--rho", rho != nil), ("--correlations-only", correlationsOnly), ("--normalize", pixels.normalize != nil)]
      .filter(\.1).map(\.0)
  }

  func auditImageFiles(_ teacher: String, _ student: String, _ images: String) throws {
    let progress = ProgressLine(title: "audit")
    let entry = try channelAudits.audit(
      teacherPath: teacher, studentPath: student, images: images, normalization: pixels.value,
      activation: activation.value, progress: progress.show)
    progress.end()
    try writeMerged(entry.merged, omitted: entry.record.theory?.omitted, of: student)
    try printLine(json ? jsonText(entry.record) : ChannelAuditTables.text(entry.record))
    try writePage([ReportedAudit(entry.title, entry.record)])
  }

  /// All of one run; of several, a line for each layer.
  func auditImageRuns(_ runs: [Run], in store: ResultsStore) throws {
    // Sets of images are read once.
    let audits = channelAudits
    let entries = try each(of: runs) { try audits.audit($0, in: store) }
    try printLine(
      json
        ? jsonText(entries.map(\.record))
        : entries.count == 1 ? ChannelAuditTables.text(entries[0].record) : ChannelAuditTables.summary(entries))
    try writePage(entries.map { ReportedAudit($0.title, $0.record) })
  }
}
