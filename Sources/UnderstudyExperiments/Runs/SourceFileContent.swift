import Foundation
import UnderstudyNetworks
import UnderstudyNumerics
import UnderstudySchema

extension SourceFile {
  /// The file's bytes, which must be those that the study was resolved with: they are part of what its runs are named by. They
  /// come from the results folder's copy, or from the original.
  ///
  /// - Throws: ``ExperimentError/input(_:)`` if neither can be read or holds them.
  /// - Complexity: O(bytes), about 0.2 GB/s.
  func checkedContent() throws(ExperimentError) -> Data {
    if let content { return content }
    let files = FileManager.default
    if let copy, copy != path, files.fileExists(atPath: copy) {
      let state = files.fileExists(atPath: path) ? "has changed" : "is gone"
      throw .input("\(copy): is damaged, and what it is a copy of, \(path), \(state); put either back as it was")
    }
    // Says what is wrong with a file that cannot be read.
    _ = try ExperimentError.reading { () throws(FileError) in try UnderstudyNetworks.content(ofFileAt: path) }
    throw .store(.source(path: path))
  }
  /// The network that the file holds; see ``checkedContent()``.
  func network(_ activation: Activation) throws(ExperimentError) -> Network {
    let data = try checkedContent()
    return try ExperimentError.reading { () throws(FileError) in
      try NetworkFile.decode(data, name: path, activation: activation)
    }
  }

  /// The array that the file holds, `[sample, feature]`; see ``checkedContent()``.
  func matrix() throws(ExperimentError) -> Matrix {
    let data = try checkedContent()
    return try ExperimentError.reading { () throws(FileError) in try ArrayFile.decodeMatrix(data, name: path) }
  }
}
