import Testing
import UnderstudyNumerics

@testable import UnderstudyNetworks

/// Networks that are normalised in some hidden layers, with statistics as of any training: scales of both signs, small
/// and large variances.
func normalizedNetwork(
  widths: [Int], placement: BatchNormalization.Placement, learnt: Bool, biases: Bool, slope: Double,
  normalizedLayers: [Int]? = nil, key: UInt64
) throws -> Network {
  var stream = RandomStream(key: key, purpose: .test)
  var layers: [NetworkLayer] = []
  for index in 0..<(widths.count - 1) {
    let (inputs, nodes) = (widths[index], widths[index + 1])
    var layer = NetworkLayer(
      weights: stream.normalMatrix(rowCount: nodes, columnCount: inputs, standardDeviation: 1),
      biases: biases ? stream.normals(nodes, standardDeviation: 1) : nil)
    if (normalizedLayers ?? Array(0..<(widths.count - 2))).contains(index) {
      layer.normalization = BatchNormalization(
        placement: placement, means: stream.normals(nodes, standardDeviation: 1),
        variances: stream.uniforms(nodes).map { power(10, 6 * $0 - 4) },
        scales: learnt ? stream.normals(nodes, standardDeviation: 1) : nil,
        shifts: learnt ? stream.normals(nodes, standardDeviation: 1) : nil)
    }
    layers.append(layer)
  }
  return try Network(layers: layers, activation: Activation(negativeSlope: slope))
}

/// One sample's pre-activations (normalised where that comes before the activation), and a bound of the size of all that
/// was added up for each: the same sums with absolute values.
private func evaluate(_ network: Network, _ sample: [Double]) -> (values: [[Double]], sizes: [[Double]]) {
  var (input, inputSizes) = (sample, sample.map { abs($0) })
  var (values, sizes): ([[Double]], [[Double]]) = ([], [])
  for layer in network.layers {
    var (z, zSizes): ([Double], [Double]) = ([], [])
    for node in 0..<layer.nodeCount {
      let bias = layer.biases?[node] ?? 0
      z.append(zip(layer.weights.row(node), input).reduce(0) { $0 + $1.0 * $1.1 } + bias)
      zSizes.append(zip(layer.weights.row(node), inputSizes).reduce(0) { $0 + abs($1.0) * $1.1 } + abs(bias))
    }
    func normalize(_ normalization: BatchNormalization) {
      for node in z.indices {
        let deviation = (normalization.variances[node] + 1e-5).squareRoot()
        let (scale, shift) = (normalization.scales?[node] ?? 1, normalization.shifts?[node] ?? 0)
        z[node] = (z[node] - normalization.means[node]) / deviation * scale + shift
        zSizes[node] = (zSizes[node] + abs(normalization.means[node])) / deviation * abs(scale) + abs(shift)
      }
    }
    if let normalization = layer.normalization, normalization.placement == .beforeActivation {
      normalize(normalization)
    }
    values.append(z)
    sizes.append(zSizes)
    z = z.map { $0 > 0 ? $0 : network.activation.negativeSlope * $0 }
    if let normalization = layer.normalization, normalization.placement == .afterActivation { normalize(normalization) }
    (input, inputSizes) = (z, zSizes)
  }
  return (values, sizes)
}

@Suite("Batch normalisation") struct NormalizationTests {
  @Test(
    "a folded network is the same function, layer by layer",
    arguments: BatchNormalization.Placement.allCases, [true, false])
  func folding(placement: BatchNormalization.Placement, learnt: Bool) throws {
    for (biases, slope, layers) in [(true, 0, nil), (false, 0.1, nil), (true, 1, [1]), (false, 0, [0])]
      as [(Bool, Double, [Int]?)]
    {
      let widths = [5, 7, 6, 4, 3]
      let network = try normalizedNetwork(
        widths: widths, placement: placement, learnt: learnt, biases: biases, slope: slope, normalizedLayers: layers,
        key: 3)
      let folded = network.folded
      #expect(!network.isPlain && folded.isPlain && folded.hasBiases)
      var stream = RandomStream(key: 4, purpose: .test)
      let inputs = stream.normalMatrix(rowCount: 70, columnCount: 5, standardDeviation: 1)
      let outputs = try network.outputs(for: inputs)
      #expect(try outputs == folded.outputs(for: inputs))
      #expect(
        network.preactivations(of: inputs.transposed) == folded.preactivations(of: inputs.transposed))
      let preactivations = folded.preactivations(of: inputs.transposed)
      // Each way rounds at most width + 8 times in a layer, each time by 2^-53 of a part of the sum of absolute values,
      // and the activation and all later sums carry errors on at most as they carry sizes: two ways, all layers.
      let roundings = 2 * Double(widths.reduce(0) { $0 + $1 + 8 })
      for i in 0..<70 {
        let (values, sizes) = evaluate(network, Array(inputs.row(i)))
        for layer in values.indices {
          for node in values[layer].indices {
            let error = abs(preactivations[layer][node, i] - values[layer][node])
            #expect(error <= roundings * 0x1p-53 * sizes[layer][node], "layer \(layer), node \(node), sample \(i)")
          }
        }
        for c in 0..<3 { #expect(abs(outputs[i, c] - values[3][c]) <= roundings * 0x1p-53 * sizes[3][c]) }
      }
    }
  }

