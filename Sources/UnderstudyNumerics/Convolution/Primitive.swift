import COneDNN

/// What a primitive will do, and in which layouts. A class because it owns oneDNN's description.
final class PrimitiveDescription {
  fileprivate let description: dnnl_primitive_desc_t

  /// - Parameters:
  ///   - operation: oneDNN's descriptor of an operation.
  ///   - slope: of a (leaky) ReLU of the results; nil for none.
  ///   - forward: of a primitive of the way back, the one forward.
  init(
    _ operation: UnsafeRawPointer, activating slope: Double? = nil, forward: PrimitiveDescription? = nil,
    _ engine: DNNEngine,
    _ request: String
  ) throws(ConvolutionError) {
    var description: dnnl_primitive_desc_t?
    try withAttributes(slope: slope, request) { attributes throws(ConvolutionError) in
      try check(
        dnnl_primitive_desc_create(&description, operation, attributes, engine.engine, forward?.description), request)
    }
    guard let description else { throw ConvolutionError(request: request, reason: "returned no description") }
    self.description = description
  }

  /// Another layout of the same numbers.
  init(reorder source: Layout, to target: Layout, _ engine: DNNEngine) throws(ConvolutionError) {
    var (source, target) = (source, target)
    var description: dnnl_primitive_desc_t?
    let request = "reordering \(source.sizes)"
    try withAttributes(slope: nil, request) { attributes throws(ConvolutionError) in
      try check(
        dnnl_reorder_primitive_desc_create(
          &description, &source, engine.engine, &target, engine.engine, attributes), request)
    }
    guard let description else { throw ConvolutionError(request: request, reason: "returned no description") }
    self.description = description
  }

  deinit { dnnl_primitive_desc_destroy(description) }

  /// The layout that it wants for an argument, e.g. `dnnl_query_src_md`; nil if it has none.
  func layout(_ query: dnnl_query_t) -> Layout? {
    guard let layout = dnnl_primitive_desc_query_md(description, query, 0)?.pointee, layout.ndims > 0 else {
      return nil
    }
    return layout
  }

  /// As oneDNN reports it, e.g. "jit_wino_4x3:avx512_core".
  var implementation: String {
    var name: UnsafePointer<CChar>?
    let status = dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &name)
    return status == dnnl_success ? name.map { String(cString: $0) } ?? "" : ""
  }

  /// As ``layout(_:)``, of an argument that it must have.
  func wanted(_ query: dnnl_query_t) throws(ConvolutionError) -> Layout {
    guard let layout = layout(query) else {
      throw ConvolutionError(request: implementation, reason: "gave no layout of an argument")
    }
    return layout
  }

  /// Whether it is oneDNN's plain loops, which are slow.
  var isReference: Bool { implementation.hasPrefix("ref") || implementation.hasPrefix("simple:any") }
}

/// Calls `body` with what all primitives have in common: the caller's scratchpad; and an activation of the results.
private func withAttributes(
  slope: Double?, _ request: String, _ body: (dnnl_primitive_attr_t?) throws(ConvolutionError) -> Void
) throws(ConvolutionError) {
  var (attributes, operations): (dnnl_primitive_attr_t?, dnnl_post_ops_t?) = (nil, nil)
  try check(dnnl_primitive_attr_create(&attributes), request)
  defer { dnnl_primitive_attr_destroy(attributes) }
  try check(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user), request)
  if let slope {
    try check(dnnl_post_ops_create(&operations), request)
    defer { dnnl_post_ops_destroy(operations) }
    try check(dnnl_post_ops_append_eltwise(operations, 1, dnnl_eltwise_relu, Float(slope), 0), request)
    try check(dnnl_primitive_attr_set_post_ops(attributes, operations), request)
  }
  try body(attributes)
}

/// The first of several descriptions that oneDNN has fast code for; else the first that it has at all.
///
/// - Throws: ``ConvolutionError``, that of the last one, if there is none.
func firstFast(
  _ candidates: [() throws(ConvolutionError) -> PrimitiveDescription]
) throws(ConvolutionError) -> PrimitiveDescription {
  var (slow, refusal): (PrimitiveDescription?, ConvolutionError?)
  for candidate in candidates {
    do throws(ConvolutionError) {
      let description = try candidate()
      if !description.isReference { return description }
      slow = slow ?? description
    } catch {
      refusal = error
    }
  }
  if let slow { return slow }
  throw refusal ?? ConvolutionError(request: "a primitive", reason: "was not asked")
}

/// An operation of oneDNN bound to its arguments. A class because it owns oneDNN's primitive and adds up its time.
final class Primitive {
  let implementation: String
  /// Wall time of all runs so far.
  private(set) var seconds = 0.0
  private let primitive: dnnl_primitive_t
  private let arguments: [dnnl_exec_arg_t]
  /// What the arguments point at.
  private let tensors: [Tensor]
  private let engine: DNNEngine

  /// - Parameter arguments: by oneDNN's numbers, e.g. `DNNL_ARG_SRC`.
  init(
    _ description: PrimitiveDescription, _ arguments: [(Int32, Tensor)], _ engine: DNNEngine, scratchpad: SharedMemory
  ) throws(ConvolutionError) {
    implementation = description.implementation
    self.engine = engine
    var primitive: dnnl_primitive_t?
    try check(dnnl_primitive_create(&primitive, description.description), implementation)
    guard let primitive else { throw ConvolutionError(request: implementation, reason: "returned no primitive") }
    self.primitive = primitive
    var arguments = arguments
    if let layout = description.layout(dnnl_query_scratchpad_md), layout.floatCount > 0 {
      arguments.append((DNNL_ARG_SCRATCHPAD, try scratchpad.tensor(layout, engine)))
    }
    self.arguments = arguments.map { dnnl_exec_arg_t(arg: $0, memory: $1.memory) }
    tensors = arguments.map(\.1)
  }

  /// A copy in another layout.
  convenience init(
    reorder source: Tensor, to target: Tensor, _ engine: DNNEngine, scratchpad: SharedMemory
  ) throws(ConvolutionError) {
    try self.init(
      PrimitiveDescription(reorder: source.layout, to: target.layout, engine),
      [(DNNL_ARG_FROM, source), (DNNL_ARG_TO, target)], engine, scratchpad: scratchpad)
  }

  deinit { dnnl_primitive_destroy(primitive) }

  func run() {
    let start = monotonicSeconds()
    let status = arguments.withUnsafeBufferPointer {
      dnnl_primitive_execute(primitive, engine.stream, Int32($0.count), $0.baseAddress)
    }
    precondition(
      status == dnnl_success && dnnl_stream_wait(engine.stream) == dnnl_success, "\(implementation) failed: \(status)")
    seconds += monotonicSeconds() - start
  }
}
