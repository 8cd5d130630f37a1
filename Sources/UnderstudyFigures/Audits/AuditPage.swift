import Foundation
import UnderstudySchema

/// A table of an audit on a page. The columns that stand below another are smaller lines in its cells, with their titles.
func auditTable(_ table: AuditTable) -> String {
  let notes = table.notesAndRemarks.map { "\n<p class=\"note\">\($0.escapedForHTML)</p>" }.joined()
  guard !table.rows.isEmpty else { return notes }
  let shown = table.columns.indices.filter { table.columns[$0].place == .column }
  let rows = table.rows.map { row in
    shown.map { column in
      let below = table.columns.indices.dropFirst(column + 1).prefix { table.columns[$0].place == .below }
      return row[column].content
        + below.filter { row[$0] != .absent }.map { index in
          "<span class=\"note\">\("\(table.columns[index].title) \(row[index].onPage)".escapedForHTML)</span>"
        }.joined()
    }
  }
  let isNumeric = shown.map { column in
    table.rows.contains {
      switch $0[column] {
      case .number, .count, .share: true
      default: false
      }
    }
  }
  let html =
    htmlTable(
      caption: table.title,
      head: shown.map { column in
        let (title, meaning) = (table.columns[column].title, table.columns[column].meaning)
        return "<span title=\"\(meaning.escapedForHTML)\">\(title.escapedForHTML)</span>"
      },
      rows: rows, numeric: Set(isNumeric.indices.filter { isNumeric[$0] }), style: "wide")
    + notes
  return rows.count > 30
    ? "<details><summary>\(table.title.escapedForHTML): all \(rows.count)</summary>\(html)</details>" : html
}

extension AuditCell {
  /// With signs as print has them.
  fileprivate var onPage: String {
    switch self {
    case .number(let value): value.printed
    case .absent: "–"
    default: plain
    }
  }

  /// Verdicts have a sign beside their words, so that colour carries nothing alone.
  fileprivate var content: String {
    guard case .verdict(let verdict) = self else { return onPage.escapedForHTML }
    return switch verdict {
    case .predictedAndFound, .foundThoughNotPredicted: "<span class=\"verdict borne\">✓ \(verdict.words)</span>"
    case .matchedOnInputs: "<span class=\"verdict\">≈ \(verdict.words)</span>"
    case .violation: "<span class=\"verdict failed\">✗ \(verdict.words)</span>"
    default: "<span class=\"verdict\">– \(verdict.words)</span>"
    }
  }
}

extension Double {
  /// As `brief`, with a minus for a hyphen: 1.23e−7.
  fileprivate var printed: String { brief.replacingOccurrences(of: "-", with: "−") }
}

/// Networks, inputs, gradients and who audited.
func circumstances(_ record: AuditRecord) -> String {
  var entries: [(String, String)] = [
    ("Teacher", record.teacherName), ("Student", record.studentName), ("Inputs", record.inputsName),
    ("Samples N", "\(record.sampleCount)"), ("Features d", "\(record.inputDimension)"),
    ("Rank of the inputs", "\(record.inputRank)"),
    ("by more than each band", record.bandRanks.map { $0.map(String.init).joined(separator: ", ") } ?? "–"),
    ("Spread of the inputs", record.inputSpread?.printed ?? "–"),
    ("Outputs C", "\(record.outputDimension)"),
    ("Hyperplanes K", "\(record.hyperplaneCount)"), ("Loss J", record.loss.printed),
    ("Largest gradient over D", record.largestGradient.printed),
    ("over D', teacher-agnostic", record.largestGradientAgnostic?.printed ?? "not measured"),
    ("over D', teacher-aware", record.largestGradientAware?.printed ?? "not measured"),
    ("Augmentation step", record.augmentationStep.printed),
  ]
  entries += record.etaHat.map {
    ("Concentration η ≥, band \($0.band.printed)", "\($0.value.printed) (\($0.family): \($0.description))")
  }
  entries.append(("Understudy version", record.version))
  return circumstances(entries)
}

/// The same over a region.
func circumstances(_ record: RegionAuditRecord) -> String {
  circumstances([
    ("Teacher", record.teacherName), ("Student", record.studentName), ("Inputs", record.region),
    ("Features d", "\(record.inputDimension)"), ("Outputs C", "\(record.outputDimension)"),
    ("Aligned up to", record.band.printed), ("Gradients that count as 0, over ‖v_k‖", record.tolerance.printed),
    ("Inputs for shares", "\(record.inputCount)"), ("Understudy version", record.version),
  ])
}

/// The same over images.
func circumstances(_ record: ChannelAuditRecord) -> String {
  circumstances([
    ("Teacher", record.teacherName), ("Student", record.studentName), ("Images", record.imagesName),
    ("Images for correlations and effects", "\(record.imageCount)"), ("for strengths", "\(record.strengthImageCount)"),
    ("Learned, or aligned, from a rho of", record.learnedAt.printed),
    ("Silent below a share of the largest effect", record.silentBelow.printed), ("Understudy version", record.version),
  ])
}

private func circumstances(_ entries: [(String, String)]) -> String {
  "<details><summary>Circumstances</summary>\n\(htmlList(entries))</details>"
}
