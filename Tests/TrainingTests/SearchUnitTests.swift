import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTraining

/// A student, its samples, and the same in other units: inputs times 10^u, outputs times 10^v, and each hidden node's row
/// times a power of ten of its own, its fan-out divided by it.
private struct InUnits {
  var network: Network
  var inputs: Matrix
  var targets: Matrix
  /// What outputs were multiplied with.
  var outputUnit = 1.0

  func moved(_ stream: inout RandomStream) -> InUnits {
    func power() -> Double { pow(10, 12 * stream.uniforms(1)[0] - 6) }
    let (inputUnit, outputUnit) = (power(), power())
    var result = self
    let last = network.layers.count - 1
    for (layer, count) in network.hiddenCounts.enumerated() {
      for k in 0..<count {
        let factor = power()
        for f in 0..<network.layers[layer].inputCount { result.network[layer: layer].weights[k, f] *= factor }
        result.network[layer: layer].biases?[k] *= factor
        for h in 0..<network.layers[layer + 1].nodeCount { result.network[layer: layer + 1].weights[h, k] /= factor }
      }
    }
    result.network[layer: 0].weights = result.network.layers[0].weights.scaled(by: 1 / inputUnit)
    result.network[layer: last].weights = result.network.layers[last].weights.scaled(by: outputUnit)
    result.network[layer: last].biases = network.layers[last].biases.map { $0.map { $0 * outputUnit } }
    (result.inputs, result.targets) = (inputs.scaled(by: inputUnit), targets.scaled(by: outputUnit))
    result.outputUnit = outputUnit
    return result
  }

  func finished(_ plan: CriticalPointPlan) throws -> (network: Network, report: CriticalPointReport) {
    let result = try criticalPoint(from: Student(network), along: plan, on: inputs, targets: targets, key: 1)
    return (result.student.network, result.report)
  }
}

private struct Kind: CustomTestStringConvertible {
  var widths: [Int]
  var hasBiases: Bool
  var slope: Double

  var testDescription: String { "\(widths), biases \(hasBiases), slope \(slope)" }

  static let all = [[5, 4, 3], [4, 4, 3, 3]].flatMap { widths in
    [true, false].flatMap { biases in [0, 0.2].map { Kind(widths: widths, hasBiases: biases, slope: $0) } }
  }

  private func network(_ stream: inout RandomStream) throws -> Network {
    try Network(
      layers: zip(widths, widths.dropFirst()).map { inputs, nodes in
        NetworkLayer(
          weights: stream.normalMatrix(
            rowCount: nodes, columnCount: inputs, standardDeviation: 1 / Double(inputs).squareRoot()),
          biases: hasBiases ? stream.normals(nodes, standardDeviation: 0.3) : nil)
      }, activation: Activation(negativeSlope: slope))
  }

  /// A student that differs from the teacher by `distance` times another random network.
  func planted(distance: Double, key: Int) throws -> InUnits {
    var stream = RandomStream(key: UInt64(key), purpose: .test)
    let (teacher, noise) = (try network(&stream), try network(&stream))
    var student = teacher
    for l in student.layers.indices {
      for i in student.layers[l].weights.values.indices {
        student[layer: l].weights.values[i] += distance * noise.layers[l].weights.values[i]
      }
    }
    let inputs = stream.normalMatrix(rowCount: 400, columnCount: widths[0], standardDeviation: 1)
    return InUnits(network: student, inputs: inputs, targets: try teacher.outputs(for: inputs))
  }
}

@Suite("Units of the search for critical points") struct SearchUnitTests {
  @Test("a student near its teacher reaches the target in any units", arguments: Kind.all, 1...3)
  private func reaches(kind: Kind, key: Int) throws {
    let example = try kind.planted(distance: 0.01, key: key)
    let expected = try example.finished(CriticalPointPlan())
    #expect(expected.report.reachedTarget && expected.report.restartCount == 0)
    var stream = RandomStream(key: UInt64(key), purpose: .test, index: 1)
    for _ in 0..<3 {
      let moved = example.moved(&stream)
      let (network, report) = try moved.finished(CriticalPointPlan())
      #expect(report.reachedTarget && report.restartCount == 0)
      let outputs = try network.outputs(for: moved.inputs).scaled(by: 1 / moved.outputUnit)
      #expect(largestDifference(outputs, example.targets) < 1e-8)
    }
  }

