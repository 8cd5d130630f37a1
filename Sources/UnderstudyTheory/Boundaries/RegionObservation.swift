import UnderstudyNetworks
import UnderstudyNumerics

/// Which student nodes observe a teacher's boundaries within a region, exactly.
public struct RegionObservation: Sendable, Equatable {
  public let region: InputRegion
  public let studentCount: Int
  /// The largest pre-activation of each student node on each teacher node's boundary within the region; nil where the boundary
  /// misses the region. Row-major `[teacher node, student node]`.
  private let largest: [Double?]

  init(region: InputRegion, studentCount: Int, largest: [Double?]) {
    self.region = region
    self.studentCount = studentCount
    self.largest = largest
  }

  /// The largest z_k on dE*_j within the region; nil if the boundary misses the region. Above 0, the student node observes the
  /// teacher node: its activation region meets the boundary.
  public func largestPreactivation(ofStudent k: Int, onTeacher j: Int) -> Double? { largest[j * studentCount + k] }
}

/// Observation for all inputs of a region, in closed form: in a ball around 0 with `u = w*_j / ||w*_j||`, `x0 = -b*_j / ||w*_j||
/// u` and the part `w' = w_k - (w_k . u) u` along the boundary, the largest z_k on the boundary is `w_k . x0 + b_k + ||w'||
/// sqrt(R^2 - ||x0||^2)`; in a box it is a linear program with one equation.
///
/// - Throws: ``ShapeError`` if the student does not fit the teacher.
/// - Complexity: O(teacher nodes x student nodes x features), in a box times the logarithm of the features.
/// - Source: derived, see the derivation of observers.
public func observation(
  of teacher: Teacher, by student: Student, within region: InputRegion
) throws(ShapeError) -> RegionObservation {
  try checkPair(teacher, student)
  let boundaries = Boundaries(of: teacher.network.layers[0])
  let layer = student.network.layers[0]
  var largest: [Double?] = []
  for j in 0..<boundaries.count {
    for k in 0..<layer.nodeCount {
      largest.append(
        boundaries.hasBoundary(j)
          ? region.largest(
            layer.weights.row(k), bias: layer.biasesOrZeros[k], onNormal: boundaries.directions.row(j),
            offset: boundaries.offsets[j])
          : nil)
    }
  }
  return RegionObservation(region: region, studentCount: layer.nodeCount, largest: largest)
}
