import UnderstudyNetworks
import UnderstudyNumerics

/// What a student does on all samples: everything the next step of a search needs.
struct Evaluation {
  /// phi'(z) of each hidden layer: `[sample, node]`, 1 or the negative slope.
  var slopes: [Matrix]
  /// The input of each layer, `[sample, input]`; with biases, the last column is 1. The first are the samples themselves.
  var features: [Matrix]
  /// target - output, `[sample, output]`.
  var residuals: Matrix
  /// g_l(x) of each layer, `[sample, node]`; the last are the residuals.
  var gradients: [Matrix]
  /// J = 1/2 mean ||residual||^2.
  var loss: Double
  /// max over samples and lowest student nodes of |g_1(x)|.
  var largestGradient: Double

  var isFinite: Bool { loss.isFinite && largestGradient.isFinite }
}

/// Weights with what they do on all samples.
struct SearchState {
  var weights: ParameterVector
  var evaluation: Evaluation

  /// Whether this is the state to keep: one that meets the target, else the one of the lower loss.
  func isBetter(than other: SearchState, target: Double) -> Bool {
    let (meets, otherMeets) = (evaluation.largestGradient <= target, other.evaluation.largestGradient <= target)
    return meets == otherMeets ? evaluation.loss < other.evaluation.loss : meets
  }
}

/// A student's squared error over fixed samples, as a function of its weights.
///
/// A search takes place in units of its own: inputs and targets in ``SampleUnits``, and the weights of each hidden node's
/// row ``normalized(_:)``. So whatever compares weights, gradients or diagonals with each other or with a constant (floors of
/// the damping, boundaries drawn over `(x, 1)`, the target) decides the same in all units and at all scales of the nodes.
struct LeastSquaresProblem {
  /// `[sample, feature]`; with biases, a last column of ones.
  let inputs: Matrix
  /// `[sample, output]`
  let targets: Matrix
  let hasBiases: Bool
  let activation: Activation

  /// - Throws: ``ShapeError`` if some layers have biases and others none, or the samples do not fit the student.
  init(_ student: Student, inputs: Matrix, targets: Matrix) throws(ShapeError) {
    let network = student.network
    try network.architecture.checkHasUniformBiases()
    hasBiases = network.hasBiases
    guard inputs.rowCount == targets.rowCount else {
      throw ShapeError("there are \(inputs.rowCount) inputs and \(targets.rowCount) targets; give one target an input")
    }
    guard inputs.rowCount > 0 else {
      throw ShapeError("a critical point is searched for on samples, and there are none")
    }
    guard inputs.columnCount == network.inputCount, targets.columnCount == network.outputCount else {
      throw ShapeError(
        "the student maps \(network.inputCount) inputs to \(network.outputCount) outputs, and the samples have "
          + "\(inputs.columnCount) and \(targets.columnCount)")
    }
    activation = network.activation
    self.inputs = hasBiases ? inputs.appendingOnes() : inputs
    self.targets = targets
  }

  /// The problem and the student in the search's own units.
  static func inOwnUnits(
    _ student: Student, inputs: Matrix, targets: Matrix
  ) throws(ShapeError) -> (problem: LeastSquaresProblem, start: SearchState, units: SampleUnits) {
    let units = SampleUnits(inputs: inputs, targets: targets)
    let scaled = Student(units.scaled(student.network))
    let problem = try LeastSquaresProblem(
      scaled, inputs: inputs.scaled(by: 1 / units.inputSize), targets: targets.scaled(by: 1 / units.outputSize))
    return (problem, problem.state(of: problem.normalized(problem.weights(of: scaled))), units)
  }

  var sampleCount: Int { inputs.rowCount }
  var outputCount: Int { targets.columnCount }

  func weights(of student: Student) -> ParameterVector {
    ParameterVector(
      layers: student.network.layers.map { layer in
        layer.biases == nil ? layer.weights : Matrix((0..<layer.nodeCount).map(layer.row))
      })
  }

  func student(of weights: ParameterVector) throws(ShapeError) -> Student {
    Student(
      try Network(
        layers: weights.layers.map { layer in
          let width = layer.columnCount - (hasBiases ? 1 : 0)
          return NetworkLayer(weights: layer.prefix(columns: width), biases: hasBiases ? layer.column(width) : nil)
        }, activation: activation))
  }

