import Testing
import UnderstudySchema

@testable import UnderstudyNetworks
@testable import UnderstudyNumerics
@testable import UnderstudyReconstruction

/// Smaller networks by removal and least squares: exact where nodes are not needed, and never a mask.
@Suite struct StudentPruningTests {
  /// Random images as a set of their own.
  private func data(_ size: MapSize, count: Int = 150) -> PruningData {
    var stream = RandomStream(key: 5, purpose: .test)
    func batcher() -> ImageBatcher {
      let pixels = StoredPixels(
        .numbers(stream.normals(count * size.count, standardDeviation: 1).map { Float($0) }), size: size, count: count)
      let set = ImageSet(pixels: pixels, labels: (0..<count).map { UInt8($0 % 3) }, classCount: 3)
      return ImageBatcher(
        set,
        normalization: ChannelNormalization(
          means: [Double](repeating: 0, count: size.channels), deviations: [Double](repeating: 1, count: size.channels)
        ))
    }
    let (fitting, evaluation) = (batcher(), batcher())
    return PruningData(fitting: fitting, evaluation: evaluation, labels: evaluation.set.labels, name: "noise")
  }

  private func network(
    _ size: MapSize, _ layers: String, _ placement: BatchNormalization.Placement? = nil
  ) throws -> Network {
    let architecture = try Architecture(
      input: size, hidden: try LayerList(layers), outputCount: 3, activation: .relu, hasBiases: true,
      normalization: placement.map { .init(placement: $0, hasLearntScale: true) })
    return try StudentDesign(hiddenCounts: architecture.hiddenCounts, scale: 1, initialization: .he)
      .draw(architecture, key: 2)
  }

  /// The network with each node of its hidden layers twice, the weights above shared between the twins.
  private func doubled(_ network: Network) -> Network {
    network.hiddenCounts.indices.reduce(network) { result, layer in
      let count = result.hiddenCounts[layer]
      var twins = result.keeping((0..<count).flatMap { [$0, $0] }, of: layer)
      twins[layer: layer + 1].weights = twins.layers[layer + 1].weights.scaled(by: 0.5)
      return twins
    }
  }

  @Test(
    "nodes that others can stand in for go without a change",
    arguments: [
      ("conv 3 max 2, conv 4 size 2", BatchNormalization.Placement.afterActivation),
      ("conv 2 padding 1, conv 3 average", nil),
      ("conv 3 size 2 stride 2, dense 4", .beforeActivation), ("dense 5, dense 4", nil),
    ] as [(String, BatchNormalization.Placement?)])
  func twins(layers: String, placement: BatchNormalization.Placement?) throws {
    let size = MapSize(channels: 2, rows: 6, columns: 6)
    let single = try network(size, layers, placement)
    let pruning = try StudentPruning(doubled(single), over: data(size))
    let point = try pruning.pruned(keeping: single.hiddenCounts)
    #expect(point.network.architecture == single.architecture)
    // Single precision in the maps, a ridge of 1e-9 in the fit.
    #expect(point.outputChange < 1e-3, "\(point.outputChange)")
    #expect(point.agreement > 0.98)
    // Fewer nodes than are needed change the outputs, and more nodes less.
    let fewer = try pruning.pruned(keeping: single.hiddenCounts.map { $0 - 1 })
    #expect(fewer.outputChange > 10 * point.outputChange)
  }

