import ArgumentParser
import Understudy

/// Audits over all inputs of a region.
extension AuditCommand {
  var isOverRegion: Bool { ball != nil || box != nil }

  func checkRegion() throws {
    if let tolerance, !(tolerance > 0 && tolerance.isFinite) {
      throw ValidationError("--tolerance \(tolerance): give a number above 0, in units of the output")
    }
    guard isOverRegion else {
      if tolerance != nil { throw ValidationError("--tolerance is for --ball and --box; leave it out") }
      return
    }
    if ball != nil, box != nil { throw ValidationError("give --ball or --box, not both") }
    if let ball, ball != "data" {
      guard let radius = Double(ball), radius > 0, radius.isFinite else {
        throw ValidationError("--ball \(ball): give a radius above 0, in units of the input, or of runs `data`")
      }
    }
    if ball == "data", results == nil {
      throw ValidationError("--ball data is the ball that has a run's training inputs; give a radius for files")
    }
    let inputOptions = [("--inputs", inputs != nil), ("--images", images != nil)].filter(\.1).map(\.0)
    // A region has bands too.
    let others = inputOptions + optionsOfTheory.filter { $0 != "--bands" } + optionsOfImages
    if let option = others.first {
      throw ValidationError("\(option) is for audits over samples; leave it out, or --ball and --box")
    }
    if let bands, bands.values.count > 1 {
      throw ValidationError("--bands: over a region give one width, up to which a student node counts as aligned")
    }
  }

  private var regionAudits: RegionAudits {
    let choice: RegionAudits.Choice =
      if let box { .region(.box(lowest: box.lowest, highest: box.highest)) } else {
        (ball.flatMap { Double($0) }).map { .region(.ball(radius: $0)) } ?? .ballOfInputs
      }
    return RegionAudits(choice, band: bands?.values.first ?? .standard, residualTolerance: tolerance)
  }

  func auditRegion(_ teacher: String, _ student: String) throws {
    let record = try regionAudits.audit(teacherPath: teacher, studentPath: student, activation: activation.value)
    try printLine(json ? jsonText(record) : RegionAuditTables.text(record))
    try writePage([ReportedAudit(student, record)])
  }

  /// All of one run; of several, a line for each.
  func auditRegions(of runs: [Run], in store: ResultsStore) throws {
    let entries = try each(of: runs) { try regionAudits.audit($0, in: store) }
    try printLine(
      json
        ? jsonText(entries.map(\.record))
        : entries.count == 1 ? RegionAuditTables.text(entries[0].record) : RegionAuditTables.summary(entries))
    try writePage(entries.map { ReportedAudit($0.title, $0.record) })
  }
}

/// `-1,1`: the bounds of every feature.
struct BoxBounds {
  let lowest: Double
  let highest: Double

  init(_ text: String) throws {
    let bounds = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) }
    guard bounds.count == 2, let lowest = bounds[0], let highest = bounds[1], lowest < highest,
      (highest - lowest).isFinite
    else {
      throw ValidationError(
        "--box \(text): give the lowest and the highest value of every feature, separated by a comma (-1,1)")
    }
    (self.lowest, self.highest) = (lowest, highest)
  }
}
