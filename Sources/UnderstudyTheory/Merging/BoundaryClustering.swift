import UnderstudyNetworks
import UnderstudyNumerics

/// Some nodes on one boundary, as one kink: `kink phi(row . (x, 1))` and an affine remainder.
struct KinkUnit {
  struct Member {
    var node: Int
    /// Relative to the strongest member, whose orientation is the unit's.
    var isOpposite: Bool
  }

  var members: [Member]
  /// (w, b) with ||w|| = 1, `[feature + 1]`.
  var row: [Double]
  /// sum v_k ||w_k||, `[output]`.
  var kink: [Double]
  /// The affine remainder, `[output, feature + 1]`; nil if no member is opposite.
  var remainder: Matrix?
  /// ||w|| of the strongest member: the scale that the unit is written in.
  var scale: Double
}

/// What merging looks at: a two-layer student's nodes, their pre-activations on the inputs and how their boundaries join.
struct BoundaryClustering {
  /// Boundaries further apart are not one boundary, whatever the data say.
  static let maximumEpsilon = 0.3

  let network: TwoLayerView
  let inputs: Matrix
  /// `[sample, output]`
  let outputs: Matrix
  /// Of the student, `[sample, node]`.
  let preactivations: Matrix
  /// Typical size of an input's coordinate: a bias of this size moves a boundary as far as a weight of size 1.
  let spread: Double
  /// Root mean square of an output: what absolute changes are told from.
  let scale: Double
  /// The inputs' mean; the origin for networks whose output layer has no biases, where a constant is no better than a
  /// slope.
  let middle: [Double]
  /// The largest distance of an input from the middle.
  let farthest: Double
  /// Nodes that have a boundary and contribute to an output on some input.
  let liveNodes: [Int]
  /// Nodes without a boundary that contribute a constant.
  let constantNodes: [Int]
  /// How the boundaries of the live nodes join; leaf i is `liveNodes[i]`.
  let linkage: BoundaryLinkage
  /// (w_k, b_k), `[node, feature + 1]`.
  let rows: Matrix
  /// v_k, `[node, output]`.
  let fanOut: Matrix

  init(_ network: TwoLayerView, over inputs: Matrix) throws(ShapeError) {
    try checkMergeable(network.network, over: inputs)
    self.network = network
    self.inputs = inputs
    outputs = try network.outputs(for: inputs)
    let count = network.nodeCount
    let z = network.hidden.preactivations(over: inputs)
    preactivations = z
    (spread, scale) = (inputs.typicalSize, outputs.typicalSize)
    var middle = [Double](repeating: 0, count: inputs.columnCount)
    if network.output.biases != nil {
      for i in 0..<inputs.rowCount {
        for f in middle.indices { middle[f] += inputs[i, f] / Double(inputs.rowCount) }
      }
    }
    self.middle = middle
    farthest = (0..<inputs.rowCount).reduce(0) { farthest, i in
      max(farthest, euclideanNorm(zip(inputs.row(i), middle).map { $0 - $1 }))
    }
    rows = Matrix((0..<count).map(network.row))
    let fanOut = network.output.weights.transposed
    self.fanOut = fanOut

    let boundaries = Boundaries(of: network.hidden)
    let slope = network.activation.negativeSlope
    let contributing = (0..<count).filter { k in
      fanOut.row(k).contains { $0 != 0 }
        && (slope > 0 ? z.column(k).contains { $0 != 0 } : z.column(k).contains { $0 > 0 })
    }
    let live = contributing.filter { boundaries.hasBoundary($0) }
    liveNodes = live
    constantNodes = contributing.filter { !boundaries.hasBoundary($0) }
    linkage = BoundaryLinkage(
      live.map { (boundaries, $0) }, maximumEpsilon: Self.maximumEpsilon, spread: spread)
  }

  var outputCount: Int { network.outputCount }
  var slope: Double { network.activation.negativeSlope }

