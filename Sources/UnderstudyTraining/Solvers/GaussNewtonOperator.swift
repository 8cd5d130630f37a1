import UnderstudyNetworks
import UnderstudyNumerics

/// The damped Gauss-Newton system of ``GaussNewtonSystem``, solved by conjugate gradients without forming it.
///
/// The output layer is eliminated here too, so the system solved is `S`, of the first layer alone. A product with `S` is a
/// few products of [samples, ...] matrices; memory is O(samples x (nodes + outputs) + nodes x features^2).
/// The preconditioner is each node's own block, `beta_kk A_kk` with its damping: inputs of any covariance cost no more
/// iterations, couplings between nodes do.
struct GaussNewtonOperator: GaussNewtonSolver {
  /// Steps of conjugate gradients at most, for one step of the weights.
  let iterationLimit: Int
  /// Conjugate gradients end when the residual is this share of the right side (both in the preconditioner's norm).
  let tolerance: Double
  private let problem: FinishingProblem
  private var weights: FinishingWeights
  private var fanOut: Matrix
  private var evaluation: FinishingEvaluation
  private var descent: FinishingWeights
  private var activationGram: Matrix
  /// A_kk, lower triangles.
  private var nodeGrams: [Matrix] = []

  init(_ problem: FinishingProblem, iterationLimit: Int = 200, tolerance: Double = 0.01) {
    self.problem = problem
    self.iterationLimit = iterationLimit
    self.tolerance = tolerance
    weights = FinishingWeights(first: Matrix([]), last: Matrix([]))
    fanOut = Matrix([])
    descent = weights
    activationGram = Matrix([])
    evaluation = FinishingEvaluation(
      slopes: fanOut, activations: fanOut, residuals: fanOut, nodeGradients: fanOut, loss: 0, largestGradient: 0)
  }

  mutating func linearize(at weights: FinishingWeights, _ evaluation: FinishingEvaluation) {
    self.weights = weights
    self.evaluation = evaluation
    fanOut = weights.fanOut
    descent = problem.descent(at: evaluation)
    activationGram = Matrix(rowCount: weights.last.rowCount, columnCount: weights.last.rowCount)
    LinearAlgebra.addGram(of: evaluation.activations, to: &activationGram)
    let (n, width, c) = (weights.nodeCount, problem.inputs.columnCount, problem.activation.negativeSlope)
    nodeGrams = (0..<n).map { k in
      var gram = Matrix(rowCount: width, columnCount: width)
      let samples = 0..<problem.sampleCount
      let active = samples.filter { evaluation.slopes.values[$0 * n + k] == 1 }
      LinearAlgebra.addGram(ofRows: active, of: problem.inputs, factor: 1, to: &gram)
      if c > 0 {
        let inactive = samples.filter { evaluation.slopes.values[$0 * n + k] != 1 }
        LinearAlgebra.addGram(ofRows: inactive, of: problem.inputs, factor: c * c, to: &gram)
      }
      return gram
    }
  }

