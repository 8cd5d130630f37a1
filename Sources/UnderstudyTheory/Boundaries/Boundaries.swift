import UnderstudyNetworks
import UnderstudyNumerics

/// The boundaries of a layer's nodes, `w . x + b = 0`, normalised by their non-bias weights: `(w, b) / ||w||`.
///
/// A boundary has two orientations, `(w, b)` and `(-w, -b)`; here each node keeps its own.
public struct Boundaries: Sendable, Equatable {
  /// `[node, feature]`, unit rows; a node without a boundary has a row of zeros.
  public let directions: Matrix
  /// b / ||w||, the signed distance of the origin from the boundary, `[node]`, in units of the input; 0 without a boundary.
  public let offsets: [Double]
  /// ||w||, `[node]`.
  public let norms: [Double]
  private let exists: [Bool]

  public init(of layer: NetworkLayer) {
    var directions = layer.weights
    var offsets = layer.biases ?? [Double](repeating: 0, count: layer.nodeCount)
    var exists: [Bool] = []
    let norms = layer.weights.rowNorms
    for (node, norm) in norms.enumerated() {
      exists.append(norm > 0 && (offsets[node] / norm).isFinite)
      for feature in 0..<layer.inputCount {
        directions[node, feature] = exists[node] ? directions[node, feature] / norm : 0
      }
      offsets[node] = exists[node] ? offsets[node] / norm : 0
    }
    self.norms = norms
    self.exists = exists
    self.directions = directions
    self.offsets = offsets
  }

  public var count: Int { norms.count }

  /// Whether the node has weights besides its bias; and not so faint ones that its boundary is at infinity, where no number
  /// says how far away it is.
  public func hasBoundary(_ node: Int) -> Bool { exists[node] }

  /// The smallest eps for which each two of these boundaries are eps-aligned, `[node, node]`, in units of the input;
  /// infinite where one of them is none.
  func distances(spread: Double) -> Matrix {
    var result = Matrix(rowCount: count, columnCount: count)
    for a in 0..<count {
      for b in 0..<count { result[a, b] = relation(of: a, to: self, b)?.epsilon(spread: spread) ?? .infinity }
    }
    return result
  }

  /// How near two boundaries are, up to their orientation; nil if one of the nodes has none.
  func relation(of node: Int, to other: Boundaries, _ otherNode: Int) -> BoundaryRelation? {
    guard hasBoundary(node), other.hasBoundary(otherNode) else { return nil }
    let (a, b) = (directions.row(node), other.directions.row(otherNode))
    let (sine, isOpposite) = sineOfAngle(a, b)
    return BoundaryRelation(
      sine: sine, offsetDifference: abs(offsets[node] - (isOpposite ? -1 : 1) * other.offsets[otherNode]),
      isOpposite: isOpposite)
  }
}

/// The sine of the angle between two lines through the origin, given by unit vectors, and whether these point to opposite sides.
func sineOfAngle(_ a: some Sequence<Double>, _ b: some Sequence<Double>) -> (sine: Double, isOpposite: Bool) {
  let isOpposite = dotProduct(a, b) < 0
  let sign = isOpposite ? -1.0 : 1.0
  // The length of the chord between the unit vectors is 2 sin(theta / 2), and sin(theta) = 2 sin(theta / 2)
  // cos(theta / 2). The square root of 1 - cos^2 would lose half of the digits of a small angle.
  let squaredChord = zip(a, b).reduce(0) { $0 + ($1.0 - sign * $1.1) * ($1.0 - sign * $1.1) }
  return ((squaredChord * max(0, 1 - squaredChord / 4)).squareRoot(), isOpposite)
}

/// How near two boundaries are.
public struct BoundaryRelation: Sendable, Equatable {
  /// sin of the angle between the two hyperplanes, 0...1.
  public var sine: Double
  /// |b_j - b_k| of the normalised boundaries, in units of the input, for the orientations that fit better.
  public var offsetDifference: Double
  /// Whether the normals point to opposite sides: the nodes share a boundary and are active on either side of it.
  public var isOpposite: Bool

  /// The smallest eps for which the two are eps-aligned, in units of the input: `spread sin(theta) <= eps` and
  /// `|b_j - b_k| <= eps`.
  ///
  /// The sine has no unit and eps has the input's. Times the spread it is how far apart the tilt takes the two boundaries over
  /// the inputs, so that inputs in other units, with weights that go with them, are aligned for the same band.
  ///
  /// - Parameter spread: of the inputs, see ``inputSpread(of:)``; 1 is the paper's definition, made for inputs of about
  ///   that size.
  public func epsilon(spread: Double) -> Double { max(spread * sine, offsetDifference) }
}

