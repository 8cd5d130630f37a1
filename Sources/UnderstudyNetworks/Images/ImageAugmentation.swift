import UnderstudyNumerics

/// A random crop with padding, and a random horizontal flip, of every image of an epoch.
///
/// As PyTorch's `RandomCrop(size, padding=cropPadding)` and `RandomHorizontalFlip()` before `ToTensor()` and `Normalize`: the
/// padding is black (pixels of 0), not 0 after the normalisation.
public struct ImageAugmentation: Sendable, Hashable {
  /// Black pixels at each border; the crop has the size of the image and is at any place, all equally likely.
  public var cropPadding: Int
  /// Whether every second image, at random, is mirrored: left and right change places.
  public var flips: Bool

  /// - Precondition: the padding is not negative.
  public init(cropPadding: Int, flips: Bool) {
    precondition(cropPadding >= 0, "a padding is not negative")
    self.cropPadding = cropPadding
    self.flips = flips
  }

  /// Words that are drawn for each image, whatever the augmentation: so flips do not move crops.
  private static let wordsPerImage = 3

  /// The moves of some images of an epoch. They depend on the key, the epoch and the place in the epoch alone.
  ///
  /// - Complexity: O(count).
  func moves(count: Int, key: UInt64, epoch: Int, firstPlace: Int) -> [BatchFilling.Move] {
    var stream = RandomStream(key: key, purpose: .imageAugmentation, index: epoch)
    stream.skip(Self.wordsPerImage * firstPlace)
    let words = stream.words(Self.wordsPerImage * count)
    func shift(_ word: UInt32) -> Int { Int((UInt64(word) * UInt64(2 * cropPadding + 1)) >> 32) - cropPadding }
    return (0..<count).map { image in
      let first = Self.wordsPerImage * image
      return BatchFilling.Move(
        firstRow: shift(words[first]), firstColumn: shift(words[first + 1]),
        isFlipped: flips && words[first + 2] >> 31 == 1)
    }
  }
}
