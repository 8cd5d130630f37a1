import UnderstudyNumerics

/// Fills batches with the normalised images of a set.
public struct ImageBatcher: Sendable {
  public let set: ImageSet
  private let filling: BatchFilling

  /// - Precondition: a mean and a positive deviation for each channel.
  public init(_ set: ImageSet, normalization: ChannelNormalization) {
    self.set = set
    filling = BatchFilling(set.pixels, means: normalization.means, deviations: normalization.deviations)
  }

  /// Inputs without labels, as they are.
  package init(unlabelled pixels: StoredPixels) {
    let channels = pixels.size.channels
    self.init(
      ImageSet(pixels: pixels, labels: [UInt8](repeating: 0, count: pixels.count), classCount: 1),
      normalization: ChannelNormalization(
        means: [Double](repeating: 0, count: channels), deviations: [Double](repeating: 1, count: channels)))
  }

  /// Fills the beginning of a buffer with images as they are, for evaluation.
  ///
  /// - Shape: `buffer` becomes `[image, channel, row, column]`, with room for the images at least.
  /// - Precondition: the set has the images.
  /// - Complexity: O(pixels of the images).
  public func fill(_ buffer: inout [Float], indices: some Collection<UInt32>) {
    for (place, index) in indices.enumerated() { filling.fill(&buffer, place: place, image: Int(index)) }
  }

  /// Fills the beginning of a buffer with images that are moved and mirrored at random, for training.
  ///
  /// What is drawn depends on the key, the epoch and the place in the epoch alone: a training goes on from any step with the same
  /// images.
  ///
  /// - Shape: `buffer` becomes `[image, channel, row, column]`, with room for the images at least.
  /// - Parameter firstPlace: how many images of the epoch came before.
  /// - Precondition: the set has the images.
  /// - Complexity: O(pixels of the images).
  public func fill(
    _ buffer: inout [Float], indices: some Collection<UInt32>, augmentation: ImageAugmentation, key: UInt64, epoch: Int,
    firstPlace: Int
  ) {
    let moves = augmentation.moves(count: indices.count, key: key, epoch: epoch, firstPlace: firstPlace)
    for (place, (index, move)) in zip(indices, moves).enumerated() {
      filling.fill(&buffer, place: place, image: Int(index), move: move)
    }
  }

  /// The first images as they are, each a row of features, as fully connected layers take them.
  ///
  /// - Shape: `[image, (channel, row, column)]`, with `count` images or as many as there are.
  /// - Complexity: O(pixels of the images).
  public func rows(count: Int) -> Matrix {
    var rows = Matrix(rowCount: min(count, set.count), columnCount: set.size.count)
    var image = [Float](repeating: 0, count: set.size.count)
    for index in 0..<rows.rowCount {
      fill(&image, indices: CollectionOfOne(UInt32(index)))
      for (feature, value) in image.enumerated() { rows[index, feature] = Double(value) }
    }
    return rows
  }

  /// The labels of images, `[image]`.
  public func labels(of indices: some Collection<UInt32>) -> [UInt8] { indices.map { set.labels[Int($0)] } }
}
