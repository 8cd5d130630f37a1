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
}

/// The correlation over samples of the activations of each teacher node with each student node.
///
/// - Shape: `inputs` is `[sample, feature]`; the result `[teacher node, student node]`.
/// - Units: -1...1. A floor of 1e-10 under the squared norm keeps faint nodes finite, as in the peer's plots.
/// - Throws: ``ShapeError`` if the student does not fit the teacher, or the inputs neither.
/// - Complexity: O(samples x (teacher + student nodes) x features + samples x teacher x student nodes), in blocks.
/// - Source: Tian 2020, arXiv:1909.13458, the correlation plotted in the experiments.
public func correlation(
  of teacher: Teacher, with student: Student, over inputs: Matrix, layer: Int = 0
) throws(ShapeError) -> NodeCorrelation {
  try student.checkFits(teacher)
  try checkInputs(inputs, fit: teacher.network)
  let (m, n) = (teacher.network.hiddenCounts[layer], student.network.hiddenCounts[layer])
  // Moments are taken about each node's value at the first sample: a node that does not vary gets exactly 0, and nothing
  // cancels however far its mean is from 0.
  var teacherMoments = ShiftedMoments(count: m)
  var studentMoments = ShiftedMoments(count: n)
  var products = Matrix(rowCount: m, columnCount: padded(n))
  for block in SampleBlockSequence(inputs) {
    let a = teacherMoments.add(activations(of: teacher.network, layer: layer, block: block), valid: block.validCount)
    let b = studentMoments.add(activations(of: student.network, layer: layer, block: block), valid: block.validCount)
    multiply(a, b.transposed.padded(columns: padded(n)), into: &products, adding: true)
  }
  let count = Double(inputs.rowCount)
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
