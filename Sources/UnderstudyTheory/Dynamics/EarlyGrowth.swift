import UnderstudyNetworks
import UnderstudyNumerics

/// What the residual pulls a weak node at: q(w, b) = E[phi(w . x + b) (f*(x) - f(x))] over inputs x ~ N(0, s^2 I).
///
/// A node of small weights does not change the outputs. Its fan-out follows dv/dt = q(w, b), and (w, b) the gradient of v . q. So it
/// turns to where v . q is large, and its size grows at the rate v . q / (||v|| ||(w, b)||) if ||v|| = ||(w, b)||.
///
/// - Parameters:
///   - row: (w, b), `[feature + 1]`.
///   - student: the student so far.
/// - Shape: `[output]`.
/// - Units: those of the outputs squared, a unit of fan-out.
/// - Throws: ``ShapeError`` if the row is of another length, a network has more than one hidden layer, or the two differ in inputs,
///   outputs or activation.
/// - Complexity: that of ``expectedGradients(of:learning:inputDeviation:)``.
/// - Source: derived (Docs/Derivations/dynamics.md).
public func expectedPull(
  on row: [Double], learning teacher: Teacher, besides student: Student, inputDeviation: Double
) throws(ShapeError) -> [Double] {
  let view = try TwoLayerView(student.network)
  guard row.count == view.inputCount + 1 else {
    throw ShapeError(
      "the row has \(row.count) numbers, and the student's nodes have \(view.inputCount + 1); give (w, b), the bias last"
    )
  }
  // The pull is minus the derivative by the fan-out of a node that has none.
  let nodes = 0..<view.nodeCount
  let longer = try TwoLayerView(
    rows: nodes.map(view.row) + [row], hasHiddenBiases: true,
    fanOuts: nodes.map(view.fanOut) + [[Double](repeating: 0, count: view.outputCount)],
    outputBiases: view.output.biasesOrZeros, activation: view.activation)
  let gradients = try expectedGradients(
    of: Student(longer.network), learning: teacher, inputDeviation: inputDeviation)
  return gradients[1].weights.column(view.nodeCount).map { -$0 }
}

/// The rate at which small weights of a student grow towards each teacher node: lambda_j = s^2 / 2 (1 + c) P*_j ||w*_j|| ||v*_j||.
///
/// P*_j is the mean slope of the teacher node, its active share for a ReLU. A student of small weights around a bias of 0 is linear to
/// first order of its correlation with the teacher's nodes; the component of its nodes along w*_j and v*_j then grows as
/// exp(lambda_j t), if teacher nodes are orthogonal in inputs and outputs.
///
/// - Shape: `[teacher node]`.
/// - Units: one over the unit of time, 1/rate steps of a learning rate.
/// - Throws: ``ShapeError`` if the teacher has more than one hidden layer.
/// - Complexity: O(m (d + C)).
/// - Source: derived (Docs/Derivations/dynamics.md); of linear networks Saxe, McClelland, Ganguli 2014, arXiv:1312.6120.
public func earlyGrowthRates(of teacher: Teacher, inputDeviation: Double) throws(ShapeError) -> [Double] {
  let view = try TwoLayerView(teacher.network.folded)
  let slope = view.activation.negativeSlope
  return (0..<view.nodeCount).map { node in
    let norm = euclideanNorm(view.hidden.weights.row(node))
    let variable = RectifiedNormal(
      mean: view.hidden.biases?[node] ?? 0, deviation: inputDeviation * norm, negativeSlope: slope)
    return inputDeviation * inputDeviation * (1 + slope) / 2 * variable.slope * norm * euclideanNorm(view.fanOut(node))
  }
}
