import Foundation
import UnderstudySchema

/// The kinds of rows that several statistics have.
extension StatisticRow {
  /// The mean over runs of what one run has at an epoch, nil being the last.
  static func mean(
    _ sentence: String, _ needs: [Measure], _ value: @escaping (RunReader, Int?) throws(FigureError) -> Double
  ) -> StatisticRow {
    StatisticRow(sentence: sentence, needs: needs, summary: .mean) { input throws(FigureError) in
      let values = try input.runs.map { run throws(FigureError) in try value(run, input.epoch) }
      return .value(UnderstudyFigures.mean(values) ?? .nan)
    }
  }

  /// The median over runs of what one run has at an epoch, nil being the last; infinite is never. Of runs without a value
  /// nothing can be said.
  static func median(
    _ sentence: String, _ needs: [Measure], epochs: Epochs = .last, otherwise reason: String,
    _ value: @escaping (RunReader, Int?) throws(FigureError) -> Double?
  ) -> StatisticRow {
    StatisticRow(sentence: "median over runs of \(sentence)", needs: needs, epochs: epochs, summary: .median) {
      input throws(FigureError) in
      let values = try input.runs.map { run throws(FigureError) in try value(run, input.epoch) }
      guard let center = UnderstudyFigures.median(values.compactMap(\.self)), center.isFinite else {
        return .undefined(reason: reason)
      }
      return .value(center)
    }
  }

  /// The median over runs of the logarithm of the largest loss on a path.
  static func barrier(_ path: String, _ measure: Measure) -> StatisticRow {
    .median(
      "log10 of the largest loss \(path)", [measure],
      otherwise: "no run has a constructed path; it needs a spare student node"
    ) { run, epoch throws(FigureError) in try run.measurement(measure, at: epoch).values.max().map { logarithm($0) } }
  }

  /// The mean over runs of the share of the teacher nodes with some verdicts.
  static func verdictShare(_ what: String, _ counts: @escaping (AuditVerdict) -> Bool) -> StatisticRow {
    .mean("mean over runs of the share of teacher nodes that the audit calls \(what), 0 to 1", [.verdicts]) {
      run, epoch throws(FigureError) in
      let tally = try run.verdicts(at: epoch)
      let counted = tally.filter { counts($0.key) }.values.reduce(0, +)
      return Double(counted) / Double(tally.values.reduce(0, +))
    }
  }

  /// What looks at one hidden layer; `value` gets its position from 0, and the epoch, nil being the last.
  static func ofLayer(
    _ sentence: String, _ needs: [Measure], readsAlso: [Measure] = [], epochs: Epochs = .last,
    summary: StatisticRow.Summary? = nil,
    _ value: @escaping ([LayerReader], Int, Int?) throws(FigureError) -> Evaluation
  ) -> StatisticRow {
    StatisticRow(
      sentence: sentence, needs: needs, readsAlso: readsAlso, epochs: epochs, summary: summary
    ) { input throws(FigureError) in
      let layers = try LayerReader.of(input.runs)
      guard let layer = input.declaration.layer else {
        return .undefined(reason: "the finding names no hidden layer; add layer: 1 for the lowest")
      }
      let depth = layers.map(\.depth).min() ?? 0
      guard (1...max(depth, 1)).contains(layer) else {
        return .undefined(
          reason:
            "a selected teacher has \(counted(depth, "hidden layer")) and no layer \(layerLabel(layer)); give one "
            + "from 1 (lowest) to \(depth), or select deeper teachers by teacher.widths")
      }
      return try value(layers, layer - 1, input.epoch)
    }
  }
}

/// log10, of losses below the floor that of the floor.
func logarithm(_ value: Double, floor: Double = lossFloor) -> Double { log10(max(value, floor)) }

/// What the rows of the table compute.
enum Statistics {
  static func strongFirst(_ input: StatisticInput) throws(FigureError) -> Evaluation {
    let tables = try input.runs.map { run throws(FigureError) in
      try run.correlations(.evaluationCorrelation, at: input.epoch)
    }
    let count = tables.first?.teacherCount ?? 0
    guard tables.allSatisfy({ $0.teacherCount == count }) else { return differentTeachers }
    let shares = (0..<count).map { teacher in
      Double(tables.count { $0.isRecovered(teacher: teacher) }) / Double(tables.count)
    }
    return ordered(
      shares,
      otherwise:
        "every teacher node is recovered by the same share of seeds, so there is no order; choose another epoch")
  }

