import UnderstudyNumerics

/// Images with labels, as they were stored: loaded once in a process and shared.
///
/// A class because it is shared. Bytes stay bytes (CIFAR-10's training images take 154 MB); arrays of real numbers are kept in
/// single precision.
public final class ImageSet: Sendable {
  /// As they were stored, `[image, channel, row, column]`.
  public let pixels: StoredPixels
  /// `[image]`, below ``classCount``.
  public let labels: [UInt8]
  public let classCount: Int
  /// `[class]`; nil if the set does not tell them.
  public let classNames: [String]?

  /// - Precondition: a label for each image, below `classCount`, and as many names as classes.
  package init(pixels: StoredPixels, labels: [UInt8], classCount: Int, classNames: [String]? = nil) {
    precondition(labels.count == pixels.count, "a label for each image")
    precondition(labels.allSatisfy { $0 < classCount }, "labels below the number of classes")
    precondition(classNames.map { $0.count == classCount } ?? true, "a name for each class")
    self.pixels = pixels
    self.labels = labels
    self.classCount = classCount
    self.classNames = classNames
  }

  /// Channels, rows and columns of each image.
  public var size: MapSize { pixels.size }
  public var count: Int { labels.count }

  /// The first images, of the same classes; what is stored is shared.
  ///
  /// - Precondition: `count` is from 1 to the number of images.
  public func prefix(_ count: Int) -> ImageSet {
    ImageSet(
      pixels: pixels.prefix(count), labels: Array(labels.prefix(count)), classCount: classCount, classNames: classNames)
  }
}
