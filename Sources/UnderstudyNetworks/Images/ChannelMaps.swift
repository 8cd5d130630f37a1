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

  /// The images in parts that take some 32 MB in double precision.
  ///
  /// - Parameter numbersPerImage: of what is made of each image, if that is more than its maps.
  public func parts(numbersPerImage: Int = 0) -> [Range<Int>] {
    let length = max(1, Self.partCount / max(size.count, numbersPerImage))
    return stride(from: 0, to: count, by: length).map { $0..<min($0 + length, count) }
  }

  /// Numbers of a part.
  package static let partCount = 1 << 22

  /// What the layer above takes, position by position: after a normalisation behind the activation and after pooling.
  ///
  /// - Shape: `[(image, row, column), node]`.
  /// - Complexity: O(numbers of the maps).
  public func rows(ofImages images: Range<Int>) -> Matrix {
    let maps = maps(ofImages: images).maps
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

  /// What a convolution above takes for one number of its maps, zeros beyond the border included.
  ///
  /// - Shape: `[(image, position), (node, row of the window, column of the window)]`.
  /// - Parameters:
  ///   - step: of each image every so many positions, beginning one further from image to image.
  ///   - offset: the number of the first image of the batch.
  /// - Complexity: O(numbers of the maps and of the result).
  public func windows(_ window: Window, ofImages images: Range<Int>, everyPosition step: Int = 1, offset: Int = 0)
    -> Matrix
  {
    let (maps, below) = maps(ofImages: images)
    guard let (rows, columns) = window.positions(over: below) else {
      preconditionFailure("a window larger than its map")
    }
    let result = MapSize(channels: 1, rows: rows, columns: columns)
    let chosen = images.map { image in
      stride(from: (step - (image + offset) % step) % step, to: result.positionCount, by: step)
    }
    let width = layer.nodeCount * window.count
    var values: [Double] = []
    values.reserveCapacity(chosen.reduce(0) { $0 + $1.underestimatedCount } * width)
    var row = [Double](repeating: 0, count: width)
    for (image, positions) in chosen.enumerated() {
      for position in positions {
        for place in row.indices { row[place] = 0 }
        for (offset, source) in window.places(at: position, of: result, over: below) {
          for node in 0..<layer.nodeCount {
            row[node * window.count + offset] = maps[node * below.positionCount + source, image]
          }
        }
        values += row
      }
    }
    return Matrix(rowCount: values.count / width, columnCount: width, values: values)
  }

  /// - Shape: `[(node, row, column), image]`
  private func maps(ofImages images: Range<Int>) -> (maps: Matrix, size: MapSize) {
    var (maps, size) = (Matrix(rowCount: size.count, columnCount: images.count), size)
    for (column, image) in images.enumerated() {
      for place in 0..<size.count { maps[place, column] = Double(activations[image * size.count + place]) }
    }
    if let normalization = layer.normalization, normalization.placement == .afterActivation {
      normalization.apply(to: &maps, positionCount: size.positionCount)
    }
    if let pooling = layer.pooling {
      maps = pooling.maps(of: maps, size: size)
      size = pooling.size(over: size) ?? size
    }
    return (maps, size)
  }
}
