import UnderstudyNumerics

/// How a two-layer teacher is drawn.
///
/// First-layer rows have unit norm (without their bias); the fan-out weights of node j (from 1) are divided by `j^p`, so
/// node 1 is the strongest. Source: the two-layer experiments of Tian 2020, arXiv:1909.13458.
public struct TeacherDesign: Sendable, Hashable {
  public enum Weights: Sendable, Hashable {
    /// Rows of both layers from {-1, -0.75, ..., 1}, none zero, no two equal; in the first layer no two that would share
    /// a boundary: of one direction or, without biases, of opposite ones.
    case discrete
    /// Independent normal weights; the output layer's of this standard deviation.
    case gaussian(scale: Double)
  }

  public var inputCount: Int
  public var hiddenCount: Int
  public var outputCount: Int
  public var weights: Weights
  /// Every bias, in both layers; `nil` for a teacher without biases.
  public var bias: Double?
  /// p
  public var strengthDecay: Double
  public var activation: Activation

  public init(
    inputCount: Int, hiddenCount: Int, outputCount: Int, weights: Weights, bias: Double?, strengthDecay: Double,
    activation: Activation
  ) {
    self.inputCount = inputCount
    self.hiddenCount = hiddenCount
    self.outputCount = outputCount
    self.weights = weights
    self.bias = bias
    self.strengthDecay = strengthDecay
    self.activation = activation
  }

  /// Draws the teacher that belongs to `key`.
  ///
  /// - Throws: ``ShapeError`` if there are fewer distinct rows than a layer has nodes.
  public func draw(key: UInt64) throws(ShapeError) -> Teacher {
    var firstStream = RandomStream(key: key, purpose: .teacherFirstLayer)
    var lastStream = RandomStream(key: key, purpose: .teacherOutputLayer)
    var first: Matrix
    var last: Matrix
    switch weights {
    case .discrete:
      let passesOrigin = (bias ?? 0) == 0
      first = try distinctRows(
        hiddenCount, of: inputCount, layer: "first", sameness: passesOrigin ? .line : .direction, from: &firstStream)
      last = try distinctRows(outputCount, of: hiddenCount, layer: "output", sameness: .equality, from: &lastStream)
    case .gaussian(let scale):
      first = firstStream.normalMatrix(rowCount: hiddenCount, columnCount: inputCount, standardDeviation: 1)
      last = lastStream.normalMatrix(rowCount: outputCount, columnCount: hiddenCount, standardDeviation: scale)
    }
    for j in 0..<hiddenCount {
      let norm = euclideanNorm(first.row(j))
      for f in 0..<inputCount { first[j, f] /= norm }
      let strength = power(Double(j + 1), strengthDecay)
      for c in 0..<outputCount { last[c, j] /= strength }
    }
    let network = try Network(
      layers: [
        DenseLayer(weights: first, biases: bias.map { [Double](repeating: $0, count: hiddenCount) }),
        DenseLayer(weights: last, biases: bias.map { [Double](repeating: $0, count: outputCount) }),
      ], activation: activation)
    return Teacher(network)
  }
}

/// The nine values of a discrete weight: -1, -0.75, ..., 1.
private let choices: [Double] = (-4...4).map { Double($0) / 4 }

/// Which rows count as the same.
private enum Sameness {
  case equality
  /// Equal up to a positive factor.
  case direction
  /// Equal up to a factor.
  case line
}

/// `count` non-zero rows of `width` choices, no two the same.
private func distinctRows(
  _ count: Int, of width: Int, layer: String, sameness: Sameness, from stream: inout RandomStream
) throws(ShapeError) -> Matrix {
  // A draw that fails is repeated, so there must be enough: at most eight rows lie on one line.
  let available = width >= 8 ? Double.infinity : power(9, Double(width)) - 1
  guard Double(count) <= available / (sameness == .equality ? 1 : 8) else {
    throw ShapeError(
      "the teacher's \(layer) layer needs \(count) distinct rows of \(width) weights from nine values, and there are "
        + "not enough; use fewer nodes or outputs (teacher.hiddenNodes, network.outputDimension), or gaussian weights")
  }
  var rows: [[Double]] = []
  var taken: Set<[Double]> = []
  while rows.count < count {
    let row = stream.integers(width, below: choices.count).map { choices[Int($0)] }
    let largest = row.reduce(0) { max($0, abs($1)) }
    guard largest > 0, let leading = row.first(where: { $0 != 0 }) else { continue }
    let divisor: Double =
      switch sameness {
      case .equality: 1
      case .direction: largest
      case .line: leading < 0 ? -largest : largest
      }
    // Adding 0 turns -0 into 0.
    if taken.insert(row.map { $0 / divisor + 0 }).inserted { rows.append(row) }
  }
  return Matrix(rows)
}