  @Test(
    "over maps, normalisations are folded that no border and no maximum needs",
    arguments: [
      ("conv 3, conv 4, dense 5", .afterActivation, [false, false, false]),
      ("conv 3, conv 4 padding 1, conv 2 padding 0x1", .afterActivation, [true, true, false]),
      ("conv 3 max 2, conv 2 average 3 stride 1 padding 1, dense 2", .afterActivation, [true, false, false]),
      ("conv 3 average 2, conv 2 average", .afterActivation, [false, false]),
      ("conv 3 padding 1 max 2, conv 4 padding 1", .beforeActivation, [false, false]),
    ] as [(String, BatchNormalization.Placement, [Bool])])
  func foldingMaps(layers: String, placement: BatchNormalization.Placement, stays: [Bool]) throws {
    let one = ImageCase(MapSize(channels: 2, rows: 9, columns: 8), layers, placement)
    let network = try one.network()
    let folded = network.foldedWherePossible
    #expect(folded.layers.dropLast().map { $0.normalization != nil } == stays)
    #expect(folded.architecture == network.architecture.foldedWherePossible)
    let images = one.images(4)
    let (outputs, expected) = (try folded.outputs(for: images), try network.outputs(for: images))
    let scale = expected.values.reduce(0) { max($0, abs($1)) }
    #expect(largestDifference(outputs, expected) < 1e-13 * scale)
    for layer in stays.indices {
      // What the kernels hand out is before a normalisation that follows the activation, folded or not.
      let (activations, expected) = (
        folded.activations(over: images, layer: layer), network.activations(over: images, layer: layer)
      )
      #expect(largestDifference(activations, expected) < 1e-13 * expected.values.reduce(1) { max($0, abs($1)) })
    }
  }

  @Test("a plain network folds to itself")
  func plain() throws {
    let network = try smallNetwork(biases: false)
    #expect(network.isPlain && network.folded == network)
    #expect(network.folded.layers.allSatisfy { $0.biases == nil })
  }

  @Test("folded weights, by hand: a variance of 4 - epsilon halves, a scale of -3 turns")
  func byHand() throws {
    var layers = try smallNetwork(biases: true).layers
    let variances = [4 - 1e-5, 1 - 1e-5]
    layers[0].normalization = BatchNormalization(
      placement: .beforeActivation, means: [1, 2], variances: variances, scales: [-3, 1], shifts: [0.5, 0])
    var network = try Network(layers: layers, activation: .relu)
    let before = network.folded
    let expected = Matrix([[-1.5, 0.75, -0.375], [2, 0, -3]])
    // 4 - 1e-5 + 1e-5 is 4 up to one rounding, and so on.
    #expect(largestDifference(before.layers[0].weights, expected) < 1e-15)
    #expect(zip(before.layers[0].biases ?? [], [-1.5 * -0.5 + 0.5, -3]).allSatisfy { abs($0 - $1) < 1e-15 })
    #expect(before.layers[1] == network.layers[1])

    layers[0].normalization?.placement = .afterActivation
    network = try Network(layers: layers, activation: .relu)
    let after = network.folded
    #expect(after.layers[0].weights == network.layers[0].weights && after.layers[0].biases == network.layers[0].biases)
    #expect(largestDifference(after.layers[1].weights, Matrix([[-2.25, -2]])) < 1e-15)
    #expect(abs((after.layers[1].biases?[0] ?? 0) - (4 + 1.5 * (0.5 + 1.5) - 2 * -2)) < 1e-14)
    #expect(after.layers[1].weights.transposed == network.fanOutWeights)
    #expect(network.hasBiases && network.hiddenCounts == [2])
    #expect(throws: Never.self) { try Student(network).checkFits(Teacher(after)) }
  }

  @Test("numbers of a normalisation count when a network is finite")
  func finite() throws {
    let network = try normalizedNetwork(
      widths: [2, 3, 1], placement: .beforeActivation, learnt: true, biases: false, slope: 0, key: 1)
    #expect(network.isFinite)
    for change in [
      { $0.means[1] = .nan }, { $0.variances[0] = .infinity }, { $0.scales?[2] = .nan },
      { $0.shifts?[0] = -.infinity },
    ] as [(inout BatchNormalization) -> Void] {
      var broken = network
      if var normalization = broken.layers[0].normalization {
        change(&normalization)
        broken[layer: 0].normalization = normalization
      }
      #expect(!broken.isFinite)
    }
  }

  @Test("a normalisation of another length, on the output layer or placed elsewhere is refused")
  func shapes() throws {
    func normalization(
      _ count: Int, _ placement: BatchNormalization.Placement = .beforeActivation, scaleCount: Int? = nil
    ) -> BatchNormalization {
      func ones(_ count: Int) -> [Double] { [Double](repeating: 1, count: count) }
      return BatchNormalization(
        placement: placement, means: ones(count), variances: ones(count), scales: scaleCount.map(ones),
        shifts: scaleCount.map(ones))
    }
    func message(_ parts: [BatchNormalization?]) -> String? {
      var layers = [(4, 3), (2, 4), (1, 2)].map {
        NetworkLayer(weights: Matrix(rowCount: $0.0, columnCount: $0.1), biases: nil)
      }
      for (index, part) in parts.enumerated() { layers[index].normalization = part }
      return #expect(throws: ShapeError.self) { try Network(layers: layers, activation: .relu) }?.description
    }
    #expect(message([normalization(3), nil, nil])?.contains("layer 1 (lowest) has 4 nodes") == true)
    #expect(message([nil, normalization(2, scaleCount: 1), nil])?.contains("has 1 values") == true)
    #expect(message([nil, nil, normalization(1)])?.contains("layer 3 is the output layer") == true)
    let mixed = message([normalization(4), normalization(2, .afterActivation), nil])
    #expect(mixed?.contains("one placement") == true)
  }
}
