import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema
import UnderstudyTheory

/// Takes the measures of one epoch of a run over images.
///
/// Channels are nodes, positions samples. The teacher of the measures is what the student learns from: the oracle.
final class ImageRecorder {
  private let networks: ImageNetworks
  private let oracle: ImageEvaluator
  private let images: ImageBatcher
  private let objective: TrainingSetting
  private let algorithm: ConvolutionAlgorithm
  /// Of the oracle on the evaluation images, `[image, output]`; computed once.
  private lazy var oracleOutputs = oracle.outputs(over: images, count: images.set.count)

  /// What a run over images can record.
  static let measures: Set<Measure> = Set(Measure.ofLayers).union([
    .trainingLoss, .evaluationLoss, .evaluationAgreement, .evaluationAccuracy, .teacherAccuracies,
    .layerTeacherStrengths,
  ])

  /// - Throws: ``ExperimentError`` if the kernels do not take the networks.
  init(
    _ networks: ImageNetworks, over images: ImageBatcher, training: TrainingSetting
  ) throws(ExperimentError) {
    algorithm = ConvolutionAlgorithm(training.convolution)
    let algorithm = algorithm
    oracle = try ExperimentError.catching("oracle") { () throws(ShapeError) in
      try ImageEvaluator(networks.oracle.network, algorithm: algorithm)
    }
    (self.networks, self.images, objective) = (networks, images, training)
  }

  /// The measurements, in the order of ``Measure``.
  ///
  /// - Parameter trainingLoss: the mean over the epoch's steps; nil before the first.
  func take(
    _ measures: Set<Measure>, of student: Network, epoch: Int, trainingLoss: Double?
  ) throws(ExperimentError) -> [MeasuredValue] {
    try ExperimentError.catching("student") { () throws(ShapeError) in
      let evaluator = try ImageEvaluator(student, algorithm: algorithm)
      let needsOutputs = !measures.isDisjoint(with: [.evaluationLoss, .evaluationAgreement, .evaluationAccuracy])
      let outputs = needsOutputs ? evaluator.outputs(over: images, count: images.set.count) : []
      let needsCorrelations =
        !measures.isDisjoint(with: [.layerCorrelations, .layerMatches, .layerStudentCorrelations, .layerDeadNodes])
      let correlations =
        needsCorrelations
        ? try channelCorrelations(of: oracle, with: evaluator, over: images, count: ChannelAudit.correlatedCount) ?? []
        : []
      var result: [MeasuredValue] = []
      for measure in Measure.allCases where measures.contains(measure) {
        func add(_ values: [Double], shape: [Int]? = nil) {
          result.append(MeasuredValue(measure, epoch: epoch, shape: shape ?? [values.count], values: values))
        }
        switch measure {
        case .trainingLoss: if let trainingLoss { add([trainingLoss], shape: []) }
        case .evaluationLoss: add([loss(of: outputs)], shape: [])
        case .evaluationAgreement:
          let width = student.outputCount
          let pairs = zip(largestOutputs(outputs, count: width), largestOutputs(oracleOutputs, count: width))
          add([Double(pairs.count { $0 == $1 }) / Double(images.set.count)], shape: [])
        case .evaluationAccuracy:
          add([accuracy(outputs, outputCount: student.outputCount, labels: images.set.labels)], shape: [])
        case .teacherAccuracies: add([networks.teacher.accuracy, networks.oracle.accuracy])
        case .layerWidths:
          let widths = [networks.oracle.network.hiddenCounts, student.hiddenCounts]
          add(widths.joined().map(Double.init), shape: [2, widths[0].count])
        case .layerCorrelations: add(correlations.flatMap(\.bestOfTeacherNodes))
        case .layerMatches: add(correlations.flatMap { $0.matches.map { Double($0 ?? -1) } })
        case .layerStudentCorrelations: add(correlations.flatMap(\.bestOfStudentNodes))
        case .layerDeadNodes: add(correlations.flatMap(\.deadStudentIndicators))
        case .layerStrengths: add((channelStrengths(of: evaluator, over: images) ?? []).flatMap(\.self))
        case .layerTeacherStrengths: add((channelStrengths(of: oracle, over: images) ?? []).flatMap(\.self))
        default: break  // Refused when the study is checked; see `measures`.
        }
      }
      return result
    }
  }

  /// What the student is asked to lower, on the evaluation images.
  private func loss(of outputs: [Float]) -> Double {
    imageLoss(
      TrainingLoss(objective), outputs: outputs,
      targets: ImageTargets(
        outputs: objective.loss == .labels ? nil : oracleOutputs,
        labels: objective.loss == .crossEntropy ? nil : images.set.labels),
      outputCount: networks.student.outputCount)
  }
}
