import Foundation
import UnderstudyRecords
import UnderstudySchema

extension AuditRecord {
  /// What is learned, what carries it, and what can go.
  var summarySentence: String {
    let learned = teacherNodes.count { $0.verdict.isFound }
    var text = "\(learned) of \(teacherNodes.count) teacher nodes are learned. "
    guard let carrying = student.carryingCount, let mergeable = student.mergeableCount,
      let removable = student.removableCount, let left = student.mergedNodeCount,
      let largestChange = student.largestOutputChange
    else {
      return text + "Which of the \(student.nodeCount) student nodes can be merged or removed was not measured."
    }
    let ofTeacher = student.carryingTeacherCount.map { " (\($0) of them the teacher's)" } ?? ""
    text +=
      "Of \(student.nodeCount) student nodes \(carrying) carry boundaries\(ofTeacher), \(mergeable) can be merged into them "
      + "and \(removable) can be removed: what is left has \(left) and changes no output on these inputs by more than "
      + "\(largestChange.brief) (outputs have size \(student.outputScale.brief))."
    if let change = student.heldOutOutputChange, let count = student.heldOutCount {
      text += " On \(count) inputs that merging did not see the largest change is \(change.brief)."
    }
    if let error = student.weightError {
      text += " Up to order and scale it is the teacher with weight errors of at most \(error.brief)."
    }
    return text
  }
}

func teacherTable(_ record: AuditRecord) -> String {
  let bands = record.bands.map(\.brief).joined(separator: ", ")
  let rows = record.teacherNodes.map { node in
    [
      "\(node.node)",
      // Where a node is found the verdict says it all.
      node.verdict.content
        + (node.reason.isEmpty || node.verdict.isFound ? "" : note(node.reason)),
      node.strength.brief,
      "\(node.observerCount)"
        + (node.bestObserver.map {
          note("best: \($0)") + note("κ \(node.bestObserverKappa.brief)") + note("|α| \(node.bestAlpha.brief)")
        } ?? ""),
      node.bands.map { String($0.sampleCount) }.joined(separator: ", "),
      node.bands.map(\.witnessContent).joined(separator: ", "),
      (node.predictedAlignment?.brief ?? "–")
        + (node.provenAlignment.map { note("proven \($0.brief)") } ?? ""),
      (node.alignment?.brief ?? "–") + node.studentContent + note("ρ \(node.correlation.brief)"),
    ]
  }
  return htmlTable(
    caption: "Teacher nodes\(bands.isEmpty ? "" : "; samples and witnesses in the bands of \(bands)")",
    head: ["Node", "Verdict", "Strength", "Observers", "Samples", "Witnesses", "Predicted", "Nearest student node"],
    rows: rows, numeric: [2, 3, 4, 5, 6, 7], isWide: true)
}

/// A smaller line below in a cell.
private func note(_ text: String) -> String { "<span class=\"note\">\(text.escapedForHTML)</span>" }

func studentTable(_ record: AuditRecord) -> String {
  let rows = record.studentNodes.map { node in
    [
      "\(node.node)\(node.isDead ? note("dead") : "")",
      node.alignedTeacher.map { "\($0)\(node.isOpposite ? note("opposite") : "")" } ?? "none",
      node.alignment?.brief ?? "–", node.sine?.brief ?? "–", node.offsetDifference?.brief ?? "–",
      node.strength.brief + note("‖v‖ \(node.fanOutNorm.brief)"), node.kinkBalance.brief, "\(node.group)",
      (node.mergedInto.map { "merged into \($0)" } ?? node.fate?.words ?? fateNotMeasured).escapedForHTML,
    ]
  }
  let table = htmlTable(
    caption: "Student nodes",
    head: ["Node", "Teacher node", "Alignment", "Sine", "Offset", "‖v‖ ‖w‖", "Kink balance", "Group", "Merging"],
    rows: rows, numeric: [2, 3, 4, 5, 6, 7], isWide: true)
  return rows.count > 30 ? "<details><summary>All \(rows.count) student nodes</summary>\(table)</details>" : table
}

