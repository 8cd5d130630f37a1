/// A step: forward, backward, and what the rule makes of the gradients.
extension DeepKernel {
  /// One step on the samples that the workspace points at.
  func step(count: Int, rule: UpdateRule) {
    forward(count: count)
    if rule.isPlain {
      // The update goes straight into the weights: the gradient of a large layer would cost a way to memory and back.
      startBackward(count: count, scale: rule.learningRate / Double(count))
      backward(count: count, rule: rule) { self.parameters[$0] }
      finishStep(rule)
    } else {
      for gradient in gradients { gradient.clear() }
      startBackward(count: count, scale: 1 / Double(count))
      backward(count: count, rule: rule) { self.gradients[$0] }
      apply(rule)
    }
  }

  /// Outputs of the samples that the workspace points at, and what the way back needs.
  func forward(count: Int) {
    let lanes = Int64(workspace.lanes)
    kernels.deepTranspose(
      workspace.inputRows[0].start, lanes, Int64(strides[0]), workspace.inputs[0].start, lanes, 1)
    for layer in 0..<shape.layerCount {
      let isHidden = layer < shape.hiddenLayerCount
      let isNormalized = isHidden && shape.normalization != .none
      let bias = shape.hasBiases ? 1 : 0
      let (depth, rows, stride) = (shape.widths[layer] + bias, shape.widths[layer + 1], strides[layer])
      let input = workspace.inputs[layer].start
      let output =
        isNormalized
        ? workspace.normalized[layer].start : isHidden ? workspace.inputs[layer + 1].start : workspace.outputs.start
      inParallel(rows: rows, depth: depth) { first, count in
        kernels.deepForward(
          Int64(count), Int64(depth), lanes, weights[layer].start + first * stride, Int64(stride), input,
          output + first * Int(lanes), isHidden && !isNormalized ? 1 : 0, shape.negativeSlope)
      }
      if isNormalized { normalize(layer: layer, count: count) }
      if isHidden {
        let above = strides[layer + 1]
        kernels.deepTranspose(
          workspace.inputLanes[layer + 1].start, Int64(above), lanes,
          UnsafeMutablePointer(mutating: workspace.inputRows[layer + 1].start[0]), Int64(above), 1)
      }
    }
  }

  private func normalize(layer: Int, count: Int) {
    let (rows, lanes) = (shape.widths[layer + 1], workspace.lanes)
    let values = workspace.normalized[layer].start
    let isAfter = shape.normalization == .afterActivation
    if isAfter {
      let activated = workspace.activated[layer].start
      kernels.activate(Int64(rows * lanes), values, activated, shape.negativeSlope)
      values.update(from: activated, count: rows * lanes)
    }
    kernels.normalize(
      Int64(rows), Int64(lanes), Int64(count), values, workspace.inputs[layer + 1].start,
      scales.isEmpty ? nil : scales[layer].start, shifts.isEmpty ? nil : shifts[layer].start, workspace.means.start,
      workspace.variances.start, workspace.inverses[layer].start, normalizationEpsilon,
      isAfter ? 1 : shape.negativeSlope)
    // As PyTorch: an exponential average of weight 0.1, the variance unbiased.
    let unbiased = Scalar(count) / Scalar(max(1, count - 1))
    for node in 0..<rows {
      runningMeans[layer].start[node] += (workspace.means.start[node] - runningMeans[layer].start[node]) * 0.1
      let variance = workspace.variances.start[node] * unbiased
      runningVariances[layer].start[node] += (variance - runningVariances[layer].start[node]) * 0.1
    }
  }

  /// The negative gradient of the loss towards the outputs, times scale.
  func startBackward(count: Int, scale: Double) {
    let (lanes, rows) = (Int64(workspace.lanes), shape.widths[shape.layerCount])
    kernels.deepTranspose(workspace.targetRows.start, lanes, Int64(outputStride), workspace.residuals.start, lanes, 1)
    switch loss {
    case .squaredError:
      kernels.deepResidual(Int64(rows) * lanes, workspace.residuals.start, workspace.outputs.start, scale)
    case .crossEntropy:
      kernels.deepCrossEntropy(Int64(rows), lanes, workspace.residuals.start, workspace.outputs.start, scale)
    case .distillation: preconditionFailure("dense kernels do not distil")
    }
  }

