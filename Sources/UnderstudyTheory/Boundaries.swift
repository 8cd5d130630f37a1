import UnderstudyNetworks
import UnderstudyNumerics

/// The boundaries of a layer's nodes, `w . x + b = 0`, normalised by their non-bias weights: `(w, b) / ||w||`.
///
/// A boundary has two orientations, `(w, b)` and `(-w, -b)`; here each node keeps its own.
public struct Boundaries: Sendable, Equatable {
  /// `[node, feature]`, unit rows; a node without weights has no boundary and a row of zeros.
  public let directions: Matrix
  /// b / ||w||, the signed distance of the origin from the boundary, `[node]`, in units of the input; 0 without a boundary.
  public let offsets: [Double]
  /// ||w||, `[node]`.
  public let norms: [Double]

  public init(of layer: DenseLayer) {
    var directions = layer.weights
    var offsets = layer.biases ?? [Double](repeating: 0, count: layer.nodeCount)
    norms = (0..<layer.nodeCount).map { euclideanNorm(layer.weights.row($0)) }
    for (node, norm) in norms.enumerated() {
      for feature in 0..<layer.inputCount {
        directions[node, feature] = norm > 0 ? directions[node, feature] / norm : 0
      }
      offsets[node] = norm > 0 ? offsets[node] / norm : 0
    }
    self.directions = directions
    self.offsets = offsets
  }

  public var count: Int { norms.count }

  /// Whether the node has weights besides its bias: without, it has no boundary.
  public func hasBoundary(_ node: Int) -> Bool { norms[node] > 0 }

  /// The smallest eps for which each two of these boundaries are eps-aligned, `[node, node]`.
  var distances: Matrix {
    var result = Matrix(rowCount: count, columnCount: count)
    for a in 0..<count {
      for b in 0..<count { result[a, b] = relation(of: a, to: self, b)?.epsilon ?? .infinity }
    }
    return result
  }

  /// How near two boundaries are, up to their orientation; nil if one of the nodes has none.
  func relation(of node: Int, to other: Boundaries, _ otherNode: Int) -> BoundaryRelation? {
    guard hasBoundary(node), other.hasBoundary(otherNode) else { return nil }
    let (a, b) = (directions.row(node), other.directions.row(otherNode))
    let isOpposite = product(a, b) < 0
    let sign = isOpposite ? -1.0 : 1.0
    // The length of the chord between the unit vectors is 2 sin(theta / 2), and sin(theta) = 2 sin(theta / 2)
    // cos(theta / 2). The square root of 1 - cos^2 would lose half of the digits of a small angle.
    let squaredChord = zip(a, b).reduce(0) { $0 + ($1.0 - sign * $1.1) * ($1.0 - sign * $1.1) }
    return BoundaryRelation(
      sine: (squaredChord * max(0, 1 - squaredChord / 4)).squareRoot(),
      offsetDifference: abs(offsets[node] - sign * other.offsets[otherNode]), isOpposite: isOpposite)
  }
}

/// How near two boundaries are.
public struct BoundaryRelation: Sendable, Equatable {
  /// sin of the angle between the two hyperplanes, 0...1.
  public var sine: Double
  /// |b_j - b_k| of the normalised boundaries, in units of the input, for the orientations that fit better.
  public var offsetDifference: Double
  /// Whether the normals point to opposite sides: the nodes share a boundary and are active on either side of it.
  public var isOpposite: Bool

  /// The smallest eps for which the two are eps-aligned: `sin(theta) <= eps` and `|b_j - b_k| <= eps`.
  public var epsilon: Double { max(sine, offsetDifference) }

  /// Of a pair in which a node has no boundary: as far from alignment as perpendicular nodes.
  static let none = BoundaryRelation(sine: 1, offsetDifference: 0, isOpposite: false)
}

/// The eps-alignment of the lowest layers of a teacher and a student, for every pair of nodes.
public struct BoundaryAlignment: Sendable, Equatable {
  public let teacherCount: Int
  public let studentCount: Int
  /// Row-major `[teacher node, student node]`.
  private let relations: [BoundaryRelation]

  init(teacher: Boundaries, student: Boundaries) {
    teacherCount = teacher.count
    studentCount = student.count
    relations = (0..<teacher.count).flatMap { j in
      (0..<student.count).map { k in teacher.relation(of: j, to: student, k) ?? .none }
    }
  }

  public subscript(teacherNode: Int, studentNode: Int) -> BoundaryRelation {
    relations[teacherNode * studentCount + studentNode]
  }

  /// The student node nearest to alignment with a teacher node, the first of equals.
  public func bestStudent(of teacherNode: Int) -> Int {
    (0..<studentCount).min { self[teacherNode, $0].epsilon < self[teacherNode, $1].epsilon } ?? 0
  }

  /// The teacher node nearest to alignment with a student node, the first of equals.
  public func bestTeacher(of studentNode: Int) -> Int {
    (0..<teacherCount).min { self[$0, studentNode].epsilon < self[$1, studentNode].epsilon } ?? 0
  }

  /// A partner of its own for each teacher node, so that the sum of eps is smallest, beside the best match of each: the two
  /// differ where one student node is the nearest to several teacher nodes. `[teacher node]`.
  public var oneToOneMatching: [Int?] {
    minimumCostAssignment(
      Matrix(
        rowCount: teacherCount, columnCount: studentCount,
        values: relations.map { $0.epsilon }))
  }

  /// The smallest eps for which some student node is eps-aligned with each teacher node, `[teacher node]`.
  public var epsilonOfTeacherNodes: [Double] { (0..<teacherCount).map { self[$0, bestStudent(of: $0)].epsilon } }

  /// The smallest eps for which each student node is eps-aligned with some teacher node, `[student node]`.
  public var epsilonOfStudentNodes: [Double] { (0..<studentCount).map { self[bestTeacher(of: $0), $0].epsilon } }
}

/// The eps-alignment of every teacher node with every student node at the lowest layer.
///
/// - Throws: ``ShapeError`` if the student does not fit the teacher.
/// - Complexity: O(teacher nodes x student nodes x features).
/// - Source: Tian 2020, arXiv:1909.13458, definition of eps-alignment; up to orientation (derived, see the theory guide).
public func alignment(of teacher: Teacher, with student: Student) throws(ShapeError) -> BoundaryAlignment {
  try checkPair(teacher, student)
  return BoundaryAlignment(
    teacher: Boundaries(of: teacher.network.layers[0]), student: Boundaries(of: student.network.layers[0]))
}

/// The scalar product.
func product(_ a: some Sequence<Double>, _ b: some Sequence<Double>) -> Double {
  zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
}
