import UnderstudyNumerics

extension ImageEvaluator {
  /// What the layer above a hidden layer takes, position by position: after a normalisation behind the activation and after
  /// pooling.
  ///
  /// - Shape: `batch` is `[image, channel, row, column]` with `count` images or more, of which the first are taken,
  ///   at most ``batchSize``; the result is `[(image, row, column), node]`.
  /// - Complexity: that of the outputs, and O(numbers of the maps).
  public func maps(of batch: [Float], count: Int, above layer: Int) -> Matrix {
    let size = network.architecture.convolutionalShape.activationSizes[layer]
    var maps = Matrix(rowCount: size.count, columnCount: count)
    let images = Array(batch.prefix(count * network.inputCount))
    _ = outputs(of: images, count: count) { visited, values in
      guard visited == layer else { return }
      for image in 0..<count {
        for place in 0..<size.count { maps[place, image] = Double(values[image * size.count + place]) }
      }
    }
    let own = network.layers[layer]
    if let normalization = own.normalization, normalization.placement == .afterActivation {
      normalization.apply(to: &maps, positionCount: size.positionCount)
    }
    if let pooling = own.pooling { maps = pooling.maps(of: maps, size: size) }
    let positions = maps.rowCount / own.nodeCount
    var result = Matrix(rowCount: count * positions, columnCount: own.nodeCount)
    for node in 0..<own.nodeCount {
      for position in 0..<positions {
        for image in 0..<count {
          result[image * positions + position, node] = maps[node * positions + position, image]
        }
      }
    }
    return result
  }
}
