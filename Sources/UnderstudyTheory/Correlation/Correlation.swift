import UnderstudyNetworks
import UnderstudyNumerics

/// What is added to the variation of a node's activation before a correlation is divided by it.
public enum CorrelationFloor: Sendable, Hashable {
  /// Nothing: rescaling a node changes no correlation.
  case none
  /// 1e-10 to the sum of squared deviations, as in the code of the paper's two-layer experiments, for comparisons side by side.
  /// It has the unit of a squared activation, so that correlations of faint nodes fade. The paper's code for deep networks adds
  /// 1e-7 to variances instead.
  case peer

  fileprivate var squaredDeviation: Double { self == .peer ? 1e-10 : 0 }
}

/// How the hidden nodes of a student follow those of a teacher over a set of inputs, at one hidden layer.
public struct NodeCorrelation: Sendable, Equatable {
  /// rho_jk, `[teacher node, student node]`; 0 where either node is dead.
  public var values: Matrix
  /// Teacher nodes whose activation does not vary over the inputs by more than rounding: they have no correlation.
  public var deadTeacherNodes: [Int]
  /// Student nodes whose activation does not vary over the inputs by more than rounding.
  public var deadStudentNodes: [Int]

  /// 1 for each dead student node, else 0; `[student node]`.
  public var deadStudentIndicators: [Double] {
    let dead = Set(deadStudentNodes)
    return (0..<values.columnCount).map { dead.contains($0) ? 1 : 0 }
  }

  /// max_k rho_jk for each teacher node, over all student nodes: with a dead one rho is 0.
  public var bestOfTeacherNodes: [Double] {
    (0..<values.rowCount).map { j in values.row(j).reduce(-1, max) }
  }

  /// max_j rho_jk for each student node, likewise.
  public var bestOfStudentNodes: [Double] {
    (0..<values.columnCount).map { k in (0..<values.rowCount).reduce(-1) { max($0, values[$1, k]) } }
  }

  /// The student node that follows each teacher node best, the first of equals; `nil` for a dead teacher node, or if every
  /// student node is dead. `[teacher node]`.
  public var matches: [Int?] {
    Self.matches(values.rowCount, dead: deadTeacherNodes, values.columnCount, dead: deadStudentNodes) { values[$0, $1] }
  }

  /// The teacher node that each student node follows best, likewise. `[student node]`.
  public var studentMatches: [Int?] {
    Self.matches(values.columnCount, dead: deadStudentNodes, values.rowCount, dead: deadTeacherNodes) { values[$1, $0] }
  }

  private static func matches(
    _ count: Int, dead: [Int], _ otherCount: Int, dead otherDead: [Int], _ value: (Int, Int) -> Double
  ) -> [Int?] {
    let (dead, otherDead) = (Set(dead), Set(otherDead))
    let living = (0..<otherCount).filter { !otherDead.contains($0) }
    return (0..<count).map { node in
      guard var best = living.first, !dead.contains(node) else { return nil }
      for other in living where value(node, other) > value(node, best) { best = other }
      return best
    }
  }
}

/// The correlation over samples of the activations of each teacher node with each student node of one hidden layer.
///
/// - Shape: `inputs` is `[sample, feature]`; the result `[teacher node, student node]`.
/// - Units: -1...1, whatever the scale of the nodes, from 1e-150 to 1e150 and beyond.
/// - Throws: ``ShapeError`` if the student does not fit the teacher, or the inputs neither.
/// - Complexity: O(samples x weights up to the layer + samples x teacher x student nodes), in blocks.
/// - Source: Tian 2020, arXiv:1909.13458, the correlation plotted in the experiments.
public func correlation(
  of teacher: Teacher, with student: Student, over inputs: Matrix, layer: Int = 0, floor: CorrelationFloor = .none
) throws(ShapeError) -> NodeCorrelation {
  try correlations(of: teacher, with: student, over: inputs, layers: layer..<layer + 1, floor: floor)[0]
}

