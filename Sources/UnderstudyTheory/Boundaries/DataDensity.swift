import UnderstudyNetworks
import UnderstudyNumerics

/// A lower bound of the eta of the data set assumption, `|D ∩ I(eps)| <= eta eps |D| + (d + 1)` for any hyperplane, and the
/// hyperplane that attains it.
public struct DensityBound: Sendable, Equatable {
  /// Where a hyperplane comes from.
  public enum Family: String, Sendable, CaseIterable {
    case teacherNodes, studentNodes
    /// Through the mean, normal to a principal direction of the inputs.
    case principalDirections
    /// Through d samples.
    case throughSamples
    /// Through a sample, with a random normal.
    case random
  }

  /// Planes through samples that are tried, and random planes, of each so many.
  public static let planeCount = 40

  /// eps, in units of the input.
  public var bandWidth: Double
  /// eta_hat, per unit of the input; at least 0.
  public var value: Double
  public var family: Family
  /// Which of its family, from 0.
  public var index: Int
  /// Samples in the band of that hyperplane.
  public var sampleCount: Int
  /// Hyperplanes that were tried.
  public var triedCount: Int
}

/// Principal directions, those of small variance first, to which planes are tried.
let principalPlaneLimit = 200

/// `eta_hat`, the largest `(|D ∩ I(eps)| - (d + 1)) / (eps |D|)` over a stated family of hyperplanes.
///
/// To find the worst of all hyperplanes is hard; any family gives a lower bound. This one holds the boundaries of all nodes,
/// planes through the mean normal to each principal direction (of small variance above all), planes through d samples, and
/// random planes through a sample. Of more than some hundred features, fewer of those that are dear to find. (A hyperplane has d degrees of freedom: d samples in general position determine it, and
/// none passes through d + 1 of them. The (d + 1) of the assumption allows for one more.)
///
/// - Shape: `inputs` is `[sample, feature]`.
/// - Throws: ``ShapeError`` if the inputs do not fit.
/// - Complexity: O(samples x hyperplanes x features + min(``DensityBound/planeCount`` x features^3, 2e9)).
/// - Source: Tian 2020, arXiv:1909.13458, data set assumption; the families are Understudy's.
public func densityBounds(
  over inputs: Matrix, diagnosis: InputDiagnosis, teacher: Teacher, student: Student, bandWidths: [Double]
) throws(ShapeError) -> [DensityBound] {
  try checkInputs(inputs, fit: teacher.network)
  var candidates: [(family: DensityBound.Family, index: Int, normal: [Double], offset: Double)] = []
  func add(_ family: DensityBound.Family, _ boundaries: Boundaries) {
    for node in 0..<boundaries.count where boundaries.hasBoundary(node) {
      candidates.append((family, node, Array(boundaries.directions.row(node)), boundaries.offsets[node]))
    }
  }
  add(.teacherNodes, Boundaries(of: teacher.network.layers[0]))
  add(.studentNodes, Boundaries(of: student.network.layers[0]))
  let d = inputs.columnCount
  for direction in 0..<min(d, principalPlaneLimit) {
    let normal = Array(diagnosis.principalDirections.row(direction))
    candidates.append((.principalDirections, direction, normal, -dotProduct(normal, diagnosis.mean[...])))
  }
  // The same planes whoever asks: they belong to the data.
  var stream = RandomStream(key: 1, purpose: .hyperplanes)
  for index in 0..<DensityBound.planeCount {
    let chosen = stream.integers(min(d, inputs.rowCount), below: inputs.rowCount).map { Int($0) }
    // Each takes a decomposition of d^3 operations.
    if Double(index + 1) * Double(d) * Double(d) * Double(d) <= 2e9, let plane = hyperplane(through: chosen, of: inputs)
    {
      candidates.append((.throughSamples, index, plane.normal, plane.offset))
    }
    let direction = stream.normals(d, standardDeviation: 1)
    let norm = euclideanNorm(direction)
    let normal = direction.map { $0 / norm }
    candidates.append((.random, index, normal, -dotProduct(normal, inputs.row(chosen[0]))))
  }

  let layer = NetworkLayer(weights: Matrix(candidates.map(\.normal)), biases: candidates.map(\.offset))
  var counts = [[Int]](repeating: [Int](repeating: 0, count: candidates.count), count: bandWidths.count)
  for block in SampleBlockSequence(inputs) {
    let distance = layer.preactivations(of: block.inputs)
    for (band, width) in bandWidths.enumerated() {
      for plane in candidates.indices {
        counts[band][plane] +=
          bits(of: distance.row(plane), valid: block.validCount) { abs($0) <= width }
          .nonzeroBitCount
      }
    }
  }
  return bandWidths.indices.map { band in
    let worst = candidates.indices.max { counts[band][$0] < counts[band][$1] } ?? 0
    let excess = Double(counts[band][worst] - (d + 1))
    return DensityBound(
      bandWidth: bandWidths[band], value: max(0, excess / (bandWidths[band] * Double(inputs.rowCount))),
      family: candidates[worst].family, index: candidates[worst].index, sampleCount: counts[band][worst],
      triedCount: candidates.count)
  }
}

/// The hyperplane that fits some samples best, in any unit of the inputs: through all of them if there are at most d. nil for
/// samples that are not finite.
private func hyperplane(through samples: [Int], of inputs: Matrix) -> (normal: [Double], offset: Double)? {
  // About their mean, d samples span d - 1 directions, and the last one is the normal.
  let rows = Centred(inputs.rows(samples))
  let gram = LinearAlgebra.product(rows.values, transposingFirst: true, rows.values)
  guard let normal = LinearAlgebra.symmetricEigen(gram)?.vectors.row(0) else { return nil }
  return (Array(normal), -dotProduct(normal, rows.mean))
}