  /// The coarsest groups that change no output by more than `limit` when each becomes one kink, and the largest epsilon
  /// that they join.
  ///
  /// - Parameter keepingRemainders: whether each group's affine remainder must be one of its own boundary, `p a`, up to a
  ///   constant. Two boundaries whose kinks are 0 join without a change however far apart they are, and their remainders
  ///   would be lost for the one that is left.
  func units(limit: Double, keepingRemainders: Bool) -> (units: [KinkUnit], epsilon: Double) {
    var (result, epsilon) = ([KinkUnit](), 0.0)
    var open = Array(linkage.roots.reversed())
    while let cluster = open.popLast() {
      let unit = kinkUnit(of: linkage.leaves(of: cluster).sorted())
      if let join = linkage.join(of: cluster) {
        // Three nodes may be one kink though no two of them are, so the whole cluster comes before its parts.
        guard change(by: unit, isAtMost: limit), !keepingRemainders || hasOwnRemainder(unit, limit: limit) else {
          open += [join.second, join.first]
          continue
        }
        epsilon = max(epsilon, join.epsilon)
      }
      result.append(unit)
    }
    return (result, epsilon)
  }

  /// ||v_k|| ||w_k||
  func strength(ofNode k: Int) -> Double { euclideanNorm(fanOut.row(k)) * euclideanNorm(rows.row(k).dropLast()) }

  /// The best single kink for some leaves of the linkage.
  private func kinkUnit(of leaves: [Int]) -> KinkUnit {
    let lead = leaves.max { strength(ofNode: liveNodes[$0]) < strength(ofNode: liveNodes[$1]) } ?? leaves[0]
    let members = leaves.map {
      KinkUnit.Member(node: liveNodes[$0], isOpposite: linkage.isOpposite[$0] != linkage.isOpposite[lead])
    }
    let leadNorm = euclideanNorm(rows.row(liveNodes[lead]).dropLast())
    guard members.count > 1 else {
      let node = liveNodes[lead]
      return KinkUnit(
        members: members, row: rows.row(node).map { $0 / leadNorm }, kink: fanOut.row(node).map { $0 * leadNorm },
        remainder: nil, scale: leadNorm)
    }
    let width = rows.columnCount
    var mean = [Double](repeating: 0, count: width)
    var size = 0.0
    for member in members {
      let sign = member.isOpposite ? -1.0 : 1
      let norm = euclideanNorm(fanOut.row(member.node))
      for f in 0..<width { mean[f] += norm * sign * rows[member.node, f] }
      size += norm * scaledNorm(rows.row(member.node))
    }
    let opposites = members.filter(\.isOpposite)
    let opposite = sumOfProducts(of: opposites, factor: -(1 + slope))
    let sum = sumOfProducts(of: members, factor: 1)
    let row = bestRow(of: sum, near: mean, size: size)
    let square = metric(row, row)
    let kink = (0..<outputCount).map { metric(Array(sum.row($0)), row) / square }
    return KinkUnit(
      members: members, row: row, kink: kink, remainder: opposites.isEmpty ? nil : opposite,
      scale: leadNorm)
  }

  /// `factor sum v_k (w_k, b_k)^T` over some nodes, each turned as its unit is, `[output, feature + 1]`.
  private func sumOfProducts(of members: [KinkUnit.Member], factor: Double) -> Matrix {
    guard !members.isEmpty else { return Matrix(rowCount: outputCount, columnCount: rows.columnCount) }
    let turned = Matrix(
      members.map { member in rows.row(member.node).map { (member.isOpposite ? -factor : factor) * $0 } })
    return LinearAlgebra.product(fanOut.rows(members.map(\.node)), transposingFirst: true, turned)
  }

  /// The length of a row (w, b) in the same sense as ``metric(_:_:)``.
  private func scaledNorm(_ row: ArraySlice<Double>) -> Double {
    euclideanNorm(row.dropLast().map { spread * $0 } + [row[row.endIndex - 1]])
  }

  /// The product of two rows (w, b) in which weights count as much as they move pre-activations on the inputs.
  private func metric(_ a: [Double], _ b: [Double]) -> Double {
    let last = a.count - 1
    return zip(a, b).dropLast().reduce(a[last] * b[last]) { $0 + spread * spread * $1.0 * $1.1 }
  }

