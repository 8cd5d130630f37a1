import UnderstudyNetworks
import UnderstudyNumerics

/// What inputs of a region show of a student's gradients in the lowest layer, g_k(x) = phi'(z_k) v_k . (f*(x) - f(x)): a bound
/// from below, beside that of ``RegionGradient`` from above.
public struct FoundGradients: Sendable, Equatable {
  /// Inputs that fill the region evenly, over which shares are taken.
  public var inputCount: Int
  /// Whether no input of the region has a larger gradient than `largest`: in the plane, where all cells can be gone through, if
  /// that takes a minute or so at most.
  public var isExact: Bool
  /// The largest |g_k| found, `[student node]`; output^2 / activation.
  public var largest: [Double]
  /// Shares of the inputs at which each student node is active, 0...1, `[student node]`.
  public var activeShares: [Double]
  /// Of those, the share at which |g_k| is at most the tolerance, 0...1; 0 where there are none. `[student node]`.
  public var vanishingShares: [Double]
}

/// Looks for the largest gradients in a region: at inputs that fill it evenly, and in the plane at the corners of all cells
/// between boundaries, where piecewise linear functions have their extremes.
struct GradientSearch {
  let region: InputRegion
  let teacher: TwoLayerView
  let student: TwoLayerView
  private let fanOuts: Matrix
  private var largest: [Double]
  /// Multiplications that the corners of all cells may take: some 2000 boundaries of three outputs.
  static let planeLimit = 3e10

  init(of student: Student, learning teacher: Teacher, within region: InputRegion) throws(ShapeError) {
    (self.teacher, self.student) = (try TwoLayerView(teacher.network), try TwoLayerView(student.network))
    self.region = region
    fanOuts = student.network.fanOutWeights
    largest = [Double](repeating: 0, count: self.student.nodeCount)
  }

  /// - Parameters:
  ///   - inputs: that fill the region evenly, `[input, feature]`.
  ///   - tolerances: up to which gradients count as 0, `[student node]`.
  /// - Complexity: O(inputs x weights), and in the plane O((teacher + student nodes)^2 x weights) up to `planeLimit`.
  mutating func found(over inputs: Matrix, tolerances: [Double]) throws(ShapeError) -> FoundGradients {
    let count = student.nodeCount
    var (active, vanishing) = ([Int](repeating: 0, count: count), [Int](repeating: 0, count: count))
    try forEachGradient(at: inputs) { k, z, gradient in
      largest[k] = max(largest[k], gradient)
      guard z > 0 else { return }
      active[k] += 1
      if gradient <= tolerances[k] { vanishing[k] += 1 }
    }
    let boundaryCount = Double(teacher.nodeCount + count)
    let isPlane =
      student.inputCount == 2
      && boundaryCount * boundaryCount * boundaryCount * Double(student.outputCount + 1) <= Self.planeLimit
    if isPlane { try searchPlane() }
    return FoundGradients(
      inputCount: inputs.rowCount, isExact: isPlane, largest: largest,
      activeShares: active.map { Double($0) / Double(inputs.rowCount) },
      vanishingShares: zip(vanishing, active).map { $1 > 0 ? Double($0) / Double($1) : 0 })
  }

  /// Calls with each node's pre-activation and |gradient| at each input. On a node's own boundary its gradient is the limit from
  /// where it is active, if it is active anywhere in the region.
  ///
  /// - Parameter isOf: told a node and what its |gradient| is if it is active; where false, it is passed over.
  private func forEachGradient(
    at inputs: Matrix, where isOf: (Int, Double) -> Bool = { _, _ in true }, _ body: (Int, Double, Double) -> Void
  ) throws(ShapeError) {
    let slope = student.activation.negativeSlope
    let rows = (0..<student.nodeCount).map(student.row)
    let radius = region.radius(featureCount: student.inputCount) + abs(region.center)
    let rounding = rows.map { row in
      let (weights, bias) = (row.dropLast(), row[row.count - 1])
      let isActive = region.valueAtCenter(weights, bias: bias) + region.reach(along: weights) > 0
      return isActive ? 1e-12 * (radius * euclideanNorm(weights) + abs(bias)) : -Double.leastNonzeroMagnitude
    }
    for start in stride(from: 0, to: inputs.rowCount, by: 4096) {
      let block = inputs.rows(start..<min(start + 4096, inputs.rowCount))
      let (given, own) = (try teacher.network.outputs(for: block), try student.network.outputs(for: block))
      var residuals = given
      for i in residuals.values.indices { residuals.values[i] -= own.values[i] }
      let products = LinearAlgebra.product(residuals, fanOuts, transposingSecond: true)
      for i in 0..<block.rowCount {
        for (k, row) in rows.enumerated() where isOf(k, abs(products[i, k])) {
          let z = dotProduct(row.dropLast(), block.row(i), from: row[row.count - 1])
          body(k, z, abs(products[i, k]) * (z >= -rounding[k] ? 1 : slope))
        }
      }
    }
  }

  // MARK: - The plane

