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

  /// tau = |D ∩ I(eps)| / (eps |D|): how densely the data lie around each boundary, in samples per sample and unit of the
  /// input. `[boundary]`.
  public var tau: [Double] { bandCounts.map { Double($0) / (bandWidth * Double(sampleCount)) } }

  /// The student nodes that observe a boundary: those with kappa > 0.
  public func observers(of boundary: Int) -> [Int] {
    (0..<kappa.columnCount).filter { kappa[boundary, $0] > 0 }
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
  return BandObservation(bandWidth: bandWidth, sampleCount: inputs.rowCount, bandCounts: counts, kappa: active)
}

extension Boundaries {
  /// A layer whose pre-activations are signed distances from the boundaries.
  var layer: NetworkLayer { NetworkLayer(weights: directions, biases: offsets) }
}

/// Which student nodes observe a teacher's boundaries within the ball `||x|| <= radius`, exactly.
public struct BallObservation: Sendable, Equatable {
  public let radius: Double
  public let studentCount: Int
  /// The largest pre-activation of each student node on each teacher node's boundary within the ball; nil where the boundary
  /// misses the ball. Row-major `[teacher node, student node]`.
  private let largest: [Double?]

  init(radius: Double, studentCount: Int, largest: [Double?]) {
    self.radius = radius
    self.studentCount = studentCount
    self.largest = largest
  }

  /// The largest z_k on dE*_j within the ball; nil if the boundary misses the ball.
  public func largestPreactivation(ofStudent k: Int, onTeacher j: Int) -> Double? { largest[j * studentCount + k] }

  /// Whether student node k observes teacher node j: its activation region meets the boundary within the ball.
  public func observes(student k: Int, teacher j: Int) -> Bool { (largest[j * studentCount + k] ?? 0) > 0 }
}

/// Observation for all inputs of a ball, in closed form: with `u = w*_j / ||w*_j||`, `x0 = -b*_j / ||w*_j|| u` and the part
/// `w' = w_k - (w_k . u) u` along the boundary, the largest z_k on the boundary is `w_k . x0 + b_k + ||w'|| sqrt(R^2 -
/// ||x0||^2)`.
///
/// - Units: `radius` R > 0 in units of the input.
/// - Throws: ``ShapeError`` if the student does not fit the teacher.
/// - Complexity: O(teacher nodes x student nodes x features).
/// - Source: derived, see the derivation of observers.
public func observation(
  of teacher: Teacher, by student: Student, withinRadius radius: Double
) throws(ShapeError) -> BallObservation {
  try checkPair(teacher, student)
  let boundaries = Boundaries(of: teacher.network.layers[0])
  let layer = student.network.layers[0]
  var largest: [Double?] = []
  for j in 0..<boundaries.count {
    // x0 = -offset u is the point of the boundary that is nearest to the origin.
    let offset = boundaries.offsets[j]
    let reach = radius * radius - offset * offset
    for k in 0..<layer.nodeCount {
      guard boundaries.hasBoundary(j), reach >= 0 else {
        largest.append(nil)
        continue
      }
      let (u, w) = (boundaries.directions.row(j), layer.weights.row(k))
      let along = dotProduct(w, u)
      let across = euclideanNorm(zip(w, u).map { $0 - along * $1 })
      largest.append(-offset * along + layer.biasesOrZeros[k] + across * reach.squareRoot())
    }
  }
  return BallObservation(radius: radius, studentCount: layer.nodeCount, largest: largest)
}
