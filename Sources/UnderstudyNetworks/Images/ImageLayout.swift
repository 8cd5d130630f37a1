import Foundation

/// The files that a folder with a set of images has.
enum ImageLayout: String, Sendable, Hashable, CaseIterable {
  /// CIFAR-10's binary version.
  case cifar10
  /// The four files of MNIST, gzipped or not.
  case idx
  /// Four arrays of NumPy.
  case arrays

  /// What a part of a set is read from.
  struct Files: Sendable, Hashable {
    var images: [String]
    /// Nil if labels are among the images.
    var labels: String?
    /// Names of classes; nil if there are none.
    var classNames: String?
  }

  /// What people call it.
  var title: String {
    switch self {
    case .cifar10: "CIFAR-10, binary version"
    case .idx: "IDX files"
    case .arrays: "NumPy arrays"
    }
  }

  /// The roles of a part's files, and the names that each may have.
  private func names(_ part: ImageSource.Part) -> (images: [[String]], labels: [String]?) {
    let isTraining = part == .training
    switch self {
    case .cifar10:
      return (isTraining ? (1...5).map { ["data_batch_\($0).bin"] } : [["test_batch.bin"]], nil)
    case .idx:
      let prefix = isTraining ? "train" : "t10k"
      func names(_ what: String, _ dimensions: Int) -> [String] {
        ["-", "."].flatMap { separator in
          ["", ".gz"].map { "\(prefix)-\(what)\(separator)idx\(dimensions)-ubyte\($0)" }
        }
      }
      return ([names("images", 3)], names("labels", 1))
    case .arrays:
      let prefix = isTraining ? "train" : "test"
      return ([["\(prefix)-images.npy"]], ["\(prefix)-labels.npy"])
    }
  }

  /// The files of a part in a folder: those that are there, and the names of those that are not.
  func files(_ part: ImageSource.Part, in folder: String) -> (found: Files, missing: [String]) {
    let (images, labels) = names(part)
    var missing: [String] = []
    func path(_ names: [String]) -> String? {
      if let path = names.lazy.map({ "\(folder)/\($0)" }).first(where: FileManager.default.fileExists(atPath:)) {
        return path
      }
      missing.append(names[0])
      return nil
    }
    var found = Files(images: images.compactMap(path), labels: labels.flatMap(path))
    let meta = "\(folder)/batches.meta.txt"
    if self == .cifar10, FileManager.default.fileExists(atPath: meta) { found.classNames = meta }
    return (found, missing)
  }
}