  /// The row of the best factor of rank one of `sum`, scaled to ||w|| = 1 and turned as `mean`; `mean` itself where the
  /// sum is all but 0 or points elsewhere, as for fan-outs that cancel.
  private func bestRow(of sum: Matrix, near mean: [Double], size: Double) -> [Double] {
    func normalised(_ row: [Double]) -> [Double] {
      let norm = euclideanNorm(row.dropLast())
      return row.map { $0 / norm }
    }
    let reference = normalised(mean)
    var scaled = sum
    for c in 0..<sum.rowCount {
      for f in 0..<sum.columnCount - 1 { scaled[c, f] *= spread }
    }
    guard
      let (largest, direction) = scaled.leadingDirection(from: mean.dropLast().map { spread * $0 } + mean.suffix(1)),
      largest > 1e-13 * size
    else { return reference }
    var row = direction
    for f in 0..<row.count - 1 { row[f] /= spread }
    guard euclideanNorm(row.dropLast()) > 0 else { return reference }
    row = normalised(row)
    let cosine = dotProduct(row.dropLast(), reference.dropLast())
    guard abs(cosine) > 0.9 else { return reference }
    return cosine < 0 ? row.map { -$0 } : row
  }

  /// Whether a unit's affine remainder is a multiple of its pre-activation, up to a constant and a limit.
  private func hasOwnRemainder(_ unit: KinkUnit, limit: Double) -> Bool {
    guard var rest = unit.remainder else { return true }
    for c in 0..<outputCount {
      // ||w|| = 1
      let factor = dotProduct(rest.row(c).dropLast(), unit.row.dropLast())
      for f in unit.row.indices { rest[c, f] -= factor * unit.row[f] }
    }
    return isConstant(rest, limit: limit)
  }

  /// Whether a unit instead of its members changes no output on the inputs by more than a limit.
  ///
  /// - Complexity: O(samples x (features + members x outputs)); much less if the first samples say no.
  private func change(by unit: KinkUnit, isAtMost limit: Double) -> Bool {
    let (width, slots) = (inputs.columnCount, unit.members.count + 1)
    let row = Matrix([Array(unit.row.prefix(width))])
    let weights = fanOut.rows(unit.members.map(\.node)).appending(Matrix([unit.kink.map { -$0 }]))
    for (block, range) in GrowingBlocks(inputs) {
      let (first, count) = (range.lowerBound, range.count)
      let distances = LinearAlgebra.product(block, row, transposingSecond: true)
      var hidden: [Double] = []
      hidden.reserveCapacity(count * slots)
      for i in 0..<count {
        for member in unit.members {
          let z = preactivations[first + i, member.node]
          hidden.append(network.activation(member.isOpposite ? -z : z))
        }
        hidden.append(network.activation(distances.values[i] + unit.row[width]))
      }
      let differences = LinearAlgebra.product(
        Matrix(rowCount: count, columnCount: slots, values: hidden), weights)
      guard differences.values.allSatisfy({ abs($0) <= limit }) else { return false }
    }
    return true
  }
}

extension Matrix {
  /// The root mean square, about 0, of all elements; 1 where all are 0.
  var typicalSize: Double {
    let square = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
    return square > 0 ? square.squareRoot() : 1
  }

  /// The largest singular value and its right vector.
  ///
  /// Decompositions of hundreds of rows and columns take seconds, and what merges is nearly of rank one, where a few products
  /// find the vector: each divides the distance from it by the square of the ratio of the two largest singular values.
  ///
  /// - Parameter start: a row that is near the vector as a rule.
  fileprivate func leadingDirection(from start: [Double]) -> (value: Double, direction: [Double])? {
    guard min(rowCount, columnCount) > 64 else {
      return LinearAlgebra.singularValues(of: self).flatMap { svd in
        svd.values.first.map { ($0, Array(svd.right.row(0))) }
      }
    }
    guard isFinite else { return nil }
    var direction = Matrix(rowCount: 1, columnCount: columnCount, values: start)
    var image = Matrix(rowCount: rowCount, columnCount: 1)
    var value = 0.0
    for _ in 0..<60 {
      let norm = euclideanNorm(direction.values)
      guard norm > 0 else { return nil }
      let before = direction.values.map { $0 / norm }
      direction.values = before
      LinearAlgebra.multiply(self, direction, transposingSecond: true, into: &image)
      value = euclideanNorm(image.values)
      LinearAlgebra.multiply(image, transposingFirst: true, self, into: &direction)
      let length = euclideanNorm(direction.values)
      let change = euclideanNorm(zip(before, direction.values).map { $0 - $1 / length })
      if length == 0 || change < 1e-14 { break }
    }
    let norm = euclideanNorm(direction.values)
    return norm > 0 ? (value, direction.values.map { $0 / norm }) : nil
  }
}
