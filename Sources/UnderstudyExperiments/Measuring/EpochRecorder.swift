import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema
import UnderstudyTheory

/// Takes the measures of a run at one moment.
///
/// Losses come from the training kernels, in the run's precision; everything else is measured by the theory's functions,
/// in double precision.
struct EpochRecorder {
  let prepared: PreparedRun
  /// What the measurements are dated by: the epoch, or with a zoom the step.
  let time: Int
  /// Whose training set is measured over.
  let epoch: Int
  /// Without batch normalisation: folded.
  let student: Student
  /// The student one epoch earlier, folded, or with a zoom at the last moment or end of an epoch; at first the student itself.
  let previous: Student
  let training: Dataset
  /// Losses by the kernels, evaluated only if asked for.
  let trainingLoss: () -> Double
  let evaluationLoss: () -> Double
  let instructions: InstructionSet

  /// The measurements, in the order of ``Measure``.
  func take(_ measures: Set<Measure>) throws(ExperimentError) -> [MeasuredValue] {
    try ExperimentError.catching { () throws(ShapeError) in try takeAll(measures) }
  }

  /// A line for each measure, for the compiler to ask for one that is new.
  private func takeAll(_ measures: Set<Measure>) throws(ShapeError) -> [MeasuredValue] {
    let teacher = prepared.teacher
    let n = student.network.hiddenCounts[0]
    let onTraining =
      measures.isDisjoint(with: [.trainingCorrelation, .trainingDeadNodes])
      ? nil : try correlation(of: teacher, with: student, over: training.inputs)
    let onEvaluation =
      measures.isDisjoint(with: [.evaluationCorrelation, .evaluationDeadNodes])
      ? nil : try correlation(of: teacher, with: student, over: prepared.evaluation.inputs)
    let gradient =
      measures.isDisjoint(with: [
        .nodeGradients, .nodeMaximumGradients, .gradientNorms, .largestGradient, .layerGradients,
        .layerLargestGradients,
      ])
      ? nil : try gradients(of: student, over: training.inputs, targets: training.targets)
    let theory = try TheoryRecorder(
      teacher: teacher, student: student, training: training,
      drawn: { prepared.drawnInputs(index: prepared.trainingSetIndex(epoch: epoch)) }, band: prepared.bandWidth
    ).take(measures)

    let layers = try LayerRecorder(
      teacher: teacher, student: student, inputs: prepared.evaluation.inputs,
      precision: prepared.run.setting.training.precision, instructions: instructions
    ).take(measures)

    var result: [MeasuredValue] = []
    for measure in Measure.allCases where measures.contains(measure) {
      func add(_ shape: [Int], _ values: [Double]) {
        result.append(MeasuredValue(measure, epoch: time, shape: shape, values: values))
      }
      // Fan-out weights are those of the highest hidden layer.
      func add(_ values: [Double]) { add([values.count], values) }
      func add(_ matrix: Matrix) { add([matrix.rowCount, matrix.columnCount], matrix.values) }
      switch measure {
      case .trainingLoss: add([], [trainingLoss()])
      case .evaluationLoss: add([], [evaluationLoss()])
      case .expectedLoss:
        let deviation = prepared.run.setting.inputs.standardDeviation
        add([], [try UnderstudyTheory.expectedLoss(of: student, learning: teacher, inputDeviation: deviation)])
      case .growthRates:
        let deviation = prepared.run.setting.inputs.standardDeviation
        let rates = try earlyGrowthRates(of: teacher, inputDeviation: deviation)
        add([rates.count], rates)
      case .trainingCorrelation: if let onTraining { add(onTraining.values) }
      case .evaluationCorrelation: if let onEvaluation { add(onEvaluation.values) }
      case .trainingDeadNodes: if let onTraining { add(onTraining.deadStudentIndicators) }
      case .evaluationDeadNodes: if let onEvaluation { add(onEvaluation.deadStudentIndicators) }
      case .trainingObservationCounts:
        add(try observationCounts(of: teacher, by: student, over: training.inputs))
      case .evaluationObservationCounts:
        add(try observationCounts(of: teacher, by: student, over: prepared.evaluation.inputs))
      case .fanOutNorms: add(fanOutNorms(of: student.network))
      case .boundaryStrengths: add([n], try boundaryStrengths(of: student.network))
      case .nodeGradients: if let gradient { add([n], gradient.nodeMeanSquares) }
      case .nodeMaximumGradients: if let gradient { add([n], gradient.nodeMaxima) }
      case .gradientNorms: if let gradient { add([gradient.layerNorms.count], gradient.layerNorms) }
      case .largestGradient: if let gradient { add([], [gradient.nodeMaxima.reduce(0, max)]) }
      case .layerGradients: if let gradient { add(gradient.layerMeanSquares.flatMap(\.self)) }
      case .layerLargestGradients: if let gradient { add(gradient.layerMaxima.flatMap(\.self)) }
      case .weightChanges:
        let changes = try weightChanges(from: previous.network, to: student.network)
        add([changes.count], changes)
      case .teacherBoundaries: add(boundaries(of: teacher.network))
      case .studentBoundaries: add(boundaries(of: student.network))
      case .teacherFanOutNorms: add(fanOutNorms(of: teacher.network))
      case .inputSample: add(training.inputs.prefix(rows: 400))
      case .alignment, .studentAlignment, .predictedAlignment, .observation, .observerCounts, .ballGradients,
        .ballObservers, .witnessCounts, .kinkBalances, .verdicts, .mergedNodeCount, .mergedWeightError:
        if let taken = theory[measure] { add(taken.shape, taken.values) }
      // What comes after the last epoch; see PostTraining.swift.
      case .criticalPoint, .straightPath, .matchedPath, .constructedPath: break
      case .layerWidths, .layerCorrelations, .layerMatches, .layerStudentCorrelations, .layerDeadNodes,
        .layerMirroredCorrelations, .layerBelowCorrelations, .layerActiveShares, .layerStrengths,
        .layerTeacherStrengths, .layerSmallestAlphas,
        .layerMeanAlphas, .layerRegionCounts, .layerCouplingA, .layerCouplingB, .layerRuleResiduals,
        .evaluationAgreement:
        if let taken = layers[measure] { add(taken.shape, taken.values) }
      // Of data with labels; see ImageRecorder.
      case .evaluationAccuracy, .teacherAccuracies: break
      }
    }
    return result
  }

  /// First-layer rows with the bias (0 if there is none) last.
  private func boundaries(of network: Network) -> Matrix {
    let layer = network.layers[0]
    return Matrix((0..<layer.nodeCount).map(layer.row))
  }
}
