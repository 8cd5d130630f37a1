/// A quantity that a run can record at an epoch. The raw value is its name in study files, in the store and in exports.
///
/// What each is, with its shape and the order of its indices, stands in the table of ``words`` (MeasureMeaning.swift) and in
/// Docs/Studies.md. A run's measurements have the order of the cases.
public enum Measure: String, Codable, Hashable, Sendable, CaseIterable {
  case trainingLoss, evaluationLoss, expectedLoss, growthRates, trainingCorrelation, evaluationCorrelation
  case trainingObservationCounts, evaluationObservationCounts, trainingDeadNodes, evaluationDeadNodes, fanOutNorms
  case boundaryStrengths, nodeGradients, nodeMaximumGradients, gradientNorms, weightChanges, teacherBoundaries
  case studentBoundaries, teacherFanOutNorms, inputSample, alignment, studentAlignment, predictedAlignment
  case largestGradient, observation, observerCounts, ballGradients, ballObservers, witnessCounts, kinkBalances
  case verdicts, mergedNodeCount, mergedWeightError, criticalPoint, straightPath, matchedPath, constructedPath
  case layerWidths, layerCorrelations, layerMatches, layerStudentCorrelations, layerDeadNodes
  case layerMirroredCorrelations, layerBelowCorrelations, layerActiveShares, layerStrengths, layerTeacherStrengths
  case layerSmallestAlphas, layerMeanAlphas, layerRegionCounts, layerCouplingA, layerCouplingB, layerGradients
  case layerLargestGradients, layerRuleResiduals, evaluationAgreement, evaluationAccuracy, teacherAccuracies
}

extension Measure {
  /// What measures were called in version 0.1: such a name is read like the measure's own.
  private static let formerNames: [Measure: String] = [.criticalPoint: "finishing"]

  package var formerName: String? { Self.formerNames[self] }

  /// The measure of that name, also of a former one; nil if there is none.
  package init?(named name: String) {
    guard let measure = Measure(rawValue: name) ?? Self.formerNames.first(where: { $0.value == name })?.key else {
      return nil
    }
    self = measure
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let measure = Measure(named: name) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "no measure is called \(name)")
    }
    self = measure
  }

  /// What is defined for networks of one hidden layer only: expected losses and growth rates, strengths and kink balances of
  /// boundaries, and gradients in a ball.
  public static let ofTwoLayers: Set<Measure> = [
    .expectedLoss, .growthRates, .boundaryStrengths, .ballGradients, .ballObservers, .kinkBalances,
  ]

  /// Expectations over Gaussian inputs.
  package static let ofGaussianInputs: Set<Measure> = [.expectedLoss, .growthRates]

  /// What needs labels.
  public static let ofLabels: Set<Measure> = [.evaluationAccuracy, .teacherAccuracies]

  /// Whether it is one number at each moment.
  package var isScalar: Bool {
    isLoss
      || [.largestGradient, .evaluationAccuracy, .evaluationAgreement, .mergedNodeCount, .mergedWeightError].contains(
        self)
  }

  /// Whether it is a loss: a positive number that falls over decades.
  package var isLoss: Bool { [.trainingLoss, .evaluationLoss, .expectedLoss].contains(self) }

  /// Losses along paths: they are computed once, at the end of a run, for they need a second student.
  package static let paths: Set<Measure> = [.straightPath, .matchedPath, .constructedPath]

  /// What a linear network does not have.
  package static let ofBoundaries: Set<Measure> = paths.union([
    .predictedAlignment, .witnessCounts, .verdicts, .kinkBalances, .mergedNodeCount, .mergedWeightError,
    .ballGradients, .ballObservers,
  ])

  /// Per hidden layer, cheap: what is recorded of deep networks when a study does not say.
  package static let ofLayers: [Measure] = [
    .layerWidths, .layerCorrelations, .layerMatches, .layerStudentCorrelations, .layerDeadNodes, .layerStrengths,
  ]
}
