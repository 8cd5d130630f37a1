import Foundation
import UnderstudyNumerics

/// CIFAR-10's binary version: records of a label and the bytes of an image, red, green and blue, row by row.
///
/// Source: https://www.cs.toronto.edu/~kriz/cifar.html
enum CIFARFile {
  static let size = MapSize(channels: 3, rows: 32, columns: 32)
  static let classCount = 10
  static let recordByteCount = 1 + size.count

  /// The images of several files, one after the other; all bytes are read once into one array.
  static func read(_ paths: [String], classNames: [String]?) throws(FileError) -> ImageSet {
    var bytes: [UInt8] = []
    let attributes = paths.map { try? FileManager.default.attributesOfItem(atPath: $0) }
    let total = attributes.reduce(0) { $0 + (($1?[.size] as? NSNumber)?.intValue ?? 0) }
    bytes.reserveCapacity(min(total, Int(clamping: ProcessInfo.processInfo.physicalMemory)))
    var labels: [UInt8] = []
    for path in paths {
      let start = bytes.count
      try append(contentsOfFileAt: path, to: &bytes)
      labels += try self.labels(bytes[start...], name: path)
    }
    let pixels = StoredPixels(.bytes(bytes), size: size, count: labels.count, start: 1, stride: recordByteCount)
    return ImageSet(pixels: pixels, labels: labels, classCount: classCount, classNames: classNames)
  }

  /// Checks the records of a file, and takes their labels.
  private static func labels(_ records: ArraySlice<UInt8>, name: String) throws(FileError) -> [UInt8] {
    func error(_ message: String) -> FileError { FileError(path: name, message: message) }
    guard !records.isEmpty else { throw error("is empty: it has no bytes; copy or download it anew") }
    guard records.count.isMultiple(of: recordByteCount) else {
      throw error(
        "has \(records.count) bytes, which are no whole records of \(recordByteCount) bytes (a label, and 3 x 32 x 32 pixels); "
          + "it is truncated or of another format (of CIFAR-10 give the binary version): copy or download it anew")
    }
    let labels = stride(from: records.startIndex, to: records.endIndex, by: recordByteCount).map { records[$0] }
    if let index = labels.firstIndex(where: { $0 >= classCount }) {
      throw error(
        "has the label \(labels[index]) of image \(index), but CIFAR-10's labels are from 0 to 9; it is damaged or of another "
          + "format (CIFAR-100 has two labels an image): copy or download it anew")
    }
    return labels
  }

  /// The names of the classes, a line each.
  static func readClassNames(_ path: String) throws(FileError) -> [String] {
    let text = String(decoding: try content(ofFileAt: path), as: UTF8.self)
    let names = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
      .filter { !$0.isEmpty }
    guard names.count == classCount else {
      throw FileError(
        path: path,
        message:
          "has \(names.count) names of classes, but CIFAR-10 has \(classCount); give a line for each, or remove the file"
      )
    }
    return names
  }
}
