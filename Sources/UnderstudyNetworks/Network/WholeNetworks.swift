import UnderstudyNumerics

// Operations on all parameters of a network.

extension Network {
  /// The network on the straight line to another one: every parameter is (1 - t) of this and t of the other.
  ///
  /// - Precondition: both have one architecture, without normalisation, and t is in 0...1.
  public func interpolated(to end: Network, at t: Double) -> Network {
    precondition(architecture == end.architecture && isPlain, "a straight line joins one plain architecture's networks")
    return Network(
      fitting: zip(layers, end.layers).map { $0.interpolated(to: $1, at: t) }, activation: activation)
  }

  /// The same function with more nodes in its hidden layers, without weights and without fan-out.
  ///
  /// - Precondition: the network is plain, and no layer gets narrower.
  package func widened(to widths: [Int]) -> Network {
    let counts = [inputCount] + widths + [outputCount]
    let widened = layers.enumerated().map { index, layer in
      let missing = Matrix(rowCount: counts[index + 1] - layer.nodeCount, columnCount: counts[index])
      return NetworkLayer(
        weights: layer.weights.padded(columns: counts[index]).appending(missing),
        biases: layer.biases.map { $0 + [Double](repeating: 0, count: missing.rowCount) })
    }
    return Network(fitting: widened, activation: activation)
  }

  /// The same function of inputs and outputs in other units: lowest weights times one factor, the output layer times the
  /// other.
  public func scaled(inputs: Double, outputs: Double) -> Network {
    var result = self
    let last = layers.count - 1
    result[layer: 0].weights = layers[0].weights.scaled(by: inputs)
    result[layer: last].weights = layers[last].weights.scaled(by: outputs)
    result[layer: last].biases = layers[last].biases.map { $0.map { $0 * outputs } }
    return result
  }

  /// The network with the output layer that fits some outputs best, by least squares; as it is where the samples are too few,
  /// or the fit is not finite.
  ///
  /// - Shape: `outputs` is `[sample, output]`, `inputs` `[sample, feature]`.
  /// - Throws: ``ShapeError`` if the inputs do not fit.
  /// - Complexity: O(samples x (weights + width^2)).
  public func refittingOutputs(to outputs: Matrix, over inputs: Matrix) throws(ShapeError) -> Network {
    try checkWidth(of: inputs)
    let last = layers.count - 1
    let (width, hasBiases) = (layers[last].inputCount, layers[last].biases != nil)
    var below = activations(over: inputs, layer: last - 1)
    if hasBiases { below = below.appendingOnes() }
    guard inputs.rowCount >= below.columnCount, let solution = LinearAlgebra.leastSquares(below, outputs)?.solution
    else {
      return self
    }
    var result = self
    result[layer: last].weights = solution.prefix(rows: width).transposed
    if hasBiases { result[layer: last].biases = Array(solution.row(width)) }
    return result.isFinite ? result : self
  }
}

extension NetworkLayer {
  /// (1 - t) of this layer's weights and biases, and t of another's of the same shape.
  public func interpolated(to end: NetworkLayer, at t: Double) -> NetworkLayer {
    guard t > 0 else { return self }
    guard t < 1 else { return end }
    func between(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { (1 - t) * $0 + t * $1 } }
    var result = self
    result.weights.values = between(weights.values, end.weights.values)
    result.biases = biases.map { between($0, end.biasesOrZeros) }
    return result
  }
}
