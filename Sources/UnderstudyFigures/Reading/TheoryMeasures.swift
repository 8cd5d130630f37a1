import Foundation
import UnderstudySchema

/// A teacher or student node is called aligned up to this eps by the figures and findings: a share of the inputs' spread.
let alignmentThreshold = 0.1

/// Student nodes whose alignment is above this are aligned with no teacher node: a share of the inputs' spread.
let unalignedThreshold = 0.3

extension RunRecord {
  /// The values of `measure` by epoch.
  ///
  /// - Throws: `FigureError.missingMeasure` if there are none, or not those of `epochs`.
  func series(_ measure: Measure, epochs: [Int] = [], figure: String) throws(FigureError) -> [Int: Measurement] {
    var result: [Int: Measurement] = [:]
    for measurement in measurements where measurement.measure == measure { result[measurement.epoch] = measurement }
    let absent = result.isEmpty ? epochs.first ?? lastEpoch : epochs.first { result[$0] == nil }
    if let absent {
      throw .missingMeasure(
        figure: figure, measure: measure, epoch: result.isEmpty && epochs.isEmpty ? nil : absent,
        recordedEpochs: result.keys.sorted(), seed: run.seed)
    }
    return result
  }

  /// The entries of an array of one axis.
  func vector(_ measure: Measure, epoch: Int, figure: String) throws(FigureError) -> [Double] {
    try required(measure, epoch: epoch, figure: figure).vector(figure: figure)
  }

  func scalar(_ measure: Measure, epoch: Int, figure: String) throws(FigureError) -> Double {
    try required(measure, epoch: epoch, figure: figure).scalar(figure: figure)
  }

  /// Alignments of teacher or student nodes; infinite for a node that is aligned with nothing (recorded as -1).
  func alignments(_ measure: Measure, epoch: Int, figure: String) throws(FigureError) -> [Double] {
    try vector(measure, epoch: epoch, figure: figure).map { $0 < 0 ? .infinity : $0 }
  }

  /// For each teacher node the first recorded epoch with alignment <= 0.1; infinite if there is none.
  func alignmentEpochs(figure: String) throws(FigureError) -> [Double] {
    var epochs: [Double] = []
    for epoch in try series(.alignment, figure: figure).keys.sorted() {
      let values = try alignments(.alignment, epoch: epoch, figure: figure)
      if epochs.isEmpty { epochs = Array(repeating: .infinity, count: values.count) }
      for (node, value) in values.enumerated() where node < epochs.count && value <= alignmentThreshold {
        epochs[node] = min(epochs[node], Double(epoch))
      }
    }
    return epochs
  }

  /// Share of the teacher nodes with alignment <= 0.1.
  func alignedShare(epoch: Int, figure: String) throws(FigureError) -> Double {
    let values = try alignments(.alignment, epoch: epoch, figure: figure)
    return Double(values.count { $0 <= alignmentThreshold }) / Double(values.count)
  }

  /// The first recorded epoch at which every teacher node is recovered; infinite if there is none.
  func coverEpoch(figure: String) throws(FigureError) -> Double {
    let series = try series(.evaluationCorrelation, figure: figure)
    for epoch in series.keys.sorted() {
      guard let measurement = series[epoch] else { continue }
      let table = try CorrelationTable(measurement, figure: figure)
      if table.recoveredCount == table.teacherCount { return Double(epoch) }
    }
    return .infinity
  }

  /// The first recorded epoch whose evaluation loss is below `ratio` times that of epoch 0; infinite if there is none.
  func smallLossEpoch(ratio: Double, figure: String) throws(FigureError) -> Double {
    let series = try series(.evaluationLoss, epochs: [0], figure: figure)
    let initial = try series[0]?.scalar(figure: figure) ?? 0
    for epoch in series.keys.sorted() {
      guard let loss = try series[epoch]?.scalar(figure: figure) else { continue }
      if loss < ratio * initial { return Double(epoch) }
    }
    return .infinity
  }
}

extension Measurement {
  func vector(figure: String) throws(FigureError) -> [Double] {
    guard shape.count == 1, !values.isEmpty else {
      throw .wrongShape(figure: figure, measure: measure, shape: shape, expected: "one axis")
    }
    return values
  }

