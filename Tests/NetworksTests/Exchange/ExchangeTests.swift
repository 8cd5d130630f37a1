import Foundation
import Testing
import UnderstudySchema

@testable import UnderstudyNetworks
@testable import UnderstudyNumerics

/// Networks as state dicts and ONNX models; what PyTorch and onnxruntime make of them, Tests/Reference/exchange.py compares.
@Suite struct ExchangeTests {
  private let layers = "conv 3 padding 1 max 2, conv 2 size 2x1 stride 2 average, dense 4"

  private func network(_ placement: BatchNormalization.Placement?, biases: Bool = true) throws -> Network {
    let architecture = try Architecture(
      input: MapSize(channels: 2, rows: 6, columns: 5), hidden: try LayerList(layers), outputCount: 3,
      activation: Activation(negativeSlope: 0.25), hasBiases: biases,
      normalization: placement.map { .init(placement: $0, hasLearntScale: true) })
    var network = try StudentDesign(hiddenCounts: architecture.hiddenCounts, scale: 1, initialization: .uniform)
      .draw(architecture, key: 3)
    var stream = RandomStream(key: 4, purpose: .test)
    for index in network.layers.indices {
      // Numbers that single precision holds.
      let layer = network.layers[index]
      network[layer: index].weights.values = layer.weights.values.map { Double(Float($0)) }
      network[layer: index].biases = layer.biases.map {
        $0.map { _ in Double(stream.integers(1, below: 64)[0]) / 32 - 1 }
      }
      network[layer: index].normalization?.means = (0..<layer.nodeCount).map { Double($0) / 4 - 0.5 }
      network[layer: index].normalization?.variances = (0..<layer.nodeCount).map { 0.5 + Double($0) / 8 }
    }
    return network
  }

  @Test("an ONNX model is the network", arguments: [nil] + BatchNormalization.Placement.allCases, [true, false])
  func onnx(placement: BatchNormalization.Placement?, biases: Bool) throws {
    let network = try network(placement, biases: biases)
    #expect(try ONNXFile.decode(ONNXFile.encode(network), name: "given.file") == network)
  }

  @Test("a state dict is the network", arguments: [nil] + BatchNormalization.Placement.allCases, [true, false])
  func stateDict(placement: BatchNormalization.Placement?, biases: Bool) throws {
    let network = try network(placement, biases: biases)
    let names = TensorNames.sequential(of: network)
    let data = try StateDictFile.encode(network, names: names, template: "given.file", precision: .float32)
    var file = try SafetensorsFile.decode(data, name: "given.file")
    let read = try StateDictFile.decode(file, name: "given.file", describedBy: NetworkDescription())
    #expect(read.network == network && read.names == names)

    // Without what the metadata say, by a description.
    file.metadata = [:]
    var description = NetworkDescription(
      image: network.architecture.input, layers: try LayerList(layers), placement: placement,
      activation: network.activation)
    #expect(try StateDictFile.decode(file, name: "given.file", describedBy: description).network == network)
    description.layers = nil
    expectFileError("--layers", "conv 3, conv 2 size 2x1, dense 4") {
      try StateDictFile.decode(file, name: "given.file", describedBy: description)
    }
  }

  /// Every module is counted, those without tensors too.
  @Test func modulesAreCounted() throws {
    let names = TensorNames.sequential(of: try network(.afterActivation)).pairs.map(\.theirs)
    // 0 convolution, 1 activation, 2 normalisation, 3 pooling, 4 ..., 8 flattening, 9 fully connected, 12 the last.
    #expect(Set(names.compactMap { $0.split(separator: ".").first }) == ["0", "2", "4", "6", "9", "11", "12"])
    let module = try network(.beforeActivation).pytorchModule()
    #expect(module.contains("nn.Conv2d(3, 2, (2, 1), stride=2),\n    nn.BatchNorm2d(2),\n    nn.LeakyReLU(0.25)"))
    #expect(module.contains("nn.AdaptiveAvgPool2d(1),\n    nn.Flatten(),\n    nn.Linear(2, 4)"))
  }

  /// As convolutions with a normalisation behind them mostly have none in PyTorch.
  @Test func biasesWithoutANameBelongToTheMeans() throws {
    let network = try network(.beforeActivation)
    var names = TensorNames.sequential(of: network)
    for layer in 0..<2 { names.layers[layer][.bias] = nil }
    let data = try StateDictFile.encode(network, names: names, template: "given.file", precision: .float64)
    let file = try SafetensorsFile.decode(data, name: "given.file")
    #expect(file.tensors["0.bias"] == nil && file.tensors["12.bias"] != nil)
    let read = try StateDictFile.decode(file, name: "given.file", describedBy: NetworkDescription()).network
    var stream = RandomStream(key: 5, purpose: .test)
    let images = stream.normalMatrix(rowCount: 7, columnCount: network.inputCount, standardDeviation: 1)
    #expect(largestDifference(try read.outputs(for: images), try network.outputs(for: images)) < 1e-12)
    // Nothing takes the biases in where an activation comes between.
    let other = try self.network(.afterActivation)
    expectFileError("has no name for layers.0.bias") {
      try StateDictFile.encode(other, names: names, template: "given.file", precision: .float64)
    }
  }

