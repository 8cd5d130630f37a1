import Foundation
import UnderstudyNetworks
import UnderstudyRecords

extension SourceFile {
  /// The file's bytes, which must be those that the study was resolved with: they are part of what its runs are named by.
  ///
  /// - Throws: ``ExperimentError/input(_:)`` if it cannot be read, or holds something else by now.
  /// - Complexity: O(bytes), about 0.2 GB/s.
  func content() throws(ExperimentError) -> Data {
    let data = try ExperimentError.reading { () throws(FileError) in try UnderstudyNetworks.content(ofFileAt: path) }
    guard contentHash(data) == digest else {
      throw .input(
        "\(path): is not the file any more that the study was read with, and results of two files would be mixed; put the "
          + "old one back, or run the study with the new one in a new folder")
    }
    return data
  }
}