  static func alignmentOrder(_ input: StatisticInput) throws(FigureError) -> Evaluation {
    let times = try input.runs.map { run throws(FigureError) in try run.alignmentEpochs() }
    let count = times.first?.count ?? 0
    guard times.allSatisfy({ $0.count == count }) else { return differentTeachers }
    return ordered(
      (0..<count).map { node in median(times.map { $0[node] }) ?? .infinity },
      otherwise: "every teacher node is aligned at the same epoch, or none is, so there is no order")
  }

  private static let differentTeachers = Evaluation.undefined(
    reason: "the selected runs have teachers of different widths; select one teacher.hiddenNodes")

  /// The rank correlation of the values with their positions.
  private static func ordered(_ values: [Double], otherwise reason: String) -> Evaluation {
    spearmanCorrelation(values.indices.map(Double.init), values).map(Evaluation.value) ?? .undefined(reason: reason)
  }

  /// Medians are over the student nodes of all runs together. Dead nodes have no correlation and are in neither arm.
  static func armRatio(_ nodes: [LayerNodes], named name: String, height: String) -> Evaluation {
    func heights(_ isIn: (Double) -> Bool) -> [Double] {
      nodes.flatMap { layer in layer.live.filter { isIn(layer.rho[$0]) }.map { layer.heights[$0] } }
    }
    guard let upper = median(heights { $0 > recoveryThreshold }) else {
      return .undefined(reason: "no \(name) has best rho > 0.95")
    }
    guard let lower = median(heights { $0 < 0.8 }) else {
      return .undefined(reason: "no live \(name) has best rho < 0.8")
    }
    guard lower > 0 else { return .undefined(reason: "for \(name): half of the unaligned ones have \(height) 0") }
    return .value(upper / lower)
  }

  static func overBoundPairs(
    _ input: StatisticInput, _ value: ([BoundPair]) -> Double
  ) throws(FigureError) -> Evaluation {
    let pairs = try BoundPair.all(of: input.runs, at: input.epochs)
    guard !pairs.isEmpty else { return .undefined(reason: "no teacher node has an observer, so nothing is predicted") }
    return .value(value(pairs))
  }

  static func boundShare(_ input: StatisticInput) throws(FigureError) -> Evaluation {
    var total = 0
    for run in input.runs {
      for measurement in try run.series(.alignment, at: input.epochs) { total += try run.vector(measurement).count }
    }
    guard total > 0 else { return .undefined(reason: "no teacher nodes") }
    return .value(Double(try BoundPair.all(of: input.runs, at: input.epochs).count) / Double(total))
  }

  static func violationCount(_ input: StatisticInput) throws(FigureError) -> Evaluation {
    var count = 0
    for run in input.runs {
      for measurement in try run.series(.verdicts, at: input.epochs) {
        count += try run.verdicts(measurement)[.violation] ?? 0
      }
    }
    return .value(Double(count))
  }

  /// Invisible and duplicate nodes are no failures of learning and do not count.
  static func lowRankShare(_ input: StatisticInput) throws(FigureError) -> Evaluation {
    var (named, total) = (0, 0)
    for run in input.runs {
      for (verdict, count) in try run.verdicts(at: input.epoch)
      where !verdict.isFound && verdict != .invisible && verdict != .duplicate {
        total += count
        if verdict == .lowRankInputs || verdict == .matchedOnInputs { named += count }
      }
    }
    guard total > 0 else { return .undefined(reason: "every visible teacher node is aligned") }
    return .value(Double(named) / Double(total))
  }

  /// Points at which either side is exactly 0 have no logarithm and are left out.
  static func slope(_ input: StatisticInput, of height: (UnalignedPoint) -> Double?) throws(FigureError) -> Evaluation {
    var pairs = PairsBySetting()
    for point in try UnalignedPoint.all(of: input.runs, at: input.epochs) {
      guard let height = height(point), height > 0, point.gradient > 0 else { continue }
      pairs.add((log10(point.gradient), log10(height)), [Double(point.run.record.run.settingIndex)])
    }
    guard let slope = pairs.mean(of: { Regression($0, $1)?.slope }) else {
      return .undefined(
        reason: "in no selected setting do two different gradients have such student nodes; record more epochs")
    }
    return .value(slope)
  }

