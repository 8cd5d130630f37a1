import UnderstudySchema

// Statistics of what students have learnt: against untrained ones, narrower ones, and ones that learn labels alone.

extension StatisticRow {
  static var layerGain: StatisticRow {
    .ofLayer(
      "mean over runs of what the mean best ρ of the teacher nodes of hidden layer `layer` has gained since epoch 0",
      [.layerWidths, .layerCorrelations]
    ) { layers, index, epoch throws(FigureError) in
      .value(try Statistics.meanOfLayer(index, layers, epoch) - Statistics.meanOfLayer(index, layers, 0))
    }
  }

  static var layerBelowShare: StatisticRow {
    .ofLayer(
      "of the student nodes of hidden layer `layer` with best ρ < 0.8 and at least half the median strength of those of their "
        + "run with best ρ > 0.95, the share that has a correlation above 0.95 with a teacher node of the layer below, over the nodes of all runs",
      [.layerWidths, .layerStudentCorrelations, .layerStrengths, .layerBelowCorrelations], readsAlso: [.layerDeadNodes]
    ) { layers, index, epoch throws(FigureError) in
      var (count, followers, alignedCount) = (0, 0, 0)
      for run in layers {
        let nodes = try run.nodes(at: epoch)[index]
        let below = try run.studentNodes(.layerBelowCorrelations, at: epoch)[index]
        let aligned = nodes.live.filter { nodes.rho[$0] > recoveryThreshold }.map { nodes.heights[$0] }
        guard let strength = UnderstudyFigures.median(aligned) else { continue }
        alignedCount += aligned.count
        for k in nodes.live where nodes.rho[k] < 0.8 && nodes.heights[k] >= strength / 2 {
          count += 1
          if below[k] > recoveryThreshold { followers += 1 }
        }
      }
      guard count > 0 else {
        return .undefined(
          reason: alignedCount == 0
            ? "no student node of layer \(layerLabel(index + 1)) has best rho > 0.95, with which strengths are compared"
            : "no student node of layer \(layerLabel(index + 1)) with best rho < 0.8 is that strong")
      }
      return .value(Double(followers) / Double(count))
    }
  }

  static var layerWidthGain: StatisticRow {
    .ofLayer(
      "mean best ρ of the teacher nodes of hidden layer `layer` in the runs of that layer's largest over-realization, minus that in "
        + "those of its smallest", [.layerWidths, .layerCorrelations]
    ) { layers, index, epoch throws(FigureError) in
      func multiple(_ run: RunReader) -> Double { run.setting.student.overRealization.factor(ofLayer: index) }
      let multiples = layers.map { multiple($0.run) }
      guard let low = multiples.min(), let high = multiples.max(), low < high else {
        return .undefined(reason: "the selected runs have one over-realization; select several")
      }
      return try Statistics.differenceOfLayer(index, layers, epoch) { run in
        let own = multiple(run.run)
        return own == high ? true : own == low ? false : nil
      }
    }
  }

  static var layerTeacherGain: StatisticRow {
    .ofLayer(
      "mean best ρ of the teacher nodes of hidden layer `layer` in the runs that learn from the teacher, minus that in those "
        + "that learn labels alone", [.layerWidths, .layerCorrelations]
    ) { layers, index, epoch throws(FigureError) in
      try Statistics.differenceOfLayer(index, layers, epoch) { $0.run.setting.training.loss != .labels }
    }
  }

  /// What a student loses of its teacher's accuracy.
  static var accuracyLoss: StatisticRow {
    .mean(
      "mean over runs of the accuracy of what the student learns from, minus the student's",
      [.evaluationAccuracy, .teacherAccuracies]
    ) { run, epoch throws(FigureError) in
      guard let both = run.record.measurements.first(where: { $0.measure == .teacherAccuracies }) else {
        throw run.missing(.teacherAccuracies, at: nil)
      }
      return try run.vector(both, count: 2)[1] - (try run.scalar(.evaluationAccuracy, at: epoch))
    }
  }

  static var accuracyTeacherGain: StatisticRow {
    StatisticRow(
      sentence: "mean accuracy of the runs that learn from the teacher, minus that of those that learn labels alone",
      needs: [.evaluationAccuracy]
    ) { input throws(FigureError) in
      try Statistics.difference(input.runs, isFirst: { $0.setting.training.loss != .labels }) {
        run throws(FigureError) in try run.scalar(.evaluationAccuracy, at: input.epoch)
      }
    }
  }
}

extension Statistics {
  /// The difference in the mean best rho of a hidden layer.
  fileprivate static func differenceOfLayer(
    _ index: Int, _ layers: [LayerReader], _ epoch: Int?, isFirst: (LayerReader) -> Bool?
  ) throws(FigureError) -> Evaluation {
    try difference(layers, isFirst: isFirst) { run throws(FigureError) in
      mean(try run.teacherNodes(.layerCorrelations, at: epoch)[index]) ?? 0
    }
  }

  /// The mean over the runs that are of the first kind, minus that over those of the second; nil is of neither.
  fileprivate static func difference<Reader>(
    _ runs: [Reader], isFirst: (Reader) -> Bool?, _ value: (Reader) throws(FigureError) -> Double
  ) throws(FigureError) -> Evaluation {
    var (first, second) = ([Double](), [Double]())
    for run in runs {
      guard let kind = isFirst(run) else { continue }
      if kind { first.append(try value(run)) } else { second.append(try value(run)) }
    }
    guard let first = mean(first), let second = mean(second) else {
      return .undefined(reason: "the selected runs are all of one kind, and there is nothing to compare them with")
    }
    return .value(first - second)
  }
}
