import UnderstudyNumerics
import UnderstudySchema

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

  /// - Shape: as they are written: one mean and deviation, or one for each channel.
  public init(_ setting: ChannelNormalizationSetting) {
    self.init(means: setting.means, deviations: setting.deviations)
  }

  /// The same for so many channels: a single mean and deviation are those of all.
  ///
  /// - Throws: ``ShapeError`` if there is one for each of another number of channels.
  public func forChannels(_ count: Int) throws(ShapeError) -> ChannelNormalization {
    guard means.count > 1 else {
      return ChannelNormalization(
        means: [Double](repeating: means[0], count: count), deviations: [Double](repeating: deviations[0], count: count)
      )
    }
    guard means.count == count else {
      throw ShapeError(
        "\(means.count) means and deviations are given, and images have \(count) channel\(count == 1 ? "" : "s"); give one, or one "
          + "for each channel")
    }
    return self
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
  private var usualNormalization: ChannelNormalization? { layout == .cifar10 ? .cifar10 : nil }

  /// How networks take the set's images.
  ///
  /// - Parameters:
  ///   - training: its training images.
  ///   - given: nil: what most programs normalise the set by, or its own means and deviations.
  /// - Throws: ``ShapeError`` if what is given is for another number of channels.
  public func normalization(of training: ImageSet, given: ChannelNormalization?) throws(ShapeError)
    -> ChannelNormalization
  {
    try given?.forChannels(training.size.channels) ?? usualNormalization ?? .measured(of: training)
  }
}
