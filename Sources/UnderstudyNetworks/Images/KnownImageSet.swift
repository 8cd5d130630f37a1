import Foundation

/// A set of images that has a name, and where it is looked for.
public struct KnownImageSet: Sendable, Hashable {
  public let name: String
  /// Names of the folders that have it, in the places where sets are looked for.
  let folderNames: [String]
  /// How to get it.
  public let remedy: String
  /// Of classes, in the order of labels; nil if the set's files tell them, or nobody does.
  let classNames: [String]?

  public static let all = [
    KnownImageSet(
      name: "fashion-mnist", folderNames: ["fashion-mnist"],
      remedy:
        "install it with apt-get install dataset-fashion-mnist (Debian and Ubuntu), or give a folder with its four "
        + "IDX files",
      classNames: [
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
      ]),
    KnownImageSet(
      name: "cifar10", folderNames: ["cifar10", "cifar-10-batches-bin"],
      remedy:
        "download the binary version from https://www.cs.toronto.edu/~kriz/cifar.html, unpack it, and give the folder",
      classNames: nil),
    KnownImageSet(
      name: "mnist", folderNames: ["mnist"],
      remedy: "give a folder with its four IDX files, train-images-idx3-ubyte and so on, gzipped or not",
      classNames: nil),
  ]

  /// The folders in which sets are looked for by name: that of the environment variable `UNDERSTUDY_DATASETS`, the working
  /// directory, and where Debian's packages put data sets.
  public static var places: [String] {
    [ProcessInfo.processInfo.environment["UNDERSTUDY_DATASETS"], ".", "/usr/share/datasets"].compactMap { $0 }
      .filter { !$0.isEmpty }
  }

  /// Where the set may be, in this order.
  func candidates(in places: [String]) -> [String] {
    places.flatMap { place in folderNames.map { place == "." ? $0 : "\(place)/\($0)" } }
  }
}
