import UnderstudyNetworks
import UnderstudyNumerics

/// The peer's observation counts: for each teacher node j and student node k the smaller of
/// `#{z*_j > 0, z_k > 0}` and `#{z*_j <= 0, z_k > 0}`. Above 0, student k is active on both sides of teacher j's boundary.
///
/// - Shape: `inputs` is `[sample, feature]`; the result `[teacher node, student node]`, samples.
/// - Throws: ``ShapeError`` if the student does not fit the teacher, or the inputs neither.
/// - Complexity: O(samples x (teacher + student nodes) x features), and a word operation for 64 samples and pair of nodes.
/// - Source: the peer's code; see the theory guide on observers.
public func observationCounts(
  of teacher: Teacher, by student: Student, over inputs: Matrix
) throws(ShapeError) -> Matrix {
  try checkPair(teacher, student, over: inputs)
  let (m, n) = (teacher.network.hiddenCounts[0], student.network.hiddenCounts[0])
  var counts = Matrix(rowCount: m, columnCount: n)
  var activeCounts = [Int](repeating: 0, count: n)
  for block in SampleBlockSequence(inputs) {
    let teacherGates = gates(of: teacher.network.preactivations(of: block.inputs, layer: 0), valid: block.validCount)
    let studentGates = gates(of: student.network.preactivations(of: block.inputs, layer: 0), valid: block.validCount)
    for k in 0..<n { activeCounts[k] += studentGates[k].nonzeroBitCount }
    for j in 0..<m {
      for k in 0..<n { counts[j, k] += Double((teacherGates[j] & studentGates[k]).nonzeroBitCount) }
    }
  }
  for j in 0..<m {
    for k in 0..<n { counts[j, k] = min(counts[j, k], Double(activeCounts[k]) - counts[j, k]) }
  }
  return counts
}

/// Which of the 64 samples of a block each node is active for, a bit a sample.
func gates(of preactivations: Matrix, valid: Int) -> [UInt64] {
  (0..<preactivations.rowCount).map { node in bits(of: preactivations.row(node), valid: valid) { $0 > 0 } }
}

/// For which of the 64 samples of a block a condition holds, a bit a sample.
@inline(__always)
func bits(of values: ArraySlice<Double>, valid: Int, where condition: (Double) -> Bool) -> UInt64 {
  precondition(values.count == 64)
  var bits: UInt64 = 0
  for i in 0..<valid where condition(values[values.startIndex + i]) { bits |= 1 << UInt64(i) }
  return bits
}
