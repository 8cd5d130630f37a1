import UnderstudyNetworks
import UnderstudyNumerics

/// The sums over samples that the ``LayerCoupling`` of every hidden layer is made of.
///
/// A class because it owns scratch memory.
final class LayerCouplingSums<Scalar: KernelScalar> {
  private let networks: (teacher: Network, student: Network)
  private let kernels: ScratchKernels<Scalar>
  private let teacher: OutputJacobian<Scalar>
  private let student: OutputJacobian<Scalar>
  /// Of the hidden layers below the highest.
  private var layers: [LayerSums<Scalar>] = []
  /// Of the highest hidden layer, where V is the same for every sample.
  private var highest: LayerSums<Scalar>
  /// For each sample, one after the other, the gates of the hidden layers above the lowest, teacher and student, a word for
  /// 64 nodes; the highest layer first, so that the gates above a layer are the first words of a sample's.
  private var patterns: [UInt64] = []
  /// How many words the gates above each hidden layer are; the lowest layer's are all that a sample has.
  private let patternPrefixes: [Int]
  private var sampleCount = 0

  init(
    teacher: Network, student: Network, matches: [[Int?]], parts: LayerCouplingParts, instructions: InstructionSet
  ) {
    networks = (teacher, student)
    kernels = ScratchKernels(instructions: instructions)
    self.teacher = OutputJacobian(teacher, kernels: kernels)
    self.student = OutputJacobian(student, kernels: kernels)
    var sums = zip(teacher.hiddenCounts, student.hiddenCounts).enumerated().map { layer, widths in
      LayerSums<Scalar>(
        teacherCount: widths.0, studentCount: widths.1, matches: matches.isEmpty ? nil : matches[layer], parts: parts)
    }
    highest = sums.removeLast()
    layers = sums
    // Words of the gates above each hidden layer, from the highest (none) down.
    let words = zip(teacher.hiddenCounts, student.hiddenCounts).map { ($0 + 63) / 64 + ($1 + 63) / 64 }
    patternPrefixes = words.indices.map { words[($0 + 1)...].reduce(0, +) }
    let outputs = 0..<teacher.outputCount
    highest.addCouplings(of: self.student.highest, with: self.teacher.highest, rows: outputs, kernels: kernels)
    highest.addMatrices(
      of: self.student.highest, with: self.teacher.highest, depth: outputs.count, kernels: kernels)
    highest.flush()
  }

  /// Takes the samples of a block into account.
  func add(_ block: SampleBlock) {
    sampleCount += block.validCount
    guard !layers.isEmpty else { return }
    let z = (
      teacher: networks.teacher.preactivations(of: block.inputs),
      student: networks.student.preactivations(of: block.inputs)
    )
    for i in 0..<block.validCount { appendPattern(z.teacher, z.student, column: i) }
    let capacity = OutputJacobian<Scalar>.sampleCapacity
    for first in stride(from: 0, to: block.validCount, by: capacity) {
      let count = min(capacity, block.validCount - first)
      for sample in 0..<count {
        teacher.carry(sample: sample, preactivations: z.teacher, column: first + sample)
        student.carry(sample: sample, preactivations: z.student, column: first + sample)
        let rows = student.rows(ofSample: sample)
        for layer in layers.indices {
          layers[layer].addCouplings(
            of: student.carried[layer], with: teacher.carried[layer], rows: rows, kernels: kernels)
        }
      }
      let depth = student.rows(ofSample: count - 1).upperBound
      for layer in layers.indices {
        layers[layer].addMatrices(
          of: student.carried[layer], with: teacher.carried[layer], depth: depth, kernels: kernels)
      }
    }
    for layer in layers.indices { layers[layer].flush() }
  }

  /// Appends the gates above the lowest hidden layer at a sample, from the highest layer down.
  private func appendPattern(_ teacher: [Matrix], _ student: [Matrix], column: Int) {
    for layer in (1..<networks.student.layers.count - 1).reversed() {
      appendPackedGates(teacher[layer], column: column, to: &patterns)
      appendPackedGates(student[layer], column: column, to: &patterns)
    }
  }

