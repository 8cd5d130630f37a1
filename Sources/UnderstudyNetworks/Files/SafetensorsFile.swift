import Foundation
import UnderstudySchema

/// Named arrays of real numbers and some text, as a safetensors file holds them.
///
/// The format: 8 bytes, the length of the header (lowest byte first); a JSON object from each tensor's name to its
/// `dtype`, `shape` and `data_offsets`, and from `__metadata__` to texts; the tensors' bytes without gaps.
/// Source: https://github.com/huggingface/safetensors, README.
public struct SafetensorsFile: Sendable, Equatable {
  /// One array, row-major.
  public struct Tensor: Sendable, Equatable {
    public let shape: [Int]
    public let values: [Double]

    /// - Precondition: as many values as the shape has elements.
    public init(shape: [Int], values: [Double]) {
      precondition(elementCount(ofShape: shape) == values.count, "\(values.count) values do not fill \(shape)")
      self.shape = shape
      self.values = values
    }
  }

  /// How numbers are written.
  public enum Precision: String, Sendable, CaseIterable, Codable {
    case float64, float32

    fileprivate var name: String { self == .float64 ? "F64" : "F32" }
    fileprivate var byteCount: Int { self == .float64 ? 8 : 4 }
  }

  public var tensors: [String: Tensor]
  public var metadata: [String: String]

  public init(tensors: [String: Tensor], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// Reads a file; see ``decode(_:name:)``.
  ///
  /// - Throws: ``FileError`` if the file cannot be read or is no safetensors file.
  public static func read(path: String) throws(FileError) -> SafetensorsFile {
    try decode(try content(ofFileAt: path), name: path)
  }

  /// The bytes of a file that holds these tensors: the same for equal values, tensors in the order of their names, the
  /// header padded with spaces to a multiple of 8 bytes, so that the numbers are aligned.
  ///
  /// With `float32` numbers are rounded to the nearest, beyond its range to infinity. Numbers that are not finite are
  /// written as they are (a diverged network is a result, too), but not read back.
  ///
  /// - Precondition: no tensor is named `__metadata__`.
  /// - Complexity: O(numbers).
  public func encoded(precision: Precision) -> Data {
    precondition(tensors[SafetensorsHeader.metadataKey] == nil, "the name is the format's own")
    let names = tensors.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    var members: [String] = []
    if !metadata.isEmpty {
      let texts = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        .map { "\(jsonText($0.key)):\(jsonText($0.value))" }
      members.append("\(jsonText(SafetensorsHeader.metadataKey)):{\(texts.joined(separator: ","))}")
    }
    var numbers: [UInt8] = []
    for name in names {
      guard let tensor = tensors[name] else { continue }
      let start = numbers.count
      numbers.reserveCapacity(start + tensor.values.count * precision.byteCount)
      for value in tensor.values {
        switch precision {
        case .float64: numbers.append(littleEndian: value.bitPattern)
        case .float32: numbers.append(littleEndian: Float(value).bitPattern)
        }
      }
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      members.append(
        "\(jsonText(name)):{\"dtype\":\"\(precision.name)\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(start),\(numbers.count)]}")
    }
    var header = Array("{\(members.joined(separator: ","))}".utf8)
    header += [UInt8](repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
    var result: [UInt8] = []
    result.append(littleEndian: UInt64(header.count))
    return Data(result) + header + numbers
  }
}
