import UnderstudyNumerics
import UnderstudySchema

/// The tensors of a layer, by the ends of their names; those of a normalisation are named as by PyTorch.
enum Part: String {
  case weight, bias
  case mean = "norm.running_mean"
  case variance = "norm.running_var"
  case scale = "norm.weight"
  case shift = "norm.bias"
  /// PyTorch's count of the batches that its running statistics saw: no part of the function, and not read.
  case batchCount = "norm.num_batches_tracked"
}

/// The metadata that says where hidden layers are normalised.
let placementKey = "understudy.normalization"

/// The metadata that says the slope of the activation on the negative side.
let slopeKey = "understudy.negativeSlope"

extension SafetensorsFile {
  /// What the metadata say of it; nil if nothing.
  var negativeSlope: Double? { metadata[slopeKey].flatMap { Double($0) } }

  /// The activation that the metadata say; nil if they say none.
  var activation: Activation? { negativeSlope.map { Activation(negativeSlope: min(max($0, 0), 1)) } }
}

/// The metadata of a network over images: the size of its images, `3x32x32`, and its hidden layers, written as in studies.
let imageKey = "understudy.image"
let layersKey = "understudy.layers"

func tensorName(_ layer: Int, _ part: Part) -> String { "layers.\(layer).\(part.rawValue)" }

/// Which part of which layer a tensor of this name is; nil if of none.
func partOfLayer(named name: String) -> (layer: Int, part: Part)? {
  let words = name.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
  guard words.count == 3, words[0] == "layers", let part = Part(rawValue: String(words[2])) else { return nil }
  guard let layer = Int(words[1]), layer >= 0, String(layer) == words[1] else { return nil }
  return (layer, part)
}

/// The normalisation of a layer, if the file holds one.
///
/// - Throws: ``FileError`` if it is incomplete, of another length than the layer, of a negative variance, or its placement is
///   missing or unknown.
func normalization(
  ofLayer layer: Int, nodeCount: Int, in file: SafetensorsFile, name: String
) throws(FileError) -> BatchNormalization? {
  func error(_ message: String) -> FileError { FileError(path: name, message: message) }
  func values(_ part: Part) throws(FileError) -> [Double]? {
    guard let tensor = file.tensors[tensorName(layer, part)] else { return nil }
    guard tensor.shape == [nodeCount] else {
      throw error(
        "tensor \"\(tensorName(layer, part))\" has shape \(tensor.shape), but the layer has \(nodeCount) nodes; "
          + "it must be [\(nodeCount)]")
    }
    return tensor.values
  }
  func requireBoth(_ a: Part, _ hasA: Bool, _ b: Part, _ hasB: Bool) throws(FileError) {
    guard hasA != hasB else { return }
    let (present, missing) = hasA ? (a, b) : (b, a)
    throw error("has \(tensorName(layer, present)) but no \(tensorName(layer, missing)); a normalisation has both")
  }
  let (means, variances) = (try values(.mean), try values(.variance))
  let (scales, shifts) = (try values(.scale), try values(.shift))
  try requireBoth(.mean, means != nil, .variance, variances != nil)
  try requireBoth(.scale, scales != nil, .shift, shifts != nil)
  guard let means, let variances else {
    guard scales == nil else {
      throw error(
        "has \(tensorName(layer, .scale)) but no \(tensorName(layer, .mean)) and "
          + "\(tensorName(layer, .variance)); a normalisation needs its running statistics")
    }
    return nil
  }
  if let node = variances.firstIndex(where: { $0 < 0 }) {
    throw error(
      "tensor \"\(tensorName(layer, .variance))\" holds \(variances[node]) at element \(node); variances are not negative"
    )
  }
  let choices = BatchNormalization.Placement.allCases.map(\.rawValue).joined(separator: " or ")
  guard let text = file.metadata[placementKey] else {
    throw error("has normalised layers, but its metadata do not say where; set \(placementKey) to \(choices)")
  }
  guard let placement = BatchNormalization.Placement(rawValue: text) else {
    throw error("metadata \(placementKey) is \"\(text)\"; it must be \(choices)")
  }
  return BatchNormalization(
    placement: placement, means: means, variances: variances, scales: scales, shifts: shifts)
}

/// What a file says of a network over images; nil of one over features.
///
/// - Throws: ``FileError`` if it says only a part, or what cannot be read.
func imageLayers(of file: SafetensorsFile, name: String) throws(FileError) -> (
  input: MapSize, layers: [LayerList.Layer]
)? {
  guard let size = file.metadata[imageKey], let text = file.metadata[layersKey] else {
    guard file.tensors.values.contains(where: { $0.shape.count == 4 }) else { return nil }
    throw FileError(
      path: name,
      message: "has convolutions, but its metadata do not say \(imageKey) (such as 3x32x32) and \(layersKey) (such as "
        + "\"conv 64, conv 64 max 2\"); add both")
  }
  guard let input = MapSize(written: size), let list = try? LayerList(text) else {
    throw FileError(
      path: name,
      message:
        "its metadata \(imageKey) \"\(size)\" or \(layersKey) \"\(text)\" cannot be read; write them as 3x32x32 and "
        + "conv 64, conv 64 max 2")
  }
  return (input, list.layers)
}
