import UnderstudyNumerics

/// The activations of a hidden layer at some images, and what the layer above takes of them.
public struct ChannelMaps {
  private let activations: [Float]
  private let layer: NetworkLayer
  private let size: MapSize
  private let count: Int

  /// - Parameters:
  ///   - batch: `[image, channel, row, column]` with `count` images or more, of which the first are taken.
  ///   - layer: a hidden one.
  /// - Precondition: `count` is at most ``ImageEvaluator/batchSize``.
  /// - Complexity: that of the outputs.
  public init(of evaluator: ImageEvaluator, at batch: [Float], count: Int, layer: Int) {
    let images = Array(batch.prefix(count * evaluator.network.inputCount))
    var activations: [Float] = []
    _ = evaluator.outputs(of: images, count: count) { visited, values in
      if visited == layer { activations = values }
    }
    self.activations = activations
    self.layer = evaluator.network.layers[layer]
    size = evaluator.network.architecture.convolutionalShape.activationSizes[layer]
    self.count = count
  }

  /// The images in parts whose maps take some 32 MB in double precision.
  public var parts: [Range<Int>] {
    let length = max(1, (1 << 22) / size.count)
    return stride(from: 0, to: count, by: length).map { $0..<min($0 + length, count) }
  }

  /// What the layer above takes, position by position: after a normalisation behind the activation and after pooling.
  ///
  /// - Shape: `[(image, row, column), node]`.
  /// - Complexity: O(numbers of the maps).
  public func rows(ofImages images: Range<Int>) -> Matrix {
    var maps = Matrix(rowCount: size.count, columnCount: images.count)
    for (column, image) in images.enumerated() {
      for place in 0..<size.count { maps[place, column] = Double(activations[image * size.count + place]) }
    }
    if let normalization = layer.normalization, normalization.placement == .afterActivation {
      normalization.apply(to: &maps, positionCount: size.positionCount)
    }
    if let pooling = layer.pooling { maps = pooling.maps(of: maps, size: size) }
    let positions = maps.rowCount / layer.nodeCount
    var result = Matrix(rowCount: images.count * positions, columnCount: layer.nodeCount)
    for node in 0..<layer.nodeCount {
      for position in 0..<positions {
        for column in 0..<images.count {
          result[column * positions + position, node] = maps[node * positions + position, column]
        }
      }
    }
    return result
  }
}
