/// What a kernel holds, in plain layouts and double precision: a checkpoint does not depend on oneDNN's layouts.
extension ConvolutionalKernel {
  /// The layers from the lowest to the output, converted to and from `Double` without loss. Weights are `[node, channel * row *
  /// column]`, of a convolution the window's, of a dense layer the whole map's: PyTorch's order, flattened.
  ///
  /// - Precondition: what is set has this network's shape.
  public var layers: [LayerWeights] {
    get {
      passes.layers.map { layer in
        let (linear, normalization) = (layer.linear, layer.normalization)
        let nodeCount = linear.weights.layout.sizes[0]
        let weights = plainValues(of: linear.weights.values, linear.weights.layout).map(Double.init)
        func values(_ buffer: AlignedBuffer<Float>?) -> [Double]? {
          buffer.map { buffer in (0..<nodeCount).map { Double(buffer.start[$0]) } }
        }
        return LayerWeights(
          weights: Matrix(rowCount: nodeCount, columnCount: weights.count / nodeCount, values: weights),
          biases: values(linear.biases?.values), means: values(normalization?.runningMeans),
          variances: values(normalization?.runningVariances), scales: values(normalization?.scales?.values),
          shifts: values(normalization?.shifts?.values))
      }
    }
    set {
      precondition(newValue.count == passes.layers.count, "another depth")
      for (layer, new) in zip(passes.layers, newValue) {
        let (linear, normalization) = (layer.linear, layer.normalization)
        let sizes = linear.weights.layout.sizes
        precondition(
          new.weights.rowCount == sizes[0] && new.weights.columnCount == sizes.dropFirst().reduce(1, *),
          "layer of another shape")
        write(new.weights.values, to: linear.weights.values, linear.weights.layout)
        func set(_ buffer: AlignedBuffer<Float>?, _ values: [Double]?) {
          precondition(values?.count == (buffer == nil ? nil : sizes[0]), "one number a node")
          for (node, value) in (values ?? []).enumerated() { buffer?.start[node] = Float(value) }
        }
        set(linear.biases?.values, new.biases)
        set(normalization?.runningMeans, new.means)
        set(normalization?.runningVariances, new.variances)
        set(normalization?.scales?.values, new.scales)
        set(normalization?.shifts?.values, new.shifts)
      }
    }
  }

  /// Whether every weight and running statistic is finite; once one is not, the run has diverged.
  public var isFinite: Bool {
    parameters.allSatisfy(\.values.isFinite)
      && passes.layers.allSatisfy {
        ($0.normalization?.runningMeans.isFinite ?? true) && ($0.normalization?.runningVariances.isFinite ?? true)
      }
  }

  /// What the update rule remembers; nil as long as there is nothing. The order of the moments is that of `OptimizerState`.
  public var optimizerState: OptimizerState? {
    guard let momentCount = parameters.first?.moments.count, momentCount > 0 else { return nil }
    var moments: [[Double]] = []
    for index in 0..<momentCount {
      for group in groups {
        let arrays = group.map { plainValues(of: $0.moments[index], $0.layout) }
        var rows: [Double] = []
        for row in 0..<group[0].layout.sizes[0] {
          for (array, parameter) in zip(arrays, group) {
            let width = parameter.rowWidth
            for value in array[(row * width)..<((row + 1) * width)] { rows.append(Double(value)) }
          }
        }
        moments.append(rows)
      }
    }
    return OptimizerState(stepCount: stepCount, moments: moments)
  }

  /// Goes on with what a rule remembered; false if it is not of this network's shape.
  public func restore(_ state: OptimizerState) -> Bool {
    let groups = groups
    let sizes = groups.map { group in group.reduce(0) { $0 + $1.layout.plain.floatCount } }
    let given = state.moments.map(\.count)
    guard given == sizes || given == sizes + sizes else { return false }
    stepCount = state.stepCount
    for group in groups { for parameter in group { parameter.moments = [] } }
    for (index, values) in state.moments.enumerated() {
      let group = groups[index % groups.count]
      let stride = group.reduce(0) { $0 + $1.rowWidth }
      var offset = 0
      for parameter in group {
        var array: [Double] = []
        for row in 0..<parameter.layout.sizes[0] {
          let first = row * stride + offset
          array += values[first..<(first + parameter.rowWidth)]
        }
        let buffer = AlignedBuffer<Float>(count: parameter.values.count)
        write(array, to: buffer, parameter.layout)
        parameter.moments.append(buffer)
        offset += parameter.rowWidth
      }
    }
    return true
  }

  /// Parameters that are one array of an `OptimizerState`: weights with their biases, scales, shifts.
  var groups: [[Parameter]] {
    passes.layers.map { [$0.linear.weights] + ($0.linear.biases.map { [$0] } ?? []) }
      + passes.layers.compactMap { $0.normalization?.scales.map { [$0] } }
      + passes.layers.compactMap { $0.normalization?.shifts.map { [$0] } }
  }

  private func plainValues(of buffer: AlignedBuffer<Float>, _ layout: Layout) -> [Float] {
    passes.builder.engine.plainValues(of: buffer, layout)
  }

  private func write(_ values: [Double], to buffer: AlignedBuffer<Float>, _ layout: Layout) {
    passes.builder.engine.write(values, to: buffer, layout)
  }
}

extension Parameter {
  /// Numbers of a node.
  fileprivate var rowWidth: Int { layout.sizes.dropFirst().reduce(1, *) }
}
