import UnderstudyNetworks
import UnderstudyNumerics

/// J = 1/2 E ||f*(x) - f(x)||^2 over inputs x ~ N(0, s^2 I): the loss on infinitely many evaluation inputs.
///
/// - Units: those of the outputs, squared; exact to about 1e-15 of E ||f*||^2.
/// - Throws: ``ShapeError`` if a network has more than one hidden layer, or the two differ in inputs, outputs or activation.
/// - Complexity: O((n + m)^2 (d + C)).
/// - Source: derived (Docs/Derivations/dynamics.md).
public func expectedLoss(
  of student: Student, learning teacher: Teacher, inputDeviation: Double
) throws(ShapeError) -> Double {
  try expectation(of: student, learning: teacher, inputDeviation: inputDeviation).loss
}

/// The derivatives of ``expectedLoss(of:learning:inputDeviation:)`` by all weights and biases of the student. Gradient flow moves
/// against them.
///
/// - Shape: a layer for each of the student's, `[node, input]` and `[node]`; without biases where it has none.
/// - Units: those of the loss over those of the weights.
/// - Throws: ``ShapeError`` if a network has more than one hidden layer, or the two differ in inputs, outputs or activation.
/// - Complexity: O((n + m)^2 (d + C)).
/// - Source: derived (Docs/Derivations/dynamics.md).
public func expectedGradients(
  of student: Student, learning teacher: Teacher, inputDeviation: Double
) throws(ShapeError) -> [LayerWeights] {
  try expectation(of: student, learning: teacher, inputDeviation: inputDeviation).gradients
}

private func expectation(
  of student: Student, learning teacher: Teacher, inputDeviation: Double
) throws(ShapeError) -> (loss: Double, gradients: [LayerWeights]) {
  try GaussianObjective(of: teacher, inputDeviation: inputDeviation, for: student).evaluate(
    student.network.layers.map(LayerWeights.init))
}
