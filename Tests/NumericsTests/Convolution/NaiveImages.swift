import UnderstudyNumerics

/// A layer's numbers in some precision, as `LayerWeights` has them: weights `[node, fan-in]`.
struct NaiveLayer<Scalar: BinaryFloatingPoint> {
  var weights: [Scalar]
  var biases: [Scalar]?
  var means: [Scalar]?
  var variances: [Scalar]?
  var scales: [Scalar]?
  var shifts: [Scalar]?
}

/// The naive twin of ``ConvolutionalKernel``: plain loops, in double precision or, to see what rounding does, in single.
struct NaiveImages<Scalar: BinaryFloatingPoint> {
  typealias Maps = [[Scalar]]

  let shape: ConvolutionalShape
  var layers: [NaiveLayer<Scalar>]

  /// What a forward pass leaves, `[layer][image][channel, position]`.
  struct Trace {
    var inputs: [Maps] = []
    /// After the linear map, after what follows first and after what follows second of activation and normalisation.
    var linear: [Maps] = []
    var first: [Maps] = []
    var second: [Maps] = []
    var outputs: Maps = []
  }

  init(shape: ConvolutionalShape, layers: [LayerWeights]) {
    func convert(_ values: [Double]?) -> [Scalar]? { values.map { $0.map { Scalar($0) } } }
    self.shape = shape
    self.layers = layers.map {
      NaiveLayer(
        weights: convert($0.weights.values) ?? [], biases: convert($0.biases), means: convert($0.means),
        variances: convert($0.variances), scales: convert($0.scales), shifts: convert($0.shifts))
    }
  }

  // MARK: Forward

  /// - Parameter isTraining: normalise by the batch, and let the running statistics follow it.
  mutating func forward(_ images: Maps, isTraining: Bool) -> Trace {
    var (trace, below) = (Trace(), images)
    for index in layers.indices {
      let isHidden = index < layers.count - 1
      let kind = shape.layers[index]
      trace.inputs.append(below)
      let linear = below.map { linearMap(index, of: $0) }
      trace.linear.append(linear)
      func activated(_ maps: Maps) -> Maps { isHidden ? maps.map { $0.map { $0 > 0 ? $0 : $0 * slope } } : maps }
      let first =
        kind.normalization == .beforeActivation ? normalized(index, linear, isTraining: isTraining) : activated(linear)
      trace.first.append(first)
      let second =
        switch kind.normalization {
        case .none: first
        case .beforeActivation: activated(first)
        case .afterActivation: normalized(index, first, isTraining: isTraining)
        }
      trace.second.append(second)
      below = kind.pooling == nil ? second : second.map { pooled(index, $0) }
    }
    trace.outputs = below
    return trace
  }

  private var slope: Scalar { Scalar(shape.negativeSlope) }

  /// Calls `body` with (output, input, weight) of every product of a linear map.
  private func eachProduct(_ index: Int, _ body: (Int, Int, Int) -> Void) {
    let (input, output) = (shape.inputSizes[index], shape.activationSizes[index])
    guard case .convolution(let window) = shape.layers[index].kind else {
      for node in 0..<output.channels {
        for feature in 0..<input.count { body(node, feature, node * input.count + feature) }
      }
      return
    }
    for (node, row, column) in places(output) {
      for (channel, r, c) in places(MapSize(channels: input.channels, rows: window.rows, columns: window.columns)) {
        let y = row * window.rowStride + r - window.rowPadding
        let x = column * window.columnStride + c - window.columnPadding
        guard (0..<input.rows).contains(y), (0..<input.columns).contains(x) else { continue }
        body(
          (node * output.rows + row) * output.columns + column, (channel * input.rows + y) * input.columns + x,
          ((node * input.channels + channel) * window.rows + r) * window.columns + c)
      }
    }
  }

  private func places(_ size: MapSize) -> [(Int, Int, Int)] {
    (0..<size.count).map { ($0 / size.positionCount, $0 / size.columns % size.rows, $0 % size.columns) }
  }

  private func linearMap(_ index: Int, of input: [Scalar]) -> [Scalar] {
    let size = shape.activationSizes[index]
    let layer = layers[index]
    var result = (0..<size.count).map { layer.biases?[$0 / size.positionCount] ?? 0 }
    eachProduct(index) { result[$0] += layer.weights[$2] * input[$1] }
    return result
  }

  private mutating func normalized(_ index: Int, _ maps: Maps, isTraining: Bool) -> Maps {
    let size = shape.activationSizes[index]
    var result = maps
    for channel in 0..<size.channels {
      let range = channel * size.positionCount..<(channel + 1) * size.positionCount
      var (mean, variance) = (layers[index].means?[channel] ?? 0, layers[index].variances?[channel] ?? 0)
      if isTraining {
        let values = maps.flatMap { $0[range] }
        let count = Scalar(values.count)
        mean = values.reduce(0, +) / count
        variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        let old = layers[index]
        layers[index].means?[channel] += (mean - (old.means?[channel] ?? 0)) / 10
        let unbiased = variance * count / (count - 1)
        layers[index].variances?[channel] += (unbiased - (old.variances?[channel] ?? 0)) / 10
      }
      let factor = (layers[index].scales?[channel] ?? 1) / (variance + Scalar(normalizationEpsilon)).squareRoot()
      for image in maps.indices {
        for place in range {
          result[image][place] = (maps[image][place] - mean) * factor + (layers[index].shifts?[channel] ?? 0)
        }
      }
    }
    return result
  }

