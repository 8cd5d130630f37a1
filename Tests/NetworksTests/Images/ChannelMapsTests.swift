import Testing
import UnderstudySchema

@testable import UnderstudyNetworks
@testable import UnderstudyNumerics

/// What the layer above takes, as rows of a linear problem.
@Suite struct ChannelMapsTests {
  private func network() throws -> Network {
    let architecture = try Architecture(
      input: MapSize(channels: 2, rows: 7, columns: 6),
      hidden: try LayerList("conv 3 padding 1 max 2, conv 4 size 2x3 stride 1x2 padding 1"), outputCount: 3,
      activation: .relu, hasBiases: true, normalization: .init(placement: .afterActivation, hasLearntScale: true))
    return try StudentDesign(hiddenCounts: architecture.hiddenCounts, scale: 1, initialization: .he)
      .draw(architecture, key: 2)
  }

  /// Windows by weights are pre-activations: the convolution's activations before its ReLU.
  @Test func windowsByWeightsArePreactivations() throws {
    let (network, count) = (try network(), 5)
    var stream = RandomStream(key: 5, purpose: .test)
    let images = stream.normals(count * network.inputCount, standardDeviation: 1).map { Float($0) }
    let evaluator = try ImageEvaluator(network)
    guard case .convolution(let window) = network.layers[1].kind else {
      Issue.record("no convolution")
      return
    }
    var upper: [Float] = []
    _ = evaluator.outputs(of: images, count: count) { layer, values in if layer == 1 { upper = values } }
    let maps = ChannelMaps(of: evaluator, at: images, count: count, layer: 0)
    let layer = network.layers[1]
    func check(_ windows: Matrix, _ places: [(image: Int, position: Int)], positions: Int) {
      #expect(windows.rowCount == places.count && windows.columnCount == layer.inputCount)
      var products = Matrix(rowCount: windows.rowCount, columnCount: layer.nodeCount)
      LinearAlgebra.multiply(windows, layer.weights, transposingSecond: true, into: &products)
      for (row, place) in places.enumerated() {
        for node in 0..<layer.nodeCount {
          let found = max(0, products[row, node] + (layer.biases?[node] ?? 0))
          let expected = Double(upper[(place.image * layer.nodeCount + node) * positions + place.position])
          #expect(abs(found - expected) < 1e-4)
        }
      }
    }
    let positions = network.architecture.convolutionalShape.activationSizes[1].positionCount
    let all = (0..<count).flatMap { image in (0..<positions).map { (image: image, position: $0) } }
    check(maps.windows(window, ofImages: 0..<count), all, positions: positions)
    // Every third position, of each image one further, counted on from the batches before.
    for (step, offset) in [(3, 0), (3, 64), (positions + 2, 1)] {
      let windows = maps.windows(window, ofImages: 1..<count, everyPosition: step, offset: offset)
      check(
        windows, all.filter { $0.image > 0 && ($0.position + $0.image + offset) % step == 0 }, positions: positions)
    }
  }

  @Test func partsAreAllImages() throws {
    let evaluator = try ImageEvaluator(try network())
    let images = [Float](repeating: 0, count: 9 * 84)
    let maps = ChannelMaps(of: evaluator, at: images, count: 9, layer: 0)
    #expect(maps.parts() == [0..<9])
    #expect(maps.parts(numbersPerImage: ChannelMaps.partCount / 4) == [0..<4, 4..<8, 8..<9])
    #expect(maps.parts(numbersPerImage: 2 * ChannelMaps.partCount).count == 9)
  }
}
