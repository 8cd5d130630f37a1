import UnderstudyNetworks
import UnderstudyNumerics

/// A student's nodes in the order and scale that fit another student best, layer by layer.
public struct StudentMatching: Sendable, Equatable {
  /// A hidden layer.
  public struct Layer: Sendable, Equatable {
    /// E ||v_k phi(z_k) - v_l phi(z_l)||^2, how much what node k of A adds to the outputs differs from what node l of B
    /// adds: `[node of A, node of B]`. It does not change when a ReLU node is rescaled. Of more hidden layers v_k is column k of
    /// V_l(x), of each student its own: so layers are matched independently of each other.
    public let costs: Matrix
    /// The node of B that each node of A is matched with: the assignment of least total cost. `[node of A]`
    public let nodes: [Int]
    /// What each of them is scaled by to have the length of its partner's weights, `[node of A]`; 1 where one has none. Where that is
    /// a thousand times larger or smaller than what balances the two nodes, as for nodes of next to no weights, it is what
    /// balances them: then the weights and the bias of each times the fan-out of the other are equally large.
    public let scales: [Double]
  }

  /// The lowest first.
  public let layers: [Layer]
  /// B with its nodes in that order and scale: the same function.
  public let student: Student

  /// Matches B to A.
  ///
  /// - Shape: `inputs` is `[sample, feature]`.
  /// - Parameter sampleLimit: layers below the highest take at most so many inputs, evenly spread.
  /// - Throws: ``ShapeError`` if the students differ in shape or the inputs do not fit.
  /// - Complexity: O(samples x nodes x (features + nodes) + nodes^3); of a layer below the highest
  ///   O(sampleLimit x outputs x nodes^2).
  public init(of b: Student, to a: Student, over inputs: Matrix, sampleLimit: Int = 512) throws(ShapeError) {
    let (a, b) = (a.network, b.network)
    try checkJoinable(a, b)
    try checkInputs(inputs, fit: a)
    let lower =
      a.isTwoLayer ? [] : lowerCosts(a, b, over: evenlySpread(inputs, limit: sampleLimit))
    var (matched, layers) = (b, [Layer]())
    for (index, costs) in (lower + [highestCosts(a, b, over: inputs)]).enumerated() {
      guard costs.isFinite else {
        throw ShapeError("the students' outputs overflow on these inputs; scale inputs or weights down")
      }
      let nodes = minimumCostAssignment(costs).enumerated().map { $1 ?? $0 }
      // Of B with the layers below in their new order and scale.
      let norms = (Boundaries(of: a.layers[index]).norms, Boundaries(of: matched.layers[index]).norms)
      func sizes(of network: Network) -> [Double] {
        (0..<network.hiddenCounts[index]).map { euclideanNorm(network.layers[index].row($0)) }
      }
      let sizes = (sizes(of: a), sizes(of: matched))
      let fanOuts = (
        a.layers[index + 1].weights.transposed.rowNorms, matched.layers[index + 1].weights.transposed.rowNorms
      )
      let scales = nodes.enumerated().map { k, l -> Double in
        guard norms.0[k] > 0, norms.1[l] > 0 else { return 1 }
        let scale = norms.0[k] / norms.1[l]
        let ofSizes = sizes.0[k] / sizes.1[l]
        let ofFanOuts = fanOuts.0[k] > 0 && fanOuts.1[l] > 0 ? fanOuts.1[l] / fanOuts.0[k] : ofSizes
        // Half way, each node's weights meet the other's fan-out; with this scale the two products are equally large.
        let balanced = (ofSizes * ofFanOuts).squareRoot()
        return (1e-3...1e3).contains(scale / balanced) ? scale : balanced
      }
      matched = matched.keeping(nodes, of: index, scaledBy: scales)
      layers.append(Layer(costs: costs, nodes: nodes, scales: scales))
    }
    (self.layers, student) = (layers, Student(matched))
  }
}

/// The costs of the highest hidden layer, whose fan-outs are the output layer's weights for every input.
private func highestCosts(_ a: Network, _ b: Network, over inputs: Matrix) -> Matrix {
  let top = a.hiddenCounts.count - 1
  let count = a.hiddenCounts[top]
  var (ofA, ofB) = ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
  var mixed = Matrix(rowCount: count, columnCount: count)
  for block in SampleBlockSequence(inputs) {
    var first = a.activations(of: block.inputs, layers: top..<top + 1)[0]
    var second = b.activations(of: block.inputs, layers: top..<top + 1)[0]
    for k in 0..<count {
      for i in block.validCount..<sampleBlockWidth { (first[k, i], second[k, i]) = (0, 0) }
      ofA[k] += first.row(k).reduce(0) { $0 + $1 * $1 }
      ofB[k] += second.row(k).reduce(0) { $0 + $1 * $1 }
    }
    LinearAlgebra.multiply(first, second, transposingSecond: true, into: &mixed, scale: 1)
  }
  let fanOuts = (a.layers[top + 1].weights.transposed, b.layers[top + 1].weights.transposed)
  var costs = Matrix(rowCount: count, columnCount: count)
  for k in 0..<count {
    for l in 0..<count {
      let (v, u) = (fanOuts.0.row(k), fanOuts.1.row(l))
      let sum = dotProduct(v, v) * ofA[k] + dotProduct(u, u) * ofB[l] - 2 * dotProduct(v, u) * mixed[k, l]
      costs[k, l] = max(0, sum) / Double(inputs.rowCount)
    }
  }
  return costs
}

/// The costs of the hidden layers below the highest: what a node adds to the outputs is V_l(x), column k, times its activation.
private func lowerCosts(_ a: Network, _ b: Network, over inputs: Matrix) -> [Matrix] {
  let widths = a.hiddenCounts.dropLast()
  let carriers = [a, b].map { OutputJacobian<Double>($0) }
  var costs = widths.map { Matrix(rowCount: $0, columnCount: $0) }
  for block in SampleBlockSequence(inputs) {
    let z = [a.preactivations(of: block.inputs), b.preactivations(of: block.inputs)]
    for i in 0..<block.validCount {
      for side in 0...1 { carriers[side].carry(sample: 0, preactivations: z[side], column: i) }
      for layer in widths.indices {
        let added = (0...1).map { side -> Matrix in
          var matrix = carriers[side].fanOut(ofLayer: layer).transposed
          for k in 0..<matrix.rowCount {
            let f = a.activation(z[side][layer][k, i])
            for c in 0..<matrix.columnCount { matrix[k, c] *= f }
          }
          return matrix
        }
        for k in 0..<widths[layer] {
          for l in 0..<widths[layer] {
            costs[layer][k, l] += zip(added[0].row(k), added[1].row(l)).reduce(0) { sum, pair in
              sum + (pair.0 - pair.1) * (pair.0 - pair.1)
            }
          }
        }
      }
    }
  }
  return costs.map { $0.scaled(by: 1 / Double(inputs.rowCount)) }
}