  /// - Complexity: O(samples x weights) for each step of conjugate gradients.
  func step(damping: Double) -> GaussNewtonStep<FinishingWeights>? {
    let (n, width) = (weights.nodeCount, problem.inputs.columnCount)
    let lastDamping = dampings(of: activationGram.diagonal, damping)
    var gram = activationGram
    for a in lastDamping.indices { gram[a, a] += lastDamping[a] }
    guard gram.isFinite, LinearAlgebra.factorCholesky(&gram) else { return nil }

    let strengths = (0..<n).map { k in fanOut.row(k).reduce(0) { $0 + $1 * $1 } }
    let diagonal = (0..<n).flatMap { k in nodeGrams[k].diagonal.map { strengths[k] * $0 } }
    let firstDamping = dampings(of: diagonal, damping)
    var preconditioners: [Matrix] = []
    for k in 0..<n {
      var block = nodeGrams[k]
      for i in block.values.indices { block.values[i] *= strengths[k] }
      for f in 0..<width { block[f, f] += firstDamping[k * width + f] }
      guard block.isFinite, LinearAlgebra.factorCholesky(&block) else { return nil }
      preconditioners.append(block)
    }

    // b_k - P_k G'^-1 (F^T R) v_k = sum D_k x v_k^T (R - F G'^-1 F^T R)
    var right = pulled(by: projected(evaluation.residuals, gram))
    let rightSide = right
    var first = Matrix(rowCount: n, columnCount: width)
    var preconditioned = precondition(right, preconditioners)
    var direction = preconditioned
    var product = dot(right, preconditioned)
    let wanted = tolerance * tolerance * product
    var iteration = 0
    while iteration < iterationLimit, product > wanted {
      var image = pulled(by: projected(outputChange(direction), gram))
      for i in image.values.indices { image.values[i] += firstDamping[i] * direction.values[i] }
      let curvature = dot(direction, image)
      guard curvature > 0, curvature.isFinite else { break }
      let length = product / curvature
      for i in first.values.indices {
        first.values[i] += length * direction.values[i]
        right.values[i] -= length * image.values[i]
      }
      preconditioned = precondition(right, preconditioners)
      let next = dot(right, preconditioned)
      for i in direction.values.indices {
        direction.values[i] = preconditioned.values[i] + next / product * direction.values[i]
      }
      product = next
      iteration += 1
    }
    guard first.isFinite, iteration > 0 else { return nil }

    var last = descent.last
    LinearAlgebra.multiply(
      evaluation.activations, transposingFirst: true, outputChange(first).negated, into: &last, scale: 1)
    var sides = last.transposed
    LinearAlgebra.solveCholesky(gram, rightSides: &sides)
    last = sides.transposed
    // With delta_last the best for delta_first, the damped model falls by that of fitting the output layer alone, plus
    // b.delta - 1/2 delta S delta of the eliminated system, S delta being b without what is left of it; the model itself
    // falls by the damping's share more.
    var alone = descent.last.transposed
    LinearAlgebra.solveCholesky(gram, rightSides: &alone)
    var fall = dot(alone.transposed, descent.last)
    for (i, move) in first.values.enumerated() {
      fall += move * (rightSide.values[i] + right.values[i] + firstDamping[i] * move)
    }
    for (a, damping) in lastDamping.enumerated() { fall += damping * last.row(a).reduce(0) { $0 + $1 * $1 } }
    return GaussNewtonStep(step: FinishingWeights(first: first, last: last), predictedFall: fall / 2)
  }

  /// How a step of the first layer moves the outputs, `[sample, output]`.
  private func outputChange(_ step: Matrix) -> Matrix {
    var change = Matrix(rowCount: problem.sampleCount, columnCount: step.rowCount)
    LinearAlgebra.multiply(problem.inputs, step, transposingSecond: true, into: &change)
    for i in change.values.indices { change.values[i] *= evaluation.slopes.values[i] }
    var outputs = Matrix(rowCount: problem.sampleCount, columnCount: fanOut.columnCount)
    LinearAlgebra.multiply(change, fanOut, into: &outputs)
    return outputs
  }

  /// `Y - F G'^-1 F^T Y`: what the output layer does not take up of a change of the outputs.
  private func projected(_ outputs: Matrix, _ gram: Matrix) -> Matrix {
    var sides = Matrix(rowCount: outputs.columnCount, columnCount: gram.rowCount)
    LinearAlgebra.multiply(outputs, transposingFirst: true, evaluation.activations, into: &sides)
    LinearAlgebra.solveCholesky(gram, rightSides: &sides)
    var result = outputs
    LinearAlgebra.multiply(evaluation.activations, sides.negated, transposingSecond: true, into: &result, scale: 1)
    return result
  }

  /// `sum D_k x (v_k . y)` for each node, `[student node, feature]`.
  private func pulled(by outputs: Matrix) -> Matrix {
    var gradients = Matrix(rowCount: problem.sampleCount, columnCount: fanOut.rowCount)
    LinearAlgebra.multiply(outputs, fanOut, transposingSecond: true, into: &gradients)
    for i in gradients.values.indices { gradients.values[i] *= evaluation.slopes.values[i] }
    var result = Matrix(rowCount: fanOut.rowCount, columnCount: problem.inputs.columnCount)
    LinearAlgebra.multiply(gradients, transposingFirst: true, problem.inputs, into: &result)
    return result
  }

  private func precondition(_ vector: Matrix, _ factors: [Matrix]) -> Matrix {
    var result = vector
    let width = vector.columnCount
    for (k, factor) in factors.enumerated() {
      var side = Matrix(rowCount: 1, columnCount: width, values: Array(vector.row(k)))
      LinearAlgebra.solveCholesky(factor, rightSides: &side)
      result.values.replaceSubrange(k * width..<(k + 1) * width, with: side.values)
    }
    return result
  }
}

func dot(_ a: Matrix, _ b: Matrix) -> Double {
  var sum = 0.0
  for i in a.values.indices { sum += a.values[i] * b.values[i] }
  return sum
}
