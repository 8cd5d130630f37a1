import ArgumentParser
import Understudy

/// What a file of another program may leave open.
struct NetworkDescriptionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Size of the images: channels, rows, columns.", discussion: "For convolutions, if the file leaves it open.",
      valueName: "3x32x32"), transform: imageSize)
  var image: MapSize?

  @Option(
    help: ArgumentHelp(
      "The hidden layers of a state dict with convolutions, lowest first, as studies write them: \"conv 64, conv 64 max 2\".",
      valueName: "layers"), transform: layerList)
  var layers: LayerList?

  @Option(help: "Where a state dict's batch normalisations are: beforeActivation or afterActivation.")
  var normalization: BatchNormalization.Placement?

  @OptionGroup var activation: ActivationOptions

  var value: NetworkDescription {
    NetworkDescription(
      image: image, layers: layers, placement: normalization, activation: activation.isGiven ? activation.value : nil)
  }
}

extension BatchNormalization.Placement: ExpressibleByArgument {}
extension SafetensorsFile.Precision: ExpressibleByArgument {}

private func imageSize(_ text: String) throws -> MapSize {
  guard let size = MapSize(written: text) else {
    throw ValidationError("--image \(text): give channels, rows and columns, such as 3x32x32")
  }
  return size
}

private func layerList(_ text: String) throws -> LayerList {
  do { return try LayerList(text) } catch {
    throw ValidationError(
      "--layers \"\(text)\" cannot be read; give hidden layers such as \"conv 64, conv 64 padding 1 max 2, dense 100\"")
  }
}
