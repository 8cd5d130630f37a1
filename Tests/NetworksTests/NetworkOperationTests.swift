import Testing
import UnderstudyNumerics

@testable import UnderstudyNetworks

/// A network with normal weights.
func drawnNetwork(
  _ widths: [Int], key: UInt64 = 1, slope: Double = 0.1, hasBiases: Bool = true
) throws -> Network {
  var stream = RandomStream(key: key, purpose: .test)
  return try Network(
    layers: zip(widths, widths.dropFirst()).map { inputs, nodes in
      NetworkLayer(
        weights: stream.normalMatrix(rowCount: nodes, columnCount: inputs, standardDeviation: 1),
        biases: hasBiases ? stream.normals(nodes, standardDeviation: 1) : nil)
    }, activation: Activation(negativeSlope: slope))
}

@Suite("Operations on networks") struct NetworkOperationTests {
  let x = normalSample(90, d: 4)

  /// The change of an output that an operation makes, and whether its result is a network like any other.
  private func change(_ network: Network, to other: Network) throws -> Double {
    #expect(try Network(layers: other.layers, activation: other.activation) == other)
    return largestDifference(try network.outputs(for: x), try other.outputs(for: x))
  }

  @Test("nodes in another order and scale are the same function, in every layer", arguments: [true, false])
  func order(hasBiases: Bool) throws {
    let network = try drawnNetwork([4, 5, 3, 2], hasBiases: hasBiases)
    for (layer, order) in [[3, 0, 4, 2, 1], [2, 0, 1]].enumerated() {
      let moved = network.keeping(order, of: layer, scaledBy: order.map { 0.5 + Double($0) })
      #expect(moved != network && moved.architecture == network.architecture)
      #expect(try change(network, to: moved) < 1e-12)
      // Back again: the inverse order, and the inverse of the scales.
      let back = order.indices.map { k in order.firstIndex(of: k) ?? 0 }
      let restored = moved.keeping(back, of: layer, scaledBy: back.indices.map { 1 / (0.5 + Double($0)) })
      #expect(largestDifference(restored.layers[layer].weights, network.layers[layer].weights) < 1e-14)
    }
  }

  @Test("some nodes, one of them twice") func subset() throws {
    let network = try drawnNetwork([4, 5, 2])
    let kept = network.keeping([1, 1, 4], of: 0)
    #expect(kept.hiddenCounts == [3] && kept.layers[0].row(0) == kept.layers[0].row(1))
    #expect(kept.layers[0].row(2) == network.layers[0].row(4))
    #expect(kept.layers[1].weights.column(2) == network.layers[1].weights.column(4))
    #expect(kept.layers[1].biases == network.layers[1].biases)
    // With half of the fan-out each, the two are the one.
    var halved = kept
    for c in 0..<2 { for k in 0..<2 { halved[layer: 1].weights[c, k] /= 2 } }
    #expect(try change(network.keeping([1, 4], of: 0), to: halved) < 1e-13)
  }

  @Test("a normalised layer keeps its nodes' statistics", arguments: BatchNormalization.Placement.allCases)
  func normalised(placement: BatchNormalization.Placement) throws {
    var layers = try drawnNetwork([4, 3, 2]).layers
    layers[0].normalization = BatchNormalization(
      placement: placement, means: [1, 2, 3], variances: [4, 5, 6], scales: [1, -1, 2], shifts: [0, 1, 0])
    let network = try Network(layers: layers, activation: .relu)
    let kept = network.keeping([2, 0], of: 0)
    #expect(kept.layers[0].normalization?.means == [3, 1] && kept.layers[0].normalization?.scales == [2, 1])
    #expect(try change(network.keeping([2, 0, 1], of: 0), to: network) < 1e-13)
    #expect(kept.hiddenCounts == [2] && kept.architecture.layers[1] == network.architecture.layers[1])
  }

  @Test("a node that is constant goes into the biases above") func removing() throws {
    var network = try drawnNetwork([4, 5, 3, 2])
    network[layer: 1].weights = Matrix(
      (0..<3).map { $0 == 1 ? [0, 0, 0, 0, 0] : Array(network.layers[1].weights.row($0)) })
    let mean = network.activation(network.layers[1].biases?[1] ?? 0)
    let smaller = network.removing(1, of: 1, mean: mean)
    #expect(smaller.hiddenCounts == [5, 2] && smaller.weightCount == network.weightCount - 6 - 2)
    #expect(try change(network, to: smaller) < 1e-13)
  }

  @Test("an output layer that was changed is found again, if there are samples enough", arguments: [true, false])
  func refitting(hasBiases: Bool) throws {
    let network = try drawnNetwork([4, 5, 3, 2], hasBiases: hasBiases)
    var changed = network
    changed[layer: 2].weights = changed.layers[2].weights.scaled(by: -2)
    changed[layer: 2].biases = changed.layers[2].biases.map { $0.map { $0 + 1 } }
    let outputs = try network.outputs(for: x)
    #expect(try change(network, to: changed) > 0.1)
    #expect(try change(network, to: try changed.refittingOutputs(to: outputs, over: x)) < 1e-11)
    #expect(try changed.refittingOutputs(to: outputs.prefix(rows: 2), over: x.prefix(rows: 2)) == changed)
    #expect(throws: ShapeError.self) { try changed.refittingOutputs(to: outputs, over: x.transposed) }
  }

