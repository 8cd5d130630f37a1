/// J = 1/2 E ||f*(x) - f(x)||^2 of networks of two layers over inputs x ~ N(0, s^2 I), and its gradient, without samples.
///
/// With a_i = v*_j for teacher nodes, a_i = -v_k for student nodes and e the difference of the output biases, the residual is
/// sum_i a_i phi(z_i) + e. So J is a quadratic form in the fan-outs of E[phi(z_i) phi(z_j)] and E[phi(z_i)], which have closed
/// forms (``RectifiedPair``), and derivatives by w_k follow by Stein's lemma, E[g(x) x] = s^2 E[grad g(x)]:
///
///     dJ/dw_k = s^2 sum_i a_k.a_i ( w_i E[phi'_k phi'_i] + w_k E[phi''_k phi_i] ) + s^2 (a_k.e) w_k E[phi''_k]
///
/// At a node of zero weights and zero bias, where J has a kink, the gradient is that of the negative side.
public struct GaussianObjective: Sendable, Hashable {
  /// Hidden and output layer.
  public let teacher: [LayerWeights]
  /// c, of both networks.
  public let negativeSlope: Double
  /// s, the standard deviation of each coordinate of the inputs.
  public let inputDeviation: Double
  private let nodes: [RectifiedNormal]
  private let norms: [Double]
  /// E ||f* - output biases||^2
  private let energy: Double

  /// - Precondition: a hidden and an output layer that fit each other, without normalisation.
  public init(teacher: [LayerWeights], negativeSlope: Double, inputDeviation: Double) {
    precondition(teacher.count == 2 && inputDeviation > 0, "two layers, and inputs that vary")
    (self.teacher, self.negativeSlope, self.inputDeviation) = (teacher, negativeSlope, inputDeviation)
    let norms = teacher[0].weights.rowNorms
    self.norms = norms
    nodes = rectified(teacher[0], norms: norms, negativeSlope, inputDeviation)
    let rows = teacher[0].weights
    let (products, alignments) = (gram(rows, rows), gram(teacher[1].weights.transposed, teacher[1].weights.transposed))
    var energy = 0.0
    for i in nodes.indices {
      energy += alignments[i, i] * RectifiedPair(nodes[i]).activations
      for j in nodes.indices where j > i {
        let correlation = NormalCorrelation(
          product: products[i, j], norms: (norms[i], norms[j]), (rows.row(i), rows.row(j)))
        energy += 2 * alignments[i, j] * RectifiedPair(nodes[i], nodes[j], correlation).activations
      }
    }
    self.energy = energy
  }

  /// J and its gradient by all weights and biases of a student.
  ///
  /// - Shape: the gradients are of the student's layers, `[node, input]` and `[node]`; of a layer without biases it has none.
  /// - Precondition: a student of two layers with the teacher's inputs and outputs.
  /// - Complexity: O(n (n + m) (d + C)), and n (n + m) pairs of some 0.6 microseconds. J is exact to about 1e-15 of E ||f*||^2,
  ///   and never below 0.
  public func evaluate(_ student: [LayerWeights]) -> (loss: Double, gradients: [LayerWeights]) {
    precondition(student.count == 2, "two layers")
    let (n, m) = (student[0].weights.rowCount, teacher[0].weights.rowCount)
    let rows = student[0].weights.appending(teacher[0].weights)
    let fanOuts = student[1].weights.transposed.scaled(by: -1).appending(teacher[1].weights.transposed)
    let ownNorms = student[0].weights.rowNorms
    let nodes = rectified(student[0], norms: ownNorms, negativeSlope, inputDeviation) + self.nodes
    let norms = ownNorms + self.norms
    let (products, alignments) = (gram(student[0].weights, rows), gram(fanOuts.prefix(rows: n), fanOuts))
    let outputCount = student[1].weights.rowCount
    let (own, given) = (student[1].biases, teacher[1].biases)
    let e = (0..<outputCount).map { (given?[$0] ?? 0) - (own?[$0] ?? 0) }

    var moments = Matrix(rowCount: n, columnCount: n + m)
    var gates = Matrix(rowCount: n, columnCount: n + m)
    // Sums over i of a_k . a_i E[phi'_k phi_i] and of a_k . a_i E[phi''_k phi_i].
    var (slopes, curvatures) = ([Double](repeating: 0, count: n), [Double](repeating: 0, count: n))
    var loss = energy + dotProduct(e, e)
    for k in 0..<n {
      for i in k..<(n + m) {
        let pair =
          i == k
          ? RectifiedPair(nodes[k])
          : RectifiedPair(
            nodes[k], nodes[i],
            NormalCorrelation(product: products[k, i], norms: (norms[k], norms[i]), (rows.row(k), rows.row(i))))
        let alignment = alignments[k, i]
        (moments[k, i], gates[k, i]) = (pair.activations, alignment * pair.slopes)
        slopes[k] += alignment * pair.slopeOfFirst
        curvatures[k] += alignment * pair.curvatureOfFirst
        loss += (i == k ? 1 : 2) * alignment * pair.activations
        guard i > k, i < n else { continue }
        (moments[i, k], gates[i, k]) = (pair.activations, alignment * pair.slopes)
        slopes[i] += alignment * pair.slopeOfSecond
        curvatures[i] += alignment * pair.curvatureOfSecond
      }
    }

    let pulls = (0..<(n + m)).map { dotProduct(fanOuts.row($0), e) }
    for i in 0..<(n + m) { loss += 2 * pulls[i] * nodes[i].activation }
    var (lower, upper) = (product(gates, rows), product(moments, fanOuts))
    let variance = inputDeviation * inputDeviation
    for k in 0..<n {
      let own = curvatures[k] + pulls[k] * nodes[k].curvature
      for f in 0..<lower.columnCount { lower[k, f] = variance * (lower[k, f] + own * student[0].weights[k, f]) }
      for o in 0..<outputCount { upper[k, o] = -(upper[k, o] + nodes[k].activation * e[o]) }
    }
    let outputBiases = (0..<outputCount).map { o in
      -(0..<(n + m)).reduce(e[o]) { $0 + fanOuts[$1, o] * nodes[$1].activation }
    }
    let gradients = [
      LayerWeights(
        weights: lower,
        biases: student[0].biases.map { _ in (0..<n).map { slopes[$0] + pulls[$0] * nodes[$0].slope } }),
      LayerWeights(weights: upper.transposed, biases: own.map { _ in outputBiases }),
    ]
    return (max(0, loss / 2), gradients)
  }
}

private func rectified(
  _ layer: LayerWeights, norms: [Double], _ negativeSlope: Double, _ deviation: Double
) -> [RectifiedNormal] {
  norms.indices.map {
    RectifiedNormal(mean: layer.biases?[$0] ?? 0, deviation: deviation * norms[$0], negativeSlope: negativeSlope)
  }
}

/// Scalar products of rows, `[row of a, row of b]`.
private func gram(_ a: Matrix, _ b: Matrix) -> Matrix { product(a, b.transposed) }
