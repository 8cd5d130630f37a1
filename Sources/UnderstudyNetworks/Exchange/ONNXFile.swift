import Foundation

/// What networks need of an ONNX model: the messages ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto and
/// ValueInfoProto, with the numbers of their fields.
///
/// Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3
struct ONNXModel {
  /// Of the operators that are written.
  static let operatorSet = 17
  /// Of the format: the one that came with that operator set.
  static let version = 8

  struct Tensor {
    var shape: [Int]
    var values: [Double]
  }

  enum Attribute: Equatable {
    case number(Double)
    case integer(Int)
    case integers([Int])
    case text(String)
    case other
  }

  struct Node {
    var operation: String
    var inputs: [String]
    var outputs: [String]
    var attributes: [String: Attribute] = [:]
  }

  /// An input or output; a side is nil where the file names it or leaves it open.
  struct Value {
    var name: String
    var shape: [Int?]
  }

  var nodes: [Node] = []
  var tensors: [String: Tensor] = [:]
  var inputs: [Value] = []
  var outputs: [Value] = []
}

// MARK: Reading

extension ONNXModel {
  /// - Throws: ``FileError`` if the bytes are no ONNX model, or its tensors are elsewhere or no real numbers.
  /// - Complexity: O(bytes).
  init(_ data: Data, name: String) throws(FileError) {
    do throws(ProtobufMessage.Damage) {
      let model = try ProtobufMessage([UInt8](data)[...])
      guard let graph = try model.messages(7).last else { throw ProtobufMessage.Damage(message: "has no graph") }
      // It is the last field, so that a file that was cut off has none.
      guard !model.bytes(8).isEmpty else { throw ProtobufMessage.Damage(message: "names no operator set") }
      for tensor in try graph.messages(5) {
        let (label, content) = try Self.tensor(tensor)
        if let content { tensors[label] = content }
      }
      for node in try graph.messages(1) { nodes.append(try Node(node)) }
      for value in try graph.messages(11) { inputs.append(try Value(value)) }
      for value in try graph.messages(12) { outputs.append(try Value(value)) }
    } catch {
      throw FileError(
        path: name, message: "\(error.message), so it is no ONNX model, or damaged; export or copy it anew")
    }
    inputs.removeAll { tensors[$0.name] != nil }
  }

  /// A tensor and its name; nil for integers, which no weight is.
  private static func tensor(
    _ message: ProtobufMessage
  ) throws(ProtobufMessage.Damage) -> (name: String, content: Tensor?) {
    let name = message.text(8)
    func damage(_ text: String) -> ProtobufMessage.Damage { .init(message: "tensor \"\(name)\" \(text)") }
    guard try message.integers(14).last ?? 0 == 0 else {
      throw damage(
        "is in another file (external data); save the model with its tensors, onnx.save(onnx.load(...), ...)")
    }
    let shape = try message.integers(1).map { Int($0) }
    guard let count = elementCount(ofShape: shape) else { throw damage("has a shape that no tensor has") }
    let raw = message.bytes(9).last
    let values: [Double]
    switch (try message.integers(2).last ?? 0, raw) {
    case (1, let raw?): values = try numbers(raw, .float32, count, damage)
    case (1, nil): values = try message.floats(4).map(Double.init)
    case (11, let raw?): values = try numbers(raw, .float64, count, damage)
    case (11, nil): values = try message.doubles(10)
    case (10, let raw?): values = try numbers(raw, .float16, count, damage)
    default: return (name, nil)
    }
    guard values.count == count else { throw damage("has \(values.count) numbers for a shape of \(shape)") }
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw damage(
        "holds \(values[index]) at \(placeDescription(ofElement: index, shape: shape)), where every number must be finite"
      )
    }
    return (name, Tensor(shape: shape, values: values))
  }

  private static func numbers(
    _ raw: ArraySlice<UInt8>, _ format: ScalarFormat, _ count: Int, _ damage: (String) -> ProtobufMessage.Damage
  ) throws(ProtobufMessage.Damage) -> [Double] {
    guard raw.count / format.byteCount == count, raw.count % format.byteCount == 0 else {
      throw damage("has \(raw.count) bytes for \(count) numbers")
    }
    return format.values(in: [UInt8](raw), at: 0, count: count)
  }
}

