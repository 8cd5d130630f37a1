import Foundation
import UnderstudyNumerics

extension ImageSource {
  /// Reads a part of the set.
  ///
  /// The number of classes is 10 for CIFAR-10; otherwise one more than the greatest label of both parts.
  ///
  /// - Throws: ``FileError`` if a file cannot be read or is damaged, the numbers of images and labels differ, a label is out of
  ///   range, a number is not finite, or images of the other part have another size.
  /// - Complexity: O(bytes). Bytes of files that are not compressed are read once and not copied.
  public func load(_ part: Part) throws(FileError) -> ImageSet {
    switch layout {
    case .cifar10: try loadCIFAR(part)
    case .idx, .arrays: try loadPair(part)
    }
  }

  private func loadCIFAR(_ part: Part) throws(FileError) -> ImageSet {
    let names = try files(of: part).classNames.map(CIFARFile.readClassNames)
    return try CIFARFile.read(files(of: part).images, classNames: names)
  }

  /// Images and labels in files of their own.
  private func loadPair(_ part: Part) throws(FileError) -> ImageSet {
    let other = Part.allCases.first { $0 != part } ?? part
    let (labels, others) = (try readLabels(part), try readLabels(other))
    let pixels = try readImages(part)
    let path = files(of: part).images[0]
    guard labels.count == pixels.count else {
      throw FileError(
        path: path,
        message:
          "has \(pixels.count) images, but \(files(of: part).labels ?? "") has \(labels.count) labels; copy or download "
          + "both files anew, from the same place")
    }
    let otherPath = files(of: other).images[0]
    let otherSize = try readSize(other)
    guard otherSize == pixels.size else {
      throw FileError(
        path: path,
        message:
          "has images of \(pixels.size), but \(otherPath) of \(otherSize) (channels, rows, columns); training and "
          + "evaluation take images of one size")
    }
    let classCount = 1 + Int(max(labels.reduce(0, max), others.reduce(0, max)))
    let names = knownClassNames.flatMap { $0.count == classCount ? $0 : nil }
    return ImageSet(pixels: pixels, labels: labels, classCount: classCount, classNames: names)
  }

  private func readLabels(_ part: Part) throws(FileError) -> [UInt8] {
    let path = files(of: part).labels ?? ""
    return layout == .idx ? try IDXFile.readLabels(path) : try ArrayFile.readLabels(path: path)
  }

  private func readImages(_ part: Part) throws(FileError) -> StoredPixels {
    let path = files(of: part).images[0]
    return layout == .idx
      ? try IDXFile.readImages(path) : try ArrayFile.decodeImages(try bytes(ofFileAt: path), name: path)
  }

  /// The size of a part's images, by the beginning of its file.
  private func readSize(_ part: Part) throws(FileError) -> MapSize {
    let path = files(of: part).images[0]
    return layout == .idx ? try IDXFile.readSize(path) : try ArrayFile.readImageSize(path)
  }
}
