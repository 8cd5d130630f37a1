import Foundation
import UnderstudySchema

/// Where a set of images lies and of what kind it is; found by name or path.
public struct ImageSource: Sendable, Hashable {
  /// What images are for.
  public enum Part: String, Sendable, Hashable, CaseIterable {
    case training, evaluation
  }

  /// The name of a known set, or the path that was given.
  public let name: String
  /// The folder that has the files.
  public let folder: String
  let layout: ImageLayout
  let training: ImageLayout.Files
  let evaluation: ImageLayout.Files
  /// Of a known set whose files do not tell them.
  let knownClassNames: [String]?

  /// What the files are, such as "IDX files".
  public var kind: String { layout.title }

  func files(of part: Part) -> ImageLayout.Files { part == .training ? training : evaluation }

  /// Finds a set of images: by the name of a known one, `fashion-mnist`, `cifar10` or `mnist`, or by the path of its folder.
  ///
  /// A folder has CIFAR-10's binary version (`data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`); four IDX files
  /// (`train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-...`, also with a dot before `idx`, gzipped or not); or
  /// `train-images.npy`, `train-labels.npy`, `test-images.npy` and `test-labels.npy`.
  ///
  /// - Throws: ``FileError`` if there is no such set or a file of it is missing, with how to get it.
  public static func find(_ nameOrPath: String) throws(FileError) -> ImageSource {
    try find(nameOrPath, places: ImageFolder.places)
  }

  /// The same, with the folders in which known sets are looked for.
  ///
  /// - Throws: ``FileError`` as ``find(_:)``.
  package static func find(_ nameOrPath: String, places: [String]) throws(FileError) -> ImageSource {
    guard let known = KnownImageSet.all.first(where: { $0.name == nameOrPath }) else {
      return try find(inFolder: nameOrPath, name: nameOrPath, known: nil)
    }
    let candidates = ImageFolder.candidates(known.name, in: places)
    guard let folder = candidates.first(where: ImageFolder.isFolder) else {
      throw FileError(
        path: nameOrPath,
        message: "is not on this machine (looked for in \(candidates.joined(separator: ", "))); \(known.remedy)")
    }
    return try find(inFolder: folder, name: nameOrPath, known: known)
  }

  private static func find(
    inFolder path: String, name: String, known: KnownImageSet?
  ) throws(FileError) -> ImageSource {
    guard ImageFolder.isFolder(path) else {
      guard FileManager.default.fileExists(atPath: path) else {
        let names = KnownImageSet.all.map(\.name).joined(separator: ", ")
        throw FileError(path: path, message: "no such folder, and no known set; give a folder, or one of \(names)")
      }
      throw FileError(path: path, message: "is a file; give the folder that has the set's files, unpacked")
    }
    let folder = ImageFolder.unpacked(path)
    let found = ImageLayout.allCases.map { layout in
      (layout: layout, training: layout.files(.training, in: folder), evaluation: layout.files(.evaluation, in: folder))
    }.filter { !$0.training.found.images.isEmpty || !$0.evaluation.found.images.isEmpty }
    guard let set = found.first else {
      throw FileError(path: path, message: unknownContent(of: folder) + (known.map { "; \($0.remedy)" } ?? ""))
    }
    guard found.count == 1 else {
      throw FileError(
        path: path,
        message: "has files of several sets (\(found.map(\.layout.title).joined(separator: ", "))); give each a folder")
    }
    let missing = set.training.missing + set.evaluation.missing
    guard missing.isEmpty else {
      throw FileError(
        path: path,
        message: "has a part of a set only (\(set.layout.title)): \(missing.joined(separator: ", ")) "
          + "\(missing.count == 1 ? "is" : "are") missing; copy or download the missing files")
    }
    return ImageSource(
      name: name, folder: folder, layout: set.layout, training: set.training.found, evaluation: set.evaluation.found,
      knownClassNames: known?.classNames)
  }

  private static func unknownContent(of folder: String) -> String {
    func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder)/\(name)") }
    if has("data_batch_1") {
      return
        "has CIFAR-10's Python version, whose pickles could run any program when they are read; get its binary version"
    }
    if has("train.bin") {
      return "seems to have CIFAR-100, which is not read; save its images and labels as arrays of NumPy"
    }
    return "has no set of images: neither CIFAR-10's data_batch_1.bin ... test_batch.bin, nor the IDX files "
      + "train-images-idx3-ubyte[.gz] ... t10k-labels-idx1-ubyte[.gz], nor train-images.npy, train-labels.npy, "
      + "test-images.npy and test-labels.npy; give the folder that has them"
  }
}
