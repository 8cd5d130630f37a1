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
    var sums = KinkSums(groups, teacher, student, unit: 1)
    try sums.add(over: inputs)
    let largest = sums.largest
    if !(1e-150...1e150).contains(largest), largest > 0, largest.isFinite {
      sums = KinkSums(groups, teacher, student, unit: Double(sign: .plus, exponent: largest.exponent, significand: 1))
      try sums.add(over: inputs)
    }
    jumps = student.network.isTwoLayer ? sums.jumps : nil
    self.groups = groups
    (teacherNorms, studentNorms, norms) = (sums.norms(0), sums.norms(1), sums.norms(2))
    var nodeNorms = [Double](repeating: 0, count: student.network.hiddenCounts[0])
    for (group, norm) in zip(groups.groups, norms) {
      for member in group.studentNodes { nodeNorms[member.node] = norm }
    }
    studentNodeNorms = nodeNorms
  }

  /// The kink balance with groups of boundaries that are aligned for an eps.
  ///
  /// - Shape: `inputs` is `[sample, feature]`.
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

/// Sums over the samples of what the kinks of each group are.
private struct KinkSums {
  private let groups: BoundaryGroups
  private let teacher: Network
  private let student: Network
  private let weightNorms: (teacher: [Double], student: [Double])
  /// What the squares are squares in: a power of two, 1 unless they overflow or vanish.
  private let unit: Double
  /// Of the kink that a group should have, that it has, and what is left, `[group][3]`, each summed over outputs and samples.
  private var squares: [[Double]]
  /// What is left at the last sample, `[group, output]`.
  private(set) var jumps: Matrix
  /// The largest number of which there is a square.
  private(set) var largest = 0.0
  private var sampleCount = 1

  init(_ groups: BoundaryGroups, _ teacher: Teacher, _ student: Student, unit: Double) {
    (self.groups, self.unit) = (groups, unit)
    (self.teacher, self.student) = (teacher.network, student.network)
    weightNorms = (
      teacher: Boundaries(of: teacher.network.layers[0]).norms, student: Boundaries(of: student.network.layers[0]).norms
    )
    squares = [[Double]](repeating: [0, 0, 0], count: groups.groups.count)
    jumps = Matrix(rowCount: groups.groups.count, columnCount: student.network.outputCount)
  }

  /// Root mean squares over the samples, `[group]`.
  func norms(_ part: Int) -> [Double] { squares.map { unit * ($0[part] / Double(sampleCount)).squareRoot() } }

  /// - Throws: ``ShapeError`` where more than two layers have no fitting inputs.
  mutating func add(over inputs: Matrix?) throws(ShapeError) {
    if student.isTwoLayer {
      add(
        teacherCarriers: try TwoLayerView(teacher).output.weights,
        studentCarriers: try TwoLayerView(student).output.weights)
      return
    }
    guard let inputs else {
      throw ShapeError("above two layers a kink balance is a mean over inputs; give inputs")
    }
    try checkInputs(inputs, fit: student)
    let carriers = (OutputJacobian<Double>(teacher), OutputJacobian<Double>(student))
    for block in SampleBlockSequence(inputs) {
      let z = (teacher.preactivations(of: block.inputs), student.preactivations(of: block.inputs))
      for i in 0..<block.validCount {
        add(
          teacherCarriers: carriers.0.lowest(preactivations: z.0, column: i),
          studentCarriers: carriers.1.lowest(preactivations: z.1, column: i))
      }
    }
    sampleCount = inputs.rowCount
  }

  private mutating func add(teacherCarriers: Matrix, studentCarriers: Matrix) {
    for (index, group) in groups.groups.enumerated() {
      for c in 0..<jumps.columnCount {
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
}
