import UnderstudyNetworks
import UnderstudyNumerics

/// A teacher of any depth, by default of three hidden layers.
func deepDesign(
  _ widths: [Int] = [9, 7, 8], d: Int = 12, c: Int = 5, weights: TeacherDesign.Weights = .gaussian(scale: 1),
  bias: Double? = 0.1, decay: Double = 0
) -> TeacherDesign {
  TeacherDesign(
    inputCount: d, hiddenCounts: widths, outputCount: c, weights: weights, bias: bias, strengthDecay: decay,
    activation: .relu)
}

/// Normal inputs, the same at every call.
func normalSample(_ count: Int = 400, d: Int = 12) -> Matrix {
  var stream = RandomStream(key: 11, purpose: .test)
  return stream.normalMatrix(rowCount: count, columnCount: d, standardDeviation: 1)
}

func product(_ a: some Sequence<Double>, _ b: some Sequence<Double>) -> Double {
  zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
}
