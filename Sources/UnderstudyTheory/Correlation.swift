import UnderstudyNetworks
import UnderstudyNumerics

/// How the hidden nodes of a student follow those of a teacher over a set of inputs, at one hidden layer.
public struct NodeCorrelation: Sendable, Equatable {
  /// rho_jk, `[teacher node, student node]`; 0 where either node is dead.
  public var values: Matrix
  /// Teacher nodes whose activation does not vary over the inputs: they have no correlation.
  public var deadTeacherNodes: [Int]
  /// Student nodes whose activation does not vary over the inputs.
  public var deadStudentNodes: [Int]

  /// max_k rho_jk for each teacher node.
  public var bestOfTeacherNodes: [Double] {
    (0..<values.rowCount).map { j in values.row(j).reduce(-1, max) }
  }

  /// max_j rho_jk for each student node.
  public var bestOfStudentNodes: [Double] {
    (0..<values.columnCount).map { k in (0..<values.rowCount).reduce(-1) { max($0, values[$1, k]) } }
  }

  /// The student node that follows each teacher node best, the first of equals; `nil` for a dead teacher node, or if every
  /// student node is dead. `[teacher node]`.
  public var matches: [Int?] {
    let (deadTeachers, deadStudents) = (Set(deadTeacherNodes), Set(deadStudentNodes))
    let living = (0..<values.columnCount).filter { !deadStudents.contains($0) }
    return (0..<values.rowCount).map { j in
      guard var best = living.first, !deadTeachers.contains(j) else { return nil }
      for k in living where values[j, k] > values[j, best] { best = k }
      return best
    }
  }

  /// How many teacher nodes have a student node that correlates with them above a threshold.
  public func matchCount(above threshold: Double = 0.9) -> Int { bestOfTeacherNodes.count { $0 > threshold } }
}

/// The correlation over samples of the activations of each teacher node with each student node of one hidden layer.
///
/// - Shape: `inputs` is `[sample, feature]`; the result `[teacher node, student node]`.
/// - Units: -1...1. A floor of 1e-10 under the squared norm keeps faint nodes finite, as in the peer's plots.
/// - Throws: ``ShapeError`` if the student does not fit the teacher, or the inputs neither.
/// - Complexity: O(samples x weights up to the layer + samples x teacher x student nodes), in blocks.
/// - Source: Tian 2020, arXiv:1909.13458, the correlation plotted in the experiments.
public func correlation(
  of teacher: Teacher, with student: Student, over inputs: Matrix, layer: Int = 0
) throws(ShapeError) -> NodeCorrelation {
  try correlations(of: teacher, with: student, over: inputs, layers: layer..<layer + 1)[0]
}

/// The correlation over samples of the activations of each teacher node with each student node, for every hidden layer.
///
/// One pass over the samples, a block at a time: no activations are held beyond a block.
///
/// - Shape: `inputs` is `[sample, feature]`; the result `[hidden layer]`, lowest first, each `[teacher node, student node]`.
/// - Units: -1...1, as for ``correlation(of:with:over:layer:)``, whose bits these are.
/// - Throws: ``ShapeError`` if the student does not fit the teacher, or the inputs neither.
/// - Complexity: O(samples x (weights + teacher x student nodes of each layer)). Double precision: at ten times the width of a
///   teacher of 50-75-100-125 nodes a thousand samples take a fraction of a second.
/// - Source: Tian 2020, arXiv:1909.13458, the correlation plotted in the experiments.
public func layerCorrelations(
  of teacher: Teacher, with student: Student, over inputs: Matrix
) throws(ShapeError) -> [NodeCorrelation] {
  try correlations(of: teacher, with: student, over: inputs, layers: 0..<teacher.network.hiddenCounts.count)
}

