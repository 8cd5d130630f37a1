import CZlib

/// Why bytes cannot be decompressed.
public enum GunzipError: Error, Hashable, Sendable {
  /// They end before the compressed stream does.
  case truncated
  /// They are no gzip stream, or their checksum is wrong.
  case damaged
  /// Other bytes follow the stream.
  case trailingBytes
}

/// Decompresses a gzip file: one member or several after one another, each with its checksum.
///
/// - Parameter limit: stops after this many bytes; what comes later is then neither read nor checked.
/// - Throws: ``GunzipError``, also if the bytes are empty.
/// - Complexity: O(bytes). Memory grows with what is decompressed, whatever the file claims.
/// - Source: RFC 1952.
public func gunzip(_ compressed: [UInt8], limit: Int = .max) throws(GunzipError) -> [UInt8] {
  guard !compressed.isEmpty else { throw .truncated }
  guard compressed.count <= Int(UInt32.max) else { throw .damaged }
  var stream = z_stream()
  // 15 is the largest window; 16 more asks for a gzip header.
  guard inflateInit2_(&stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
    throw .damaged
  }
  defer { inflateEnd(&stream) }
  var result: [UInt8] = []
  let outcome: Result<Void, GunzipError> = compressed.withUnsafeBufferPointer { input in
    stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
    stream.avail_in = UInt32(input.count)
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1 << 18) { chunk in
      inflateMembers(&stream, through: chunk, limit: limit, into: &result)
    }
  }
  try outcome.get()
  return result
}

/// Inflates through a chunk at a time; bytes beyond `limit` are dropped.
private func inflateMembers(
  _ stream: inout z_stream, through chunk: UnsafeMutableBufferPointer<UInt8>, limit: Int, into result: inout [UInt8]
) -> Result<Void, GunzipError> {
  while result.count < limit {
    stream.next_out = chunk.baseAddress
    stream.avail_out = UInt32(chunk.count)
    let status = inflate(&stream, Z_NO_FLUSH)
    guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { return .failure(.damaged) }
    let made = chunk.count - Int(stream.avail_out)
    result.append(contentsOf: chunk[..<min(made, limit - result.count)])
    if status == Z_STREAM_END {
      guard stream.avail_in > 0 else { return .success(()) }
      guard stream.next_in[0] == 0x1F, inflateReset(&stream) == Z_OK else { return .failure(.trailingBytes) }
    } else if stream.avail_in == 0, made == 0 {
      return .failure(.truncated)
    }
  }
  return .success(())
}
