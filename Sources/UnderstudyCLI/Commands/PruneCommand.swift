import ArgumentParser
import Foundation
import Understudy

struct PruneCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune",
    abstract: "Remove the nodes of a network that matter least, and fit the rest to what it answered.",
    discussion: """
      Nodes, or channels of convolutions, are removed physically; batch normalisations are carried on; the weights above are \
      fitted to the whole network's activations by least squares. The curve of size against output change and accuracy is \
      printed, and the smallest network of it is written.

        understudy prune student.safetensors --images fashion-mnist --ratios 0.3-0.5 --output small.safetensors
        understudy prune student.safetensors --images fashion-mnist --accuracy-drop 1% --output small.safetensors
        understudy prune student.safetensors --inputs x.npy --keep 10-10 --output small.safetensors

      Docs/Pruning.md explains the method and every column.
      """)

  @Argument(help: "A network file or a state dict (safetensors), or an ONNX model (.onnx).")
  var student: String

  @Option(help: "Images to prune over: fashion-mnist, cifar10, or the folder of a set (Docs/Images.md).")
  var images: String?

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

  @OptionGroup var description: NetworkDescriptionOptions

  func validate() throws {
    guard (images == nil) != (inputs == nil) else { throw ValidationError("give --images or --inputs, one of them") }
    guard [ratios != nil, keep != nil, accuracyDrop != nil].count(where: { $0 }) == 1 else {
      throw ValidationError("give --ratios, --keep or --accuracy-drop, one of them")
    }
    if inputs != nil, accuracyDrop != nil {
      throw ValidationError("--accuracy-drop needs labels; give --images, or --ratios or --keep")
    }
    guard (20...10_000_000).contains(count) else { throw ValidationError("--count \(count): give 20 or more") }
  }

  func run() async throws {
    try await reportingErrors {
      try checkOutput(output, reads: [student, inputs])
      let network = try ExchangedNetwork.read(path: student, describedBy: description.value).network
      let data =
        try images.map { try PruningData(images: $0, count: count) }
        ?? PruningData(inputs: inputs ?? "", count: count)
      do {
        let pruning = try StudentPruning(network, over: data)
        let (curve, chosen) = try accuracyDrop.map { try search(pruning, drop: $0) } ?? walk(pruning)
        try write(chosen.network, to: output, maker: "prunedFrom", of: student)
        try printLine(
          "pruned over \(data.description)\n\n\(table(curve, whole: pruning.unpruned))\n\n\(output): \(widths(chosen))")
      } catch let error as ShapeError {
        throw ExperimentError.input("\(student): \(error)")
      }
    }
  }

  /// To what was asked for in four steps.
  private func walk(_ pruning: StudentPruning) throws -> (curve: [StudentPruning.Point], chosen: StudentPruning.Point) {
    let whole = pruning.student.hiddenCounts
    let target = keep?.nodes ?? zip(whole, ratios?.shares ?? []).map { $0 - Int(Double($0) * $1) }
    if let ratios, ratios.shares.count != whole.count {
      throw ShapeError("has \(whole.count) hidden layers, and --ratios \(ratios.shares.count); give one for each")
    }
    let last = try pruning.pruned(keeping: target)
    var curve: [StudentPruning.Point] = []
    // Of few nodes, several of these sizes may be one.
    var known = [whole, target]
    for share in [0.25, 0.5, 0.75] {
      let counts = zip(whole, target).map { $0 - Int((Double($0 - $1) * share).rounded()) }
      guard !known.contains(counts) else { continue }
      known.append(counts)
      curve.append(try pruning.pruned(keeping: counts))
    }
    return (curve + [last], last)
  }

  /// The smallest of nine sizes that is accurate enough, and by halving between it and the next.
  private func search(
    _ pruning: StudentPruning, drop: Double
  ) throws -> (curve: [StudentPruning.Point], chosen: StudentPruning.Point) {
    let whole = pruning.unpruned
    let least = (whole.accuracy ?? 0) - drop
    var points: [(share: Double, point: StudentPruning.Point)] = []
    func isAccurate(_ share: Double) throws -> Bool {
      let point = try pruning.pruned(keeping: pruning.counts(removing: share))
      points.append((share, point))
      return point.accuracy ?? 0 >= least
    }
    var good = 0.0
    for tenth in 1...9 {
      if try isAccurate(Double(tenth) / 10) { good = Double(tenth) / 10 }
    }
    var bad = min(1, good + 0.1)
    for _ in 0..<3 {
      let middle = (good + bad) / 2
      if try isAccurate(middle) { good = middle } else { bad = middle }
    }
    points.sort { $0.share < $1.share }
    return (points.map(\.point), points.first { $0.share == good }?.point ?? whole)
  }

  private func widths(_ point: StudentPruning.Point) -> String {
    "\(point.network.hiddenCounts.map(String.init).joined(separator: "-")), \(point.network.weightCount) weights"
  }

  private func table(_ curve: [StudentPruning.Point], whole: StudentPruning.Point) -> String {
    var table = TextTable(
      ["hidden nodes", "weights", "of all", "output change", "agreement"] + (whole.accuracy == nil ? [] : ["accuracy"]))
    func percent(_ value: Double) -> String { "\(format(100 * value, digits: 1)) %" }
    for point in [whole] + curve {
      table.add(
        [
          point.network.hiddenCounts.map(String.init).joined(separator: "-"), "\(point.network.weightCount)",
          percent(Double(point.network.weightCount) / Double(whole.network.weightCount)), short(point.outputChange),
          percent(point.agreement),
        ] + (point.accuracy.map { [percent($0)] } ?? []))
    }
    return table.text
  }
}

private func layerShares(_ text: String) throws -> LayerShares {
  do { return try LayerShares(text) } catch {
    throw ValidationError("--ratios \(text): give a share from 0 to below 1 for each hidden layer, such as 0.3-0.5")
  }
}

private func layerWidths(_ text: String) throws -> LayerWidths {
  do { return try LayerWidths(text) } catch {
    throw ValidationError("--keep \(text): give a number of nodes for each hidden layer, such as 10-10")
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
