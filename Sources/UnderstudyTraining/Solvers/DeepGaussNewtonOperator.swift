import UnderstudyNetworks
import UnderstudyNumerics

/// The damped Gauss-Newton system of ``DeepGaussNewtonSystem``, solved by conjugate gradients without forming it.
///
/// A product with `J^T J` is one pass up and one pass down the network; memory is O(samples x nodes + sum over nodes of
/// inputs^2). The preconditioner is each node's own block, `sum beta_kk(x) f f^T` with its damping, which for the output
/// nodes is the same Gram matrix.
struct DeepGaussNewtonOperator: GaussNewtonSolver {
  /// Steps of conjugate gradients at most, for one step of the weights.
  let iterationLimit: Int
  /// Conjugate gradients end when the residual is this share of the right side (both in the preconditioner's norm).
  let tolerance: Double
  private let problem: DeepFinishingProblem
  private var weights = DeepWeights(layers: [])
  private var evaluation: DeepEvaluation?
  private var descent = DeepWeights(layers: [])
  /// Of each node of each hidden layer, and last one for all output nodes; lower triangles.
  private var nodeGrams: [[Matrix]] = []

  init(_ problem: DeepFinishingProblem, iterationLimit: Int = 400, tolerance: Double = 0.01) {
    self.problem = problem
    self.iterationLimit = iterationLimit
    self.tolerance = tolerance
  }

  /// - Complexity: O(samples x weights x largest number of inputs).
  mutating func linearize(at weights: DeepWeights, _ evaluation: DeepEvaluation) {
    self.weights = weights
    self.evaluation = evaluation
    descent = problem.descent(at: evaluation)
    nodeGrams = weights.layers.indices.map { l in
      let width = weights.layers[l].columnCount
      let isOutput = l == weights.layers.count - 1
      return (0..<(isOutput ? 1 : weights.layers[l].rowCount)).map { _ in
        Matrix(rowCount: width, columnCount: width)
      }
    }
    for first in stride(from: 0, to: problem.sampleCount, by: 256) {
      let samples = first..<min(first + 256, problem.sampleCount)
      let jacobian = problem.jacobian(at: weights, evaluation, samples: samples)
      for (l, layer) in jacobian.enumerated() {
        for k in nodeGrams[l].indices {
          let column = FactoredJacobian(
            sensitivities: Matrix(
              rowCount: layer.sensitivities.rowCount, columnCount: 1, values: layer.sensitivities.column(k)),
            features: layer.features)
          LinearAlgebra.addGram(of: [column], to: &nodeGrams[l][k])
        }
      }
    }
  }

  /// - Complexity: O(samples x weights) for each step of conjugate gradients.
  func step(damping: Double) -> GaussNewtonStep<DeepWeights>? {
    guard let evaluation else { return nil }
    var dampingsOfAll: [Double] = []
    for (grams, layer) in zip(nodeGrams, weights.layers) {
      for k in 0..<layer.rowCount { dampingsOfAll += grams[min(k, grams.count - 1)].diagonal }
    }
    dampingsOfAll = dampings(of: dampingsOfAll, damping)
    guard let factors = factoredBlocks(dampingsOfAll) else { return nil }

    let rightSide = descent.flat
    var right = rightSide
    var solution = [Double](repeating: 0, count: right.count)
    var preconditioned = precondition(right, factors)
    var direction = preconditioned
    var product = dot(right, preconditioned)
    let wanted = tolerance * tolerance * product
    var iteration = 0
    while iteration < iterationLimit, product > wanted {
      let outputs = problem.pushedUp(DeepWeights(direction, like: weights), at: weights, evaluation).outputs
      var image = problem.products(
        problem.pulledDown(outputs, through: weights, evaluation.slopes), with: evaluation.features
      ).flat
      for i in image.indices { image[i] += dampingsOfAll[i] * direction[i] }
      let curvature = dot(direction, image)
      guard curvature > 0, curvature.isFinite else { break }
      let length = product / curvature
      for i in solution.indices {
        solution[i] += length * direction[i]
        right[i] -= length * image[i]
      }
      preconditioned = precondition(right, factors)
      let next = dot(right, preconditioned)
      for i in direction.indices { direction[i] = preconditioned[i] + next / product * direction[i] }
      product = next
      iteration += 1
    }
    guard iteration > 0, solution.allSatisfy(\.isFinite) else { return nil }
    // b.s - 1/2 s (J^T J) s, with (J^T J + damping) s = b - what is left.
    var fall = 0.0
    for (i, move) in solution.enumerated() { fall += move * (rightSide[i] + right[i] + dampingsOfAll[i] * move) }
    return GaussNewtonStep(step: DeepWeights(solution, like: weights), predictedFall: fall / 2)
  }

  /// The Cholesky factor of every node's damped block, layer after layer; the output nodes share one.
  private func factoredBlocks(_ dampings: [Double]) -> [[Matrix]]? {
    var first = 0
    var result: [[Matrix]] = []
    for (grams, layer) in zip(nodeGrams, weights.layers) {
      var factors: [Matrix] = []
      for (k, gram) in grams.enumerated() {
        var block = gram
        for f in 0..<layer.columnCount { block[f, f] += dampings[first + k * layer.columnCount + f] }
        guard block.isFinite, LinearAlgebra.factorCholesky(&block) else { return nil }
        factors.append(block)
      }
      result.append(factors)
      first += layer.values.count
    }
    return result
  }

  private func precondition(_ vector: [Double], _ factors: [[Matrix]]) -> [Double] {
    var result: [Double] = []
    result.reserveCapacity(vector.count)
    for (factors, layer) in zip(factors, weights.layers) {
      for k in 0..<layer.rowCount {
        let values = Array(vector[result.count..<result.count + layer.columnCount])
        var side = Matrix(rowCount: 1, columnCount: layer.columnCount, values: values)
        LinearAlgebra.solveCholesky(factors[min(k, factors.count - 1)], rightSides: &side)
        result += side.values
      }
    }
    return result
  }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double {
  var sum = 0.0
  for i in a.indices { sum += a[i] * b[i] }
  return sum
}
