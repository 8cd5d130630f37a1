import Foundation
import UnderstudyRecords
import UnderstudySchema

/// The statistics of the theory's statements.
func theoryStatistic(
  of declaration: FindingDeclaration, over runs: [RunRecord], selection: SettingSelection, study: Study
) throws(FigureError) -> Evaluation {
  let statement = declaration.statement
  switch declaration.statistic {
  case .boundHeldShare, .boundLooseness: return try boundStatistic(declaration, runs)
  case .violationCount: return try violationCount(declaration, runs)
  case .unalignedSlope, .balanceSlope: return try slope(declaration, runs)
  case .observersPerNode:
    return try average(runs) { run throws(FigureError) in
      mean(try run.vector(.observerCounts, epoch: declaration.epoch ?? run.lastEpoch, figure: statement)) ?? 0
    }
  case .observerRecovery: return try observerRecovery(declaration, runs)
  case .alignmentOrder: return try alignmentOrder(declaration, runs)
  case .alignedShare:
    return try average(runs) { run throws(FigureError) in
      try run.alignedShare(epoch: declaration.epoch ?? run.lastEpoch, figure: statement)
    }
  case .sampleExponent: return try sampleExponent(declaration, selection: selection, study: study)
  case .reachedShare:
    return try average(runs) { run throws(FigureError) in
      let finishing = try run.required(.finishing, epoch: declaration.epoch ?? run.lastEpoch, figure: statement)
      guard finishing.shape == [8] else {
        throw .wrongShape(figure: statement, measure: .finishing, shape: finishing.shape, expected: "[8]")
      }
      return finishing.values[2] == 1 ? 1 : 0
    }
  case .lowRankShare: return try lowRankShare(declaration, runs)
  case .recoveredExactlyShare:
    return try average(runs) { run throws(FigureError) in
      let epoch = declaration.epoch ?? run.lastEpoch
      let error = try run.scalar(.mergedWeightError, epoch: epoch, figure: statement)
      return (0...1e-9).contains(error) ? 1 : 0
    }
  case .logConstructedBarrier: return try barrier(.constructedPath, declaration, runs)
  case .logStraightBarrier: return try barrier(.straightPath, declaration, runs)
  case .logMatchedBarrier: return try barrier(.matchedPath, declaration, runs)
  case .epochsToCover, .logRatioLossToCover: return try timeStatistic(declaration, runs)
  case .layerCorrelation, .layerMatchedShare, .epochsToSpecialize, .layerOrder, .layerArmRatio:
    return try layerStatistic(of: declaration, over: runs)
  case .recoveredNodes, .recoveredShare, .logEvaluationLoss, .strongFirst, .armRatio, .divergedShare:
    preconditionFailure("\(declaration.statistic) is no statistic of this file")
  }
}

/// The mean over runs.
private func average(
  _ runs: [RunRecord], _ value: (RunRecord) throws(FigureError) -> Double
) throws(FigureError) -> Evaluation {
  var values: [Double] = []
  for run in runs { values.append(try value(run)) }
  return .value(mean(values) ?? .nan)
}

private func boundStatistic(_ declaration: FindingDeclaration, _ runs: [RunRecord]) throws(FigureError) -> Evaluation {
  let epochs = declaration.epoch.map { [$0] } ?? []
  let pairs = try boundPairs(of: runs, epochs: epochs, figure: declaration.statement)
  guard !pairs.isEmpty else { return .undefined(reason: "no teacher node has an observer, so nothing is predicted") }
  if declaration.statistic == .boundHeldShare {
    return .value(Double(pairs.count(where: \.isHeld)) / Double(pairs.count))
  }
  // A gradient of exactly 0 predicts 0, which has no logarithm: it gets the same floor.
  return .value(median(pairs.map { log10(max($0.predicted, 1e-16) / max($0.measured, 1e-16)) }) ?? .nan)
}

private func violationCount(_ declaration: FindingDeclaration, _ runs: [RunRecord]) throws(FigureError) -> Evaluation {
  var count = 0
  for run in runs {
    let epochs = declaration.epoch.map { [$0] } ?? []
    let series = try run.series(.verdicts, epochs: epochs, figure: declaration.statement)
    for epoch in epochs.isEmpty ? series.keys.sorted() : epochs {
      count += try series[epoch]?.verdicts(figure: declaration.statement)[.violation] ?? 0
    }
  }
  return .value(Double(count))
}

/// Points at which either side is exactly 0 have no logarithm and are left out.
private func slope(_ declaration: FindingDeclaration, _ runs: [RunRecord]) throws(FigureError) -> Evaluation {
  let epochs = declaration.epoch.map { [$0] } ?? []
  var pairs = PairsBySetting()
  for point in try unalignedPoints(of: runs, epochs: epochs, figure: declaration.statement) {
    guard let height = declaration.statistic == .unalignedSlope ? point.strength : point.balance, height > 0,
      point.gradient > 0
    else { continue }
    pairs.add(log10(point.gradient), log10(height), of: runs[point.run])
  }
  guard let slope = pairs.mean(of: { Regression($0, $1)?.slope }) else {
    return .undefined(
      reason: "in no selected setting do two different gradients have such student nodes; record more epochs")
  }
  return .value(slope)
}

