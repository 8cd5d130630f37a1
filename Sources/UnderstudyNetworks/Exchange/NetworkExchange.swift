import Foundation
import UnderstudyNumerics

/// A network from a file of any kind that networks are exchanged in.
public struct ExchangedNetwork: Sendable {
  /// What a file may be.
  public enum Format: Sendable, Hashable {
    /// Understudy's own, ``NetworkFile``.
    case own
    case stateDict
    case onnx
  }

  public let network: Network
  public let format: Format
  /// Of a state dict, what it calls its tensors.
  public let names: TensorNames?
  /// Whether nothing says the activation, of a state dict without Understudy's metadata: ReLU is assumed.
  public var hasAssumedActivation = false

  /// Reads a file: an ONNX model if its name ends in `.onnx`, otherwise a safetensors file with Understudy's own names, or any
  /// others.
  ///
  /// - Parameter description: what the file leaves open.
  /// - Throws: ``FileError`` if the file holds no network, or what it leaves open is not given, or it says otherwise.
  /// - Complexity: O(bytes).
  public static func read(
    path: String, describedBy description: NetworkDescription = NetworkDescription()
  ) throws(FileError) -> ExchangedNetwork {
    let data = try content(ofFileAt: path)
    func error(_ message: String) -> FileError { FileError(path: path, message: message) }
    func checkSlope(_ slope: Double?) throws(FileError) {
      guard let slope, let given = description.activation?.negativeSlope, given != slope else { return }
      throw error(
        "says that its activation has a slope of \(slope) on the negative side, and \(given) is given; leave --activation out"
      )
    }
    if path.lowercased().hasSuffix(".onnx") {
      let bytes = [UInt8](data)
      if let kind = FileKind(bytes), kind != .onnx {
        try FileKind.check(bytes, is: .network, or: "an ONNX model", name: path)
        throw error("is a safetensors file, not an ONNX model; give it a name that ends in .safetensors")
      }
      let network = try ONNXFile.decode(data, name: path, image: description.image)
      guard description.layers == nil, description.placement == nil else {
        throw error(
          "is an ONNX model, which says its layers and normalisations itself; leave --layers and --normalization out")
      }
      try checkSlope(network.activation.negativeSlope)
      return ExchangedNetwork(network: network, format: .onnx, names: nil)
    }
    let file = try SafetensorsFile.decode(data, name: path)
    try checkSlope(file.negativeSlope)
    if StateDictFile.isOwn(file), description.image == nil, description.layers == nil, description.placement == nil {
      let activation = description.activation ?? file.activation ?? .relu
      let network = try decodedNetwork(of: file, name: path, activation: activation)
      return ExchangedNetwork(network: network, format: .own, names: nil)
    }
    let (network, names) = try StateDictFile.decode(file, name: path, describedBy: description)
    return ExchangedNetwork(
      network: network, format: .stateDict, names: names,
      hasAssumedActivation: description.activation == nil && file.metadata[slopeKey] == nil)
  }

  /// The names of the tensors in a file of the same kind of network, which another network is to be written with.
  ///
  /// - Throws: ``FileError`` if the file is no state dict.
  public static func names(inFileAt path: String) throws(FileError) -> TensorNames {
    try TensorNames(of: try SafetensorsFile.read(path: path), name: path)
  }
}

/// The outputs of a network at the inputs of an array file.
///
/// - Shape: the array is `[sample, feature]`, for a network with convolutions `[image, channel, row, column]`; the result is
///   `[sample, output]`, of convolutions in single precision.
/// - Units: images are taken as they are, bytes divided by 255: channels are not normalised.
/// - Throws: ``FileError`` if the file holds no such inputs.
/// - Complexity: O(samples x positions x weights).
public func outputs(of network: Network, atInputsIn path: String) throws(FileError) -> Matrix {
  do {
    guard !network.isDense else { return try network.outputs(for: try ArrayFile.readMatrix(path: path)) }
    let pixels = try ArrayFile.decodeImages(try bytes(ofFileAt: path), name: path)
    guard pixels.size == network.architecture.input else {
      throw ShapeError(
        "has images of \(pixels.size), and the network takes \(network.architecture.input); give images of its size")
    }
    let values = try ImageEvaluator(network).outputs(over: ImageBatcher(unlabelled: pixels), count: pixels.count)
    return Matrix(rowCount: pixels.count, columnCount: network.outputCount, values: values.map(Double.init))
  } catch let error as FileError {
    throw error
  } catch {
    throw FileError(path: path, message: "\(error)")
  }
}
