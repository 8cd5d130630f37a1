import UnderstudyNetworks
import UnderstudyNumerics

/// Restarts: the best student so far, with some nodes put to better use.
///
/// An over-realized student has nodes to spare: without fan-out, or several on one boundary. Where a search ends at a loss
/// above 0, some teacher node has no student node, or samples sit on boundaries that then cannot move on; a spare node on a
/// new boundary opens a way down. Which nodes are spare is measured, not guessed: by how much the loss would rise without
/// the node, the output layer being refitted (a node that shares its boundary with another costs nothing).
extension LeastSquaresProblem {
  /// Moves the cheapest nodes of a state to new boundaries and refits the output layer.
  ///
  /// - Parameter attempt: number of the restart, from 1: it selects the random numbers, and how many nodes move (1, 2,
  ///   4, ... up to a quarter, then from 1 again).
  func reseeded(_ best: SearchState, key: UInt64, attempt: Int) -> SearchState {
    guard best.evaluation.slopes.count == 1 else { return reseededDeep(best, key: key, attempt: attempt) }
    var stream = RandomStream(key: key, purpose: .criticalPoints, index: attempt)
    let limit = max(1, best.weights.layers[0].rowCount / 4)
    let rounds = (0...).first { 1 << $0 > limit } ?? 1
    let count = 1 << ((attempt - 1) % rounds)
    var state = best
    var moved: [Int] = []
    while moved.count < count, let k = cheapestNode(of: state, except: moved) {
      for c in 0..<outputCount { state.weights.layers[1][c, k] = 0 }
      state = self.state(of: state.weights)
      state = refitted(state) ?? state
      moved.append(k)
    }
    for k in moved {
      guard let row = newBoundary(for: state, from: &stream) else { continue }
      for f in row.indices { state.weights.layers[0][k, f] = row[f] }
      for c in 0..<outputCount { state.weights.layers[1][c, k] = 0 }
      state = self.state(of: state.weights)
      state = refitted(state) ?? state
    }
    return state
  }

  /// The node without which the refitted loss rises least: with `u_k` its row of the output layer and `G` the Gram matrix
  /// of the activations, by `||u_k||^2 / (G^-1)_kk`. Exact where the output layer is the least-squares fit, as after each step
  /// and refit, up to the damping of G.
  private func cheapestNode(of state: SearchState, except taken: [Int]) -> Int? {
    guard var inverse = gramFactor(of: state.evaluation.features[1]) else { return nil }
    LinearAlgebra.invertCholesky(&inverse)
    func cost(_ k: Int) -> Double { state.weights.layers[1].column(k).reduce(0) { $0 + $1 * $1 } / inverse[k, k] }
    return (0..<state.weights.layers[0].rowCount).filter { !taken.contains($0) }.min { cost($0) < cost($1) }
  }

