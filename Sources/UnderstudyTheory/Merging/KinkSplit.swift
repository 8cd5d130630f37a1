import UnderstudyNetworks
import UnderstudyNumerics

/// Which kinks are kept and which are left out, and the affine map that their absence and the opposite members leave.
struct Split {
  var kept: [KinkUnit] = []
  var leftOut: [KinkUnit] = []
  /// `[output, feature + 1]`
  var remainder: Matrix
  private var keptReaches: [Reach] = []
  private var leftOutReaches: [Reach] = []

  /// - Parameter includingAffine: whether kinks are left out that are not small but have all samples on one side.
  init(_ material: BoundaryClustering, _ kinks: [KinkUnit], reaches: [Reach], limit: Double, includingAffine: Bool) {
    remainder = Matrix(rowCount: material.outputCount, columnCount: material.rows.columnCount)
    let slope = material.slope
    // Without its kink a unit is c s a or s a, and off by (1 - c) s a on the other side.
    let options = kinks.indices.map { g -> (effect: Double, slope: Double, index: Int) in
      let size = (1 - slope) * kinks[g].kink.reduce(0) { max($0, abs($1)) }
      let (asBelow, asAbove) = (size * reaches[g].above, size * reaches[g].below)
      let isFree = asBelow <= asAbove && slope == 0
      guard includingAffine || isFree || max(asBelow, asAbove) <= limit else { return (.infinity, 0, g) }
      return asBelow <= asAbove ? (asBelow, slope, g) : (asAbove, 1, g)
    }.sorted { ($0.effect, $0.index) < ($1.effect, $1.index) }
    var spent = 0.0
    var slopes = [Int: Double]()
    for option in options {
      spent += option.effect
      guard spent <= limit else { break }
      slopes[option.index] = option.slope
    }
    for (g, kink) in kinks.enumerated() {
      for i in remainder.values.indices { remainder.values[i] += kink.remainder?.values[i] ?? 0 }
      guard let slope = slopes[g] else {
        kept.append(kink)
        keptReaches.append(reaches[g])
        continue
      }
      leftOut.append(kink)
      leftOutReaches.append(reaches[g])
      for c in 0..<material.outputCount {
        for f in kink.row.indices { remainder[c, f] += slope * kink.kink[c] * kink.row[f] }
      }
    }
  }

  /// Of a kink, numbered through those kept and those left out.
  func reach(_ index: Int) -> Reach {
    index < kept.count ? keptReaches[index] : leftOutReaches[index - kept.count]
  }
}

/// How far the samples lie on either side of a boundary, in units of the input.
struct Reach {
  var above: Double
  var below: Double
}

extension BoundaryClustering {
  func reaches(of kinks: [KinkUnit]) -> [Reach] {
    guard !kinks.isEmpty else { return [] }
    let normals = Matrix(kinks.map(\.row)).prefix(columns: inputs.columnCount)
    let distances = LinearAlgebra.product(inputs, normals, transposingSecond: true)
    var reaches = [Reach](repeating: Reach(above: 0, below: 0), count: kinks.count)
    for i in 0..<inputs.rowCount {
      for (g, kink) in kinks.enumerated() {
        let a = distances[i, g] + kink.row[inputs.columnCount]
        reaches[g].above = max(reaches[g].above, a)
        reaches[g].below = max(reaches[g].below, -a)
      }
    }
    return reaches
  }

  /// Whether an affine map, `[output, feature + 1]`, is the same on all inputs up to a limit.
  func isConstant(_ affine: Matrix, limit: Double) -> Bool {
    let linear = affine.prefix(columns: inputs.columnCount)
    if (0..<linear.rowCount).allSatisfy({ euclideanNorm(linear.row($0)) * farthest <= limit }) { return true }
    let atMiddle = (0..<linear.rowCount).map { dotProduct(linear.row($0), middle) }
    let values = LinearAlgebra.product(inputs, linear, transposingSecond: true)
    return (0..<inputs.rowCount).allSatisfy { i in
      zip(values.row(i), atMiddle).allSatisfy { abs($0 - $1) <= limit }
    }
  }
}
