import UnderstudyNumerics
import UnderstudySchema

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

  /// Which samples D' has of each sample of D: the slides say `2m |D|` and `m |D|` for teacher-aware sets, where the statement
  /// for teacher-agnostic ones has `(2d + 1) |D|`.
  public typealias Copies = InputSetting.AugmentationCopies

  public var scheme: Scheme
  public var copies: Copies
  /// How far a sample is moved, in units of the input; proportional to the eps of the statement.
  public var step: Double

  public init(scheme: Scheme, step: Double, copies: Copies = .bothWays) {
    self.scheme = scheme
    self.copies = copies
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

  /// How far a copy is moved along each direction.
  private var steps: [Double] { copies == .oneWay ? [step] : [step, -step] }
  private var keepsOriginals: Bool { copies == .bothWays }

  /// Samples of D' for each sample of D: as many as there are steps in each direction, and maybe itself; 0 only for a teacher
  /// without directions whose originals are left out.
  public func factor(for teacher: Teacher) -> Int {
    (keepsOriginals ? 1 : 0) + steps.count * directions(for: teacher).rowCount
  }

  /// The augmented data set; of a sample first itself, then moved up and down along each direction in turn, of these what
  /// `copies` has.
  ///
  /// This is for training on D'. Measuring over D' needs no such array: see the gradients over augmented inputs.
  ///
  /// - Shape: `inputs` is `[sample, feature]`, the result `[sample * factor, feature]`.
  public func apply(to inputs: Matrix, for teacher: Teacher) -> Matrix {
    let directions = directions(for: teacher)
    let factor = factor(for: teacher)
    var values: [Double] = []
    values.reserveCapacity(inputs.values.count * factor)
    for i in 0..<inputs.rowCount {
      let sample = inputs.row(i)
      if keepsOriginals { values += sample }
      for direction in 0..<directions.rowCount {
        let unit = directions.row(direction)
        for step in steps { values += zip(sample, unit).map { $0 + step * $1 } }
      }
    }
    return Matrix(rowCount: inputs.rowCount * factor, columnCount: inputs.columnCount, values: values)
  }
}
