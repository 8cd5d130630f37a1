import Foundation
import UnderstudyNumerics

/// Networks as safetensors files with PyTorch's names and layouts: `layers.0.weight` `[nodes, inputs]`,
/// `layers.0.bias` `[nodes]`, and so on, the last layer linear; batch normalisations of hidden layers as
/// `layers.0.norm.running_mean` and so on. Docs/Formats.md is the contract.
public enum NetworkFile {
  public typealias Precision = SafetensorsFile.Precision

  /// Reads a network from a file; see ``decode(_:name:activation:)``.
  ///
  /// - Throws: ``FileError`` if the file cannot be read or holds no network.
  public static func read(path: String, activation: Activation) throws(FileError) -> Network {
    try decode(try content(ofFileAt: path), name: path, activation: activation)
  }

  /// Decodes a network; the file does not say its activation.
  ///
  /// - Parameter name: what errors call the file.
  /// - Throws: ``FileError`` if the bytes are no safetensors file, a tensor has another name or shape, a layer is
  ///   missing, only some layers have biases, a normalisation is incomplete or has no placement, neighbours do not fit,
  ///   or a number is not finite.
  /// - Complexity: O(bytes).
  public static func decode(_ data: Data, name: String, activation: Activation) throws(FileError) -> Network {
    try decodedNetwork(of: try SafetensorsFile.decode(data, name: name), name: name, activation: activation)
  }

  /// The slope on the negative side that a file's metadata name, as files that Understudy writes do; nil if they do not.
  ///
  /// - Throws: ``FileError`` if the file is no safetensors file.
  public static func negativeSlope(path: String) throws(FileError) -> Double? {
    try negativeSlope(of: try content(ofFileAt: path), name: path)
  }

  /// The same, of a file's bytes.
  ///
  /// - Parameter name: what errors call the file.
  /// - Throws: ``FileError`` if they are no safetensors file.
  public static func negativeSlope(of data: Data, name: String) throws(FileError) -> Double? {
    try SafetensorsFile.decode(data, name: name).negativeSlope
  }

  /// The bytes of a file that holds a network: the same for equal networks and metadata. Of the metadata,
  /// `understudy.negativeSlope` and `understudy.normalization`, and of a network with convolutions `understudy.image` and
  /// `understudy.layers`, are set from the network.
  ///
  /// - Complexity: O(weights).
  public static func encode(
    _ network: Network, precision: Precision = .float64, metadata: [String: String] = [:]
  ) -> Data {
    file(of: network, metadata: metadata).encoded(precision: precision)
  }

  /// The tensors and metadata of such a file.
  static func file(of network: Network, metadata: [String: String] = [:]) -> SafetensorsFile {
    var file = SafetensorsFile(tensors: [:], metadata: metadata)
    file.metadata[slopeKey] = "\(network.activation.negativeSlope)"
    file.metadata[placementKey] = network.layers.lazy.compactMap(\.normalization).first?.placement.rawValue
    if !network.isDense {
      let input = network.architecture.input
      file.metadata[imageKey] = input.written
      file.metadata[layersKey] = network.architecture.hiddenLayers.description
    }
    for (index, layer) in network.layers.enumerated() {
      var shape = [layer.nodeCount, layer.inputCount]
      if case .convolution(let window) = layer.kind {
        shape = [layer.nodeCount, layer.inputCount / window.count, window.rows, window.columns]
      }
      file.tensors[tensorName(index, .weight)] = SafetensorsFile.Tensor(shape: shape, values: layer.weights.values)
      let normalization = layer.normalization
      let vectors: [(Part, [Double]?)] = [
        (.bias, layer.biases), (.mean, normalization?.means), (.variance, normalization?.variances),
        (.scale, normalization?.scales), (.shift, normalization?.shifts),
      ]
      for case (let part, let values?) in vectors {
        file.tensors[tensorName(index, part)] = SafetensorsFile.Tensor(shape: [values.count], values: values)
      }
    }
    return file
  }
}

