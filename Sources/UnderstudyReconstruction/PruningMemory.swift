import UnderstudyNetworks
import UnderstudyNumerics

extension StudentPruning {
  /// Bytes that pruning takes at its peak, beside the images: two networks in the kernels of convolutions, their maps, the
  /// equations of the largest fit, and the networks of the curve.
  ///
  /// - Parameter points: of the curve.
  /// - Throws: ``ShapeError`` if the kernels do not take the network.
  /// - Complexity: O(layers), and some milliseconds a layer for the kernels.
  public static func memory(
    of student: Network, over data: PruningData, points: Int
  ) throws(ShapeError) -> Double {
    let evaluators = 2 * (try ImageEvaluator.byteCount(student.architecture))
    let sizes = student.architecture.convolutionalShape.activationSizes
    let count = Double(data.fitting.set.count)
    func bytes(ofLayer layer: Int) -> Double {
      let above = student.layers[layer + 1]
      let nodes = Double(student.hiddenCounts[layer])
      let part = Double(ChannelMaps.partCount)
      // The maps of a batch, of both networks, all layers' one after the other; a part in double precision.
      let maps =
        Double(ImageEvaluator.batchSize * sizes[layer].count) * 4 * 3 + 8 * 3
        * min(part, Double(64 * sizes[layer].count))
      var (unknowns, targets, rows) = (nodes, nodes, Double(sizes[layer].positionCount) * count)
      if case .convolution = above.kind {
        (unknowns, targets) = (Double(above.inputCount), Double(above.nodeCount))
        rows = min(Double(sizes[layer + 1].positionCount) * count, Double(LayerFit.rowsPerUnknown) * unknowns)
      }
      // Sums, their factor, and the solution; a part of the rows of both networks, with ones.
      let equations = 8 * (2 * unknowns * unknowns + 3 * unknowns * targets)
      let block = 8 * 3 * max(unknowns, min(part, rows / count * 64 * unknowns))
      return maps + equations + block
    }
    let fits = student.hiddenCounts.indices.map(bytes(ofLayer:)).max() ?? 0
    let outputs = Double(data.evaluation.set.count * student.outputCount) * 4 * 3
    return Double(evaluators) + fits + outputs + Double(student.weightCount * 8 * (points + 4))
  }
}