  /// Of ``candidateCount`` new rows, the one whose activation explains most of the residuals.
  ///
  /// Half are random, each through a random sample, drawn in proportion to its squared residual. The other half follow the
  /// residuals: of a node without fan-out but about to get `q`, gradient descent moves the row along `sum D (r . q) x`; two
  /// such steps, each from the whole way, with `q` the fan-out that the row before would get.
  private func newBoundary(for state: SearchState, from stream: inout RandomStream) -> [Double]? {
    let (count, width) = (Self.candidateCount, inputs.columnCount)
    let residuals = state.evaluation.residuals
    guard let factor = gramFactor(of: state.evaluation.features[1]) else { return nil }
    var rows = stream.normalMatrix(rowCount: count, columnCount: width, standardDeviation: 1)
    let samples = samples(weightedBy: residuals, places: stream.uniforms(count))
    for (candidate, i) in samples.enumerated() { passThrough(i, row: candidate, of: &rows) }
    var followed = Matrix(rowCount: count / 2, columnCount: width, values: Array(rows.values[..<(count / 2 * width)]))
    for _ in 0..<2 {
      var activations = preactivations(of: followed, over: inputs)
      var slopes = activations
      for i in activations.values.indices {
        slopes.values[i] = activations.values[i] > 0 ? 1 : activation.negativeSlope
        activations.values[i] *= slopes.values[i]
      }
      var fanOut = Matrix(rowCount: followed.rowCount, columnCount: residuals.columnCount)
      LinearAlgebra.multiply(activations, transposingFirst: true, residuals, into: &fanOut)
      LinearAlgebra.multiply(residuals, fanOut, transposingSecond: true, into: &activations)
      for i in activations.values.indices { activations.values[i] *= slopes.values[i] }
      LinearAlgebra.multiply(activations, transposingFirst: true, inputs, into: &followed)
      normalizeRows(of: &followed)
    }
    rows.values.replaceSubrange(0..<followed.values.count, with: followed.values)
    normalizeRows(of: &rows)

    // With the output layer fitted, the residuals have no part along the activations F, so a new activation a lowers the
    // summed squares by ||a^T R||^2 / (a^T a - a^T F G^-1 F^T a).
    var activations = preactivations(of: rows, over: inputs)
    for i in activations.values.indices { activations.values[i] = activation(activations.values[i]) }
    var explained = Matrix(rowCount: count, columnCount: residuals.columnCount)
    LinearAlgebra.multiply(activations, transposingFirst: true, residuals, into: &explained)
    var shared = Matrix(rowCount: count, columnCount: factor.rowCount)
    LinearAlgebra.multiply(activations, transposingFirst: true, state.evaluation.features[1], into: &shared)
    var solved = shared
    LinearAlgebra.solveCholesky(factor, rightSides: &solved)
    var best: (gain: Double, row: Int)?
    for candidate in 0..<count {
      let whole = activations.column(candidate).reduce(0) { $0 + $1 * $1 }
      let rest = whole - zip(shared.row(candidate), solved.row(candidate)).reduce(0) { $0 + $1.0 * $1.1 }
      let gain = explained.row(candidate).reduce(0) { $0 + $1 * $1 } / rest
      // A candidate within the span of the others (a share of 1e-8, far above rounding) has nothing new to give.
      guard rest > 1e-8 * whole, gain.isFinite, gain > best?.gain ?? 0 else { continue }
      best = (gain, candidate)
    }
    return best.map { Array(rows.row($0.row)) }
  }

  static var candidateCount: Int { 64 }

  /// For each place in 0...1, the sample at which that share of the summed squared residuals is reached.
  private func samples(weightedBy residuals: Matrix, places: [Double]) -> [Int] {
    var sums: [Double] = []
    var sum = 0.0
    for i in 0..<sampleCount {
      sum += residuals.row(i).reduce(0) { $0 + $1 * $1 }
      sums.append(sum)
    }
    return places.map { place in
      var (low, high) = (0, sampleCount - 1)
      while low < high {
        let middle = (low + high) / 2
        if sums[middle] < place * sum { low = middle + 1 } else { high = middle }
      }
      return low
    }
  }

  /// Moves a row's boundary to a sample: by its bias, or without one by turning it. The sample ends on the active side, by far
  /// more than the rounding of its pre-activation, which would decide its gate otherwise.
  private func passThrough(_ sample: Int, row: Int, of rows: inout Matrix) {
    let (x, width) = (inputs.row(sample), inputs.columnCount)
    let terms = zip(rows.row(row), x).map { $0 * $1 }
    let move = terms.reduce(0, +) - 10 * CriticalPointReport.boundaryTolerance * terms.reduce(0) { $0 + abs($1) }
    if hasBiases {
      rows[row, width - 1] -= move
    } else {
      let square = x.reduce(0) { $0 + $1 * $1 }
      guard square > 0 else { return }
      for (f, value) in x.enumerated() { rows[row, f] -= move / square * value }
    }
  }

  private func normalizeRows(of rows: inout Matrix) {
    for row in 0..<rows.rowCount {
      let norm = euclideanNorm(rows.row(row))
      guard norm > 0 else { continue }
      for f in 0..<rows.columnCount { rows[row, f] /= norm }
    }
  }
}
