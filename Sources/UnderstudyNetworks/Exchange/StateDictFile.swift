import Foundation
import UnderstudyNumerics
import UnderstudySchema

/// What a state dict or an ONNX model may leave open, and someone has to say; nil: the file says it.
public struct NetworkDescription: Sendable {
  /// The size of the images.
  public var image: MapSize?
  /// Hidden layers, for strides, paddings and poolings.
  public var layers: LayerList?
  public var placement: BatchNormalization.Placement?
  public var activation: Activation?

  public init(
    image: MapSize? = nil, layers: LayerList? = nil, placement: BatchNormalization.Placement? = nil,
    activation: Activation? = nil
  ) {
    self.image = image
    self.layers = layers
    self.placement = placement
    self.activation = activation
  }
}

/// Networks as PyTorch's `state_dict` has them, in safetensors files: tensors of any names, in PyTorch's layouts.
public enum StateDictFile {
  /// The bytes of a file with these names. Its metadata say what the shapes do not, so that ``decode(_:name:describedBy:)``
  /// needs no description of it.
  ///
  /// - Parameter template: what errors call the file that the names come from.
  /// - Throws: ``FileError`` if the names are those of another kind of network.
  /// - Complexity: O(weights).
  public static func encode(
    _ network: Network, names: TensorNames, template: String, precision: SafetensorsFile.Precision
  ) throws(FileError) -> Data {
    func error(_ message: String) -> FileError { FileError(path: template, message: message) }
    let network = network.withoutBiases { names.layers.indices.contains($0) && names.layers[$0][.bias] == nil }
    let own = NetworkFile.file(of: network)
    guard names.layers.count == network.layers.count else {
      throw error(
        "has names of \(names.layers.count) layers, and the network has \(network.layers.count); give a file of the same depth"
      )
    }
    var result = SafetensorsFile(tensors: [:], metadata: own.metadata)
    for (index, layer) in network.layers.enumerated() {
      guard names.areConvolutions[index] == (layer.kind != .dense) else {
        let kinds =
          names.areConvolutions[index] ? ("a convolution", "fully connected") : ("fully connected", "a convolution")
        throw error(
          "\"\(names.layers[index][.weight] ?? "")\" is \(kinds.0), and layer \(layerLabel(ofIndex: index)) of the network is "
            + "\(kinds.1); give a file of the same kind of network")
      }
      for part in Part.allOfNetwork {
        let (tensor, name) = (own.tensors[tensorName(index, part)], names.layers[index][part])
        switch (tensor, name) {
        case (let tensor?, let name?): result.tensors[name] = tensor
        case (let tensor?, nil):
          guard tensor.values.allSatisfy({ $0 == part.neutralValue }) else {
            throw error("has no name for \(tensorName(index, part)) of the network; give a file that has one")
          }
        case (nil, let name?):
          guard let value = part.neutralValue, layer.normalization != nil || part == .bias else {
            throw error(
              "has \"\(name)\", and layer \(layerLabel(ofIndex: index)) of the network has no normalisation; give a file "
                + "of the same kind of network")
          }
          result.tensors[name] = SafetensorsFile.Tensor(
            shape: [layer.nodeCount], values: [Double](repeating: value, count: layer.nodeCount))
        case (nil, nil): break
        }
      }
    }
    return result.encoded(precision: precision)
  }

  /// Decodes a network whose tensors have any names.
  ///
  /// - Parameters:
  ///   - name: what errors call the file.
  ///   - description: what the file leaves open; where both say something, this holds.
  /// - Returns: the network, and the names that its tensors had. Layers without biases get zeros where others have some.
  /// - Throws: ``FileError`` if it is no state dict of such a network, or it is not known enough.
  /// - Complexity: O(numbers).
  public static func decode(
    _ file: SafetensorsFile, name: String, describedBy description: NetworkDescription
  ) throws(FileError) -> (network: Network, names: TensorNames) {
    func error(_ message: String) -> FileError { FileError(path: name, message: message) }
    let image = description.image ?? file.metadata[imageKey].flatMap(MapSize.init(written:))
    let list = description.layers ?? file.metadata[layersKey].flatMap { try? LayerList($0) }
    let names = try TensorNames(of: file, name: name, channels: image?.channels)
    var own = SafetensorsFile(tensors: [:])
    let hasBiases = names.layers.contains { $0[.bias] != nil }
    for (index, layer) in names.layers.enumerated() {
      for (part, theirs) in layer { own.tensors[tensorName(index, part)] = file.tensors[theirs] }
      let neutral: [Part] = (hasBiases ? [.bias] : []) + (layer[.scale] != nil ? [.shift] : [])
      guard let nodes = own.tensors[tensorName(index, .weight)]?.shape[0] else { continue }
      for part in neutral where layer[part] == nil {
        own.tensors[tensorName(index, part)] = SafetensorsFile.Tensor(
          shape: [nodes], values: [Double](repeating: 0, count: nodes))
      }
    }
    if let placement = description.placement?.rawValue ?? file.metadata[placementKey] {
      own.metadata[placementKey] = placement
    } else if let normalized = names.layers.lazy.compactMap({ $0[.mean] ?? $0[.variance] }).first {
      throw error(
        "has a batch normalisation (\"\(normalized)\"), and its tensors do not say whether it is before or after the "
          + "activation; give --normalization beforeActivation or afterActivation")
    }
    let shapes = names.layers.indices.map { own.tensors[tensorName($0, .weight)]?.shape ?? [] }
    if names.areConvolutions.contains(true) {
      let (image, list) = try described(shapes, image, list, names, name: name)
      (own.metadata[imageKey], own.metadata[layersKey]) = (image.written, list.description)
    } else {
      try list.map { (list) throws(FileError) in try check(list, shapes, names, name: name) }
      if let image, let inputs = shapes.first?.last, image.count != inputs {
        throw error(
          "takes \(inputs) numbers, and images of \(image) have \(image.count); give --image of its size, or leave it out"
        )
      }
    }
    do throws(FileError) {
      let network = try decodedNetwork(
        of: own, name: name, activation: description.activation ?? file.activation ?? .relu,
        lowest: names.layers.first?[.weight] ?? "")
      return (network, names)
    } catch {
      // In the file's own names.
      let theirs = Dictionary(names.pairs.map { ($0.own, $0.theirs) }) { first, _ in first }
      throw FileError(
        path: error.path,
        message: error.message.replacing(/layers\.[0-9]+\.[a-z_.]*[a-z]/) {
          theirs[String($0.output)] ?? String($0.output)
        })
    }
  }

