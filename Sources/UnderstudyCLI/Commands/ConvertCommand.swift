import ArgumentParser
import Foundation
import Understudy

struct ConvertCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert", abstract: "Convert a network from and to PyTorch's state_dict, and ONNX.",
    discussion: """
      A network file is converted to a safetensors file with the names and layouts of PyTorch's state_dict for an \
      nn.Sequential, and the command prints the lines of Python that load it. A state dict with any names, or an ONNX model, is \
      converted to a network file, and the command prints which tensor became which. A file ending in .onnx is an ONNX model.

        understudy convert network.safetensors pytorch.safetensors
        understudy convert network.safetensors network.onnx
        understudy convert state.safetensors network.safetensors --image 3x32x32 --layers "conv 64, conv 64 max 2"

      Tensors of a state dict are recognised by their shapes and the order of their names. What shapes do not say is given \
      by options. Docs/Formats.md explains the rules.
      """)

  @Argument(help: "A network file or a state dict (safetensors), or an ONNX model (.onnx).")
  var input: String

  @Argument(help: "The file to write, ending in .safetensors or .onnx.")
  var output: String

  @OptionGroup var description: NetworkDescriptionOptions

  @Option(
    name: .customLong("names-of"),
    help: ArgumentHelp("Write a state dict with the names of the tensors in this one.", valueName: "file"))
  var namesOf: String?

  @Option(help: "Of the numbers of a safetensors file (default: float32 for a state dict, float64 for a network file).")
  var precision: SafetensorsFile.Precision?

  private var isONNX: Bool { output.lowercased().hasSuffix(".onnx") }

  func validate() throws {
    guard isONNX || output.lowercased().hasSuffix(".safetensors") else {
      throw ValidationError("\(output): give a file to write that ends in .safetensors or .onnx")
    }
    if isONNX, namesOf != nil || precision != nil {
      throw ValidationError("--names-of and --precision are for safetensors files; leave them out for ONNX")
    }
  }

  func run() async throws {
    try await reportingErrors {
      try checkOutput(output, reads: [input, namesOf])
      let read = try ExchangedNetwork.read(path: input, describedBy: description.value)
      if let names = read.names { try printLine(mapping(names)) }
      if isONNX {
        try write(ONNXFile.encode(read.network, producer: "understudy \(understudyVersion)"), to: output)
        try printLine(
          "\(output): ONNX, operator set 17; input \(inputForm(read.network)), output [N, \(read.network.outputCount)]")
      } else if let namesOf {
        let names = try ExchangedNetwork.names(inFileAt: namesOf)
        let data = try StateDictFile.encode(
          read.network, names: names, template: namesOf, precision: precision ?? .float32)
        try write(data, to: output)
        try printLine("\(output): a state dict with the names of \(namesOf)")
      } else if read.format == .own {
        try writeSequential(read.network)
      } else {
        try write(read.network, to: output, metadata: ["convertedFrom": input], precision: precision ?? .float64)
        try printLine("\(output): a network file of \(layers(read.network))\(assumption(read))")
      }
    }
  }

  private func writeSequential(_ network: Network) throws {
    do {
      let module = try network.pytorchModule()
      let data = try StateDictFile.encode(
        network, names: .sequential(of: network), template: input, precision: precision ?? .float32)
      try write(data, to: output)
      try printLine(
        """
        from torch import nn; from safetensors.torch import load_file
        network = \(module)
        network.load_state_dict(load_file("\(output)")); network.eval()
        """)
    } catch let error as ShapeError {
      throw ExperimentError.input("\(input): \(error)")
    }
  }

  private func mapping(_ names: TensorNames) -> String {
    let width = names.pairs.map(\.theirs.count).max() ?? 0
    return names.pairs.map { pair in
      "\(pair.theirs)\(String(repeating: " ", count: width - pair.theirs.count)) is \(pair.own)"
    }.joined(separator: "\n") + "\n"
  }

  /// What was taken of a state dict that nothing says.
  private func assumption(_ read: ExchangedNetwork) -> String {
    guard read.hasAssumedActivation else { return "" }
    return "\nactivation relu: no state dict says it; if it is another one, give --activation"
  }

  private func inputForm(_ network: Network) -> String {
    let size = network.architecture.input
    return network.isDense ? "[N, \(size.count)]" : "[N, \(size.channels), \(size.rows), \(size.columns)]"
  }

  private func layers(_ network: Network) -> String {
    let hidden = network.architecture.hiddenLayers
    return network.isDense
      ? network.architecture.widths.map(String.init).joined(separator: "-")
      : "images of \(network.architecture.input): \(hidden), \(network.outputCount) outputs"
  }
}

struct OutputsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "outputs", abstract: "Write a network's outputs for the inputs of an array file.",
    discussion: """
      Inputs are [sample, feature], for convolutions [image, channel, row, column]; they are taken as they are (bytes divided \
      by 255), without a normalisation of channels. Outputs are [sample, output], before softmax.

        understudy outputs network.safetensors --inputs x.npy --output y.npy
      """)

  @Argument(help: "A network file or a state dict (safetensors), or an ONNX model (.onnx).")
  var network: String

  @Option(help: "Inputs, an array file (.npy).")
  var inputs: String

  @Option(help: "The array file (.npy) to write.")
  var output: String

  @OptionGroup var description: NetworkDescriptionOptions

  func validate() throws {
    guard output.lowercased().hasSuffix(".npy") else {
      throw ValidationError("--output \(output): give a file that ends in .npy")
    }
  }

  func run() async throws {
    try await reportingErrors {
      try checkOutput(output, reads: [network, inputs])
      let read = try ExchangedNetwork.read(path: network, describedBy: description.value)
      let result = try outputs(of: read.network, atInputsIn: inputs)
      try write(ArrayFile.encode(result), to: output)
    }
  }
}