  var couplings: [LayerCoupling] {
    let regionCounts = patternPrefixes.map { prefix in
      Set((0..<sampleCount).map { patterns[($0 * patternPrefixes[0])...].prefix(prefix) }).count
    }
    var result = layers.indices.map {
      layers[$0].coupling(sampleCount: sampleCount, regionCount: regionCounts[$0], termCount: sampleCount)
    }
    result.append(highest.coupling(sampleCount: sampleCount, regionCount: 1, termCount: 1))
    return result
  }
}

/// The sums of one hidden layer.
private struct LayerSums<Scalar: KernelScalar> {
  private var betaDiagonal: [Double]
  /// The student node whose alpha is followed, `[teacher node]`; 0 stands where there is none.
  private let followed: [Int32]
  private let isFollowed: [Bool]
  private var smallest: [Double]
  private var absolute: [Double]
  private var alphas: [Double]
  private var alpha: MatrixSum<Scalar>?
  private var beta: MatrixSum<Scalar>?

  init(teacherCount: Int, studentCount: Int, matches: [Int?]?, parts: LayerCouplingParts) {
    betaDiagonal = [Double](repeating: 0, count: studentCount)
    let matches = matches ?? [Int?](repeating: nil, count: teacherCount)
    followed = matches.map { Int32($0 ?? 0) }
    isFollowed = matches.map { $0 != nil }
    smallest = matches.map { $0 == nil ? 0 : .infinity }
    absolute = [Double](repeating: 0, count: teacherCount)
    alphas = absolute
    alpha = parts.contains(.meanAlpha) ? MatrixSum(rowCount: studentCount, columnCount: teacherCount) : nil
    beta = parts.contains(.meanBeta) ? MatrixSum(rowCount: studentCount, columnCount: studentCount) : nil
  }

  /// Adds the diagonal of B and the alphas that are followed, for the sample in the given rows.
  mutating func addCouplings(
    of student: ScratchMatrix<Scalar>, with teacher: ScratchMatrix<Scalar>, rows: Range<Int>,
    kernels: ScratchKernels<Scalar>
  ) {
    kernels.addColumnSquares(student, rows: rows, to: &betaDiagonal)
    guard isFollowed.contains(true) else { return }
    kernels.columnProducts(student, columns: followed, teacher, rows: rows, into: &alphas)
    for j in alphas.indices where isFollowed[j] {
      let size = abs(alphas[j])
      smallest[j] = min(smallest[j], size)
      absolute[j] += size
    }
  }

  /// Adds A and B of the samples in the first `depth` rows, if they are wanted.
  func addMatrices(
    of student: ScratchMatrix<Scalar>, with teacher: ScratchMatrix<Scalar>, depth: Int, kernels: ScratchKernels<Scalar>
  ) {
    if let alpha { kernels.addProduct(student, teacher, depth: depth, to: alpha.block) }
    if let beta { kernels.addUpperGram(student, depth: depth, to: beta.block) }
  }

  /// Adds what a block came to and begins with the next.
  mutating func flush() {
    alpha?.flush()
    beta?.flush()
  }

  func coupling(sampleCount: Int, regionCount: Int, termCount: Int) -> LayerCoupling {
    let scale = 1 / Double(termCount)
    return LayerCoupling(
      meanBetaDiagonal: betaDiagonal.map { $0 * scale }, smallestAlphas: smallest,
      meanAbsoluteAlphas: absolute.map { $0 * scale }, meanAlpha: alpha?.total.scaled(by: scale),
      meanBeta: beta?.total.scaled(by: scale).mirrored, regionCount: regionCount, sampleCount: sampleCount)
  }
}

/// A sum of matrices: over one block of samples in the arithmetic's precision, over all blocks in double precision, so that
/// rounding does not grow with the number of samples.
private struct MatrixSum<Scalar: KernelScalar> {
  let block: ScratchMatrix<Scalar>
  private(set) var total: Matrix

  init(rowCount: Int, columnCount: Int) {
    block = ScratchMatrix(rowCount: rowCount, columnCount: columnCount)
    total = Matrix(rowCount: rowCount, columnCount: columnCount)
  }

  mutating func flush() {
    block.add(to: &total)
    block.clear()
  }
}

extension Matrix {
  /// The symmetric matrix of which this holds what is on and above the diagonal.
  fileprivate var mirrored: Matrix {
    var result = self
    for row in 0..<rowCount {
      for column in 0..<row { result[row, column] = self[column, row] }
    }
    return result
  }
}