  /// Far from the teacher. Rounding is all that differs: each step multiplies it by up to the condition number of its system,
  /// the inverse of the damping, which begins at 1e-2 and falls to a tenth with a step; conjugate gradients double that.
  @Test("the first steps of a search are the same in any units", arguments: Kind.all, 1...3)
  private func steps(kind: Kind, key: Int) throws {
    let example = try kind.planted(distance: 1, key: key)
    var stream = RandomStream(key: UInt64(key), purpose: .test, index: 1)
    let moved = (0..<3).map { _ in example.moved(&stream) }
    for (bytes, count) in [(320 << 20, 0), (320 << 20, 1), (320 << 20, 2), (0, 1)] {
      let plan = CriticalPointPlan(
        iterationLimit: count, gradientTarget: 1e-14, restartLimit: 0, systemByteLimit: bytes)
      let expected = try example.finished(plan).report
      for other in moved {
        let report = try other.finished(plan).report
        let loss = report.loss / other.outputUnit / other.outputUnit
        #expect(abs(loss - expected.loss) < 1e-9 * expected.loss, "\(bytes) bytes, \(count) steps")
        #expect(
          abs(report.gradientShare - expected.gradientShare) < 1e-7 * expected.gradientShare,
          "\(bytes) bytes, \(count) steps")
        #expect(report.iterationCount == count)
      }
    }
  }

  @Test("a restart moves the same nodes to the same boundaries in any units", arguments: Kind.all, 1...3)
  private func restarts(kind: Kind, key: Int) throws {
    let example = try kind.planted(distance: 1, key: key)
    var stream = RandomStream(key: UInt64(key), purpose: .test, index: 1)
    let moved = (0..<3).map { _ in example.moved(&stream) }
    for attempt in 1...3 {
      let expected = try restarted(example, attempt)
      for other in moved {
        let weights = try restarted(other, attempt)
        #expect(largestDifference(weights, expected) < 1e-7 * expected.rootMeanSquare)
      }
    }
  }

  /// The lowest layer of the student with which a restart begins.
  private func restarted(_ example: InUnits, _ attempt: Int) throws -> Matrix {
    let (student, inputs, targets) = (Student(example.network), example.inputs, example.targets)
    let (problem, start, _) = try LeastSquaresProblem.inOwnUnits(student, inputs: inputs, targets: targets)
    return problem.reseeded(problem.refitted(start) ?? start, key: 1, attempt: attempt).weights.layers[0]
  }

  @Test("the share of the gradient is what it says", arguments: Kind.all)
  private func share(kind: Kind) throws {
    let example = try kind.planted(distance: 1, key: 1)
    var stream = RandomStream(key: 2, purpose: .test)
    for example in [example, example.moved(&stream)] {
      let (network, report) = try example.finished(CriticalPointPlan(iterationLimit: 0))
      let problem = try LeastSquaresProblem(Student(network), inputs: example.inputs, targets: example.targets)
      let gradients = problem.evaluate(problem.weights(of: Student(network))).gradients[0]
      let (inputSize, outputSize) = (example.inputs.rootMeanSquare, example.targets.rootMeanSquare)
      let share = (0..<gradients.columnCount).map { k in
        let row = network.layers[0].weights.row(k).map { $0 * inputSize } + [network.layers[0].biases?[k] ?? 0]
        return (gradients.column(k).map(abs).max() ?? 0) * euclideanNorm(row) / outputSize / outputSize
      }.max()
      #expect(abs(report.gradientShare - (share ?? 0)) < 1e-12 * report.gradientShare)
      #expect(abs(report.largestGradient - (gradients.values.map(abs).max() ?? 0)) < 1e-12 * report.largestGradient)
    }
  }

  @Test("strengths stay divided between a node's sides as they were, in deep students too", arguments: Kind.all, 1...3)
  private func balance(kind: Kind, key: Int) throws {
    let example = try kind.planted(distance: 0.01, key: key)
    let (network, report) = try example.finished(CriticalPointPlan())
    #expect(report.iterationCount > 0)
    let (before, after) = (NodeBalance(of: example.network), NodeBalance(of: network))
    for (expected, actual) in zip(before.differences.joined(), after.differences.joined()) {
      #expect(abs(actual - expected) < 1e-10)
    }
  }
}
