import UnderstudyNumerics

/// The damped Gauss-Newton system of a student of any depth, solved by conjugate gradients without forming it.
///
/// A product is one pass up and one pass down the network; memory is O(samples x nodes + sum over hidden nodes of inputs^2). The
/// preconditioner is each node's own block, `sum beta_kk(x) f f^T` with its damping, which for all output nodes is the Gram matrix
/// of the activations: inputs of any covariance cost no more iterations, couplings between nodes do.
///
/// With two layers the output layer is eliminated, as in ``SchurComplementSolver``: what it can take up of a change of the outputs
/// is projected out. In deeper students it is not: the gradients after a first step then depended on roundings to 4e-4, and they
/// do to less than 1e-7 where the output layer is among the unknowns.
struct MatrixFreeSolver: LeastSquaresSolver {
  /// Steps of conjugate gradients at most, for one step of the weights.
  let iterationLimit: Int
  /// Conjugate gradients end when the residual is this share of the right side (both in the preconditioner's norm).
  let tolerance: Double
  private let problem: LeastSquaresProblem
  private var weights = ParameterVector(layers: [])
  private var evaluation: Evaluation?
  private var negativeGradient = ParameterVector(layers: [])
  /// Of what enters the output layer; lower triangle.
  private var activationGram = Matrix([])
  /// Of each node of the hidden layers, the lowest layer first; lower triangles.
  private var nodeGrams: [Matrix] = []

  init(_ problem: LeastSquaresProblem, iterationLimit: Int, tolerance: Double = 0.01) {
    self.problem = problem
    self.iterationLimit = iterationLimit
    self.tolerance = tolerance
  }

  private var eliminatesOutputLayer: Bool { weights.layers.count == 2 }
  /// The weights that conjugate gradients solve for.
  private var unknowns: ParameterVector { eliminatesOutputLayer ? weights.hidden : weights }
  /// What enters the output layer.
  private var features: Matrix { evaluation?.features.last ?? Matrix([]) }

  /// - Complexity: O(samples x weights x largest number of inputs).
  mutating func linearize(at weights: ParameterVector, _ evaluation: Evaluation) {
    self.weights = weights
    self.evaluation = evaluation
    negativeGradient = problem.negativeGradient(at: evaluation)
    activationGram = Matrix(rowCount: features.columnCount, columnCount: features.columnCount)
    LinearAlgebra.addGram(of: features, to: &activationGram)
    var grams = weights.hidden.layers.map { layer in
      [Matrix](repeating: Matrix(rowCount: layer.columnCount, columnCount: layer.columnCount), count: layer.rowCount)
    }
    problem.forEachJacobian(at: weights, evaluation) { jacobian in
      for l in grams.indices { LinearAlgebra.addNodeGrams(of: jacobian[l], to: &grams[l]) }
    }
    nodeGrams = grams.flatMap { $0 }
  }

