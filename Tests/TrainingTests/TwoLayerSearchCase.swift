import UnderstudyNetworks
import UnderstudyNumerics

@testable import UnderstudyTraining

/// A teacher's data and a student of it, small enough for everything to be written out sample by sample.
struct TwoLayerSearchCase {
  let teacher: Teacher
  let student: Student
  let inputs: Matrix
  let targets: Matrix
  let problem: LeastSquaresProblem
  let state: SearchState

  init(
    inputs d: Int, teacherNodes m: Int, nodes n: Int, outputs: Int, samples: Int, hasBiases: Bool = true,
    negativeSlope: Double = 0, strengthDecay: Double = 0, scale: Double = 0.5, noise: Double = 0, trainedSteps: Int = 0,
    key: UInt64 = 1
  ) throws {
    teacher = try TeacherDesign(
      inputCount: d, hiddenCount: m, outputCount: outputs, weights: .discrete, bias: hasBiases ? -0.1 : nil,
      strengthDecay: strengthDecay, activation: Activation(negativeSlope: negativeSlope)
    ).draw(key: key)
    var student = try StudentDesign(hiddenCount: n, scale: scale).draw(for: teacher, key: key)
    inputs = InputDesign(count: samples, standardDeviation: 1.5, distribution: .gaussian)
      .draw(for: teacher, key: key, purpose: .trainingInputs)
    var targets = try teacher.network.outputs(for: inputs)
    addOutputNoise(to: &targets, standardDeviation: noise, key: key)
    self.targets = targets
    if trainedSteps > 0 {
      let plan = TrainingPlan(
        method: .stochastic(batchSize: 16), learningRate: 0.01, epochCount: 1, stepsPerEpoch: trainedSteps)
      let trainer = try Trainer<Double>(student: student, plan: plan, batches: .drawn(key: key))
      trainer.train(epoch: 1, on: PackedSamples(inputs: inputs, targets: targets))
      student = try trainer.student
    }
    self.student = student
    problem = try LeastSquaresProblem(student, inputs: inputs, targets: targets)
    state = problem.state(of: problem.weights(of: student))
  }

  /// A student that is certain to reach its teacher, whatever the rounding: of the teacher's nodes, moved by a share `distance`
  /// of their weights, the first ones twice, their fan-out shared.
  ///
  /// Whether a student that only training has brought near gets there is luck in part: `bench critical-point` counts them.
  static func planted(
    inputs d: Int = 20, teacherNodes m: Int = 5, nodes n: Int = 8, outputs: Int = 10, samples: Int = 2000,
    hasBiases: Bool = true, negativeSlope: Double = 0, strengthDecay: Double = 0, distance: Double = 0.01, key: UInt64
  ) throws -> TwoLayerSearchCase {
    var result = try TwoLayerSearchCase(
      inputs: d, teacherNodes: m, nodes: n, outputs: outputs, samples: samples, hasBiases: hasBiases,
      negativeSlope: negativeSlope, strengthDecay: strengthDecay, key: key)
    let (teacher, design) = (result.teacher.network, result.student.network)
    var stream = RandomStream(key: key, purpose: .test)
    func moved(_ values: [Double]) -> [Double] {
      let size = distance * euclideanNorm(values) / Double(max(1, values.count)).squareRoot()
      return zip(values, stream.normals(values.count, standardDeviation: size)).map { $0 + $1 }
    }
    var network = design
    for k in 0..<n {
      let j = k % m
      let share = 1 / Double(1 + (n - 1 - j) / m)
      let row = moved(Array(teacher.layers[0].weights.row(j)) + (teacher.layers[0].biases.map { [$0[j]] } ?? []))
      for f in 0..<d { network[layer: 0].weights[k, f] = row[f] }
      if hasBiases { network[layer: 0].biases?[k] = row[d] }
      let fanOut = moved(teacher.layers[1].weights.column(j))
      for c in 0..<outputs { network[layer: 1].weights[c, k] = share * fanOut[c] }
    }
    network[layer: 1].biases = teacher.layers[1].biases.map(moved)
    result = TwoLayerSearchCase(result, student: Student(network))
    return result
  }

  /// The same samples with another student.
  private init(_ other: TwoLayerSearchCase, student: Student) {
    (teacher, self.student, inputs, targets) = (other.teacher, student, other.inputs, other.targets)
    problem = other.problem
    state = problem.state(of: problem.weights(of: student))
  }
}

/// The derivatives of a two-layer student, weight by weight: the first layer's rows, each with its bias, then for each
/// activation, the constant last, its weight to each output.
struct NaiveTwoLayerDerivatives {
  let problem: LeastSquaresProblem

  func flat(_ weights: ParameterVector) -> [Double] { weights.layers[0].values + weights.layers[1].transposed.values }

