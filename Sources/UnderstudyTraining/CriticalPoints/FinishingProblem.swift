import UnderstudyNetworks
import UnderstudyNumerics

/// The weights of a two-layer student, or a step of them, as the finishing stage holds them: each layer's biases are one
/// more input of constant 1.
struct FinishingWeights {
  /// `[student node, feature]`; with biases, the last column.
  var first: Matrix
  /// `[student node, output]`: the fan-out weights v_k; with biases, the last row.
  var last: Matrix

  var nodeCount: Int { first.rowCount }
  /// The fan-out weights without the biases, `[student node, output]`.
  var fanOut: Matrix { last.prefix(rows: nodeCount) }
  var isFinite: Bool { first.isFinite && last.isFinite }
  /// The first layer's rows, then the last one's.
  var flat: [Double] { first.values + last.values }

  init(first: Matrix, last: Matrix) { (self.first, self.last) = (first, last) }

  /// These numbers in the shapes of `other`.
  init(_ flat: [Double], like other: FinishingWeights) {
    self = other
    first.values = Array(flat[..<first.values.count])
    last.values = Array(flat[first.values.count...])
  }

  static func + (a: FinishingWeights, b: FinishingWeights) -> FinishingWeights {
    var sum = a
    for i in sum.first.values.indices { sum.first.values[i] += b.first.values[i] }
    for i in sum.last.values.indices { sum.last.values[i] += b.last.values[i] }
    return sum
  }
}

/// What a student does on all samples: everything the next step needs.
struct FinishingEvaluation {
  /// phi'(z): `[sample, student node]`, 1 or the negative slope.
  var slopes: Matrix
  /// `[sample, student node]`, and with biases a last column of ones.
  var activations: Matrix
  /// target - output, `[sample, output]`.
  var residuals: Matrix
  /// g_1(x), `[sample, student node]`.
  var nodeGradients: Matrix
  /// J = 1/2 mean ||residual||^2.
  var loss: Double
  /// max over samples and student nodes of |g_1(x)|.
  var largestGradient: Double
}

/// The samples that a student is finished on.
struct FinishingProblem {
  /// `[sample, feature]`; with biases, a last column of ones.
  let inputs: Matrix
  /// `[sample, output]`
  let targets: Matrix
  let hasBiases: Bool
  let activation: Activation

  /// - Throws: ``ShapeError`` if the student is not of two layers that both have biases or both have none, or the samples
  ///   do not fit it.
  init(_ student: Student, inputs: Matrix, targets: Matrix) throws(ShapeError) {
    let network = student.network
    let shape = try NetworkShape(network)
    try checkSamples(inputs: inputs, targets: targets, fit: network)
    hasBiases = shape.hasBiases
    activation = network.activation
    self.inputs = hasBiases ? inputs.appendingOnes() : inputs
    self.targets = targets
  }

  var sampleCount: Int { inputs.rowCount }

  func weights(of student: Student) -> FinishingWeights {
    let (first, last) = (student.network.layers[0], student.network.layers[1])
    var weights = FinishingWeights(first: first.weights, last: last.weights.transposed)
    if let biases = first.biases {
      weights.first = weights.first.padded(columns: inputs.columnCount)
      for (k, bias) in biases.enumerated() { weights.first[k, inputs.columnCount - 1] = bias }
    }
    if let biases = last.biases {
      weights.last = Matrix(
        rowCount: weights.last.rowCount + 1, columnCount: biases.count, values: weights.last.values + biases)
    }
    return weights
  }

  func student(of weights: FinishingWeights) throws(ShapeError) -> Student {
    let (n, width) = (weights.nodeCount, inputs.columnCount - (hasBiases ? 1 : 0))
    var first = Matrix(rowCount: n, columnCount: width)
    for k in 0..<n {
      for f in 0..<width { first[k, f] = weights.first[k, f] }
    }
    return Student(
      try Network(
        layers: [
          DenseLayer(weights: first, biases: hasBiases ? weights.first.column(width) : nil),
          DenseLayer(weights: weights.fanOut.transposed, biases: hasBiases ? Array(weights.last.row(n)) : nil),
        ], activation: activation))
  }

  func normalized(_ weights: FinishingWeights) -> FinishingWeights {
    var result = weights
    for k in 0..<weights.nodeCount {
      let norm = euclideanNorm(weights.first.row(k))
      guard norm.isNormal else { continue }
      for f in 0..<weights.first.columnCount { result.first[k, f] /= norm }
      for c in 0..<weights.last.columnCount { result.last[k, c] *= norm }
    }
    return result
  }

