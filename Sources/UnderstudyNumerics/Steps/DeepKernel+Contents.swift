extension DeepKernel {
  /// The layers from the lowest to the output, converted to and from `Double`; a `Float` network's numbers survive the round
  /// trip exactly.
  public var layers: [LayerWeights] {
    get {
      (0..<shape.layerCount).map { layer in
        let (inputs, nodes) = (shape.widths[layer], shape.widths[layer + 1])
        var matrix = Matrix(rowCount: nodes, columnCount: inputs)
        let start = weights[layer].start
        for node in 0..<nodes {
          for input in 0..<inputs { matrix[node, input] = Double(start[node * strides[layer] + input]) }
        }
        let biases = shape.hasBiases ? (0..<nodes).map { Double(start[$0 * strides[layer] + inputs]) } : nil
        func values(_ buffers: [AlignedBuffer<Scalar>]) -> [Double]? {
          layer < buffers.count ? (0..<nodes).map { Double(buffers[layer].start[$0]) } : nil
        }
        return LayerWeights(
          weights: matrix, biases: biases, means: values(runningMeans), variances: values(runningVariances),
          scales: values(scales), shifts: values(shifts))
      }
    }
    set {
      checkLayers(newValue, fit: shape)
      for (layer, new) in newValue.enumerated() {
        copyRows(of: new.weights, to: weights[layer].start, stride: strides[layer])
        for (node, bias) in (new.biases ?? []).enumerated() {
          weights[layer].start[node * strides[layer] + shape.widths[layer]] = Scalar(bias)
        }
        func write(_ values: [Double]?, to buffers: [AlignedBuffer<Scalar>]) {
          precondition(
            values?.count == (layer < buffers.count ? shape.widths[layer + 1] : nil), "one number a normalised node")
          for (node, value) in (values ?? []).enumerated() { buffers[layer].start[node] = Scalar(value) }
        }
        write(new.means, to: runningMeans)
        write(new.variances, to: runningVariances)
        write(new.scales, to: scales)
        write(new.shifts, to: shifts)
      }
    }
  }

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
