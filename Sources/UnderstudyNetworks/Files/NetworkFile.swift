import Foundation
import UnderstudyNumerics

/// Networks as safetensors files with PyTorch's names and layouts: `layers.0.weight` `[nodes, inputs]`,
/// `layers.0.bias` `[nodes]`, and so on, the last layer linear. Docs/Formats.md is the contract.
public enum NetworkFile {
  public typealias Precision = SafetensorsFile.Precision

  /// Reads a network from a file; see ``decode(_:name:activation:)``.
  public static func read(path: String, activation: Activation) throws(FileError) -> Network {
    try decode(try content(ofFileAt: path), name: path, activation: activation)
  }

  /// Decodes a network; the file does not say its activation.
  ///
  /// - Parameter name: what errors call the file.
  /// - Throws: ``FileError`` if the bytes are no safetensors file, a tensor has another name or shape, a layer is
  ///   missing, only some layers have biases, neighbours do not fit, or a number is not finite.
  /// - Complexity: O(bytes).
  public static func decode(_ data: Data, name: String, activation: Activation) throws(FileError) -> Network {
    try network(of: try SafetensorsFile.decode(data, name: name), name: name, activation: activation)
  }

  /// The slope on the negative side that a file's metadata name, as files that Understudy writes do; nil if they do not.
  ///
  /// - Throws: ``FileError`` if the file is no safetensors file.
  public static func negativeSlope(path: String) throws(FileError) -> Double? {
    try SafetensorsFile.decode(try content(ofFileAt: path), name: path).metadata["understudy.negativeSlope"]
      .flatMap { Double($0) }
  }

  /// The bytes of a file that holds a network: the same for equal networks and metadata.
  ///
  /// - Complexity: O(weights).
  public static func encode(
    _ network: Network, precision: Precision = .float64, metadata: [String: String] = [:]
  ) -> Data {
    var file = SafetensorsFile(tensors: [:], metadata: metadata)
    for (index, layer) in network.layers.enumerated() {
      file.tensors[tensorName(index, .weight)] = SafetensorsFile.Tensor(
        shape: [layer.nodeCount, layer.inputCount], values: layer.weights.values)
      if let biases = layer.biases {
        file.tensors[tensorName(index, .bias)] = SafetensorsFile.Tensor(shape: [biases.count], values: biases)
      }
    }
    return file.encoded(precision: precision)
  }
}

private enum Part: String { case weight, bias }

private func tensorName(_ layer: Int, _ part: Part) -> String { "layers.\(layer).\(part.rawValue)" }

/// Whether a tensor has the name of a part of some layer.
private func isPart(_ name: String) -> Bool {
  let words = name.split(separator: ".", omittingEmptySubsequences: false)
  guard words.count == 3, words[0] == "layers", Part(rawValue: String(words[2])) != nil else { return false }
  guard let index = Int(words[1]), index >= 0 else { return false }
  return String(index) == words[1]
}

private func network(
  of file: SafetensorsFile, name: String, activation: Activation
) throws(FileError) -> Network {
  func error(_ message: String) -> FileError { FileError(path: name, message: message) }
  let names = file.tensors.keys.sorted()
  if let other = names.first(where: { !isPart($0) }) {
    throw error(
      "tensor \"\(other)\" is no part of a network; name the tensors layers.0.weight, layers.0.bias, "
        + "layers.1.weight, ... and leave out all others")
  }
  let layerCount = names.filter { $0.hasSuffix(".weight") }.count
  guard layerCount >= 2 else {
    throw error("holds the weights of \(layerCount) layers; a network needs a hidden layer and an output layer")
  }
  let hasBiases = names.contains { $0.hasSuffix(".bias") }
  var layers: [DenseLayer] = []
  for index in 0..<layerCount {
    let weightName = tensorName(index, .weight)
    guard let weights = file.tensors[weightName] else {
      throw error("has weights of \(layerCount) layers but no \(weightName); number the layers from 0 without gaps")
    }
    guard weights.shape.count == 2 else {
      throw error("tensor \"\(weightName)\" has shape \(weights.shape); weights are [nodes, inputs]")
    }
    let biasName = tensorName(index, .bias)
    let biases = file.tensors[biasName]
    guard (biases != nil) == hasBiases else {
      throw error("has biases in some layers but no \(biasName); give biases to all layers (zeros will do) or to none")
    }
    if let biases, biases.shape != [weights.shape[0]] {
      throw error(
        "tensor \"\(biasName)\" has shape \(biases.shape), but the layer has \(weights.shape[0]) nodes; "
          + "it must be [\(weights.shape[0])]")
    }
    layers.append(
      DenseLayer(
        weights: Matrix(rowCount: weights.shape[0], columnCount: weights.shape[1], values: weights.values),
        biases: biases?.values))
  }
  guard names.count == layerCount * (hasBiases ? 2 : 1) else {
    throw error("has biases of a layer without weights; remove them or add the layer")
  }
  do {
    return try Network(layers: layers, activation: activation)
  } catch let failure {
    throw error("\(failure); weights are [nodes, inputs]")
  }
}
