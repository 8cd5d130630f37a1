import Foundation
import Understudy

/// An audit as tables for a terminal.
struct AuditTables {
  private let record: AuditRecord

  init(_ record: AuditRecord) { self.record = record }

  var text: String {
    [head, teacherTable, bandTable, studentTable, layerTable, summary].compactMap { $0 }.joined(separator: "\n\n")
  }

  private var head: String {
    var lines = [
      "teacher  \(record.teacherName)", "student  \(record.studentName)",
      "inputs   \(record.inputsName): \(record.sampleCount) samples of \(record.inputDimension) features, rank "
        + "\(record.inputRank), spread \(record.inputSpread.map(short) ?? "-")",
      "loss     \(short(record.loss))    largest gradient of a sample: \(short(record.largestGradient)) on the inputs, "
        + "\(record.largestGradientAgnostic.map(short) ?? notMeasured) and "
        + "\(record.largestGradientAware.map(short) ?? notMeasured) on copies moved by "
        + "\(short(record.augmentationStep)) (teacher-agnostic, -aware)",
    ]
    for density in record.etaHat {
      lines.append(
        "density  eta >= \(short(density.value)) in bands of \(short(density.band)): \(density.family), \(density.description)"
      )
    }
    return (lines + record.notes.map { "note     \($0)" }).joined(separator: "\n")
  }

  private var teacherTable: String {
    var table = TextTable([
      "teacher node", "strength", "observers", "kappa", "alpha", "rank", "eps agnostic", "eps aware", "predicted",
      "proven", "student", "eps", "sine", "offset", "way", "rho", "verdict",
    ])
    for node in record.teacherNodes {
      table.add([
        "\(node.node)", short(node.strength), "\(node.observerCount)",
        node.bestObserver == nil ? "-" : short(node.bestObserverKappa), short(node.bestAlpha),
        "\(node.observerFanOutRank)", node.gradientAlignmentAgnostic.map(short) ?? "-",
        node.gradientAlignmentAware.map(short) ?? "-",
        node.predictedAlignment.map(short) ?? "-", node.provenAlignment.map(short) ?? "-",
        node.alignedStudent == 0
          ? "-" : "\(node.alignedStudent)" + (node.matchedStudent == node.alignedStudent ? "" : "*"),
        node.alignment.map(short) ?? "-", node.sine.map(short) ?? "-", node.offsetDifference.map(short) ?? "-",
        way(node.alignment, node.isOpposite), short(node.correlation), node.verdict.words,
      ])
    }
    let starred = record.teacherNodes.filter { $0.alignedStudent > 0 && $0.matchedStudent != $0.alignedStudent }
    let matching = starred.compactMap { node in node.matchedStudent.map { "\(node.node) with \($0)" } }
    let reasons = record.teacherNodes.filter { !$0.verdict.isFound }.map { "  node \($0.node): \($0.reason)" }
    return
      ([table.text]
      + (matching.isEmpty ? [] : ["  * one-to-one, \(matching.joined(separator: ", "))"]) + reasons)
      .joined(separator: "\n")
  }

  private var bandTable: String {
    var table = TextTable([
      "band around", "eps", "samples", "tau", "observers", "witnesses", "of one", "student", "proven",
    ])
    for node in record.teacherNodes {
      for band in node.bands {
        table.add([
          "teacher node \(node.node)", short(band.band), "\(band.sampleCount)", short(band.tau),
          "\(band.observerCount)", band.witnessCount.map { "\($0)" } ?? notMeasured,
          band.witnessStudentCount.map { "\($0)" } ?? "-",
          band.witnessStudent.map { "\($0)" } ?? "-", band.provenAlignment.map(short) ?? "-",
        ])
      }
    }
    return table.text
  }

