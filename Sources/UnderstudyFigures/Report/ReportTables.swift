import Foundation
import UnderstudySchema

/// A table of expectations: verdicts in words, so that colour carries nothing alone.
func findingsContent(_ findings: [Finding], caption: String) -> String {
  guard !findings.isEmpty else { return "" }
  let rows = findings.map { finding in
    [
      finding.declaration.statement.escapedForHTML
        + "<span class=\"note\">\(finding.declaration.meaning.escapedForHTML)</span>",
      finding.declaration.expectation.escapedForHTML,
      finding.measuredContent,
      finding.runsInWords.escapedForHTML,
      finding.verdictContent,
    ]
  }
  return htmlTable(
    caption: caption,
    head: ["Statement", "Expected", "Measured", "Runs", "Verdict"], rows: rows, numeric: [2],
    style: "findings")
}

/// How many of some findings have which verdict: `11 of 12 borne out, 1 not`.
func verdictCounts(_ findings: [Finding]) -> String {
  var (borneOut, failed, undecided, unmeasured) = (0, 0, 0, 0)
  for finding in findings {
    switch finding.verdict {
    case .borneOut: borneOut += 1
    case .notBorneOut: failed += 1
    case .undecided: undecided += 1
    case .notMeasurable: unmeasured += 1
    }
  }
  return [
    "\(borneOut) of \(findings.count) borne out", failed > 0 ? "\(failed) not" : nil,
    undecided > 0 ? "\(undecided) undecided" : nil, unmeasured > 0 ? "\(unmeasured) not measurable" : nil,
  ].compactMap { $0 }.joined(separator: ", ")
}

extension Finding.Verdict {
  /// Beside its words, so that colour carries nothing alone.
  var sign: String {
    switch self {
    case .borneOut: "✓"
    case .notBorneOut: "✗"
    case .undecided: "?"
    case .notMeasurable: "–"
    }
  }
}

extension Finding {
  fileprivate var verdictContent: String {
    switch verdict {
    case .borneOut:
      "<span class=\"verdict borne\">\(verdict.sign) borne out</span>"
        + (runCount == 1 ? "<span class=\"note\">by one run: more seeds would tell chance apart</span>" : "")
    case .notBorneOut: "<span class=\"verdict failed\">\(verdict.sign) not borne out</span>"
    case .undecided:
      "<span class=\"verdict\">\(verdict.sign) undecided</span><span class=\"note\">the interval reaches beyond what is expected; more seeds "
        + "make it narrower</span>"
    case .notMeasurable(let reason):
      "<span class=\"verdict\">\(verdict.sign) not measurable</span><span class=\"note\">\(reason.escapedForHTML)</span>"
    }
  }

  fileprivate var measuredContent: String {
    func shown(_ value: Double) -> String {
      String(format: "%.4g", value).replacingOccurrences(of: "-", with: "−")
    }
    guard let value else { return "–" }
    guard let interval else { return shown(value) }
    let (low, high) = (shown(interval.lowerBound), shown(interval.upperBound))
    return shown(value) + "<span class=\"note\">95 %: \(low) to \(high)</span>"
  }

  fileprivate var runsInWords: String {
    let count =
      pairs.map { "\(counted($0.count, "pair")) of \(counted($0.seedCount, "seed"))" }
      ?? (isIncomplete ? "\(runCount) of \(expectedRunCount)" : "\(runCount)")
    let isLeftOut = divergedCount > 0 && !declaration.statistic.row.isOfAllRuns
    return count + (isIncomplete ? " (incomplete)" : "") + (isLeftOut ? "; \(divergedCount) diverged, left out" : "")
  }
}

extension FindingDeclaration {
  /// The bounds in words.
  fileprivate var expectation: String {
    func shown(_ bound: Double) -> String { bound.short.replacingOccurrences(of: "-", with: "−") }
    return switch (atLeast, atMost) {
    case (let low?, let high?): "\(shown(low)) to \(shown(high))"
    case (let low?, nil): "at least \(shown(low))"
    case (nil, let high?): "at most \(shown(high))"
    case (nil, nil): "no bound"
    }
  }