  func state(of weights: ParameterVector) -> SearchState {
    SearchState(weights: weights, evaluation: evaluate(weights))
  }

  /// The same function, the row of every hidden node, its bias included, of norm 1; rows of zeros stay as they are.
  func normalized(_ weights: ParameterVector) -> ParameterVector {
    var result = weights
    for l in 0..<result.layers.count - 1 {
      for k in 0..<result.layers[l].rowCount {
        let norm = euclideanNorm(result.layers[l].row(k))
        guard norm.isNormal else { continue }
        for f in 0..<result.layers[l].columnCount { result.layers[l][k, f] /= norm }
        for h in 0..<result.layers[l + 1].rowCount { result.layers[l + 1][h, k] *= norm }
      }
    }
    return result
  }

  /// Runs all samples through the student; O(samples x weights).
  func evaluate(_ weights: ParameterVector) -> Evaluation {
    var features = [inputs]
    var slopes: [Matrix] = []
    for layer in weights.layers.dropLast() {
      let (activations, slope) = activated(
        preactivations(of: layer, over: features[features.count - 1]), appendingOnes: hasBiases)
      features.append(activations)
      slopes.append(slope)
    }
    var residuals = preactivations(of: weights.layers[slopes.count], over: features[slopes.count])
    var squares = 0.0
    for i in residuals.values.indices {
      let residual = targets.values[i] - residuals.values[i]
      residuals.values[i] = residual
      squares += residual * residual
    }
    let gradients = nodeGradients(of: residuals, through: weights, slopes)
    var largest = 0.0
    for gradient in gradients[0].values {
      // Not `max`, which drops a NaN on one of its sides.
      let size = abs(gradient)
      if !(size <= largest) { largest = size }
    }
    return Evaluation(
      slopes: slopes, features: features, residuals: residuals, gradients: gradients,
      loss: squares / Double(2 * sampleCount), largestGradient: largest)
  }

  /// z of the nodes with these rows, `[sample, node]`.
  func preactivations(of rows: Matrix, over features: Matrix) -> Matrix {
    LinearAlgebra.product(features, rows, transposingSecond: true)
  }

  /// phi(z), behind it a column of ones if wanted, and phi'(z).
  func activated(_ preactivations: Matrix, appendingOnes: Bool) -> (activations: Matrix, slopes: Matrix) {
    let (n, negativeSlope) = (preactivations.columnCount, activation.negativeSlope)
    let width = n + (appendingOnes ? 1 : 0)
    var slopes = preactivations
    var activations = Matrix(rowCount: sampleCount, columnCount: width, repeating: 1)
    for i in 0..<sampleCount {
      for k in 0..<n {
        let z = slopes.values[i * n + k]
        let slope = z > 0 ? 1 : negativeSlope
        activations.values[i * width + k] = slope * z
        slopes.values[i * n + k] = slope
      }
    }
    return (activations, slopes)
  }

  /// Samples whose pre-activation at some hidden node is 0 to within ``CriticalPointReport/boundaryTolerance``.
  func boundarySampleCount(at state: SearchState) -> Int {
    var isOnBoundary = [Bool](repeating: false, count: sampleCount)
    for (rows, features) in zip(state.weights.layers.dropLast(), state.evaluation.features) {
      let z = preactivations(of: rows, over: features)
      // `|w| . |x| + |b|`
      let terms = preactivations(of: rows.magnitudes, over: features.magnitudes)
      for i in 0..<sampleCount {
        isOnBoundary[i] =
          isOnBoundary[i]
          || zip(terms.row(i), z.row(i)).contains { $0 > 0 && abs($1) <= CriticalPointReport.boundaryTolerance * $0 }
      }
    }
    return isOnBoundary.count { $0 }
  }
}

extension Matrix {
  /// The absolute values.
  fileprivate var magnitudes: Matrix { Matrix(rowCount: rowCount, columnCount: columnCount, values: values.map(abs)) }

  /// Multiplies each element by the other matrix's in its place.
  mutating func multiplyElements(by other: Matrix) {
    for i in values.indices { values[i] *= other.values[i] }
  }

  var negated: Matrix { Matrix(rowCount: rowCount, columnCount: columnCount, values: values.map { -$0 }) }

  var diagonal: [Double] { (0..<min(rowCount, columnCount)).map { self[$0, $0] } }
}
