import Foundation

/// A file that cannot be used: which, why, and what to do about it.
public struct FileError: Error, Hashable, Sendable, CustomStringConvertible {
  public let path: String
  /// What is wrong and the remedy, without the path.
  public let message: String

  public init(path: String, message: String) {
    self.path = path
    self.message = message
  }

  public var description: String { "\(path): \(message)" }
}

/// The content of a regular file (or of one that a symbolic link leads to).
///
/// Pipes and devices are refused: they may never end.
///
/// - Throws: ``FileError`` if there is no such file, or it cannot be read.
public func content(ofFileAt path: String) throws(FileError) -> Data {
  try reading(path) { url, _ in try Data(contentsOf: url) }
}

/// The same as an array, without a copy of the whole; or its first bytes.
///
/// - Throws: ``FileError`` as ``content(ofFileAt:)``, and if the file has more bytes than this machine has memory.
func bytes(ofFileAt path: String, limit: Int = .max) throws(FileError) -> [UInt8] {
  var result: [UInt8] = []
  try append(contentsOfFileAt: path, limit: limit, to: &result)
  return result
}

/// Appends the content of a file, or its first bytes.
///
/// - Throws: ``FileError`` as ``bytes(ofFileAt:limit:)``.
func append(contentsOfFileAt path: String, limit: Int = .max, to bytes: inout [UInt8]) throws(FileError) {
  let end = limit == .max ? .max : bytes.count + limit
  try reading(path) { url, size in
    guard min(size, limit) < ProcessInfo.processInfo.physicalMemory else {
      throw FileError(
        path: path,
        message: "has \(size) bytes, more than the memory of this machine (\(ProcessInfo.processInfo.physicalMemory)); "
          + "give a smaller file, or take a machine with more memory")
    }
    bytes.reserveCapacity(bytes.count + min(size, limit))
    let file = try FileHandle(forReadingFrom: url)
    defer { try? file.close() }
    while bytes.count < end, let part = try file.read(upToCount: min(1 << 20, end - bytes.count)), !part.isEmpty {
      bytes.append(contentsOf: part)
    }
  }
}

/// Reads a regular file; `body` gets its place and its size in bytes.
private func reading<Value>(_ path: String, _ body: (URL, Int) throws -> Value) throws(FileError) -> Value {
  let url = URL(fileURLWithPath: path).resolvingSymlinksInPath()
  do {
    let attributes = try FileManager.default.attributesOfItem(atPath: url.path)
    switch attributes[.type] as? FileAttributeType {
    case .typeRegular?: break
    case .typeDirectory?:
      throw FileError(path: path, message: "is a directory; give a file in it")
    default:
      throw FileError(path: path, message: "is not a regular file; give a file on disk")
    }
    return try body(url, (attributes[.size] as? NSNumber)?.intValue ?? 0)
  } catch let error as FileError {
    throw error
  } catch {
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw FileError(path: path, message: "no such file; check the path")
    }
    throw FileError(path: path, message: "cannot be read (\(error.localizedDescription)); check its permissions")
  }
}

extension [UInt8] {
  /// The integer whose lowest byte is at an offset. (The compiler makes one load of it.)
  ///
  /// - Precondition: all its bytes are there.
  func integer<Value: FixedWidthInteger>(at offset: Int, as _: Value.Type) -> Value {
    var value: Value = 0
    for i in 0..<(Value.bitWidth / 8) { value |= Value(truncatingIfNeeded: self[offset + i]) &<< Value(8 * i) }
    return value
  }

  /// Appends the bytes of an integer, lowest first.
  mutating func append<Value: FixedWidthInteger>(littleEndian value: Value) {
    for i in 0..<(Value.bitWidth / 8) { append(UInt8(truncatingIfNeeded: value &>> Value(8 * i))) }
  }
}

/// The number of elements of a shape; nil if it is negative somewhere or no machine could hold it.
func elementCount(ofShape shape: [Int]) -> Int? {
  var product = 1
  for count in shape {
    guard count >= 0 else { return nil }
    let (next, overflow) = product.multipliedReportingOverflow(by: count)
    guard !overflow else { return nil }
    product = next
  }
  return product
}

/// The place of an element in a row-major array of this shape, in words.
func placeDescription(ofElement index: Int, shape: [Int]) -> String {
  switch shape.count {
  case 1: return "element \(index)"
  case 2: return "row \(index / shape[1]), column \(index % shape[1])"
  default:
    var rest = index
    var place: [Int] = []
    for count in shape.reversed() {
      place.append(rest % count)
      rest /= count
    }
    return "element \(Array(place.reversed()))"
  }
}