extension ONNXModel.Node {
  fileprivate init(_ message: ProtobufMessage) throws(ProtobufMessage.Damage) {
    self.init(operation: message.text(4), inputs: message.texts(1), outputs: message.texts(2))
    if !["", "ai.onnx"].contains(message.text(7)) { operation = "\(message.text(7)).\(operation)" }
    for attribute in try message.messages(5) {
      let value: ONNXModel.Attribute =
        switch try attribute.integers(20).last ?? 0 {
        case 1: .number(try attribute.floats(2).last.map(Double.init) ?? 0)
        case 2: .integer(Int(try attribute.integers(3).last ?? 0))
        case 3: .text(attribute.text(4))
        case 7: .integers(try attribute.integers(8).map { Int($0) })
        default: .other
        }
      attributes[attribute.text(1)] = value
    }
  }

  func integers(_ name: String) -> [Int]? { if case .integers(let values)? = attributes[name] { values } else { nil } }
  func integer(_ name: String) -> Int? { if case .integer(let value)? = attributes[name] { value } else { nil } }
  func number(_ name: String) -> Double? { if case .number(let value)? = attributes[name] { value } else { nil } }
  func text(_ name: String) -> String? { if case .text(let value)? = attributes[name] { value } else { nil } }
}

extension ONNXModel.Value {
  fileprivate init(_ message: ProtobufMessage) throws(ProtobufMessage.Damage) {
    self.init(name: message.text(1), shape: [])
    guard let tensor = try message.messages(2).last?.messages(1).last, let dimensions = try tensor.messages(2).last
    else {
      return
    }
    for dimension in try dimensions.messages(1) { shape.append(try dimension.integers(1).last.map { Int($0) }) }
  }
}

// MARK: Writing

extension ONNXModel {
  /// The bytes of the model, numbers in single precision, rounded to the nearest: the same for equal models.
  ///
  /// - Complexity: O(numbers).
  func encoded(producer: String) -> Data {
    var model = ProtobufWriter()
    model.add(1, Self.version)
    model.add(2, producer)
    model.add(7) { graph in
      for node in nodes { graph.add(1) { $0.add(node) } }
      graph.add(2, "network")
      for (name, tensor) in tensors.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
        graph.add(5) { $0.add(tensor, name: name) }
      }
      for value in inputs { graph.add(11) { $0.add(value) } }
      for value in outputs { graph.add(12) { $0.add(value) } }
    }
    model.add(8) { $0.add(2, Self.operatorSet) }
    return Data(model.bytes)
  }
}

extension ProtobufWriter {
  fileprivate mutating func add(_ node: ONNXModel.Node) {
    for input in node.inputs { add(1, input) }
    for output in node.outputs { add(2, output) }
    add(3, node.outputs.first ?? "")
    add(4, node.operation)
    for (name, attribute) in node.attributes.sorted(by: { $0.key < $1.key }) {
      add(5) { message in
        message.add(1, name)
        switch attribute {
        case .number(let value):
          message.add(2, Float(value))
          message.add(20, 1)
        case .integer(let value):
          message.add(3, value)
          message.add(20, 2)
        case .text(let value):
          message.add(4, value)
          message.add(20, 3)
        case .integers(let values):
          for value in values { message.add(8, value) }
          message.add(20, 7)
        case .other: break
        }
      }
    }
  }

  fileprivate mutating func add(_ tensor: ONNXModel.Tensor, name: String) {
    for side in tensor.shape { add(1, side) }
    add(2, 1)
    add(8, name)
    var raw: [UInt8] = []
    raw.reserveCapacity(4 * tensor.values.count)
    for value in tensor.values { raw.append(littleEndian: Float(value).bitPattern) }
    add(9, raw)
  }

  /// Sides that are open are named `N`: the number of samples.
  fileprivate mutating func add(_ value: ONNXModel.Value) {
    add(1, value.name)
    add(2) { type in
      type.add(1) { tensor in
        tensor.add(1, 1)
        tensor.add(2) { shape in
          for side in value.shape { shape.add(1) { if let side { $0.add(1, side) } else { $0.add(2, "N") } } }
        }
      }
    }
  }
}
