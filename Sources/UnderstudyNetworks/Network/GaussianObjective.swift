import UnderstudyNumerics

extension GaussianObjective {
  /// The objective of students of a teacher, over inputs x ~ N(0, s^2 I).
  ///
  /// - Parameters:
  ///   - inputDeviation: s, of each coordinate.
  ///   - student: of those students, one.
  /// - Throws: ``ShapeError`` if one of the two has more than one hidden layer, or they differ in inputs, outputs or activation.
  public init(of teacher: Teacher, inputDeviation: Double, for student: Student) throws(ShapeError) {
    let (given, own) = (try TwoLayerView(teacher.network.folded), try TwoLayerView(student.network))
    try student.network.checkIsPlain()
    guard own.inputCount == given.inputCount, own.outputCount == given.outputCount else {
      throw ShapeError(
        "the teacher has \(given.inputCount) inputs and \(given.outputCount) outputs, the student \(own.inputCount) and "
          + "\(own.outputCount); give networks of the same")
    }
    guard own.activation == given.activation else {
      throw ShapeError("teacher and student have different activations; give networks of the same")
    }
    self.init(
      teacher: given.network.layers.map(LayerWeights.init), negativeSlope: given.activation.negativeSlope,
      inputDeviation: inputDeviation)
  }
}