  /// As `vector`, of counts or codes: whole numbers from 0, and no more than any run counts.
  func wholeNumbers(figure: String) throws(FigureError) -> [Int] {
    let numbers = try vector(figure: figure).compactMap { Int(exactly: $0) }
    guard numbers.count == values.count, numbers.allSatisfy((0...1_000_000_000).contains) else {
      throw .wrongShape(figure: figure, measure: measure, shape: shape, expected: "whole numbers from 0")
    }
    return numbers
  }

  func scalar(figure: String) throws(FigureError) -> Double {
    guard values.count == 1, let value = values.first else {
      throw .wrongShape(figure: figure, measure: measure, shape: shape, expected: "a scalar")
    }
    return value
  }
}

/// What the theorem predicts for a teacher node and what was measured.
struct BoundPair {
  /// Position in the runs.
  var run: Int
  var epoch: Int
  /// From 0.
  var node: Int
  var predicted: Double
  var measured: Double

  /// Alignments below 1e-12 are rounding: a prediction below that can be neither met nor missed.
  var isHeld: Bool { measured <= predicted || measured < 1e-12 }
}

/// Every teacher node that has a prediction, over `runs` and the recorded epochs, or those of `epochs`.
func boundPairs(of runs: [RunRecord], epochs: [Int], figure: String) throws(FigureError) -> [BoundPair] {
  var pairs: [BoundPair] = []
  for (index, run) in runs.enumerated() {
    let predictions = try run.series(.predictedAlignment, epochs: epochs, figure: figure)
    let alignments = try run.series(.alignment, epochs: epochs, figure: figure)
    for epoch in epochs.isEmpty ? predictions.keys.sorted() : epochs {
      guard let predicted = try predictions[epoch]?.vector(figure: figure) else { continue }
      guard let measurement = alignments[epoch] else {
        throw .missingMeasure(
          figure: figure, measure: .alignment, epoch: epoch, recordedEpochs: alignments.keys.sorted(),
          seed: run.run.seed)
      }
      let measured = try run.alignments(.alignment, epoch: epoch, figure: figure)
      guard measured.count == predicted.count else {
        throw .wrongShape(
          figure: figure, measure: .alignment, shape: measurement.shape, expected: "[\(predicted.count)]")
      }
      for node in predicted.indices where predicted[node] >= 0 {
        pairs.append(
          BoundPair(run: index, epoch: epoch, node: node, predicted: predicted[node], measured: measured[node]))
      }
    }
  }
  return pairs
}

/// The unaligned student nodes of one run at one epoch, beside the gradient that is left.
struct UnalignedPoint {
  /// Position in the runs.
  var run: Int
  var epoch: Int
  var gradient: Double
  var unalignedCount: Int
  /// Median of ||v|| ||w|| over the unaligned student nodes; nil if there are none.
  var strength: Double?
  /// Median kink balance over all student nodes.
  var balance: Double
}

/// One for each run and recorded epoch, or those of `epochs`.
func unalignedPoints(of runs: [RunRecord], epochs: [Int], figure: String) throws(FigureError) -> [UnalignedPoint] {
  var points: [UnalignedPoint] = []
  for (index, run) in runs.enumerated() {
    let gradients = try run.series(.largestGradient, epochs: epochs, figure: figure)
    for epoch in epochs.isEmpty ? gradients.keys.sorted() : epochs {
      guard let gradient = try gradients[epoch]?.scalar(figure: figure) else { continue }
      let alignments = try run.alignments(.studentAlignment, epoch: epoch, figure: figure)
      let strengths = try run.vector(.boundaryStrengths, epoch: epoch, figure: figure)
      let balances = try run.vector(.kinkBalances, epoch: epoch, figure: figure)
      guard strengths.count == alignments.count else {
        throw .wrongShape(
          figure: figure, measure: .boundaryStrengths, shape: [strengths.count], expected: "[\(alignments.count)]")
      }
      let unaligned = zip(alignments, strengths).filter { $0.0 > unalignedThreshold }.map(\.1)
      points.append(
        UnalignedPoint(
          run: index, epoch: epoch, gradient: gradient, unalignedCount: unaligned.count,
          strength: median(unaligned), balance: median(balances) ?? 0))
    }
  }
  return points
}