  /// Adds the negative gradient of each parameter that the rule moves to what `target` gives for its index.
  func backward(
    count: Int, rule: UpdateRule, target: (Int) -> AlignedBuffer<Scalar>
  ) {
    let lanes = Int64(workspace.lanes)
    var gradient = workspace.residuals.start
    for layer in (0..<shape.layerCount).reversed() {
      let (inputCount, rows, stride) = (shape.widths[layer], shape.widths[layer + 1], strides[layer])
      // Before the weights move: the way down goes through them as they were.
      let below = layer % 2 == 0 ? workspace.gradients.0.start : workspace.gradients.1.start
      if layer > 0 {
        let isNormalized = shape.normalization != .none
        let activations = isNormalized ? nil : UnsafePointer(workspace.inputs[layer].start)
        inParallel(rows: inputCount, depth: rows) { first, count in
          kernels.deepBackward(
            Int64(count), Int64(rows), lanes, weights[layer].start + first, Int64(stride), gradient,
            below + first * Int(lanes), activations.map { $0 + first * Int(lanes) }, shape.negativeSlope)
        }
        if isNormalized {
          normalizeBackward(layer: layer - 1, count: count, rule: rule, gradient: below, target: target)
        }
      }
      if isUpdated(layer, rule) {
        let weights = target(layer).start
        let current = gradient
        let columns = Int64(padded(inputCount + (shape.hasBiases ? 1 : 0), to: Scalar.lanePad))
        inParallel(rows: rows, depth: inputCount) { first, share in
          kernels.deepUpdate(
            Int64(share), columns, Int64(count), current + first * Int(lanes), lanes,
            workspace.inputRows[layer].start, weights + first * stride, Int64(stride))
        }
      }
      gradient = below
    }
  }

  private func normalizeBackward(
    layer: Int, count: Int, rule: UpdateRule, gradient: UnsafeMutablePointer<Scalar>,
    target: (Int) -> AlignedBuffer<Scalar>
  ) {
    let (rows, lanes) = (shape.widths[layer + 1], workspace.lanes)
    let elements = Int64(rows * lanes)
    if shape.normalization == .beforeActivation {
      kernels.gate(elements, gradient, workspace.inputs[layer + 1].start, shape.negativeSlope)
    }
    let first = shape.layerCount + layer
    let isLearnt = !scales.isEmpty && isUpdated(first, rule)
    // In a plain step the scales are what the gradients are added to: their old values are read before.
    kernels.normalizeBackward(
      Int64(rows), Int64(lanes), Int64(count), gradient, workspace.normalized[layer].start,
      scales.isEmpty ? nil : oldScales(layer), workspace.inverses[layer].start,
      isLearnt ? target(first).start : nil, isLearnt ? target(first + shape.hiddenLayerCount).start : nil)
    if shape.normalization == .afterActivation {
      kernels.gate(elements, gradient, workspace.activated[layer].start, shape.negativeSlope)
    }
  }

  private func oldScales(_ layer: Int) -> UnsafePointer<Scalar> {
    workspace.means.start.update(from: scales[layer].start, count: scales[layer].count)
    return UnsafePointer(workspace.means.start)
  }

  /// Moves all parameters along `gradients`.
  func apply(_ rule: UpdateRule) {
    stepCount += 1
    for (index, buffer) in parameters.enumerated() where isUpdated(index, rule) {
      let count = Int64(buffer.count)
      switch rule.optimizer {
      case .gradient(let momentum):
        kernels.momentum(
          count, buffer.start, moments[index].start, gradients[index].start, momentum, rule.weightDecay,
          rule.learningRate)
      case .adam:
        kernels.adam(
          count, buffer.start, moments[index].start, moments[index + gradients.count].start, gradients[index].start,
          rule.weightDecay, rule.learningRate, 0.9, 0.999, 1 - power(0.9, Double(stepCount)),
          1 - power(0.999, Double(stepCount)), 1e-8)
      }
    }
    finishStep(rule)
  }

  private func finishStep(_ rule: UpdateRule) {
    if rule.unitNormFirstLayer && rule.updatesFirstLayer { normalizeFirstLayer() }
  }

  /// Whether the rule moves `parameters[parameter]`. Scale and shift of a frozen layer's normalisation stay, too.
  private func isUpdated(_ parameter: Int, _ rule: UpdateRule) -> Bool {
    switch parameter {
    case 0, shape.layerCount, shape.layerCount + shape.hiddenLayerCount: rule.updatesFirstLayer
    case shape.layerCount - 1: rule.updatesLastLayer
    default: true
    }
  }

  /// Calls `body` with (first row, number of rows) for shares of the rows of a product over `depth` terms, on all threads
  /// at once.
  private func inParallel(rows: Int, depth: Int, _ body: (Int, Int) -> Void) {
    // A share of a million multiply-adds takes some 20 microseconds; waking a thread for less costs more than it saves.
    let shares = min(threadCount, rows * depth * workspace.lanes / 1_000_000)
    rowShares.perform(rows: rows, shares: shares, body)
  }
}

/// Added to a batch's variance under the root, as PyTorch's default.
public let normalizationEpsilon = 1e-5