  private mutating func searchPlane() throws(ShapeError) {
    let lines = [teacher, student].flatMap { view -> [PlaneLine] in
      let boundaries = Boundaries(of: view.hidden)
      return (0..<boundaries.count).filter(boundaries.hasBoundary).map {
        PlaneLine(u: boundaries.directions[$0, 0], v: boundaries.directions[$0, 1], offset: boundaries.offsets[$0])
      }
    }
    var found = largest
    func look(at corners: [[Double]]) throws(ShapeError) {
      guard !corners.isEmpty else { return }
      try forEachGradient(
        at: Matrix(corners), where: { k, gradient in gradient > found[k] },
        { k, _, gradient in found[k] = max(found[k], gradient) })
    }
    var (edge, inner) = (region.planeCorners, [[Double]]())
    for (index, line) in lines.enumerated() {
      edge += region.crossings(of: line)
      inner += lines.dropFirst(index + 1).compactMap(line.crossing).filter { region.hasInPlane($0) }
      // Not all at once, because they are the square of the boundaries.
      if inner.count >= 1 << 16 {
        try look(at: inner)
        inner = []
      }
    }
    try look(at: inner)
    if case .ball(let radius) = region { edge += extremesOfArcs(edge, radius: radius) }
    try look(at: edge)
    largest = found
  }

  /// Between two neighbouring crossings of the circle everything is affine, and largest at the crossings or where the gradient
  /// points, if that is between them.
  private func extremesOfArcs(_ crossings: [[Double]], radius: Double) -> [[Double]] {
    let full = 2 * Double.pi
    var angles = crossings.map { angle(of: $0[0], $0[1]) }.sorted()
    if angles.isEmpty { angles = [0] }
    var result: [[Double]] = []
    for (start, next) in zip(angles, angles.dropFirst() + [angles[0] + full]) {
      let middle = (start + next) / 2
      let slopes = residualSlopes(at: [radius * cosine(middle), radius * sine(middle)])
      for k in 0..<student.nodeCount {
        let gradient = slopes.map { dotProduct(fanOuts.row(k), $0) }
        let norm = euclideanNorm(gradient)
        guard norm > 0 else { continue }
        for sign in [1.0, -1.0] {
          let extreme = gradient.map { sign * radius * $0 / norm }
          let past = (angle(of: extreme[0], extreme[1]) - start).truncatingRemainder(dividingBy: full)
          if (past < 0 ? past + full : past) < next - start { result.append(extreme) }
        }
      }
    }
    return result
  }
}

extension GradientSearch {
  /// The derivatives of f* - f by both coordinates where the gates are those at x, of each output.
  fileprivate func residualSlopes(at x: [Double]) -> [[Double]] {
    var slopes = [[Double]](repeating: [Double](repeating: 0, count: student.outputCount), count: 2)
    for (view, sign) in [(teacher, 1.0), (student, -1.0)] {
      for node in 0..<view.nodeCount {
        let (row, fanOut) = (view.row(node), view.fanOut(node))
        let gate = row[0] * x[0] + row[1] * x[1] + row[2] > 0 ? sign : sign * view.activation.negativeSlope
        for c in fanOut.indices {
          for f in 0..<2 { slopes[f][c] += gate * fanOut[c] * row[f] }
        }
      }
    }
    return slopes
  }
}

/// u x + v y + offset = 0 with a unit normal.
struct PlaneLine {
  var u: Double
  var v: Double
  var offset: Double

  /// Where another one crosses; nil for parallel ones.
  func crossing(_ other: PlaneLine) -> [Double]? {
    let determinant = u * other.v - v * other.u
    guard abs(determinant) > 1e-14 else { return nil }
    return [
      (v * other.offset - other.v * offset) / determinant, (other.u * offset - u * other.offset) / determinant,
    ]
  }
}

extension InputRegion {
  fileprivate var planeCorners: [[Double]] {
    guard case .box(let lowest, let highest) = self else { return [] }
    return [[lowest, lowest], [lowest, highest], [highest, lowest], [highest, highest]]
  }

  /// Where a line leaves the region.
  fileprivate func crossings(of line: PlaneLine) -> [[Double]] {
    switch self {
    case .ball(let radius):
      let reach = radius * radius - line.offset * line.offset
      guard reach >= 0 else { return [] }
      return [reach.squareRoot(), -reach.squareRoot()].map { t in
        [-line.offset * line.u - t * line.v, -line.offset * line.v + t * line.u]
      }
    case .box(let lowest, let highest):
      let edges = [lowest, highest].flatMap {
        [PlaneLine(u: 1, v: 0, offset: -$0), PlaneLine(u: 0, v: 1, offset: -$0)]
      }
      return edges.compactMap(line.crossing).filter(hasInPlane)
    }
  }

  /// Up to rounding.
  fileprivate func hasInPlane(_ x: [Double]) -> Bool {
    switch self {
    case .ball(let radius): euclideanNorm(x) <= radius * (1 + 1e-12)
    case .box(let lowest, let highest):
      x.allSatisfy { abs($0 - center) <= (highest - lowest) / 2 * (1 + 1e-12) }
    }
  }
}
