import UnderstudyNetworks
import UnderstudyNumerics

/// What is left of a hidden layer once a student is merged, and how well the inputs determine it.
public struct MergedLayerReport: Sendable, Equatable {
  /// Of the original student.
  public var nodeCount: Int
  public var unitCount: Int
  /// Nodes of the original student by ``MergedStudent/Fate``.
  public var carryingCount: Int
  public var mergedCount: Int
  public var removedCount: Int
  /// See ``MergedStudent/Layer/tolerance``.
  public var tolerance: Double
  /// Directions along which what enters the original student's layer, each entry in units of its own deviation (a power of two
  /// near it), varies over the inputs by more than 1e-8 of the widest.
  /// Where they are fewer than `inputCount`, the inputs determine sums of weights, not the weights.
  public var inputRank: Int
  public var inputCount: Int
  /// Of the merged student: the smallest over units of the ratio of the least to the largest singular value of what enters the
  /// layer (and the constant 1 if it has biases) at the inputs at which the unit is active, each entry divided by its root
  /// mean square. A unit's weights are less accurate than its outputs by this factor; 0: some weights are not determined.
  /// nil where it would take more than 1e11 operations.
  public var identifiability: Double?
  /// Largest weight error of the layer against the teacher's; nil if the networks' sizes differ, or without a teacher.
  public var weightError: Double?
}

/// What is left of each hidden layer, the lowest first.
///
/// - Shape: `inputs` is `[sample, feature]`.
/// - Throws: ``ShapeError`` if networks and inputs do not fit.
/// - Complexity: O(samples x units x nodes^2) for each layer.
public func mergedLayerReports(
  of merged: MergedStudent, from student: Student, against teacher: Teacher?, over inputs: Matrix
) throws(ShapeError) -> [MergedLayerReport] {
  try checkInputs(inputs, fit: student.network)
  try checkInputs(inputs, fit: merged.student.network)
  let errors = teacher.flatMap { weightErrors(of: merged.student.network, against: $0.network) }
  var (below, reducedBelow) = (inputs, inputs)
  var result: [MergedLayerReport] = []
  for (index, layer) in merged.layers.enumerated() {
    let (original, reduced) = (student.network.layers[index], merged.student.network.layers[index])
    let activation = student.network.activation
    let z = reduced.preactivations(over: reducedBelow)
    result.append(
      MergedLayerReport(
        nodeCount: original.nodeCount, unitCount: layer.unitCount,
        carryingCount: layer.fates.count - layer.mergedCount - layer.removedCount, mergedCount: layer.mergedCount,
        removedCount: layer.removedCount, tolerance: layer.tolerance, inputRank: rank(of: below),
        inputCount: original.inputCount,
        identifiability: identifiability(
          reducedBelow, z, hasBiases: reduced.biases != nil, slope: activation.negativeSlope),
        weightError: errors?[index]))
    below = activation(original.preactivations(over: below))
    reducedBelow = activation(z)
  }
  return result
}

private func rank(of samples: Matrix) -> Int {
  guard let deviations = PrincipalCoordinates(of: samples, isCentred: true)?.deviations, let largest = deviations.first
  else { return 0 }
  return deviations.count { $0 > 1e-8 * largest }
}

private func identifiability(_ below: Matrix, _ z: Matrix, hasBiases: Bool, slope: Double) -> Double? {
  let (count, width) = (below.rowCount, below.columnCount + (hasBiases ? 1 : 0))
  guard Double(count) * Double(width * width) * Double(z.columnCount) <= 1e11 else { return nil }
  let scales = (0..<below.columnCount).map { f in
    let size = euclideanNorm(below.column(f)) / Double(count).squareRoot()
    return size > 0 ? 1 / size : 0
  }
  var smallest = Double.infinity
  for unit in 0..<z.columnCount {
    var values: [Double] = []
    var activeCount = 0
    for i in 0..<count {
      let gate = z[i, unit] > 0 ? 1 : slope
      guard gate > 0 else { continue }
      activeCount += 1
      for (f, scale) in scales.enumerated() { values.append(below[i, f] * scale * gate) }
      if hasBiases { values.append(gate) }
    }
    let active = Matrix(rowCount: activeCount, columnCount: width, values: values)
    guard activeCount >= width, let singular = LinearAlgebra.singularValues(of: active)?.values,
      let least = singular.last, singular[0] > 0
    else { return 0 }
    smallest = min(smallest, max(0, least) / singular[0])
  }
  return smallest.isFinite ? smallest : 0
}
