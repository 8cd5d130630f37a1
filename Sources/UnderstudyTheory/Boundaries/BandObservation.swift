import UnderstudyNetworks
import UnderstudyNumerics

/// Which student nodes observe some boundaries on a data set, within a band around each: `I(eps) = { x : |w . x + b| <= eps }`
/// with `||w|| = 1`.
public struct BandObservation: Sendable, Equatable {
  /// eps, in units of the input.
  public let bandWidth: Double
  public let sampleCount: Int
  /// Samples in the band of each boundary, `[boundary]`; 0 for a node without a boundary.
  public var bandCounts: [Int]
  /// kappa: of the samples in a boundary's band, the share at which a student node is active; 0 for an empty band.
  /// `[boundary, student node]`.
  public var kappa: Matrix
  /// c of the student nodes; 0 for ReLU.
  public let negativeSlope: Double

  /// tau = |D ∩ I(eps)| / (eps |D|): how densely the data lie around each boundary, in samples per sample and unit of the
  /// input. `[boundary]`.
  public var tau: [Double] { bandCounts.map { Double($0) / (bandWidth * Double(sampleCount)) } }

  /// The largest phi'(z_k) at samples in a boundary's band, by which the gradient of student node k has its kink: 1 where it is
  /// active at one of them, else c; 0 for an empty band.
  public func gate(ofStudent k: Int, atBoundary boundary: Int) -> Double {
    kappa[boundary, k] > 0 ? 1 : bandCounts[boundary] > 0 ? negativeSlope : 0
  }

  /// The student nodes that observe a boundary: those with kappa > 0, and all leaky ones.
  public func observers(of boundary: Int) -> [Int] {
    (0..<kappa.columnCount).filter { gate(ofStudent: $0, atBoundary: boundary) > 0 }
  }
}

/// For each student node, the share of the samples near each boundary at which the student node is active (kappa).
///
/// - Parameters:
///   - boundaries: of a teacher's nodes as a rule; of the student's own to ask who observes an unaligned node.
///   - bandWidth: eps > 0, in units of the input.
/// - Shape: `inputs` is `[sample, feature]`; kappa is `[boundary, student node]`.
/// - Units: share of the samples in the band, 0...1; an empty band gives 0 and is told by `bandCounts`.
/// - Throws: ``ShapeError`` if the inputs do not fit the student.
/// - Complexity: O(samples x (boundaries + student nodes) x features), and a word operation for 64 samples and pair.
/// - Source: Tian 2020, arXiv:1909.13458, definition of observation on finite data.
public func observation(
  of boundaries: Boundaries, by student: Student, over inputs: Matrix, bandWidth: Double
) throws(ShapeError) -> BandObservation {
  precondition(bandWidth > 0)
  try checkInputs(inputs, fit: student.network)
  let (m, n) = (boundaries.count, student.network.hiddenCounts[0])
  let distances = boundaries.layer
  var counts = [Int](repeating: 0, count: m)
  var active = Matrix(rowCount: m, columnCount: n)
  for block in SampleBlockSequence(inputs) {
    let studentGates = gates(of: student.network.preactivations(of: block.inputs, layer: 0), valid: block.validCount)
    let distance = distances.preactivations(of: block.inputs)
    for j in 0..<m where boundaries.hasBoundary(j) {
      let band = bits(of: distance.row(j), valid: block.validCount) { abs($0) <= bandWidth }
      guard band != 0 else { continue }
      counts[j] += band.nonzeroBitCount
      for k in 0..<n { active[j, k] += Double((band & studentGates[k]).nonzeroBitCount) }
    }
  }
  for j in 0..<m where counts[j] > 0 {
    for k in 0..<n { active[j, k] /= Double(counts[j]) }
  }
  return BandObservation(
    bandWidth: bandWidth, sampleCount: inputs.rowCount, bandCounts: counts, kappa: active,
    negativeSlope: student.network.activation.negativeSlope)
}

extension Boundaries {
  /// A layer whose pre-activations are signed distances from the boundaries.
  var layer: NetworkLayer { NetworkLayer(weights: directions, biases: offsets) }
}
