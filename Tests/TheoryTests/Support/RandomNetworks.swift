import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudyTheory

extension Verdict {
  /// Whether a student node is aligned, predicted or not.
  var isFound: Bool {
    switch self {
    case .predictedAndFound, .foundThoughNotPredicted: true
    case .matchedOnInputs, .notLearned, .violation: false
    }
  }
}

extension Coupling {
  /// E[beta_kk'].
  func meanBeta(_ k: Int, _ other: Int) -> Double { dotProduct(fanOut.row(k), fanOut.row(other)) }
}

/// Measures by plain loops.
enum Plain {
  /// The correlation of two lists, by two passes; 0 if one of them is constant.
  static func correlation(_ a: [Double], _ b: [Double]) -> Double {
    func centred(_ values: [Double]) -> [Double] {
      let mean = values.reduce(0, +) / Double(values.count)
      return values.map { $0 - mean }
    }
    let (a, b) = (centred(a), centred(b))
    let squares = dotProduct(a, a) * dotProduct(b, b)
    return squares > 0 ? dotProduct(a, b) / squares.squareRoot() : 0
  }

  /// The pre-activations of a layer at one sample.
  static func preactivations(_ network: Network, _ x: some Sequence<Double>, layer: Int) -> [Double] {
    var (f, z) = (Array(x), Array(x))
    for dense in network.layers[...layer] {
      z = (0..<dense.nodeCount).map { dotProduct(dense.weights.row($0), f, from: dense.biasesOrZeros[$0]) }
      f = z.map { network.activation($0) }
    }
    return z
  }
}

/// Networks and inputs that tests draw.
enum Draw {
  /// A network of `widths`: inputs, hidden layers, outputs; normal weights scaled to keep the size of the activations.
  static func network(_ widths: [Int], key: UInt64, slope: Double = 0, hasBiases: Bool = true) throws -> Network {
    var stream = RandomStream(key: key, purpose: .test)
    let layers = zip(widths, widths.dropFirst()).map { inputs, nodes in
      NetworkLayer(
        weights: stream.normalMatrix(
          rowCount: nodes, columnCount: inputs, standardDeviation: 1 / Double(inputs).squareRoot()),
        biases: hasBiases ? stream.normals(nodes, standardDeviation: 0.3) : nil)
    }
    return try Network(layers: layers, activation: Activation(negativeSlope: slope))
  }

  /// A network by its nodes, (w, b) and fan-out of each.
  static func twoLayers(
    _ rows: [[Double]], fanOuts: [[Double]], outputBiases: [Double]? = nil, slope: Double = 0
  ) throws -> Network {
    try TwoLayerView(
      rows: rows, hasHiddenBiases: true, fanOuts: fanOuts, outputBiases: outputBiases ?? fanOuts[0].map { _ in 0 },
      activation: Activation(negativeSlope: slope)
    ).network
  }

  static func inputs(_ count: Int, _ d: Int, key: UInt64 = 7, deviation: Double = 1.5) -> Matrix {
    var stream = RandomStream(key: key, purpose: .trainingInputs)
    return stream.normalMatrix(rowCount: count, columnCount: d, standardDeviation: deviation)
  }

  /// A student that holds the teacher's nodes in another order and scale, and `extra` idle nodes without fan-out.
  static func copy(of teacher: Network, extra: Int = 0, key: UInt64 = 3) throws -> Student {
    let (m, d, outputs) = (teacher.layers[0].nodeCount, teacher.inputCount, teacher.outputCount)
    var stream = RandomStream(key: key, purpose: .test)
    var first = stream.normalMatrix(rowCount: m + extra, columnCount: d, standardDeviation: 1)
    var biases = stream.normals(m + extra, standardDeviation: 0.3)
    var last = Matrix(rowCount: outputs, columnCount: m + extra)
    for j in 0..<m {
      let (k, scale) = (m - 1 - j, Double(j + 1) / 2)
      for f in 0..<d { first[k, f] = scale * teacher.layers[0].weights[j, f] }
      biases[k] = scale * (teacher.layers[0].biases?[j] ?? 0)
      for c in 0..<outputs { last[c, k] = teacher.layers[1].weights[c, j] / scale }
    }
    return Student(
      try Network(
        layers: [
          NetworkLayer(weights: first, biases: biases), NetworkLayer(weights: last, biases: teacher.layers[1].biases),
        ], activation: teacher.activation))
  }
}
