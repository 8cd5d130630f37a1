import UnderstudyNumerics

/// How a two-layer student begins: small normal weights, biases 0.
public struct StudentDesign: Sendable, Hashable {
  /// Which side of the origin the first-layer rows start on, seen from the last (weakest) teacher node.
  public enum Initialization: Sendable, Hashable {
    case plain
    /// Rows with a positive product with the teacher's last row are flipped (the peer's `adv`).
    case adversarial
    /// Rows with a negative product are flipped (the peer's `help`).
    case helpful
  }

  /// n
  public var hiddenCount: Int
  /// Standard deviation of the weights of both layers.
  public var scale: Double
  public var initialization: Initialization

  public init(hiddenCount: Int, scale: Double, initialization: Initialization = .plain) {
    self.hiddenCount = hiddenCount
    self.scale = scale
    self.initialization = initialization
  }

  /// Draws the student of `teacher` that belongs to `key`; it has biases if the teacher has.
  ///
  /// - Throws: ``ShapeError`` if the student is narrower than the teacher.
  public func draw(for teacher: Teacher, key: UInt64) throws(ShapeError) -> Student {
    let (d, outputCount) = (teacher.network.inputCount, teacher.network.outputCount)
    var firstStream = RandomStream(key: key, purpose: .studentFirstLayer)
    var lastStream = RandomStream(key: key, purpose: .studentOutputLayer)
    var first = firstStream.normalMatrix(rowCount: hiddenCount, columnCount: d, standardDeviation: scale)
    let last = lastStream.normalMatrix(rowCount: outputCount, columnCount: hiddenCount, standardDeviation: scale)
    if initialization != .plain {
      let lowest = teacher.network.layers[0].weights
      let weakest = lowest.row(lowest.rowCount - 1)
      for k in 0..<hiddenCount {
        let product = zip(first.row(k), weakest).reduce(0) { $0 + $1.0 * $1.1 }
        guard initialization == .adversarial ? product > 0 : product < 0 else { continue }
        for f in 0..<d { first[k, f] = -first[k, f] }
      }
    }
    let hasBiases = teacher.network.hasBiases
    let network = try Network(
      layers: [
        DenseLayer(weights: first, biases: hasBiases ? [Double](repeating: 0, count: hiddenCount) : nil),
        DenseLayer(weights: last, biases: hasBiases ? [Double](repeating: 0, count: outputCount) : nil),
      ], activation: teacher.network.activation)
    let student = Student(network)
    try student.checkFits(teacher)
    return student
  }
}
