import Foundation

/// Zeroed memory that begins at a multiple of 64 bytes, the width of a cache line and of the widest vector.
///
/// A class because it owns raw memory: copying would have to copy it. It is not `Sendable`; a run keeps its own.
final class AlignedBuffer<Scalar: KernelScalar> {
  let count: Int
  let start: UnsafeMutablePointer<Scalar>

  init(count: Int) {
    self.count = count
    let size = Self.byteCount(count)
    // Batches gather rows at random places of large sets: with pages of 4 KiB nearly every row is also a miss of the
    // address translation. Measured, large pages make a step at n = 5 a fifth faster and an evaluation twice as fast.
    let isLarge = size >= largePage
    let raw = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: isLarge ? largePage : 64)
    #if os(Linux)
      if isLarge { madvise(raw, size, Int32(MADV_HUGEPAGE)) }
    #endif
    start = raw.bindMemory(to: Scalar.self, capacity: max(1, count))
    start.initialize(repeating: 0, count: max(1, count))
  }

  /// Bytes that so many numbers take: large ones fill large pages.
  static func byteCount(_ count: Int) -> Int {
    let bytes = max(1, count) * MemoryLayout<Scalar>.stride
    return bytes >= largePage ? padded(bytes, to: largePage) : bytes
  }

  deinit { UnsafeMutableRawPointer(start).deallocate() }

  var isFinite: Bool { (0..<count).allSatisfy { start[$0].isFinite } }

  func clear() { start.update(repeating: 0, count: count) }
}

private let largePage = 2 << 20

/// The next multiple; by default, a width that products of matrices take without copying.
package func padded(_ count: Int, to pad: Int = Double.lanePad) -> Int { (count + pad - 1) / pad * pad }