/// The network whose tensors have Understudy's names.
///
/// - Throws: ``FileError``, as ``NetworkFile/decode(_:name:activation:)``.
func decodedNetwork(
  of file: SafetensorsFile, name: String, activation: Activation, lowest: String = "layers.0.weight"
) throws(FileError) -> Network {
  func error(_ message: String) -> FileError { FileError(path: name, message: message) }
  let names = file.tensors.keys.sorted()
  if let other = names.first(where: { partOfLayer(named: $0) == nil }) {
    throw error(
      "tensor \"\(other)\" is no part of a network; "
        + (renaming(of: names)
          ?? "name the tensors layers.0.weight, layers.0.bias, layers.1.weight, ..."
          + (names.contains { $0.hasSuffix("running_mean") }
            ? ", a normalisation's layers.0.norm.running_mean, ..., " : " ")
          + "and leave out all others") + "; or let understudy convert make a network file of it")
  }
  let parts = names.compactMap { partOfLayer(named: $0) }
  let layerCount = parts.count { $0.part == .weight }
  if let problem = transposition(in: file, layerCount: layerCount) { throw error(problem) }
  let hasBiases = parts.contains { $0.part == .bias }
  let image = try imageLayers(of: file, name: name)
  if let image, image.layers.count != layerCount - 1 {
    throw error(
      "has weights of \(layerCount) layers, but \(layersKey) names \(image.layers.count) hidden ones; name each")
  }
  var layers: [NetworkLayer] = []
  for index in 0..<layerCount {
    layers.append(
      try decodedLayer(
        index, of: layerCount, in: file, windows: index < layerCount - 1 ? image?.layers[index].windows : nil,
        hasBiases: hasBiases, name: name))
  }
  if let stray = parts.first(where: { $0.layer >= layerCount }) {
    throw error(
      "has \(stray.part == .bias ? "biases" : "a normalisation") of a layer without weights; remove "
        + "\(tensorName(stray.layer, stray.part)) or add the layer")
  }
  do {
    return try Network(layers: layers, input: image?.input, activation: activation)
  } catch let failure {
    let layout = image == nil ? ", and weights are [nodes, inputs]" : ""
    throw error("\(failure); in the file layer 1 (lowest) is \"\(lowest)\"\(layout)")
  }
}

/// A layer of it.
///
/// - Parameters:
///   - windows: of a hidden layer over images; nil: fully connected.
///   - hasBiases: whether some layer has biases.
private func decodedLayer(
  _ index: Int, of layerCount: Int, in file: SafetensorsFile,
  windows: (kind: Architecture.Layer.Kind, pooling: Pooling?)?, hasBiases: Bool, name: String
) throws(FileError) -> NetworkLayer {
  func error(_ message: String) -> FileError { FileError(path: name, message: message) }
  let weightName = tensorName(index, .weight)
  guard let weights = file.tensors[weightName] else {
    throw error("has weights of \(layerCount) layers but no \(weightName); number the layers from 0 without gaps")
  }
  var window: Window?
  if case .convolution(let own)? = windows?.kind { window = own }
  guard weights.shape.count == (window == nil ? 2 : 4),
    window.map({ weights.shape.suffix(2) == [$0.rows, $0.columns] }) ?? true
  else {
    throw error(
      "tensor \"\(weightName)\" has shape \(weights.shape); "
        + (window.map { "weights of this convolution are [channels, channels below, \($0.rows), \($0.columns)]" }
          ?? "weights are [nodes, inputs]"))
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
  return NetworkLayer(
    windows?.kind ?? .dense,
    weights: Matrix(
      rowCount: weights.shape[0], columnCount: weights.shape[1...].reduce(1, *), values: weights.values),
    biases: biases?.values,
    normalization: try normalization(ofLayer: index, nodeCount: weights.shape[0], in: file, name: name),
    pooling: windows?.pooling)
}