private func observerRecovery(
  _ declaration: FindingDeclaration, _ runs: [RunRecord]
) throws(FigureError) -> Evaluation {
  var pairs = PairsBySetting()
  let tables = try correlations(.evaluationCorrelation, of: declaration, over: runs)
  for (run, table) in zip(runs, tables) {
    let series = try run.series(.observerCounts, figure: declaration.statement)
    let first = series.keys.min() ?? 0
    let counts = try run.vector(.observerCounts, epoch: first, figure: declaration.statement)
    guard counts.count == table.teacherCount else {
      throw .wrongShape(
        figure: declaration.statement, measure: .observerCounts, shape: [counts.count],
        expected: "[\(table.teacherCount)]")
    }
    for (node, count) in counts.enumerated() { pairs.add(count, table.isRecovered(teacher: node) ? 1 : 0, of: run) }
  }
  guard let correlation = pairs.mean(of: spearmanCorrelation) else {
    return .undefined(
      reason: "in no selected setting do both vary: all teacher nodes have equally many observers, or all or none are "
        + "recovered")
  }
  return .value(correlation)
}

/// Pairs of numbers whose relation is wanted, setting by setting. What settings differ in moves both sides: a wider student has
/// more observers and recovers more nodes, so that over several widths the two go together even where observers make no
/// difference.
private struct PairsBySetting {
  private var pairs: [Int: (left: [Double], right: [Double])] = [:]

  mutating func add(_ left: Double, _ right: Double, of run: RunRecord) {
    pairs[run.run.settingIndex, default: ([], [])].left.append(left)
    pairs[run.run.settingIndex, default: ([], [])].right.append(right)
  }

  /// The mean over settings of a statistic of both sides; nil if no setting has one.
  func mean(of statistic: ([Double], [Double]) -> Double?) -> Double? {
    UnderstudyFigures.mean(pairs.sorted { $0.key < $1.key }.compactMap { statistic($0.value.left, $0.value.right) })
  }
}

private func alignmentOrder(_ declaration: FindingDeclaration, _ runs: [RunRecord]) throws(FigureError) -> Evaluation {
  var times: [[Double]] = []
  for run in runs { times.append(try run.alignmentEpochs(figure: declaration.statement)) }
  let count = times.first?.count ?? 0
  guard times.allSatisfy({ $0.count == count }) else {
    return .undefined(reason: "the selected runs have teachers of different widths; select one teacher.hiddenNodes")
  }
  let medians = (0..<count).map { node in median(times.map { $0[node] }) ?? .infinity }
  guard let correlation = spearmanCorrelation((0..<count).map(Double.init), medians) else {
    return .undefined(reason: "every teacher node is aligned at the same epoch, or none is, so there is no order")
  }
  return .value(correlation)
}

private func sampleExponent(
  _ declaration: FindingDeclaration, selection: SettingSelection, study: Study
) throws(FigureError) -> Evaluation {
  let key = augmentationKey(of: selection, study: study)
  let shares = try sampleShares(of: selection, key: key, epoch: declaration.epoch, figure: declaration.statement)
  let scalings = sampleScalings(shares)
  guard scalings.count == 1 else {
    return .undefined(reason: "the selected runs differ in \(key.path); select one value")
  }
  guard let exponent = scalings[0].exponent else {
    return .undefined(
      reason: "the samples for \(Int(wantedShare * 100)) % lie within those tried at fewer than two input dimensions")
  }
  return .value(exponent)
}

/// Invisible and duplicate nodes are no failures of learning and do not count.
private func lowRankShare(_ declaration: FindingDeclaration, _ runs: [RunRecord]) throws(FigureError) -> Evaluation {
  var (named, total) = (0, 0)
  for run in runs {
    let verdicts = try run.verdicts(epoch: declaration.epoch ?? run.lastEpoch, figure: declaration.statement)
    for (verdict, count) in verdicts where !verdict.isFound && verdict != .invisible && verdict != .duplicate {
      total += count
      if verdict == .lowRankInputs { named += count }
    }
  }
  guard total > 0 else { return .undefined(reason: "every visible teacher node is learned") }
  return .value(Double(named) / Double(total))
}

private func barrier(
  _ measure: Measure, _ declaration: FindingDeclaration, _ runs: [RunRecord]
) throws(FigureError) -> Evaluation {
  var barriers: [Double] = []
  for run in runs {
    let epoch = declaration.epoch ?? run.lastEpoch
    let losses = try run.required(measure, epoch: epoch, figure: declaration.statement).values
    if let largest = losses.max() { barriers.append(log10(max(largest, lossFloor))) }
  }
  guard let center = median(barriers) else {
    return .undefined(reason: "no run has a constructed path; it needs a spare student node")
  }
  return .value(center)
}

private func timeStatistic(_ declaration: FindingDeclaration, _ runs: [RunRecord]) throws(FigureError) -> Evaluation {
  let statement = declaration.statement
  var values: [Double] = []
  for run in runs {
    let cover = try run.coverEpoch(figure: statement)
    if declaration.statistic == .epochsToCover {
      values.append(cover)
    } else {
      let loss = try run.smallLossEpoch(ratio: 1e-6, figure: statement)
      // What never happens is later than all else; of two such nothing can be said.
      if cover.isFinite || loss.isFinite { values.append(log10(max(loss, 1) / max(cover, 1))) }
    }
  }
  guard let center = median(values), center.isFinite else {
    return .undefined(
      reason: declaration.statistic == .epochsToCover
        ? "half of the runs or more never recover all teacher nodes"
        : "half of the runs or more do not reach both: cover, and a millionth of the initial loss")
  }
  return .value(center)
}
