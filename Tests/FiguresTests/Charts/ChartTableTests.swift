import Testing
import UnderstudySchema

@testable import UnderstudyFigures

/// What the table of figures says of each: the measures that a report has to read for it.
@Suite struct ChartTableTests {
  static let results: [StudyResults] = [
    Synthetic.sweep(decays: [0, 1], multiples: [1, 2], seedCount: 2),
    Synthetic.plane(),
    SyntheticTheory.multiples([1, 2], decays: [1], seedCount: 2, figures: []),
    SyntheticTheory.samples(seedCount: 2, figures: []),
    SyntheticTheory.connections(seedCount: 2, figures: []),
    SyntheticLayers.study([[5, 7]], multiples: [1, 2], seedCount: 2), SyntheticLayers.learning(),
  ]

  private func drawn(
    _ kind: FigureDeclaration.Kind, from results: StudyResults, keeping measures: Set<Measure>? = nil
  ) -> Result<[FigureSpecification], FigureError> {
    var results = results
    if let measures {
      for run in results.runs.indices { results.runs[run].measurements.removeAll { !measures.contains($0.measure) } }
    }
    return Result { () throws(FigureError) in
      try figureSpecifications(of: .sample(kind), from: results)
    }
  }

  @Test("a figure is the same from the measures of its row alone", arguments: FigureDeclaration.Kind.allCases)
  func needs(kind: FigureDeclaration.Kind) throws {
    var drawnCount = 0
    let measures = FigureDeclaration.sample(kind).measures
    for results in Self.results {
      let whole = drawn(kind, from: results)
      #expect(drawn(kind, from: results, keeping: measures) == whole)
      guard case .success = whole else { continue }
      drawnCount += 1
      // Some measure of the row is one that it cannot do without.
      #expect(
        measures.contains { drawn(kind, from: results, keeping: measures.subtracting([$0])) != whole })
    }
    #expect(drawnCount > 0, "no results to draw it from")
  }

  @Test("a report reads what the figures and findings of its study look at, and nothing else")
  func shownMeasures() {
    var study = Self.results[0].study
    study.figures = [FigureDeclaration(name: "f", kind: .recoveryRate)]
    study.findings = [FindingDeclaration(statement: "s", statistic: .armRatio, atLeast: 1)]
    #expect(
      study.shownMeasures == [.evaluationCorrelation, .trainingCorrelation, .fanOutNorms, .trainingDeadNodes])
    (study.figures, study.findings) = ([], [])
    #expect(study.shownMeasures.isEmpty)
  }
}

extension FigureDeclaration {
  /// A figure of the kind; of those that say themselves what they show, something that sweeps have.
  static func sample(_ kind: Kind, named name: String = "figure") -> FigureDeclaration {
    var declaration = FigureDeclaration(name: name, kind: kind)
    if kind == .plot { declaration.plot = PlotDeclaration(.measure(.evaluationLoss)) }
    if kind == .heatMap { declaration.plot = PlotDeclaration(.statistic(.recoveredShare)) }
    return declaration
  }
}
