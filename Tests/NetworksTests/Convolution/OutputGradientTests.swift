import Testing
import UnderstudyNumerics

@testable import UnderstudyNetworks

/// Derivatives of the outputs by activations, from the kernels, against central differences of the plain loops in double precision.
@Suite("Derivatives of the outputs by activations") struct OutputGradientTests {
  /// With those that have channels of more than one block of lanes.
  private static let cases =
    imageCases + [
      ImageCase(MapSize(channels: 3, rows: 6, columns: 6), "conv 33, conv 34 padding 1", .afterActivation),
      ImageCase(
        MapSize(channels: 2, rows: 7, columns: 7), "conv 17 max 3 stride 2 padding 1, conv 18, dense 19",
        .beforeActivation),
    ]

  @Test("central differences", arguments: cases, ConvolutionAlgorithm.allCases)
  func differences(of one: ImageCase, algorithm: ConvolutionAlgorithm) throws {
    // Of ReLU's zeros a maximum has no derivative by each: they are equal. With a slope no two activations are.
    for slope in one.layers.contains("max") ? [0.2] : [0.2, 0] {
      let (network, images) = (try one.network(slope: slope), one.images(3))
      let evaluator = try ImageEvaluator(network, algorithm: algorithm)
      var gradients: [Int: [[Float]]] = [:]
      var visited: [[Int]] = []
      evaluator.outputGradients(of: images.values.map(Float.init), count: 3) { output, layer, values in
        visited.append([output, layer])
        gradients[layer, default: []].append(values)
      }
      let depth = network.hiddenCounts.count
      #expect(visited == (0..<3).flatMap { output in (0..<depth).reversed().map { [output, $0] } })
      for layer in 0..<depth {
        compare(try #require(gradients[layer]), network, images, layer, isWinograd: algorithm == .automatic)
      }
    }
  }

  /// Derivatives, `[output][image, node, position]`, against differences by single activations.
  private func compare(_ gradients: [[Float]], _ network: Network, _ images: Matrix, _ layer: Int, isWinograd: Bool) {
    let activations = network.activations(over: images, layer: layer)
    let width = activations.columnCount
    #expect(gradients.allSatisfy { $0.count == activations.values.count })
    // Single precision: roundings of sums of some hundred terms; Winograd's errs up to 63 times as much.
    let scale = gradients.joined().reduce(0) { max($0, abs(Double($1))) }
    let tolerance = (isWinograd ? 64e-6 : 2e-6) * scale + 1e-8
    // The function is linear between kinks: the step adds rounding only, 1e-16 / 1e-6.
    let step = 1e-6
    for place in stride(from: 0, to: width, by: width < 100 ? 1 : width / 13) {
      func outputs(_ change: Double) -> Matrix {
        var moved = activations
        for image in 0..<moved.rowCount { moved[image, place] += change }
        return self.outputs(of: network, from: moved, layer)
      }
      let (above, below) = (outputs(step), outputs(-step))
      for image in 0..<activations.rowCount {
        for output in gradients.indices {
          let difference = (above[image, output] - below[image, output]) / (2 * step)
          let found = Double(gradients[output][image * width + place])
          if !(abs(found - difference) <= tolerance) {
            Issue.record(
              "layer \(layer), image \(image), place \(place), output \(output): \(found), not \(difference)")
          }
        }
      }
    }
  }

  /// The outputs that activations of a layer make.
  private func outputs(of network: Network, from activations: Matrix, _ layer: Int) -> Matrix {
    let last = network.layers.count - 1
    var maps = activations.transposed
    // A dense network's passes are those of the folded one, whose next layer has the normalisation.
    if !network.isDense {
      let map = network.architecture.convolutionalShape.activationSizes[layer]
      if let normalization = network.layers[layer].normalization, normalization.placement == .afterActivation {
        normalization.apply(to: &maps, positionCount: map.positionCount)
      }
      if let pooling = network.layers[layer].pooling { maps = pooling.maps(of: maps, size: map) }
    }
    return network.preactivations(over: maps.transposed, entering: layer + 1, layers: last..<last + 1)[0]
  }
}
