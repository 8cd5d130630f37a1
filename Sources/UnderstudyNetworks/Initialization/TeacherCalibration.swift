import UnderstudyNumerics

extension TeacherDesign {
  /// Sets what depends on the calibration sample: medians, normalisations and the output layer, lowest layer first.
  ///
  /// - Throws: ``ShapeError`` if the sample is missing or does not fit, or there are no biases to move.
  func calibrated(_ network: Network, on sample: Matrix?) throws(ShapeError) -> Network {
    guard let sample else {
      throw ShapeError(
        "median biases, normalised outputs and batch normalisation of a teacher need a calibration sample; "
          + "give one of at least 2 inputs")
    }
    guard sample.columnCount == network.inputCount else {
      throw ShapeError(
        "the calibration sample has \(sample.columnCount) features, but the teacher expects \(network.inputCount); "
          + "draw it with as many")
    }
    guard sample.rowCount >= 2 else {
      throw ShapeError(
        "a calibration sample of \(sample.rowCount) input(s) has no variance; give at least 2")
    }
    guard bias != nil || !(medianBiases || normalizedOutput) else {
      throw ShapeError(
        "median biases and normalised outputs move biases, and this teacher has none; give it biases "
          + "(network.biases), or leave teacher.medianBiases and teacher.normalizedOutput off")
    }
    var (layers, values) = (network.layers, sample.transposed)
    for index in hiddenCounts.indices { values = calibrate(&layers[index], on: values) }
    if normalizedOutput {
      let last = layers.count - 1
      normalize(&layers[last], over: layers[last].preactivations(of: values))
    }
    return try Network(layers: layers, activation: activation)
  }

  /// Calibrates a hidden layer; returns what it passes on, `[node, sample]`.
  private func calibrate(_ layer: inout NetworkLayer, on block: Matrix) -> Matrix {
    var values = layer.preactivations(of: block)
    if medianBiases && normalization != .beforeActivation {
      for node in 0..<layer.nodeCount {
        let middle = median(of: values.row(node))
        layer.biases?[node] -= middle
        for i in 0..<values.columnCount { values[node, i] -= middle }
      }
    }
    if normalization != .beforeActivation { values = activation(values) }
    if let normalization {
      var statistics = batchNormalization(normalization, of: values)
      apply(statistics, to: &values)
      if normalization == .beforeActivation {
        if medianBiases {
          // The mean takes every bias away again; only a shift behind it moves the boundary.
          let shifts = (0..<layer.nodeCount).map { -median(of: values.row($0)) }
          for (node, shift) in shifts.enumerated() {
            for i in 0..<values.columnCount { values[node, i] += shift }
          }
          statistics.scales = [Double](repeating: 1, count: layer.nodeCount)
          statistics.shifts = shifts
        }
        values = activation(values)
      }
      layer.normalization = statistics
    }
    return values
  }
}

/// The statistics of each row of `values`, without scales and shifts.
private func batchNormalization(
  _ placement: BatchNormalization.Placement, of values: Matrix
) -> BatchNormalization {
  let rows = (0..<values.rowCount).map { moments(of: values.row($0)) }
  return BatchNormalization(placement: placement, means: rows.map(\.mean), variances: rows.map(\.variance))
}

private func apply(_ normalization: BatchNormalization, to values: inout Matrix) {
  for (node, factor) in normalization.factors.enumerated() {
    for i in 0..<values.columnCount { values[node, i] = factor * (values[node, i] - normalization.means[node]) }
  }
}

/// Scales and shifts a layer so that each node has mean 0 and variance 1 over `values`, its present ones; one that does
/// not vary is only shifted.
private func normalize(_ layer: inout NetworkLayer, over values: Matrix) {
  for node in 0..<layer.nodeCount {
    let (mean, variance) = moments(of: values.row(node))
    let largest = values.row(node).reduce(0) { max($0, abs($1)) }
    // What constants leave by rounding is no variation.
    let deviation = variance.squareRoot()
    let factor = deviation > 1e-12 * largest ? 1 / deviation : 1
    for input in 0..<layer.inputCount { layer.weights[node, input] *= factor }
    let bias = layer.biases?[node] ?? 0
    layer.biases?[node] = factor * (bias - mean)
  }
}

/// Mean and unbiased variance, in two passes and in index order.
private func moments(of values: ArraySlice<Double>) -> (mean: Double, variance: Double) {
  let mean = values.reduce(0, +) / Double(values.count)
  let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
  return (mean, squares / Double(values.count - 1))
}

/// The middle value; of an even number, the mean of the two in the middle.
private func median(of values: ArraySlice<Double>) -> Double {
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
}
