import ArgumentParser
import Understudy

/// How networks that were trained elsewhere take the images of a set.
struct PixelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How the network takes the channels of --images: raw (bytes divided by 255), or means/deviations, such as 0.5/0.5 or "
        + "0.49-0.48-0.45/0.25-0.24-0.26 (default: as in studies, by those of the set).",
      valueName: "means/deviations"), transform: channelNormalization)
  var normalize: ChannelNormalizationSetting?

  var value: ChannelNormalization? { normalize.map { ChannelNormalization($0) } }
}

private func channelNormalization(_ text: String) throws -> ChannelNormalizationSetting {
  do { return try ChannelNormalizationSetting(text) } catch {
    let problem = if case .outOfRange(let what) = error { "\(what); " } else { "" }
    throw ValidationError(
      "--normalize \(text): \(problem)give raw, or means/deviations, one or one for each channel, such as 0.5/0.5")
  }
}
