import UnderstudyNetworks
import UnderstudyNumerics

/// Ranges of samples that grow from 16 to 1024: for what mostly fails on the first few.
struct GrowingBlocks: Sequence, IteratorProtocol {
  private let samples: Matrix
  private var first = 0

  init(_ samples: Matrix) { self.samples = samples }

  /// Some rows, and which these are.
  mutating func next() -> (rows: Matrix, range: Range<Int>)? {
    guard first < samples.rowCount else { return nil }
    let range = first..<first + Swift.min(Swift.max(16, first), 1024, samples.rowCount - first)
    first = range.upperBound
    let width = samples.columnCount
    let values = Array(samples.values[range.lowerBound * width..<range.upperBound * width])
    return (Matrix(rowCount: range.count, columnCount: width, values: values), range)
  }
}

extension TwoLayerView {
  /// Activations of the hidden layer for a block, `[node, sample]`.
  func activations(of block: SampleBlock) -> Matrix { network.activations(of: block.inputs, layers: 0..<1)[0] }
}

/// - Throws: ``ShapeError`` if a network is not plain, or the student does not fit the teacher.
func checkPair(_ teacher: Teacher, _ student: Student) throws(ShapeError) {
  try teacher.network.checkIsPlain()
  try student.network.checkIsPlain()
  try student.checkFits(teacher)
}

/// - Throws: ``ShapeError`` as ``checkPair(_:_:)``, or if the inputs do not fit either.
func checkPair(_ teacher: Teacher, _ student: Student, over inputs: Matrix) throws(ShapeError) {
  try checkPair(teacher, student)
  try checkInputs(inputs, fit: teacher.network)
}

func checkInputs(_ inputs: Matrix, fit network: Network) throws(ShapeError) {
  try network.checkWidth(of: inputs)
  guard inputs.rowCount > 0 else { throw ShapeError("there are no inputs; measure over at least one sample") }
}

/// A width that products take without copying.
func padded(_ count: Int) -> Int { (count + 7) / 8 * 8 }