  private var studentTable: String {
    var table = TextTable([
      "student node", "teacher", "eps", "sine", "offset", "way", "fan-out", "strength", "balance", "group", "rank",
      "fate",
    ])
    for node in record.studentNodes {
      let fate =
        switch node.fate {
        case nil: notMeasured
        case .carries: "carries"
        case .merged: node.mergedInto.map { "merged into \($0)" } ?? "merged"
        case .removed: "removed"
        }
      table.add([
        "\(node.node)", node.alignedTeacher.map { "\($0)" } ?? (node.isDead ? "dead" : "-"),
        node.alignment.map(short) ?? "-", node.sine.map(short) ?? "-", node.offsetDifference.map(short) ?? "-",
        way(node.alignment, node.isOpposite),
        short(node.fanOutNorm), short(node.strength), short(node.kinkBalance), "\(node.group)",
        node.observerFanOutRank.map { "\($0)" } ?? "-", fate,
      ])
    }
    return table.text
  }

  private var layerTable: String? {
    guard let layers = record.layers else { return nil }
    var table = TextTable([
      "layer", "units", "carry", "merged", "removed", "left", "joined over", "rank below", "weakest", "weight error",
    ])
    for layer in layers {
      table.add([
        layerLabel(layer.layer), "\(layer.nodeCount)", "\(layer.carryingCount)",
        "\(layer.mergeableCount)", "\(layer.removableCount)", "\(layer.unitCount)", short(layer.joinedOver),
        "\(layer.inputRank) of \(layer.inputCount)", layer.weakestDirection.map(short) ?? "-",
        layer.weightError.map(short) ?? "-",
      ])
    }
    return table.text
  }

  private var summary: String {
    let student = record.student
    guard let carryingCount = student.carryingCount, let mergeableCount = student.mergeableCount,
      let removableCount = student.removableCount, let mergedNodeCount = student.mergedNodeCount,
      let largestOutputChange = student.largestOutputChange
    else {
      return
        "student: \(student.nodeCount) units in the lowest layer; which of them can be merged or removed was not measured"
    }
    let heldOut = student.heldOutOutputChange.map { ", on \(student.heldOutCount ?? 0) held out \(short($0))" } ?? ""
    let error = student.weightError.map { "; largest weight error against the teacher \(short($0))" } ?? ""
    let ofTeacher = student.carryingTeacherCount ?? carryingCount
    let others = carryingCount - ofTeacher
    return
      "student\(record.layers == nil ? "" : ", lowest layer"): \(student.nodeCount) units, of which \(ofTeacher) carry the teacher, "
      + (others > 0 ? "\(others) carry other boundaries, " : "")
      + "\(mergeableCount) can be merged and \(removableCount) removed: \(mergedNodeCount) are left; "
      + "largest output change on the inputs \(short(largestOutputChange))\(heldOut) (outputs are of size "
      + "\(short(student.outputScale)))\(error)"
  }

  /// A line for each of several audits: how many teacher nodes have which verdict.
  static func summary(_ entries: [StudentAudits.Entry]) -> String {
    let verdicts = AuditVerdict.allCases.filter { verdict in
      entries.contains { $0.record.teacherNodes.contains { $0.verdict == verdict } }
    }
    var table = TextTable(
      ["run"] + verdicts.map(\.words) + ["largest gradient", "units", "left", "weight error"])
    for entry in entries {
      let record = entry.record
      table.add(
        [entry.title] + verdicts.map { verdict in "\(record.teacherNodes.count { $0.verdict == verdict })" } + [
          short(record.largestGradient), "\(record.student.nodeCount)",
          record.student.mergedNodeCount.map { "\($0)" } ?? notMeasured,
          record.student.weightError.map(short) ?? "-",
        ])
    }
    return table.text
  }
}

/// Where a part of an audit was left out.
private let notMeasured = "not measured"

/// Whether two boundaries have one orientation; nothing where there are not two.
private func way(_ alignment: Double?, _ isOpposite: Bool) -> String {
  alignment == nil ? "-" : isOpposite ? "opposite" : "same"
}

/// Three significant digits, as short as they come: `0.0123`, `1.5e-11`.
func short(_ value: Double) -> String { String(format: "%.3g", value) }
