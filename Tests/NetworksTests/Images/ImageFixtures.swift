import Foundation
import Testing

@testable import UnderstudyNumerics

/// Bytes that differ from image to image, channel to channel and place to place.
func testPixels(count: Int, size: MapSize, seed: Int = 0) -> [UInt8] {
  (0..<count * size.count).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761 &+ seed &* 40_503) >> 7) }
}

extension StoredPixels {
  /// An image in the units of its measures, `[channel, row, column]`: bytes divided by 255, numbers as they are.
  func image(_ index: Int) -> [Float] {
    let places = (start + index * stride)..<(start + index * stride + size.count)
    return switch content {
    case .bytes(let bytes): bytes[places].map { Float($0) / 255 }
    case .numbers(let numbers): Array(numbers[places])
    }
  }
}

/// An IDX file of bytes.
func idx(shape: [Int], _ content: [UInt8], magic: [UInt8]? = nil) -> Data {
  var bytes = magic ?? [0, 0, 8, UInt8(shape.count)]
  for count in shape { bytes += (0..<4).reversed().map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } }
  return Data(bytes + content)
}

/// Records of CIFAR-10's binary version.
func cifarRecords(labels: [UInt8], pixels: [UInt8]) -> Data {
  var bytes = Data()
  for (image, label) in labels.enumerated() {
    bytes.append(label)
    bytes.append(contentsOf: pixels[(image * 3072)..<((image + 1) * 3072)])
  }
  return bytes
}

/// A gzip file whose blocks are stored as they are.
func gzipped(_ content: Data) -> Data {
  var result = Data([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255])
  let blocks = stride(from: 0, to: max(1, content.count), by: 65_535).map { first in
    content.dropFirst(first).prefix(65_535)
  }
  for (index, block) in blocks.enumerated() {
    result.append(index == blocks.count - 1 ? 1 : 0)
    result.append(littleEndian([UInt16(block.count), ~UInt16(block.count)]))
    result.append(block)
  }
  var checksum: UInt32 = .max
  for byte in content {
    checksum ^= UInt32(byte)
    for _ in 0..<8 { checksum = checksum >> 1 ^ (checksum & 1 == 1 ? 0xEDB8_8320 : 0) }
  }
  result.append(littleEndian([~checksum, UInt32(truncatingIfNeeded: content.count)]))
  return result
}

/// A folder with the files of a set, which a test then changes.
struct SetFolder {
  let url: URL

  subscript(_ name: String) -> Data? {
    get { try? Data(contentsOf: url.appending(path: name)) }
    nonmutating set {
      let place = url.appending(path: name)
      if let newValue {
        do { try newValue.write(to: place) } catch { Issue.record("\(place.path): \(error)") }
      } else {
        try? FileManager.default.removeItem(at: place)
      }
    }
  }

  /// Five files of two images, and one of three.
  func writeCIFAR() {
    let size = MapSize(channels: 3, rows: 32, columns: 32)
    for file in 1...5 {
      let labels = [UInt8(file), UInt8(2 * file - 1)]
      self["data_batch_\(file).bin"] = cifarRecords(
        labels: labels, pixels: testPixels(count: 2, size: size, seed: file))
    }
    self["test_batch.bin"] = cifarRecords(labels: [0, 9, 4], pixels: testPixels(count: 3, size: size, seed: 6))
  }

  static let idxSize = MapSize(channels: 1, rows: 3, columns: 4)

  /// Six images, and two.
  func writeIDX(separator: String = "-", isGzipped: Bool = false) {
    func write(_ name: String, _ content: Data) {
      self[isGzipped ? "\(name).gz" : name] = isGzipped ? gzipped(content) : content
    }
    let pixels = testPixels(count: 8, size: Self.idxSize)
    write("train-images\(separator)idx3-ubyte", idx(shape: [6, 3, 4], Array(pixels[..<72])))
    write("train-labels\(separator)idx1-ubyte", idx(shape: [6], [0, 1, 2, 3, 1, 1]))
    write("t10k-images\(separator)idx3-ubyte", idx(shape: [2, 3, 4], Array(pixels[72...])))
    write("t10k-labels\(separator)idx1-ubyte", idx(shape: [2], [4, 0]))
  }

  static let arraySize = MapSize(channels: 2, rows: 3, columns: 4)

  /// Four images, and two.
  func writeArrays() {
    let pixels = testPixels(count: 6, size: Self.arraySize)
    self["train-images.npy"] = npy(descr: "|u1", shape: "(4, 2, 3, 4)", Data(pixels[..<96]))
    self["train-labels.npy"] = npy(descr: "<i8", shape: "(4,)", littleEndian([2, 0, 1, 2] as [Int64]))
    self["test-images.npy"] = npy(descr: "|u1", shape: "(2, 2, 3, 4)", Data(pixels[96...]))
    self["test-labels.npy"] = npy(descr: "|u1", shape: "(2,)", Data([0, 2]))
  }
}

/// Runs with a new folder for a set, which is removed afterwards.
func withSetFolder(_ body: (SetFolder) throws -> Void) throws {
  try withTemporaryFolder { try body(SetFolder(url: $0)) }
}
