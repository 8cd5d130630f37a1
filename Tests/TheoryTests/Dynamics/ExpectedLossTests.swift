import Foundation
import Testing
import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTheory

@Suite struct ExpectedLossTests {
  /// The theory's gradients over samples, whose mean these are: within a twentieth of their size for 40 000 samples.
  @Test(arguments: [0, 0.2])
  func tendsToTheGradientsOverSamples(slope: Double) throws {
    let teacher = Teacher(try Draw.network([5, 3, 4], key: 1, slope: slope))
    let student = Student(try Draw.network([5, 6, 4], key: 2, slope: slope))
    let loss = try expectedLoss(of: student, learning: teacher, inputDeviation: 1.5)
    let exact = try expectedGradients(of: student, learning: teacher, inputDeviation: 1.5)
    let inputs = Draw.inputs(40_000, 5)
    let sampled = try gradients(of: student, over: inputs, targets: try teacher.network.outputs(for: inputs))
    #expect(abs(sampled.loss - loss) < 0.02 * loss)
    for (layer, norm) in zip(exact, sampled.layerNorms) {
      let own = euclideanNorm(layer.weights.values + (layer.biases ?? []))
      #expect(abs(own - norm) < 0.05 * own)
    }
  }

  @Test func refusals() throws {
    let (two, deep) = (try Draw.network([5, 3, 4], key: 1), try Draw.network([5, 3, 3, 4], key: 1))
    let others = [
      try Draw.network([6, 3, 4], key: 1), try Draw.network([5, 3, 2], key: 1), deep,
      try Draw.network([5, 3, 4], key: 1, slope: 0.1),
    ]
    for other in others {
      #expect(throws: ShapeError.self) {
        try expectedLoss(of: Student(two), learning: Teacher(other), inputDeviation: 1)
      }
      #expect(throws: ShapeError.self) {
        try expectedGradients(of: Student(other), learning: Teacher(two), inputDeviation: 1)
      }
    }
    #expect(throws: ShapeError.self) { try earlyGrowthRates(of: Teacher(deep), inputDeviation: 1) }
    #expect(throws: ShapeError.self) {
      try expectedPull(on: [1, 2], learning: Teacher(two), besides: Student(two), inputDeviation: 1)
    }
  }
}

/// Orthonormal teacher nodes without biases, of two strengths.
private func orthogonalTeacher(_ strengths: [Double], bias: Double? = nil) throws -> Teacher {
  let m = strengths.count
  var (rows, fanOuts) = (Matrix(rowCount: m, columnCount: m), Matrix(rowCount: m, columnCount: m))
  for j in 0..<m { (rows[j, j], fanOuts[j, j]) = (1, strengths[j]) }
  return Teacher(
    try Network(
      layers: [
        NetworkLayer(weights: rows, biases: bias.map { [Double](repeating: $0, count: m) }),
        NetworkLayer(weights: fanOuts, biases: bias.map { _ in [Double](repeating: 0, count: m) }),
      ], activation: .relu))
}

/// A student that has the teacher's mean outputs and nothing else.
private func fittedMeans(_ teacher: Teacher, deviation: Double) throws -> Student {
  let view = try TwoLayerView(teacher.network)
  var means = view.output.biasesOrZeros
  for j in 0..<view.nodeCount {
    let node = RectifiedNormal(
      mean: view.row(j).last ?? 0, deviation: deviation * euclideanNorm(view.row(j).dropLast()), negativeSlope: 0)
    for (o, weight) in view.fanOut(j).enumerated() { means[o] += weight * node.activation }
  }
  return Student(
    try Network(
      layers: [
        NetworkLayer(weights: Matrix(rowCount: 1, columnCount: view.inputCount), biases: [0]),
        NetworkLayer(weights: Matrix(rowCount: view.outputCount, columnCount: 1), biases: means),
      ], activation: .relu))
}

@Suite struct EarlyGrowthTests {
  @Test func pullIsTheMeanOverSamples() throws {
    let teacher = Teacher(try Draw.network([5, 3, 4], key: 1))
    let student = Student(try Draw.network([5, 6, 4], key: 2))
    let row = [0.3, -0.2, 0.5, 0.1, -0.7, 0.2]
    let pull = try expectedPull(on: row, learning: teacher, besides: student, inputDeviation: 1.5)
    let inputs = Draw.inputs(40_000, 5)
    let (given, own) = (try teacher.network.outputs(for: inputs), try student.network.outputs(for: inputs))
    for o in 0..<4 {
      let values = (0..<inputs.rowCount).map { i in
        max(0, dotProduct(inputs.row(i), row, from: row[5])) * (given[i, o] - own[i, o])
      }
      let mean = values.reduce(0, +) / 40_000
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 40_000
      #expect(abs(mean - pull[o]) < 4 * (variance / 40_000).squareRoot())
    }
  }

  /// The derivation's threshold, without biases: the direction of a node of strength a is a maximum of ||q|| only if a is more
  /// than 0.6056 times the strongest.
  @Test(arguments: [(0.59, false), (0.62, true)])
  func weakNodesAreNoMaxima(strength: Double, isMaximum: Bool) throws {
    let teacher = try orthogonalTeacher([1, strength])
    let student = try fittedMeans(teacher, deviation: 1)
    func pull(_ angle: Double) throws -> Double {
      euclideanNorm(
        try expectedPull(
          on: [sin(angle), cos(angle), 0], learning: teacher, besides: student, inputDeviation: 1))
    }
    // The strongest node's is one.
    #expect(try pull(.pi / 2) > pull(.pi / 2 - 0.02))
    #expect(try (pull(0) > pull(0.02)) == isMaximum)
  }

  /// Of nearly perpendicular weights the pull is linear, lambda_j for each node.
  @Test func ratesAreThoseOfSmallCorrelations() throws {
    let teacher = try orthogonalTeacher([1, 0.5, 0.25], bias: -0.1)
    let student = try fittedMeans(teacher, deviation: 1.5)
    let rates = try earlyGrowthRates(of: teacher, inputDeviation: 1.5)
    for j in 0..<3 {
      // A weight of 1e-3 along w*_j beside one of 1 along none: an input that no teacher node looks at.
      let wide = try Network(
        layers: [
          NetworkLayer(
            weights: teacher.network.layers[0].weights.padded(columns: 4), biases: teacher.network.layers[0].biases),
          teacher.network.layers[1],
        ], activation: .relu)
      let idle = try Network(
        layers: [
          NetworkLayer(weights: Matrix(rowCount: 1, columnCount: 4), biases: [0]), student.network.layers[1],
        ], activation: .relu)
      var row = [0, 0, 0, 1.0, 0]
      row[j] = 1e-3
      let pull = try expectedPull(on: row, learning: Teacher(wide), besides: Student(idle), inputDeviation: 1.5)
      // The next term is quadratic in the correlation.
      #expect(abs(pull[j] / 1e-3 - rates[j]) < 2e-3 * rates[j])
    }
  }
}
