import UnderstudyNumerics
import UnderstudySchema

/// How a student begins.
public struct StudentDesign: Sendable, Hashable {
  public typealias Initialization = StudentSetting.Initialization

  /// n, the nodes of each hidden layer, lowest first.
  public var hiddenCounts: [Int]
  /// Standard deviation of the weights of all layers, for `plain`, `adversarial` and `helpful`.
  public var scale: Double
  public var initialization: Initialization
  /// On all weights and biases of the initialisations that `scale` does not belong to.
  public var weightFactor = 1.0
  /// Standard deviation of the noise of `perturbedTeacher`, relative to the root mean square of the teacher layer's
  /// weights.
  public var perturbation = 0.1
  /// The lowest so many hidden layers start with the teacher's nodes, exactly.
  public var teacherLayerCount = 0
  /// Where hidden layers are normalised (means 0 and variances 1 to begin with); nil: nowhere.
  public var normalization: BatchNormalization.Placement?
  /// Whether the normalisation has a learnt scale, 1 to begin with, and shift, 0.
  public var learntScale = true
  /// nil: as the teacher.
  public var hasBiases: Bool?

  public init(hiddenCounts: [Int], scale: Double, initialization: Initialization = .plain) {
    self.hiddenCounts = hiddenCounts
    self.scale = scale
    self.initialization = initialization
  }

  /// A student of one hidden layer.
  public init(hiddenCount: Int, scale: Double, initialization: Initialization = .plain) {
    self.init(hiddenCounts: [hiddenCount], scale: scale, initialization: initialization)
  }

  /// Draws the student of `teacher` that belongs to `key`. Of a normalised teacher, what is taken is the folded one.
  ///
  /// - Throws: ``ShapeError`` if the student is narrower than the teacher or of another depth.
  /// - Complexity: O(weights).
  public func draw(for teacher: Teacher, key: UInt64) throws(ShapeError) -> Student {
    let reference = teacher.network.folded
    let architecture = try architecture(for: teacher.network)
    try architecture.checkCovers(teacher.network.architecture)
    var layers = drawLayers(architecture, key: key) { index, layer, stream in
      imitate(reference.layers[index], in: &layer, from: &stream)
      if index < teacherLayerCount { copy(reference.layers[index], into: &layer) }
    }
    if initialization == .adversarial || initialization == .helpful {
      flipRows(of: &layers[0].weights, for: reference.layers[0].weights)
    }
    return Student(try Network(layers: layers, input: architecture.input, activation: architecture.activation))
  }

  /// Draws a network without a teacher, whatever the design's widths.
  ///
  /// - Precondition: the initialization takes nothing from a teacher.
  /// - Throws: ``ShapeError``, as `Network`'s initializer.
  /// - Complexity: O(weights).
  public func draw(_ architecture: Architecture, key: UInt64) throws(ShapeError) -> Network {
    precondition([.plain, .uniform, .he].contains(initialization), "there is no teacher")
    return try Network(
      layers: drawLayers(architecture, key: key) { _, _, _ in }, input: architecture.input,
      activation: architecture.activation)
  }

  /// - Parameter finish: what is done with a layer, by its number, before the next is drawn.
  private func drawLayers(
    _ architecture: Architecture, key: UInt64, finish: (Int, inout NetworkLayer, inout RandomStream) -> Void
  ) -> [NetworkLayer] {
    architecture.layers.enumerated().map { index, shape in
      var stream =
        index == architecture.layers.count - 1
        ? RandomStream(key: key, purpose: .studentOutputLayer)
        : RandomStream(key: key, purpose: .studentHiddenLayers, index: index)
      var layer = drawLayer(
        nodeCount: shape.nodeCount, inputCount: architecture.fanIn(ofLayer: index), hasBiases: shape.hasBiases,
        from: &stream)
      (layer.kind, layer.pooling) = (shape.kind, shape.pooling)
      layer.normalization = shape.normalization.map { BatchNormalization(identity: $0, nodeCount: shape.nodeCount) }
      finish(index, &layer, &stream)
      return layer
    }
  }

  private func architecture(for teacher: Network) throws(ShapeError) -> Architecture {
    let hasBiases = hasBiases ?? teacher.hasBiases
    let normalization = normalization.map { Architecture.Normalization(placement: $0, hasLearntScale: learntScale) }
    return try Architecture(
      input: teacher.architecture.input,
      layers: zip(hiddenCounts, teacher.architecture.layers).map { nodeCount, layer in
        .init(
          kind: layer.kind, nodeCount: nodeCount, hasBiases: hasBiases, normalization: normalization,
          pooling: layer.pooling)
      } + [.init(nodeCount: teacher.outputCount, hasBiases: hasBiases)],
      activation: teacher.activation)
  }

