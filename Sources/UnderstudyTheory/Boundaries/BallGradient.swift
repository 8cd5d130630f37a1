import UnderstudyNetworks
import UnderstudyNumerics

/// The statement of zero gradients for all inputs of a ball `||x|| <= R`, decided without samples, for two layers.
///
/// Where student node k is active, its gradient is h_k(x) = v_k . (f*(x) - f(x)), piecewise linear with kinks at the boundaries
/// alone. `E_k` within the ball is convex. So the gradient vanishes at all inputs of it exactly if no boundary that meets it has a
/// kink that v_k sees, and the affine function that is left is 0.
public struct BallGradient: Sendable, Equatable {
  /// What is known of a student node's gradient in the ball.
  public struct StudentNode: Sendable, Equatable {
    /// Whether the node is active at some input of the ball; a (leaky) node without kink sees all of it.
    public var isActive: Bool
    /// Largest |v_k . jump| of a boundary that meets its region, the jump of the slope of f* - f there; output^2 / (activation
    /// input).
    public var largestKink: Double
    /// The groups of boundaries that meet its region, of which the sum over |v_k . jump| is taken below.
    public var groups: [Int]
    /// No |g_k(x)| of the ball is larger: the affine part and all kinks, which act over 2 R at most; output^2 / activation.
    public var gradientBound: Double
  }

  /// What the statement says of a teacher node.
  public struct TeacherNode: Sendable, Equatable {
    /// Whether its boundary meets the ball.
    public var isVisible: Bool
    /// Student nodes k that observe it in the ball, with alpha_kj not 0.
    public var observers: [Int]
    /// Of those, the ones whose gradient vanishes in the ball, up to the tolerance.
    public var witnesses: [Int]
    /// Student nodes on its boundary.
    public var aligned: [Int]

    /// The premise holds: it is observed by a node whose gradient vanishes.
    public var isPredicted: Bool { !witnesses.isEmpty }
    /// What the statement concludes is so: nothing is predicted, or a student node is aligned.
    public var isHeld: Bool { !isPredicted || !aligned.isEmpty }
  }

  public let radius: Double
  /// By which boundaries are taken for one.
  public let groups: BoundaryGroups
  public let studentNodes: [StudentNode]
  public let teacherNodes: [TeacherNode]

  /// Decides the statement.
  ///
  /// - Parameters:
  ///   - radius: R > 0, in units of the input.
  ///   - tolerance: boundaries that are aligned for this eps, a share of R, count as one.
  ///   - gradientTolerance: gradients up to this count as 0; output^2 / activation.
  /// - Throws: ``ShapeError`` if a network has more than one hidden layer, or the student does not fit the teacher.
  /// - Complexity: O((teacher + student nodes)^2 (features + outputs)).
  /// - Source: the statement Tian 2020, arXiv:1909.13458; that a ball decides it, derived (Docs/Derivations/zero-gradient.md).
  public init(
    of student: Student, learning teacher: Teacher, radius: Double, tolerance: Double = 1e-9,
    gradientTolerance: Double
  ) throws(ShapeError) {
    try checkPair(teacher, student)
    let (given, own) = (try TwoLayerView(teacher.network), try TwoLayerView(student.network))
    let groups = try BoundaryGroups(teacher: teacher, student: student, tolerance: tolerance, spread: radius)
    let balance = try KinkBalance(of: student, against: teacher, groups: groups)
    guard let jumps = balance.jumps else { throw ShapeError("kinks of two layers do not depend on inputs") }
    let ofTeacher = try observation(of: teacher, by: student, withinRadius: radius)
    let ofStudent = try observation(of: Teacher(student.network), by: student, withinRadius: radius)
    let slope = own.activation.negativeSlope

    /// Whether a group's boundary meets the region of node k. A ReLU's own boundary only borders it.
    func meets(_ group: Int, _ k: Int) -> Bool {
      let members = groups.groups[group]
      let largest =
        if let j = members.teacherNodes.first {
          ofTeacher.largestPreactivation(ofStudent: k, onTeacher: j.node)
        } else if let i = members.studentNodes.first {
          ofStudent.largestPreactivation(ofStudent: k, onTeacher: i.node)
        } else { nil as Double? }
      guard let largest else { return false }
      return slope > 0 || (largest > 0 && groups.group(ofStudentNode: k) != group)
    }

    studentNodes = (0..<own.nodeCount).map { k in
      let (row, fanOut) = (own.row(k), own.fanOut(k))
      let norm = euclideanNorm(row.dropLast())
      guard slope > 0 || row[row.count - 1] + radius * norm > 0 else {
        return StudentNode(isActive: false, largestKink: 0, groups: [], gradientBound: 0)
      }
      let seen = groups.groups.indices.filter { meets($0, k) }
      let kinks = seen.map { (1 - slope) * abs(dotProduct(jumps.row($0), fanOut)) }
      // An input of its region, as far from its boundary as can be said simply: between the boundary and the ball's end.
      let first = norm > 0 ? max(-radius, -row[row.count - 1] / norm) : 0
      let place = norm > 0 ? (slope > 0 ? radius / 2 : (first + radius) / 2) : 0
      let x = row.dropLast().map { norm > 0 ? place * $0 / norm : 0 }
      let (value, gradient) = Self.affine(given, own, fanOut, at: x)
      let constant = value - dotProduct(gradient, x)
      let bound = abs(constant) + radius * euclideanNorm(gradient) + 2 * radius * kinks.reduce(0, +)
      return StudentNode(isActive: true, largestKink: kinks.max() ?? 0, groups: seen, gradientBound: bound)
    }
    let nodes = studentNodes
    teacherNodes = (0..<given.nodeCount).map { j in
      let group = groups.groups.firstIndex { $0.teacherNodes.contains { $0.node == j } }
      let observers = (0..<own.nodeCount).filter { k in
        guard dotProduct(own.fanOut(k), given.fanOut(j)) != 0 else { return false }
        // A leaky node sees a boundary from either side. On its own boundary a ReLU is 0, up to rounding.
        if slope > 0 { return ofTeacher.largestPreactivation(ofStudent: k, onTeacher: j) != nil }
        return ofTeacher.observes(student: k, teacher: j) && (group == nil || groups.group(ofStudentNode: k) != group)
      }
      return TeacherNode(
        isVisible: ofTeacher.largestPreactivation(ofStudent: 0, onTeacher: j) != nil, observers: observers,
        witnesses: observers.filter { nodes[$0].gradientBound <= gradientTolerance },
        aligned: group.map { groups.groups[$0].studentNodes.map(\.node) } ?? [])
    }
    (self.radius, self.groups) = (radius, groups)
  }

  /// v . (f* - f) and its gradient by the input, in the cell that has x.
  private static func affine(
    _ teacher: TwoLayerView, _ student: TwoLayerView, _ fanOut: [Double], at x: [Double]
  ) -> (value: Double, gradient: [Double]) {
    var value = 0.0
    var gradient = [Double](repeating: 0, count: x.count)
    for (view, sign) in [(teacher, 1.0), (student, -1.0)] {
      value += sign * dotProduct(view.output.biasesOrZeros, fanOut)
      for node in 0..<view.nodeCount {
        let row = view.row(node)
        let z = dotProduct(row, x) + row[x.count]
        let weight = sign * dotProduct(view.fanOut(node), fanOut) * (z > 0 ? 1 : view.activation.negativeSlope)
        value += weight * z
        for f in x.indices { gradient[f] += weight * row[f] }
      }
    }
    return (value, gradient)
  }
}
