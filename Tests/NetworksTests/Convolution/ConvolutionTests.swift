import Foundation
import Testing
import UnderstudyNumerics
import UnderstudySchema

@testable import UnderstudyNetworks

@Suite("Networks over images") struct ConvolutionTests {
  @Test("plain loops and the kernels agree, in outputs and in every layer's activations", arguments: imageCases)
  func kernels(of one: ImageCase) throws {
    let (network, images) = (try one.network(), one.images(5))
    let evaluator = try ImageEvaluator(network)
    let outputs = try network.outputs(for: images)
    var layers: [[Float]] = []
    let found = evaluator.outputs(of: images.values.map(Float.init), count: 5) { _, values in layers.append(values) }
    let scale = outputs.values.reduce(0) { max($0, abs($1)) }
    for (a, b) in zip(outputs.values, found) { #expect(abs(a - Double(b)) < 1e-5 * scale) }
    #expect(layers.count == network.hiddenCounts.count)
    for (layer, values) in layers.enumerated() {
      let expected = network.activations(over: images, layer: layer)
      #expect(values.count == expected.values.count)
      let scale = expected.values.reduce(0) { max($0, abs($1)) }
      for (a, b) in zip(expected.values, values) { #expect(abs(a - Double(b)) < 1e-5 * scale) }
    }
  }

  @Test("a convolution by hand: two channels, a window of 2, padding and stride")
  func byHand() throws {
    // 2 x 2 images of two channels; the window with padding 1 and stride 2 stands over one pixel at each of four places.
    let window = Window(rows: 2, columns: 2, rowStride: 2, columnStride: 2, rowPadding: 1, columnPadding: 1)
    let network = try Network(
      layers: [
        NetworkLayer(.convolution(window), weights: Matrix([[1, 2, 3, 4, 10, 20, 30, 40]]), biases: [0.5]),
        NetworkLayer(
          weights: Matrix([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), biases: [0, 0, 0, 0]),
      ], input: MapSize(channels: 2, rows: 2, columns: 2), activation: .relu)
    let outputs = try network.outputs(for: Matrix([[1, 2, 3, 4, 5, 6, 7, 8]]))
    // Top left: the window's last place; and so on.
    let expected = [204.5, 186.5, 146.5, 84.5]
    #expect(Array(outputs.row(0)) == expected)
  }

  @Test(
    "channels in another order are the same function; a missing one is a function without its fan-out",
    arguments: imageCases)
  func channels(of one: ImageCase) throws {
    let (network, images) = (try one.network(), one.images(6))
    let outputs = try network.outputs(for: images)
    for layer in network.hiddenCounts.indices {
      let count = network.hiddenCounts[layer]
      let turned = network.keeping(Array((0..<count).reversed()), of: layer)
      #expect(largestDifference(try turned.outputs(for: images), outputs) < 1e-12)
      guard count > 1 else { continue }
      let kept = Array(1..<count)
      var cut = network
      let width = network.layers[layer + 1].inputCount / count
      for node in 0..<network.layers[layer + 1].nodeCount {
        for column in 0..<width { cut[layer: layer + 1].weights[node, column] = 0 }
      }
      let smaller = network.keeping(kept, of: layer)
      #expect(smaller.hiddenCounts[layer] == count - 1 && smaller.weightCount < network.weightCount)
      #expect(largestDifference(try smaller.outputs(for: images), try cut.outputs(for: images)) < 1e-12)
    }
  }

  @Test("files hold networks over images", arguments: imageCases)
  func files(of one: ImageCase) throws {
    let network = try one.network()
    let data = NetworkFile.encode(network)
    let read = try NetworkFile.decode(data, name: "file", activation: network.activation)
    #expect(read == network)
    let file = try SafetensorsFile.decode(data, name: "file")
    if !network.isDense {
      #expect(file.tensors["layers.0.weight"]?.shape.count == 4)
      var other = file
      other.metadata["understudy.layers"] = nil
      let encoded = other.encoded(precision: .float64)
      let error = #expect(throws: FileError.self) {
        try NetworkFile.decode(encoded, name: "file", activation: network.activation)
      }
      let message = error?.message ?? ""
      #expect(message.contains("understudy.layers"))
    }
  }

  @Test(
    "architectures that are none",
    arguments: [
      ("conv 4 size 6", "does not fit its map of 5 x 5"), ("conv 4 max 4", "pools a map of 3 x 3"),
      ("dense 4, conv 3", "above a fully connected layer"), ("conv 4, conv 4, conv 4", "does not fit"),
    ])
  func refused(layers: String, part: String) throws {
    let error = #expect(throws: ShapeError.self) {
      try Architecture(
        input: MapSize(channels: 1, rows: 5, columns: 5), hidden: try LayerList(layers), outputCount: 2,
        activation: .relu,
        hasBiases: true, normalization: nil)
    }
    let message = error?.description ?? ""
    #expect(message.contains(part))
  }

  @Test("what is for fully connected layers only says so")
  func denseOnly() throws {
    let network = try imageCases[0].network()
    #expect(throws: ShapeError.self) { try network.checkIsPlain() }
    #expect(throws: ShapeError.self) { try TwoLayerView(network) }
    #expect(throws: ShapeError.self) { try NetworkShape(network.architecture) }
    #expect(network.folded == network)
  }

  @Test("a student has the teacher's windows and its own widths")
  func student() throws {
    let teacher = try imageCases[1].network()
    var design = StudentDesign(hiddenCounts: [8, 6, 10], scale: 1, initialization: .uniform)
    design.normalization = .afterActivation
    let student = try design.draw(for: Teacher(teacher), key: 3)
    #expect(student.network.hiddenCounts == [8, 6, 10])
    #expect(zip(student.network.layers, teacher.layers).allSatisfy { $0.kind == $1.kind && $0.pooling == $1.pooling })
    try student.checkFits(Teacher(teacher))
    // Weights are within 1/sqrt(fan-in): 3 channels of 3 x 3, then 8 of 2 x 2.
    let bounds = [27.0, 32.0].map { 1 / $0.squareRoot() }
    for (layer, bound) in bounds.enumerated() {
      let largest = student.network.layers[layer].weights.values.reduce(0) { max($0, abs($1)) }
      #expect(largest <= bound && largest > 0.9 * bound)
    }
    let dense = try Network(
      layers: [
        NetworkLayer(weights: Matrix(rowCount: 8, columnCount: 108), biases: nil),
        NetworkLayer(weights: Matrix(rowCount: 3, columnCount: 8), biases: nil),
      ], activation: .relu)
    #expect(throws: ShapeError.self) { try Student(dense).checkFits(Teacher(teacher)) }
  }

  @Test("networks whose teacher is a convolution are imitated")
  func imitation() throws {
    let teacher = try imageCases[1].network(slope: 0)
    var design = StudentDesign(hiddenCounts: [4, 3, 5], scale: 1, initialization: .perturbedTeacher)
    design.perturbation = 0
    let student = try design.draw(for: Teacher(teacher), key: 3)
    let images = imageCases[1].images(4)
    #expect(largestDifference(try student.network.outputs(for: images), try teacher.outputs(for: images)) < 1e-12)
  }
}

@Suite("Layers as studies write them") struct LayerListTests {
  @Test(
    "texts of one meaning are one text",
    arguments: [
      ("conv 64", "conv 64"), (" conv  64 size 3 stride 1 padding 0 ", "conv 64"), ("conv 8 size 5x5", "conv 8 size 5"),
      ("conv 8 size 3x1 padding 1x0 max 2,dense 10", "conv 8 size 3x1 padding 1x0 max 2, dense 10"),
      ("conv 8 max 2 stride 2", "conv 8 max 2"), ("conv 8 max 3 stride 2 padding 1", "conv 8 max 3 stride 2 padding 1"),
      ("conv 8 average", "conv 8 average"), ("conv 8 stride 2 average 4x2", "conv 8 stride 2 average 4x2"),
    ])
  func canonical(text: String, canonical: String) throws {
    let list = try LayerList(text)
    #expect(list.description == canonical)
    #expect(try LayerList(canonical) == list)
  }