  @Test func namesOfAnotherKindOfNetworkAreRefused() throws {
    let network = try network(nil)
    var names = TensorNames.sequential(of: network)
    names.areConvolutions[1] = false
    expectFileError("is fully connected", "layer 2 of the network is a convolution") {
      try StateDictFile.encode(network, names: names, template: "given.file", precision: .float64)
    }
  }

  @Test func aMapOfAnotherSizeSaysWhatMayBeWrong() throws {
    let network = try network(nil)
    let data = try StateDictFile.encode(
      network, names: .sequential(of: network), template: "given.file", precision: .float32)
    let description = NetworkDescription(
      layers: try LayerList("conv 3 padding 1, conv 2 size 2x1 stride 2, dense 4"))
    expectFileError("layer 3 has 2 weights a node", "needs 18", "a stride, a padding or a pooling", "\"0.weight\"") {
      try StateDictFile.decode(
        SafetensorsFile.decode(data, name: "given.file"), name: "given.file", describedBy: description)
    }
  }

  @Test("a maximum before its activation is one after it")
  func maximumBeforeActivation() throws {
    let network = try network(.beforeActivation)
    var model = try ONNXModel(ONNXFile.encode(network), name: "given.file")
    let place = try #require(model.nodes.firstIndex { $0.operation == "MaxPool" })
    let (pool, activation) = (model.nodes[place], model.nodes[place - 1])
    model.nodes[place - 1] = pool
    model.nodes[place] = activation
    (model.nodes[place - 1].inputs, model.nodes[place - 1].outputs) = (activation.inputs, ["moved"])
    (model.nodes[place].inputs, model.nodes[place].outputs) = (["moved"], pool.outputs)
    #expect(activation.operation == "LeakyRelu")
    #expect(try ONNXFile.decode(model.encoded(producer: "test"), name: "given.file") == network)
    // Of an average it is another function.
    let average = try #require(model.nodes.firstIndex { $0.operation == "GlobalAveragePool" })
    let before = model.nodes[average - 1]
    model.nodes[average - 1] = model.nodes[average]
    model.nodes[average] = before
    (model.nodes[average - 1].inputs, model.nodes[average - 1].outputs) = (before.inputs, ["other"])
    model.nodes[average].inputs = ["other"]
    model.nodes[average].outputs = [model.nodes[average + 1].inputs[0]]
    expectFileError("in another place") { try ONNXFile.decode(model.encoded(producer: "test"), name: "given.file") }
  }

  /// It takes the statistics of each batch, whatever the file has as means and variances.
  @Test("a normalisation in training mode is another function")
  func trainingMode() throws {
    let model = try ONNXModel(ONNXFile.encode(try network(.beforeActivation)), name: "given.file")
    let place = try #require(model.nodes.firstIndex { $0.operation == "BatchNormalization" })
    func changed(_ change: (inout ONNXModel.Node) -> Void) throws {
      var model = model
      change(&model.nodes[place])
      _ = try ONNXFile.decode(model.encoded(producer: "test"), name: "given.file")
    }
    try changed { $0.attributes["training_mode"] = .integer(0) }
    for change: (inout ONNXModel.Node) -> Void in [
      { $0.attributes["training_mode"] = .integer(1) }, { $0.outputs += ["mean", "variance"] },
    ] {
      expectFileError("is in training mode", "model.eval()") { try changed(change) }
    }
  }

  private func decode(_ shapes: [String: [Int]], _ description: NetworkDescription = NetworkDescription()) throws {
    let tensors = shapes.mapValues {
      SafetensorsFile.Tensor(shape: $0, values: [Double](repeating: 1, count: $0.reduce(1, *)))
    }
    _ = try StateDictFile.decode(SafetensorsFile(tensors: tensors), name: "given.file", describedBy: description)
  }

  @Test func messagesHaveTheNamesOfTheFile() throws {
    let good = ["fc1.weight": [6, 4], "fc1.bias": [6], "fc2.weight": [3, 6], "fc2.bias": [3]]
    try decode(good)
    expectFileError("\"fc1.bias\" has shape [5]") { try decode(good.merging(["fc1.bias": [5]]) { $1 }) }
    expectFileError("has \"fc2.bias\" and no \"fc2.weight\"") { try decode(good.filter { $0.key != "fc2.weight" }) }
  }

