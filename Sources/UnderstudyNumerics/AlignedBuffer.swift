/// Zeroed memory that begins at a multiple of 64 bytes, the width of a cache line and of the widest vector.
///
/// A class because it owns raw memory: copying would have to copy it. It is not `Sendable`; a run keeps its own.
final class AlignedBuffer<Scalar: KernelScalar> {
  let count: Int
  let start: UnsafeMutablePointer<Scalar>

  init(count: Int) {
    self.count = count
    let bytes = max(1, count) * MemoryLayout<Scalar>.stride
    let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    start = raw.bindMemory(to: Scalar.self, capacity: max(1, count))
    start.initialize(repeating: 0, count: max(1, count))
  }

  deinit { UnsafeMutableRawPointer(start).deallocate() }

  func clear() { start.update(repeating: 0, count: count) }
}

func padded(_ count: Int, to pad: Int) -> Int { (count + pad - 1) / pad * pad }
