import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTraining

private func search(_ example: TwoLayerSearchCase, _ plan: CriticalPointPlan = CriticalPointPlan()) throws -> (
  student: Student, report: CriticalPointReport
) {
  try criticalPoint(from: example.student, along: plan, on: example.inputs, targets: example.targets, key: 1)
}

@Suite("Critical points of two layers") struct CriticalPointTests {
  @Test("students reach 1e-10 at every sample", arguments: 1...6)
  func reaches(key: UInt64) throws {
    let example = try TwoLayerSearchCase.planted(key: key)
    #expect(example.state.evaluation.loss > 1e-6)
    let (student, report) = try search(example)
    #expect(report.reachedTarget && report.gradientShare <= 1e-10)
    // The claim again, from the returned student alone.
    let problem = try LeastSquaresProblem(student, inputs: example.inputs, targets: example.targets)
    let evaluation = problem.evaluate(problem.weights(of: student))
    #expect(abs(evaluation.largestGradient - report.largestGradient) <= 1e-3 * report.largestGradient)
    #expect(evaluation.loss <= 1e-18)
    // No direction descends from a loss of 0: the Hessian of the squares has no negative eigenvalue, and the residual
    // term is as small as the residuals.
    #expect(report.smallestCurvature > -1e-8 * report.largestCurvature)
    #expect(report.gradientNorm < 1e-9)
    #expect(!report.wasCancelled)
  }

  @Test("a node's strength stays divided between its layers as gradient flow would keep it", arguments: [0.0, 2])
  func division(shift: Double) throws {
    let example = try TwoLayerSearchCase.planted(key: 2)
    // Other than balanced: rows scaled up, fan-out down.
    var start = example.student
    for k in 0..<8 {
      let factor = 1 + shift * Double(k)
      for f in 0..<20 { start.network[layer: 0].weights[k, f] *= factor }
      start.network[layer: 0].biases?[k] *= factor
      for c in 0..<10 { start.network[layer: 1].weights[c, k] /= factor }
    }
    let (student, report) = try criticalPoint(
      from:
        start, along: CriticalPointPlan(), on: example.inputs, targets: example.targets, key: 1)
    #expect(report.reachedTarget)
    func differences(_ student: Student) -> [Double] {
      (0..<8).map { k in
        let row = student.network.layers[0].weights.row(k) + [student.network.layers[0].biases?[k] ?? 0]
        let fanOut = student.network.fanOutWeights.row(k)
        return row.reduce(0) { $0 + $1 * $1 } - fanOut.reduce(0) { $0 + $1 * $1 }
      }
    }
    for (before, after) in zip(differences(start), differences(student)) {
      #expect(abs(before - after) < 1e-10 * max(1, abs(before)))
    }
  }

  @Test("weak teacher nodes are found too", arguments: [1, 7, 14])
  func weakNodes(key: UInt64) throws {
    let (_, report) = try search(.planted(teacherNodes: 10, nodes: 14, strengthDecay: 2, key: key))
    #expect(report.reachedTarget)
  }

  @Test(
    "without biases, leaky, of the teacher's own width, narrow outputs",
    arguments: [(8, false, 0.0), (8, true, 0.1), (8, false, 0.1), (4, true, 0.0)])
  func kinds(n: Int, hasBiases: Bool, slope: Double) throws {
    let example = try TwoLayerSearchCase.planted(
      inputs: 8, teacherNodes: 4, nodes: n, outputs: 5, samples: 600, hasBiases: hasBiases, negativeSlope: slope, key: 1
    )
    let (student, report) = try search(example)
    #expect(report.reachedTarget)
    #expect(student.network.hasBiases == hasBiases)
    #expect(student.network.activation == example.student.network.activation)
  }

  @Test("a missing teacher node is found by a restart, and the restart is counted")
  func restart() throws {
    // A student node that is active nowhere, and none on a teacher node: no step leads from there, whatever the rounding.
    let example = try TwoLayerSearchCase(inputs: 10, teacherNodes: 4, nodes: 4, outputs: 5, samples: 800)
    var network = example.teacher.network
    network[layer: 0].biases?[3] = -1e3
    func run(restarts: Int) throws -> CriticalPointReport {
      try criticalPoint(
        from:
          Student(network), along: CriticalPointPlan(iterationLimit: 2000, restartLimit: restarts), on: example.inputs,
        targets: example.targets,
        key: 1
      ).report
    }
    let without = try run(restarts: 0)
    #expect(!without.reachedTarget && without.restartCount == 0 && without.loss > 1e-3)
    let with = try run(restarts: 200)
    #expect(with.reachedTarget && with.restartCount >= 1)
  }

  @Test("conjugate gradients get there as well")
  func matrixFree() throws {
    let (_, report) = try search(.planted(key: 3), CriticalPointPlan(systemByteLimit: 0))
    #expect(report.reachedTarget)
  }

  @Test("a student that is there already is left alone, to the bit")
  func fixedPoint() throws {
    let example = try TwoLayerSearchCase(inputs: 6, teacherNodes: 3, nodes: 3, outputs: 4, samples: 200)
    let teacher = Student(example.teacher.network)
    let (student, report) = try criticalPoint(
      from:
        teacher, along: CriticalPointPlan(), on: example.inputs, targets: example.targets, key: 1)
    #expect(student == teacher)
    #expect(report.reachedTarget && report.iterationCount == 0 && report.restartCount == 0)
  }