  /// Kernels of Keras and JAX; in another order the same shapes are a network from the outputs to the inputs.
  @Test func transposedWeightsAreNamed() throws {
    let biased = ["fc1.weight": [4, 6], "fc1.bias": [6], "fc2.weight": [6, 3], "fc2.bias": [3]]
    for shapes in [biased, biased.filter { $0.key.hasSuffix("weight") }] {
      expectFileError(
        "\"fc1.weight\" has shape [4, 6], which looks like [inputs, nodes]", "transpose fc1.weight and fc2.weight"
      ) { try decode(shapes) }
    }
    expectFileError("\"net.2.weight\" has shape [6, 3]", "transpose net.2.weight,") {
      try decode(["net.0.weight": [6, 4], "net.0.bias": [6], "net.2.weight": [6, 3], "net.2.bias": [3]])
    }
    expectFileError("\"a.weight\" has shape [5, 3]", "transpose a.weight") {
      try decode(["a.weight": [5, 3], "a.bias": [3], "b.weight": [2, 3]])
    }
    expectFileError("\"c1.weight\" has shape [3, 3, 2, 8]", "w.transpose(3, 2, 0, 1)") {
      try decode(["c1.weight": [3, 3, 2, 8], "c1.bias": [8], "fc.weight": [72, 5], "fc.bias": [5]])
    }
  }

  /// What is no model is said to be none, whatever it is.
  @Test func otherFilesThatEndInONNX() throws {
    try withTemporaryFolder { folder in
      let file = folder.appending(path: "array.onnx")
      try ArrayFile.encode(Matrix([[1, 2]])).write(to: file)
      expectFileError("is a NumPy array (.npy), not an ONNX model") { try ExchangedNetwork.read(path: file.path) }
    }
  }

  /// What is given of fully connected networks is compared, too.
  @Test func descriptionsHaveToFit() throws {
    let shapes = ["fc1.weight": [6, 4], "fc2.weight": [3, 6]]
    try decode(
      shapes, NetworkDescription(image: MapSize(channels: 1, rows: 2, columns: 2), layers: try LayerList("dense 6")))
    expectFileError("fc1.weight", "dense 7") {
      try decode(shapes, NetworkDescription(layers: try LayerList("dense 7")))
    }
    expectFileError("takes 4 numbers") {
      try decode(shapes, NetworkDescription(image: MapSize(channels: 1, rows: 2, columns: 3)))
    }
  }

  private func order(_ shapes: [String: [Int]]) throws -> [String] {
    let tensors = shapes.mapValues { shape in
      SafetensorsFile.Tensor(shape: shape, values: [Double](repeating: 1, count: shape.reduce(1, *)))
    }
    let file = SafetensorsFile(tensors: tensors)
    return try TensorNames(of: file, name: "given.file").pairs.map(\.theirs)
  }

  @Test func numbersInNamesAreNumbers() throws {
    #expect(
      try order(["fc10.weight": [2, 2], "fc9.weight": [2, 2], "a.conv.weight": [2, 1, 1, 1]])
        == ["a.conv.weight", "fc9.weight", "fc10.weight"])
  }

  @Test func shapesDecideWhereNamesDoNot() throws {
    #expect(
      try order(["a.weight": [3, 5], "b.weight": [5, 4], "c.weight": [4, 7], "b.num_batches_tracked": []])
        == ["c.weight", "b.weight", "a.weight"])
  }

  @Test func aNormalisationBelongsToTheModuleBefore() throws {
    let names = try TensorNames(
      of: SafetensorsFile(
        tensors: [
          "net.0.weight": [4, 4], "net.2.weight": [4, 4], "net.3.running_mean": [4], "net.3.running_var": [4],
          "net.5.weight": [4, 4],
        ].mapValues { SafetensorsFile.Tensor(shape: $0, values: [Double](repeating: 1, count: $0.reduce(1, *))) }),
      name: "given.file")
    #expect(names.layers.map { $0[.mean] } == [nil, "net.3.running_mean", nil])
  }

  /// Another epsilon than PyTorch's belongs to the variance.
  @Test func epsilonBelongsToTheVariance() throws {
    let network = try network(.beforeActivation)
    var model = try ONNXModel(ONNXFile.encode(network), name: "given.file")
    for index in model.nodes.indices where model.nodes[index].operation == "BatchNormalization" {
      model.nodes[index].attributes["epsilon"] = .number(0.125)
    }
    let read = try ONNXFile.decode(model.encoded(producer: "test"), name: "given.file")
    #expect(
      read.layers[0].normalization?.variances == network.layers[0].normalization?.variances.map { $0 + (0.125 - 1e-5) })
  }

  @Test(
    "what no network has is refused",
    arguments: [
      ("Conv", "group", ONNXModel.Attribute.integer(2), "groups"),
      ("Conv", "auto_pad", .text("SAME_UPPER"), "SAME_UPPER"),
      ("Conv", "dilations", .integers([2, 1]), "dilated"), ("Conv", "pads", .integers([0, 0, 1, 1]), "border"),
      ("MaxPool", "ceil_mode", .integer(1), "ceil_mode"), ("Gemm", "alpha", .number(0.5), "alpha"),
      ("LeakyRelu", "alpha", .number(3), "slope"),
    ])
  func refused(operation: String, name: String, value: ONNXModel.Attribute, part: String) throws {
    var model = try ONNXModel(ONNXFile.encode(try network(nil)), name: "given.file")
    let index = try #require(model.nodes.firstIndex { $0.operation == operation })
    model.nodes[index].attributes[name] = value
    expectFileError(part) { try ONNXFile.decode(model.encoded(producer: "test"), name: "given.file") }
  }
}
