import Foundation
import UnderstudySchema

// A results folder keeps its own copy of every file that its study names, under the digest of its content: once, whatever it
// is called and however many settings name it. Sets of images are large, and kept on request (ImageCopies.swift).

extension SourceFile {
  /// The name of a copy in the folder of files: what it holds, and the original's ending, by which other programs know its kind.
  var copyName: String {
    let ending = (path as NSString).pathExtension
    let isPlain =
      !ending.isEmpty && ending.utf8.count <= 16 && ending.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    return digest + (isPlain ? ".\(ending)" : "")
  }

  /// Whether what the study was resolved with is still found: the folder's copy, or the original.
  ///
  /// - Complexity: O(bytes).
  public var isAvailable: Bool { content != nil || imageFolder != nil }

  /// The bytes that the file had when the study was resolved: the folder's copy, or the original while it is as it was.
  ///
  /// - Complexity: O(bytes), about 0.2 GB/s.
  public var content: Data? {
    for path in [copy, path].compactMap(\.self) {
      if let data = DurableFile.content(of: path), contentHash(data) == digest { return data }
    }
    return nil
  }
}

extension Study {
  /// The files that the settings name, each once.
  public var files: [SourceFile] { sources(.file) }

  /// What the settings name by a key of this form, each once.
  func sources(_ form: StudyKey.Form) -> [SourceFile] {
    let keys = StudyKey.all.filter { $0.form == form }
    return settings.flatMap { setting in keys.compactMap { $0.file(setting) } }.distinct
  }

  /// The same study, whose files and sets of images are also read from where a results folder keeps them.
  public func usingCopies(in folder: URL) -> Study {
    let filesFolder = folder.standardizedFileURL.appendingPathComponent(ResultsFolder.filesName)
    var study = self
    for key in StudyKey.all where key.form.isFile {
      for index in settings.indices {
        guard var file = key.file(settings[index]) else { continue }
        file.copy = filesFolder.appendingPathComponent(file.copyName).path
        key.write(&study.settings[index], .text(file.path), file)
      }
    }
    return study
  }
}

extension Study {
  /// The same study: what it names by a folder's copies, as the folder's own `study.yaml` does, is where it was before.
  ///
  /// - Parameter stored: the folder's study until now.
  func naming(originalsOf stored: Study, copiedIn folder: URL) -> Study {
    var study = usingCopies(in: folder)
    for key in StudyKey.all where key.form.isFile {
      let originals = Dictionary(
        stored.sources(key.form).map { ($0.digest, $0.path) }, uniquingKeysWith: { first, _ in first })
      for index in study.settings.indices {
        guard var file = key.file(study.settings[index]), file.path == file.copy, let path = originals[file.digest]
        else { continue }
        file.path = path
        key.write(&study.settings[index], .text(path), file)
      }
    }
    return study
  }
}

extension ResultsStore {
  /// How an original is, whose copy the folder keeps.
  public enum SourceState: String, Sendable {
    case gone = "is gone"
    case changed = "has changed"
  }

  /// The files that the study names and that are not what they were when it was resolved: the folder's copies stand for them.
  /// Sets of images are among them if the folder keeps them.
  ///
  /// - Complexity: O(bytes of the files).
  public func changedSources() -> [(file: SourceFile, state: SourceState)] {
    study.files.compactMap { file in
      guard let data = DurableFile.content(of: file.path) else { return (file, .gone) }
      return contentHash(data) == file.digest ? nil : (file, .changed)
    } + changedImages()
  }

  /// The copies that are missing or damaged; none of a folder of before 0.2, which keeps none.
  ///
  /// - Complexity: O(bytes of the files).
  public func copyFaults() -> [(path: String, fault: WeightsFault.Kind)] {
    guard version > 1 else { return [] }
    return study.files.compactMap { file in
      guard let copy = file.copy else { return nil }
      guard let data = DurableFile.content(of: copy) else { return (copy, .missing) }
      return contentHash(data) == file.digest ? nil : (copy, .damaged)
    } + damagedImages().map { ($0.copy, .damaged) }
  }

  /// Copies what is not there yet, or not whole.
  ///
  /// - Throws: ``StoreError/source(path:)`` if there is neither a copy nor the file as it was.
  func keepFiles() throws(StoreError) {
    let faults = Dictionary(copyFaults().map { ($0.path, $0.fault) }, uniquingKeysWith: { first, _ in first })
    guard !faults.isEmpty else { return }
    try doing("prepare the folder", with: folder.path) {
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent(ResultsFolder.filesName), withIntermediateDirectories: true)
    }
    for file in study.files {
      guard let copy = file.copy, faults[copy] != nil else { continue }
      guard let data = file.content else { throw .source(path: file.path) }
      let url = URL(fileURLWithPath: copy)
      try DurableFile.write(
        data, to: url, temporary: url.deletingLastPathComponent().appendingPathComponent(".\(file.digest).partial"))
    }
    for (set, copy) in damagedImages() { try keep(set, in: copy) }
  }
}
