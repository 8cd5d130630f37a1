import Foundation
import UnderstudyNumerics

/// Networks as ONNX models: of each layer Conv or Gemm, BatchNormalization, Relu or LeakyRelu, MaxPool, AveragePool or
/// GlobalAveragePool; Flatten before the first fully connected layer above a map.
public enum ONNXFile {
  /// The bytes of a model that takes `input` `[N, feature]` or `[N, channel, row, column]` and gives `output` `[N, output]`, in
  /// single precision.
  ///
  /// - Parameter producer: the program's name in the file.
  /// - Complexity: O(weights).
  public static func encode(_ network: Network, producer: String = "understudy") -> Data {
    let (size, names) = (network.architecture.input, TensorNames.sequential(of: network))
    let own = NetworkFile.file(of: network)
    var model = ONNXModel()
    model.inputs = [
      .init(name: "input", shape: [nil] + (network.isDense ? [size.count] : [size.channels, size.rows, size.columns]))
    ]
    model.outputs = [.init(name: "output", shape: [nil, network.outputCount])]
    func named(_ layer: Int, _ part: Part, or value: Double? = nil) -> [String] {
      let nodes = network.layers[layer].nodeCount
      if let name = names.layers[layer][part], let tensor = own.tensors[tensorName(layer, part)] {
        model.tensors[name] = .init(shape: tensor.shape, values: tensor.values)
        return [name]
      }
      guard let value else { return [] }
      let name = tensorName(layer, part)
      model.tensors[name] = .init(shape: [nodes], values: [Double](repeating: value, count: nodes))
      return [name]
    }
    var below = "input"
    let modules = network.modules
    for (number, module) in modules.enumerated() {
      let output = number == modules.count - 1 ? "output" : "value.\(number)"
      var node = ONNXModel.Node(operation: "Flatten", inputs: [below], outputs: [output])
      switch module {
      case .linear(let layer):
        node.inputs += named(layer, .weight) + named(layer, .bias)
        if case .convolution(let window) = network.layers[layer].kind {
          (node.operation, node.attributes) = ("Conv", window.attributes)
        } else {
          (node.operation, node.attributes) = ("Gemm", ["transB": .integer(1)])
        }
      case .normalization(let layer):
        node.operation = "BatchNormalization"
        node.inputs += named(layer, .scale, or: 1) + named(layer, .shift, or: 0)
        node.inputs += named(layer, .mean) + named(layer, .variance)
        node.attributes["epsilon"] = .number(BatchNormalization.epsilon)
      case .activation(let slope):
        node.operation = slope == 0 ? "Relu" : "LeakyRelu"
        if slope != 0 { node.attributes["alpha"] = .number(slope) }
      case .pooling(.maximum(let window)): (node.operation, node.attributes) = ("MaxPool", window.attributes)
      case .pooling(.average(let window)):
        (node.operation, node.attributes) = ("AveragePool", window.attributes)
        node.attributes["count_include_pad"] = .integer(0)
      case .pooling(.globalAverage): node.operation = "GlobalAveragePool"
      case .flatten: node.attributes["axis"] = .integer(1)
      }
      model.nodes.append(node)
      below = output
    }
    return model.encoded(producer: producer)
  }

  /// Decodes a network.
  ///
  /// - Parameters:
  ///   - name: what errors call the file.
  ///   - image: the size of the images, if the model leaves it open.
  /// - Throws: ``FileError`` if the bytes are no ONNX model, or the model is no such network.
  /// - Complexity: O(bytes).
  public static func decode(_ data: Data, name: String, image: MapSize? = nil) throws(FileError) -> Network {
    let model = try ONNXModel(data, name: name)
    func error(_ message: String) -> FileError { FileError(path: name, message: message) }
    guard model.inputs.count == 1, let input = model.inputs.first else {
      throw error("takes \(model.inputs.count) inputs; give a model of one")
    }
    var reader = ONNXReader(model: model)
    do {
      try reader.read(from: input.name)
      var size = image
      if size == nil, input.shape.count == 4, let channels = input.shape[1], let rows = input.shape[2],
        let columns = input.shape[3], let fixed = MapSize(written: "\(channels)x\(rows)x\(columns)")
      {
        size = fixed
      }
      let isDense = reader.layers.allSatisfy { $0.kind == .dense }
      guard isDense || size != nil else {
        throw ShapeError("the model leaves the size of its images open; give --image, such as 3x32x32")
      }
      return try reader.network(input: isDense ? nil : size)
    } catch let failure {
      throw error("\(failure)")
    }
  }
}

extension Window {
  fileprivate var attributes: [String: ONNXModel.Attribute] {
    [
      "kernel_shape": .integers([rows, columns]), "strides": .integers([rowStride, columnStride]),
      "pads": .integers([rowPadding, columnPadding, rowPadding, columnPadding]),
    ]
  }

