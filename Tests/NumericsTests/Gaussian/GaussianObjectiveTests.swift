import Foundation
import Testing

@testable import UnderstudyNumerics

/// A teacher and a student of two layers, drawn.
struct GaussianCase: CustomTestStringConvertible {
  var d = 4
  var m = 3
  var n = 5
  var c = 2
  var slope = 0.0
  var biases = true
  var deviation = 1.5

  var testDescription: String { "d \(d), m \(m), n \(n), C \(c), slope \(slope), biases \(biases)" }

  static let all = [
    GaussianCase(), GaussianCase(slope: 0.2), GaussianCase(c: 1), GaussianCase(biases: false),
    GaussianCase(d: 1, m: 1, n: 2, c: 1), GaussianCase(d: 9, m: 4, n: 4, c: 7, slope: 0.01, deviation: 0.3),
    GaussianCase(slope: 1),
  ]

  func network(_ nodes: Int, _ index: Int) -> [LayerWeights] {
    var stream = RandomStream(key: 31, purpose: .test, index: index)
    let lower = stream.normalMatrix(rowCount: nodes, columnCount: d, standardDeviation: 0.7)
    let upper = stream.normalMatrix(rowCount: c, columnCount: nodes, standardDeviation: 1)
    return [
      LayerWeights(weights: lower, biases: biases ? stream.normals(nodes, standardDeviation: 0.5) : nil),
      LayerWeights(weights: upper, biases: biases ? stream.normals(c, standardDeviation: 0.5) : nil),
    ]
  }

  var teacher: [LayerWeights] { network(m, 0) }
  var student: [LayerWeights] { network(n, 1) }
  var objective: GaussianObjective {
    GaussianObjective(teacher: teacher, negativeSlope: slope, inputDeviation: deviation)
  }
}

/// All numbers of some layers, one after the other.
private func flat(_ layers: [LayerWeights]) -> [Double] { layers.flatMap { $0.weights.values + ($0.biases ?? []) } }

private func refilled(_ layers: [LayerWeights], _ values: [Double]) -> [LayerWeights] {
  var rest = values[...]
  return layers.map { layer in
    let (rows, columns) = (layer.weights.rowCount, layer.weights.columnCount)
    let weights = Matrix(rowCount: rows, columnCount: columns, values: Array(rest.prefix(rows * columns)))
    rest = rest.dropFirst(rows * columns)
    let biases = layer.biases.map { Array(rest.prefix($0.count)) }
    rest = rest.dropFirst(biases?.count ?? 0)
    return LayerWeights(weights: weights, biases: biases)
  }
}

@Suite struct GaussianObjectiveTests {
  /// Central differences of J: the error is the third derivative, some tens, times a sixth of the step's square, and rounding of
  /// 1e-15 J over the step.
  @Test(arguments: GaussianCase.all)
  func gradientsAreDifferences(test: GaussianCase) {
    let (objective, student) = (test.objective, test.student)
    let gradient = flat(objective.evaluate(student).gradients)
    let (values, step) = (flat(student), 3e-5)
    for index in values.indices {
      var (lower, upper) = (values, values)
      lower[index] -= step
      upper[index] += step
      let difference =
        (objective.evaluate(refilled(student, upper)).loss - objective.evaluate(refilled(student, lower)).loss)
        / (2 * step)
      #expect(abs(gradient[index] - difference) < 1e-7, "\(index)")
    }
  }

  /// The mean over samples of the loss and of each derivative, within 4.5 standard errors: of the some 150 numbers here one is
  /// beyond that with a probability of 1e-3, and the samples are always the same.
  @Test(arguments: GaussianCase.all)
  func agreesWithSampling(test: GaussianCase) {
    let (teacher, student) = (test.teacher, test.student)
    let exact = test.objective.evaluate(student)
    let expected = [exact.loss] + flat(exact.gradients)
    var stream = RandomStream(key: 5, purpose: .test, index: 9)
    let count = 20_000
    let inputs = stream.normalMatrix(rowCount: count, columnCount: test.d, standardDeviation: test.deviation)
    var (sums, squares) = ([Double](repeating: 0, count: expected.count), [Double](repeating: 0, count: expected.count))
    for i in 0..<count {
      for (index, value) in sample(Array(inputs.row(i)), teacher, student, slope: test.slope).enumerated() {
        sums[index] += value
        squares[index] += value * value
      }
    }
    for index in expected.indices {
      let mean = sums[index] / Double(count)
      let error = ((squares[index] / Double(count) - mean * mean) / Double(count)).squareRoot()
      #expect(abs(mean - expected[index]) < 4.5 * error + 1e-12, "\(index)")
    }
  }

