import UnderstudyNetworks
import UnderstudyNumerics

/// Restarts: the best student so far, with some nodes of a hidden layer put to better use.
///
/// An over-realized student has nodes to spare: without fan-out, or several on one boundary. Where a search ends at a loss
/// above 0, some teacher node has no student node, or samples sit on boundaries that then cannot move on; a spare node on a
/// new boundary opens a way down. Which nodes are spare is measured, not guessed: by how much would be lost without the node
/// if the layer above made up for it (a node that shares its boundary with another costs nothing).
///
/// The layer above is fitted by least squares to what it is to get: below the output layer, to the targets; further down, its
/// pre-activations z to what they are, and z + g where a node is added, g being what the loss pulls them along. At a critical
/// point these g have no part along the activations that enter the layer, as the residuals have none under a fitted output layer.
extension LeastSquaresProblem {
  /// Moves the cheapest nodes of a layer to new boundaries, and refits.
  ///
  /// - Parameter attempt: number of the restart, from 1: it selects the random numbers, the layer (the lowest first, in turns),
  ///   and how many nodes move (1, 2, 4, ... up to a quarter, then from 1 again).
  func reseeded(_ best: SearchState, key: UInt64, attempt: Int) -> SearchState {
    var stream = RandomStream(key: key, purpose: .criticalPoints, index: attempt)
    let (turn, l) = (attempt - 1).quotientAndRemainder(dividingBy: best.evaluation.slopes.count)
    let limit = max(1, best.weights.layers[l].rowCount / 4)
    let rounds = (0...).first { 1 << $0 > limit } ?? 1
    let count = 1 << (turn % rounds)
    var state = best
    var moved: [Int] = []
    while moved.count < count, let k = removeCheapestNode(of: &state, layer: l, except: moved) { moved.append(k) }
    for k in moved { place(k, of: &state, layer: l, from: &stream) }
    return state
  }

  /// Takes its fan-out from the node of a layer without which least is lost: with `u_k` its column of the layer above and `G` the
  /// Gram matrix of the layer's activations, `||u_k||^2 / (G^-1)_kk`. Exact where the layer above is the least-squares fit, up to
  /// the damping of G: the output layer after each step and refit, and any other to its own pre-activations.
  ///
  /// - Returns: the node; nil if none is left.
  private func removeCheapestNode(of state: inout SearchState, layer l: Int, except taken: [Int]) -> Int? {
    guard var inverse = gramFactor(of: state.evaluation.features[l + 1]) else { return nil }
    LinearAlgebra.invertCholesky(&inverse)
    let above = state.weights.layers[l + 1]
    func cost(_ k: Int) -> Double { above.column(k).reduce(0) { $0 + $1 * $1 } / inverse[k, k] }
    guard
      let k = (0..<state.weights.layers[l].rowCount).filter({ !taken.contains($0) }).min(by: { cost($0) < cost($1) })
    else { return nil }
    for h in 0..<above.rowCount {
      if l + 1 < state.evaluation.slopes.count {
        // The others make up for it. The output layer is fitted anew anyway.
        for e in 0..<above.columnCount {
          state.weights.layers[l + 1][h, e] -= above[h, k] * inverse[max(e, k), min(e, k)] / inverse[k, k]
        }
      }
      state.weights.layers[l + 1][h, k] = 0
    }
    state = self.state(of: state.weights)
    state = refitted(state) ?? state
    return k
  }

  /// Moves a node without fan-out to a new boundary, and fits the layer above.
  private func place(_ k: Int, of state: inout SearchState, layer l: Int, from stream: inout RandomStream) {
    guard let row = newBoundary(for: state, layer: l, from: &stream) else { return }
    for f in row.indices { state.weights.layers[l][k, f] = row[f] }
    for h in 0..<state.weights.layers[l + 1].rowCount { state.weights.layers[l + 1][h, k] = 0 }
    state = self.state(of: state.weights)
    if l + 1 < state.evaluation.slopes.count { refit(layer: l + 1, of: &state) }
    state = refitted(state) ?? state
  }

  /// Moves a hidden layer towards the least-squares fit of z + g by what enters it, as far as is best for the outputs, the gates
  /// being as they are; not at all if the loss rises.
  private func refit(layer l: Int, of state: inout SearchState) {
    let features = state.evaluation.features[l]
    guard let factor = gramFactor(of: features) else { return }
    var change = products([state.evaluation.gradients[l]], with: [features]).layers[0]
    LinearAlgebra.solveCholesky(factor, rightSides: &change)
    var direction = ParameterVector(layers: Array(state.weights.layers[...l]))
    for below in 0..<l { direction.layers[below] = direction.layers[below].scaled(by: 0) }
    direction.layers[l] = change
    let outputs = jacobianVectorProduct(direction, at: state.weights, state.evaluation).outputs.values
    let length = dotProduct(outputs, state.evaluation.residuals.values) / dotProduct(outputs, outputs)
    guard length.isFinite else { return }
    var weights = state.weights
    for i in change.values.indices { weights.layers[l].values[i] += length * change.values[i] }
    let moved = self.state(of: normalized(weights))
    if moved.evaluation.loss < state.evaluation.loss { state = moved }
  }