  static func observerRecovery(_ input: StatisticInput) throws(FigureError) -> Evaluation {
    var pairs = PairsBySetting()
    for run in input.runs {
      let table = try run.correlations(.evaluationCorrelation, at: input.epoch)
      let first = try run.series(.observerCounts)[0]
      for (node, count) in try run.vector(first, count: table.teacherCount).enumerated() {
        pairs.add((count, table.isRecovered(teacher: node) ? 1 : 0), [Double(run.record.run.settingIndex)])
      }
    }
    guard let correlation = pairs.mean(of: spearmanCorrelation) else {
      return .undefined(
        reason:
          "in no selected setting do both vary: all teacher nodes have equally many observers, or all or none are "
          + "recovered")
    }
    return .value(correlation)
  }

  static func sampleExponent(_ input: StatisticInput) throws(FigureError) -> Evaluation {
    let axis = input.declaration.against ?? .usual
    let key = input.selected.sampleSeries(against: axis)
    let scalings = sampleScalings(
      try input.selected.sampleShares(by: key, against: axis, epoch: input.epoch))
    guard scalings.count == 1 else {
      return .undefined(reason: "the selected runs differ in \(key.path); select one value")
    }
    guard let exponent = scalings[0].exponent else {
      return .undefined(reason: scalings[0].refusal)
    }
    return .estimate(exponent, scalings[0].interval)
  }

  /// The mean over runs, one at least, of a function of the best rho of the layer's teacher nodes.
  static func meanOfLayer(
    _ layer: Int, _ runs: [LayerReader], _ epoch: Int?, _ value: ([Double]) -> Double = { mean($0) ?? 0 }
  ) throws(FigureError) -> Double {
    let values = try runs.map { run throws(FigureError) in
      value(try run.teacherNodes(.layerCorrelations, at: epoch)[layer])
    }
    return mean(values) ?? .nan
  }

  static func epochsToSpecialize(_ runs: [LayerReader], _ layer: Int) throws(FigureError) -> Evaluation {
    let epochs = try runs.map { run throws(FigureError) in try run.specializationEpochs()[layer] }
    guard let center = median(epochs), center.isFinite else {
      return .undefined(
        reason: "in half of the runs or more the mean best rho of layer \(layerLabel(layer + 1)) never is "
          + "\(specializationThreshold) or more; train longer")
    }
    return .value(center)
  }

  /// Runs of one setting have as many layers as each other, those of two settings need not: hence one order for each.
  static func layerOrder(_ input: StatisticInput) throws(FigureError) -> Evaluation {
    var times = Gathered<[Double]>()
    for layers in try LayerReader.of(input.runs) {
      times.add(try layers.specializationEpochs(), [Double(layers.run.record.run.settingIndex)])
    }
    let orders: [Double] = times.sorted.compactMap { _, epochs in
      let depth = epochs.map(\.count).min() ?? 0
      let medians = (0..<depth).map { layer in median(epochs.map { $0[layer] }) ?? .infinity }
      return spearmanCorrelation((0..<depth).map(Double.init), medians)
    }
    guard let order = mean(orders) else {
      return .undefined(
        reason: "of no selected setting do the layers specialize one after the other: it has one hidden layer, or all "
          + "reach a mean best rho of \(specializationThreshold) at the same recorded epoch, or none does")
    }
    return .value(order)
  }
}

/// Pairs of numbers whose relation is wanted, setting by setting. What settings differ in moves both sides: a wider student has
/// more observers and recovers more nodes, so that over several widths the two go together even where observers make no
/// difference.
private typealias PairsBySetting = Gathered<(left: Double, right: Double)>

extension PairsBySetting {
  /// The mean over settings of a statistic of both sides; nil if no setting has one.
  fileprivate func mean(of statistic: ([Double], [Double]) -> Double?) -> Double? {
    UnderstudyFigures.mean(sorted.compactMap { statistic($0.values.map(\.left), $0.values.map(\.right)) })
  }
}
