import Foundation
import UnderstudyNumerics

/// IDX files of bytes, as MNIST and Fashion-MNIST have them, gzipped or not.
///
/// The format: two zeros, the type of the elements (8 are bytes), the number of dimensions, each dimension in 4 bytes with the
/// highest first, the elements.
/// Source: http://yann.lecun.com/exdb/mnist/
enum IDXFile {
  private static let unsignedBytes: UInt8 = 8
  private static let gzipMagic: [UInt8] = [0x1F, 0x8B]
  /// A byte of a deflate stream stands for no more than so many.
  private static let greatestRatio = 1032

  private struct Header {
    var shape: [Int]
    var byteCount: Int { 4 + 4 * shape.count }
  }

  /// Images of one channel; `[image, row, column]` in the file.
  static func readImages(_ path: String) throws(FileError) -> StoredPixels {
    let (header, bytes) = try read(path, dimensionCount: 3)
    let size = MapSize(channels: 1, rows: header.shape[1], columns: header.shape[2])
    return StoredPixels(.bytes(bytes), size: size, count: header.shape[0], start: header.byteCount)
  }

  static func readLabels(_ path: String) throws(FileError) -> [UInt8] {
    let (header, bytes) = try read(path, dimensionCount: 1)
    return Array(bytes[header.byteCount...])
  }

  /// The size of the images, by the beginning of the file.
  static func readSize(_ path: String) throws(FileError) -> MapSize {
    let start = try decompressed(try bytes(ofFileAt: path, limit: 1 << 16), limit: 16, name: path)
    let shape = try header(start, dimensionCount: 3, name: path).shape
    return MapSize(channels: 1, rows: shape[1], columns: shape[2])
  }

  /// The whole file, with its header, when its size is that of its shape.
  private static func read(_ path: String, dimensionCount: Int) throws(FileError) -> (Header, [UInt8]) {
    func error(_ message: String) -> FileError { FileError(path: path, message: message) }
    let stored = try bytes(ofFileAt: path)
    // First the header: what is claimed is compared with the file before memory is taken for it.
    let start = try decompressed(stored, limit: 4 + 4 * dimensionCount, name: path)
    let header = try header(start, dimensionCount: dimensionCount, name: path)
    let isCompressed = stored.starts(with: gzipMagic)
    let greatest = isCompressed ? stored.count.multipliedReportingOverflow(by: greatestRatio) : (stored.count, false)
    guard let count = elementCount(ofShape: header.shape), !greatest.1, count <= greatest.0 else {
      throw error(
        "is truncated or damaged: it claims \(description(header.shape)), more than \(stored.count) bytes can hold; copy or "
          + "download it anew")
    }
    guard count > 0 else {
      throw error("is an empty set: its shape is \(header.shape); give a file with images and labels")
    }
    let wanted = header.byteCount + count
    let content = try decompressed(stored, limit: wanted + 1, name: path)
    guard content.count >= wanted else {
      throw error(
        "is truncated: \(description(header.shape)) need \(wanted) bytes, and there are \(content.count); copy or download it "
          + "anew")
    }
    guard content.count == wanted else {
      throw error("has more bytes than the \(wanted) of \(description(header.shape)); copy or download it anew")
    }
    return (header, content)
  }

  private static func description(_ shape: [Int]) -> String {
    shape.count == 1 ? "\(shape[0]) labels" : "\(shape[0]) images of \(shape[1]) x \(shape[2])"
  }

  private static func header(_ bytes: [UInt8], dimensionCount: Int, name: String) throws(FileError) -> Header {
    func error(_ message: String) -> FileError { FileError(path: name, message: message) }
    guard !bytes.isEmpty else { throw error("is empty: it has no bytes; copy or download it anew") }
    let what = dimensionCount == 1 ? "labels" : "images"
    let magic: [UInt8] = [0, 0, unsignedBytes, UInt8(dimensionCount)]
    guard bytes.starts(with: magic) else {
      let begins = bytes.prefix(4).map { String($0, radix: 16) }.joined(separator: " ")
      if bytes.starts(with: [0, 0]), bytes.count >= 4, bytes[2] != unsignedBytes, (9...14).contains(bytes[2]) {
        throw error(
          "is an IDX file of other elements than bytes (type \(bytes[2])); give \(what) as bytes, or as arrays of NumPy"
        )
      }
      if bytes.starts(with: [0, 0, unsignedBytes]), bytes.count >= 4 {
        throw error(
          "is an IDX file of \(bytes[3]) dimensions, but \(what) have \(dimensionCount); images and labels may have changed "
            + "places: give each file its own name")
      }
      throw error(
        "is no IDX file of \(what): it begins with the bytes \(begins), not 0 0 8 \(dimensionCount); copy or download it anew"
      )
    }
    guard bytes.count >= 4 + 4 * dimensionCount else {
      throw error("is truncated in its header; copy or download it anew")
    }
    let shape = (1...dimensionCount).map { dimension in
      bytes[(4 * dimension)..<(4 * dimension + 4)].reduce(0) { $0 << 8 | Int($1) }
    }
    return Header(shape: shape)
  }

  /// The content of a file that may be gzipped; no more than its first bytes if it is.
  private static func decompressed(_ bytes: [UInt8], limit: Int, name: String) throws(FileError) -> [UInt8] {
    guard bytes.starts(with: gzipMagic) else { return bytes }
    do {
      return try gunzip(bytes, limit: limit)
    } catch {
      let reason =
        switch error {
        case .truncated: "is truncated: its gzip stream has no end"
        case .damaged: "is damaged: its gzip stream cannot be decompressed, or its checksum is wrong"
        case .trailingBytes: "has other bytes after its gzip stream"
        }
      throw FileError(path: name, message: "\(reason); copy or download it anew")
    }
  }
}
