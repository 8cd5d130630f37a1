import UnderstudySchema

/// The mean best rho of a hidden layer at which it counts as specialized.
let specializationThreshold = 0.95

/// The measures of a run's hidden layers, which are recorded one layer after the other, taken apart again.
struct LayerTable {
  let record: RunRecord
  /// Nodes of each hidden layer, lowest first.
  let teacherWidths: [Int]
  let studentWidths: [Int]
  private let figure: String

  /// - Throws: `FigureError.missingMeasure` if `layerWidths` is recorded at no epoch, `.wrongShape` for what are no widths.
  init(_ record: RunRecord, figure: String) throws(FigureError) {
    // Widths do not change: those of any epoch will do.
    guard let widths = record.measurements.first(where: { $0.measure == .layerWidths }) else {
      throw .missingMeasure(
        figure: figure, measure: .layerWidths, epoch: nil, recordedEpochs: [], seed: record.run.seed)
    }
    guard widths.shape.count == 2, widths.shape[0] == 2, widths.shape[1] > 0,
      let nodes = Self.counts(widths.values)
    else {
      throw .wrongShape(
        figure: figure, measure: .layerWidths, shape: widths.shape,
        expected: "[2, hidden layer] of whole numbers from 1 on")
    }
    self.record = record
    self.figure = figure
    teacherWidths = Array(nodes.prefix(widths.shape[1]))
    studentWidths = Array(nodes.suffix(widths.shape[1]))
  }

  /// Hidden layers.
  var depth: Int { teacherWidths.count }

  /// The values of a measure of teacher nodes: for each hidden layer, lowest first, those of its nodes.
  ///
  /// - Throws: `FigureError.missingMeasure`, and `.wrongShape` if there is not one value for each node.
  func teacherNodes(_ measure: Measure, epoch: Int) throws(FigureError) -> [[Double]] {
    try split(try record.required(measure, epoch: epoch, figure: figure), by: teacherWidths)
  }

  /// The same of a measure of student nodes.
  func studentNodes(_ measure: Measure, epoch: Int) throws(FigureError) -> [[Double]] {
    try split(try record.required(measure, epoch: epoch, figure: figure), by: studentWidths)
  }

  /// For each student node whether it is dead; where that is not recorded, one whose best rho is stored as exactly 0.
  func isDead(epoch: Int) throws(FigureError) -> [[Bool]] {
    guard let dead = record.measurement(.layerDeadNodes, epoch: epoch) else {
      return try studentNodes(.layerStudentCorrelations, epoch: epoch).map { $0.map { $0 == 0 } }
    }
    return try split(dead, by: studentWidths).map { $0.map { $0 != 0 } }
  }

  /// The mean over teacher nodes of the best rho, of each hidden layer.
  func specialization(epoch: Int) throws(FigureError) -> [Double] {
    try teacherNodes(.layerCorrelations, epoch: epoch).map { mean($0) ?? 0 }
  }

  /// The first recorded epoch at which each hidden layer is specialized; infinite if there is none.
  ///
  /// - Throws: `FigureError.missingMeasure` if `layerCorrelations` is recorded at no epoch.
  func specializationEpochs() throws(FigureError) -> [Double] {
    var epochs = [Double](repeating: .infinity, count: depth)
    for epoch in try record.series(.layerCorrelations, figure: figure).keys.sorted() {
      for (layer, value) in try specialization(epoch: epoch).enumerated() where value >= specializationThreshold {
        epochs[layer] = min(epochs[layer], Double(epoch))
      }
    }
    return epochs
  }

  private func split(_ measurement: Measurement, by widths: [Int]) throws(FigureError) -> [[Double]] {
    let count = widths.reduce(0, +)
    guard measurement.shape == [count] else {
      throw .wrongShape(
        figure: figure, measure: measurement.measure, shape: measurement.shape, expected: "[\(count)]")
    }
    var start = 0
    return widths.map { width in
      defer { start += width }
      return Array(measurement.values[start..<(start + width)])
    }
  }

  private static func counts(_ values: [Double]) -> [Int]? {
    let counts = values.compactMap { Int(exactly: $0) }
    // No network is wider; and so their sum is a number, too.
    return counts.count == values.count && counts.allSatisfy((1...1_000_000_000).contains) ? counts : nil
  }
}

/// The tables of `runs`, in their order.
func layerTables(_ runs: [RunRecord], figure: String) throws(FigureError) -> [LayerTable] {
  var tables: [LayerTable] = []
  for run in runs { tables.append(try LayerTable(run, figure: figure)) }
  return tables
}