/// The eps-alignment of the lowest layers of a teacher and a student, for every pair of nodes that have boundaries.
public struct BoundaryAlignment: Sendable, Equatable {
  public let teacherCount: Int
  public let studentCount: Int
  /// Of the inputs: what sines are multiplied by to be lengths, see ``BoundaryRelation/epsilon(spread:)``.
  public let spread: Double
  /// Row-major `[teacher node, student node]`; nil where one of them has no boundary.
  private let relations: [BoundaryRelation?]

  init(teacher: Boundaries, student: Boundaries, spread: Double) {
    teacherCount = teacher.count
    studentCount = student.count
    self.spread = spread
    relations = (0..<teacher.count).flatMap { j in
      (0..<student.count).map { k in teacher.relation(of: j, to: student, k) }
    }
  }

  /// nil if one of the nodes has no boundary: it is aligned with nothing, however its offset is written.
  public subscript(teacherNode: Int, studentNode: Int) -> BoundaryRelation? {
    relations[teacherNode * studentCount + studentNode]
  }

  /// The smallest eps for which two nodes are eps-aligned, in units of the input; infinite if one has no boundary.
  public func epsilon(ofTeacherNode j: Int, studentNode k: Int) -> Double {
    self[j, k]?.epsilon(spread: spread) ?? .infinity
  }

  /// The student node nearest to alignment with a teacher node, the first of equals; nil if none has a boundary, or the
  /// teacher node has none.
  public func bestStudent(of j: Int) -> Int? {
    (0..<studentCount).filter { self[j, $0] != nil }
      .min { epsilon(ofTeacherNode: j, studentNode: $0) < epsilon(ofTeacherNode: j, studentNode: $1) }
  }

  /// The teacher node nearest to alignment with a student node, the first of equals; nil if none has a boundary, or the
  /// student node has none.
  public func bestTeacher(of k: Int) -> Int? {
    (0..<teacherCount).filter { self[$0, k] != nil }
      .min { epsilon(ofTeacherNode: $0, studentNode: k) < epsilon(ofTeacherNode: $1, studentNode: k) }
  }

  /// A partner of its own for each teacher node, so that the sum of eps is smallest, beside the best match of each: the two
  /// differ where one student node is the nearest to several teacher nodes. nil for a node without a boundary, or without a
  /// partner that has one. `[teacher node]`.
  public var oneToOneMatching: [Int?] {
    let measured = relations.map { $0.map { $0.epsilon(spread: spread) } ?? .infinity }
    // As shares of the largest, so that sums stay finite; a pair that is none costs more than all others together.
    let largest = measured.reduce(0) { $1.isFinite ? max($0, $1) : $0 }
    let costs = measured.map { $0.isFinite ? (largest > 0 ? $0 / largest : 0) : Double(teacherCount + 1) }
    let matching = minimumCostAssignment(Matrix(rowCount: teacherCount, columnCount: studentCount, values: costs))
    return matching.enumerated().map { j, k in
      k.flatMap { measured[j * studentCount + $0].isFinite ? $0 : nil }
    }
  }

  /// The smallest eps for which some student node is eps-aligned with each teacher node, in units of the input; infinite
  /// without a candidate. `[teacher node]`.
  public var epsilonOfTeacherNodes: [Double] {
    (0..<teacherCount).map { j in bestStudent(of: j).map { epsilon(ofTeacherNode: j, studentNode: $0) } ?? .infinity }
  }

  /// The smallest eps for which each student node is eps-aligned with some teacher node, in units of the input; infinite
  /// without a candidate. `[student node]`.
  public var epsilonOfStudentNodes: [Double] {
    (0..<studentCount).map { k in bestTeacher(of: k).map { epsilon(ofTeacherNode: $0, studentNode: k) } ?? .infinity }
  }
}

/// The eps-alignment of every teacher node with every student node at the lowest layer.
///
/// - Parameter spread: of the inputs, ``inputSpread(of:)``, in their units; 1 for inputs of about unit size.
/// - Throws: ``ShapeError`` if the student does not fit the teacher.
/// - Complexity: O(teacher nodes x student nodes x features).
/// - Source: Tian 2020, arXiv:1909.13458, definition of eps-alignment; up to orientation and in any unit of the inputs
///   (derived, see the derivation of alignment).
public func alignment(
  of teacher: Teacher, with student: Student, spread: Double
) throws(ShapeError) -> BoundaryAlignment {
  try checkPair(teacher, student)
  return BoundaryAlignment(
    teacher: Boundaries(of: teacher.network.layers[0]), student: Boundaries(of: student.network.layers[0]),
    spread: spread)
}