/// The correlation over samples of the activations of each teacher node with each student node, for every hidden layer.
///
/// One pass over the samples, a block at a time: no activations are held beyond a block.
///
/// - Shape: `inputs` is `[sample, feature]`; the result `[hidden layer]`, lowest first, each `[teacher node, student node]`.
/// - Units: -1...1, as for ``correlation(of:with:over:layer:floor:)``, whose bits these are.
/// - Throws: ``ShapeError`` if the student does not fit the teacher, or the inputs neither.
/// - Complexity: O(samples x (weights + teacher x student nodes of each layer)). Double precision: at ten times the width of a
///   teacher of 50-75-100-125 nodes a thousand samples take a fraction of a second.
/// - Source: Tian 2020, arXiv:1909.13458, the correlation plotted in the experiments.
public func layerCorrelations(
  of teacher: Teacher, with student: Student, over inputs: Matrix, floor: CorrelationFloor = .none
) throws(ShapeError) -> [NodeCorrelation] {
  try correlations(
    of: teacher, with: student, over: inputs, layers: 0..<teacher.network.hiddenCounts.count, floor: floor)
}

private func correlations(
  of teacher: Teacher, with student: Student, over inputs: Matrix, layers: Range<Int>, floor: CorrelationFloor
) throws(ShapeError) -> [NodeCorrelation] {
  try checkPair(teacher, student, over: inputs)
  var sums = layers.map { CorrelationSums(teacher.network.layers[$0], student.network.layers[$0]) }
  for block in SampleBlockSequence(inputs) {
    let entering = max(0, layers.lowerBound - 1)..<layers.upperBound
    // What enters the layers, and last what leaves the highest.
    let inputs = layers.lowerBound == 0 ? [block.inputs] : []
    let ours = inputs + teacher.network.activations(of: block.inputs, layers: entering)
    let theirs = inputs + student.network.activations(of: block.inputs, layers: entering)
    for place in sums.indices {
      sums[place].add(
        ours[place + 1], theirs[place + 1], below: (ours[place], theirs[place]), valid: block.validCount)
    }
  }
  return sums.map { $0.correlation(count: Double(inputs.rowCount), floor: floor) }
}

/// The sums over samples that the correlations of one hidden layer are made of.
struct CorrelationSums {
  private var teacherMoments: ShiftedMoments
  private var studentMoments: ShiftedMoments
  /// In units of both nodes' scales.
  private var products: Matrix

  init(_ teacher: NetworkLayer, _ student: NetworkLayer) {
    teacherMoments = ShiftedMoments(teacher)
    studentMoments = ShiftedMoments(student)
    products = Matrix(rowCount: teacher.nodeCount, columnCount: padded(student.nodeCount))
  }

  /// Adds a block of activations, `[node, sample]`, and what they are made of, `[node below, sample]`.
  mutating func add(_ teacher: Matrix, _ student: Matrix, below: (teacher: Matrix, student: Matrix), valid: Int) {
    let (a, rowFactors) = teacherMoments.add(teacher, below: below.teacher, valid: valid)
    let (b, columnFactors) = studentMoments.add(student, below: below.student, valid: valid)
    for (j, factor) in rowFactors.enumerated() where factor != 1 {
      for k in 0..<products.columnCount { products[j, k] *= factor }
    }
    for (k, factor) in columnFactors.enumerated() where factor != 1 {
      for j in 0..<products.rowCount { products[j, k] *= factor }
    }
    multiply(a, b.transposed.padded(columns: products.columnCount), into: &products, adding: true)
  }

  func correlation(count: Double, floor: CorrelationFloor) -> NodeCorrelation {
    let teacherSquares = teacherMoments.centeredSquares(count: count, floor: floor)
    let studentSquares = studentMoments.centeredSquares(count: count, floor: floor)
    let (ours, theirs) = (teacherMoments.sums, studentMoments.sums)
    return NodeCorrelation(
      centered: (teacherSquares, studentSquares), dead: (teacherMoments.constantNodes, studentMoments.constantNodes)
    ) { products[$0, $1] - ours[$0] * theirs[$1] / count }
  }
}

/// First and second moments of node activations.
///
/// They are taken about each node's value at the first sample: nothing cancels however far its mean is from 0. They are in
/// units of a power of two near the node's own largest deviation from that value, so that no square under- or overflows; a
/// power of two changes no digit.
private struct ShiftedMoments {
  private(set) var sums: [Double]
  private(set) var squares: [Double]
  private let layer: NetworkLayer
  private var origins: [Double]?
  /// Largest absolute deviation so far, and the exponent of the node's unit.
  private var largest: [Double]
  private var exponents: [Int]
  /// The largest absolute activation of each node below.
  private var largestBelow: [Double]

