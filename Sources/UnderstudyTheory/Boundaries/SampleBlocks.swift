import UnderstudyNetworks
import UnderstudyNumerics

/// Some samples as columns, `[feature, sample]`; those past `validCount` are 0 and must not be counted.
struct SampleBlock {
  var inputs: Matrix
  /// Index of the first sample.
  var first: Int
  var validCount: Int
}

/// The samples of a data set, a block at a time: measurements stream over them and hold no activations.
struct SampleBlockSequence: Sequence, IteratorProtocol {
  private let inputs: Matrix
  private var position = 0

  init(_ inputs: Matrix) { self.inputs = inputs }

  mutating func next() -> SampleBlock? {
    guard position < inputs.rowCount else { return nil }
    defer { position += sampleBlockWidth }
    return SampleBlock(
      inputs: inputs.transposedBlock(first: position, count: sampleBlockWidth), first: position,
      validCount: Swift.min(sampleBlockWidth, inputs.rowCount - position))
  }
}

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

/// Pre-activations of a hidden layer for a block, `[node, sample]`.
func preactivations(of network: Network, layer: Int, block: SampleBlock) -> Matrix {
  var input = block.inputs
  for index in 0..<layer { input = activated(network.layers[index].preactivations(of: input), by: network.activation) }
  return network.layers[layer].preactivations(of: input)
}

/// Activations of a hidden layer for a block, `[node, sample]`.
func activations(of network: Network, layer: Int, block: SampleBlock) -> Matrix {
  activated(preactivations(of: network, layer: layer, block: block), by: network.activation)
}

func activated(_ preactivations: Matrix, by activation: Activation) -> Matrix {
  var result = preactivations
  for i in result.values.indices { result.values[i] = activation(result.values[i]) }
  return result
}

/// - Throws: ``ShapeError`` if a network is not plain, or the student does not fit the teacher.
func checkPair(_ teacher: Teacher, _ student: Student) throws(ShapeError) {
  try teacher.network.checkIsPlain()
  try student.network.checkIsPlain()
  try student.checkFits(teacher)
}

func checkInputs(_ inputs: Matrix, fit network: Network) throws(ShapeError) {
  try network.checkWidth(of: inputs)
  guard inputs.rowCount > 0 else { throw ShapeError("there are no inputs; measure over at least one sample") }
}

/// A width that products take without copying.
func padded(_ count: Int) -> Int { (count + 7) / 8 * 8 }
