import UnderstudyNetworks
import UnderstudyNumerics

/// The strength of each channel of each hidden layer, `sqrt(E[beta_kk])`: how much its activation, before a normalisation that
/// follows it, matters for the outputs.
///
/// `beta_kk` is the sum over outputs of the squared derivative by the channel's activation at one position. The mean is over
/// images and positions: a channel is a node, and each position of its map a sample. Of a network without convolutions it is
/// the strength of ``LayerCoupling``, over the same inputs.
///
/// - Shape: `[hidden layer]`, lowest first, each `[node]`.
/// - Units: output / activation.
/// - Parameters:
///   - images: the first `count` of them are used; ``channelStrengthCount`` by default.
///   - isCancelled: polled between batches.
/// - Returns: nil if it was cancelled.
/// - Complexity: O(images x outputs x positions x weights): exact, a pass back for each output. Derivatives are of single
///   precision; their squares are added in double precision.
/// - Source: Tian 2020, arXiv:1909.13458, the matrices B of the recursive gradient rule.
public func channelStrengths(
  of evaluator: ImageEvaluator, over images: ImageBatcher, count: Int = channelStrengthCount,
  isCancelled: () -> Bool = { false }
) -> [[Double]]? {
  let architecture = evaluator.network.architecture
  let positions = architecture.convolutionalShape.activationSizes.map(\.positionCount)
  var sums = architecture.hiddenCounts.map { [Double](repeating: 0, count: $0) }
  var imageCount = 0
  let isWhole = images.forEachBatch(count: count, isCancelled: isCancelled) { batch, range in
    evaluator.outputGradients(of: batch, count: range.count) { _, layer, values in
      addSquares(of: values, to: &sums[layer], positionCount: positions[layer])
    }
    imageCount += range.count
  }
  guard isWhole else { return nil }
  return zip(sums, positions).map { sums, positions in
    sums.map { ($0 / Double(max(1, imageCount * positions))).squareRoot() }
  }
}

/// Images that strengths of channels are taken over: each costs as many passes as there are outputs.
public let channelStrengthCount = 256

/// - Shape: `values` is `[image, node, position]`, `sums` `[node]`.
private func addSquares(of values: [Float], to sums: inout [Double], positionCount: Int) {
  let span = values.span
  for start in stride(from: 0, to: values.count, by: positionCount) {
    var sum = 0.0
    for place in start..<start + positionCount {
      let value = Double(span[place])
      sum += value * value
    }
    sums[start / positionCount % sums.count] += sum
  }
}