  /// Of ``candidateCount`` new rows of a layer, the one whose activation explains most of what the layer above lacks: g, the
  /// residuals for the output layer.
  ///
  /// Half are random, each through a random sample, drawn in proportion to its squared g. The other half follow g: of a node
  /// without fan-out but about to get `q`, gradient descent moves the row along `sum D (g . q) x`; two such steps, each from the
  /// whole way, with `q` the fan-out that the row before would get.
  private func newBoundary(for state: SearchState, layer l: Int, from stream: inout RandomStream) -> [Double]? {
    let (inputs, lacking) = (state.evaluation.features[l], state.evaluation.gradients[l + 1])
    let (count, width) = (Self.candidateCount, inputs.columnCount)
    guard let factor = gramFactor(of: state.evaluation.features[l + 1]) else { return nil }
    var rows = stream.normalMatrix(rowCount: count, columnCount: width, standardDeviation: 1)
    let samples = samples(weightedBy: lacking, places: stream.uniforms(count))
    for (candidate, i) in samples.enumerated() { passThrough(inputs.row(i), row: candidate, of: &rows) }
    var followed = Matrix(rowCount: count / 2, columnCount: width, values: Array(rows.values[..<(count / 2 * width)]))
    for _ in 0..<2 { follow(lacking, over: inputs, &followed) }
    rows.values.replaceSubrange(0..<followed.values.count, with: followed.values)
    normalizeRows(of: &rows)

    // With the layer above fitted, g has no part along the activations F, so a new activation a lowers the summed squares by
    // ||a^T g||^2 / (a^T a - a^T F G^-1 F^T a).
    var activations = preactivations(of: rows, over: inputs)
    for i in activations.values.indices { activations.values[i] = activation(activations.values[i]) }
    let explained = LinearAlgebra.product(activations, transposingFirst: true, lacking)
    let shared = LinearAlgebra.product(activations, transposingFirst: true, state.evaluation.features[l + 1])
    var solved = shared
    LinearAlgebra.solveCholesky(factor, rightSides: &solved)
    var best: (gain: Double, row: Int)?
    for candidate in 0..<count {
      let whole = activations.column(candidate).reduce(0) { $0 + $1 * $1 }
      let rest = whole - dotProduct(shared.row(candidate), solved.row(candidate))
      let gain = explained.row(candidate).reduce(0) { $0 + $1 * $1 } / rest
      // A candidate within the span of the others (a share of 1e-8, far above rounding) has nothing new to give.
      guard rest > 1e-8 * whole, gain.isFinite, gain > best?.gain ?? 0 else { continue }
      best = (gain, candidate)
    }
    return best.map { Array(rows.row($0.row)) }
  }

  static var candidateCount: Int { 64 }

  /// Moves rows along `sum D (g . q) x`, `q` being the fan-out that each would get, and normalises them.
  private func follow(_ lacking: Matrix, over inputs: Matrix, _ rows: inout Matrix) {
    let (activations, slopes) = activated(preactivations(of: rows, over: inputs), appendingOnes: false)
    let fanOut = LinearAlgebra.product(activations, transposingFirst: true, lacking)
    var gradients = LinearAlgebra.product(lacking, fanOut, transposingSecond: true)
    gradients.multiplyElements(by: slopes)
    LinearAlgebra.multiply(gradients, transposingFirst: true, inputs, into: &rows)
    normalizeRows(of: &rows)
  }

  /// For each place in 0...1, the sample at which that share of the sum of squares is reached.
  private func samples(weightedBy values: Matrix, places: [Double]) -> [Int] {
    var sums: [Double] = []
    var sum = 0.0
    for i in 0..<sampleCount {
      sum += values.row(i).reduce(0) { $0 + $1 * $1 }
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

  /// Moves a row's boundary to an input x: by its bias, or without one by turning it. The sample ends on the active side, by far
  /// more than the rounding of its pre-activation, which would decide its gate otherwise.
  private func passThrough(_ x: ArraySlice<Double>, row: Int, of rows: inout Matrix) {
    let terms = zip(rows.row(row), x).map { $0 * $1 }
    let move = terms.reduce(0, +) - 10 * CriticalPointReport.boundaryTolerance * terms.reduce(0) { $0 + abs($1) }
    if hasBiases {
      rows[row, x.count - 1] -= move
    } else {
      let square = x.reduce(0) { $0 + $1 * $1 }
      guard square > 0 else { return }
      for (f, value) in zip(0..., x) { rows[row, f] -= move / square * value }
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
