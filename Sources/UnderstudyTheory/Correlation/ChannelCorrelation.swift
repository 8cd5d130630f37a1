import UnderstudyNetworks
import UnderstudyNumerics

/// The correlation over images and positions of each channel of a teacher with each channel of a student, for every hidden
/// layer: a channel is a node, and each position of its map a sample.
///
/// - Shape: the result is `[hidden layer]`, lowest first, each `[teacher node, student node]`.
/// - Parameters:
///   - images: the first `count` of them are used.
///   - isCancelled: polled between batches.
/// - Returns: nil if it was cancelled.
/// - Throws: ``ShapeError`` if the student does not fit the teacher.
/// - Complexity: O(images x positions x (weights + teacher x student nodes of each layer)). Single precision: correlations of
///   activations as these are computed are right to some 1e-5, however little they vary beside their means.
/// - Source: Tian 2020, arXiv:1909.13458, the correlation plotted in the experiments, and its code for convolutions.
public func channelCorrelations(
  of teacher: ImageEvaluator, with student: ImageEvaluator, over images: ImageBatcher, count: Int,
  isCancelled: () -> Bool = { false }
) throws(ShapeError) -> [NodeCorrelation]? {
  try channelSums(of: teacher, with: student, over: images, count: count, isCancelled: isCancelled)?
    .map(NodeCorrelation.init)
}

/// The sums over images and positions that correlations are made of, for every hidden layer.
func channelSums(
  of teacher: ImageEvaluator, with student: ImageEvaluator, over images: ImageBatcher, count: Int,
  isCancelled: () -> Bool
) throws(ShapeError) -> [ChannelSums]? {
  let (ours, theirs) = (teacher.network.architecture, student.network.architecture)
  try theirs.checkCovers(ours)
  let positions = ours.convolutionalShape.activationSizes.map(\.positionCount)
  var sums = zip(ours.hiddenCounts, theirs.hiddenCounts).map { ChannelSums(firstCount: $0, secondCount: $1) }
  let isWhole = images.forEachBatch(count: count, isCancelled: isCancelled) { batch, range in
    var maps: [[Float]] = []
    _ = teacher.outputs(of: batch, count: range.count) { _, map in maps.append(map) }
    _ = student.outputs(of: batch, count: range.count) { layer, map in
      sums[layer].add(maps[layer], map, imageCount: range.count, positionCount: positions[layer])
    }
  }
  return isWhole ? sums : nil
}

extension ChannelSums {
  /// The standard deviation of each channel of the first map and of the second.
  var deviations: (first: [Double], second: [Double]) {
    func deviations(_ channels: Channels) -> [Double] {
      channels.squaredDeviations(count: sampleCount).map { ($0 / Double(max(1, sampleCount))).squareRoot() }
    }
    return (deviations(first), deviations(second))
  }
}

extension NodeCorrelation {
  /// Channels whose variance is less than this share of their mean square do not vary: a deviation of some 50 rounding errors
  /// of single precision, in which activations are computed.
  private static let constancy = 1e-11

  init(_ sums: ChannelSums) {
    let count = sums.sampleCount
    let (first, second) = (sums.first.squaredDeviations(count: count), sums.second.squaredDeviations(count: count))
    func dead(_ deviations: [Double], _ channels: ChannelSums.Channels) -> [Int] {
      let squares = channels.wholeSquares(count: count)
      return deviations.indices.filter { deviations[$0] <= Self.constancy * squares[$0] }
    }
    self.init(centered: (first, second), dead: (dead(first, sums.first), dead(second, sums.second))) {
      sums.codeviation($0, $1)
    }
  }
}
