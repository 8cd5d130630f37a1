import UnderstudyNetworks
import UnderstudyNumerics

/// Units in which all outputs, and all features, count alike: ranks are told in them.
struct TurningScale {
  /// `[output]`
  let outputs: [Double]
  /// `[feature]`; 0 for one that is the same in all inputs, which only a constant can see.
  let features: [Double]

  init(of pairs: [SharedBoundaries.Pair], in network: TwoLayerView, over inputs: Matrix) {
    outputs = (0..<network.outputCount).map { c in
      let largest = pairs.reduce(0) { max($0, abs(network.output.weights[c, $1.holder])) }
      return largest > 0 ? largest : 1
    }
    let (count, isCentered) = (Double(max(1, inputs.rowCount)), network.hidden.biases != nil)
    features = (0..<inputs.columnCount).map { f in
      let column = inputs.column(f)
      let middle = isCentered ? column.reduce(0, +) / count : 0
      let deviation = (column.reduce(0) { $0 + ($1 - middle) * ($1 - middle) } / count).squareRoot()
      return deviation > 1e-13 * abs(middle) ? deviation : 0
    }
  }

  func part(of node: Int, in network: TwoLayerView) -> TurningPlan.Part {
    TurningPlan.Part(
      fanOut: zip(network.fanOut(node), outputs).map { $0 / $1 },
      weights: zip(network.row(node), features).map { $0 * $1 })
  }
}

/// The nodes that carry the linear map that turned boundaries leave over, the sum of `fanOut weights^T`.
struct Turning {
  struct Carrier {
    /// One node that is active at all inputs, or two opposite ones.
    var nodes: [Int]
    var fanOut: [Double]
    var weights: [Double]

    mutating func add(fanOut other: [Double], _ factor: Double) {
      for c in fanOut.indices { fanOut[c] += factor * other[c] }
    }

    mutating func add(weights other: [Double], _ factor: Double) {
      for f in weights.indices { weights[f] += factor * other[f] }
    }
  }

  let scale: TurningScale
  var carriers: [Carrier] = []
  var constantNode: Int?

  /// What each carrier's weights are to be multiplied by to add up to a part's; nil if they do not span them, and the
  /// carriers' fan-outs fit the part's better.
  func sharesOfWeights(_ part: TurningPlan.Part) -> [Double]? {
    let (ofWeights, ofFanOuts) = (
      fit(carriers.map(\.weights), to: part.weights), fit(carriers.map(\.fanOut), to: part.fanOut)
    )
    return ofWeights.residual < 1e-9 || ofWeights.residual <= ofFanOuts.residual ? ofWeights.shares : nil
  }

  func sharesOfFanOut(_ part: TurningPlan.Part) -> [Double] {
    fit(carriers.map(\.fanOut), to: part.fanOut).shares
  }

  /// - Returns: factors of the vectors whose sum is nearest to `wanted`, and how far off that is, as a share.
  private func fit(_ vectors: [[Double]], to wanted: [Double]) -> (shares: [Double], residual: Double) {
    guard !vectors.isEmpty else { return ([], 1) }
    let sizes = vectors.map { max(euclideanNorm($0), .leastNormalMagnitude) }
    let columns = Matrix(zip(vectors, sizes).map { vector, size in vector.map { $0 / size } }).transposed
    let side = Matrix(wanted.map { [$0] })
    let solution =
      LinearAlgebra.leastSquares(columns, side, cutoff: 1e-10)?.solution.values
      ?? [Double](repeating: 0, count: vectors.count)
    let shares = zip(solution, sizes).map { $0 / $1 }
    var rest = wanted
    for (vector, share) in zip(vectors, shares) {
      for i in rest.indices { rest[i] -= share * vector[i] }
    }
    let norm = euclideanNorm(wanted)
    return (shares, norm > 0 ? euclideanNorm(rest) / norm : 0)
  }

  /// Gives what one of dependent carriers carries to the others.
  ///
  /// - Returns: that carrier, and whether the others' weights changed (else their fan-outs).
  mutating func dropDependent() -> (place: Int, isByWeights: Bool) {
    guard carriers.count > 1 else { return (0, false) }
    // Written so that a carrier's fan-out and weights are of one size: only their product means something.
    let sizes = carriers.map { (fanOut: euclideanNorm($0.fanOut), weights: euclideanNorm($0.weights)) }
    let products = sizes.map { $0.fanOut * $0.weights }
    let largest = products.max() ?? 0
    if let least = products.indices.min(by: { products[$0] < products[$1] }), products[least] <= 1e-9 * largest {
      return (least, false)
    }
    let ofFanOuts = dependence(zip(carriers, sizes).map { carrier, size in carrier.fanOut.map { $0 * size.weights } })
    let ofWeights = dependence(zip(carriers, sizes).map { carrier, size in carrier.weights.map { $0 * size.fanOut } })
    let isByWeights = ofFanOuts.size < ofWeights.size
    let place = isByWeights ? ofFanOuts.place : ofWeights.place
    let (dropped, others) = (carriers[place], carriers.indices.filter { $0 != place })
    let shares =
      isByWeights
      ? fit(others.map { carriers[$0].fanOut }, to: dropped.fanOut).shares
      : fit(others.map { carriers[$0].weights }, to: dropped.weights).shares
    for (other, share) in zip(others, shares) {
      // A fan-out that is a sum of shares of others': then their weights take these shares of its weights, and vice versa.
      if isByWeights {
        carriers[other].add(weights: dropped.weights, share)
      } else {
        carriers[other].add(fanOut: dropped.fanOut, share)
      }
    }
    return (place, isByWeights)
  }

  /// How far vectors are from dependent, as their least singular value, and which of them depends on the others most.
  ///
  /// - Precondition: there are no more of them than they have elements.
  private func dependence(_ vectors: [[Double]]) -> (size: Double, place: Int) {
    guard let svd = LinearAlgebra.singularValues(of: Matrix(vectors)), let size = svd.values.last else {
      return (.infinity, 0)
    }
    let factors = svd.left.column(svd.values.count - 1)
    return (size, factors.indices.max { abs(factors[$0]) < abs(factors[$1]) } ?? 0)
  }

  func writeFanOuts(to network: inout TwoLayerView) {
    for carrier in carriers {
      for (place, node) in carrier.nodes.enumerated() {
        network.setFanOut(node, to: zip(carrier.fanOut, scale.outputs).map { (place == 0 ? $0 : -$0) * $1 })
      }
    }
  }

  /// One node of a carrier is active at all inputs: its bias lifts the least pre-activation to the width of their range.
  func writeWeights(to network: inout TwoLayerView, over inputs: Matrix, of chosen: [Int]? = nil) {
    for carrier in (chosen ?? Array(carriers.indices)).map({ carriers[$0] }) {
      let weights = zip(carrier.weights, scale.features).map { $1 > 0 ? $0 / $1 : 0 }
      for (place, node) in carrier.nodes.enumerated() {
        network.setRow(node, to: (place == 0 ? weights : weights.map { -$0 }) + [network.hidden.biases?[node] ?? 0])
      }
      guard network.hidden.biases != nil else { continue }
      let values = (0..<inputs.rowCount).map { dotProduct(inputs.row($0), weights) }
      let (least, most) = (values.min() ?? 0, values.max() ?? 0)
      network.hidden.biases?[carrier.nodes[0]] = most - 2 * least
    }
  }
}
