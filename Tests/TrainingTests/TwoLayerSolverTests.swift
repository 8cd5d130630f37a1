import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTraining

/// Odd sizes: around the 64 samples of a word of gates and the four or eight lanes of a kernel.
private let sizes: [(d: Int, n: Int, outputs: Int, samples: Int, hasBiases: Bool, slope: Double)] = [
  (1, 2, 1, 17, true, 0), (3, 5, 2, 63, true, 0), (5, 3, 7, 64, false, 0), (4, 4, 3, 65, true, 0.1),
  (7, 6, 5, 129, false, 0.3), (2, 9, 4, 131, true, 0),
]

private func example(_ index: Int) throws -> TwoLayerSearchCase {
  let size = sizes[index]
  return try TwoLayerSearchCase(
    inputs: size.d, teacherNodes: 1, nodes: size.n, outputs: size.outputs, samples: size.samples,
    hasBiases: size.hasBiases, negativeSlope: size.slope)
}

private func distance(_ a: [Double], _ b: [Double]) -> Double { euclideanNorm(zip(a, b).map { $0 - $1 }) }

@Suite("Gauss-Newton systems of two layers") struct TwoLayerSolverTests {
  @Test("residuals, loss and gradient are those written out sample by sample", arguments: sizes.indices)
  func evaluation(index: Int) throws {
    let example = try example(index)
    let (problem, state) = (example.problem, example.state)
    let naive = NaiveTwoLayerDerivatives(problem: problem)
    var squares = 0.0
    var largest = 0.0
    for i in 0..<problem.sampleCount {
      let residual = naive.residual(state.weights, i)
      #expect(distance(residual, Array(state.evaluation.residuals.row(i))) < 1e-12)
      squares += residual.reduce(0) { $0 + $1 * $1 }
      for k in 0..<state.weights.layers[0].rowCount {
        let pull = zip(residual, state.weights.layers[1].column(k)).reduce(0) { $0 + $1.0 * $1.1 }
        largest = max(largest, abs(pull * naive.slope(state.weights, k, i)))
      }
    }
    #expect(abs(state.evaluation.loss - squares / Double(2 * problem.sampleCount)) < 1e-12 * squares)
    #expect(abs(state.evaluation.largestGradient - largest) < 1e-12 * largest)
    let norm = euclideanNorm(naive.gradient(state.weights))
    #expect(abs(problem.gradientNorm(at: state.evaluation) - norm) < 1e-11 * norm)
  }

  @Test("weights survive the way there and back", arguments: sizes.indices)
  func conversion(index: Int) throws {
    let example = try example(index)
    #expect(try example.problem.student(of: example.state.weights) == example.student)
  }

  // The eliminated system loses about the condition number of the damped one, at most 1 / damping, times the rounding unit
  // (and the floor of the damping, 1e-13): below 1e-9 for 1e-3.
  @Test("the direct step is that of the whole dense system", arguments: sizes.indices, [1e-3, 1, 100])
  func direct(index: Int, damping: Double) throws {
    let example = try example(index)
    let (problem, state) = (example.problem, example.state)
    var system = SchurComplementSolver(problem, nodeCount: state.weights.layers[0].rowCount)
    system.linearize(at: state.weights, state.evaluation)
    let step = try #require(system.step(damping: damping))
    let naive = NaiveTwoLayerDerivatives(problem: problem)
    let expected = naive.step(state.weights, damping: damping)
    #expect(distance(naive.flat(step.step), expected.step) < 1e-9 * euclideanNorm(expected.step))
    #expect(abs(step.predictedFall - expected.fall) < 1e-9 * expected.fall)
  }

