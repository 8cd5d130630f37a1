import Foundation
import Testing
import UnderstudySchema

@testable import UnderstudyFigures

/// What the table of statistics says of each: in the documents, and of the measures that it needs.
@Suite struct StatisticTableTests {
  typealias Statistic = FindingDeclaration.Statistic

  /// Docs/Studies.md holds the table's lines, word by word.
  @Test func documentsHaveTheTable() throws {
    let lines = try Self.lines(after: "## Statistics of findings\n")
    let expected = Statistic.allCases.map { statistic in
      let row = statistic.row
      let needs = row.needs.isEmpty ? "–" : row.needs.map(\.rawValue).joined(separator: ", ")
      return "| `\(statistic.rawValue)` | \(row.sentence) | \(row.epochs.rawValue) | \(needs) |"
    }
    for (line, wanted) in zip(lines, expected) { #expect(line == wanted) }
    #expect(lines.count == expected.count)
  }

  /// The lines of a table of Docs/Studies.md, of the section after a heading.
  private static func lines(after heading: String, before next: String? = nil) throws -> [String] {
    var section = try #require(try document("Studies.md").components(separatedBy: heading).last)
    if let next { section = section.components(separatedBy: next)[0] }
    return section.split(separator: "\n").filter { $0.hasPrefix("| `") }.map(String.init)
  }

  @Test("documents and `understudy keys` say the same of measures and kinds of figures")
  func meanings() throws {
    let measures = try Self.lines(after: "\n## Measures\n", before: "\n## ")
    for (line, measure) in zip(measures, Measure.allCases) {
      #expect(line == "| `\(measure.rawValue)` | \(measure.words.shape) | \(measure.words.meaning) |")
    }
    #expect(measures.count == Measure.allCases.count)
    let kinds = try Self.lines(after: "\n## Kinds of figures\n", before: "\n### ")
    for (line, kind) in zip(kinds, FigureDeclaration.Kind.allCases) {
      #expect(line == "| `\(kind.rawValue)` | \(kind.meaning) |")
    }
    #expect(kinds.count == FigureDeclaration.Kind.allCases.count)
  }

  @Test func sentencesNameTheLayerThatIsLookedAt() {
    for statistic in Statistic.allCases {
      #expect(statistic.row.sentence.contains("`layer`") == statistic.needsLayer, "\(statistic)")
    }
  }

  private static func finding(_ statistic: Statistic, _ results: StudyResults, _ keep: (Measure) -> Bool) -> Finding {
    var results = results
    results.study.findings.removeAll { $0.statistic != statistic }
    for run in results.runs.indices { results.runs[run].measurements.removeAll { !keep($0.measure) } }
    return findings(of: results)[0]
  }

  /// With the measures of its row alone a statistic is what it is with all of them, and without any one of these it says what
  /// is missing.
  @Test func statisticsNeedWhatTheirRowsSay() {
    func found(_ results: StudyResults, _ only: [Statistic]? = nil, _ selection: [String: [KeyValue]] = [:])
      -> StudyResults
    {
      var results = results
      results.study.findings = HostileMeasurementTests.findingDeclarations
      if let only { results.study.findings.removeAll { !only.contains($0.statistic) } }
      for finding in results.study.findings.indices { results.study.findings[finding].selection = selection }
      return results
    }
    let finished = Synthetic.run(
      Synthetic.setting(epochs: 1), seed: 1,
      [
        .init(.criticalPoint, epoch: 1, shape: [8], values: [1, 0, 1, 0, 0, 0, 0, 0]),
        .init(.mergedWeightError, epoch: 1, values: [1e-12]), .init(.trainingLoss, epoch: 1, values: [1e-12]),
      ])
    let handing = SyntheticLayers.setting([2, 2], multiple: 2)
    let strong = Synthetic.run(
      handing, seed: 1,
      [
        SyntheticLayers.widths([2, 2], handing.studentWidths),
        SyntheticLayers.vector(
          .layerStudentCorrelations, handing.lastEpoch, [0.99, 0.98, 0.5, 0.4, 0.99, 0.98, 0.5, 0.4]),
        SyntheticLayers.vector(.layerStrengths, handing.lastEpoch, [1, 1, 0.9, 0.1, 1, 1, 0.9, 0.1]),
        SyntheticLayers.vector(.layerBelowCorrelations, handing.lastEpoch, [0, 0, 0, 0, 0.1, 0.1, 0.99, 0.99]),
      ])
    let all =
      HostileMeasurementTests.allResults() + [
        found(SyntheticTheory.multiples([2], decays: [1], seedCount: 4, figures: [])),
        found(
          SyntheticTheory.samples(seedCount: 1, figures: []), [.sampleExponent],
          ["inputs.augmentation": [.text("teacherAware")]]),
        found(Synthetic.sweep(decays: [1], multiples: [2], seedCount: 8)),
        found(SyntheticLayers.study([[4, 5, 6]], multiples: [2], seedCount: 2, figures: [])),
        found(FigureDataTests.results([finished])), found(SyntheticLayers.learning()),
        found(FigureDataTests.results([strong]), [.layerBelowShare]),
      ]
    var seen: Set<Statistic> = []
    for statistic in Statistic.allCases {
      let needs = statistic.row.needs
      for results in all where results.study.findings.contains(where: { $0.statistic == statistic }) {
        let finding = Self.finding(statistic, results) { _ in true }
        guard finding.value != nil else { continue }
        seen.insert(statistic)
        #expect(Self.finding(statistic, results, needs.contains) == finding, "\(statistic)")
        for measure in needs {
          let without = Self.finding(statistic, results) { $0 != measure }
          #expect("\(without.verdict)".contains("\(measure.rawValue) is not recorded"), "\(statistic): \(measure)")
        }
      }
    }
    #expect(Set(Statistic.allCases).subtracting(seen) == [], "each is measurable in some results")
  }
}
