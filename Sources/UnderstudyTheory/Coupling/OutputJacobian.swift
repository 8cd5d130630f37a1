import UnderstudyNetworks
import UnderstudyNumerics

/// Carries the fan-out weights of one network from the output down to every hidden layer, `V_{l-1} = V_l D_l W_l`, for a few
/// samples at a time.
///
/// Each V is kept twice: with a row for each output, which is what couplings are products of, and with a row for each node,
/// from which the gates select what goes further down.
///
/// A class because it owns scratch memory; nothing is allocated after it is made.
final class OutputJacobian<Scalar: KernelScalar> {
  /// Samples that are carried before their couplings are added up, so that the sums pass through memory less often.
  static var sampleCapacity: Int { 8 }

  private let kernels: ScratchKernels<Scalar>
  private let outputCount: Int
  private let negativeSlope: Double
  /// `W_l`, `[node, node below]`, of the hidden layers above the lowest; at place l - 1.
  private let weights: [ScratchMatrix<Scalar>]
  /// V_l of the sample at hand, `[node, output]`, of the hidden layers above the lowest; at place l - 1.
  private let byNode: [ScratchMatrix<Scalar>]
  private var gates: GatedRows<Scalar>
  /// V_l of the samples, `[sample and output, node]`, of the hidden layers below the highest.
  let carried: [ScratchMatrix<Scalar>]
  /// V of the highest hidden layer, the output layer's weights, `[output, node]`: the same for every sample.
  let highest: ScratchMatrix<Scalar>

  init(_ network: Network, kernels: ScratchKernels<Scalar> = ScratchKernels()) {
    self.kernels = kernels
    outputCount = network.outputCount
    negativeSlope = network.activation.negativeSlope
    let (counts, top) = (network.hiddenCounts, network.layers[network.layers.count - 1].weights)
    weights = network.layers.dropFirst().dropLast().map { ScratchMatrix($0.weights) }
    byNode = counts.dropFirst().map { ScratchMatrix(rowCount: $0, columnCount: network.outputCount) }
    carried = counts.dropLast().map {
      ScratchMatrix(rowCount: Self.sampleCapacity * network.outputCount, columnCount: $0)
    }
    highest = ScratchMatrix(top)
    gates = GatedRows(nodeCount: counts.max() ?? 0, negativeSlope: negativeSlope)
    if let last = byNode.last { kernels.transpose(highest, rows: 0..<outputCount, into: last) }
  }

  /// The rows of ``carried`` that belong to a sample.
  func rows(ofSample sample: Int) -> Range<Int> { sample * outputCount..<(sample + 1) * outputCount }

  /// V of the lowest hidden layer at a sample by itself, `[output, node]`; parameters as of ``carry(sample:preactivations:column:)``.
  func lowest(preactivations: [Matrix], column: Int) -> Matrix {
    guard let lowest = carried.first else { return highest.matrix }
    carry(sample: 0, preactivations: preactivations, column: column)
    return lowest.matrix.prefix(rows: outputCount)
  }

  /// V of a hidden layer at the sample that was carried as the first, `[output, node]`.
  func fanOut(ofLayer layer: Int) -> Matrix {
    layer < carried.count ? carried[layer].matrix.prefix(rows: outputCount) : highest.matrix
  }

  /// Carries V down to the lowest hidden layer.
  ///
  /// - Parameters:
  ///   - sample: its place among the samples that are carried together.
  ///   - preactivations: of every layer, `[node, sample]`, of which those in `column` count.
  func carry(sample: Int, preactivations: [Matrix], column: Int) {
    let rows = rows(ofSample: sample)
    for layer in carried.indices.reversed() {
      gates.select(by: preactivations[layer + 1], column: column)
      kernels.multiply(
        byNode[layer], gatedBy: gates, weights[layer], into: carried[layer], firstRow: rows.lowerBound)
      if layer > 0 { kernels.transpose(carried[layer], rows: rows, into: byNode[layer - 1]) }
    }
  }
}