  /// Runs all samples through the student; O(samples x weights).
  func evaluate(_ weights: FinishingWeights) -> FinishingEvaluation {
    let (samples, n) = (sampleCount, weights.nodeCount)
    var slopes = preactivations(of: weights)
    let featureCount = weights.last.rowCount
    var activations = Matrix(rowCount: samples, columnCount: featureCount, repeating: 1)
    let negativeSlope = activation.negativeSlope
    for i in 0..<samples {
      for k in 0..<n {
        let z = slopes.values[i * n + k]
        let slope = z > 0 ? 1 : negativeSlope
        activations.values[i * featureCount + k] = slope * z
        slopes.values[i * n + k] = slope
      }
    }
    var residuals = Matrix(rowCount: samples, columnCount: targets.columnCount)
    LinearAlgebra.multiply(activations, weights.last, into: &residuals)
    var squares = 0.0
    for i in residuals.values.indices {
      let residual = targets.values[i] - residuals.values[i]
      residuals.values[i] = residual
      squares += residual * residual
    }
    var gradients = Matrix(rowCount: samples, columnCount: n)
    LinearAlgebra.multiply(residuals, weights.fanOut, transposingSecond: true, into: &gradients)
    var largest = 0.0
    for i in gradients.values.indices {
      gradients.values[i] *= slopes.values[i]
      // Not `max`, which drops a NaN on one of its sides.
      let size = abs(gradients.values[i])
      if !(size <= largest) { largest = size }
    }
    return FinishingEvaluation(
      slopes: slopes, activations: activations, residuals: residuals, nodeGradients: gradients,
      loss: squares / Double(2 * samples), largestGradient: largest)
  }

  /// z, `[sample, student node]`.
  func preactivations(of weights: FinishingWeights) -> Matrix { preactivations(of: weights.first) }

  /// The pre-activations of nodes with these rows.
  func preactivations(of rows: Matrix) -> Matrix {
    var result = Matrix(rowCount: sampleCount, columnCount: rows.rowCount)
    LinearAlgebra.multiply(inputs, rows, transposingSecond: true, into: &result)
    return result
  }

  /// Minus the gradient of the summed loss, N J.
  func descent(at evaluation: FinishingEvaluation) -> FinishingWeights {
    var first = Matrix(rowCount: evaluation.slopes.columnCount, columnCount: inputs.columnCount)
    LinearAlgebra.multiply(evaluation.nodeGradients, transposingFirst: true, inputs, into: &first)
    var last = Matrix(rowCount: evaluation.activations.columnCount, columnCount: targets.columnCount)
    LinearAlgebra.multiply(evaluation.activations, transposingFirst: true, evaluation.residuals, into: &last)
    return FinishingWeights(first: first, last: last)
  }

  /// Samples whose pre-activation at some student node is 0 to within ``boundaryTolerance``.
  func boundarySampleCount(of weights: FinishingWeights) -> Int {
    let isOn = samplesOnBoundaries(of: weights.first, inputs: inputs, preactivations: preactivations(of: weights))
    return isOn.count { $0 }
  }
}

/// For each sample, whether it sits on the boundary of some node: see ``FinishingReport/boundarySampleCount``.
///
/// - Shape: `rows` is `[node, input]`, `inputs` `[sample, input]`, both with a column for the bias if there is one;
///   `preactivations` is `[sample, node]`.
func samplesOnBoundaries(of rows: Matrix, inputs: Matrix, preactivations: Matrix) -> [Bool] {
  var terms = Matrix(rowCount: inputs.rowCount, columnCount: rows.rowCount)
  LinearAlgebra.multiply(inputs.magnitudes, rows.magnitudes, transposingSecond: true, into: &terms)
  return (0..<inputs.rowCount).map { i in
    zip(terms.row(i), preactivations.row(i)).contains { $0 > 0 && abs($1) <= FinishingReport.boundaryTolerance * $0 }
  }
}

extension Matrix {
  /// The absolute values.
  fileprivate var magnitudes: Matrix { Matrix(rowCount: rowCount, columnCount: columnCount, values: values.map(abs)) }
}

/// - Throws: ``ShapeError`` if there are no samples, or they do not fit the network.
func checkSamples(inputs: Matrix, targets: Matrix, fit network: Network) throws(ShapeError) {
  guard inputs.rowCount == targets.rowCount else {
    throw ShapeError("there are \(inputs.rowCount) inputs and \(targets.rowCount) targets; give one target an input")
  }
  guard inputs.rowCount > 0 else { throw ShapeError("a student is finished on samples, and there are none") }
  guard inputs.columnCount == network.inputCount, targets.columnCount == network.outputCount else {
    throw ShapeError(
      "the student maps \(network.inputCount) inputs to \(network.outputCount) outputs, and the samples have "
        + "\(inputs.columnCount) and \(targets.columnCount)")
  }
}

extension Matrix {
  /// The matrix with one more column, of ones.
  func appendingOnes() -> Matrix {
    var result = padded(columns: columnCount + 1)
    for row in 0..<rowCount { result[row, columnCount] = 1 }
    return result
  }
}