  /// The statistic, when and over what, in words.
  fileprivate var meaning: String {
    let row = statistic.row
    let name = row.sentence.replacingOccurrences(of: "`layer`", with: layerLabel(layer ?? 0))
    let when =
      switch row.epochs {
      case .own: ""
      case .all: epoch.map { ", epoch \($0)" } ?? ", all recorded epochs"
      case .last: epoch.map { ", epoch \($0)" } ?? ", last epoch"
      }
    let part = selection.keys.sorted()
      .map { "\($0) = \(selection[$0, default: []].map(\.shown).joined(separator: ", "))" }
    let compared = comparison.map {
      "; \($0.key) = \($0.first.shown) \($0.kind == .difference ? "minus" : "divided by") \($0.second.shown), over pairs of runs, averaged in each seed"
    }
    return name + when + (compared ?? "") + (part.isEmpty ? "" : "; " + part.joined(separator: "; "))
  }
}

/// Settings with how many of their runs have finished; diverged ones by seed.
func settingsContent(_ results: StudyResults) -> String {
  let study = results.study
  let runs = Dictionary(grouping: results.runs, by: \.run.settingIndex)
  let rows = study.settings.indices.map { index in
    let finished = runs[index, default: []]
    let diverged = finished.compactMap { record in
      record.divergedEpoch.map { "seed \(record.run.seed) (\(study.timeUnit) \($0))" }
    }
    return study.variedKeys.map { (study.value(of: $0, at: index)?.shown ?? "–").escapedForHTML } + [
      "\(finished.count) of \(study.seeds.count)", diverged.isEmpty ? "none" : diverged.joined(separator: ", "),
    ]
  }
  let table = htmlTable(
    caption: "Settings and their runs", head: study.variedKeys.map(\.escapedForHTML) + ["Finished", "Diverged"],
    rows: rows)
  let common = (study.settings.first?.shownValues ?? [:]).filter { !study.variedKeys.contains($0.key) }
  return """
    <h3>Settings</h3>
    <p>\(counted(rows.count, "setting")) × \(counted(study.seeds.count, "seed")) \
    (\(inWords(study.seeds))): \(results.runs.count) of \(rows.count * study.seeds.count) runs finished, \
    \(results.runs.count { $0.divergedEpoch != nil }) diverged.</p>
    \(table)
    <h3>Keys that all settings share</h3>
    \(htmlList(common.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
    """
}

/// Who made the numbers, where and when.
func provenanceContent(_ results: StudyResults) -> String {
  guard !results.runs.isEmpty else { return "" }
  func distinct(_ values: [String]) -> String { Set(values).sorted().joined(separator: ", ") }
  let dates = results.runs.map(\.finishedAt).sorted()
  let entries: [(String, String)] = [
    ("Study", results.study.name),
    ("Study hash", distinct(results.runs.map(\.studyHash))),
    ("Understudy version", distinct(results.runs.map(\.version))),
    ("Machine", distinct(results.runs.map(\.machine))),
    ("Runs finished", "\(dates[0].formatted(.iso8601)) to \(dates[dates.count - 1].formatted(.iso8601))"),
    ("Steps", results.runs.reduce(0) { $0 + $1.stepCount }.formatted(.number.locale(Locale(identifier: "en_US")))),
    ("Time of all runs", duration(results.runs.reduce(0) { $0 + $1.wallSeconds })),
    ("Processor time", duration(results.runs.reduce(0) { $0 + $1.cpuSeconds })),
  ]
  return "<h3>Provenance</h3>\n\(htmlList(entries))"
}

/// "0 to 31" if without gaps, else a list.
private func inWords(_ seeds: [Int]) -> String {
  guard let first = seeds.first, let last = seeds.last, seeds.count > 2, seeds == Array(first..<(first + seeds.count))
  else { return seeds.map(String.init).joined(separator: ", ") }
  return "\(first) to \(last)"
}

private func duration(_ seconds: Double) -> String {
  switch seconds {
  case ..<120: String(format: "%.1f s", seconds)
  case ..<7200: String(format: "%.1f min", seconds / 60)
  default: String(format: "%.1f h", seconds / 3600)
  }
}

extension Setting {
  /// Every key that has a value, with it; a file has its digest beside it.
  fileprivate var shownValues: [String: String] {
    var values: [String: String] = [:]
    for key in StudyKey.all.map(\.path) {
      values[key] = value(of: key)?.shown
      values[key + ".digest"] = file(of: key)?.digest
    }
    return values
  }
}