  /// No other weights of the convolution above a pruned layer come closer to the whole network's pre-activations.
  @Test(
    "a convolution above is fitted by least squares",
    arguments: ["conv 4, conv 3", "conv 4 padding 1, conv 3 padding 1"])
  func fitsOfConvolutions(layers: String) throws {
    let size = MapSize(channels: 2, rows: 6, columns: 6)
    let (network, data) = (try network(size, layers), data(size))
    let point = try StudentPruning(network, over: data).pruned(keeping: [3, 3])
    guard case .convolution(let window) = network.layers[1].kind else {
      Issue.record("no convolution")
      return
    }
    let (whole, smaller) = (try ImageEvaluator(network), try ImageEvaluator(point.network))
    var (errors, size2) = ([[Double]](), 0.0)
    var gradient = Matrix(rowCount: 3, columnCount: 28)
    data.fitting.forEachBatch(count: 150) { batch, range in
      func windows(_ evaluator: ImageEvaluator) -> Matrix {
        ChannelMaps(of: evaluator, at: batch, count: range.count, layer: 0).windows(window, ofImages: 0..<range.count)
      }
      func preactivations(_ windows: Matrix, _ layer: NetworkLayer) -> Matrix {
        var result = Matrix(rowCount: windows.rowCount, columnCount: 3)
        LinearAlgebra.multiply(windows, layer.weights, transposingSecond: true, into: &result)
        for row in 0..<result.rowCount { for node in 0..<3 { result[row, node] += layer.biases?[node] ?? 0 } }
        return result
      }
      let (wanted, rows) = (preactivations(windows(whole), network.layers[1]), windows(smaller))
      var error = preactivations(rows, point.network.layers[1])
      for place in error.values.indices {
        size2 += wanted.values[place] * wanted.values[place]
        error.values[place] -= wanted.values[place]
      }
      errors.append(error.values)
      LinearAlgebra.multiply(error, transposingFirst: true, rows.appendingOnes(), into: &gradient, scale: 1)
    }
    let error = errors.joined().reduce(0) { $0 + $1 * $1 }
    #expect(error > 1e-3 * size2)
    // At the minimum the error is orthogonal to every unknown; of single precision in the maps, and the ridge.
    for value in gradient.values { #expect(abs(value) < 1e-4 * size2) }
  }

  @Test func allNodesAreTheNetworkItself() throws {
    let size = MapSize(channels: 1, rows: 5, columns: 5)
    let network = try network(size, "conv 4, dense 3")
    let point = try StudentPruning(network, over: data(size)).pruned(keeping: [4, 3])
    #expect(point.network == network && point.outputChange == 0 && point.agreement == 1)
  }

  /// One hidden layer: the cost of a removal is the least-squares error, and the fit is the least-squares fit.
  @Test func costsAreErrorsOfLeastSquares() throws {
    var stream = RandomStream(key: 9, purpose: .test)
    let (samples, count) = (60, 5)
    let activations = stream.normalMatrix(rowCount: samples, columnCount: count, standardDeviation: 1)
    let weights = stream.normalMatrix(rowCount: count, columnCount: 3, standardDeviation: 1)
    var moments = Matrix(rowCount: count, columnCount: count)
    var (products, targets) = (moments, Matrix(rowCount: samples, columnCount: 3))
    LinearAlgebra.multiply(activations, transposingFirst: true, activations, into: &moments)
    LinearAlgebra.multiply(weights, weights, transposingSecond: true, into: &products)
    LinearAlgebra.multiply(activations, weights, into: &targets)
    let elimination = NodeElimination(moments: moments, outgoing: products)
    #expect(elimination.removals.count == count - 1)
    let size = squaredDistance(targets, Matrix(rowCount: samples, columnCount: 3))
    for gone in 1..<count {
      let kept = elimination.kept(count - gone, of: count)
      let left = activations.transposed.rows(kept).transposed
      let fit = try #require(LinearAlgebra.leastSquares(left, targets)).solution
      var fitted = targets
      LinearAlgebra.multiply(left, fit, into: &fitted)
      let error = squaredDistance(fitted, targets) / size
      #expect(abs(elimination.removals[gone - 1].cost - error) < 1e-6 * error, "\(gone) nodes")
    }
  }

  /// A ReLU node with weights twice as large and a fan-out half as large is the same function.
  @Test(
    "how nodes are scaled changes neither which go nor the fit",
    arguments: ["dense 8, dense 6", "conv 5, conv 4, dense 5"])
  func scales(layers: String) throws {
    let size = MapSize(channels: 2, rows: 5, columns: 5)
    let (network, data) = (try network(size, layers), data(size))
    var scaled = network
    var stream = RandomStream(key: 3, purpose: .test)
    for (layer, count) in network.hiddenCounts.enumerated() {
      // Powers of two, so that nothing is rounded otherwise: 1e-9 to 1e9.
      for (node, draw) in stream.uniforms(count).enumerated() {
        scaled.rescale(node, of: layer, by: Double(sign: .plus, exponent: Int(60 * draw) - 30, significand: 1))
      }
    }
    let inputs = stream.normalMatrix(rowCount: 20, columnCount: size.count, standardDeviation: 1)
    #expect(try squaredDistance(scaled.outputs(for: inputs), network.outputs(for: inputs)) < 1e-20)
    let kept = network.hiddenCounts.map { ($0 + 1) / 2 }
    let (plain, other) = (
      try StudentPruning(network, over: data).pruned(keeping: kept),
      try StudentPruning(scaled, over: data).pruned(keeping: kept)
    )
    #expect(plain.outputChange > 1e-3 && plain.outputChange < 1)
    #expect(
      abs(plain.outputChange - other.outputChange) < 1e-6 * plain.outputChange,
      "\(plain.outputChange) and \(other.outputChange)")
    #expect(plain.agreement == other.agreement)
  }

  /// Nodes that are always 0, or constant, cost nothing whatever their outgoing weights.
  @Test func constantNodesGoFirst() throws {
    let size = MapSize(channels: 2, rows: 4, columns: 4)
    var network = try network(size, "dense 6")
    for (node, bias, fanOut) in [(1, -1.0, 1e6), (4, 100, -1e3)] {
      for c in 0..<32 { network[layer: 0].weights[node, c] = 0 }
      network[layer: 0].biases?[node] = bias
      for c in 0..<3 { network[layer: 1].weights[c, node] = fanOut }
    }
    let point = try StudentPruning(network, over: data(size)).pruned(keeping: [4])
    #expect(point.network.layers[0].weights == network.keeping([0, 2, 3, 5], of: 0).layers[0].weights)
    // Single precision, beside a constant output of 1e5.
    #expect(point.outputChange < 0.1, "\(point.outputChange)")
  }

  @Test func wrongNumbersAreRefused() throws {
    let size = MapSize(channels: 1, rows: 5, columns: 5)
    let pruning = try StudentPruning(try network(size, "conv 4, dense 3"), over: data(size, count: 10))
    for counts in [[4], [0, 3], [5, 3]] {
      #expect(throws: ShapeError.self) { try pruning.pruned(keeping: counts) }
    }
    #expect(throws: ShapeError.self) {
      try StudentPruning(try network(size, "conv 4"), over: data(MapSize(channels: 2, rows: 5, columns: 5), count: 10))
    }
    #expect(pruning.counts(removing: 0) == [4, 3] && pruning.counts(removing: 1) == [1, 1])
  }
}
