import UnderstudyNetworks
import UnderstudyNumerics

/// The units in which a network is recovered: inputs and targets of root mean square 1, so that no decision of the search
/// depends on the units they come in.
struct RecoveryUnits {
  /// Root mean squares; 1 where all are 0.
  let inputSize: Double
  let outputSize: Double

  init(inputs: Matrix, targets: Matrix) {
    func size(_ samples: Matrix) -> Double {
      let size = samples.rootMeanSquare
      return size > 0 ? size : 1
    }
    (inputSize, outputSize) = (size(inputs), size(targets))
  }

  /// The same function of inputs and outputs in these units.
  func scaled(_ network: Network) -> Network { scaled(network, inputs: inputSize, outputs: 1 / outputSize) }

  /// A network of these units in those of the samples.
  func original(_ network: Network) -> Network { scaled(network, inputs: 1 / inputSize, outputs: outputSize) }

  private func scaled(_ network: Network, inputs: Double, outputs: Double) -> Network {
    var result = network
    let last = network.layers.count - 1
    result.layers[0].weights = result.layers[0].weights.scaled(by: inputs)
    result.layers[last].weights = result.layers[last].weights.scaled(by: outputs)
    result.layers[last].biases = result.layers[last].biases.map { $0.map { $0 * outputs } }
    return result
  }
}

extension Matrix {
  func scaled(by factor: Double) -> Matrix {
    Matrix(rowCount: rowCount, columnCount: columnCount, values: values.map { $0 * factor })
  }
}