  /// Loss and derivatives of one sample, in plain loops.
  private func sample(
    _ x: [Double], _ teacher: [LayerWeights], _ student: [LayerWeights], slope: Double
  ) -> [Double] {
    func affine(_ layer: LayerWeights, _ input: [Double]) -> [Double] {
      (0..<layer.weights.rowCount).map { dotProduct(layer.weights.row($0), input, from: layer.biases?[$0] ?? 0) }
    }
    func activations(_ z: [Double]) -> [Double] { z.map { $0 > 0 ? $0 : slope * $0 } }
    let z = affine(student[0], x)
    let (phi, target) = (activations(z), affine(teacher[1], activations(affine(teacher[0], x))))
    let residual: [Double] = zip(target, affine(student[1], phi)).map { $0 - $1 }
    let g: [Double] = z.indices.map { k in
      dotProduct(student[1].weights.column(k), residual) * (z[k] > 0 ? 1 : slope)
    }
    var result = [dotProduct(residual, residual) / 2]
    for g in g { result += x.map { -g * $0 } }
    if student[0].biases != nil { result += g.map { -$0 } }
    for r in residual { result += phi.map { -r * $0 } }
    if student[1].biases != nil { result += residual.map { -$0 } }
    return result
  }

  /// In one dimension E is an integral over x, here by Simpson's rule between the kinks.
  @Test func agreesWithIntegration() {
    let test = GaussianCase(d: 1, m: 2, n: 3, c: 2, slope: 0.1)
    let (teacher, student) = (test.teacher, test.student)
    let exact = test.objective.evaluate(student)
    let expected = [exact.loss] + flat(exact.gradients)
    let kinks = [teacher, student].flatMap { network in
      network[0].weights.values.indices.map { -(network[0].biases?[$0] ?? 0) / network[0].weights.values[$0] }
    }
    let far = 12 * test.deviation
    let ends = ([-far, far] + kinks.filter { abs($0) < far }).sorted()
    var sums = [Double](repeating: 0, count: expected.count)
    for (start, end) in zip(ends, ends.dropFirst()) {
      let (panels, inset) = (400, 1e-12)
      let step = (end - start) / Double(2 * panels)
      for index in 0...(2 * panels) {
        let weight = index == 0 || index == 2 * panels ? 1.0 : index % 2 == 1 ? 4 : 2
        // Inside of the piece, so that gates are those of the piece.
        let x = min(end - inset, max(start + inset, start + Double(index) * step))
        let density = normalDensity(x / test.deviation) / test.deviation
        for (place, value) in sample([x], teacher, student, slope: test.slope).enumerated() {
          sums[place] += step / 3 * weight * density * value
        }
      }
    }
    for index in expected.indices { #expect(abs(sums[index] - expected[index]) < 1e-9, "\(index)") }
  }

  /// At the teacher, in any order, split and rescaled, loss and gradient are 0 up to rounding.
  @Test(arguments: GaussianCase.all)
  func teacherIsACriticalPoint(test: GaussianCase) {
    let teacher = test.teacher
    var (rows, biases, fanOuts) = ([[Double]](), [Double](), [[Double]]())
    for j in (0..<test.m).reversed() {
      for (factor, share) in [(0.5, 1.4), (2, 0.15)] {
        rows.append(teacher[0].weights.row(j).map { factor * $0 })
        biases.append(factor * (teacher[0].biases?[j] ?? 0))
        fanOuts.append(teacher[1].weights.column(j).map { share * $0 })
      }
    }
    let student = [
      LayerWeights(weights: Matrix(rows), biases: test.biases ? biases : nil),
      LayerWeights(weights: Matrix(fanOuts).transposed, biases: teacher[1].biases),
    ]
    let (loss, gradients) = test.objective.evaluate(student)
    #expect(loss < 1e-13)
    #expect(flat(gradients).allSatisfy { abs($0) < 1e-13 })
  }

  /// Opposite nodes: v phi(z) - v phi(-z) = v (1 + c) z, a linear function, whose loss is known.
  @Test func oppositeNodes() {
    let teacher = [
      LayerWeights(weights: Matrix([[0.6, -0.8]]), biases: [0]), LayerWeights(weights: Matrix([[0]]), biases: [0]),
    ]
    let student = [
      LayerWeights(weights: Matrix([[0.6, -0.8], [-0.6, 0.8]]), biases: [0.3, -0.3]),
      LayerWeights(weights: Matrix([[2, -2]]), biases: [0]),
    ]
    let objective = GaussianObjective(teacher: teacher, negativeSlope: 0.25, inputDeviation: 1.5)
    // f = 2 x 1.25 (z + 0.3), z of variance 2.25
    #expect(abs(objective.evaluate(student).loss - 0.5 * 2.5 * 2.5 * (2.25 + 0.09)) < 1e-13)
  }

  /// A node without weights adds a constant; its gradient is that of the side of its bias, at 0 the negative one.
  @Test(arguments: [-0.4, 0, 0.4])
  func nodesWithoutWeights(bias: Double) {
    let test = GaussianCase(slope: 0.1)
    var student = test.student
    for f in 0..<test.d { student[0].weights[1, f] = 0 }
    student[0].biases?[1] = bias
    let gradient = test.objective.evaluate(student).gradients
    #expect(flat(gradient).allSatisfy { $0.isFinite })
    guard bias != 0 else { return }
    // Differences along each of its weights; a step of 1e-3 does not reach the boundary, 0.4 away.
    for f in 0..<test.d {
      var (lower, upper) = (student, student)
      lower[0].weights[1, f] = -1e-3
      upper[0].weights[1, f] = 1e-3
      let difference = (test.objective.evaluate(upper).loss - test.objective.evaluate(lower).loss) / 2e-3
      #expect(abs(difference - gradient[0].weights[1, f]) < 1e-6)
    }
  }
}

@Suite struct IntegrationTests {
  private func end(
    _ y: inout [Double], over duration: Double, relative: Double = 1e-10,
    isCancelled: (Double) -> Bool = { _ in false },
    derivative: ([Double]) -> [Double]
  ) -> IntegrationEnd {
    var place: IntegrationPlace?
    return integrate(
      &y, from: &place, over: duration, tolerance: IntegrationTolerance(absolute: 1e-14, relative: relative),
      isCancelled: isCancelled, derivative: derivative)
  }