  /// - Parameter size: of a convolution, by its weights; nil: the attribute.
  fileprivate init(_ node: ONNXModel.Node, size: [Int]? = nil) throws(ShapeError) {
    func refused(_ what: String) -> ShapeError { ShapeError("\(node.place) has \(what); give a model without it") }
    guard let size = size ?? node.integers("kernel_shape"), size.count == 2,
      size.allSatisfy({ (1...1000).contains($0) })
    else { throw refused("a window that is not of rows and columns") }
    let (strides, pads) = (node.integers("strides") ?? [1, 1], node.integers("pads") ?? [0, 0, 0, 0])
    guard ["NOTSET", "VALID"].contains(node.text("auto_pad") ?? "NOTSET") else {
      throw refused("the padding \(node.text("auto_pad") ?? "") instead of numbers")
    }
    guard strides.count == 2, strides.allSatisfy({ (1...1000).contains($0) }) else {
      throw refused("strides of \(strides)")
    }
    guard pads.count == 4, pads.allSatisfy({ (0...1000).contains($0) }), pads[0] == pads[2], pads[1] == pads[3] else {
      throw refused("a padding that differs from border to border, \(pads)")
    }
    guard (node.integers("dilations") ?? [1, 1]).allSatisfy({ $0 == 1 }) else { throw refused("a dilated window") }
    guard node.integer("ceil_mode") ?? 0 == 0 else { throw refused("sizes that are rounded up (ceil_mode)") }
    self.init(
      rows: size[0], columns: size[1], rowStride: strides[0], columnStride: strides[1], rowPadding: pads[0],
      columnPadding: pads[1])
  }
}

extension Pooling {
  fileprivate var isMaximum: Bool { if case .maximum = self { true } else { false } }
}

extension ONNXModel.Node {
  fileprivate var place: String { "the \(operation) that gives \"\(outputs.first ?? "")\"" }
}

/// Walks through a model from its input to its output, and collects layers.
private struct ONNXReader {
  let model: ONNXModel
  var layers: [NetworkLayer] = []
  /// Of the layer that is being read.
  private var slope: Double?
  private var slopes: [Double] = []

  init(model: ONNXModel) { self.model = model }

  mutating func read(from input: String) throws(ShapeError) {
    var value = input
    var nodes = 0
    while !model.outputs.contains(where: { $0.name == value }) {
      let next = model.nodes.filter { $0.inputs.contains(value) }
      guard next.count == 1, nodes < model.nodes.count, let node = next.first, node.inputs.first == value,
        let output = node.outputs.first
      else {
        throw ShapeError(
          "\"\(value)\" goes into \(next.count) operators, or into one as another than its first input; networks are plain "
            + "sequences of layers")
      }
      try take(node)
      (value, nodes) = (output, nodes + 1)
    }
    guard slope == nil, layers.last?.normalization == nil, layers.last?.pooling == nil else {
      throw ShapeError(
        "the output layer is followed by an activation, a normalisation or a pooling; give the model without it")
    }
  }

  func network(input: MapSize?) throws(ShapeError) -> Network {
    let slopes = Set(slopes)
    guard slopes.count <= 1 else {
      throw ShapeError(
        "the hidden layers have different activations (slopes \(slopes.sorted())); one for all is supported")
    }
    var layers = layers
    if layers.contains(where: { $0.biases != nil }) {
      for index in layers.indices { layers[index].biases = layers[index].biasesOrZeros }
    }
    return try Network(layers: layers, input: input, activation: Activation(negativeSlope: slopes.first ?? 0))
  }

  private mutating func take(_ node: ONNXModel.Node) throws(ShapeError) {
    switch node.operation {
    case "Conv", "Gemm": try start(try linear(node), node)
    case "BatchNormalization": try normalize(node)
    case "Relu": try activate(0, node)
    case "LeakyRelu": try activate(node.number("alpha") ?? 0.01, node)
    case "MaxPool": try pool(.maximum(try Window(node)), node)
    case "AveragePool":
      let window = try Window(node)
      guard window.rowPadding + window.columnPadding == 0 || node.integer("count_include_pad") ?? 0 == 0 else {
        throw ShapeError("\(node.place) counts its padding (count_include_pad); give a model that does not")
      }
      try pool(.average(window), node)
    case "GlobalAveragePool": try pool(.globalAverage, node)
    // A map is taken flattened by a fully connected layer, whatever flattens it: shapes are checked there.
    case "Flatten", "Reshape", "Squeeze", "Identity", "Dropout": break
    default:
      throw ShapeError(
        "\(node.place) is no operator that networks are read of: Conv, Gemm, BatchNormalization, Relu, LeakyRelu, MaxPool, "
          + "AveragePool, GlobalAveragePool, Flatten")
    }
  }