/// What is left of each hidden layer; empty for two layers.
func layerTable(_ record: AuditRecord) -> String {
  guard let layers = record.layers else { return "" }
  return htmlTable(
    caption: "Hidden layers after merging",
    head: [
      "Layer", "Nodes", "Carry", "Merged", "Removed", "Left", "Joined over", "Rank below", "Weakest direction",
      "Weight error",
    ],
    rows: layers.map { layer in
      [
        layerLabel(layer.layer), "\(layer.nodeCount)", "\(layer.carryingCount)",
        "\(layer.mergeableCount)", "\(layer.removableCount)", "\(layer.unitCount)", layer.joinedOver.brief,
        "\(layer.inputRank) of \(layer.inputCount)", layer.weakestDirection?.brief ?? "–",
        layer.weightError?.brief ?? "–",
      ]
    }, numeric: [1, 2, 3, 4, 5, 6, 8, 9], isWide: true)
}

/// Networks, inputs, gradients and who audited.
func circumstances(_ record: AuditRecord) -> String {
  var entries: [(String, String)] = [
    ("Teacher", record.teacherName), ("Student", record.studentName), ("Inputs", record.inputsName),
    ("Samples N", "\(record.sampleCount)"), ("Features d", "\(record.inputDimension)"),
    ("Rank of the inputs", "\(record.inputRank)"), ("Spread of the inputs", record.inputSpread?.brief ?? "–"),
    ("Outputs C", "\(record.outputDimension)"),
    ("Hyperplanes K", "\(record.hyperplaneCount)"), ("Loss J", record.loss.brief),
    ("Largest gradient over D", record.largestGradient.brief),
    ("over D', teacher-agnostic", record.largestGradientAgnostic?.brief ?? "not measured"),
    ("over D', teacher-aware", record.largestGradientAware?.brief ?? "not measured"),
    ("Augmentation step", record.augmentationStep.brief),
  ]
  entries += record.etaHat.map {
    ("Concentration η ≥, band \($0.band.brief)", "\($0.value.brief) (\($0.family): \($0.description))")
  }
  entries.append(("Understudy version", record.version))
  let list = entries.map { "<dt>\($0.0.escapedForHTML)</dt><dd>\($0.1.escapedForHTML)</dd>" }.joined(separator: "\n")
  return "<h3>Circumstances</h3>\n<dl>\n\(list)\n</dl>"
}

extension AuditVerdict {
  /// In words with a sign, so that colour carries nothing alone.
  fileprivate var content: String {
    switch self {
    case .predictedAndFound, .foundThoughNotPredicted: "<span class=\"verdict borne\">✓ \(words)</span>"
    case .violation: "<span class=\"verdict failed\">✗ \(words)</span>"
    default: "<span class=\"verdict\">– \(words)</span>"
    }
  }
}

extension TeacherNodeRecord {
  /// Which student node is nearest, below how near it is.
  fileprivate var studentContent: String {
    guard alignedStudent > 0 else { return "" }
    let matched = matchedStudent.flatMap { $0 == alignedStudent ? nil : note("matched: \($0)") } ?? ""
    return note("node \(alignedStudent)\(isOpposite ? ", opposite" : "")") + matched
  }
}

extension TeacherBandRecord {
  /// Witnesses, and how many of them one student node explains.
  fileprivate var witnessContent: String {
    guard let witnessCount else { return "not measured" }
    return "\(witnessCount)" + (witnessStudentCount.map { $0 < witnessCount ? " (\($0))" : "" } ?? "")
  }
}

extension Double {
  /// Three significant digits, for tables: 0, 12.3, 0.0123, 1.23e−7.
  var brief: String { String(format: "%.3g", self).replacingOccurrences(of: "-", with: "−") }
}
