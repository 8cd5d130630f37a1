import UnderstudyNetworks
import UnderstudyNumerics

/// The coupling of a student's lowest layer with the teacher's and with itself: `alpha = V_1^T V*_1`, `beta = V_1^T V_1`.
///
/// In two layers these are products of fan-out weights, the same for every input. In deeper networks they depend on the
/// gates above the lowest layer: they are constant in each region of equal gates, and what stands here is taken over the
/// regions that the data meet. Of a network with batch normalisation after the activation, folded, alpha and beta refer to
/// activations before the normalisation.
public struct Coupling: Sendable, Equatable {
  /// E[alpha_kj], `[student node, teacher node]`.
  public var meanAlpha: Matrix
  /// min over the regions met of |alpha_kj|, `[student node, teacher node]`. The condition of the deep case takes the regions
  /// met near node j's boundary; over all of them the minimum is that or smaller.
  public var smallestAlpha: Matrix
  /// E[|alpha_kj|], `[student node, teacher node]`.
  public var meanAbsoluteAlpha: Matrix
  /// F with `E[beta] = F F^T`, `[student node, direction]`: in two layers the fan-out weights themselves. A table of all pairs
  /// of nodes is formed only where it is smaller.
  public var fanOut: Matrix
  /// Distinct gate patterns above the lowest layer that the data meet; 1 for two layers.
  public var regionCount: Int
  /// Hyperplanes that bound the regions: K = m_1 + n_1 for two layers. In deeper networks (Q) each node above the lowest
  /// layer adds one for every gate pattern below it that the data meet, for its boundary is bent at each of their borders.
  public var hyperplaneCount: Int
  /// Samples that alpha and beta are taken over.
  public var sampleCount: Int

  /// sqrt(E[beta_kk]), in two layers ||v_k||, `[student node]`.
  public var fanOutNorms: [Double] { fanOut.rowNorms }
}

/// Measures the coupling over a data set.
///
/// - Parameter sampleLimit: deeper networks than two layers take at most so many samples, evenly spread: each may lie in a
///   region of its own, which costs a chain of matrix products.
/// - Shape: `inputs` is `[sample, feature]`.
/// - Units: alpha and beta in (output / activation)^2.
/// - Throws: ``ShapeError`` if the student does not fit the teacher, or the inputs neither.
/// - Complexity: two layers: O(teacher x student nodes x outputs); deeper: that for each region, and the chain of products from
///   the output down to the lowest layer. Memory O(teacher x student nodes + student nodes x min(samples x outputs, student
///   nodes)).
/// - Source: Tian 2020, arXiv:1909.13458, the recursive gradient rule and its matrices A and B.
public func coupling(
  of teacher: Teacher, with student: Student, over inputs: Matrix, sampleLimit: Int = 1000
) throws(ShapeError) -> Coupling {
  try checkPair(teacher, student, over: inputs)
  let (m, n) = (teacher.network.hiddenCounts[0], student.network.hiddenCounts[0])
  var regions = RegionTable(teacher: teacher.network, student: student.network)
  var patterns = PatternCounter(teacher: teacher.network, student: student.network)
  let wanted = teacher.network.isTwoLayer ? 1 : min(sampleLimit, inputs.rowCount)
  var result = Coupling(
    meanAlpha: Matrix(rowCount: n, columnCount: m),
    smallestAlpha: Matrix(rowCount: n, columnCount: m, repeating: .infinity),
    meanAbsoluteAlpha: Matrix(rowCount: n, columnCount: m), fanOut: Matrix(rowCount: n, columnCount: 0),
    regionCount: 0, hyperplaneCount: m + n, sampleCount: wanted)
  var beta = MeanBeta(nodeCount: n, outputCount: student.network.outputCount, sampleCount: wanted)
  for index in 0..<wanted {
    let sample = index * inputs.rowCount / wanted
    let z = JointPreactivations(of: [inputs.row(sample)], teacher: teacher.network, student: student.network)
    patterns.add(z, column: 0)
    let region = regions.region(of: z, column: 0)
    for i in region.alpha.values.indices {
      let alpha = region.alpha.values[i]
      result.meanAlpha.values[i] += alpha / Double(wanted)
      result.meanAbsoluteAlpha.values[i] += abs(alpha) / Double(wanted)
      result.smallestAlpha.values[i] = min(result.smallestAlpha.values[i], abs(alpha))
    }
    beta.add(region.studentFanOut)
  }
  result.fanOut = beta.factor
  result.regionCount = patterns.regionCount
  result.hyperplaneCount += patterns.upperHyperplaneCount
  return result
}

/// Pre-activations of all layers of both networks at a few samples, one a column.
struct JointPreactivations {
  var teacher: [Matrix]
  var student: [Matrix]

  init(of samples: [ArraySlice<Double>], teacher: Network, student: Network) {
    let block = Matrix(samples.map(Array.init)).transposed.padded(columns: padded(samples.count))
    self.teacher = teacher.preactivations(of: block)
    self.student = student.preactivations(of: block)
  }

  /// The gates above the lowest layer at a sample, a bit a node, layer by layer; teacher first.
  func upperGates(column: Int) -> [[UInt64]] {
    (teacher.dropFirst().dropLast() + student.dropFirst().dropLast()).map { packedGates($0, column: column) }
  }
}

/// The gates of a layer at a sample, a bit a node.
func packedGates(_ preactivations: Matrix, column: Int) -> [UInt64] {
  var words: [UInt64] = []
  appendPackedGates(preactivations, column: column, to: &words)
  return words
}