  func weights(_ flat: [Double], like other: ParameterVector) -> ParameterVector {
    let (first, last) = (other.layers[0], other.layers[1])
    let fanOut = Matrix(
      rowCount: last.columnCount, columnCount: last.rowCount, values: Array(flat[first.values.count...]))
    return ParameterVector(layers: [
      Matrix(
        rowCount: first.rowCount, columnCount: first.columnCount, values: Array(flat[..<first.values.count])),
      fanOut.transposed,
    ])
  }

  func slope(_ weights: ParameterVector, _ k: Int, _ i: Int) -> Double {
    preactivation(weights, k, i) > 0 ? 1 : problem.activation.negativeSlope
  }

  func preactivation(_ weights: ParameterVector, _ k: Int, _ i: Int) -> Double {
    zip(weights.layers[0].row(k), problem.inputs.row(i)).reduce(0) { $0 + $1.0 * $1.1 }
  }

  func activations(_ weights: ParameterVector, _ i: Int) -> [Double] {
    (0..<weights.layers[0].rowCount).map { slope(weights, $0, i) * preactivation(weights, $0, i) }
      + (problem.hasBiases ? [1] : [])
  }

  func residual(_ weights: ParameterVector, _ i: Int) -> [Double] {
    let activations = activations(weights, i)
    return (0..<problem.targets.columnCount).map { c in
      problem.targets[i, c] - activations.indices.reduce(0) { $0 + activations[$1] * weights.layers[1][c, $1] }
    }
  }

  /// How the outputs change with the weights, `[sample and output, weight]`.
  func jacobian(_ weights: ParameterVector) -> Matrix {
    let (width, outputs) = (problem.inputs.columnCount, problem.targets.columnCount)
    let firstCount = weights.layers[0].values.count
    var result = Matrix(
      rowCount: problem.sampleCount * outputs, columnCount: firstCount + weights.layers[1].values.count)
    for i in 0..<problem.sampleCount {
      let activations = activations(weights, i)
      for c in 0..<outputs {
        for k in 0..<weights.layers[0].rowCount {
          for f in 0..<width {
            result[i * outputs + c, k * width + f] =
              weights.layers[1][c, k] * slope(weights, k, i) * problem.inputs[i, f]
          }
        }
        for (a, value) in activations.enumerated() { result[i * outputs + c, firstCount + a * outputs + c] = value }
      }
    }
    return result
  }

  /// The gradient of J.
  func gradient(_ weights: ParameterVector) -> [Double] {
    let jacobian = jacobian(weights)
    let residuals = (0..<problem.sampleCount).flatMap { residual(weights, $0) }
    return (0..<jacobian.columnCount).map { u in
      -residuals.indices.reduce(0) { $0 + residuals[$1] * jacobian[$1, u] } / Double(problem.sampleCount)
    }
  }

  /// The Hessian of J by central differences of ``gradient(_:)``.
  func hessian(_ weights: ParameterVector, step: Double) -> Matrix {
    let center = flat(weights)
    return Matrix(
      center.indices.map { u in
        var (above, below) = (center, center)
        above[u] += step
        below[u] -= step
        let difference = zip(
          gradient(self.weights(above, like: weights)), gradient(self.weights(below, like: weights)))
        return difference.map { ($0 - $1) / (2 * step) }
      })
  }

  /// The damped Gauss-Newton step by the whole system, and the fall that the linear model foresees.
  func step(_ weights: ParameterVector, damping: Double) -> (step: [Double], fall: Double) {
    let jacobian = jacobian(weights)
    let residuals = (0..<problem.sampleCount).flatMap { residual(weights, $0) }
    let count = jacobian.columnCount
    let right = (0..<count).map { u in residuals.indices.reduce(0) { $0 + residuals[$1] * jacobian[$1, u] } }
    var system = Matrix(rowCount: count, columnCount: count)
    for u in 0..<count {
      for v in 0..<count {
        system[u, v] = (0..<jacobian.rowCount).reduce(0) { $0 + jacobian[$1, u] * jacobian[$1, v] }
      }
    }
    let plain = system
    for u in 0..<count { system[u, u] *= 1 + damping }
    let step = solved(system, right)
    var fall = 0.0
    for u in 0..<count {
      fall += step[u] * right[u]
      for v in 0..<count { fall -= step[u] * plain[u, v] * step[v] / 2 }
    }
    return (step, fall)
  }

  /// Gaussian elimination with row exchange.
  private func solved(_ matrix: Matrix, _ right: [Double]) -> [Double] {
    var rows = (0..<matrix.rowCount).map { Array(matrix.row($0)) + [right[$0]] }
    for u in rows.indices {
      let pivot = rows.indices.dropFirst(u).max { abs(rows[$0][u]) < abs(rows[$1][u]) } ?? u
      rows.swapAt(u, pivot)
      for v in rows.indices where v != u {
        let factor = rows[v][u] / rows[u][u]
        for w in u...rows.count { rows[v][w] -= factor * rows[u][w] }
      }
    }
    return rows.indices.map { rows[$0][rows.count] / rows[$0][$0] }
  }
}
