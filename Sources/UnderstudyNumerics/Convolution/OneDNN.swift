import COneDNN

/// What oneDNN refused.
public struct ConvolutionError: Error, Hashable, CustomStringConvertible {
  /// What it was asked for, e.g. "layer 2, convolution forward".
  public let request: String
  public let reason: String

  public var description: String { "\(request): oneDNN \(reason)" }
}

/// - Throws: ``ConvolutionError`` unless oneDNN says that it has done what it was asked for.
func check(_ status: dnnl_status_t, _ request: @autoclosure () -> String) throws(ConvolutionError) {
  guard status != dnnl_success else { return }
  let reason =
    switch status {
    case dnnl_out_of_memory: "ran out of memory; take smaller batches"
    case dnnl_invalid_arguments: "does not accept these sizes"
    case dnnl_unimplemented: "has no implementation of this for this processor"
    case dnnl_runtime_error: "failed while it ran"
    default: "returned status \(status.rawValue)"
    }
  throw ConvolutionError(request: request(), reason: reason)
}

/// What cannot fail unless we have called oneDNN wrongly.
func expecting<Value>(_ body: () throws(ConvolutionError) -> Value) -> Value {
  do { return try body() } catch { preconditionFailure("\(error)") }
}

/// oneDNN's view of this processor, and the order in which it works. A class because it owns both.
final class DNNEngine {
  let engine: dnnl_engine_t
  let stream: dnnl_stream_t

  init() throws(ConvolutionError) {
    var (engine, stream): (dnnl_engine_t?, dnnl_stream_t?)
    try check(dnnl_engine_create(&engine, dnnl_cpu, 0), "an engine")
    guard let engine else { throw ConvolutionError(request: "an engine", reason: "returned none") }
    let status = dnnl_stream_create(&stream, engine, UInt32(dnnl_stream_default_flags.rawValue))
    guard status == dnnl_success, let stream else {
      dnnl_engine_destroy(engine)
      throw ConvolutionError(request: "a stream", reason: "returned none")
    }
    (self.engine, self.stream) = (engine, stream)
  }

  deinit {
    dnnl_stream_destroy(stream)
    dnnl_engine_destroy(engine)
  }
}

typealias Layout = dnnl_memory_desc_t

extension Layout {
  /// Float, in the plain order of the dimensions, or in any that a primitive prefers.
  init(_ sizes: [Int], isAny: Bool = false) {
    self.init()
    let tags = [dnnl_a, dnnl_ab, dnnl_abc, dnnl_abcd]
    let status = dnnl_memory_desc_init_by_tag(
      &self, Int32(sizes.count), sizes.map(Int64.init), dnnl_f32,
      isAny ? dnnl_format_tag_any : tags[sizes.count - 1])
    precondition(status == dnnl_success, "no layout of \(sizes)")
  }

  var sizes: [Int] { numbers(dims, Int(ndims)) }
  /// The same sizes in plain order.
  var plain: Layout { Layout(sizes) }
  var floatCount: Int {
    var copy = self
    return (dnnl_memory_desc_get_size(&copy) + 3) / 4
  }

  static func == (a: Layout, b: Layout) -> Bool {
    var (a, b) = (a, b)
    return dnnl_memory_desc_equal(&a, &b) != 0
  }

  /// How the map of an image lies in memory, if channels are in blocks, innermost or outermost; else nil.
  var map: (blocks: Int, positions: Int, lanes: Int)? {
    guard format_kind == dnnl_blocked, [2, 4].contains(ndims) else { return nil }
    let (sizes, blocking) = (self.sizes, format_desc.blocking)
    let positions = sizes.dropFirst(2).reduce(1, *)
    let strides = numbers(blocking.strides, Int(ndims))
    let padded = numbers(padded_dims, Int(ndims))[1]
    let lanes: Int
    switch blocking.inner_nblks {
    case 0: lanes = strides[1] == 1 ? sizes[1] : 1
    case 1 where blocking.inner_idxs.0 == 1: lanes = Int(blocking.inner_blks.0)
    default: return nil
    }
    var expected = [padded / lanes * positions * lanes, positions * lanes]
    if ndims == 4 { expected += [sizes[3] * lanes, lanes] }
    // A dimension of one element has a stride that nobody uses.
    let counts = [sizes[0], padded / lanes] + sizes.dropFirst(2)
    guard zip(zip(strides, expected), counts).allSatisfy({ $0.0 == $0.1 || $1 == 1 }) else { return nil }
    return (padded / lanes, positions, lanes)
  }
}

private func numbers(_ tuple: some Any, _ count: Int) -> [Int] {
  withUnsafeBytes(of: tuple) { $0.bindMemory(to: Int64.self).prefix(count).map(Int.init) }
}
