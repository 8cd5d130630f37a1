import UnderstudyNetworks
import UnderstudyNumerics

/// What is left of the kinks of `f* - f`: the jump of its slope across each boundary of the lowest layer.
///
/// Across a boundary H the slope of `f* - f` along H's unit normal jumps by (1 - c) times
/// `sum over teacher nodes on H of v*_j ||w*_j|| - sum over student nodes on H of v_k ||w_k||`, whatever the orientations.
/// Where the gradient vanishes and enough observers see H, the jump is 0.
public struct KinkBalance: Sendable, Equatable {
  public let groups: BoundaryGroups
  /// ||sum over the group's teacher nodes of v*_j ||w*_j|| ||, `[group]`, output / input; the kink that H should have.
  public let teacherNorms: [Double]
  /// ||sum over the group's student nodes of v_k ||w_k|| ||, `[group]`, output / input; the kink that the student has.
  public let studentNorms: [Double]
  /// The norm of their difference, `[group]`, output / input.
  public let norms: [Double]
  /// The difference itself, `[group, output]`; nil for more than two layers, where it depends on the input.
  public let jumps: Matrix?

  /// The norm that is left at each student node's group, `[student node]`; 0 for a node without a boundary, which has no
  /// kink.
  public let studentNodeNorms: [Double]

  /// The kink balance of a student against its teacher.
  ///
  /// In networks of more than two layers `v_k` is column k of V_1(x), which carries the lowest layer to the output and
  /// depends on the gates above it: norms are then root mean squares over `inputs`.
  ///
  /// - Parameter inputs: `[sample, feature]`; not used with two layers.
  /// - Throws: ``ShapeError`` if the student does not fit the teacher, or more than two layers have no fitting inputs.
  /// - Complexity: O(nodes^2 x features), and for more than two layers
  ///   O(samples x outputs x weights above the lowest layer).
  public init(
    of student: Student, against teacher: Teacher, groups: BoundaryGroups, over inputs: Matrix? = nil
  ) throws(ShapeError) {
    try checkPair(teacher, student)
    let outputCount = student.network.outputCount
    let weightNorms = (
      teacher: Boundaries(of: teacher.network.layers[0]).norms, student: Boundaries(of: student.network.layers[0]).norms
    )
    let count = groups.groups.count
    var squares = [[Double]](repeating: [0, 0, 0], count: count)
    var jumps = Matrix(rowCount: count, columnCount: outputCount)
    // What they are squares of, and in which unit: a power of two, 1 unless squares overflow or vanish.
    var (largest, unit) = (0.0, 1.0)

    func add(teacherCarriers: Matrix, studentCarriers: Matrix) {
      for (index, group) in groups.groups.enumerated() {
        for c in 0..<outputCount {
          let wanted = group.teacherNodes.reduce(0) { $0 + teacherCarriers[c, $1.node] * weightNorms.teacher[$1.node] }
          let given = group.studentNodes.reduce(0) { $0 + studentCarriers[c, $1.node] * weightNorms.student[$1.node] }
          let left = wanted - given
          largest = max(largest, abs(wanted), abs(given), abs(left))
          squares[index][0] += (wanted / unit) * (wanted / unit)
          squares[index][1] += (given / unit) * (given / unit)
          squares[index][2] += (left / unit) * (left / unit)
          jumps[index, c] = left
        }
      }
    }

    var sampleCount = 1
    func addAll() throws(ShapeError) {
      if student.network.isTwoLayer {
        add(
          teacherCarriers: try TwoLayerView(teacher.network).output.weights,
          studentCarriers: try TwoLayerView(student.network).output.weights)
        return
      }
      guard let inputs else {
        throw ShapeError("above two layers a kink balance is a mean over inputs; give inputs")
      }
      try checkInputs(inputs, fit: student.network)
      let carriers = (OutputJacobian<Double>(teacher.network), OutputJacobian<Double>(student.network))
      for block in SampleBlockSequence(inputs) {
        let z = (teacher.network.preactivations(of: block.inputs), student.network.preactivations(of: block.inputs))
        for i in 0..<block.validCount {
          add(
            teacherCarriers: carriers.0.lowest(preactivations: z.0, column: i),
            studentCarriers: carriers.1.lowest(preactivations: z.1, column: i))
        }
      }
      sampleCount = inputs.rowCount
    }
    try addAll()
    if !(1e-150...1e150).contains(largest), largest > 0, largest.isFinite {
      squares = [[Double]](repeating: [0, 0, 0], count: count)
      unit = Double(sign: .plus, exponent: largest.exponent, significand: 1)
      try addAll()
    }
    self.jumps = student.network.isTwoLayer ? jumps : nil
    func norm(_ part: Int) -> [Double] { squares.map { unit * ($0[part] / Double(sampleCount)).squareRoot() } }
    self.groups = groups
    (teacherNorms, studentNorms, norms) = (norm(0), norm(1), norm(2))
    var nodeNorms = [Double](repeating: 0, count: student.network.hiddenCounts[0])
    for (group, norm) in zip(groups.groups, norms) {
      for member in group.studentNodes { nodeNorms[member.node] = norm }
    }
    studentNodeNorms = nodeNorms
  }

  /// The kink balance with groups of boundaries that are aligned for an eps.
  ///
  /// - Parameters:
  ///   - tolerance: eps, as a share of the inputs' spread.
  ///   - spread: of the inputs, see ``inputSpread(of:)``.
  /// - Throws: ``ShapeError`` if student, teacher and inputs do not fit.
  public init(
    of student: Student, against teacher: Teacher, tolerance: Double, spread: Double = 1, over inputs: Matrix? = nil
  ) throws(ShapeError) {
    try self.init(
      of: student, against: teacher,
      groups: try BoundaryGroups(teacher: teacher, student: student, tolerance: tolerance, spread: spread),
      over: inputs)
  }
}
