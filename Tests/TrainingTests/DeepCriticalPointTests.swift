import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTraining

private func network(_ widths: [Int], hasBiases: Bool, slope: Double, key: UInt64) throws -> Network {
  var stream = RandomStream(key: key, purpose: .test)
  return try Network(
    layers: zip(widths, widths.dropFirst()).map { inputs, nodes in
      DenseLayer(
        weights: stream.normalMatrix(
          rowCount: nodes, columnCount: inputs, standardDeviation: 1 / Double(inputs).squareRoot()),
        biases: hasBiases ? stream.normals(nodes, standardDeviation: 0.3) : nil)
    }, activation: Activation(negativeSlope: slope))
}

/// A student near a teacher, or a random one.
private func example(
  _ widths: [Int], samples: Int, hasBiases: Bool = true, slope: Double = 0, distance: Double? = nil
) throws -> (student: Student, inputs: Matrix, targets: Matrix, problem: LeastSquaresProblem) {
  let teacher = try network(widths, hasBiases: hasBiases, slope: slope, key: 1)
  var student = try network(widths, hasBiases: hasBiases, slope: slope, key: 2)
  if let distance {
    let noise = student
    student = teacher
    for l in student.layers.indices {
      for i in student.layers[l].weights.values.indices {
        student.layers[l].weights.values[i] += distance * noise.layers[l].weights.values[i]
      }
    }
  }
  var stream = RandomStream(key: 3, purpose: .test)
  let inputs = stream.normalMatrix(rowCount: samples, columnCount: widths[0], standardDeviation: 1)
  let targets = try teacher.outputs(for: inputs)
  let problem = try LeastSquaresProblem(Student(student), inputs: inputs, targets: targets)
  return (Student(student), inputs, targets, problem)
}

private let sizes: [(widths: [Int], samples: Int, hasBiases: Bool, slope: Double)] = [
  ([3, 4, 2, 2], 17, true, 0), ([2, 3, 3, 1], 63, false, 0.1), ([4, 3, 5, 2, 3], 300, true, 0.2),
  ([1, 2, 2, 2, 2, 1], 40, true, 0),
]

private func distance(_ a: [Double], _ b: [Double]) -> Double { euclideanNorm(zip(a, b).map { $0 - $1 }) }