  @Test("a straight line has both ends, and is linear in the output layer") func interpolation() throws {
    let (a, other) = (try drawnNetwork([4, 5, 2]), try drawnNetwork([4, 5, 2], key: 2))
    #expect(a.interpolated(to: other, at: 0) == a && a.interpolated(to: other, at: 1) == other)
    var b = a
    b[layer: 1] = other.layers[1]
    let (first, last) = (try a.outputs(for: x), try b.outputs(for: x))
    let mixed = try a.interpolated(to: b, at: 0.25).outputs(for: x)
    let expected = zip(first.values, last.values).map { 0.75 * $0 + 0.25 * $1 }
    #expect(zip(mixed.values, expected).allSatisfy { abs($0 - $1) < 1e-12 })
  }

  @Test("other units of inputs and outputs, and of a node") func units() throws {
    let network = try drawnNetwork([4, 5, 3, 2])
    let scaled = network.scaled(inputs: 4, outputs: 0.5)
    let expected = try network.outputs(for: x).scaled(by: 0.5)
    #expect(largestDifference(try scaled.outputs(for: x.scaled(by: 0.25)), expected) < 1e-13)
    var rescaled = network
    rescaled.rescale(2, of: 0, by: 3)
    rescaled.rescale(0, of: 1, by: 0.1)
    #expect(rescaled != network)
    #expect(try change(network, to: rescaled) < 1e-12)
  }

  @Test("a hidden layer of other nodes") func replacing() throws {
    let (network, other) = (try drawnNetwork([4, 5, 3, 2]), try drawnNetwork([4, 7, 3], key: 2))
    let replaced = network.replacing(hiddenLayer: 0, by: other.layers[0], above: other.layers[1])
    #expect(replaced.hiddenCounts == [7, 3] && replaced.layers[2] == network.layers[2])
    _ = try change(network, to: replaced)
  }

  @Test("parameters of another shape are refused where they are written")
  func shapes() async {
    await #expect(processExitsWith: .failure) {
      var network = try drawnNetwork([4, 5, 2])
      network[layer: 0].weights = Matrix(rowCount: 6, columnCount: 4)
    }
    await #expect(processExitsWith: .failure) {
      var network = try drawnNetwork([4, 5, 2])
      network[layer: 1].biases = nil
    }
    await #expect(processExitsWith: .success) {
      var network = try drawnNetwork([4, 5, 2])
      network[layer: 0].weights = Matrix(rowCount: 5, columnCount: 4)
    }
  }
}

@Suite("Architectures of networks") struct NetworkArchitectureTests {
  @Test("of parameters") func ofParameters() throws {
    let network = try drawnNetwork([4, 5, 3, 2], hasBiases: true)
    let architecture = network.architecture
    #expect(architecture.widths == [4, 5, 3, 2] && architecture.hiddenCounts == [5, 3] && !architecture.isTwoLayer)
    #expect(architecture.weightCount == 5 * 5 + 3 * 6 + 2 * 4)
    #expect(architecture == (try drawnNetwork([4, 5, 3, 2], key: 9)).architecture)
    #expect(architecture != (try drawnNetwork([4, 5, 3, 2], hasBiases: false)).architecture)
    #expect(try drawnNetwork([4, 5, 2], hasBiases: false).architecture.weightCount == 20 + 10)
  }

  @Test("what makes no network is named") func errors() throws {
    func message(_ layers: [NetworkLayer]) -> String {
      #expect(throws: ShapeError.self) { try Network(layers: layers, activation: .relu) }?.description ?? ""
    }
    func layer(_ nodes: Int, _ inputs: Int) -> NetworkLayer {
      NetworkLayer(weights: Matrix(rowCount: nodes, columnCount: inputs), biases: nil)
    }
    #expect(message([]).contains("has 0 layers"))
    #expect(message([layer(3, 2)]).contains("has 1 layer"))
    #expect(message([layer(3, 0), layer(1, 3)]) == "layer 1 (lowest) is empty: 3 nodes with 0 inputs")
    #expect(message([layer(3, 2), layer(1, 4)]) == "layer 1 (lowest) has 3 nodes, but layer 2 expects 4 inputs")
    var broken = layer(3, 2)
    broken.biases = [0, 0]
    #expect(message([broken, layer(1, 3)]).contains("layer 1 (lowest) has 3 nodes, but its biases"))
  }
}

@Suite("Views of two layers") struct TwoLayerViewTests {
  @Test("deeper networks are refused") func depth() throws {
    let deep = try drawnNetwork([4, 5, 3, 2])
    let error = #expect(throws: ShapeError.self) { try TwoLayerView(deep) }
    #expect(
      error?.description
        == "this is defined for networks of two layers (one hidden layer), and the network has 3; give one of two")
  }

  @Test("rows and fan-outs are those of the nodes, also as they are written", arguments: [true, false])
  func reading(hasBiases: Bool) throws {
    let network = try drawnNetwork([4, 5, 2], hasBiases: hasBiases)
    var view = try TwoLayerView(network)
    #expect(view.row(3) == Array(network.layers[0].weights.row(3)) + [network.layers[0].biases?[3] ?? 0])
    #expect(view.fanOut(3) == network.layers[1].weights.column(3) && view.idleNodes.isEmpty)
    let copy = try TwoLayerView(
      rows: (0..<5).map(view.row), hasHiddenBiases: hasBiases, fanOuts: (0..<5).map(view.fanOut),
      outputBiases: view.output.biases, activation: view.activation)
    #expect(copy == view)
    view.setRow(0, to: [1, 2, 3, 4, 5])
    view.clearFanOut(of: [1, 3])
    view.setFanOut(2, to: [7, 8])
    view.clearRow(4)
    #expect(view.row(0) == [1, 2, 3, 4, hasBiases ? 5 : 0] && view.row(4) == [0, 0, 0, 0, 0])
    #expect(view.fanOut(2) == [7, 8] && view.idleNodes == [1, 3] && view.row(1) == copy.row(1))
    #expect(view.fanOut(0) == copy.fanOut(0) && view.network.architecture == network.architecture)
  }
}
