import Foundation
import UnderstudySchema

/// A statistic: what it is, what it needs and how it is computed. Reports and documents have their words from here.
struct StatisticRow {
  /// The epochs that it looks at, unless the finding gives one.
  enum Epochs: String {
    case last
    case all
    /// It looks for an epoch itself, or needs none; none may be given.
    case own = "–"
  }
  enum Summary { case mean, median }
  /// As the documents and reports have it; `layer` in backticks stands for the hidden layer.
  var sentence: String
  var needs: [Measure]
  /// Measures that it looks at where they are recorded.
  var readsAlso: [Measure] = []
  var epochs = Epochs.last
  /// Whether runs that diverged count.
  var isOfAllRuns = false
  /// How what each run has alone becomes it; nil if it is of all runs together.
  var summary: Summary?
  var value: (StatisticInput) throws(FigureError) -> Evaluation
}

/// A statistic's value, or why there is none.
enum Evaluation: Hashable {
  case value(Double)
  /// With its own 95 % interval, if it has one.
  case estimate(Double, ClosedRange<Double>?)
  case undefined(reason: String)
}

/// A finding and the runs that its statistic is computed from.
struct StatisticInput {
  let declaration: FindingDeclaration
  let selected: SelectedRuns
  let runs: [RunReader]

  /// nil: the last.
  var epoch: Int? { declaration.epoch }
  /// Empty: all recorded ones.
  var epochs: [Int] { declaration.epoch.map { [$0] } ?? [] }
}

extension FindingDeclaration.Statistic {
  /// The measures that it is computed from.
  public var measures: [Measure] { row.needs }
  /// What it is, in words; `layer` in backticks stands for the hidden layer.
  public var sentence: String { row.sentence }