  /// Places of the map that each output of a pooling looks at.
  private func windows(_ index: Int) -> [[Int]] {
    let map = shape.activationSizes[index]
    guard let pooling = shape.layers[index].pooling, let output = pooling.size(over: map) else { return [] }
    let window: Window =
      switch pooling {
      case .maximum(let window), .average(let window): window
      case .globalAverage: Window(rows: map.rows, columns: map.columns)
      }
    return places(output).map { channel, row, column in
      places(MapSize(channels: 1, rows: window.rows, columns: window.columns)).compactMap { _, r, c in
        let y = row * window.rowStride + r - window.rowPadding
        let x = column * window.columnStride + c - window.columnPadding
        guard (0..<map.rows).contains(y), (0..<map.columns).contains(x) else { return nil }
        return (channel * map.rows + y) * map.columns + x
      }
    }
  }

  private func pooled(_ index: Int, _ map: [Scalar]) -> [Scalar] {
    windows(index).map { places in
      if case .maximum = shape.layers[index].pooling { return places.map { map[$0] }.max() ?? 0 }
      return places.reduce(0) { $0 + map[$1] } / Scalar(places.count)
    }
  }

  // MARK: Backward

  /// Gradients of every array, in the order of an `OptimizerState`: weights with their biases by layer, scales, shifts.
  func gradients(_ trace: Trace, at outputs: Maps) -> [[Scalar]] {
    var (weights, scales, shifts): ([[Scalar]], [[Scalar]], [[Scalar]]) = ([], [], [])
    var gradient = outputs
    for index in layers.indices.reversed() {
      let kind = shape.layers[index]
      let isHidden = index < layers.count - 1
      if kind.pooling != nil { gradient = zip(gradient, trace.second[index]).map { unpooled(index, $0, $1) } }
      func gated(_ gradient: Maps, by maps: Maps) -> Maps {
        guard isHidden else { return gradient }
        return zip(gradient, maps).map { zip($0, $1).map { $1 > 0 ? $0 : $0 * slope } }
      }
      func unnormalized(_ gradient: Maps, _ maps: Maps) -> Maps {
        let back = self.unnormalized(index, gradient, maps)
        if layers[index].scales != nil { (scales, shifts) = ([back.scales] + scales, [back.shifts] + shifts) }
        return back.gradient
      }
      switch kind.normalization {
      case .none: gradient = gated(gradient, by: trace.linear[index])
      case .beforeActivation:
        gradient = unnormalized(gated(gradient, by: trace.first[index]), trace.linear[index])
      case .afterActivation:
        gradient = gated(unnormalized(gradient, trace.first[index]), by: trace.linear[index])
      }
      let back = unmapped(index, gradient, trace.inputs[index])
      weights.insert(back.parameters, at: 0)
      gradient = back.gradient
    }
    return weights + scales + shifts
  }

  private func unpooled(_ index: Int, _ gradient: [Scalar], _ map: [Scalar]) -> [Scalar] {
    var result = [Scalar](repeating: 0, count: map.count)
    for (value, places) in zip(gradient, windows(index)) {
      if case .maximum = shape.layers[index].pooling {
        if let place = places.max(by: { map[$0] < map[$1] }) { result[place] += value }
      } else {
        for place in places { result[place] += value / Scalar(places.count) }
      }
    }
    return result
  }

  private func unnormalized(
    _ index: Int, _ gradient: Maps, _ maps: Maps
  ) -> (gradient: Maps, scales: [Scalar], shifts: [Scalar]) {
    let size = shape.activationSizes[index]
    var (result, scales, shifts): (Maps, [Scalar], [Scalar]) = (gradient, [], [])
    for channel in 0..<size.channels {
      let range = channel * size.positionCount..<(channel + 1) * size.positionCount
      let values = maps.flatMap { $0[range] }
      let slopes = gradient.flatMap { $0[range] }
      let count = Scalar(values.count)
      let mean = values.reduce(0, +) / count
      let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
      let inverse = 1 / (variance + Scalar(normalizationEpsilon)).squareRoot()
      let shift = slopes.reduce(0, +)
      let scale = zip(values, slopes).reduce(0) { $0 + ($1.0 - mean) * inverse * $1.1 }
      scales.append(scale)
      shifts.append(shift)
      for image in maps.indices {
        for place in range {
          let x = (maps[image][place] - mean) * inverse
          let centred = gradient[image][place] - shift / count - x * scale / count
          result[image][place] = (layers[index].scales?[channel] ?? 1) * inverse * centred
        }
      }
    }
    return (result, scales, shifts)
  }

  private func unmapped(_ index: Int, _ gradient: Maps, _ inputs: Maps) -> (gradient: Maps, parameters: [Scalar]) {
    let layer = layers[index]
    let size = shape.activationSizes[index]
    var weights = [Scalar](repeating: 0, count: layer.weights.count)
    var biases = [Scalar](repeating: 0, count: size.channels)
    var result = inputs.map { [Scalar](repeating: 0, count: $0.count) }
    for image in inputs.indices {
      for (place, value) in gradient[image].enumerated() { biases[place / size.positionCount] += value }
      eachProduct(index) { output, input, weight in
        weights[weight] += gradient[image][output] * inputs[image][input]
        result[image][input] += gradient[image][output] * layer.weights[weight]
      }
    }
    let width = weights.count / size.channels
    let rows = (0..<size.channels).flatMap { node in
      weights[(node * width)..<((node + 1) * width)] + (layer.biases == nil ? [] : [biases[node]])
    }
    return (result, rows)
  }
}
