import Testing

@testable import UnderstudyNumerics

/// Gzip files are decompressed, and their faults told apart.
@Suite struct GunzipTests {
  /// `gzip -9n` of "student student student teacher" and a line feed.
  private let compressed: [UInt8] = [
    0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
    0x2B, 0x2E, 0x29, 0x4D, 0x49, 0xCD, 0x2B, 0x51, 0x28, 0x46, 0xA3, 0x4B, 0x52, 0x13, 0x93, 0x33,
    0x52, 0x8B, 0xB8, 0x00, 0xC1, 0x8D, 0xFA, 0x20, 0x20, 0x00, 0x00, 0x00,
  ]
  private let text = Array("student student student teacher\n".utf8)

  @Test func decompresses() throws {
    #expect(try gunzip(compressed) == text)
    // Members after one another are one content.
    #expect(try gunzip(compressed + compressed + compressed) == text + text + text)
  }

  @Test func limits() throws {
    for limit in 0...text.count { #expect(try gunzip(compressed, limit: limit) == Array(text.prefix(limit))) }
    // What comes later is not looked at.
    #expect(try gunzip(compressed.dropLast(), limit: text.count) == text)
  }

  @Test func everyTruncation() {
    for length in 0..<compressed.count {
      #expect(throws: GunzipError.truncated, "\(length)") { try gunzip(Array(compressed.prefix(length))) }
    }
  }

  @Test func damage() {
    #expect(throws: GunzipError.damaged) { try gunzip([0x50, 0x4B, 3, 4, 5, 6, 7, 8, 9, 10]) }
    // A bit of the length of the content, and one of its checksum.
    for place in [compressed.count - 1, compressed.count - 8] {
      var wrong = compressed
      wrong[place] ^= 1
      #expect(throws: GunzipError.damaged, "\(place)") { try gunzip(wrong) }
    }
    #expect(throws: GunzipError.trailingBytes) { try gunzip(compressed + [0]) }
    #expect(throws: GunzipError.truncated) { try gunzip(compressed + [0x1F, 0x8B]) }
  }

  /// More than one chunk of output, of few bytes: a member of zeros, compressed a thousandfold.
  @Test func longOutput() throws {
    let start: [UInt8] = [
      0x1F, 0x8B, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xED, 0xC1, 0x01, 0x01, 0x00, 0x00, 0x00, 0x82, 0x20,
      0xFF, 0xAF, 0x6E, 0x48, 0x40, 0x01,
    ]
    let bomb = start + [UInt8](repeating: 0, count: 968) + [0xAF, 0x06, 0x9E, 0xCB, 0x79, 0x12, 0x40, 0x42, 0x0F, 0x00]
    #expect(try gunzip(bomb) == [UInt8](repeating: 0, count: 1_000_000))
    #expect(try gunzip(bomb, limit: 300_000).count == 300_000)
  }
}
