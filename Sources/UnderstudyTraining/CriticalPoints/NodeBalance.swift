import UnderstudyNetworks
import UnderstudyNumerics

/// How the strength of each hidden node is divided between its two sides: `||row||^2 - ||column of the layer above||^2`, its
/// bias counted with the row.
///
/// Gradient flow keeps these differences, so a student at a critical point that has those of the student it came from has weights, and
/// with them `g_1`, of the size that training would have ended at. Steps of the critical-point search do not keep them.
struct NodeBalance {
  /// Of each node of each hidden layer, the lowest first.
  let differences: [[Double]]

  init(of network: Network) {
    differences = network.hiddenCounts.indices.map { layer in
      zip(Self.rowNorms(of: network, layer), Self.columnNorms(of: network, layer)).map { row, column in
        // As a product, which does not cancel where both are large.
        (row - column) * (row + column)
      }
    }
  }

  /// The same function with these differences.
  ///
  /// A layer's rescaling changes the rows above it, so the layers are gone through until none is rescaled any more.
  ///
  /// - Complexity: O(weights) for each of at most ``sweepLimit`` sweeps; one will do for two layers.
  func restored(_ network: Network) -> Network {
    var result = network
    for _ in 0..<Self.sweepLimit {
      var largestChange = 0.0
      for (layer, differences) in differences.enumerated() {
        let (rows, columns) = (Self.rowNorms(of: result, layer), Self.columnNorms(of: result, layer))
        for (k, difference) in differences.enumerated() {
          let factor = rescaling(first: rows[k], last: columns[k], difference: difference)
          result.rescale(k, of: layer, by: factor)
          largestChange = max(largestChange, abs(factor - 1))
        }
      }
      if differences.count == 1 || largestChange < 1e-14 { break }
    }
    return result
  }

  static let sweepLimit = 100

  private static func rowNorms(of network: Network, _ layer: Int) -> [Double] {
    (0..<network.layers[layer].nodeCount).map { euclideanNorm(network.layers[layer].row($0)) }
  }

  private static func columnNorms(of network: Network, _ layer: Int) -> [Double] {
    (0..<network.layers[layer].nodeCount).map { euclideanNorm(network.layers[layer + 1].weights.column($0)) }
  }

  /// What to multiply a node's row with, and divide its fan-out by, so that the squares of their norms, `first` and `last`
  /// now, differ by `difference`; 1 where that cannot be.
  private func rescaling(first: Double, last: Double, difference: Double) -> Double {
    guard first > 0 else { return 1 }
    let half = difference / 2
    // The roots of s^2 - difference s - (first last)^2 = 0 are ||w||^2 and -||v||^2; the larger one has no cancellation.
    let larger = abs(half) + euclideanNorm([half, first * last])
    let wanted = half >= 0 ? larger.squareRoot() : first * last / larger.squareRoot()
    let factor = wanted / first
    return factor.isNormal && (1 / factor).isFinite ? factor : 1
  }
}