  @Test(
    "texts that are none",
    arguments: [
      "", "conv", "64", "conv x", "conv 64 sice 3", "conv 64,", "pool 2", "dense 5 size 3", "conv 0", "conv 8 size 0",
      "conv 8 max", "conv 8 max 2 max 2", "conv 8 size 2 size", "conv -1", "conv 8 size 3x3x3", "conv 8 size 3 size 4",
      "conv 8 max 2 padding 0 padding 1", "conv 8 max 2 size 3", "conv 8 padding -1", "conv 8 average average",
    ])
  func refused(text: String) { #expect(throws: TextFormError.self) { try LayerList(text) } }

  @Test("what is wrong is said of the word that it is wrong with")
  func words() {
    for (text, part) in [
      ("conv 8 size 3 size 4", "layer 1 (lowest) says size twice"),
      ("conv 8, conv 8 padding -1", "layer 2 has a padding of -1"),
      ("conv 8 max", "says max without a number"), ("conv 8 sice 3", "says \"sice\", which is none of size"),
      ("conv 8 max 2 size 3", "says size behind"),
    ] {
      let error = #expect(throws: TextFormError.self) { try LayerList(text) }
      #expect(
        "\(String(describing: error))".contains(part.replacing("\"", with: "\\\"")), "\(String(describing: error))")
    }
  }

  /// 100 x 0.29 is 28.999999999999996 in doubles, 50 x 0.58 too little as well, and 10 x 1.1 11.000000000000002.
  @Test("counts are rounded as decimals are, not as doubles")
  func roundedCounts() throws {
    let architecture = try Architecture(
      input: MapSize(channels: 1, rows: 5, columns: 5), hidden: LayerList("conv 100, conv 50, dense 10"),
      outputCount: 2,
      activation: .relu, hasBiases: true, normalization: nil)
    #expect(architecture.hiddenCounts(losing: [0.29, 0.58, 0.07]) == [71, 21, 10])
    #expect(architecture.hiddenCounts(losing: [0.3, 0.5, 0.7]) == [70, 25, 3])
    #expect(OverRealization(1.1).widths(over: [10, 64, 100]) == [11, 71, 110])
    #expect(OverRealization([2, 1.25, 1.0001]).widths(over: [10, 8, 10]) == [20, 10, 11])
  }

  @Test("shares")
  func shares() throws {
    #expect(try LayerShares("0.3-0.5-.5 - 0.70").description == "0.3-0.5-0.5-0.7")
    for text in ["", "1", "0.3-1.0", "-0.1", "a-b", "0.3-"] {
      #expect(throws: TextFormError.self) { try LayerShares(text) }
    }
  }
}