/// Appends the gates of a layer at a sample to those of others: a bit a node, a new word for every 64 nodes and for the layer.
func appendPackedGates(_ preactivations: Matrix, column: Int, to words: inout [UInt64]) {
  let first = words.count
  words.append(contentsOf: repeatElement(0, count: (preactivations.rowCount + 63) / 64))
  for node in 0..<preactivations.rowCount where preactivations[node, column] > 0 {
    words[first + node / 64] |= 1 << (node % 64)
  }
}

/// A region of constant gates above the lowest layer.
struct Region {
  /// `[student node, teacher node]`
  var alpha: Matrix
  /// V_1 of the student, `[output, student node]`: beta is the products of its columns.
  var studentFanOut: Matrix
}

/// E[beta] = E[V_1^T V_1], as a factor of it: the V_1 of all samples side by side, or where that is larger, of the table of all
/// pairs of nodes.
private struct MeanBeta {
  private let sampleCount: Int
  /// `[sample x output, node]`, filled so far; nil where the table is smaller.
  private var rows: [Double]?
  /// `[node, node]`
  private var table: Matrix
  private let nodeCount: Int

  init(nodeCount: Int, outputCount: Int, sampleCount: Int) {
    let isTable = sampleCount > 1 && sampleCount * outputCount > nodeCount
    (self.nodeCount, self.sampleCount) = (nodeCount, sampleCount)
    rows = isTable ? nil : []
    table = isTable ? Matrix(rowCount: nodeCount, columnCount: nodeCount) : Matrix(rowCount: 0, columnCount: 0)
  }

  mutating func add(_ fanOut: Matrix) {
    guard rows == nil else {
      let root = Double(sampleCount).squareRoot()
      rows?.append(contentsOf: sampleCount == 1 ? fanOut.values : fanOut.values.map { $0 / root })
      return
    }
    let beta = product(fanOut, fanOut, transposingFirst: true)
    for i in beta.values.indices { table.values[i] += beta.values[i] / Double(sampleCount) }
  }

  /// `[node, direction]`; not finite if beta is not.
  var factor: Matrix {
    if let rows {
      return Matrix(rowCount: nodeCount > 0 ? rows.count / nodeCount : 0, columnCount: nodeCount, values: rows)
        .transposed
    }
    // Of fan-outs divided by their lengths, so that no faint node is lost beside a strong one.
    let lengths = (0..<nodeCount).map { max(0, table[$0, $0]).squareRoot() }
    var unit = table
    for (k, length) in lengths.enumerated() {
      for (other, otherLength) in lengths.enumerated() {
        // One after the other: the product of two lengths may underflow.
        unit[k, other] = length > 0 && otherLength > 0 ? unit[k, other] / length / otherLength : 0
      }
    }
    guard table.isFinite, var factor = LinearAlgebra.semidefiniteFactor(of: unit) else {
      return Matrix(rowCount: nodeCount, columnCount: 1, repeating: .infinity)
    }
    for (k, length) in lengths.enumerated() {
      for direction in 0..<factor.columnCount { factor[k, direction] *= length }
    }
    return factor
  }
}

/// Couplings by region; the last few are kept, for neighbouring samples often share one.
struct RegionTable {
  private let teacher: OutputJacobian<Double>
  private let student: OutputJacobian<Double>
  private var kept: [[[UInt64]]: Region] = [:]
  private static let keptCount = 64

  init(teacher: Network, student: Network) {
    self.teacher = OutputJacobian(teacher)
    self.student = OutputJacobian(student)
  }

  mutating func region(of z: JointPreactivations, column: Int) -> Region {
    let key = z.upperGates(column: column)
    if let region = kept[key] { return region }
    let teacherFanOut = teacher.lowest(preactivations: z.teacher, column: column)
    let studentFanOut = student.lowest(preactivations: z.student, column: column)
    var region = Region(
      alpha: product(studentFanOut, teacherFanOut, transposingFirst: true), studentFanOut: studentFanOut)
    // Orthogonal fan-outs leave a product of rounding errors, which couples nothing.
    let norms = (student: studentFanOut.transposed.rowNorms, teacher: teacherFanOut.transposed.rowNorms)
    for k in 0..<region.alpha.rowCount {
      for j in 0..<region.alpha.columnCount
      where abs(region.alpha[k, j]) <= 1e-13 * norms.student[k] * norms.teacher[j] {
        region.alpha[k, j] = 0
      }
    }
    if kept.count >= Self.keptCount { kept.removeAll(keepingCapacity: true) }
    kept[key] = region
    return region
  }
}

/// Counts the gate patterns that samples meet: of all gates above the lowest layer, and below each upper layer.
private struct PatternCounter {
  private let widths: [[Int]]
  private var regions: Set<[[UInt64]]> = []
  /// For teacher and student, and each hidden layer above the lowest: the patterns of all gates below it.
  private var below: [[Set<[[UInt64]]>]]

  init(teacher: Network, student: Network) {
    widths = [teacher, student].map { Array($0.hiddenCounts.dropFirst()) }
    below = widths.map { [Set<[[UInt64]]>](repeating: [], count: $0.count) }
  }

  mutating func add(_ z: JointPreactivations, column: Int) {
    regions.insert(z.upperGates(column: column))
    for (network, layers) in [z.teacher, z.student].enumerated() {
      let gates = layers.dropLast().map { packedGates($0, column: column) }
      for upper in widths[network].indices { below[network][upper].insert(Array(gates[...upper])) }
    }
  }

  var regionCount: Int { regions.count }
  var upperHyperplaneCount: Int {
    zip(widths, below).reduce(0) { sum, network in
      sum + zip(network.0, network.1).reduce(0) { $0 + $1.0 * $1.1.count }
    }
  }
}
