/// Means and deviations by which the channels of images are normalised, one for all channels or one for each; written
/// `0.5/0.5` or `0.485-0.456-0.406/0.229-0.224-0.225`, or `raw` for pixels as they are.
public struct ChannelNormalizationSetting: Codable, Hashable, Sendable, CustomStringConvertible {
  public let means: [Double]
  /// As many as means, positive.
  public let deviations: [Double]

  public static let raw = ChannelNormalizationSetting(means: [0], deviations: [1])

  private init(means: [Double], deviations: [Double]) { (self.means, self.deviations) = (means, deviations) }

  public var description: String {
    func text(_ numbers: [Double]) -> String { numbers.map { KeyValue.number($0).description }.joined(separator: "-") }
    return self == .raw ? "raw" : "\(text(means))/\(text(deviations))"
  }

  /// What a text writes.
  ///
  /// - Throws: ``TextFormError`` for what has not the form, for other numbers of means than of deviations, and for deviations that are
  ///   not positive.
  public init(_ text: String) throws(TextFormError) {
    guard text != "raw" else {
      self = .raw
      return
    }
    let sides = text.split(separator: "/", omittingEmptySubsequences: false).map { side in
      side.split(separator: "-", omittingEmptySubsequences: false).map { Double($0.trimmed) ?? .nan }
    }
    guard sides.count == 2, sides.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { throw .notOfTheForm }
    guard sides[0].count == sides[1].count else {
      throw .outOfRange(
        "there are \(counted(sides[0].count, "mean")) and \(counted(sides[1].count, "deviation"))")
    }
    if let deviation = sides[1].first(where: { $0 <= 0 }) {
      throw .outOfRange("a deviation is \(KeyValue.number(deviation))")
    }
    self.init(means: sides[0], deviations: sides[1])
  }
}