  /// - Complexity: O(samples x weights) for each step of conjugate gradients.
  func step(damping: Double) -> GaussNewtonStep? {
    guard let evaluation else { return nil }
    let outputDamping = dampings(of: activationGram.diagonal, damping)
    var outputFactor: Matrix?
    if eliminatesOutputLayer {
      guard let factor = factored(activationGram, outputDamping[...]) else { return nil }
      outputFactor = factor
    }
    let dampings = dampings(of: blocks.flatMap { [[Double]](repeating: $0.diagonal, count: $1).joined() }, damping)
    guard let factors = factoredBlocks(dampings) else { return nil }

    let unknowns = unknowns
    func pulledBack(_ outputs: Matrix) -> [Double] {
      problem.vectorJacobianProduct(
        projected(outputs, outputFactor), at: weights, evaluation, layerCount: unknowns.layers.count
      ).flat
    }
    func outputChange(_ direction: [Double]) -> Matrix {
      problem.jacobianVectorProduct(ParameterVector(direction, like: unknowns), at: weights, evaluation).outputs
    }
    let rightSide = pulledBack(evaluation.residuals)
    let solved = conjugateGradients(
      rightSide: rightSide, iterationLimit: iterationLimit, tolerance: tolerance,
      preconditioner: { precondition($0, factors) },
      product: { direction in
        var image = pulledBack(outputChange(direction))
        for i in image.indices { image[i] += dampings[i] * direction[i] }
        return image
      })
    guard solved.iterationCount > 0, solved.solution.allSatisfy(\.isFinite) else { return nil }
    // b.s - 1/2 s (J^T J) s, with (J^T J + damping) s = b - what is left.
    var fall = 0.0
    for (i, move) in solved.solution.enumerated() {
      fall += move * (rightSide[i] + solved.residual[i] + dampings[i] * move)
    }
    var step = ParameterVector(solved.solution, like: unknowns)
    if let outputFactor {
      // With delta_last the best for delta_hidden, the damped model falls by that of fitting the output layer alone, plus that
      // of the eliminated system; the model itself falls by the damping's share more.
      let pull = negativeGradient.outputLayer
      var (last, alone) = (pull, pull)
      LinearAlgebra.multiply(
        outputChange(solved.solution).negated, transposingFirst: true, features, into: &last, scale: 1)
      LinearAlgebra.solveCholesky(outputFactor, rightSides: &last)
      LinearAlgebra.solveCholesky(outputFactor, rightSides: &alone)
      fall += dotProduct(alone.values, pull.values)
      for (a, damping) in outputDamping.enumerated() { fall += damping * last.column(a).reduce(0) { $0 + $1 * $1 } }
      step.layers.append(last)
    }
    return GaussNewtonStep(step: step, predictedFall: fall / 2)
  }

  /// The blocks of the unknowns and how many nodes have each: the output nodes share one.
  private var blocks: [(gram: Matrix, nodeCount: Int)] {
    nodeGrams.map { ($0, 1) } + (eliminatesOutputLayer ? [] : [(activationGram, problem.outputCount)])
  }

  /// `Y - F G'^-1 F^T Y`: what the output layer does not take up of a change of the outputs; Y where it is not eliminated.
  private func projected(_ outputs: Matrix, _ outputFactor: Matrix?) -> Matrix {
    guard let outputFactor else { return outputs }
    var sides = LinearAlgebra.product(outputs, transposingFirst: true, features)
    LinearAlgebra.solveCholesky(outputFactor, rightSides: &sides)
    var result = outputs
    LinearAlgebra.multiply(features, sides.negated, transposingSecond: true, into: &result, scale: 1)
    return result
  }

  /// The Cholesky factor of every damped block, and how many nodes have it.
  private func factoredBlocks(_ dampings: [Double]) -> [(factor: Matrix, nodeCount: Int)]? {
    var first = 0
    var factors: [(factor: Matrix, nodeCount: Int)] = []
    for (gram, nodeCount) in blocks {
      guard let factor = factored(gram, dampings[first..<first + gram.rowCount]) else { return nil }
      factors.append((factor, nodeCount))
      first += nodeCount * gram.rowCount
    }
    return factors
  }

  private func factored(_ gram: Matrix, _ dampings: ArraySlice<Double>) -> Matrix? {
    var block = gram
    for (f, damping) in zip(0..., dampings) { block[f, f] += damping }
    return block.isFinite && LinearAlgebra.factorCholesky(&block) ? block : nil
  }

  private func precondition(_ vector: [Double], _ factors: [(factor: Matrix, nodeCount: Int)]) -> [Double] {
    var result: [Double] = []
    result.reserveCapacity(vector.count)
    for (factor, nodeCount) in factors {
      let width = factor.rowCount
      var sides = Matrix(
        rowCount: nodeCount, columnCount: width,
        values: Array(vector[result.count..<result.count + nodeCount * width]))
      LinearAlgebra.solveCholesky(factor, rightSides: &sides)
      result += sides.values
    }
    return result
  }
}