  init(_ layer: NetworkLayer) {
    self.layer = layer
    sums = [Double](repeating: 0, count: layer.nodeCount)
    (squares, largest) = (sums, sums)
    exponents = [Int](repeating: 0, count: layer.nodeCount)
    largestBelow = [Double](repeating: 0, count: layer.inputCount)
  }

  /// Nodes that do not vary by more than the rounding of the sums that they are: `|w| . |x|` at most, with some 2^-53 for each
  /// term.
  var constantNodes: [Int] {
    largest.indices.filter { node in
      let size = zip(layer.weights.row(node), largestBelow).reduce(abs(layer.biases?[node] ?? 0)) {
        $0 + abs($1.0) * $1.1
      }
      return largest[node] <= Double(layer.inputCount + 1) * Double.ulpOfOne * size
    }
  }

  /// Adds a block `[node, sample]`.
  ///
  /// - Returns: the block shifted and in the nodes' units, with 0 past the valid samples; and by what products of the blocks
  ///   before must be multiplied, because the unit has grown.
  mutating func add(_ block: Matrix, below: Matrix, valid: Int) -> (shifted: Matrix, factors: [Double]) {
    let origins = self.origins ?? (0..<block.rowCount).map { block[$0, 0] }
    self.origins = origins
    for f in 0..<below.rowCount { largestBelow[f] = below.row(f).reduce(largestBelow[f]) { max($0, abs($1)) } }
    var shifted = block
    var factors = [Double](repeating: 1, count: block.rowCount)
    let width = block.columnCount
    for node in 0..<block.rowCount {
      let samples = node * width..<node * width + valid
      let reached = block.values[samples].reduce(largest[node]) { max($0, abs($1 - origins[node])) }
      if reached > largest[node] { factors[node] = grow(node, to: reached) }
      let unit = Double(sign: .plus, exponent: -exponents[node], significand: 1)
      var (sum, square) = (0.0, 0.0)
      for i in 0..<width {
        let value = i < valid ? (block.values[node * width + i] - origins[node]) * unit : 0
        shifted.values[node * width + i] = value
        sum += value
        square += value * value
      }
      sums[node] += sum
      squares[node] += square
    }
    return (shifted, factors)
  }

  /// Takes a larger unit.
  private mutating func grow(_ node: Int, to reached: Double) -> Double {
    let isFirst = largest[node] == 0
    largest[node] = reached
    // Within what a power of two and its inverse can be.
    let exponent = min(1000, max(-1000, Int(reached.exponent)))
    let factor = isFirst ? 1 : Double(sign: .plus, exponent: exponents[node] - exponent, significand: 1)
    exponents[node] = exponent
    sums[node] *= factor
    squares[node] *= factor * factor
    return factor
  }

  /// Sums of squared deviations from the mean, and the floor in the nodes' units.
  func centeredSquares(count: Double, floor: CorrelationFloor) -> [Double] {
    sums.indices.map { node in
      let unit = Double(sign: .plus, exponent: -exponents[node], significand: 1)
      return max(0, squares[node] - sums[node] * sums[node] / count) + floor.squaredDeviation * unit * unit
    }
  }
}

extension NodeCorrelation {
  /// rho_jk = S_jk / sqrt(S_jj S_kk).
  ///
  /// - Parameters:
  ///   - centered: S_jj and S_kk, the sums over samples of squared deviations from the mean.
  ///   - codeviation: S_jk, the sum of the products of both nodes' deviations, of a teacher and a student node.
  init(
    centered: (teacher: [Double], student: [Double]), dead: (teacher: [Int], student: [Int]),
    codeviation: (Int, Int) -> Double
  ) {
    values = Matrix(rowCount: centered.teacher.count, columnCount: centered.student.count)
    (deadTeacherNodes, deadStudentNodes) = dead
    let living = Set(centered.student.indices).subtracting(dead.student).sorted()
    for j in Set(centered.teacher.indices).subtracting(dead.teacher) {
      for k in living {
        values[j, k] = min(1, max(-1, codeviation(j, k) / (centered.teacher[j] * centered.student[k]).squareRoot()))
      }
    }
  }
}