  private func tensor(_ node: ONNXModel.Node, _ input: Int, _ dimensions: Int) throws(ShapeError) -> ONNXModel.Tensor? {
    guard node.inputs.count > input, !node.inputs[input].isEmpty else { return nil }
    guard let tensor = model.tensors[node.inputs[input]], tensor.shape.count == dimensions, !tensor.shape.contains(0)
    else {
      throw ShapeError(
        "\(node.place) needs \"\(node.inputs[input])\" as a tensor of \(dimensions) dimension\(dimensions == 1 ? "" : "s") of real numbers "
          + "in the file; fold constants when the model is exported")
    }
    return tensor
  }

  private func linear(_ node: ONNXModel.Node) throws(ShapeError) -> NetworkLayer {
    let isConvolution = node.operation == "Conv"
    guard let weight = try tensor(node, 1, isConvolution ? 4 : 2) else {
      throw ShapeError("\(node.place) has no weights")
    }
    let bias = try tensor(node, 2, 1)
    guard node.integer("group") ?? 1 == 1 else {
      throw ShapeError("\(node.place) has groups; give a model without them")
    }
    guard node.number("alpha") ?? 1 == 1, node.number("beta") ?? 1 == 1, node.integer("transA") ?? 0 == 0 else {
      throw ShapeError("\(node.place) has alpha, beta or transA; give a model without them")
    }
    var weights = Matrix(
      rowCount: weight.shape[0], columnCount: weight.shape[1...].reduce(1, *), values: weight.values)
    if !isConvolution, node.integer("transB") ?? 0 == 0 { weights = weights.transposed }
    guard bias.map({ $0.values.count == weights.rowCount }) ?? true else {
      throw ShapeError(
        "\(node.place) has \(bias?.values.count ?? 0) biases for \(weights.rowCount) nodes; give one for each")
    }
    return NetworkLayer(
      isConvolution ? .convolution(try Window(node, size: Array(weight.shape.suffix(2)))) : .dense, weights: weights,
      biases: bias?.values)
  }

  /// Begins a layer: the one below is complete.
  private mutating func start(_ layer: NetworkLayer, _ node: ONNXModel.Node) throws(ShapeError) {
    if !layers.isEmpty { slopes.append(slope ?? 1) }
    slope = nil
    layers.append(layer)
  }

  private func refused(_ node: ONNXModel.Node) -> ShapeError {
    ShapeError(
      "\(node.place) stands in another place than networks have it: in a layer follow one another the convolution or Gemm, a "
        + "normalisation, the activation, or these two in the other order, and a pooling")
  }

  private mutating func activate(_ slope: Double, _ node: ONNXModel.Node) throws(ShapeError) {
    guard let layer = layers.last, layer.pooling?.isMaximum != false, self.slope == nil,
      layer.normalization?.placement != .afterActivation
    else { throw refused(node) }
    guard (0...1).contains(slope) else {
      throw ShapeError("\(node.place) has a slope of \(slope); give one from 0 to 1")
    }
    // A slope is stored in single precision: 0.2 and not 0.20000000298.
    self.slope = Double("\(Float(slope))") ?? slope
  }

  private mutating func pool(_ pooling: Pooling, _ node: ONNXModel.Node) throws(ShapeError) {
    // The largest of activations is the activation of the largest, because no activation falls.
    guard let layer = layers.last, layer.pooling == nil, layer.kind != .dense, slope != nil || pooling.isMaximum else {
      throw refused(node)
    }
    layers[layers.count - 1] = NetworkLayer(
      layer.kind, weights: layer.weights, biases: layer.biases, normalization: layer.normalization, pooling: pooling)
  }

  private mutating func normalize(_ node: ONNXModel.Node) throws(ShapeError) {
    guard let layer = layers.last, layer.pooling == nil, layer.normalization == nil else { throw refused(node) }
    guard let scales = try tensor(node, 1, 1)?.values, let shifts = try tensor(node, 2, 1)?.values,
      let means = try tensor(node, 3, 1)?.values, let variances = try tensor(node, 4, 1)?.values
    else { throw ShapeError("\(node.place) has no scale, shift, mean or variance") }
    guard node.integer("training_mode") ?? 0 == 0, node.outputs.count(where: { !$0.isEmpty }) == 1 else {
      throw ShapeError(
        "\(node.place) is in training mode, where it takes the statistics of each batch; export the model for evaluation "
          + "(model.eval() in PyTorch)")
    }
    // Another epsilon is a part of the variance.
    let epsilon = node.number("epsilon").map { Double("\(Float($0))") ?? $0 } ?? BatchNormalization.epsilon
    let moved = variances.map { $0 + (epsilon - BatchNormalization.epsilon) }
    guard moved.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
      throw ShapeError(
        "\(node.place) has a negative variance, or one below its epsilon of \(epsilon); give a positive one")
    }
    layers[layers.count - 1].normalization = BatchNormalization(
      placement: slope == nil ? .beforeActivation : .afterActivation, means: means, variances: moved, scales: scales,
      shifts: shifts)
  }
}