  @Test("the step by conjugate gradients is the direct one", arguments: sizes.indices, [1e-3, 1])
  func matrixFree(index: Int, damping: Double) throws {
    let example = try example(index)
    let (problem, state) = (example.problem, example.state)
    var direct = SchurComplementSolver(problem, nodeCount: state.weights.layers[0].rowCount)
    var free = MatrixFreeSolver(problem, iterationLimit: 2000, tolerance: 1e-12)
    direct.linearize(at: state.weights, state.evaluation)
    free.linearize(at: state.weights, state.evaluation)
    let expected = try #require(direct.step(damping: damping))
    let step = try #require(free.step(damping: damping))
    let naive = NaiveTwoLayerDerivatives(problem: problem)
    let size = euclideanNorm(naive.flat(expected.step))
    #expect(distance(naive.flat(step.step), naive.flat(expected.step)) < 1e-8 * size)
    #expect(abs(step.predictedFall - expected.predictedFall) < 1e-8 * expected.predictedFall)
  }

  @Test("Gram matrices that were kept and updated are those built anew", arguments: sizes.indices)
  func updates(index: Int) throws {
    let example = try example(index)
    let (problem, state) = (example.problem, example.state)
    let n = state.weights.layers[0].rowCount
    var kept = SchurComplementSolver(problem, nodeCount: n)
    kept.linearize(at: state.weights, state.evaluation)
    var stream = RandomStream(key: 2, purpose: .test)
    // A small move flips a few gates, a large one most of them.
    for size in [0.02, 0.05, 2] {
      var moved = state.weights
      let move = stream.normals(moved.layers[0].values.count, standardDeviation: size)
      for i in move.indices { moved.layers[0].values[i] += move[i] }
      let evaluation = problem.evaluate(moved)
      var fresh = SchurComplementSolver(problem, nodeCount: n)
      kept.linearize(at: moved, evaluation)
      fresh.linearize(at: moved, evaluation)
      for a in 0..<n {
        for b in 0...a {
          let (kept, fresh) = (kept.firstBlock(a, b).values, fresh.firstBlock(a, b).values)
          // Sums of up to 131 products of inputs below 36.
          #expect(distance(kept, fresh) < 1e-11)
        }
      }
    }
  }

  @Test(
    "the dense Hessian is the differences of the gradient, away from boundaries", arguments: sizes.indices.dropLast())
  func hessian(index: Int) throws {
    let example = try example(index)
    let naive = NaiveTwoLayerDerivatives(problem: example.problem)
    let weights = example.state.weights
    let margin = (0..<weights.layers[0].rowCount).flatMap { k in
      (0..<example.problem.sampleCount).map { abs(naive.preactivation(weights, k, $0)) }
    }.min()
    // A step of 1e-6 moves a pre-activation by at most 1e-6 times an input below 6; within the gates J is a polynomial,
    // so the differences are off by about 1e-12 of truncation and 1e-9 of rounding.
    let step = 1e-6
    try #require((margin ?? 0) > 6 * step)
    let expected = naive.hessian(weights, step: step)
    let dense = example.problem.denseHessian(at: example.state)
    #expect(distance(dense.values, expected.values) < 1e-7 * euclideanNorm(expected.values))
    for u in 0..<dense.rowCount {
      var direction = [Double](repeating: 0, count: dense.rowCount)
      direction[u] = 1
      let product = example.problem.hessianProduct(naive.weights(direction, like: weights), at: example.state)
      #expect(distance(naive.flat(product), dense.column(u)) < 1e-12 * euclideanNorm(expected.values))
    }
  }

  @Test("Lanczos finds the extreme eigenvalues that the dense decomposition finds", arguments: sizes.indices)
  func lanczos(index: Int) throws {
    let example = try example(index)
    let dense = try #require(example.problem.curvatures(at: example.state, key: 3))
    let iterated = try #require(example.problem.lanczosCurvatures(at: example.state, key: 3))
    #expect(abs(iterated.largest - dense.largest) <= iterated.error + 1e-12 * dense.largest)
    #expect(abs(iterated.smallest - dense.smallest) <= iterated.error + 1e-12 * dense.largest)
    #expect(iterated.error <= 1e-6 * dense.largest)
  }
}
