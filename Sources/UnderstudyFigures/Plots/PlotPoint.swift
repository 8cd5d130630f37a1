import UnderstudySchema

/// A number of one run, and where in the run it stands.
struct PlotPoint {
  var run: RunReader
  var epoch: Int
  /// From 1; nil: of no layer, or of all together.
  var layer: Int?
  /// From 1.
  var node: Int?
  var value: Double
}

/// Reads a measure of runs as numbers.
struct PlottedMeasure {
  let measure: Measure
  let plot: PlotDeclaration
  let showsEpochs: Bool
  let showsNodes: Bool
  let showsLayers: Bool
  /// Declared ones; empty: all recorded ones where epochs are shown, else the last.
  let epochs: [Int]

  /// - Throws: `FigureError.missingMeasure`, `.wrongShape`, and `.notPlottable` if no number or too many come out.
  func points(of run: RunReader) throws(FigureError) -> [PlotPoint] {
    // A run that is over by then has no such epoch, and lacks nothing.
    let wanted = epochs.filter { $0 <= run.lastEpoch }
    guard epochs.isEmpty || !wanted.isEmpty else { return [] }
    var series = try run.series(measure, at: wanted)
    if epochs.isEmpty, !showsEpochs { series = series.suffix(1) }
    var points: [PlotPoint] = []
    for measurement in series {
      for (layer, part) in try parts(of: measurement, run) {
        let values = try reduced(part, run)
        for (index, value) in values.enumerated() {
          points.append(
            PlotPoint(
              run: run, epoch: measurement.epoch, layer: layer, node: showsNodes ? index + 1 : nil, value: value))
        }
      }
    }
    return points
  }

  /// The values of each layer that is asked for, or all of them.
  private func parts(
    of measurement: MeasuredValue, _ run: RunReader
  ) throws(FigureError) -> [(layer: Int?, part: MeasuredValue)] {
    guard showsLayers || plot.layer != nil else {
      if showsNodes, measure.layerContent.map({ $0 != .layers }) ?? false, try LayerReader(run).depth > 1 {
        throw .notPlottable(
          figure: run.subject,
          reason:
            "\(measure.rawValue) has the nodes of all hidden layers one after the other; give e.g. column: layer, or layer: 1"
        )
      }
      return [(nil, measurement)]
    }
    guard let content = measure.layerContent else {
      throw .notPlottable(
        figure: run.subject, reason: "\(measure.rawValue) does not list hidden layers; leave layer out")
    }
    let layers: [[Double]]
    if case .layers = content {
      layers = try run.vector(measurement).map { [$0] }
    } else {
      let reader = try LayerReader(run)
      layers =
        content == .teacherNodes
        ? try reader.teacherNodes(measure, at: measurement.epoch)
        : try reader.studentNodes(measure, at: measurement.epoch)
    }
    guard let layer = plot.layer else {
      return layers.enumerated().map { ($0 + 1, MeasuredValue($1, like: measurement)) }
    }
    guard layers.indices.contains(layer - 1) else {
      throw .notPlottable(
        figure: run.subject, reason: "a selected run has \(layers.count) layers and no layer \(layerLabel(layer))")
    }
    return [(layer, MeasuredValue(layers[layer - 1], like: measurement))]
  }

  /// The numbers that are left of an array: one, or one for each node.
  private func reduced(_ measurement: MeasuredValue, _ run: RunReader) throws(FigureError) -> [Double] {
    guard measurement.values.count == measurement.shape.reduce(1, *) else {
      throw run.wrongShape(measurement, expected: "a number for each place")
    }
    var (shape, values) = (measurement.shape, measurement.values)
    for reduction in plot.reductions {
      guard let width = shape.popLast() else {
        throw .notPlottable(
          figure: run.subject, reason: "\(measure.rawValue) is one number already; remove a part of reduce")
      }
      guard width > 0 else { throw run.wrongShape(measurement, expected: "no empty axis") }
      values = stride(from: 0, to: values.count, by: width).map { reduction(Array(values[$0..<$0 + width])) }
    }
    if !showsNodes, values.count == 1 { return values }
    guard shape.count == (showsNodes ? 1 : 0) else {
      guard !shape.isEmpty else {
        throw .notPlottable(
          figure: run.subject,
          reason: "\(measure.rawValue) has one number and no nodes here; put something else on the axis")
      }
      let left = shape.map(String.init).joined(separator: " x ")
      throw .notPlottable(
        figure: run.subject,
        reason: "\(measure.rawValue) has \(left) numbers"
          + (showsNodes ? ", and one for each node is wanted; " : " a run and epoch, and one is wanted; ")
          + "give reduce, e.g. reduce: mean or reduce: [best, share above 0.95]"
          + (showsNodes ? "" : ", or x: node"))
    }
    return values
  }
}

extension MeasuredValue {
  fileprivate init(_ values: [Double], like other: MeasuredValue) {
    self.init(other.measure, epoch: other.epoch, shape: [values.count], values: values)
  }
}

extension PlotDeclaration.Reduction {
  /// - Precondition: there is a value.
  func callAsFunction(_ values: [Double]) -> Double {
    switch self {
    case .largest: values.max() ?? .nan
    case .smallest: values.min() ?? .nan
    case .mean: UnderstudyFigures.mean(values) ?? .nan
    case .median: UnderstudyFigures.median(values) ?? .nan
    case .sum: values.reduce(0, +)
    case .shareAbove(let bound): Double(values.count { $0 > bound }) / Double(values.count)
    case .shareBelow(let bound): Double(values.count { $0 < bound }) / Double(values.count)
    }
  }

  /// E.g. "mean of".
  var words: String {
    switch self {
    case .largest: "best"
    case .smallest: "smallest"
    case .mean: "mean"
    case .median: "median"
    case .sum: "sum of"
    case .shareAbove(let bound): "share above \(bound.short) of"
    case .shareBelow(let bound): "share below \(bound.short) of"
    }
  }
}

extension Measure {
  enum LayerContent { case teacherNodes, studentNodes, layers }

  /// What of each layer follows one another in it; nil of measures without layers.
  var layerContent: LayerContent? {
    switch self {
    case .layerCorrelations, .layerMatches, .layerTeacherStrengths, .layerSmallestAlphas, .layerMeanAlphas:
      .teacherNodes
    case .layerStudentCorrelations, .layerDeadNodes, .layerStrengths, .layerMirroredCorrelations,
      .layerBelowCorrelations,
      .layerActiveShares,
      .layerGradients, .layerLargestGradients:
      .studentNodes
    case .layerRegionCounts, .layerRuleResiduals, .gradientNorms, .weightChanges: .layers
    default: nil
    }
  }
}

extension PlotDeclaration {
  /// The measures that it is read from; of the widths of layers, where they are told apart.
  var measures: Set<Measure> {
    switch quantity {
    case .measure(let measure):
      measure.layerContent == nil || measure.layerContent == .layers ? [measure] : [measure, .layerWidths]
    case .statistic(let statistic): Set(statistic.row.needs + statistic.row.readsAlso)
    }
  }
}
