import UnderstudySchema

/// A set of images that has a name, and where it is looked for.
public struct KnownImageSet: Sendable, Hashable {
  public let name: String
  /// How to get it.
  public let remedy: String
  /// Of classes, in the order of labels; nil if the set's files tell them, or nobody does.
  let classNames: [String]?

  public static let all = [
    KnownImageSet(
      name: "fashion-mnist",
      remedy:
        "install it with apt-get install dataset-fashion-mnist (Debian and Ubuntu), or give a folder with its four "
        + "IDX files",
      classNames: [
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
      ]),
    KnownImageSet(
      name: "cifar10",
      remedy:
        "download the binary version from https://www.cs.toronto.edu/~kriz/cifar.html, unpack it, and give the folder",
      classNames: nil),
    KnownImageSet(
      name: "mnist",
      remedy: "give a folder with its four IDX files, train-images-idx3-ubyte and so on, gzipped or not",
      classNames: nil),
  ]
}

extension KnownImageSet {
  /// What is known of a set on this machine.
  public struct Listing: Sendable, Codable {
    /// What the set holds.
    public struct Images: Sendable, Codable {
      public var trainingCount: Int
      public var evaluationCount: Int
      public var channels: Int
      public var rows: Int
      public var columns: Int
      public var classCount: Int
    }

    public var name: String
    /// Nil if the set is not here, or not whole.
    public var folder: String?
    /// Nil if the set is not here or cannot be used.
    public var images: Images?
    /// Why it cannot be used, with how to get it.
    public var problem: String?
  }

  /// Looks for the set, and reads it.
  ///
  /// - Complexity: O(bytes).
  public func listing() -> Listing {
    var listing = Listing(name: name)
    do {
      let source = try ImageSource.find(name)
      listing.folder = source.folder
      let training = try source.load(.training)
      listing.images = Listing.Images(
        trainingCount: training.count, evaluationCount: try source.load(.evaluation).count,
        channels: training.size.channels,
        rows: training.size.rows, columns: training.size.columns, classCount: training.classCount)
    } catch {
      listing.problem = "\(error)"
    }
    return listing
  }
}