private func correlations(
  of teacher: Teacher, with student: Student, over inputs: Matrix, layers: Range<Int>
) throws(ShapeError) -> [NodeCorrelation] {
  try checkPair(teacher, student)
  try checkInputs(inputs, fit: teacher.network)
  var sums = layers.map {
    CorrelationSums(
      teacherCount: teacher.network.hiddenCounts[$0], studentCount: student.network.hiddenCounts[$0])
  }
  for block in SampleBlockSequence(inputs) {
    var (a, b) = (block.inputs, block.inputs)
    for layer in 0..<layers.upperBound {
      a = activated(teacher.network.layers[layer].preactivations(of: a), by: teacher.network.activation)
      b = activated(student.network.layers[layer].preactivations(of: b), by: student.network.activation)
      if layers.contains(layer) { sums[layer - layers.lowerBound].add(a, b, valid: block.validCount) }
    }
  }
  return sums.map { $0.correlation(count: Double(inputs.rowCount)) }
}

/// The sums over samples that the correlations of one hidden layer are made of.
private struct CorrelationSums {
  // Moments are taken about each node's value at the first sample: a node that does not vary gets exactly 0, and nothing
  // cancels however far its mean is from 0.
  private var teacherMoments: ShiftedMoments
  private var studentMoments: ShiftedMoments
  private var products: Matrix

  init(teacherCount: Int, studentCount: Int) {
    teacherMoments = ShiftedMoments(count: teacherCount)
    studentMoments = ShiftedMoments(count: studentCount)
    products = Matrix(rowCount: teacherCount, columnCount: padded(studentCount))
  }

  /// Adds a block of activations, `[node, sample]`.
  mutating func add(_ teacher: Matrix, _ student: Matrix, valid: Int) {
    let a = teacherMoments.add(teacher, valid: valid)
    let b = studentMoments.add(student, valid: valid)
    multiply(a, b.transposed.padded(columns: products.columnCount), into: &products, adding: true)
  }

  func correlation(count: Double) -> NodeCorrelation {
    let (m, n) = (teacherMoments.sums.count, studentMoments.sums.count)
    let teacherSquares = teacherMoments.centeredSquares(count: count)
    let studentSquares = studentMoments.centeredSquares(count: count)
    var result = NodeCorrelation(
      values: Matrix(rowCount: m, columnCount: n),
      deadTeacherNodes: teacherMoments.constantNodes, deadStudentNodes: studentMoments.constantNodes)
    for j in 0..<m where !teacherMoments.isConstant[j] {
      for k in 0..<n where !studentMoments.isConstant[k] {
        let covariance = products[j, k] - teacherMoments.sums[j] * studentMoments.sums[k] / count
        let norm = ((teacherSquares[j] + normFloor) * (studentSquares[k] + normFloor)).squareRoot()
        result.values[j, k] = min(1, max(-1, covariance / norm))
      }
    }
    return result
  }
}

private let normFloor = 1e-10

/// First and second moments of node activations about their value at the first sample.
private struct ShiftedMoments {
  var origins: [Double]?
  var sums: [Double]
  var squares: [Double]
  var isConstant: [Bool]

  init(count: Int) {
    sums = [Double](repeating: 0, count: count)
    squares = sums
    isConstant = [Bool](repeating: true, count: count)
  }

  var constantNodes: [Int] { isConstant.indices.filter { isConstant[$0] } }

  /// Adds a block `[node, sample]` and returns it shifted, with 0 past the valid samples.
  mutating func add(_ block: Matrix, valid: Int) -> Matrix {
    let origins = self.origins ?? (0..<block.rowCount).map { block[$0, 0] }
    self.origins = origins
    var shifted = block
    let width = block.columnCount
    for node in 0..<block.rowCount {
      var (sum, square) = (0.0, 0.0)
      for i in 0..<width {
        let value = i < valid ? block.values[node * width + i] - origins[node] : 0
        shifted.values[node * width + i] = value
        sum += value
        square += value * value
      }
      sums[node] += sum
      squares[node] += square
      if square > 0 { isConstant[node] = false }
    }
    return shifted
  }

  func centeredSquares(count: Double) -> [Double] {
    zip(squares, sums).map { max(0, $0 - $1 * $1 / count) }
  }
}
