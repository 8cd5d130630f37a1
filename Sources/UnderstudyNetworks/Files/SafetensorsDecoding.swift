import Foundation

extension SafetensorsFile {
  /// Decodes the bytes of a file of real tensors: F64, F32, F16, BF16, integers of 8 to 64 bits, booleans.
  ///
  /// Nothing is allocated on the word of the header: every size is checked against the bytes that are there.
  ///
  /// - Parameter name: what errors call the file.
  /// - Throws: ``FileError`` if the bytes are of another kind of file (it says which and how to convert it); one that
  ///   names the tensor if the header is damaged, the data is truncated, longer than the tensors or overlapping, numbers
  ///   are of another type, or one of them is not finite.
  /// - Complexity: O(bytes).
  public static func decode(_ data: Data, name: String) throws(FileError) -> SafetensorsFile {
    let bytes = [UInt8](data)
    let header = try SafetensorsHeader(bytes, name: name)
    let begin = header.dataStart
    try header.checkOffsets(byteCount: bytes.count - begin, name: name)
    var result = SafetensorsFile(tensors: [:], metadata: header.metadata)
    for (tensor, entry) in header.entries.sorted(by: { $0.key < $1.key }) {
      func error(_ message: String) -> FileError { FileError(path: name, message: "tensor \"\(tensor)\" \(message)") }
      guard let format = entry.format else {
        throw error("holds numbers of type \(entry.dtype), which are not read; store F64 or F32")
      }
      guard let count = elementCount(ofShape: entry.shape), count <= (bytes.count - begin) / format.byteCount else {
        throw error("of shape \(entry.shape) does not fit the file; it is damaged, write it anew")
      }
      let (start, end) = (entry.offsets[0], entry.offsets[1])
      guard end - start == count * format.byteCount else {
        throw error(
          "of shape \(entry.shape) and type \(entry.dtype) needs \(count * format.byteCount) bytes, but its "
            + "data_offsets hold \(end - start); write the file anew")
      }
      let values = format.values(in: bytes, at: begin + start, count: count)
      if let index = values.firstIndex(where: { !$0.isFinite }) {
        throw error(
          "holds \(values[index]) at \(placeDescription(ofElement: index, shape: entry.shape)); "
            + "every number must be finite")
      }
      result.tensors[tensor] = Tensor(shape: entry.shape, values: values)
    }
    return result
  }
}

/// What the header of a safetensors file says.
struct SafetensorsHeader {
  static let metadataKey = "__metadata__"
  /// The reference library refuses longer headers, too.
  static let maximumByteCount = 100_000_000

  struct Entry: Decodable {
    let dtype: String
    let shape: [Int]
    /// Begin and end within the data.
    let offsets: [Int]

    enum CodingKeys: String, CodingKey {
      case dtype, shape
      case offsets = "data_offsets"
    }

    var format: ScalarFormat? { ScalarFormat(safetensors: dtype) }
  }

  let entries: [String: Entry]
  let metadata: [String: String]
  /// Where the data begins in the file.
  let dataStart: Int

  init(_ bytes: [UInt8], name: String) throws(FileError) {
    func error(_ message: String) -> FileError { FileError(path: name, message: message) }
    try FileKind.check(bytes, is: .network, name: name)
    let remedy = "give a safetensors file"
    guard bytes.count >= 8 else {
      throw error("has \(bytes.count) bytes, fewer than a safetensors header; \(remedy)")
    }
    let length = bytes.integer(at: 0, as: UInt64.self)
    guard length <= Self.maximumByteCount else {
      throw error("claims a header of \(length) bytes, so it is not a safetensors file or damaged; \(remedy)")
    }
    guard length <= bytes.count - 8 else {
      throw error(
        "is truncated, or not a safetensors file: its header should have \(length) bytes and \(bytes.count - 8) "
          + "follow; write it anew")
    }
    let text = bytes.dropFirst(8).prefix(Int(length))
    // A zero byte would make the JSON decoder guess another encoding than UTF-8.
    guard text.first == UInt8(ascii: "{"), !text.contains(0) else {
      throw error("has no JSON object as its header, so it is not a safetensors file; \(remedy)")
    }
    do {
      let content = try JSONDecoder().decode(HeaderContent.self, from: Data(text))
      entries = content.entries
      metadata = content.metadata
      dataStart = 8 + Int(length)
    } catch let failure {
      throw error("has a damaged header: \(describe(failure)); write it anew")
    }
  }

  /// Checks that the tensors cover the data from the first byte to the last, each byte once.
  func checkOffsets(byteCount: Int, name: String) throws(FileError) {
    var end = 0
    let inOrder = entries.sorted {
      ($0.value.offsets[0], $0.value.offsets[1], $0.key) < ($1.value.offsets[0], $1.value.offsets[1], $1.key)
    }
    for (tensor, entry) in inOrder {
      let offsets = entry.offsets
      func error(_ message: String) -> FileError {
        FileError(path: name, message: "tensor \"\(tensor)\" has data_offsets \(offsets), \(message)")
      }
      guard offsets[0] >= 0, offsets[0] <= offsets[1] else { throw error("which is no range; write the file anew") }
      guard offsets[1] <= byteCount else {
        throw error("but the file has \(byteCount) bytes of data: it is truncated; write or copy it anew")
      }
      guard offsets[0] == end else {
        throw error(
          offsets[0] < end
            ? "which overlap another tensor that ends at \(end); write the file anew"
            : "and no tensor holds the bytes from \(end) on; write the file anew")
      }
      end = offsets[1]
    }
    guard end == byteCount else {
      throw FileError(path: name, message: "has \(byteCount - end) bytes after its last tensor; write it anew")
    }
  }
}

/// The JSON object of a header.
private struct HeaderContent: Decodable {
  var entries: [String: SafetensorsHeader.Entry] = [:]
  var metadata: [String: String] = [:]

  private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: AnyKey.self)
    for key in container.allKeys {
      guard key.stringValue != SafetensorsHeader.metadataKey else {
        metadata = try container.decode([String: String].self, forKey: key)
        continue
      }
      let entry = try container.decode(SafetensorsHeader.Entry.self, forKey: key)
      guard entry.offsets.count == 2 else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: container, debugDescription: "data_offsets are not two numbers")
      }
      entries[key.stringValue] = entry
    }
  }
}

/// What a JSON decoder complains about, and where.
private func describe(_ error: any Error) -> String {
  guard let error = error as? DecodingError else { return "it is not valid JSON" }
  func place(_ path: [any CodingKey]) -> String {
    let keys = path.map { $0.intValue.map(String.init) ?? $0.stringValue }
    return keys.isEmpty ? "it" : "\"\(keys.joined(separator: "/"))\""
  }
  switch error {
  case .keyNotFound(let key, let context): return "\(place(context.codingPath)) has no \"\(key.stringValue)\""
  case .typeMismatch(_, let context), .valueNotFound(_, let context):
    return "\(place(context.codingPath)) is of another type than the format asks for"
  case .dataCorrupted(let context): return "\(place(context.codingPath)): \(context.debugDescription)"
  @unknown default: return "it is not as the format asks for"
  }
}