  /// Two decays, one 100 times as fast as the other, and a rotation: known solutions, to some tolerances a step.
  @Test func linearEquations() {
    var y = [1.0, 1, 1, 0]
    #expect(end(&y, over: 2, derivative: { [-$0[0], -100 * $0[1], -$0[3], $0[2]] }) == .reached)
    for (value, expected) in zip(y, [exp(-2.0), exp(-200.0), cos(2.0), sin(2.0)]) {
      #expect(abs(value - expected) < 1e-8)
    }
  }

  /// Logistic growth: the error follows the tolerance.
  @Test func errorFollowsTheTolerance() {
    let errors = [1e-4, 1e-6, 1e-8, 1e-10].map { relative in
      var y = [0.1]
      _ = end(&y, over: 10, relative: relative, derivative: { [$0[0] * (1 - $0[0])] })
      return abs(y[0] - 1 / (1 + 9 * exp(-10.0)))
    }
    for (error, next) in zip(errors, errors.dropFirst()) { #expect(next < error / 5) }
  }

  /// Stopped before each of its steps, it comes to the same bits.
  @Test func goingOnGivesTheSameBits() {
    func slopes(_ y: [Double]) -> [Double] { [y[0] * (1 - y[0]), -40 * y[1] + y[0], -y[3], y[2] * y[2]] }
    let start = [0.1, 1, 1, 0]
    var (whole, place): ([Double], IntegrationPlace?) = (start, nil)
    let tolerance = IntegrationTolerance(absolute: 1e-14, relative: 1e-8)
    #expect(
      integrate(
        &whole, from: &place, over: 1.5, tolerance: tolerance, isCancelled: { _ in false }, derivative: slopes)
        == .reached)
    var (parts, next): ([Double], IntegrationPlace?) = (start, nil)
    var (times, count): ([Double], Int) = ([], 0)
    while true {
      var isBegun = false
      let end = integrate(
        &parts, from: &next, over: 1.5, tolerance: tolerance,
        isCancelled: { time in
          defer { isBegun = true }
          return isBegun && time > times.last ?? 0
        }, derivative: slopes)
      guard end == .stopped, let place = next else { break }
      times.append(place.time)
      count += 1
    }
    #expect(parts == whole && next == place)
    #expect(count > 20 && times == times.sorted())
  }

  @Test func endsAreTold() {
    var y = [1.0]
    var times: [Double] = []
    func isLate(_ time: Double) -> Bool {
      times.append(time)
      return times.count > 3
    }
    #expect(end(&y, over: 1e3, isCancelled: isLate, derivative: { [-$0[0]] }) == .stopped)
    #expect(y[0] < 1 && y[0] > 0.1)
    #expect(times[0] == 0 && times == times.sorted() && abs(y[0] - exp(-times[3])) < 1e-9)
    // y = 1/(1 - t) is infinite at 1.
    var steep = [1.0]
    #expect(end(&steep, over: 2, derivative: { [$0[0] * $0[0]] }) == .failed)
    var still = [3.0, 0]
    #expect(end(&still, over: 5, derivative: { _ in [0, 0] }) == .reached)
    #expect(still == [3, 0])
    var none = [Double.nan]
    #expect(end(&none, over: 5, derivative: { $0 }) == .failed)
  }
}
