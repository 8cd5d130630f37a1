import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTraining

private func network(_ widths: [Int], hasBiases: Bool, slope: Double, key: UInt64) throws -> Network {
  var stream = RandomStream(key: key, purpose: .test)
  return try Network(
    layers: zip(widths, widths.dropFirst()).map { inputs, nodes in
      NetworkLayer(
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
        student[layer: l].weights.values[i] += distance * noise.layers[l].weights.values[i]
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

  /// Whether a restart leads back is luck in part. For this teacher it does whichever node is missing, with the BLAS's kernels of
  /// any processor.
  @Test("a missing node of any layer is found by a restart of that layer", arguments: 0...3, [0, 1])
  func restart(node: Int, layer: Int) throws {
    let teacher = try network([4, 4, 4, 4], hasBiases: true, slope: 0, key: 4)
    var stream = RandomStream(key: 3, purpose: .test)
    let inputs = stream.normalMatrix(rowCount: 500, columnCount: 4, standardDeviation: 1)
    let targets = try teacher.outputs(for: inputs)
    // Active nowhere, and no other node in its place.
    var student = teacher
    student[layer: layer].biases?[node] = -1e3
    func search(restarts: Int) throws -> CriticalPointReport {
      try criticalPoint(
        from: Student(student), along: CriticalPointPlan(restartLimit: restarts), on: inputs, targets: targets, key: 1
      ).report
    }
    // The lowest layer's turn is the first, the other's the second.
    let without = try search(restarts: layer)
    #expect(!without.reachedTarget && without.loss > 1e-6)
    let with = try search(restarts: layer + 1)
    #expect(with.reachedTarget && with.restartCount == layer + 1)
  }

  @Test("a restart moves the one node that does nothing, and the loss falls at once", arguments: 0...3, [0, 1])
  func reseeding(node: Int, layer: Int) throws {
    let teacher = try network([4, 4, 4, 4], hasBiases: true, slope: 0.1, key: 5)
    var stream = RandomStream(key: 3, purpose: .test)
    let inputs = stream.normalMatrix(rowCount: 500, columnCount: 4, standardDeviation: 1)
    var student = teacher
    for h in student.layers[layer + 1].weights.values.indices where h % 4 == node {
      student[layer: layer + 1].weights.values[h] = 0
    }
    let problem = try LeastSquaresProblem(
      Student(student), inputs: inputs, targets: try teacher.outputs(for: inputs))
    let start = problem.state(of: problem.normalized(problem.weights(of: Student(student))))
    let moved = problem.reseeded(start, key: 1, attempt: layer + 1)
    #expect(moved.evaluation.loss < start.evaluation.loss)
    for (l, rows) in start.weights.layers.enumerated() where l <= layer {
      for k in 0..<4 {
        let difference = distance(Array(rows.row(k)), Array(moved.weights.layers[l].row(k)))
        #expect((difference < 1e-12) == (l < layer || k != node), "layer \(l), node \(k)")
      }
    }
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
    let (plain, inputs, targets, _) = try example([3, 4, 2, 2], samples: 17, hasBiases: false)
    var layers = plain.network.layers
    layers[1].biases = [0, 0]
    let student = Student(try Network(layers: layers, activation: plain.network.activation))
    #expect(
      throws: ShapeError(
        "layer 2 has biases and another layer has none; give all layers biases (0 will do), or none")
    ) { try criticalPoint(from: student, along: CriticalPointPlan(), on: inputs, targets: targets, key: 1) }
  }
}
