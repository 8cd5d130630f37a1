import UnderstudyNumerics

/// The weights of a student, or a direction in their space, as a search holds them: a layer's biases are the weights of one more
/// input of constant 1.
struct ParameterVector: Equatable {
  /// From the lowest layer upwards, each `[node, input]`; with biases, they are the last column. A direction may end below the
  /// output layer: the layers that it leaves out do not move.
  var layers: [Matrix]

  init(layers: [Matrix]) { self.layers = layers }

  /// These numbers in the shapes of `other`, or of its first layers.
  init(_ flat: [Double], like other: ParameterVector) {
    var first = 0
    layers = []
    for layer in other.layers where first < flat.count {
      layers.append(
        Matrix(
          rowCount: layer.rowCount, columnCount: layer.columnCount,
          values: Array(flat[first..<first + layer.values.count])))
      first += layer.values.count
    }
  }

  var count: Int { layers.reduce(0) { $0 + $1.values.count } }
  /// All weights, layer after layer, row after row.
  var flat: [Double] { layers.flatMap(\.values) }
  var isFinite: Bool { layers.allSatisfy(\.isFinite) }
  var outputLayer: Matrix { layers[layers.count - 1] }
  /// Without the output layer.
  var hidden: ParameterVector { ParameterVector(layers: Array(layers.dropLast())) }

  static func + (a: ParameterVector, b: ParameterVector) -> ParameterVector {
    var sum = a
    for l in sum.layers.indices {
      for i in sum.layers[l].values.indices { sum.layers[l].values[i] += b.layers[l].values[i] }
    }
    return sum
  }
}
