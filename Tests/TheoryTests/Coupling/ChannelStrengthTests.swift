import Testing
import UnderstudyNumerics

@testable import UnderstudyNetworks
@testable import UnderstudyTheory

@Suite("Strengths of channels") struct ChannelStrengthTests {
  /// Images as they are given: no normalisation.
  private func batcher(_ pixels: Matrix, _ size: MapSize) -> ImageBatcher {
    let stored = StoredPixels(.numbers(pixels.values.map(Float.init)), size: size, count: pixels.rowCount)
    let set = ImageSet(pixels: stored, labels: [UInt8](repeating: 0, count: pixels.rowCount), classCount: 1)
    let ones = [Double](repeating: 1, count: size.channels)
    return ImageBatcher(set, normalization: .init(means: ones.map { $0 - 1 }, deviations: ones))
  }

  @Test(
    "of dense networks they are those of the coupling",
    arguments: [nil, .beforeActivation, .afterActivation] as [BatchNormalization.Placement?])
  func dense(placement: BatchNormalization.Placement?) throws {
    for slope in [0, 0.25] {
      var network = try Draw.network([6, 7, 5, 4, 3], key: 2, slope: slope)
      var stream = RandomStream(key: 9, purpose: .test)
      if let placement {
        for layer in 0..<3 {
          let count = network.layers[layer].nodeCount
          network = try normalized(network, layer, placement, count, &stream)
        }
      }
      // More than a batch, and not a multiple of one.
      let x = Draw.inputs(100, 6)
      let rounded = Matrix(rowCount: 100, columnCount: 6, values: x.values.map { Double(Float($0)) })
      let plain = network.folded
      let expected = try layerCoupling(of: Teacher(plain), with: Student(plain), over: rounded).map(\.strengths)
      let found = try #require(
        channelStrengths(of: ImageEvaluator(network), over: batcher(rounded, MapSize(channels: 6, rows: 1, columns: 1)))
      )
      #expect(found.map(\.count) == [7, 5, 4])
      for (a, b) in zip(found.joined(), expected.joined()) { #expect(abs(a - b) <= 1e-5 * b, "\(a), not \(b)") }
    }
  }

  private func normalized(
    _ network: Network, _ layer: Int, _ placement: BatchNormalization.Placement, _ count: Int,
    _ stream: inout RandomStream
  ) throws -> Network {
    var layers = network.layers
    layers[layer].normalization = BatchNormalization(
      placement: placement, means: stream.normals(count, standardDeviation: 0.5),
      variances: stream.uniforms(count).map { 0.5 + $0 }, scales: stream.normals(count, standardDeviation: 1),
      shifts: stream.normals(count, standardDeviation: 0.5))
    return try Network(layers: layers, activation: network.activation)
  }

  @Test("a channel by hand: one position of four matters, twice as much for the second output")
  func byHand() throws {
    let window = Window(size: 1)
    let network = try Network(
      layers: [
        NetworkLayer(.convolution(window), weights: Matrix([[1], [2]]), biases: [0, 0]),
        // Channel 0 counts at its first position, channel 1 nowhere.
        NetworkLayer(weights: Matrix([[3, 0, 0, 0, 0, 0, 0, 0], [6, 0, 0, 0, 0, 0, 0, 0]]), biases: [0, 0]),
      ], input: MapSize(channels: 1, rows: 2, columns: 2), activation: .relu)
    let images = batcher(
      Matrix([[1, -2, 3, -4], [-1, 2, 3, 4], [1, 1, 1, 1]]), MapSize(channels: 1, rows: 2, columns: 2))
    let found = try #require(channelStrengths(of: ImageEvaluator(network), over: images))
    let strength = (45.0 / 4).squareRoot()  // 9 + 36 over 4 positions
    #expect(found == [[strength, 0]])
    // Only so many images.
    #expect(channelStrengths(of: try ImageEvaluator(network), over: images, count: 1) == found)
    #expect(channelStrengths(of: try ImageEvaluator(network), over: images, isCancelled: { true }) == nil)
  }
}
