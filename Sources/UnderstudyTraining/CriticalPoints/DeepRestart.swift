import UnderstudyNetworks
import UnderstudyNumerics

/// Restarts of deep students: nodes that do least are moved to new boundaries.
extension LeastSquaresProblem {
  /// - Parameter attempt: number of the restart, from 1: it selects the random numbers and the layer.
  func reseededDeep(_ best: SearchState, key: UInt64, attempt: Int) -> SearchState {
    var stream = RandomStream(key: key, purpose: .criticalPoints, index: attempt)
    var state = best
    for l in state.evaluation.slopes.indices {
      guard let k = idlestNode(of: state, layer: l) else { continue }
      let width = state.weights.layers[l].columnCount
      let row = stream.normals(width, standardDeviation: 1)
      let norm = euclideanNorm(row)
      for f in 0..<width { state.weights.layers[l][k, f] = row[f] / norm }
      for h in 0..<state.weights.layers[l + 1].rowCount { state.weights.layers[l + 1][h, k] = 0 }
    }
    state = self.state(of: state.weights)
    return refitted(state) ?? state
  }

  /// The node of a hidden layer without which the outputs change least: by `sum_x beta_kk(x) f_k(x)^2`, exact where no
  /// gate above flips.
  private func idlestNode(of state: SearchState, layer: Int) -> Int? {
    let n = state.evaluation.slopes[layer].columnCount
    var costs = [Double](repeating: 0, count: n)
    for first in stride(from: 0, to: sampleCount, by: 256) {
      let samples = first..<min(first + 256, sampleCount)
      let own = jacobian(at: state.weights, state.evaluation, samples: samples)[layer].sensitivities
      for row in 0..<own.rowCount {
        let i = first + row / outputCount
        for k in 0..<n {
          let value = own[row, k] * state.evaluation.features[layer + 1][i, k]
          costs[k] += value * value
        }
      }
    }
    return costs.indices.min { costs[$0] < costs[$1] }
  }
}
