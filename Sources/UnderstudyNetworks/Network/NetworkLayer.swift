import UnderstudyNumerics

/// One layer with its parameters, `z = W x + b`; hidden ones may be normalised and pooled.
///
/// x is what a node of the layer sees: all that is below, or the part of the map below that a convolution's window is over.
public struct NetworkLayer: Sendable, Equatable {
  public internal(set) var kind = Architecture.Layer.Kind.dense
  /// `[node, input]`; of a convolution `[channel, (channel below, row, column)]`.
  public var weights: Matrix
  /// `[node]`, or `nil` for a layer without biases.
  public var biases: [Double]?
  /// Of a hidden layer's pre-activations or activations; `nil` for a plain layer.
  public var normalization: BatchNormalization?
  public internal(set) var pooling: Pooling?

  /// A layer with these parameters.
  ///
  /// - Shape: `weights` is `[node, input]`, of a convolution `[channel, (channel below, row, column)]`; `biases` is `[node]`.
  /// - Precondition: one bias for each node.
  public init(
    _ kind: Architecture.Layer.Kind = .dense, weights: Matrix, biases: [Double]?,
    normalization: BatchNormalization? = nil, pooling: Pooling? = nil
  ) {
    precondition(biases.map { $0.count == weights.rowCount } ?? true, "one bias a node")
    self.kind = kind
    self.pooling = pooling
    self.weights = weights
    self.biases = biases
    self.normalization = normalization
  }

  public var nodeCount: Int { weights.rowCount }
  public var inputCount: Int { weights.columnCount }
  /// The biases, 0 for a layer without.
  public var biasesOrZeros: [Double] { biases ?? [Double](repeating: 0, count: nodeCount) }

  /// (w, b) of a node, `[input + 1]`; a bias of 0 for a layer without.
  public func row(_ node: Int) -> [Double] { Array(weights.row(node)) + [biases?[node] ?? 0] }

  /// Replaces (w, b) of a node; of a layer without biases, w.
  ///
  /// - Precondition: as many numbers as ``row(_:)`` has.
  public mutating func setRow(_ node: Int, to row: [Double]) {
    precondition(row.count == inputCount + 1, "a row has a weight for each input, and a bias")
    for (input, weight) in row.dropLast().enumerated() { weights[node, input] = weight }
    biases?[node] = row[row.count - 1]
  }

  /// Multiplies (w, b) of a node.
  public mutating func multiplyRow(_ node: Int, by factor: Double) {
    for input in 0..<inputCount { weights[node, input] *= factor }
    biases?[node] *= factor
  }

  /// What a network's architecture says of the layer.
  var shape: Architecture.Layer {
    Architecture.Layer(
      kind: kind, nodeCount: nodeCount, hasBiases: biases != nil,
      normalization: normalization.map { .init(placement: $0.placement, hasLearntScale: $0.scales != nil) },
      pooling: pooling)
  }

  var isFinite: Bool {
    weights.isFinite && (biases ?? []).allSatisfy(\.isFinite) && normalization?.isFinite ?? true
  }

  /// Pre-activations `W x + b` of a block of samples, not normalised.
  ///
  /// - Shape: `block` is `[input, sample]`, the result `[node, sample]`.
  public func preactivations(of block: Matrix) -> Matrix {
    var result = Matrix(rowCount: nodeCount, columnCount: block.columnCount)
    if let biases {
      for node in 0..<nodeCount {
        for i in 0..<block.columnCount { result[node, i] = biases[node] }
      }
    }
    multiply(weights, block, into: &result, adding: true)
    return result
  }

  /// The same of all samples at once, by OpenBLAS: faster for large matrices, with the bits of its processor.
  ///
  /// - Shape: `samples` is `[sample, input]`, the result `[sample, node]`.
  public func preactivations(over samples: Matrix) -> Matrix {
    var z = LinearAlgebra.product(samples, weights, transposingSecond: true)
    let biases = biasesOrZeros
    for i in 0..<z.rowCount {
      for k in 0..<nodeCount { z[i, k] += biases[k] }
    }
    return z
  }
}
