import UnderstudyNumerics

/// How a data set D becomes the larger D' of the finite-data statements: each sample stays, and is moved both ways along
/// each of some directions.
///
/// Source: Tian 2020, arXiv:1909.13458, teacher-agnostic and teacher-aware augmentation.
public struct Augmentation: Sendable, Hashable {
  /// Which directions samples are moved along.
  public enum Scheme: String, Sendable, Hashable {
    /// Along d orthonormal directions (the coordinate axes): |D'| = (2d + 1) |D|.
    case teacherAgnostic
    /// Along the unit weights of each node of the teacher's lowest layer: |D'| = (2m + 1) |D|.
    case teacherAware
  }

  public var scheme: Scheme
  /// How far a sample is moved, in units of the input; proportional to the eps of the statement.
  public var step: Double

  public init(scheme: Scheme, step: Double) {
    self.scheme = scheme
    self.step = step
  }

  /// The unit directions along which samples move, `[direction, feature]`; teacher nodes without weights give none.
  public func directions(for teacher: Teacher) -> Matrix {
    let layer = teacher.network.layers[0]
    switch scheme {
    case .teacherAgnostic:
      var axes = Matrix(rowCount: layer.inputCount, columnCount: layer.inputCount)
      for feature in 0..<layer.inputCount { axes[feature, feature] = 1 }
      return axes
    case .teacherAware:
      let rows: [[Double]] = (0..<layer.nodeCount).compactMap { node in
        let norm = euclideanNorm(layer.weights.row(node))
        return norm > 0 ? layer.weights.row(node).map { $0 / norm } : nil
      }
      return rows.isEmpty ? Matrix(rowCount: 0, columnCount: layer.inputCount) : Matrix(rows)
    }
  }

  /// Samples of D' for each sample of D: 1 and two for each direction.
  public func factor(for teacher: Teacher) -> Int { 1 + 2 * directions(for: teacher).rowCount }

  /// The augmented data set; of a sample first itself, then moved up and down along each direction in turn.
  ///
  /// This is for training on D'. Measuring over D' needs no such array: see the gradients over augmented inputs.
  ///
  /// - Shape: `inputs` is `[sample, feature]`, the result `[sample * factor, feature]`.
  public func apply(to inputs: Matrix, for teacher: Teacher) -> Matrix {
    let directions = directions(for: teacher)
    var values: [Double] = []
    values.reserveCapacity(inputs.values.count * (1 + 2 * directions.rowCount))
    for i in 0..<inputs.rowCount {
      let sample = inputs.row(i)
      values += sample
      for direction in 0..<directions.rowCount {
        let unit = directions.row(direction)
        for sign in [step, -step] { values += zip(sample, unit).map { $0 + sign * $1 } }
      }
    }
    return Matrix(
      rowCount: inputs.rowCount * (1 + 2 * directions.rowCount), columnCount: inputs.columnCount, values: values)
  }
}