  /// Whether a file has Understudy's own names, numbered without gaps, and all that belongs to them.
  static func isOwn(_ file: SafetensorsFile) -> Bool {
    let parts = file.tensors.keys.map { partOfLayer(named: $0) }
    let numbers = Set(parts.compactMap { $0?.part == .weight ? $0?.layer : nil })
    let isDescribed = file.metadata[imageKey] != nil && file.metadata[layersKey] != nil
    let hasMaps = file.tensors.values.contains { $0.shape.count == 4 }
    return parts.allSatisfy { $0 != nil } && numbers == Set(0..<numbers.count) && (isDescribed || !hasMaps)
  }

  /// What is known of a network with convolutions, if it is all.
  ///
  /// - Throws: ``FileError`` that says what is missing, or what differs from the shapes.
  private static func described(
    _ shapes: [[Int]], _ image: MapSize?, _ list: LayerList?, _ names: TensorNames, name: String
  ) throws(FileError) -> (MapSize, LayerList) {
    guard let image, let list else {
      let missing = [image == nil ? "--image (such as 3x32x32)" : nil, list == nil ? "--layers" : nil].compactMap { $0 }
      throw FileError(
        path: name,
        message: "has convolutions, and shapes do not say the size of images, strides, paddings and poolings; give "
          + "\(missing.joined(separator: " and "))"
          + (list == nil
            ? ": the shapes say \"\(layers(of: shapes))\", to which stride, padding, max and average are added" : ""))
    }
    try check(list, shapes, names, name: name)
    return (image, list)
  }

  /// The hidden layers that the shapes of weights show.
  private static func layers(of shapes: [[Int]]) -> LayerList {
    LayerList(
      shapes.dropLast().map { shape in
        guard shape.count == 4 else { return LayerList.Layer(nodes: shape[0], convolution: nil) }
        var convolution = LayerList.Convolution()
        convolution.size = LayerList.Extent(rows: shape[2], columns: shape[3])
        return LayerList.Layer(nodes: shape[0], convolution: convolution)
      })
  }

  /// - Throws: ``FileError`` if layers that were given are not those of the shapes.
  private static func check(
    _ list: LayerList, _ shapes: [[Int]], _ names: TensorNames, name: String
  ) throws(FileError) {
    func error(_ message: String) -> FileError { FileError(path: name, message: message) }
    let seen = layers(of: shapes)
    for (index, (given, seen)) in zip(list.layers, seen.layers).enumerated()
    where given.nodes != seen.nodes || given.convolution?.size != seen.convolution?.size {
      throw error(
        "\"\(names.layers[index][.weight] ?? "")\" has shape \(shapes[index]), that is \"\(seen)\", and --layers says "
          + "\"\(given)\" of hidden layer \(layerLabel(ofIndex: index)); make them equal")
    }
    guard list.layers.count == seen.layers.count else {
      throw error(
        "has \(seen.layers.count) hidden layers (\"\(seen)\"), and --layers names \(list.layers.count); name each of them"
      )
    }
  }
}

extension Network {
  /// The same function without the biases of those layers in which a normalisation follows at once: its means take them in.
  fileprivate func withoutBiases(_ isWithout: (Int) -> Bool) -> Network {
    var network = self
    for (index, layer) in layers.enumerated() where isWithout(index) {
      guard let biases = layer.biases, let normalization = layer.normalization,
        normalization.placement == .beforeActivation
      else { continue }
      network[layer: index].normalization?.means = zip(normalization.means, biases).map { $0 - $1 }
      network[layer: index].biases = biases.map { _ in 0 }
    }
    return network
  }
}

extension Part {
  /// What every number of the part is where the part is missing; nil if it cannot miss.
  fileprivate var neutralValue: Double? {
    switch self {
    case .bias, .shift: 0
    case .scale: 1
    case .weight, .mean, .variance, .batchCount: nil
    }
  }
}
