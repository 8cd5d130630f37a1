import COneDNN

/// Numbers in a layout of oneDNN. A class because it owns memory that primitives know by address.
final class Tensor {
  let layout: Layout
  let memory: dnnl_memory_t
  private(set) var buffer: AlignedBuffer<Float>

  /// - Parameter buffer: with room for the numbers.
  convenience init(_ layout: Layout, _ engine: DNNEngine, over buffer: AlignedBuffer<Float>) throws(ConvolutionError) {
    try self.init(placeless: layout, engine)
    move(to: buffer)
  }

  /// Memory that has no place yet.
  init(placeless layout: Layout, _ engine: DNNEngine) throws(ConvolutionError) {
    self.layout = layout
    buffer = AlignedBuffer(count: 0)
    var (memory, copy): (dnnl_memory_t?, Layout) = (nil, layout)
    try check(dnnl_memory_create(&memory, &copy, engine.engine, nil), "memory of \(layout.sizes)")
    guard let memory else { throw ConvolutionError(request: "memory", reason: "returned none") }
    self.memory = memory
  }

  deinit { dnnl_memory_destroy(memory) }

  var start: UnsafeMutablePointer<Float> { buffer.start }
  var count: Int { layout.floatCount }

  func move(to buffer: AlignedBuffer<Float>) {
    self.buffer = buffer
    let status = dnnl_memory_set_data_handle(memory, buffer.start)
    precondition(status == dnnl_success, "memory does not move")
  }
}

/// Memory for tensors that are never in use at the same time.
///
/// A class because the tensors are told where they are when all are known.
final class SharedMemory {
  private var tensors: [Tensor] = []

  func tensor(_ layout: Layout, _ engine: DNNEngine) throws(ConvolutionError) -> Tensor {
    let tensor = try Tensor(placeless: layout, engine)
    tensors.append(tensor)
    return tensor
  }

  /// Bytes that it takes, of the largest tensor.
  var byteCount: Int { AlignedBuffer<Float>.byteCount(tensors.map(\.count).max() ?? 0) }

  func allocate() {
    let buffer = AlignedBuffer<Float>(count: tensors.map(\.count).max() ?? 0)
    for tensor in tensors { tensor.move(to: buffer) }
  }
}

extension DNNEngine {
  /// The numbers of a layout, in the plain order of its dimensions.
  func plainValues(of buffer: AlignedBuffer<Float>, _ layout: Layout) -> [Float] {
    let plain = layout.plain
    let target = plain == layout ? buffer : AlignedBuffer(count: plain.floatCount)
    if target !== buffer { copy(buffer, layout, to: target, plain) }
    return Array(UnsafeBufferPointer(start: target.start, count: plain.floatCount))
  }

  /// Rounds numbers in the plain order of a layout's dimensions, and writes them to where they belong.
  func write(_ values: [Double], to buffer: AlignedBuffer<Float>, _ layout: Layout) {
    let plain = layout.plain
    precondition(values.count == plain.floatCount, "another number of values")
    let source = plain == layout ? buffer : AlignedBuffer(count: plain.floatCount)
    for (index, value) in values.enumerated() { source.start[index] = Float(value) }
    if source !== buffer { copy(source, plain, to: buffer, layout) }
  }

  private func copy(
    _ source: AlignedBuffer<Float>, _ layout: Layout, to target: AlignedBuffer<Float>, _ targetLayout: Layout
  ) {
    expecting { () throws(ConvolutionError) in
      let scratchpad = SharedMemory()
      let step = try Primitive(
        reorder: Tensor(layout, self, over: source), to: Tensor(targetLayout, self, over: target), self,
        scratchpad: scratchpad)
      scratchpad.allocate()
      step.run()
    }
  }
}
