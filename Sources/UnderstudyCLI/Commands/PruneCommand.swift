import ArgumentParser
import Foundation
import Understudy

struct PruneCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Remove the nodes of a network that matter least, and fit the rest to the whole network's outputs.",
    discussion: """
      Nodes, or channels of convolutions, are removed physically. Batch normalisations of the other nodes are kept. The weights \
      above are fitted by least squares to what the whole network computes there. The command prints the curve of size against \
      output change and accuracy, and writes its smallest network.

        understudy prune student.safetensors --images fashion-mnist --ratios 0.3-0.5 --output small.safetensors
        understudy prune student.safetensors --images fashion-mnist --accuracy-drop 1% --output small.safetensors
        understudy prune student.safetensors --inputs x.npy --keep 10-10 --output small.safetensors

      Docs/Pruning.md explains the method and every column.
      """)

  @Argument(help: "A network file or a state dict (safetensors), or an ONNX model (.onnx).")
  var student: String

  @Option(help: "Images to prune over: fashion-mnist, cifar10, or the folder of a set (Docs/Images.md).")
  var images: String?

  @OptionGroup var pixels: PixelOptions

  @Option(help: "Instead, for fully connected networks: inputs [sample, feature], an array file (.npy).")
  var inputs: String?

  @Option(
    help: "The share of each hidden layer's nodes to remove, lowest first; counts are rounded down.",
    transform: layerShares)
  var ratios: LayerShares?

  @Option(help: "Instead: the number of nodes of each hidden layer to keep.", transform: layerWidths)
  var keep: LayerWidths?

  @Option(
    name: .customLong("accuracy-drop"),
    help: ArgumentHelp(
      "Instead: remove as many as cost at most so much accuracy on images that were not fitted.", valueName: "1%"),
    transform: share)
  var accuracyDrop: Double?

  @Option(help: "The network file to write.")
  var output: String

  @Option(help: "Images of each part, or samples, that are used at most.")
  var count = 2000

  @Flag(help: "JSON instead of the table.")
  var json = false

  @OptionGroup var description: NetworkDescriptionOptions

  func validate() throws {
    guard (images == nil) != (inputs == nil) else { throw ValidationError("give --images or --inputs, one of them") }
    guard [ratios != nil, keep != nil, accuracyDrop != nil].count(where: { $0 }) == 1 else {
      throw ValidationError("give --ratios, --keep or --accuracy-drop, one of them")
    }
    if inputs != nil, pixels.normalize != nil {
      throw ValidationError("--normalize is for --images; leave it out: inputs are taken as they are")
    }
    if inputs != nil, accuracyDrop != nil {
      throw ValidationError("--accuracy-drop needs labels; give --images, or --ratios or --keep")
    }
    guard output.lowercased().hasSuffix(".safetensors") else {
      throw ValidationError(
        "--output \(output): give a file that ends in .safetensors (understudy convert makes an ONNX model of it)")
    }
    guard (20...10_000_000).contains(count) else { throw ValidationError("--count \(count): give 20 or more") }
  }

  func run() async throws {
    try await reportingErrors {
      try checkOutput(output, reads: [student, inputs])
      let network = try ExchangedNetwork.read(path: student, describedBy: description.value).network
      let data =
        try images.map { try PruningData(images: $0, count: count, normalization: pixels.value) }
        ?? PruningData(inputs: inputs ?? "", count: count)
      let progress = ProgressLine(title: "prune")
      let pruning = try PruningReport(network, name: student, over: data, goal: goal, progress: progress.show)
      progress.end()
      // Written before it is told: a reader that is gone must not cost the result.
      try write(pruning.network, to: output, maker: "prunedFrom", of: student)
      try printLine(json ? jsonText(pruning.record) : text(of: pruning.record, over: data))
    }
  }

  private var goal: PruningReport.Goal {
    if let keep { .keeping(keep) } else if let ratios { .removing(ratios) } else { .accuracyDrop(accuracyDrop ?? 0) }
  }

  private func text(of record: PruningReport.Record, over data: PruningData) -> String {
    func percent(_ value: Double) -> String { "\(format(100 * value, digits: 1)) %" }
    let rows = record.curve.map { point in
      [
        LayerWidths(point.hiddenCounts).description, "\(point.weightCount)", percent(point.weightShare),
        short(point.outputChange), percent(point.agreement),
      ] + (point.accuracy.map { [percent($0)] } ?? [])
    }
    let head = ["hidden nodes", "weights", "of all", "output change", "agreement"]
    let table = TextTable(head + (record.result.accuracy == nil ? [] : ["accuracy"]), rows)
    return "pruned over \(data.description)\n\n\(table.text)\n\n"
      + "\(output): \(LayerWidths(record.result.hiddenCounts)), \(record.result.weightCount) weights"
  }
}

private func layerShares(_ text: String) throws -> LayerShares {
  do { return try LayerShares(text) } catch {
    throw ValidationError("--ratios \(text): give a share from 0 to below 1 for each hidden layer, such as 0.3-0.5")
  }
}

private func layerWidths(_ text: String) throws -> LayerWidths {
  do { return try LayerWidths(text) } catch {
    throw ValidationError("--keep \(text): give a number of nodes, 1 or more, for each hidden layer, such as 10-10")
  }
}

/// `1%` or `0.01`.
private func share(_ text: String) throws -> Double {
  let isPercent = text.hasSuffix("%")
  guard let number = Double(isPercent ? String(text.dropLast()) : text), number >= 0, number < (isPercent ? 100 : 1)
  else {
    throw ValidationError("--accuracy-drop \(text): give a share, such as 1% or 0.01")
  }
  return isPercent ? number / 100 : number
}