@Suite("Critical points of deep students") struct DeepCriticalPointTests {
  // Within the gates the outputs are polynomials: differences of step 1e-6 are off by 1e-12 of truncation and 1e-9 of
  // rounding. A gate that flipped in between would show as an error of the order of the sample's own share.
  @Test("gradient and Gauss-Newton matrix are those of differences of the outputs", arguments: sizes.indices)
  func derivatives(index: Int) throws {
    let size = sizes[index]
    let problem = try example(
      size.widths, samples: size.samples, hasBiases: size.hasBiases, slope: size.slope
    ).problem
    let student = try example(size.widths, samples: size.samples, hasBiases: size.hasBiases, slope: size.slope).student
    let state = problem.state(of: problem.weights(of: student))
    let center = state.weights.flat
    let columns = center.indices.map { u in
      var (above, below) = (center, center)
      above[u] += 1e-6
      below[u] -= 1e-6
      let high = problem.evaluate(ParameterVector(above, like: state.weights)).residuals.values
      let low = problem.evaluate(ParameterVector(below, like: state.weights)).residuals.values
      return zip(low, high).map { ($0 - $1) / 2e-6 }
    }
    func product(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
    var system = DenseSolver(problem)
    system.linearize(at: state.weights, state.evaluation)
    let descent = problem.negativeGradient(at: state.evaluation).flat
    let expected = columns.map { product($0, state.evaluation.residuals.values) }
    #expect(distance(descent, expected) < 1e-7 * euclideanNorm(expected))
    let scale = system.gram.diagonal.max() ?? 0
    for u in center.indices {
      for v in 0...u { #expect(abs(system.gram[u, v] - product(columns[u], columns[v])) < 1e-7 * scale) }
    }
  }

  @Test("Hessian products are differences of the gradient", arguments: sizes.indices)
  func hessian(index: Int) throws {
    let size = sizes[index]
    let (student, _, _, problem) = try example(
      size.widths, samples: size.samples, hasBiases: size.hasBiases, slope: size.slope)
    let state = problem.state(of: problem.weights(of: student))
    var stream = RandomStream(key: 5, purpose: .test)
    let direction = stream.normals(state.weights.count, standardDeviation: 1)
    func gradient(_ step: Double) -> [Double] {
      let moved = ParameterVector(zip(state.weights.flat, direction).map { $0 + step * $1 }, like: state.weights)
      return problem.negativeGradient(at: problem.evaluate(moved)).flat.map { -$0 / Double(problem.sampleCount) }
    }
    let expected = zip(gradient(1e-6), gradient(-1e-6)).map { ($0 - $1) / 2e-6 }
    let product = problem.hessianProduct(ParameterVector(direction, like: state.weights), at: state).flat
    #expect(distance(product, expected) < 1e-6 * euclideanNorm(expected))
  }

  @Test("the step by conjugate gradients is the direct one", arguments: sizes.indices, [1e-2, 1])
  func matrixFree(index: Int, damping: Double) throws {
    let size = sizes[index]
    let (student, _, _, problem) = try example(
      size.widths, samples: size.samples, hasBiases: size.hasBiases, slope: size.slope)
    let state = problem.state(of: problem.weights(of: student))
    var direct = DenseSolver(problem)
    var free = MatrixFreeSolver(problem, iterationLimit: 2000, tolerance: 1e-12)
    direct.linearize(at: state.weights, state.evaluation)
    free.linearize(at: state.weights, state.evaluation)
    let expected = try #require(direct.step(damping: damping))
    let step = try #require(free.step(damping: damping))
    #expect(distance(step.step.flat, expected.step.flat) < 1e-8 * euclideanNorm(expected.step.flat))
    #expect(abs(step.predictedFall - expected.predictedFall) < 1e-8 * expected.predictedFall)
  }

  @Test("a student near its teacher is finished, directly and matrix-free", arguments: [320 << 20, 0])
  func reaches(bytes: Int) throws {
    let (student, inputs, targets, problem) = try example([4, 6, 6, 4], samples: 500, distance: 0.02)
    let (finished, report) = try criticalPoint(
      from: student, along: CriticalPointPlan(systemByteLimit: bytes), on: inputs, targets: targets, key: 1)
    #expect(report.reachedTarget && report.loss < 1e-18)
    #expect(report.smallestCurvature > -1e-8 * report.largestCurvature)
    #expect(problem.evaluate(problem.weights(of: finished)).largestGradient <= 1.01 * report.largestGradient)
  }

  @Test("a cancelled run returns what it has", arguments: [0, 2])
  func cancellation(after count: Int) throws {
    let (student, inputs, targets, _) = try example([4, 6, 6, 4], samples: 500)
    var asked = 0
    let (finished, report) = try criticalPoint(
      from: student, along: CriticalPointPlan(), on: inputs, targets: targets, key: 1,
      isCancelled: {
        asked += 1
        return asked > count
      })
    #expect(report.wasCancelled && report.iterationCount == count)
    #expect(count > 0 || finished == student)
  }

  @Test("biases in some layers only are named")
  func biases() throws {
    var (student, inputs, targets, _) = try example([3, 4, 2, 2], samples: 17, hasBiases: false)
    student.network.layers[1].biases = [0, 0]
    #expect(
      throws: ShapeError(
        "layer 2 has biases and another layer has none; give all layers biases (0 will do), or none")
    ) { try criticalPoint(from: student, along: CriticalPointPlan(), on: inputs, targets: targets, key: 1) }
  }
}
