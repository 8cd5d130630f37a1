import Testing
import UnderstudyNumerics
import UnderstudySchema

@testable import UnderstudyNetworks

/// Sizes of networks over images, odd ones among them: one channel, maps of one position, strides, paddings, poolings.
let imageCases: [ImageCase] = [
  ImageCase(MapSize(channels: 1, rows: 6, columns: 5), "conv 3, conv 2", .afterActivation),
  ImageCase(MapSize(channels: 3, rows: 6, columns: 6), "conv 4 padding 1 max 2, conv 3 size 2 stride 2, dense 5", nil),
  ImageCase(
    MapSize(channels: 2, rows: 7, columns: 5), "conv 3 size 3x1 padding 1x0 average 2x1 stride 1, conv 4 average",
    .beforeActivation),
  ImageCase(MapSize(channels: 2, rows: 3, columns: 3), "conv 1 size 3, conv 2 size 1", .afterActivation),
  ImageCase(MapSize(channels: 1, rows: 4, columns: 4), "dense 6, dense 3", .beforeActivation),
  ImageCase(MapSize(channels: 2, rows: 6, columns: 5), "conv 3 max 3 stride 2 padding 1, dense 4", nil),
]

struct ImageCase: Sendable, CustomTestStringConvertible {
  var size: MapSize
  var layers: String
  var placement: BatchNormalization.Placement?

  init(_ size: MapSize, _ layers: String, _ placement: BatchNormalization.Placement?) {
    (self.size, self.layers, self.placement) = (size, layers, placement)
  }

  var testDescription: String { "\(size): \(layers)" }

  /// With weights of size 1, and normalisations that are not the identity.
  func network(key: UInt64 = 1, slope: Double = 0.2, outputCount: Int = 3) throws -> Network {
    let architecture = try Architecture(
      input: size, hidden: try LayerList(layers), outputCount: outputCount,
      activation: Activation(negativeSlope: slope),
      hasBiases: true, normalization: placement.map { .init(placement: $0, hasLearntScale: true) })
    var network = try StudentDesign(hiddenCounts: architecture.hiddenCounts, scale: 1, initialization: .he)
      .draw(architecture, key: key)
    var stream = RandomStream(key: key, purpose: .test)
    for index in network.layers.indices {
      let count = network.layers[index].nodeCount
      network[layer: index].biases = stream.normals(count, standardDeviation: 0.3)
      guard network.layers[index].normalization != nil else { continue }
      network[layer: index].normalization?.means = stream.normals(count, standardDeviation: 0.5)
      network[layer: index].normalization?.variances = stream.uniforms(count).map { 0.5 + $0 }
      // Scales of both signs.
      network[layer: index].normalization?.scales = stream.normals(count, standardDeviation: 1)
      network[layer: index].normalization?.shifts = stream.normals(count, standardDeviation: 0.5)
    }
    return network
  }

  /// `[image, number]`
  func images(_ count: Int, key: UInt64 = 7) -> Matrix {
    var stream = RandomStream(key: key, purpose: .test)
    return stream.normalMatrix(rowCount: count, columnCount: size.count, standardDeviation: 1)
  }
}