  @Test("noise on the labels leaves no such point, and the report says so")
  func noise() throws {
    let example = try TwoLayerSearchCase(
      inputs: 6, teacherNodes: 3, nodes: 6, outputs: 4, samples: 300, noise: 0.1, trainedSteps: 3000)
    let (student, report) = try search(example, CriticalPointPlan(iterationLimit: 100, restartLimit: 3))
    #expect(!report.reachedTarget && report.largestGradient > 1e-3)
    #expect(report.iterationCount <= 100 && report.restartCount <= 3)
    // 4 outputs of variance 0.01, halved.
    #expect(report.loss > 0.01 && report.loss < 0.02)
    let problem = try LeastSquaresProblem(student, inputs: example.inputs, targets: example.targets)
    let evaluation = problem.evaluate(problem.weights(of: student))
    #expect(abs(evaluation.loss - report.loss) < 1e-12)
    #expect(abs(evaluation.largestGradient - report.largestGradient) < 1e-9)
    #expect(evaluation.loss < example.state.evaluation.loss)
  }

  @Test("the same bits twice, restarts included")
  func determinism() throws {
    let example = try TwoLayerSearchCase(
      inputs: 5, teacherNodes: 3, nodes: 7, outputs: 3, samples: 150, noise: 0.05, trainedSteps: 500)
    let plan = CriticalPointPlan(iterationLimit: 80, restartLimit: 4)
    let (first, second) = (try search(example, plan), try search(example, plan))
    #expect(first.student == second.student)
    #expect(first.report == second.report)
    #expect(first.report.restartCount > 0)
  }

  @Test("a cancelled run returns what it has", arguments: [0, 1, 3])
  func cancellation(after count: Int) throws {
    let example = try TwoLayerSearchCase.planted(teacherNodes: 10, nodes: 14, strengthDecay: 2, distance: 0.3, key: 1)
    var asked = 0
    let (student, report) = try criticalPoint(
      from:
        example.student, along: CriticalPointPlan(), on: example.inputs, targets: example.targets, key: 1,
      isCancelled: {
        asked += 1
        return asked > count
      })
    #expect(report.wasCancelled && !report.reachedTarget)
    #expect(report.iterationCount == count)
    #expect((student == example.student) == (count == 0))
    #expect(report.loss <= example.state.evaluation.loss)
  }

  @Test("limits of steps and restarts are kept")
  func limits() throws {
    let example = try TwoLayerSearchCase.planted(teacherNodes: 10, nodes: 14, strengthDecay: 2, distance: 0.3, key: 1)
    for limit in [0, 2] {
      let (_, report) = try search(example, CriticalPointPlan(iterationLimit: limit))
      #expect(report.iterationCount == limit && !report.reachedTarget && !report.wasCancelled)
    }
  }

  @Test("dead nodes, zero fan-out, constant inputs and duplicate samples end in finite numbers")
  func degenerate() throws {
    let example = try TwoLayerSearchCase(inputs: 4, teacherNodes: 2, nodes: 3, outputs: 2, samples: 40)
    var dead = example.student
    dead.network[layer: 0].biases = [-1e3, -1e3, -1e3]
    var silent = example.student
    for i in silent.network.layers[1].weights.values.indices { silent.network[layer: 1].weights.values[i] = 0 }
    let constant = Matrix(rowCount: 40, columnCount: 4, repeating: 0.5)
    let repeated = Matrix((0..<40).map { Array(example.inputs.row($0 % 2)) })
    let zero = Matrix(rowCount: 40, columnCount: 4)
    for student in [dead, silent, example.student] {
      for inputs in [example.inputs, constant, repeated, zero, example.inputs.prefix(rows: 1)] {
        let targets = example.targets.prefix(rows: inputs.rowCount)
        let (finished, report) = try criticalPoint(
          from:
            student, along: CriticalPointPlan(iterationLimit: 40), on: inputs, targets: targets, key: 1)
        #expect(finished.network.isFinite)
        for value in [
          report.loss, report.largestGradient, report.gradientNorm, report.smallestCurvature, report.largestCurvature,
        ] { #expect(value.isFinite) }
      }
    }
  }

  @Test("samples on a boundary are counted")
  func boundarySamples() throws {
    let example = try TwoLayerSearchCase(inputs: 3, teacherNodes: 2, nodes: 2, outputs: 2, samples: 30)
    #expect(example.problem.boundarySampleCount(at: example.state) == 0)
    var weights = example.state.weights
    // Node 1 through sample 7, by its bias.
    weights.layers[0][1, 3] -= zip(weights.layers[0].row(1), example.problem.inputs.row(7)).reduce(0) {
      $0 + $1.0 * $1.1
    }
    #expect(example.problem.boundarySampleCount(at: example.problem.state(of: weights)) == 1)
  }

  @Test("shapes that do not fit are named")
  func shapes() throws {
    let example = try TwoLayerSearchCase(inputs: 3, teacherNodes: 2, nodes: 2, outputs: 2, samples: 30)
    func message(_ inputs: Matrix, _ targets: Matrix) -> String? {
      do {
        _ = try criticalPoint(from: example.student, along: CriticalPointPlan(), on: inputs, targets: targets, key: 1)
        return nil
      } catch { return error.description }
    }
    #expect(
      message(example.inputs, example.targets.prefix(rows: 29))
        == "there are 30 inputs and 29 targets; give one target an input")
    #expect(
      message(example.inputs.padded(columns: 4), example.targets)
        == "the student maps 3 inputs to 2 outputs, and the samples have 4 and 2")
    #expect(
      message(example.inputs.prefix(rows: 0), example.targets.prefix(rows: 0))
        == "a critical point is searched for on samples, and there are none")
  }
}