  /// Weights and biases before anything is taken from the teacher.
  private func drawLayer(
    nodeCount: Int, inputCount: Int, hasBiases: Bool, from stream: inout RandomStream
  ) -> NetworkLayer {
    let zeros = hasBiases ? [Double](repeating: 0, count: nodeCount) : nil
    func normal(_ standardDeviation: Double) -> NetworkLayer {
      NetworkLayer(
        weights: stream.normalMatrix(
          rowCount: nodeCount, columnCount: inputCount, standardDeviation: standardDeviation),
        biases: zeros)
    }
    switch initialization {
    case .plain, .adversarial, .helpful: return normal(scale)
    case .he: return normal(weightFactor * (2 / Double(inputCount)).squareRoot())
    case .uniform, .perturbedTeacher, .teacherDirections, .teacherSigns:
      let bound = weightFactor / Double(inputCount).squareRoot()
      func uniform(_ count: Int) -> [Double] { stream.uniforms(count).map { (2 * $0 - 1) * bound } }
      let weights = Matrix(rowCount: nodeCount, columnCount: inputCount, values: uniform(nodeCount * inputCount))
      return NetworkLayer(weights: weights, biases: hasBiases ? uniform(nodeCount) : nil)
    }
  }

  /// Writes what a teacher-like student takes from a layer of the teacher over its first nodes and inputs.
  private func imitate(_ teacher: NetworkLayer, in layer: inout NetworkLayer, from stream: inout RandomStream) {
    let (nodeCount, inputCount) = (teacher.nodeCount, teacher.inputCount)
    switch initialization {
    case .plain, .adversarial, .helpful, .uniform, .he: return
    case .perturbedTeacher:
      let size = euclideanNorm(teacher.weights.values) / Double(nodeCount * inputCount).squareRoot()
      let weightNoise = stream.normalMatrix(
        rowCount: nodeCount, columnCount: inputCount, standardDeviation: perturbation * size)
      let biasNoise = stream.normals(nodeCount, standardDeviation: perturbation * size)
      for k in 0..<nodeCount {
        for i in 0..<inputCount { layer.weights[k, i] = weightFactor * (teacher.weights[k, i] + weightNoise[k, i]) }
        layer.biases?[k] = weightFactor * ((teacher.biases?[k] ?? 0) + biasNoise[k])
      }
    case .teacherDirections:
      for k in 0..<nodeCount {
        let row = teacher.weights.row(k)
        let norm = euclideanNorm(row)
        guard norm > 0 else { continue }
        let factor = euclideanNorm(layer.weights.row(k).prefix(inputCount)) / norm
        for (i, weight) in row.enumerated() { layer.weights[k, i] = factor * weight }
      }
    case .teacherSigns:
      for k in 0..<nodeCount {
        for i in 0..<inputCount {
          layer.weights[k, i] = abs(layer.weights[k, i]) * sign(teacher.weights[k, i])
        }
        if let bias = layer.biases?[k], let teacherBias = teacher.biases?[k] {
          layer.biases?[k] = abs(bias) * sign(teacherBias)
        }
      }
    }
  }

  /// Makes the first nodes of a layer those of the teacher's: they see nothing of the layer's further inputs.
  private func copy(_ teacher: NetworkLayer, into layer: inout NetworkLayer) {
    for k in 0..<teacher.nodeCount {
      let row = teacher.weights.row(k)
      for i in 0..<layer.inputCount { layer.weights[k, i] = i < row.count ? row[row.startIndex + i] : 0 }
      layer.biases?[k] = teacher.biases?[k] ?? 0
    }
  }

  /// Turns lowest rows to one side of the origin, seen from the last teacher node.
  private func flipRows(of weights: inout Matrix, for lowest: Matrix) {
    let weakest = lowest.row(lowest.rowCount - 1)
    for k in 0..<weights.rowCount {
      let product = dotProduct(weights.row(k), weakest)
      guard initialization == .adversarial ? product > 0 : product < 0 else { continue }
      for f in 0..<weights.columnCount { weights[k, f] = -weights[k, f] }
    }
  }
}

private func sign(_ value: Double) -> Double { value > 0 ? 1 : value < 0 ? -1 : 0 }
