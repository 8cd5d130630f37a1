import UnderstudySchema

/// A kind of figure: which measures it needs, and how it is drawn.
struct ChartRow {
  /// All that it looks at.
  var needs: Set<Measure>
  /// What of it it can do without.
  var optional: Set<Measure> = []
  var draw: (Chart) throws(FigureError) -> [FigureSpecification]

  init(
    _ needs: Set<Measure>, optional: Set<Measure> = [],
    all draw: @escaping (Chart) throws(FigureError) -> [FigureSpecification]
  ) {
    (self.needs, self.optional, self.draw) = (needs.union(optional), optional, draw)
  }

  init(
    _ needs: Set<Measure>, optional: Set<Measure> = [],
    _ draw: @escaping (Chart) throws(FigureError) -> FigureSpecification
  ) {
    (self.needs, self.optional) = (needs.union(optional), optional)
    self.draw = { chart throws(FigureError) in [try draw(chart)] }
  }
}

extension FigureDeclaration.Kind {
  /// The table of all kinds. To add one is to add a case and its row here.
  var row: ChartRow {
    switch self {
    case .lShape:
      ChartRow(
        [.trainingCorrelation, .fanOutNorms], optional: [.trainingDeadNodes, .boundaryStrengths], all: lShapeFigures)
    case .recoveryRate: ChartRow([.evaluationCorrelation], recoveryRateFigure)
    case .evaluationLoss: ChartRow([.evaluationLoss], evaluationLossFigure)
    case .boundaries:
      ChartRow(
        [.inputSample, .teacherBoundaries, .studentBoundaries],
        optional: [.evaluationCorrelation, .trainingCorrelation], boundariesFigure)
    case .alignmentBound: ChartRow([.predictedAlignment, .alignment], alignmentBoundFigure)
    case .unalignedStudents:
      ChartRow(
        [.largestGradient, .studentAlignment, .boundaryStrengths, .kinkBalances], unalignedStudentsFigure)
    case .observers: ChartRow([.evaluationCorrelation, .observerCounts], observersFigure)
    case .alignmentTime: ChartRow([.alignment], alignmentTimeFigure)
    case .alignedShare: ChartRow([.alignment], alignedShareFigure)
    case .sampleExponent: ChartRow([.alignment], optional: [.observation], sampleExponentFigure)
    case .verdictShares: ChartRow([.verdicts], verdictSharesFigure)
    case .connectionLoss: ChartRow([.straightPath, .matchedPath, .constructedPath], connectionLossFigure)
    case .coverAndLoss: ChartRow([.evaluationCorrelation, .evaluationLoss], coverAndLossFigure)
    case .layerLShape:
      ChartRow(
        [
          .layerWidths, .layerStudentCorrelations, .layerStrengths,
        ],
        optional: [.layerDeadNodes, .layerMirroredCorrelations, .layerBelowCorrelations, .layerActiveShares],
        layerLShapeFigure)
    case .layerSpecialization: ChartRow([.layerWidths, .layerCorrelations], layerSpecializationFigure)
    case .layerLearning: ChartRow([.layerWidths, .layerCorrelations], layerLearningFigure)
    case .accuracy: ChartRow([.evaluationAccuracy], optional: [.teacherAccuracies], accuracyFigure)
    case .bestCorrelations: ChartRow([.layerWidths, .layerCorrelations], bestCorrelationsFigure)
    case .specializationTime: ChartRow([.layerWidths, .layerCorrelations], specializationTimeFigure)
    // They need what the declaration names.
    case .plot: ChartRow([], plotFigure)
    case .heatMap: ChartRow([], heatMapFigure)
    }
  }
}

extension FigureDeclaration {
  /// The measures that it looks at.
  var measures: Set<Measure> { kind.row.needs.union(plot?.measures ?? []) }
}

extension Study {
  /// The measures that its figures and findings look at: all that a report has to read of a results folder.
  public var shownMeasures: Set<Measure> {
    let rows = findings.map(\.statistic.row)
    return figures.reduce(into: Set(rows.flatMap(\.needs) + rows.flatMap(\.readsAlso))) {
      $0.formUnion($1.measures)
    }
  }
}
