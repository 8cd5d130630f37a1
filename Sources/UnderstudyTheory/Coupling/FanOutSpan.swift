import UnderstudyNetworks
import UnderstudyNumerics

/// How well the fan-out weights of some student nodes span the outputs, R^C: the hypothesis of the statement on student nodes that
/// are aligned with no teacher node, for those that observe such a node's boundary.
///
/// Fan-outs are divided by their lengths first, so that rescaling a node changes nothing. Where they span R^C, what a boundary
/// carries is at most `sqrt(sum over observers of d_k^2) / smallest`, if `d_k` is the size of its component along v_k: 0 where
/// the gradients vanish. A rank alone does not say how small gradients must be for that.
public struct FanOutSpan: Sendable, Equatable {
  /// Nodes with fan-out.
  public var nodeCount: Int
  /// Independent directions among their fan-outs, at most C; see ``FanOutRanks/rank(of:)``.
  public var rank: Int
  /// C.
  public var needed: Int
  /// The C-th and the largest singular value of the fan-outs divided by their lengths, `[node, output]`: the squares of all C add
  /// up to the number of nodes. The smallest is 0 for fewer than C nodes; below 1e-8 of the largest it is rounding.
  public var smallest: Double
  public var largest: Double

  public var isOfAllOutputs: Bool { rank >= needed }
}

extension FanOutSpan {
  /// - Parameter fanOuts: `[node, output]`, of any length.
  /// - Complexity: O(nodes x outputs x min(nodes, outputs)).
  init(_ fanOuts: Matrix) {
    let outputs = fanOuts.columnCount
    let rows = (0..<fanOuts.rowCount).compactMap { k -> [Double]? in
      let length = euclideanNorm(fanOuts.row(k))
      return length > 0 ? fanOuts.row(k).map { $0 / length } : nil
    }
    let squares = squaredSingularValues(
      Matrix(rowCount: rows.count, columnCount: outputs, values: rows.flatMap { $0 }))
    let largest = squares.last ?? 0
    self.init(
      nodeCount: rows.count, rank: rankOfSquares(squares), needed: outputs,
      smallest: squares.count < outputs ? 0 : max(0, squares.first ?? 0).squareRoot(),
      largest: max(0, largest).squareRoot())
  }
}

/// The squares of the singular values of a matrix, ascending, as many as its smaller side.
func squaredSingularValues(_ rows: Matrix) -> [Double] {
  let isTall = rows.rowCount > rows.columnCount
  let gram = LinearAlgebra.product(rows, transposingFirst: isTall, rows, transposingSecond: !isTall)
  return LinearAlgebra.symmetricEigenvalues(gram) ?? []
}

/// How many of them are no rounding of the largest.
func rankOfSquares(_ squares: [Double]) -> Int {
  let largest = squares.last ?? 0
  return squares.count { $0 > 1e-12 * largest }
}

/// Regions of each boundary in which its observers are looked for, of deeper networks.
let observedRegionLimit = 16

/// For each boundary of the student's lowest layer, how well the fan-out weights of the student nodes that observe it span the
/// outputs.
///
/// In two layers the observers of a boundary are the nodes that are active at some of the inputs in its band, or leaky. In deeper networks
/// fan-outs depend on the gates above, and the statement holds in each region of constant gates by itself: at each of the inputs in
/// the band (at most `regionLimit` of them, evenly spread) the observers are the nodes that are active there, and the span is the
/// worst of those inputs, by its smallest singular value. A ReLU node whose own boundary is the same does not observe it, because its
/// activation region only touches it. A leaky node observes every boundary from either side, its own as well.
///
/// - Parameters:
///   - groups: which boundaries are the same.
///   - observed: who is active in the band of each student node's boundary; see ``observation(of:by:over:bandWidth:)``.
/// - Shape: `inputs` is `[sample, feature]`; the result `[student node]`, nil for a node without a boundary, and one without
///   inputs in its band.
/// - Throws: ``ShapeError`` if the inputs do not fit the student.
/// - Complexity: O(nodes x (nodes x C min(nodes, C))) for two layers; for deeper networks that for each input, and
///   O(nodes x regionLimit x C x weights above the lowest layer).
/// - Source: Tian 2020, arXiv:1909.13458, unaligned student nodes; see the derivation of the zero-gradient statements.
func observerSpans(
  of student: Student, groups: BoundaryGroups, observed: BandObservation, over inputs: Matrix,
  regionLimit: Int = observedRegionLimit
) throws(ShapeError) -> [FanOutSpan?] {
  try checkInputs(inputs, fit: student.network)
  let boundaries = Boundaries(of: student.network.layers[0])
  let nodes = 0..<boundaries.count
  let isLeaky = student.network.activation.negativeSlope > 0
  func others(_ k: Int) -> [Int] {
    if isLeaky { return Array(nodes) }
    let own = groups.group(ofStudentNode: k)
    return nodes.filter { $0 != k && (own == nil || groups.group(ofStudentNode: $0) != own) }
  }
  if student.network.isTwoLayer {
    let fanOuts = student.network.fanOutWeights
    return nodes.map { k in
      guard boundaries.hasBoundary(k), observed.bandCounts[k] > 0 else { return nil }
      let seeing = others(k).filter { observed.gate(ofStudent: $0, atBoundary: k) > 0 }
      return FanOutSpan(fanOuts.rows(seeing))
    }
  }
  let carrier = OutputJacobian<Double>(student.network)
  let inBand = bandMembers(of: boundaries, over: inputs, width: observed.bandWidth, limit: regionLimit)
  return nodes.map { k in
    guard boundaries.hasBoundary(k) else { return nil }
    let candidates = others(k)
    let spans = inBand[k].map { sample in
      let block = inputs.transposedBlock(first: sample, count: padded(1))
      let z = student.network.preactivations(of: block)
      let fanOuts = carrier.lowest(preactivations: z, column: 0).transposed
      return FanOutSpan(fanOuts.rows(candidates.filter { isLeaky || z[0][$0, 0] > 0 }))
    }
    return spans.min { ($0.smallest, $0.rank) < ($1.smallest, $1.rank) }
  }
}

/// Samples within `width` of each boundary, at most `limit` of each, evenly spread.
private func bandMembers(of boundaries: Boundaries, over inputs: Matrix, width: Double, limit: Int) -> [[Int]] {
  var members = [[Int]](repeating: [], count: boundaries.count)
  for block in SampleBlockSequence(inputs) {
    let distance = boundaries.layer.preactivations(of: block.inputs)
    for k in members.indices where boundaries.hasBoundary(k) {
      for i in 0..<block.validCount where abs(distance[k, i]) <= width { members[k].append(block.first + i) }
    }
  }
  return members.map { all in
    let count = min(limit, all.count)
    return (0..<count).map { all[$0 * all.count / count] }
  }
}
