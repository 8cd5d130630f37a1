import Foundation
import UnderstudySchema

// Sets of images are large, so a results folder keeps them on request only: under `files/`, in a folder whose name is the
// digest of the set.

extension SourceFile {
  /// The folder that has the set of images as it was when the study was resolved: the results folder's copy, or the original
  /// while it is as it was. nil if neither has it.
  ///
  /// - Complexity: O(bytes), about 0.2 GB/s.
  public var imageFolder: String? {
    [copy, path].compactMap(\.self).first { ImageFolder.digest(of: $0) == digest }
  }

  /// Where a person finds the set: the results folder's copy if there is one, or else where it was when the study was resolved.
  public var place: String { copy.flatMap { ImageFolder.isFolder($0) ? $0 : nil } ?? path }
}

extension Study {
  /// The sets of images that the settings name, each once.
  public var imageSets: [SourceFile] { sources(.images) }
}

extension ResultsStore {
  /// What a study's file means by a path where nothing is any more: a file or a set of images that this folder keeps.
  ///
  /// - Parameter path: absolute; or one that ends like the original's, if the folder keeps one such set of images only.
  /// - Returns: nil if the folder keeps nothing of the kind.
  /// - Complexity: O(bytes of what is found).
  public func keptSource(at path: String) -> SourceFile? {
    if let file = study.files.first(where: { $0.path == path }), file.content != nil { return file }
    let ending = URL(fileURLWithPath: path).lastPathComponent
    let sets = study.imageSets.filter { $0.path == path || URL(fileURLWithPath: $0.path).lastPathComponent == ending }
    guard sets.count == 1 || sets.first?.path == path else { return nil }
    return sets.first { $0.imageFolder != nil }
  }

  /// The set of images that this folder's own `study.yaml` calls by that path, wherever its images are now.
  public func imageSet(at path: String) -> SourceFile? {
    study.imageSets.first { $0.copyName == URL(fileURLWithPath: path).lastPathComponent }
  }

  /// Copies the sets of images that the study names into the folder, so that it is complete without the originals.
  ///
  /// - Throws: ``StoreError``; ``StoreError/source(path:)`` if there is neither a copy nor the set as it was.
  /// - Complexity: O(bytes).
  public func keepImages() throws(StoreError) {
    for set in study.imageSets {
      guard let copy = set.copy, ImageFolder.digest(of: copy) != set.digest else { continue }
      try keep(set, in: copy)
    }
  }

  /// Sets that the folder keeps, and that are not what they were.
  func changedImages() -> [(file: SourceFile, state: SourceState)] {
    study.imageSets.compactMap { set in
      guard let copy = set.copy, copy != set.path, ImageFolder.isFolder(copy) else { return nil }
      guard let digest = ImageFolder.digest(of: set.path) else { return (set, .gone) }
      return digest == set.digest ? nil : (set, .changed)
    }
  }

  /// Copies of sets that are there and not whole.
  func damagedImages() -> [(set: SourceFile, copy: String)] {
    study.imageSets.compactMap { set in
      guard let copy = set.copy, FileManager.default.fileExists(atPath: copy) else { return nil }
      return ImageFolder.digest(of: copy) == set.digest ? nil : (set, copy)
    }
  }

  /// Copies a set in a folder of another name first, so that there is never a part of it.
  func keep(_ set: SourceFile, in copy: String) throws(StoreError) {
    guard let source = set.imageFolder.map(ImageFolder.unpacked) else { throw .source(path: set.path) }
    let target = URL(fileURLWithPath: copy)
    let partial = target.deletingLastPathComponent().appendingPathComponent(".\(set.digest).partial")
    let files = FileManager.default
    try doing("copy the images to it", with: target.path) {
      try? files.removeItem(at: partial)
      try files.createDirectory(at: partial, withIntermediateDirectories: true)
    }
    do throws(StoreError) {
      for name in ImageFolder.fileNames(in: source) {
        guard let data = DurableFile.content(of: "\(source)/\(name)") else { throw .source(path: set.path) }
        try DurableFile.write(
          data, to: partial.appendingPathComponent(name), temporary: partial.appendingPathComponent(".\(name).partial"))
      }
      // What was copied is what the study has, whatever happened to the original meanwhile.
      guard ImageFolder.digest(of: partial.path) == set.digest else { throw .source(path: set.path) }
      try doing("copy the images to it", with: target.path) {
        try? files.removeItem(at: target)
        try files.moveItem(at: partial, to: target)
      }
      DurableFile.flushFolder(target.deletingLastPathComponent())
    } catch {
      try? files.removeItem(at: partial)
      throw error
    }
  }
}
