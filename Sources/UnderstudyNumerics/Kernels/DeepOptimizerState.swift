extension DeepKernel {
  /// What the update rule remembers, without padding; nil as long as there is nothing.
  ///
  /// - Precondition: what is set ``fits(_:)``.
  public var optimizerState: OptimizerState? {
    get {
      guard !moments.isEmpty else { return nil }
      let values = moments.enumerated().map { index, buffer in
        let (rows, columns, stride) = extent(ofMoment: index)
        return (0..<rows).flatMap { row in (0..<columns).map { Double(buffer.start[row * stride + $0]) } }
      }
      return OptimizerState(stepCount: stepCount, moments: values)
    }
    set {
      precondition(newValue.map(fits) ?? true, "moments of another shape")
      stepCount = newValue?.stepCount ?? 0
      moments = (newValue?.moments ?? []).enumerated().map { index, values in
        let (rows, columns, stride) = extent(ofMoment: index)
        let buffer = AlignedBuffer<Scalar>(count: rows * stride)
        for row in 0..<rows {
          for column in 0..<columns { buffer.start[row * stride + column] = Scalar(values[row * columns + column]) }
        }
        return buffer
      }
    }
  }

  /// Whether these are the moments of a network of this shape, of either rule.
  public func fits(_ state: OptimizerState) -> Bool {
    guard [parameters.count, 2 * parameters.count].contains(state.moments.count) else { return false }
    return state.moments.enumerated().allSatisfy { index, values in
      let (rows, columns, _) = extent(ofMoment: index)
      return values.count == rows * columns
    }
  }

  private func extent(ofMoment index: Int) -> (rows: Int, columns: Int, stride: Int) {
    let parameter = index % parameters.count
    guard parameter < shape.layerCount else { return (1, parameters[parameter].count, parameters[parameter].count) }
    let (rows, inputs) = (shape.widths[parameter + 1], shape.widths[parameter])
    return (rows, inputs + (shape.hasBiases ? 1 : 0), strides[parameter])
  }
}