  /// The table of all statistics. To add one is to add a case and its row here, and the same line in Docs/Studies.md.
  var row: StatisticRow {
    switch self {
    case .recoveredNodes:
      .mean(
        "mean over runs of the number of teacher nodes with max_k ρ_jk > 0.95 on evaluation inputs",
        [.evaluationCorrelation]
      ) { run, epoch throws(FigureError) in
        Double(try run.correlations(.evaluationCorrelation, at: epoch).recoveredCount)
      }
    case .recoveredShare:
      .mean(
        "mean over runs of the share of teacher nodes with max_k ρ_jk > 0.95 on evaluation inputs, 0 to 1",
        [.evaluationCorrelation]
      ) { run, epoch throws(FigureError) in
        let table = try run.correlations(.evaluationCorrelation, at: epoch)
        return Double(table.recoveredCount) / Double(table.teacherCount)
      }
    case .logEvaluationLoss:
      .mean("mean over runs of log10 of the evaluation loss", [.evaluationLoss]) { run, epoch throws(FigureError) in
        logarithm(try run.scalar(.evaluationLoss, at: epoch))
      }
    case .strongFirst:
      StatisticRow(
        sentence:
          "Spearman's rank correlation of a teacher node's index with the share of seeds that recovered it; −1: "
          + "strong nodes (low index) first",
        needs: [.evaluationCorrelation], value: Statistics.strongFirst)
    case .armRatio:
      StatisticRow(
        sentence: "median fan-out norm of student nodes with best ρ > 0.95, divided by that of live nodes with best "
          + "ρ < 0.8, over the nodes of all runs, on training inputs",
        needs: [.trainingCorrelation, .fanOutNorms], readsAlso: [.trainingDeadNodes]
      ) { input throws(FigureError) in
        let nodes = try input.runs.map { run throws(FigureError) in try run.nodes(at: input.epoch).nodes }
        return Statistics.armRatio(nodes, named: "student node", height: "fan-out norm")
      }
    case .divergedShare:
      StatisticRow(
        sentence: "share of runs that diverged, 0 to 1", needs: [], epochs: .own, isOfAllRuns: true
      ) { input in
        .value(Double(input.runs.count { $0.record.divergedEpoch != nil }) / Double(input.runs.count))
      }
    case .boundHeldShare:
      StatisticRow(
        sentence:
          "of the teacher nodes with a predicted alignment, the share whose alignment is at most that (or below "
          + "1e-12), 0 to 1",
        needs: [.predictedAlignment, .alignment], epochs: .all
      ) { input throws(FigureError) in
        try Statistics.overBoundPairs(input) { pairs in Double(pairs.count(where: \.isHeld)) / Double(pairs.count) }
      }
    case .boundLooseness:
      StatisticRow(
        sentence: "median of log10(predicted / measured alignment) over the teacher nodes with a predicted alignment; "
          + "values below 1e-16 count as 1e-16",
        needs: [.predictedAlignment, .alignment], epochs: .all
      ) { input throws(FigureError) in
        // A gradient of exactly 0 predicts 0, which has no logarithm.
        try Statistics.overBoundPairs(input) { pairs in
          median(pairs.map { logarithm(max($0.predicted, 1e-16) / max($0.measured, 1e-16), floor: 0) }) ?? .nan
        }
      }
    case .boundShare:
      StatisticRow(
        sentence: "share of the teacher nodes with a predicted alignment, 0 to 1",
        needs: [.predictedAlignment, .alignment], epochs: .all, value: Statistics.boundShare)
    case .violationCount:
      StatisticRow(
        sentence: "number of teacher nodes with verdict 9, a violation", needs: [.verdicts], epochs: .all,
        value: Statistics.violationCount)
    case .predictedShare: .verdictShare("predicted and found (verdict 0)") { $0 == .predictedAndFound }
    case .foundShare: .verdictShare("found, predicted or not (verdicts 0 and 1)", \.isFound)
    case .logAlignment:
      .median(
        "log10 of the median alignment of the teacher nodes; values below 1e-16 count as 1e-16", [.alignment],
        otherwise: "in half of the runs or more no student node has a boundary"
      ) { run, epoch throws(FigureError) in
        median(try run.alignments(.alignment, at: epoch)).map { log10(max($0, 1e-16)) }
      }
    case .worstAlignment:
      StatisticRow(sentence: "largest alignment of a teacher node, over all runs", needs: [.alignment]) {
        input throws(FigureError) in
        var worst = 0.0
        for run in input.runs { worst = max(worst, try run.alignments(.alignment, at: input.epoch).max() ?? 0) }
        return worst.isFinite ? .value(worst) : .undefined(reason: "a student has no node with a boundary")
      }
    case .logLargestGradient:
      .median("log10 of the largest gradient", [.largestGradient], otherwise: "no run has a gradient above 0") {
        run, epoch throws(FigureError) in
        let gradient = try run.scalar(.largestGradient, at: epoch)
        return gradient > 0 ? log10(gradient) : nil
      }
    case .logKinkBalance:
      .median(
        "log10 of the median kink balance of the student nodes", [.kinkBalances],
        otherwise: "no run has a kink balance above 0"
      ) { run, epoch throws(FigureError) in
        median(try run.vector(.kinkBalances, at: epoch)).flatMap { $0 > 0 ? log10($0) : nil }
      }
    case .logTrainingLoss:
      .median("log10 of the training loss", [.trainingLoss], otherwise: "no run has a training loss") {
        run, epoch throws(FigureError) in logarithm(try run.scalar(.trainingLoss, at: epoch))
      }
    case .unalignedSlope:
      StatisticRow(
        sentence: "slope of log10 of the median ‖v‖‖w‖ of student nodes with alignment > 0.3 against log10 of the "
          + "largest gradient, over the runs and epochs of each setting, then the mean over settings",
        needs: [.largestGradient, .studentAlignment, .boundaryStrengths, .kinkBalances], epochs: .all
      ) { input throws(FigureError) in try Statistics.slope(input, of: \.strength) }
    case .balanceSlope:
      StatisticRow(
        sentence:
          "slope of log10 of the median kink balance of all student nodes against log10 of the largest gradient, "
          + "over the runs and epochs of each setting, then the mean over settings",
        needs: [.largestGradient, .studentAlignment, .boundaryStrengths, .kinkBalances], epochs: .all
      ) { input throws(FigureError) in try Statistics.slope(input) { $0.balance } }
    case .observersPerNode:
      .mean("mean number of observers of a teacher node", [.observerCounts]) { run, epoch throws(FigureError) in
        mean(try run.vector(.observerCounts, at: epoch)) ?? 0
      }
    case .observerRecovery:
      StatisticRow(
        sentence:
          "Spearman's rank correlation of a teacher node's observers at the first recorded epoch with its being "
          + "recovered (1 or 0) at the one looked at; over the nodes of all seeds of each setting, then the mean over "
          + "settings",
        needs: [.observerCounts, .evaluationCorrelation], value: Statistics.observerRecovery)
    case .alignmentOrder:
      StatisticRow(
        sentence:
          "Spearman's rank correlation of a teacher node's index with its median first epoch of alignment ≤ 0.1, "
          + "nodes that are never aligned come last; 1: strong nodes (low index) first",
        needs: [.alignment], epochs: .own, value: Statistics.alignmentOrder)
    case .alignmentSlope:
      .median(
        "the slope of log10 of a teacher node's first epoch of alignment ≤ 0.1 against log10 of ‖v*_j‖, of the nodes that are "
          + "aligned; −1: the time is proportional to 1/‖v*_j‖", [.alignment, .teacherFanOutNorms], epochs: .own,
        otherwise: "in no run are two teacher nodes of different strength aligned"
      ) { run, _ throws(FigureError) in
        let times = try run.alignmentEpochs()
        let strengths = try run.vector(run.series(.teacherFanOutNorms)[0], count: times.count)
        let nodes = times.indices.filter { times[$0].isFinite && times[$0] > 0 && strengths[$0] > 0 }
        return Regression(nodes.map { log10(strengths[$0]) }, nodes.map { log10(times[$0]) })?.slope
      }
    case .alignmentDelay:
      .median(
        "the median over the aligned teacher nodes of λ_j T_j: the growth rate times the time of the first epoch of alignment ≤ 0.1, "
          + "where a unit of time is 1/rate steps", [.alignment, .growthRates], epochs: .own,
        otherwise: "in half of the runs or more no teacher node is aligned"
      ) { run, _ throws(FigureError) in
        let times = try run.alignmentEpochs()
        let rates = try run.vector(run.series(.growthRates)[0], count: times.count)
        let (record, setting) = (run.record, run.record.run.setting)
        // Where a file of batches says the steps of an epoch, the run has counted them.
        let steps = setting.training.stepsPerEpoch
        let stepsPerEpoch = steps > 0 ? steps : record.stepCount / max(1, setting.training.epochs)
        return median(
          times.indices.filter { times[$0].isFinite }.map {
            rates[$0] * setting.learningTime(at: Int(times[$0]), stepsPerEpoch: stepsPerEpoch)
          })
      }
    case .alignedShare:
      .mean("mean share of teacher nodes with alignment ≤ 0.1, 0 to 1", [.alignment]) {
        run, epoch throws(FigureError) in
        try run.alignedShare(at: epoch)
      }
    case .sampleExponent:
      StatisticRow(
        sentence:
          "exponent, in the input dimension or what `against` names, of the number of samples that aligns 90 % of the "
          + "teacher nodes", needs: [.alignment], readsAlso: [.observation], value: Statistics.sampleExponent)
    case .reachedShare:
      .mean(
        "share of runs whose critical-point search reached its gradient target, 0 to 1", [.criticalPoint]
      ) { run, epoch throws(FigureError) in
        let record = CriticalPointRecord(
          try run.vector(.criticalPoint, at: epoch, count: CriticalPointRecord.valueCount))
        return record?.reachedTarget == true ? 1 : 0
      }
    case .searchIterations:
      .median("the iterations of the critical-point search", [.criticalPoint], otherwise: "no run has a search") {
        run, epoch throws(FigureError) in
        CriticalPointRecord(try run.vector(.criticalPoint, at: epoch, count: CriticalPointRecord.valueCount))
          .map { Double($0.iterationCount) }
      }
    case .lowRankShare:
      StatisticRow(
        sentence:
          "of the teacher nodes that are not aligned (verdicts 2 to 6 and 9 to 12), the share whose verdict names inputs of low "
          + "rank, 6 or 12",
        needs: [.verdicts], value: Statistics.lowRankShare)
    case .matchedOnInputsShare:
      .verdictShare("matched on inputs of low rank (verdict 12)") { $0 == .matchedOnInputs }
    case .recoveredExactlyShare:
      .mean(
        "share of runs whose merged student is the teacher with weight errors of at most 1e-9, 0 to 1",
        [.mergedWeightError]
      ) { run, epoch throws(FigureError) in
        (0...1e-9).contains(try run.scalar(.mergedWeightError, at: epoch)) ? 1 : 0
      }
    case .logConstructedBarrier: .barrier("on the constructed path between two students", .constructedPath)
    case .logStraightBarrier: .barrier("on the straight line between two students", .straightPath)
    case .logMatchedBarrier:
      .barrier("on the straight line between two students after matching their nodes", .matchedPath)
    case .logPathExcess:
      .median(
        "log10 of the largest loss on the constructed path over the larger loss of the two students",
        [.constructedPath],
        otherwise: "no run has a constructed path; it needs a spare student node"
      ) { run, epoch throws(FigureError) in
        let losses = try run.measurement(.constructedPath, at: epoch).values
        guard let first = losses.first, let last = losses.last, let largest = losses.max() else { return nil }
        return logarithm(largest) - logarithm(max(first, last))
      }
    case .epochsToCover:
      .median(
        "the first recorded epoch at which every teacher node is recovered", [.evaluationCorrelation], epochs: .own,
        otherwise: "half of the runs or more never recover all teacher nodes"
      ) { run, _ throws(FigureError) in try run.coverEpoch() }
    case .coveredShare:
      StatisticRow(
        sentence: "share of runs with a recorded epoch at which every teacher node is recovered, 0 to 1",
        needs: [.evaluationCorrelation], epochs: .own
      ) { input throws(FigureError) in
        var count = 0
        for run in input.runs where try run.coverEpoch().isFinite { count += 1 }
        return .value(Double(count) / Double(input.runs.count))
      }
    case .epochsToSmallLoss:
      .median(
        "the first recorded epoch with a millionth of the initial evaluation loss", [.evaluationLoss], epochs: .own,
        otherwise: "half of the runs or more never reach a millionth of the initial loss"
      ) { run, _ throws(FigureError) in try run.smallLossEpoch(ratio: 1e-6) }
    case .logRatioLossToCover:
      .median(
        "log10 of (first epoch with a millionth of the initial evaluation loss / epoch of cover)",
        [.evaluationCorrelation, .evaluationLoss], epochs: .own,
        otherwise: "half of the runs or more do not reach both: cover, and a millionth of the initial loss"
      ) { run, _ throws(FigureError) in
        let (cover, loss) = (try run.coverEpoch(), try run.smallLossEpoch(ratio: 1e-6))
        // What never happens is later than all else; of two such nothing can be said.
        return cover.isFinite || loss.isFinite ? logarithm(max(loss, 1) / max(cover, 1), floor: 0) : nil
      }
    case .layerCorrelation:
      .ofLayer(
        "mean over runs, and over the teacher nodes of hidden layer `layer`, of the best ρ with a student node of that "
          + "layer", [.layerWidths, .layerCorrelations], summary: .mean
      ) { layers, index, epoch throws(FigureError) in
        .value(try Statistics.meanOfLayer(index, layers, epoch))
      }
    case .layerMatchedShare:
      .ofLayer(
        "mean over runs of the share of the teacher nodes of hidden layer `layer` with best ρ > 0.9, 0 to 1",
        [.layerWidths, .layerCorrelations], summary: .mean
      ) { layers, index, epoch throws(FigureError) in
        .value(
          try Statistics.meanOfLayer(index, layers, epoch) { rho in Double(rho.count { $0 > 0.9 }) / Double(rho.count) }
        )
      }
    case .epochsToSpecialize:
      .ofLayer(
        "median over runs of the first recorded epoch at which the mean best ρ of hidden layer `layer` is at least 0.95",
        [.layerWidths, .layerCorrelations], epochs: .own
      ) { layers, index, _ throws(FigureError) in try Statistics.epochsToSpecialize(layers, index) }
    case .layerOrder:
      StatisticRow(
        sentence:
          "Spearman's rank correlation of a hidden layer's number with the median over runs of the first recorded "
          + "epoch at which its mean best ρ is at least 0.95, layers that never reach it come last; of each setting, then the mean over "
          + "settings; 1: from the bottom up",
        needs: [.layerWidths, .layerCorrelations], epochs: .own, value: Statistics.layerOrder)
    case .layerArmRatio:
      .ofLayer(
        "median strength √E[β_kk] of student nodes of hidden layer `layer` with best ρ > 0.95, divided by that of live "
          + "nodes with best ρ < 0.8, over the nodes of all runs",
        [.layerWidths, .layerStudentCorrelations, .layerStrengths], readsAlso: [.layerDeadNodes]
      ) { layers, index, epoch throws(FigureError) in
        let nodes = try layers.map { run throws(FigureError) in try run.nodes(at: epoch)[index] }
        return Statistics.armRatio(nodes, named: "student node of layer \(layerLabel(index + 1))", height: "strength")
      }
    case .layerBelowShare: .layerBelowShare
    case .layerGain: .layerGain
    case .layerWidthGain: .layerWidthGain
    case .layerTeacherGain: .layerTeacherGain
    case .evaluationAccuracy:
      .mean("mean over runs of the accuracy on the evaluation data's labels, 0 to 1", [.evaluationAccuracy]) {
        run, epoch throws(FigureError) in try run.scalar(.evaluationAccuracy, at: epoch)
      }
    case .evaluationAgreement:
      .mean(
        "mean over runs of the share of the evaluation data at which teacher and student have the largest output at the same "
          + "place, 0 to 1", [.evaluationAgreement]
      ) { run, epoch throws(FigureError) in try run.scalar(.evaluationAgreement, at: epoch) }
    case .accuracyLoss: .accuracyLoss
    case .accuracyTeacherGain: .accuracyTeacherGain
    }
  }
}
