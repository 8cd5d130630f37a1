import UnderstudySchema

/// The mean best rho of a hidden layer at which it counts as specialized.
let specializationThreshold = 0.95

/// The measures of a run's hidden layers, which are recorded one layer after the other, taken apart again.
struct LayerReader {
  let run: RunReader
  /// Nodes of each hidden layer, lowest first.
  let teacherWidths: [Int]
  let studentWidths: [Int]

  /// - Throws: `FigureError.missingMeasure` if `layerWidths` is recorded at no epoch, `.wrongShape` for what are no widths.
  init(_ run: RunReader) throws(FigureError) {
    // Widths do not change: those of any epoch will do.
    guard let widths = run.record.measurements.first(where: { $0.measure == .layerWidths }) else {
      throw run.missing(.layerWidths, at: nil)
    }
    guard widths.shape.count == 2, widths.shape[0] == 2, widths.shape[1] > 0,
      let nodes = Self.counts(widths.values)
    else {
      throw run.wrongShape(widths, expected: "[2, hidden layer] of whole numbers from 1 on")
    }
    self.run = run
    teacherWidths = Array(nodes.prefix(widths.shape[1]))
    studentWidths = Array(nodes.suffix(widths.shape[1]))
  }

  /// Readers of `runs`, in their order.
  static func of(_ runs: [RunReader]) throws(FigureError) -> [LayerReader] {
    try runs.map { run throws(FigureError) in try LayerReader(run) }
  }

  /// Hidden layers.
  var depth: Int { teacherWidths.count }

  /// The values of a measure of teacher nodes: for each hidden layer, lowest first, those of its nodes.
  ///
  /// - Throws: `FigureError.missingMeasure`, and `.wrongShape` if there is not one value for each node.
  func teacherNodes(_ measure: Measure, at epoch: Int?) throws(FigureError) -> [[Double]] {
    try split(try run.measurement(measure, at: epoch), by: teacherWidths)
  }

  /// The same of a measure of student nodes.
  func studentNodes(_ measure: Measure, at epoch: Int?) throws(FigureError) -> [[Double]] {
    try split(try run.measurement(measure, at: epoch), by: studentWidths)
  }

  /// The student nodes of each hidden layer. Where dead ones are not recorded, those whose best rho is stored as exactly 0.
  func nodes(at epoch: Int?) throws(FigureError) -> [LayerNodes] {
    let rho = try studentNodes(.layerStudentCorrelations, at: epoch)
    let strengths = try studentNodes(.layerStrengths, at: epoch)
    let dead =
      if let recorded = run.recorded(.layerDeadNodes, at: epoch ?? run.lastEpoch) {
        try split(recorded, by: studentWidths).map { $0.map { $0 != 0 } }
      } else {
        rho.map { $0.map { $0 == 0 } }
      }
    return (0..<depth).map { LayerNodes(rho: rho[$0], heights: strengths[$0], isDead: dead[$0]) }
  }

  /// The mean over teacher nodes of the best rho, of each hidden layer, over the recorded epochs or `epochs`.
  ///
  /// - Throws: `FigureError.missingMeasure` if `layerCorrelations` is recorded at no epoch, or not at those.
  func specialization(at epochs: [Int] = []) throws(FigureError) -> [(epoch: Int, means: [Double])] {
    try run.series(.layerCorrelations, at: epochs).map { measurement throws(FigureError) in
      (measurement.epoch, try split(measurement, by: teacherWidths).map { mean($0) ?? 0 })
    }
  }

  /// The first recorded epoch at which each hidden layer is specialized; infinite if there is none.
  ///
  /// - Throws: `FigureError.missingMeasure` if `layerCorrelations` is recorded at no epoch.
  func specializationEpochs() throws(FigureError) -> [Double] {
    var epochs = [Double](repeating: .infinity, count: depth)
    for (epoch, means) in try specialization() {
      for (layer, value) in means.enumerated() where value >= specializationThreshold {
        epochs[layer] = min(epochs[layer], Double(epoch))
      }
    }
    return epochs
  }

  private func split(_ measurement: MeasuredValue, by widths: [Int]) throws(FigureError) -> [[Double]] {
    let values = try run.vector(measurement, count: widths.reduce(0, +))
    var start = 0
    return widths.map { width in
      defer { start += width }
      return Array(values[start..<(start + width)])
    }
  }

  private static func counts(_ values: [Double]) -> [Int]? {
    let counts = values.compactMap { Int(exactly: $0) }
    // No network is wider; and so their sum is a number, too.
    return counts.count == values.count && counts.allSatisfy((1...1_000_000_000).contains) ? counts : nil
  }
}

/// The student nodes of a hidden layer, as an L-shape has them.
struct LayerNodes {
  /// The best with a teacher node of the layer.
  var rho: [Double]
  /// How much each matters: its fan-out norm, or its strength.
  var heights: [Double]
  var isDead: [Bool]

  var live: [Int] { rho.indices.filter { !isDead[$0] } }
}

extension RunReader {
  /// The student nodes of a run with one hidden layer by their fan-out norms, on training inputs.
  func nodes(at epoch: Int?) throws(FigureError) -> (nodes: LayerNodes, table: CorrelationTable) {
    let table = try correlations(.trainingCorrelation, at: epoch)
    let count = table.studentCount
    let norms = try vector(.fanOutNorms, at: epoch, count: count)
    var dead = (0..<count).map(table.isDead)
    if let recorded = recorded(.trainingDeadNodes, at: epoch ?? lastEpoch) {
      dead = try vector(recorded, count: count).map { $0 != 0 }
    }
    let rho = (0..<count).map { table.best(ofStudent: $0).rho }
    return (LayerNodes(rho: rho, heights: norms, isDead: dead), table)
  }
}
