import UnderstudyNumerics

/// Mean and deviation of each channel: a pixel becomes `(pixel - mean) / deviation`, after bytes were divided by 255.
public struct ChannelNormalization: Sendable, Hashable {
  /// `[channel]`
  public var means: [Double]
  /// `[channel]`, positive
  public var deviations: [Double]

  public init(means: [Double], deviations: [Double]) {
    self.means = means
    self.deviations = deviations
  }

  /// Those of a set, over all images and positions: the normalised channels have mean 0 and deviation 1. A channel in which all
  /// pixels are equal has deviation 1 here, so that it becomes 0.
  ///
  /// - Complexity: O(pixels).
  public static func measured(of set: ImageSet) -> ChannelNormalization {
    let moments = set.pixels.channelMoments()
    return ChannelNormalization(means: moments.means, deviations: moments.deviations.map { $0 > 0 ? $0 : 1 })
  }

  /// The numbers that most programs use for CIFAR-10. (Its deviations are means of those of single images; over all pixels they
  /// are 0.2470, 0.2435 and 0.2616.)
  public static let cifar10 = ChannelNormalization(
    means: [0.4914, 0.4822, 0.4465], deviations: [0.2023, 0.1994, 0.2010])
}

extension ImageSource {
  /// What most programs normalise the set by; nil where its images are to be measured.
  public var usualNormalization: ChannelNormalization? { layout == .cifar10 ? .cifar10 : nil }
}
