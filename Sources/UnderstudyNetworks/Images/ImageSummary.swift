import UnderstudyNumerics

/// What a set of images holds, part by part: what `understudy data check` prints.
public struct ImageSummary: Sendable, Codable {
  /// The training or the evaluation images.
  public struct Part: Sendable, Codable {
    /// `training` or `evaluation`.
    public var name: String
    public var imageCount: Int
    /// `[class]`
    public var imagesPerClass: [Int]
    /// `[channel]`: mean and standard deviation over all images and positions; bytes count from 0 to 1.
    public var channelMeans: [Double]
    public var channelDeviations: [Double]
  }

  public var name: String
  public var folder: String
  /// What the files are, such as "IDX files".
  public var kind: String
  public var channels: Int
  public var rows: Int
  public var columns: Int
  public var classCount: Int
  /// `[class]`; nil if the set does not tell them.
  public var classNames: [String]?
  public var parts: [Part]
  /// What is no error, and may still be wrong: classes without images, channels without contrast.
  public var remarks: [String]

  /// Reads all of a set.
  ///
  /// - Throws: ``FileError`` as ``ImageSource/load(_:)``.
  /// - Complexity: O(bytes). One part is in memory at a time.
  public init(of source: ImageSource) throws(FileError) {
    (name, folder, kind) = (source.name, source.folder, source.kind)
    (channels, rows, columns, classCount) = (0, 0, 0, 0)
    parts = []
    for part in ImageSource.Part.allCases {
      let set = try source.load(part)
      (channels, rows, columns) = (set.size.channels, set.size.rows, set.size.columns)
      (classCount, classNames) = (set.classCount, set.classNames)
      let moments = set.pixels.channelMoments()
      var counts = [Int](repeating: 0, count: set.classCount)
      for label in set.labels { counts[Int(label)] += 1 }
      parts.append(
        Part(
          name: part.rawValue, imageCount: set.count, imagesPerClass: counts, channelMeans: moments.means,
          channelDeviations: moments.deviations))
    }
    remarks = parts.flatMap(\.remarks)
    if classCount == 1 { remarks.append("there is only one class: no teacher can learn from these labels") }
  }
}

extension ImageSummary.Part {
  fileprivate var remarks: [String] {
    let empty = imagesPerClass.indices.filter { imagesPerClass[$0] == 0 }
    let flat = channelDeviations.indices.filter { channelDeviations[$0] == 0 }
    return [
      empty.isEmpty ? nil : "\(name): no image of class \(ranges(empty))",
      flat.isEmpty ? nil : "\(name): all pixels of channel \(ranges(flat.map { $0 + 1 })) are equal",
    ].compactMap { $0 }
  }
}

/// `0, 2-7` of increasing numbers.
private func ranges(_ numbers: [Int]) -> String {
  var ranges: [ClosedRange<Int>] = []
  for number in numbers {
    if let last = ranges.last, last.upperBound + 1 == number {
      ranges[ranges.count - 1] = last.lowerBound...number
    } else {
      ranges.append(number...number)
    }
  }
  return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ", ")
}
